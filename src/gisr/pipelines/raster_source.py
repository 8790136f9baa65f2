"""A pair of GeoTIFFs of any size, read by windows where they are needed."""

from functools import cached_property

import numpy as np
from jaxtyping import Bool

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.percentile_sample import RegularSample
from gisr.inference.survey import Survey, sample_of, survey_of
from gisr.inference.windowed_pair import KnownImage, PairSource
from gisr.io.geotiff import GeoReader, Warp
from gisr.pipelines.pipeline import check_values
from gisr.tasks import find_task
from gisr.windows import Window

_SCAN_SAMPLES = 2**19
"""Samples read at a time in the survey."""
_MOST_SCANNED = 2**23
"""Samples of blocks above which these are read in parts."""
_CELLS = {"target": 16, "guide": 64}
"""Side of the cells, in own pixels, for which the survey notes whether anything is known."""


class RasterSource(PairSource):
    """A pair of GeoTIFFs that are read where they are needed."""

    def __init__(self, about: Pair, target: GeoReader, guide: GeoReader) -> None:
        """Cut windows from two open files."""
        super().__init__(about, guide.header.shape, target.header.shape)
        self._target, self._guide = target, guide
        self._occupied: dict[str, Bool[np.ndarray, "rows columns"]] = {}

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        pixels, valid = self._target.read(rows, columns)
        return np.where(valid[..., None], pixels, 0).astype(np.float32), valid

    def read_on_guide_grid(self, window: Window) -> KnownImage | None:
        """Return a window that is interpolated but once, where the target lies on other axes."""
        if not isinstance(self._target.header.regrid, Warp):
            return None
        pixels, valid = self._target.read_on(self._guide.header, *window)
        return pixels.astype(np.float32), valid

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        pixels, valid = self._guide.read(rows, columns)
        return np.where(valid[..., None], pixels, 0).astype(np.float32), valid

    @cached_property
    def survey(self) -> Survey:
        """Read all of both files once, window by window.

        Raises:
            InputError: A file has no known pixel, or values beyond its stated bits.
        """
        samples = {}
        for name, reader in (("target", self._target), ("guide", self._guide)):
            samples[name] = sample_of(find_task(self.about.task))
            self._occupied[name] = _scan(reader, samples[name], _CELLS[name])
            if not self._occupied[name].any():
                raise InputError(f"{reader.header.path}: every pixel is unknown (no data)")
            bits = self.about.bits if name == "target" else None
            lowest, highest = samples[name].lowest, samples[name].highest
            check_values(reader.header.path, lowest, highest, bits)
        return survey_of(samples["target"], samples["guide"], find_task(self.about.task))

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


def _scan(reader: GeoReader, sample: RegularSample, cell: int) -> Bool[np.ndarray, "rows columns"]:
    """Add a file to a sample; return which of its cells have a known pixel."""
    header = reader.header
    height, width = (-(-side // cell) * cell for side in header.block)
    width *= max(1, _SCAN_SAMPLES // (height * width * header.bands))
    width = min(width, -(-header.shape[1] // cell) * cell)
    height *= max(1, _SCAN_SAMPLES // (height * min(width, header.shape[1]) * header.bands))
    if height * width * header.bands > _MOST_SCANNED:  # GDAL keeps blocks that are read in parts
        height = max(1, _SCAN_SAMPLES // (width * header.bands * cell)) * cell
    occupied = np.zeros([-(-side // cell) for side in header.shape], dtype=bool)
    for top in range(0, header.shape[0], height):
        for left in range(0, header.shape[1], width):
            rows = slice(top, min(top + height, header.shape[0]))
            columns = slice(left, min(left + width, header.shape[1]))
            pixels, valid = reader.read(rows, columns)
            sample.add(pixels, valid, (top, left))
            if valid.any():
                down = np.logical_or.reduceat(valid, np.arange(0, valid.shape[0], cell), axis=0)
                cells = np.logical_or.reduceat(down, np.arange(0, valid.shape[1], cell), axis=1)
                corner = top // cell, left // cell
                occupied[
                    corner[0] : corner[0] + cells.shape[0], corner[1] : corner[1] + cells.shape[1]
                ] = cells
    return occupied
