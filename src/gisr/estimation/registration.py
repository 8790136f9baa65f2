"""Aligning a guide to its target before the network sees them.

A real panchromatic band is often off by one or two of its pixels (every Landsat-7 pair of the
project's data by exactly (-1, -1)), which costs a classical method 1 to 2.4 dB.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gisr.data.degradations import fill_holes, gaussian_sigma, mtf_reduced
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.estimation.cell_shifts import (
    REACH,
    CellShifts,
    agreed_shift,
    cell_shifts,
    cell_side,
    is_sure,
    parts_apart,
    sharpened_votes,
    texture,
)
from gisr.estimation.intensity import fitted_intensity, is_flat
from gisr.estimation.masks import (
    alike,
    known_at_guide,
    known_at_target,
    moved_mask,
    saturated,
    surrounded,
    without_rim,
)
from gisr.notes import Note, NoteLevel
from gisr.tasks import find_task
from gisr.threads import in_order, with_one_blas_thread

Align = Literal["auto", "off"]
"""``auto`` estimates the shift of a panchromatic guide and undoes it; ``off`` trusts the grids."""
ShiftFound = Literal["shifted", "aligned", "unclear", "too far"]
"""``aligned``: they lie on each other; ``unclear``: nothing can be seen; ``too far`` to be real."""

_LARGE = 1e15
"""Values above this are divided before they are squared in float32."""
LARGEST_SHIFT = 8.0
"""Largest misregistration taken for real, in guide pixels. Known pairs are off by 1 to 2."""
SMALLEST_SHIFT = 0.1
"""Guide pixels below which a shift is none: finer than pairs determine it, and than it matters."""
SMALLEST_CORRELATION = 0.5
"""Correlation of texture that the cells must have in the median: unrelated images have a best
shift, too."""
_UNLIKE = 0.35
"""Below this correlation of texture the two may show different places."""
_FITS = 3
"""Rounds of fitting the intensity and estimating what is left of the shift."""
_CELL = 16
"""Side of a cell in target pixels."""
_SURROUNDINGS = (1.5, 0.75, 0.4)
"""Target pixels that are local for the texture that is compared: the first that leave enough."""
_ENOUGH = 0.3
"""Share of the pixels that must be surrounded by known ones."""
_AGREEMENT, _HELPED = 0.5, 0.6
"""Share of the cells with a vote that must agree, and of all that must correlate better shifted."""
_LEAST_GAIN = 0.0005
"""Rise of the correlation below which a shift is not worth it."""
_CHANCE = 3.0
"""Target pixels, over the side of what is compared, by which chance may shift an image that is
smaller than a cell: a cell has one vote, with which nothing can disagree."""


@dataclass(frozen=True)
class Alignment:
    """What was found about the registration of a pair."""

    offset: tuple[float, float]
    """(dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    applied: bool
    """False where no shift could be seen, or it was too large to be accepted."""
    note: str
    """One sentence for the user."""
    before: float = 0.0
    """Correlation of the texture of guide and target as they come, in the median of cells."""
    after: float = 0.0
    """That with the guide shifted."""
    level: NoteLevel = "note"
    """What the sentence is."""
    found: ShiftFound = "unclear"
    """What the cells say; what is ``too far`` is in ``offset``, though not undone."""
    votes: tuple[int, float] = (0, 0.0)
    """Cells with a vote, and the part of them that agree on a shift (or on none)."""
    apart: str | None = None
    """In words, that many cells are off by something else, which one shift cannot undo."""

    @property
    def as_note(self) -> Note:
        """The sentence with its weight."""
        return Note(self.note, self.level)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the cells of one part of a pair say, after the shift they agree on."""

    shifts: Float[np.ndarray, "cells 2"]
    """In all, of cells with a vote."""
    before: Float[np.ndarray, " cells"]
    """Correlation of these cells as the pair comes; of all where none has a vote."""
    after: Float[np.ndarray, " cells"]
    """The same with the part's own shift undone; NaN where too little of a cell is known."""
    best: Float[np.ndarray, " cells"]
    """The same with the cell's own shift undone."""
    flat: bool = False
    compared: float = 0.0
    """Target pixels that count."""
    ratio: float = 1.0


def align_guide(pair: Pair) -> tuple[Pair, Alignment]:
    """Estimate the shift of a panchromatic guide and undo it.

    Other tasks are left as they are: MR contrasts and colour images come registered, and their
    contrast is too unlike the target's for this estimate.

    Returns:
        The pair with its guide shifted, and what was found.
    """
    found = find_alignment([pair])
    if not found.applied:
        return pair, found
    known = pair.guide_valid
    valid = None if known is None else moved_mask(known, found.offset)
    return replace(pair, guide=shift(pair.filled_guide, found.offset), guide_valid=valid), found


def find_alignment(parts: Sequence[Pair], at_once: int = 1) -> Alignment:
    """Estimate the one shift of a guide from parts of a pair, at least one.

    Every part is cut into cells, each of which votes. The shift that most of them agree on counts,
    and only if most of them resemble the target better with it: a part with clouds or the sea in it
    does no harm, nor do clouds that moved against the ground.

    Args:
        parts: Of one task.
        at_once: Parts that are looked at side by side, in threads.
    """
    if any(find_task(part.task).registration != "correlation" for part in parts):
        note = f"guides of task {parts[0].task} are not aligned"
        return Alignment((0.0, 0.0), False, note, level="detail")
    return _decide(list(in_order(lambda part: _look(_squarable(part)), parts, at_once)))


def _decide(seen: list[_Seen]) -> Alignment:
    """Return the shift that the cells of all parts agree on, and whether many of them do not."""
    found = _agreed(seen)
    if found.level == "warning" or found.after < SMALLEST_CORRELATION:
        return found
    voting = [each for each in seen if len(each.shifts)]  # the others' cells have no vote
    if not voting:
        return found
    shifts, after, best = (
        np.concatenate([getattr(each, name) for each in voting])
        for name in ("shifts", "after", "best")
    )
    apart = parts_apart(shifts, found.offset, best - after)
    if apart is None:
        return found
    said = {
        "aligned": "the PAN image lies on the MS image, but",
        "unclear": "no single shift of the PAN image fits:",
    }.get(found.found, f"{found.note}, but")
    return replace(found, note=f"{said} {apart}", level="warning", apart=apart)


def _agreed(seen: list[_Seen]) -> Alignment:
    """Return the shift that the cells of all parts agree on, if there is one."""
    none = (0.0, 0.0)
    if all(each.flat for each in seen):
        note = "no shift of the PAN image can be seen: PAN or MS image has no contrast"
        return Alignment(none, False, note, level="warning")
    shifts = np.concatenate([each.shifts for each in seen])
    before, after = (
        np.concatenate([getattr(each, name) for each in seen]) for name in ("before", "after")
    )
    if not len(shifts) and np.isnan(before).all():
        note = "no shift of the PAN image can be seen: too few pixels are known to compare the two"
        return Alignment(none, False, note)
    usual = _median(before)
    offset, share = agreed_shift(shifts)
    believed, votes = _median(after), (len(shifts), round(share, 4))
    if share < _AGREEMENT or believed < SMALLEST_CORRELATION:
        likeness = f"correlation of their texture {max(usual, believed):.2f}"
        if max(usual, believed) < _UNLIKE:
            note = (
                f"no shift of the PAN image can be seen: PAN and MS image hardly resemble each "
                f"other ({likeness}): check that they show the same place, the same way up"
            )
            return Alignment(none, False, note, usual, usual, "warning", "unclear", votes)
        note = f"no shift of the PAN image can be seen ({likeness})"
        return Alignment(none, False, note, usual, usual, "detail", "unclear", votes)
    if max(map(abs, offset)) > LARGEST_SHIFT:
        note = (
            f"the PAN image seems off by {_shown(offset)}: too far to be real, left as it is: "
            "check its georeference"
        )
        return Alignment(offset, False, note, usual, believed, "warning", "too far", votes)
    both = ~np.isnan(before) & ~np.isnan(after)
    helped = float((after > before)[both].mean()) if both.any() else 1.0
    small = max(map(abs, offset)) < SMALLEST_SHIFT or believed - usual < _LEAST_GAIN
    if small or helped < _HELPED or not is_sure(shifts, offset):
        note = f"PAN and MS image lie on each other (correlation of their texture {usual:.2f})"
        return Alignment(none, False, note, usual, usual, "detail", "aligned", votes)
    if max(map(abs, offset)) < _by_chance(seen):
        compared = round(sum(each.compared for each in seen))
        note = (
            f"no shift of the PAN image can be seen in {compared} pixels of the MS image: what "
            f"correlates best, off by {_shown(offset)}, may be chance: left as it is"
        )
        return Alignment(none, False, note, usual, usual, "note", "unclear", votes)
    gain = f"correlation {usual:.3f} to {believed:.3f}"
    note = f"the PAN image was off by {_shown(offset)}, corrected ({gain})"
    return Alignment(offset, True, note, usual, believed, "note", "shifted", votes)


def _by_chance(seen: list[_Seen]) -> float:
    """Return the guide pixels by which images of so few pixels may correlate better by chance."""
    side = float(np.sqrt(sum(each.compared for each in seen)))
    return max(each.ratio for each in seen) * _CHANCE * (1 / max(side, 1.0) - 1 / _CELL)


def _median(values: Float[np.ndarray, " cells"]) -> float:
    known = values[~np.isnan(values)]
    return round(float(np.median(known)), 4) if len(known) else 0.0


def _shown(offset: tuple[float, float]) -> str:
    return f"({offset[0]:+.2f}, {offset[1]:+.2f}) pixels (down, right)"


@with_one_blas_thread
def _look(pair: Pair) -> _Seen:
    """Return what the cells of one part say.

    The guide, low-passed as the target was, is compared with the intensity predicted from the
    interpolated target. The prediction is fitted to a guide that is still off, so it is fitted
    again to the shifted guide, and the rest of the shift estimated.
    """
    empty, nothing = np.empty((0, 2)), np.empty(0)
    guide_known = _guide_known(pair)
    if not guide_known.any():
        return _Seen(empty, nothing, nothing, nothing)
    guide = fill_holes(pair.guide.mean(axis=2), guide_known)
    blur = [gaussian_sigma(1 / scale, pair.mtf_gain) for scale in pair.placement.scale]
    smooth = ndimage.gaussian_filter(guide, blur)
    ratio = float(np.mean(pair.placement.ratios))
    known, guide_known = _counted(pair, blur), without_rim(guide_known, max(blur))
    if not (known.any() and guide_known.any()):
        return _Seen(empty, nothing, nothing, nothing)
    if is_flat(smooth[guide_known], guide):
        return _Seen(empty, nothing, nothing, nothing, flat=True)
    bands, side = pair.on_guide_grid(), round(_CELL * ratio)
    offset, before, found = (0.0, 0.0), nothing, CellShifts(empty, nothing, nothing, side)
    votes = empty
    for step in range(_FITS):
        moved, moved_known = shift(smooth, offset), moved_mask(guide_known, offset)
        intensity = fitted_intensity(bands, moved, known & moved_known)
        if intensity is None:
            return _Seen(empty, nothing, nothing, nothing, flat=step == 0)
        same = alike(moved - intensity, known & moved_known, ratio)
        width = _surroundings(known & moved_known & same, ratio)
        first, second = known & same, moved_known & same
        found = cell_shifts(
            texture(intensity, first, width),
            texture(moved, second, width),
            surrounded(first, width),
            surrounded(second, width),
            cell_side(surrounded(known & moved_known, width), side) if step == 0 else found.side,
        )
        before = found.here if step == 0 else before
        votes = sharpened_votes(found, intensity, moved, first, second) + np.array(offset)
        rest, share = agreed_shift(found.shifts[found.votes])
        if share < _AGREEMENT or rest == (0.0, 0.0) or step == _FITS - 1:
            break
        total = offset[0] + rest[0], offset[1] + rest[1]
        if max(map(abs, total)) > REACH:
            break
        offset = total
    chosen = found.votes if found.votes.any() else np.ones(len(before), dtype=bool)
    compared = float(known.sum()) / float(np.prod(pair.placement.ratios))
    here, best = found.here[chosen], found.best[chosen]
    return _Seen(votes, before[chosen], here, best, compared=compared, ratio=ratio)


def _surroundings(known: Bool[np.ndarray, "H W"], ratio: float) -> float:
    """Return how many pixels around one are local: fewer where gaps leave no more."""
    widths = [share * ratio for share in _SURROUNDINGS]
    wide = (w for w in widths if surrounded(known, w).mean() >= _ENOUGH * known.mean())
    return next(wide, widths[-1])


def _guide_known(pair: Pair) -> Bool[np.ndarray, "H W"]:
    """Return which guide pixels are known and not saturated."""
    known = np.ones(pair.guide.shape[:2], bool) if pair.guide_valid is None else pair.guide_valid
    counted: Bool[np.ndarray, "H W"] = known & ~saturated(pair.guide.mean(axis=2), known)
    return counted


def _counted(pair: Pair, blur: list[float]) -> Bool[np.ndarray, "H W"]:
    """Return which pixels of the interpolated target count: far from unknown and saturated ones."""
    known = known_at_target(pair)
    for band in range(pair.target.shape[2]):
        known = known & ~saturated(pair.target[..., band], known)
    if not known.any():
        return np.zeros(pair.guide.shape[:2], dtype=bool)
    return without_rim(known_at_guide(replace(pair, valid=known)), max(blur))


def _squarable(pair: Pair) -> Pair:
    """Return a pair of whose values float32 holds the squares; a shift does not depend on units."""
    target, guide = (
        image / np.float32(peak) if (peak := np.abs(image).max()) > _LARGE else image
        for image in (pair.target, pair.guide)
    )
    return (
        pair
        if target is pair.target and guide is pair.guide
        else replace(pair, target=target, guide=guide, bits=None)
    )


def guide_at_target(
    pair: Pair, guide: Float[np.ndarray, "H W *bands"], gain: float | None = None
) -> Float[np.ndarray, "h w *bands"]:
    """Return a guide at the target's resolution and samples: Gaussian MTF, then decimation.

    Serves any image on the guide's grid.

    Args:
        pair: Has the target's grid and sensor.
        guide: On the guide's grid.
        gain: Response at the target's Nyquist frequency; the sensor's when None.
    """
    gain = pair.mtf_gain if gain is None else gain
    return mtf_reduced(guide, pair.target.shape[:2], pair.placement, gain)
