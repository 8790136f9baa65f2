"""A pair of GeoTIFFs of any size, read by windows where they are needed."""

from functools import cached_property
from threading import Lock

import numpy as np
from jaxtyping import Bool

from gisr.data.pair import Pair
from gisr.inference.survey import Survey, shared_areas, survey_of
from gisr.inference.windowed_pair import KnownImage, PairSource
from gisr.io.geotiff import GeoReader, Warp
from gisr.io.geotiff.nodata import nodata_values
from gisr.io.geotiff.reader import KnownSamples
from gisr.notes import Note
from gisr.pipelines.pipeline import check_values
from gisr.pipelines.raster_look import RasterLook, bits_note, look_at, look_notes
from gisr.tasks import find_task
from gisr.windows import Window

_CELLS = {"target": 16, "guide": 64}
"""Side of the cells, in own pixels, for which the survey notes whether anything is known."""


class RasterSource(PairSource):
    """A pair of GeoTIFFs that are read where they are needed."""

    def __init__(
        self, about: Pair, target: GeoReader, guide: GeoReader, *, search: bool = True
    ) -> None:
        """Cut windows from two open files.

        Args:
            about: What is known of the pair.
            target: The multispectral file.
            guide: The panchromatic file.
            search: Whether the survey looks for fill that the files do not declare.
        """
        super().__init__(about, guide.header.shape, target.header.shape)
        self._search = search
        self.notes: list[Note] = []
        """What the survey found of values that are no data."""
        self._target, self._guide = target, guide
        self.changed_by_codec = target.header.changed_by_codec
        self._reading = Lock()
        """Held while a file is read: tiles are cut in several threads, and GDAL's files are not
        made for that."""
        self._occupied: dict[str, Bool[np.ndarray, "rows columns"]] = {}

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        with self._reading:
            pixels, valid = self._target.read(rows, columns)
        return np.where(valid[..., None], pixels, 0).astype(np.float32), valid

    def read_on_guide_grid(self, window: Window) -> KnownImage | None:
        """Return a window that is interpolated but once, where the target lies on other axes."""
        if not isinstance(self._target.header.regrid, Warp):
            return None
        with self._reading:
            pixels, valid = self._target.read_on(self._guide.header, *window)
        return pixels.astype(np.float32), valid

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        with self._reading:
            pixels, valid = self._guide.read(rows, columns)
        return np.where(valid[..., None], pixels, 0).astype(np.float32), valid

    def stored_guide(self, rows: slice) -> KnownSamples:
        """Return whole rows of the guide in the type on disk, to be copied."""
        with self._reading:
            return self._guide.read(rows, slice(0, self._guide.header.shape[1]))

    @cached_property
    def survey(self) -> Survey:
        """Read all of both files once, window by window; twice where one has fill.

        Raises:
            InputError: A file has no known pixel, or values beyond its stated bits.
        """
        readers = {"target": self._target, "guide": self._guide}
        declared = {n: nodata_values(each.header.band_nodata) for n, each in readers.items()}
        seen: dict[str, RasterLook] = {}
        # The target again where it has what turned out to be the guide's fill.
        for name, other in (("target", "guide"), ("guide", "target"), ("target", "guide")):
            fills = seen[other].fills if other in seen else ()
            named = (*declared[other], *(fill.value for fill in fills))
            if name in seen and (seen[name].fills or not seen[other].fills):
                continue
            seen[name] = look_at(readers[name], _CELLS[name], search=self._search, named=named)
        for name, look in seen.items():
            self._occupied[name] = look.occupied
            self.notes += look_notes(readers[name], look, guides=name == "guide")
            bits = self.about.bits if name == "target" else None
            if name == "target":
                hint = bits_note(readers[name], look, bits)
                self.notes += [] if hint is None else [hint]
            check_values(readers[name].header.path, look.sample.lowest, look.sample.highest, bits)
        target, guide = seen["target"].sample, seen["guide"].sample
        areas = shared_areas(self.about, self.target_shape, self.shape)
        return survey_of(target, guide, find_task(self.about.task), areas)

    def may_hold(self, window: Window) -> bool:
        """Return false where the survey saw that a window has no known pixel."""
        if not self._occupied:
            return True
        area, _ = self.target_area(window)
        reach = int(np.ceil(max(map(abs, self.offset))))
        wide = (
            slice(max(0, window[0].start - reach), window[0].stop + reach),
            slice(max(0, window[1].start - reach), window[1].stop + reach),
        )
        return self._any("target", area) and self._any("guide", wide)

    def _any(self, name: str, window: Window) -> bool:
        cell = _CELLS[name]
        rows, columns = (slice(part.start // cell, -(-part.stop // cell)) for part in window)
        return bool(self._occupied[name][rows, columns].any())
