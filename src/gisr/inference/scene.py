"""Satellite scenes of any size: read by windows, sharpened in tiles, written rows after rows."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from jaxtyping import Bool

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.align import Alignment
from gisr.inference.order import FileResult, Order
from gisr.inference.sampling import RegularSample
from gisr.inference.source import PairSource, Survey, Values, sample_of, survey_of
from gisr.inference.tiles import Rows, Window
from gisr.inference.upscaler import Progress, Upscaler
from gisr.io.geotiff import GeoReader, Layout, create_geotiff, geotiff_memory, waiting_bytes
from gisr.io.pairs import RasterPair
from gisr.io.placement import Placement
from gisr.tasks.task import find_task

_SCAN_SAMPLES = 2**19
"""Samples read at a time in the survey."""
_CELLS = {"target": 16, "guide": 64}
"""Side of the cells, in own pixels, for which the survey notes whether anything is known."""
_BLOCK_CACHE = 48 * 10**6
"""Bytes of decoded blocks that GDAL may keep, unless one row of blocks needs more."""


class RasterSource(PairSource):
    """A pair of GeoTIFFs that are read where they are needed."""

    def __init__(self, about: Pair, target: GeoReader, guide: GeoReader) -> None:
        """Cut windows from two open files."""
        super().__init__(about, guide.header.shape, target.header.shape)
        self._target, self._guide = target, guide
        self._occupied: dict[str, Bool[np.ndarray, "rows columns"]] = {}

    def read_target(self, rows: slice, columns: slice) -> Values:
        """Return a window of the target."""
        pixels, valid = self._target.read(rows, columns)
        return np.where(valid[..., None], pixels, 0).astype(np.float32), valid

    def read_guide(self, rows: slice, columns: slice) -> Values:
        """Return a window of the guide."""
        pixels, valid = self._guide.read(rows, columns)
        return np.where(valid[..., None], pixels, 0).astype(np.float32), valid

    @cached_property
    def survey(self) -> Survey:
        """Look at all of both files once, window by window.

        Raises:
            InputError: A file has no known pixel, or values beyond the bits it is said to have.
        """
        samples = {}
        for name, reader in (("target", self._target), ("guide", self._guide)):
            samples[name] = sample_of(find_task(self.about.task))
            self._occupied[name] = _scan(reader, samples[name], _CELLS[name])
            if not self._occupied[name].any():
                raise InputError(f"{reader.header.path}: every pixel is unknown (no data)")
        found = survey_of(samples["target"], samples["guide"], find_task(self.about.task))
        bits = self.about.bits
        if bits is not None and found.highest > 2**bits - 1:
            raise InputError(
                f"{self._target.header.path}: holds {found.highest:g}, which {bits} bits cannot: "
                "correct bits or leave it out"
            )
        return found

    def may_hold(self, window: Window) -> bool:
        """Return false where the survey saw that a window has no known pixel."""
        if not self._occupied:
            return True
        area, _ = self._target_area(window)
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
    height *= max(1, _SCAN_SAMPLES // (height * min(width, header.shape[1]) * header.bands))
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


def upscale_scene(upscaler: Upscaler, order: Order, progress: Progress | None = None) -> FileResult:
    """Sharpen one GeoTIFF with another; the output appears whole or not at all.

    Raises:
        InputError: A file has no known pixel, or an option does not fit.
        FileFormatError: A file is damaged, or the output cannot be written.
        LimitError: ``max_memory`` is too little.
    """
    files, options = order.files, order.options
    assert isinstance(files, RasterPair)
    about = _about(order, files)
    target, guide, layout = files.target, files.guide, options.layout or Layout()
    with geotiff_memory(_block_cache(files)), GeoReader(target) as low, GeoReader(guide) as high:
        source = RasterSource(about, low, high)
        _ = source.survey
        alignment = source.align() if upscaler.align == "auto" else None
        notes = _notes(files, about.placement, alignment)
        tile = None
        if options.max_memory is not None:
            waiting = waiting_bytes(target, guide, layout)
            tile = upscaler.tile_within(source, options.max_memory, waiting)
            if tile < upscaler.tile:
                notes.append(f"tiles of {tile} in place of {upscaler.tile} to keep to max-memory")
        with create_geotiff(
            order.output, target=target, guide=guide, layout=layout, overwrite=options.overwrite
        ) as writer:
            rows = upscaler.stream(
                source, description=options.description, progress=progress, tile=tile
            )
            for part in rows:
                _write(part, writer.write, writer.write_unknown)
    return FileResult(
        path=order.output,
        task="pansharpening",
        shape=(*guide.shape, target.bands),
        dtype=target.dtype.name,
        ratio=about.placement.ratio,
        grid="centre",
        alignment=alignment,
        notes=tuple(notes),
    )


def _about(order: Order, files: RasterPair) -> Pair:
    """Return what is known of the pair without its pixels."""
    if order.options.grid == "kspace":
        raise InputError("grid 'kspace' is for images in memory (mri, depth): leave it out")
    placed = files.placement if files.target.placed else None
    placement, _ = order.place(files.target.shape, files.guide.shape, placed)
    return Pair(
        np.zeros((1, 1, files.target.bands), np.float32),
        np.zeros((1, 1, files.guide.bands), np.float32),
        "pansharpening",
        placement,
        "centre",
        name=files.target.path.name,
        sensor=order.options.sensor,
        bits=files.target.bits if order.options.bits is None else order.options.bits,
    )


def _block_cache(files: RasterPair) -> int:
    """Return the bytes of decoded blocks that GDAL may keep: a row of blocks of each file."""
    return _BLOCK_CACHE + sum(
        header.block[0] * header.shape[1] * header.bands * header.dtype.itemsize
        for header in (files.target, files.guide)
    )


def _write(rows: Rows, write: Callable[..., None], write_unknown: Callable[[int], None]) -> None:
    if rows.image is None:
        write_unknown(rows.stop - rows.start)
    else:
        write(rows.image, ~np.isnan(rows.image[..., 0]))


def _notes(files: RasterPair, placement: Placement, alignment: Alignment | None) -> list[str]:
    """Return what a user should know about choices that were made for them."""
    target, guide, notes = files.target, files.guide, list[str]()
    if target.alpha:
        notes.append(f"{target.path.name}: its alpha band masks the others and is kept as a mask")
    used = guide.bands + guide.alpha
    if guide.count > used:
        notes.append(
            f"{guide.path.name} has {guide.count - guide.alpha} bands: band 1 is the guide"
        )
    if alignment is not None:
        notes.append(alignment.note)
    inside = np.prod([axis.mean() for axis in placement.covered_axes(target.shape, guide.shape)])
    if inside < 1:
        notes.append(f"{1 - inside:.1%} of the guide lies outside the target: unknown there")
    return notes
