"""The shift between two images of one place, seen in each of many cells on its own.

A cell's shift is where the masked normalised cross-correlation (Padfield, IEEE TIP 21, 2012) of
local texture is highest. Texture has its contrast divided out: a cloud that moved has the brightest
edges of a scene, but few of its pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import fft, ndimage

from gisr.estimation.peaks import vertex

REACH = 12
"""Largest shift that is looked for, in pixels along an axis."""
_MOST_CELLS = 8
"""Cells along a side of an image; more would only overlap more."""
_OVERLAP = 1.5
"""Cells along a side for each one that fits beside the others."""
_FILLED, _PLENTY = 0.15, 600
"""Share of a cell that must be known at a shift for it to count, or so many pixels."""
_LIKE = 0.3
"""Correlation from which a cell's best shift is a vote."""
_FEW, _BENT = 8, 0.3
"""Votes that are few, and how far in pixels the whole may differ from their median."""
_FLAT = 0.05
"""Local contrast below this share of the median is noise, and stays small."""

_SUBPIXEL = 20
"""Shifts are rounded to 1/20 of a guide pixel."""
_TOGETHER = 0.75
"""Guide pixels within which two cells agree."""
_APART, _FEWEST_APART, _GAIN_APART = 0.2, 8, 0.02
"""Share of the votes that must be for another shift for that to be told, of how many votes, and the
rise of their correlation with it."""
_SURE = 3.0
"""Standard errors of the cells' median by which a shift must differ from none."""


@dataclass(frozen=True, eq=False)
class CellShifts:
    """What the cells of an image say, one row a cell; NaN where too little of it is known."""

    shifts: Float[np.ndarray, "cells 2"]
    """(dy, dx) of the highest correlation: ``first[y, x]`` is like ``second[y + dy, x + dx]``."""
    here: Float[np.ndarray, " cells"]
    """Correlation without a shift."""
    best: Float[np.ndarray, " cells"]
    """Correlation at the cell's own shift."""
    side: int
    """Of the cells, in pixels."""

    @property
    def votes(self) -> Bool[np.ndarray, " cells"]:
        """Which cells have a shift that can be believed: the better half of those that may.

        A cell with a part of a cloud that moved correlates worse than one of ground alone, and has
        a shift in between.
        """
        inside = np.abs(np.nan_to_num(self.shifts)).max(axis=1, initial=0.0) < REACH - 0.5
        best = np.nan_to_num(self.best, nan=-1.0)
        may: NDArray[np.bool_] = (best >= _LIKE) & inside
        return may & (best >= np.median(best[may])) if may.any() else may


def texture(
    image: Float[np.ndarray, "H W"], known: Bool[np.ndarray, "H W"], width: float
) -> Float[np.ndarray, "H W"]:
    """Return an image without its local mean and contrast, 0 where it is unknown.

    Args:
        image: Any values, finite where known.
        known: Which count.
        width: Standard deviation in pixels of the surroundings that are local.
    """
    filled = np.where(known, image, 0.0).astype(np.float64)
    detail = np.where(known, image - _local_mean(filled, known, width), 0.0)
    power = _local_mean(np.square(detail), known, 2 * width)
    usual = float(np.median(power[known])) if known.any() else 0.0
    if usual == 0.0:
        usual = float(power.max())
    if usual == 0.0:
        return np.zeros_like(detail)
    result: NDArray[np.float64] = detail / np.sqrt(np.maximum(power, 0.0) + _FLAT * usual)
    return result


def _local_mean(
    values: Float[np.ndarray, "H W"], known: Bool[np.ndarray, "H W"], width: float
) -> Float[np.ndarray, "H W"]:
    """Return the mean of the known values around each pixel; the others are 0."""
    mean: NDArray[np.float64] = ndimage.gaussian_filter(values, width)
    if not known.all():
        mean /= np.maximum(ndimage.gaussian_filter(known.astype(np.float64), width), 1e-6)
    return mean


def cell_side(known: Bool[np.ndarray, "H W"], side: int) -> int:
    """Return the side of cells that hold enough: up to twice the usual where gaps leave little."""
    if not known.any():
        return side
    around = ndimage.uniform_filter(known.astype(np.float32), size=side, mode="constant")
    share = float(np.median(around[known]))
    return round(side * min(2.0, float(1 / np.sqrt(share))))


def cell_shifts(
    first: Float[np.ndarray, "H W"],
    second: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
    second_known: Bool[np.ndarray, "H W"],
    side: int,
) -> CellShifts:
    """Return the shift of each cell of an image against another, to a fraction of a pixel.

    Args:
        first: Texture of the image that is cut into cells.
        second: Texture of the image that is searched.
        known: Pixels of the first that count.
        second_known: Pixels of the second.
        side: Of a cell, in pixels; smaller images are one cell.
    """
    first, second = np.where(known, first, 0.0), np.where(second_known, second, 0.0)
    wide, wide_known = np.pad(second, REACH), np.pad(second_known, REACH)
    rows, columns = (_starts(length, side) for length in first.shape)
    shifts, here, best = [], [], []
    for top in rows:
        for left in columns:
            inner = slice(top, top + side), slice(left, left + side)
            outer = slice(top, top + side + 2 * REACH), slice(left, left + side + 2 * REACH)
            surface = _correlations(first[inner], known[inner], wide[outer], wide_known[outer])
            place = np.unravel_index(int(np.argmax(surface)), surface.shape)
            counts = surface[place] > -1
            shifts.append(_top(surface, (int(place[0]), int(place[1]))) if counts else [np.nan] * 2)
            here.append(surface[REACH, REACH] if surface[REACH, REACH] > -1 else np.nan)
            best.append(surface[place] if counts else np.nan)
    return CellShifts(np.array(shifts).reshape(-1, 2), np.array(here), np.array(best), side)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = min(_MOST_CELLS, max(2, round(_OVERLAP * length / side)))
    return sorted({int(start) for start in np.linspace(0, length - side, count).round()})


def _correlations(
    cell: Float[np.ndarray, "h w"],
    cell_known: Bool[np.ndarray, "h w"],
    around: Float[np.ndarray, "H W"],
    around_known: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "shifts shifts"]:
    """Return the correlation of a cell at every shift of up to :data:`REACH`; -1 where unknown."""
    sides = [fft.next_fast_len(side, real=True) for side in around.shape]
    shifts = [wide - inner + 1 for wide, inner in zip(around.shape, cell.shape, strict=True)]
    own, other = (
        fft.rfft2(np.stack([known, image, np.square(image)]), sides)
        for known, image in ((cell_known, cell), (around_known, around))
    )
    pairs = np.array([(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1)])
    whole = fft.irfft2(np.conj(own)[pairs[:, 0]] * other[pairs[:, 1]], sides)
    overlap, sums, wide_sums, squares, wide_squares, products = whole[:, : shifts[0], : shifts[1]]
    count = np.maximum(overlap, 1.0)
    spread = squares - np.square(sums) / count
    wide_spread = wide_squares - np.square(wide_sums) / count
    shared = products - sums * wide_sums / count
    least = 1e-9 * max(1.0, float(cell_known.size))
    fewest = min(_FILLED * cell.size, _PLENTY)
    enough = (count >= fewest) & (spread > least) & (wide_spread > least)
    scale = np.sqrt(np.where(enough, spread * wide_spread, 1.0))
    result: NDArray[np.float64] = np.where(enough, shared / scale, -1.0)
    return result


def _top(surface: Float[np.ndarray, "shifts shifts"], place: tuple[int, int]) -> list[float]:
    """Return where a parabola along each axis through the highest place is highest."""
    shift = []
    for axis in (0, 1):
        line = surface[:, place[1]] if axis == 0 else surface[place[0]]
        at, fraction = place[axis], 0.0
        if 0 < at < len(line) - 1 and min(line[at - 1], line[at + 1]) > -1:
            fraction = vertex(*line[at - 1 : at + 2])
        shift.append(at - REACH + float(np.clip(fraction, -0.5, 0.5)))
    return shift


def agreed_shift(shifts: Float[np.ndarray, "cells 2"]) -> tuple[tuple[float, float], float]:
    """Return the shift that most cells agree on, and their share."""
    if not len(shifts):
        return (0.0, 0.0), 0.0
    near = np.abs(shifts[:, None] - shifts[None]).max(axis=2) <= _TOGETHER
    most = near[int(np.argmax(near.sum(axis=1)))]
    middle = np.median(shifts[most], axis=0)
    rounded = np.round(middle * _SUBPIXEL) / _SUBPIXEL + 0.0
    return (float(rounded[0]), float(rounded[1])), float(most.mean())


def is_sure(shifts: Float[np.ndarray, "cells 2"], offset: tuple[float, float]) -> bool:
    """Return whether the cells' shifts scatter less than they differ from none."""
    scatter = 1.4826 * np.median(np.abs(shifts - np.array(offset)), axis=0)
    return bool((np.abs(offset) > _SURE * scatter / np.sqrt(len(shifts))).any())


def parts_apart(
    shifts: Float[np.ndarray, "cells 2"],
    offset: tuple[float, float],
    gained: Float[np.ndarray, " cells"],
) -> str | None:
    """Return in words that many cells are off by something else; None where they are not.

    Relief, a mosaic whose pieces were placed one by one, or a map that is turned: no single shift
    undoes these.

    Args:
        shifts: Of the cells with a vote.
        offset: What most of them agree on.
        gained: By how much each cell correlates better at its own shift than at that.
    """
    if len(shifts) < _FEWEST_APART:
        return None
    distance = np.abs(shifts - np.array(offset)).max(axis=1)
    apart = (distance > _TOGETHER) & (np.nan_to_num(gained) > _GAIN_APART)
    if (share := float(apart.mean())) < _APART:
        return None
    return (
        f"{share:.0%} of its parts are off by something else, up to {distance[apart].max():.1f} "
        "pixels (relief, a mosaic, a map that is turned, clouds that moved): register it first "
        "(gdalwarp with control points)"
    )


def sharpened_votes(
    found: CellShifts,
    first: Float[np.ndarray, "H W"],
    second: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
    second_known: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "cells 2"]:
    """Return the shifts of the cells that vote, of few with the median of the images as a whole.

    Few cells of a small image agree no better than to a fifth of a pixel. The images themselves,
    in which strong edges count for more, are then sharper; clouds bend these, but not far.

    Args:
        found: What the cells say.
        first: The images that were compared, not their texture.
        second: Likewise.
        known: Pixels of the first that count.
        second_known: Pixels of the second.
    """
    votes: NDArray[np.float64] = found.shifts[found.votes]
    if not 0 < len(votes) <= _FEW:
        return votes
    whole = cell_shifts(first, second, known, second_known, max(first.shape)).shifts[0]
    bent = whole - np.median(votes, axis=0)
    near = bool(np.isfinite(bent).all() and np.abs(bent).max() <= _BENT)
    moved: NDArray[np.float64] = votes + bent if near else votes
    return moved
