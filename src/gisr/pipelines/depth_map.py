"""Running a depth map: sharpened in memory, written in the target's unit and type."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.estimation.depth_registration import DepthShift, find_depth_misfit
from gisr.estimation.registration import Alignment
from gisr.inference.answers import Answer, Check, Progress
from gisr.inference.colour_match import colour_doubts
from gisr.inference.hole_filling import without_holes
from gisr.inference.sample_places import at_first_pixels, first_pixels_text
from gisr.inference.system import PairSystem
from gisr.inference.windowed_pair import nearest_pixels
from gisr.io.depth.maps import MASK_VALUES, DepthMap, spread_like, stored_depth, write_stored
from gisr.io.depth.pair import DepthPair
from gisr.notes import Note, detail, warning
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult, Request


def upscale_depth_map(
    system: PairSystem, request: Request[DepthPair], check: Check, progress: Progress | None
) -> FileResult:
    """Sharpen a depth map with a colour picture; holes stay holes unless they are to be filled.

    All outputs appear together or not at all.

    Raises:
        InputError: Nothing is known.
        FileFormatError: An output cannot be written.
    """
    files, options = request.files, request.options
    target = files.target
    if not target.valid.any():
        raise InputError(f"{target.path}: every pixel is unknown: there is nothing to sharpen")
    guide = files.guide[..., None] if files.guide.ndim == 2 else files.guide
    guide = guide.astype(np.float32)
    finite = np.where(target.valid, target.values, 0).astype(np.float32)
    valid = None if target.valid.all() else target.valid
    given = request.pair(finite[..., None], guide, valid, None)
    given, placed = _placed(given, target, options)
    filled_pair = without_holes(given)
    answer = system.answer_as_given(filled_pair, options.settings, check=check, progress=progress)
    known = np.ones_like(target.valid) if options.fill_holes else target.valid
    pair = replace(filled_pair, valid=None if known.all() else known)
    alignment, shifted = _alignment(pair, target.valid, options)
    depth = answer.image[..., 0]
    sides = depth.shape
    valid = nearest_pixels(known, sides, pair.placement)
    filled = valid & ~nearest_pixels(target.valid, sides, pair.placement)
    # Every hole keeps what stands for it in the file: NaN, infinity, 0 or another number.
    marks = nearest_pixels(target.stored, sides, pair.placement)
    stored = _stored(request, depth, valid, marks)
    doubts = () if options.cloud is None else options.cloud.doubts(depth, valid, files.guide)
    result = FileResult(
        path=request.output,
        task=request.task,
        shape=sides,
        dtype=stored.dtype.name,
        ratio=pair.ratio,
        grid=pair.grid,
        alignment=alignment,
        consistency=answer.consistency,
        unknown=1 - float(valid.mean()),
        further=tuple(options.further_files.values()),
        notes=(*files.notes, *placed, *shifted, *_notes(options, pair, answer, filled), *doubts),
    )
    with request.writing() as places:
        _write(request, answer, stored, valid, filled, places)
        if options.report is not None:
            from gisr.pipelines.report import ArrayResult, write_report

            shown = ArrayResult(pair, answer.image, answer.spread)
            write_report(system, request, result, shown, places["report"])
    return result


def _placed(pair: Pair, target: DepthMap, options: Options) -> tuple[Pair, tuple[Note, ...]]:
    """Return a pair with its samples where the picture's colours say, and what to say of that."""
    if options.grid is not None:
        return pair, ()
    first = at_first_pixels(pair.target[..., 0], target.valid, pair.guide, pair.placement)
    if first is None:
        return pair, ()
    text = f"{target.path.name}: {first_pixels_text(first)} (--grid centre, if not)"
    return replace(pair, placement=first), (Note(text),)


def _alignment(
    pair: Pair, measured: Bool[np.ndarray, "h w"], options: Options
) -> tuple[Alignment | None, tuple[Note, ...]]:
    """Return how the picture seems off, which is never undone, and what to say of it."""
    if options.align == "off":
        return None, ()
    misfit = find_depth_misfit(pair.target[..., 0], measured, pair.guide, pair.placement)
    if misfit is None:
        doubts = colour_doubts(pair.target[..., 0], measured, pair.guide, pair.placement)
        text = "no shift of the colour picture can be seen"
        return Alignment((0.0, 0.0), False, text), doubts
    note, offset = misfit.note, misfit.offset if isinstance(misfit, DepthShift) else (0.0, 0.0)
    return Alignment(offset, False, note.text, misfit.before, misfit.after), (note,)


def _has_full_size(pair: Pair) -> bool:
    return pair.target.shape[:2] == pair.guide.shape[:2]


def _stored(
    request: Request[DepthPair],
    depth: Float[np.ndarray, "H W"],
    valid: Bool[np.ndarray, "H W"],
    marks: Shaped[np.ndarray, "H W"],
) -> Shaped[np.ndarray, "H W"]:
    """Return what the output holds, in a type of its format."""
    target = request.files.target
    stored = stored_depth(request.output, depth, valid, like=target, marks=marks)
    if target.shape != depth.shape:
        return stored
    # All of their digits: float32, in which all is computed, has 24 bits.
    return np.where(target.valid, target.stored.astype(stored.dtype), stored)


def _write(
    request: Request[DepthPair],
    answer: Answer,
    stored: Shaped[np.ndarray, "H W"],
    valid: Bool[np.ndarray, "H W"],
    filled: Bool[np.ndarray, "H W"],
    places: Mapping[str, Path],
) -> None:
    """Write the depth map and all else that was requested but the report."""
    files, options = request.files, request.options
    depth, target = answer.image[..., 0], files.target
    if options.mask is not None:
        mask = np.where(filled, MASK_VALUES[1], MASK_VALUES[0]).astype(np.uint8)
        write_stored(Path(options.mask), places["mask"], stored=mask)
    if options.cloud is not None:
        options.cloud.write(places["ply"], values=depth, valid=valid, guide=files.guide)
    if options.uncertainty is not None:
        assert answer.spread is not None  # a system without one has refused the option
        path, like = Path(options.uncertainty), spread_like(target)
        spread = stored_depth(path, answer.spread[..., 0], valid, like=like)
        write_stored(path, places["uncertainty"], stored=spread, scale=target.scale)
    write_stored(request.output, places["output"], stored, target.nodata, target.scale)


def _notes(
    options: Options, pair: Pair, answer: Answer, filled: Bool[np.ndarray, "H W"]
) -> tuple[Note, ...]:
    """Say what a user should know about holes, rays and agreement with the target."""
    notes = list(answer.notes)
    if answer.consistency is not None:
        notes.append(detail(answer.consistency.note))
    if _has_full_size(pair):
        notes.append(
            Note("the depth map has the picture's size: known values are kept as they are")
        )
    if options.fill_holes:
        notes.append(Note(f"{filled.mean():.1%} of the pixels were holes and are filled"))
    if options.cloud is not None and options.cloud.camera.distorted:
        notes.append(
            warning(
                "the camera has lens distortion, which is not undone: points are right only for a "
                "rectified picture"
            )
        )
    return tuple(notes)
