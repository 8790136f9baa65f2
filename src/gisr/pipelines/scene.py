"""Running a satellite scene: read by windows, sharpened in tiles, written rows after rows."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gisr.adaptation.reduced_scene import scene_lessons
from gisr.data.pair import Pair
from gisr.estimation.registration import Alignment
from gisr.estimation.volume_registration import VolumeAlignment
from gisr.inference.answers import Check, Progress
from gisr.inference.consistency.correction import (
    Consistency,
    consistency_bytes,
    consistent_rows,
    is_corrected,
)
from gisr.inference.memory import most_memory_taken
from gisr.inference.pair_doubts import is_blown_up, pair_doubts
from gisr.inference.side_by_side import pieces_beside
from gisr.inference.system import PairSystem
from gisr.inference.tiling import Rows
from gisr.io.geotiff import (
    CreationOptions,
    GeoReader,
    GeoWriter,
    create_geotiff,
    geotiff_memory,
    read_header,
    sidecars,
    spread_header,
    waiting_bytes,
)
from gisr.io.geotiff.pair import RasterPair
from gisr.notes import Note, detail, warning
from gisr.pipelines.adapting import adapted_system
from gisr.pipelines.band_notes import band_notes
from gisr.pipelines.delivery_notes import delivery_notes
from gisr.pipelines.grid_notes import grid_notes, outside_notes
from gisr.pipelines.raster_source import RasterSource
from gisr.pipelines.request import FileResult, Request
from gisr.pipelines.scene_memory import block_cache, cache_to_fill, check_blocks
from gisr.pipelines.storage_notes import (
    clipped_note,
    codec_cause,
    codec_notes,
    copied_note,
    moved_note,
    storage_notes,
)
from gisr.placement import Placement
from gisr.tasks import find_task
from gisr.tasks.sensors import unlisted_note

_FINER = 1.05
"""Ratio from which a guide is finer than its target."""


def upscale_scene(
    system: PairSystem, request: Request[RasterPair], check: Check, progress: Progress | None
) -> FileResult:
    """Sharpen one GeoTIFF with another; the output appears whole or not at all.

    Raises:
        InputError: A file has no known pixel, or an option does not fit.
        FileFormatError: A file is damaged, or the output cannot be written.
        LimitError: ``max_memory`` is too little.
    """
    files, options = request.files, request.options
    about, budget = _about(request), options.memory
    target, guide = files.target, files.guide
    cache, before = block_cache(files), most_memory_taken() if budget else 0
    if budget is not None:
        check_blocks(files, budget)
    at_once = 1 if budget else pieces_beside()
    with geotiff_memory(cache, at_once), GeoReader(target) as low, GeoReader(guide) as high:
        source = RasterSource(about, low, high, search=options.nodata != "none")
        _ = source.survey
        # The headers now know of fill that the files do not declare.
        files = replace(files, target=low.header, guide=high.header)
        target, guide, request = files.target, files.guide, replace(request, files=files)
        alignment = source.align(at_once) if options.settings.align == "auto" else None
        if (
            isinstance(alignment, Alignment)
            and alignment.level == "warning"
            and is_blown_up(source)
        ):
            # Of an enlarged target a cell holds next to nothing to compare: that is told instead.
            alignment = replace(alignment, level="detail")
        agrees = options.settings.consistent != "default"
        notes = codec_notes(target, options.creation, agrees=agrees)
        notes += [*delivery_notes(files), *source.notes]
        notes += storage_notes(target, options.creation)
        notes += scene_notes(request, about.placement, alignment)
        notes += pair_doubts(source, "warning")
        notes += band_notes(target) if target.bands > 1 else []
        tile = None
        if budget is not None:
            waiting = waiting_bytes(files.output, guide, options.creation or CreationOptions())
            waiting += cache_to_fill(files, cache) + _further_bytes(system, request, source)
            peak = most_memory_taken()
            reached = peak if peak > before else 0  # an older peak is not ours
            tile = system.tile_within(source, budget, waiting, reached, precision=options.precision)
            if system.tile is not None and tile < system.tile:
                notes.append(
                    Note(f"tiles of {tile} in place of {system.tile} to keep to max-memory")
                )
        adapted = adapted_system(system, request, lambda: scene_lessons(source), check, progress)
        system, notes = adapted.system, [*notes, *adapted.notes]
        stale = [path for each in _rasters(request).values() for path in sidecars(each)]
        with request.writing(stale) as places:
            written = _write_scene(system, request, source, tile, places, at_once, check, progress)
            consistency = written.consistency
            notes += clipped_note(target, written.clipped, options.creation)
            notes += moved_note(files, written.moved)
            if consistency is not None:
                word = find_task(request.task).target_word
                notes += [detail(source.sensor_model.note(word)), detail(consistency.note)]
            result = FileResult(
                path=request.output,
                task=request.task,
                shape=(*guide.shape, files.output.bands),
                dtype=target.dtype.name,
                ratio=about.placement.ratio,
                grid="centre",
                alignment=alignment,
                consistency=consistency,
                unknown=written.unknown,
                further=tuple(options.further_files.values()),
                adaptation=adapted.line,
                notes=tuple(notes),
            )
            if options.report is not None:
                tile = tile or system.tile or max(source.shape)
                _report(system, request, result, source, tile, places)
    return result


def _rasters(request: Request[RasterPair]) -> dict[str, Path]:
    """Return the GeoTIFFs that are written, by option."""
    further = request.options.further_files
    return {"output": request.output, **{n: p for n, p in further.items() if n == "uncertainty"}}


def scene_source(request: Request[RasterPair], target: GeoReader, guide: GeoReader) -> RasterSource:
    """Return the pair of a request, read by windows from two open files."""
    return RasterSource(_about(request), target, guide, search=request.options.nodata != "none")


def _report(
    system: PairSystem,
    request: Request[RasterPair],
    result: FileResult,
    source: RasterSource,
    tile: int,
    places: Mapping[str, Path],
) -> None:
    """Write the page about files that are still open, and the output, not yet in its place."""
    from gisr.pipelines.report import SceneResult, write_report

    with ExitStack() as files:
        headers = [
            read_header(places[name], bands=request.files.sharpened if name == "output" else None)
            for name in _rasters(request)
        ]
        output, *further = (files.enter_context(GeoReader(header)) for header in headers)
        shown = SceneResult(source, output, further[0] if further else None, tile)
        write_report(system, request, result, shown, places["report"])


@dataclass(frozen=True)
class _Written:
    """What is known of an output once it is written."""

    consistency: Consistency | None
    """What degrading the result gives."""
    clipped: float
    """Share of its values that the type could not hold."""
    moved: int
    """Copied values that could not stay as they are, for they are nodata there."""
    unknown: float
    """Share of its pixels that are unknown."""


def _write_scene(
    system: PairSystem,
    request: Request[RasterPair],
    source: RasterSource,
    tile: int | None,
    places: Mapping[str, Path],
    at_once: int,
    check: Check,
    progress: Progress | None,
) -> _Written:
    """Write the output, and the file of the spread if one is requested."""
    files, options, spread = request.files, request.options, request.options.uncertainty
    found = Consistency() if _is_corrected(request, source) else None
    sharpened = system.stream(source, options.settings, check=check, progress=progress, tile=tile)
    bands = source.bands if spread is None else 2 * source.bands
    rows: Iterator[Rows] = sharpened
    if found is not None:
        rows = consistent_rows(rows, bands, source, found, at_once)
    moved = 0
    with ExitStack() as outputs:
        outputs.enter_context(closing(sharpened))  # no thread reads the files after an error
        headers = (files.output, spread_header(files.target))
        layouts = (options.creation, None)
        opened = [
            outputs.enter_context(
                create_geotiff(path, places[name], target=header, guide=files.guide, layout=layout)
            )
            for (name, path), header, layout in zip(
                _rasters(request).items(), headers, layouts, strict=False
            )
        ]
        for part in rows:
            for number, writer in enumerate(opened):
                own = slice(number * source.bands, (number + 1) * source.bands)
                copied = source if files.order and number == 0 else None
                moved += _write(part, own, writer, copied, files)
        first = opened[0]
    values = np.prod(files.guide.shape) * files.output.bands
    clipped = first.clipped / max(1, first.written)
    return _Written(found, clipped, moved, 1 - float(first.written / values))


def _further_bytes(system: PairSystem, request: Request[RasterPair], source: RasterSource) -> int:
    """Return about how much memory the spread and consistency take beside the result."""
    files, further = request.files, 0
    if _is_corrected(request, source):
        further += consistency_bytes(source)
    # Rows of the guide as they are copied, and all bands together.
    further += 8 * (system.tile or source.shape[0]) * source.shape[1] * len(files.order)
    if request.options.uncertainty is not None:
        further += waiting_bytes(spread_header(files.target), files.guide, CreationOptions())
        # A canvas, and its rows.
        further += 2 * 4 * (system.tile or source.shape[0]) * source.shape[1] * source.bands
    return further


def _is_corrected(request: Request[RasterPair], source: RasterSource) -> bool:
    return is_corrected(request.options.settings.consistent, source.about, source)


def _about(request: Request[RasterPair]) -> Pair:
    """Return what is known of the pair without its pixels."""
    target, guide, options = request.files.target, request.files.guide, request.options
    placement, _ = request.place(
        target.shape, guide.shape, request.files.stated(request.options.ratio)
    )
    return Pair(
        np.zeros((1, 1, target.bands), np.float32),
        np.zeros((1, 1, guide.bands), np.float32),
        request.task,
        placement,
        "centre",
        name=target.path.name,
        sensor=options.sensor,
        mtf=options.mtf,
        bits=target.bits if options.bits is None else options.bits,
    )


def _write(
    rows: Rows, bands: slice, writer: GeoWriter, copied: RasterSource | None, files: RasterPair
) -> int:
    """Write rows; those of the guide's bands beside them where they are copied.

    Returns:
        How many known values of the guide are the output's nodata, which :meth:`GeoWriter.write`
        moves to a neighbour.
    """
    if rows.image is None:
        writer.write_unknown(rows.stop - rows.start)
        return 0
    image, known, moved = rows.image[..., bands], ~np.isnan(rows.image[..., 0]), 0
    if copied is not None:
        fine, there = copied.stored_guide(slice(rows.start, rows.stop))
        image = np.concatenate([image, fine], axis=-1)
        known &= there
        written = [place - bands.stop for place in files.order if place >= bands.stop]
        if files.output.nodata is not None:
            moved = int(np.count_nonzero(fine[known][:, written] == files.output.nodata))
        image = image[..., files.order]
    writer.write(image, known)
    return moved


def scene_notes(
    request: Request[RasterPair],
    placement: Placement,
    alignment: Alignment | VolumeAlignment | None,
) -> list[Note]:
    """Return what a user should know about choices that were made for them."""
    target, guide, notes = request.files.target, request.files.guide, list[Note]()
    task = find_task(request.task)
    if (unlisted := unlisted_note(request.options.sensor)) is not None and not request.options.mtf:
        notes.append(Note(unlisted))
    if placement.ratio < _FINER:
        notes.append(
            warning(
                f"{guide.path.name} is no finer than {target.path.name} (x{placement.ratio:.3g}): "
                "values change, and nothing becomes sharper that was not enlarged to this grid "
                f"before: give the {task.target_word} as it was delivered, or a finer guide"
            )
        )
    bands = guide.count - guide.alpha
    if request.files.guide_note:
        notes.append(Note(request.files.guide_note))
    elif bands > 1 and not task.guide_bands:
        used = f"band {guide.numbers[0]} is used as PAN"
        if request.options.task is None and guide.bands == 1:
            used += "; if all are finer bands of the target's sensor, --task multiband uses them"
        used = "they guide together, as a colour picture" if guide.bands > 1 else used
        notes.append(Note(f"{guide.path.name} has {bands} bands: {used}"))
    chosen = request.options
    if request.files.note and chosen.ratio is None and chosen.grid is None:
        notes.append(Note(request.files.note))
    notes += grid_notes(target, guide)
    if alignment is not None:
        own = alignment.as_note if isinstance(alignment, Alignment) else Note(alignment.note)
        if own.level == "warning" and isinstance(alignment, Alignment):
            cause = codec_cause(request.files, alignment)
            own = own if cause is None else warning(f"{cause}; {own.text}")
        notes.append(own)
        notes += copied_note(request.files, alignment)
    return notes + outside_notes(request, placement)
