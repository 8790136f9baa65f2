"""Satellite scenes of any size: read by windows, sharpened in tiles, written rows after rows."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.estimation.registration import Alignment
from gisr.inference.consistency.correction import (
    Consistency,
    consistency_bytes,
    consistent_rows,
    is_wanted,
)
from gisr.inference.memory import most_memory_taken
from gisr.inference.percentile_sample import RegularSample
from gisr.inference.tiling import Rows
from gisr.inference.upscaler import Progress, Upscaler
from gisr.inference.windowed_pair import PairSource, Survey, Values, sample_of, survey_of
from gisr.io.files import atomic_outputs
from gisr.io.geotiff import (
    GeoHeader,
    GeoReader,
    GeoWriter,
    Layout,
    Turn,
    Warp,
    create_geotiff,
    geotiff_memory,
    read_header,
    spread_header,
    waiting_bytes,
)
from gisr.io.pairs import RasterPair
from gisr.io.placement import Placement
from gisr.pipelines.checks import check_values
from gisr.pipelines.report import SceneResult, write_report
from gisr.pipelines.request import FileResult, Order
from gisr.tasks import find_task
from gisr.windows import Window

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

    def read_on_guide_grid(self, window: Window) -> Values | None:
        """Return a window that is interpolated but once, where the target lies on other axes."""
        if not isinstance(self._target.header.regrid, Warp):
            return None
        pixels, valid = self._target.read_on(self._guide.header, *window)
        return pixels.astype(np.float32), valid

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
    cache, before = _block_cache(files), most_memory_taken() if options.max_memory else 0
    with geotiff_memory(cache), GeoReader(target) as low, GeoReader(guide) as high:
        source = RasterSource(about, low, high)
        _ = source.survey
        alignment = source.align() if upscaler.align == "auto" else None
        notes = _notes(files, about.placement, alignment)
        tile = None
        if options.max_memory is not None:
            waiting = waiting_bytes(target, guide, layout) + _cache_to_fill(files, cache)
            waiting += _further_bytes(upscaler, order, source)
            peak = most_memory_taken()
            reached = peak if peak > before else 0  # an older peak is not ours
            tile = upscaler.tile_within(source, options.max_memory, waiting, reached)
            if tile < upscaler.tile:
                notes.append(f"tiles of {tile} in place of {upscaler.tile} to keep to max-memory")
        consistency = _write_scene(upscaler, order, source, tile, progress)
        if consistency is not None:
            notes += [source.instrument.note, consistency.note]
        result = FileResult(
            path=order.output,
            task="pansharpening",
            shape=(*guide.shape, target.bands),
            dtype=target.dtype.name,
            ratio=about.placement.ratio,
            grid="centre",
            alignment=alignment,
            consistency=consistency,
            further=options.written,
            notes=tuple(notes),
        )
        if options.report is not None:
            _report(upscaler, order, result, source, tile or upscaler.tile)
    return result


def _report(
    upscaler: Upscaler, order: Order, result: FileResult, source: RasterSource, tile: int
) -> None:
    """Write the page about files that are still open, and the output beside them."""
    spread = order.options.uncertainty
    with ExitStack() as files:
        output = files.enter_context(GeoReader(read_header(order.output)))
        second = None if spread is None else files.enter_context(GeoReader(read_header(spread)))
        write_report(upscaler, order, result, SceneResult(source, output, second, tile))


def _write_scene(
    upscaler: Upscaler,
    order: Order,
    source: RasterSource,
    tile: int | None,
    progress: Progress | None,
) -> Consistency | None:
    """Write the output, and the file of the spread if one is wanted."""
    files, options, spread = order.files, order.options, order.options.uncertainty
    assert isinstance(files, RasterPair)
    found = Consistency() if _is_consistent(order, source) else None
    rows = upscaler.stream(
        source,
        description=options.description,
        progress=progress,
        tile=tile,
        spread=spread is not None,
    )
    bands = source.bands if spread is None else 2 * source.bands
    if found is not None:
        rows = consistent_rows(rows, bands, source, found)
    paths = [order.output] if spread is None else [order.output, Path(spread)]
    # Moved to their places together, and only when both are finished.
    with atomic_outputs(paths, options.overwrite) as places, ExitStack() as outputs:
        headers = (files.target, spread_header(files.target))
        layouts = (options.layout, None)
        opened = [
            outputs.enter_context(
                create_geotiff(
                    path, target=header, guide=files.guide, layout=layout, temporary=place
                )
            )
            for path, place, header, layout in zip(paths, places, headers, layouts, strict=False)
        ]
        for part in rows:
            for number, writer in enumerate(opened):
                own = slice(number * source.bands, (number + 1) * source.bands)
                _write(part, own, writer)
    return found


def _further_bytes(upscaler: Upscaler, order: Order, source: RasterSource) -> int:
    """Return about how much memory the spread and consistency take beside the result."""
    files, options, further = order.files, order.options, 0
    assert isinstance(files, RasterPair)
    if _is_consistent(order, source):
        further += consistency_bytes(source)
    if options.uncertainty is not None:
        further += waiting_bytes(spread_header(files.target), files.guide, Layout())
        further += 2 * 4 * upscaler.tile * source.shape[1] * source.bands  # a canvas, and its rows
    return further


def _is_consistent(order: Order, source: RasterSource) -> bool:
    return is_wanted(order.options.consistent, source.about, source)


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


def _cache_to_fill(files: RasterPair, cache: int) -> int:
    """Return the bytes of blocks that writing adds to the cache: reading has filled the rest."""
    target, guide = files.target, files.guide
    read = sum(
        header.shape[0] * header.shape[1] * header.bands * header.dtype.itemsize
        for header in (target, guide)
    )
    written = guide.shape[0] * guide.shape[1] * target.bands * target.dtype.itemsize
    return min(max(0, cache - read), written)


def _write(rows: Rows, bands: slice, writer: GeoWriter) -> None:
    if rows.image is None:
        writer.write_unknown(rows.stop - rows.start)
    else:
        writer.write(rows.image[..., bands], ~np.isnan(rows.image[..., 0]))


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
    notes += _grid_notes(target, guide)
    if alignment is not None:
        notes.append(alignment.note)
    inside = np.prod([axis.mean() for axis in placement.covered_axes(target.shape, guide.shape)])
    outside = target.regrid.outside if isinstance(target.regrid, Warp) else 1 - inside
    if outside > 0:
        notes.append(f"{outside:.1%} of the guide lies outside the target: unknown there")
    return notes


def _grid_notes(target: GeoHeader, guide: GeoHeader) -> list[str]:
    """Say what was done with a target that does not lie along the guide's axes."""
    name, regrid = target.path.name, target.regrid
    if isinstance(regrid, Turn):
        return [
            f"{name} is mirrored or turned by right angles against {guide.path.name}: its pixels "
            "were reordered, none was changed"
        ]
    if isinstance(regrid, Warp):
        return [
            f"{name} ({regrid.own.crs_name}) does not run along the axes of {guide.path.name} "
            f"({guide.crs_name}): it was interpolated onto them"
        ]
    if target.crs != guide.crs:
        return [
            f"{target.crs_name} of {name} and {guide.crs_name} of {guide.path.name} differ here by "
            "less than a tenth of a target pixel: nothing was warped"
        ]
    return []
