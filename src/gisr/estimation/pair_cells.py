"""What the cells of a pair say of the shift of its guide: each is compared on its own."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gisr.data.degradations import fill_holes, gaussian_sigma
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.estimation.cell_shifts import (
    REACH,
    CellShifts,
    agreed_shift,
    cell_shifts,
    cell_side,
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
from gisr.tasks import find_task
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.threads import with_one_blas_thread

AGREEMENT = 0.5
"""Share of the cells with a vote that must agree."""
CELL = 16
"""Side of a cell in target pixels."""
_LARGE = 1e15
"""Values above this are divided before they are squared in float32."""
_FITS = 3
"""Rounds of fitting the intensity and estimating what is left of the shift."""
_SURROUNDINGS = (1.5, 0.75, 0.4)
"""Target pixels that are local for the texture that is compared: the first that leave enough."""
_ENOUGH = 0.3
"""Share of the pixels that must be surrounded by known ones."""


@dataclass(frozen=True, eq=False)
class CellVotes:
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


@with_one_blas_thread
def look(pair: Pair) -> CellVotes:
    """Return what the cells of one part say.

    The guide, low-passed as the target was, is compared with the intensity predicted from the
    interpolated target. The prediction is fitted to a guide that is still off, so it is fitted
    again to the shifted guide, and the rest of the shift estimated.
    """
    empty, nothing = np.empty((0, 2)), np.empty(0)
    pair = _squarable(_with_one_guide(pair))
    guide_known = _guide_known(pair)
    if not guide_known.any():
        return CellVotes(empty, nothing, nothing, nothing)
    guide = fill_holes(pair.guide.mean(axis=2), guide_known)
    blur = [gaussian_sigma(1 / scale, pair.mtf_gain) for scale in pair.placement.scale]
    smooth = ndimage.gaussian_filter(guide, blur)
    ratio = float(np.mean(pair.placement.ratios))
    known, guide_known = _counted(pair, blur), without_rim(guide_known, max(blur))
    if not (known.any() and guide_known.any()):
        return CellVotes(empty, nothing, nothing, nothing)
    if is_flat(smooth[guide_known], guide):
        return CellVotes(empty, nothing, nothing, nothing, flat=True)
    bands, side = pair.on_guide_grid(), round(CELL * ratio)
    offset, before, found = (0.0, 0.0), nothing, CellShifts(empty, nothing, nothing, side)
    votes = empty
    for step in range(_FITS):
        moved, moved_known = shift(smooth, offset), moved_mask(guide_known, offset)
        intensity = fitted_intensity(bands, moved, known & moved_known)
        if intensity is None:
            return CellVotes(empty, nothing, nothing, nothing, flat=step == 0)
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
        if share < AGREEMENT or rest == (0.0, 0.0) or step == _FITS - 1:
            break
        total = offset[0] + rest[0], offset[1] + rest[1]
        if max(map(abs, total)) > REACH:
            break
        offset = total
    chosen = found.votes if found.votes.any() else np.ones(len(before), dtype=bool)
    compared = float(known.sum()) / float(np.prod(pair.placement.ratios))
    here, best = found.here[chosen], found.best[chosen]
    return CellVotes(votes, before[chosen], here, best, compared=compared, ratio=ratio)


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


def _with_one_guide(pair: Pair) -> Pair:
    """Return a pair whose guide, if it is bands of a range each, is one image of all of them.

    A task of bands interpolates with the detail of the guide, which would hide where this lies.
    """
    if not find_task(pair.task).guide_bands:
        return pair
    guide = pair.guide.astype(np.float64)
    seen = guide if pair.guide_valid is None else guide[pair.guide_valid]
    spread = seen.std(axis=tuple(range(seen.ndim - 1)))
    varied = (guide / np.where(spread > 0, spread, 1.0))[..., spread > 0]
    one = varied.mean(axis=2, keepdims=True) if varied.size else np.zeros_like(guide[..., :1])
    return replace(pair, guide=one.astype(np.float32), task=PANSHARPENING.name)


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
