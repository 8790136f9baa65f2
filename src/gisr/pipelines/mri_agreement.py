"""How an MR target was reduced from what its guide's grid would show, and results that agree.

Volumes do not say how they were made: by means over voxels (thick slices, most tools), by an
antialiased bicubic kernel (Pillow, MATLAB), by leaving voxels out, or by a crop of k-space. The
guide is reduced in each of these ways; the one that then explains most of the target, in local
fits, counts. The result is corrected so that it gives the target when it is reduced in the same way
(back-projection: Irani and Peleg, CVGIP 53, 1991).
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gisr.array_types import Voxels
from gisr.data.degradations import kspace_centre
from gisr.data.volume_resample import average_axis, reduce_axis, sample_axis, to_guide_axis
from gisr.estimation.local_fit import unexplained_share, without_spikes
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.pipelines.mri_slices import Places, along

ReducedBy = Literal["means", "bicubic", "samples", "kspace"]
"""``samples``: voxels were left out."""

_REDUCED: dict[ReducedBy, Callable[[Voxels, int, AxisPlacement], Voxels]] = {
    "means": average_axis,
    "bicubic": reduce_axis,
    "samples": sample_axis,
}
ROUNDS = 6
"""Rounds of back-projection; each leaves half of what is missing or less."""
_SAMPLED = 0.97
"""Share of what the other ways leave unexplained that leaving out voxels must leave to be believed:
noise speaks for it."""
_SAMPLED_NOT_CROPPED = 0.985
"""The same beside a crop of k-space: of 26 pairs of real contrasts at x2, x4 and x8, with and
without noise and with a guide that is off by a voxel, no crop left less than 0.998 of it, and half
of those with voxels left out less than this at x4."""
_SAYS_LITTLE = 0.85
"""Share left unexplained by the best of the ways above which the guide does not tell them apart."""
_LEAST_VOXELS = 500
"""Target voxels that are needed for that."""
_MOST_SLICES = 8
"""Slices that are looked at, in the middle of a volume."""
_TURNING = 2.0
"""Distances of slices from which a slice shows the finest waves that slices hold with the other
sign: what is missing of these would grow with each round, so it is turned back first (Landweber's
iteration)."""
_AROUND = 4.0
"""Target voxels: standard deviation of the neighbourhood in which what is missing is compared with
noise."""
_NO_NOISE = 1e-6
"""Noise over the largest value of what is missing up to which a target is clean."""
_LEAST_ERROR = 0.02
"""The network's error, as a share of the power of noise, at least: where noise explains all that is
missing, next to nothing is made up for."""

Slices = Float[np.ndarray, "n rows columns"]


def find_reduction(
    lows: Slices, highs: Slices, lines: tuple[AxisPlacement, AxisPlacement], *, cropped: bool
) -> ReducedBy:
    """Return how the slices of a target were reduced in their plane.

    Args:
        lows: Slices of the target; NaN where unknown.
        highs: The same slices of the guide, finite.
        lines: How rows and columns of the guide lie on the target's.
        cropped: Whether the grid is that of a crop of k-space, which leaving voxels out gives too.
    """
    usual: ReducedBy = "kspace" if cropped else "means"
    known = np.isfinite(lows)
    full = np.flatnonzero(known.reshape(len(lows), -1).mean(axis=1) > 0.5)
    middle = full[max(0, (len(full) - _MOST_SLICES) // 2) :][:_MOST_SLICES]
    low, high, seen = without_spikes(lows[middle]), without_spikes(highs[middle]), known[middle]
    if seen.sum() < _LEAST_VOXELS:
        return usual
    places = {1: lines[0], 2: lines[1]}
    ways: Sequence[ReducedBy] = ("kspace",) if cropped else ("means", "bicubic")
    left = {way: _left(low, seen, reduced(high, places, way)) for way in (*ways, "samples")}
    likely = min(ways, key=lambda way: left[way])
    if min(left.values()) > _SAYS_LITTLE:
        return usual
    most = _SAMPLED_NOT_CROPPED if cropped else _SAMPLED
    return "samples" if left["samples"] < most * left[likely] else likely


def _left(low: Slices, known: np.ndarray, guide: Slices) -> float:
    return unexplained_share(np.where(known, low, 0).astype(np.float64), known, guide)


def reduced(volume: Voxels, places: Places, way: ReducedBy) -> Voxels:
    """Return a volume reduced to the target's samples along the axes of some places."""
    if way != "kspace":
        return along(_REDUCED[way], volume, places)
    size = places[1].target_size, places[2].target_size
    return np.stack([kspace_centre(each, size) for each in volume])


def agreeing(
    values: Voxels,
    target: Voxels,
    places: Places,
    way: ReducedBy,
    rounds: int = ROUNDS,
    *,
    noise: float = 0.0,
) -> tuple[Voxels, Voxels, Voxels]:
    """Return a result that gives its target when it is reduced, and what was missing.

    Of a noisy target not all that is missing is made up for: undoing a reduction amplifies noise.
    The correction ``a`` minimises ``|missing - reduced(a)|^2 + noise_to_error * |a|^2``, roughly,
    the ratio being that of both variances in a neighbourhood of what is missing.

    Args:
        values: On the guide's grid.
        target: On its own samples along the axes of the places, else on the guide's grid.
        places: How the guide lies on the target.
        way: How the target was reduced, not ``kspace``.
        rounds: Of back-projection.
        noise: Standard deviation of the target's, which is white.

    Returns:
        The result, and what reducing it missed in the target, before and after.
    """
    missing = _counted(target - reduced(values, places, way), places)
    seen = {axis: _seen(line, way) for axis, line in places.items()}
    damping = _noise_to_error(missing, list(seen.values()), noise)
    answer, left = np.zeros_like(missing), missing
    turned = [axis for axis, line in places.items() if line.covers > _TURNING]
    for _ in range(rounds):
        for axis in turned:
            left = np.moveaxis(np.tensordot(seen[axis].T, left, (1, axis)), 0, axis)
        answer = (answer + left) / (1 + damping)
        again = answer
        for axis, matrix in seen.items():
            again = np.moveaxis(np.tensordot(matrix, again, (1, axis)), 0, axis)
        left = _counted(missing - again, places)
    return values + along(to_guide_axis, answer, places), missing, left


def _noise_to_error(
    missing: Voxels, seen: Sequence[Float[np.ndarray, "n n"]], noise: float
) -> Voxels | float:
    """Return the power of the target's noise in what is missing, over that of the network's error.

    The network keeps noise about as interpolation does, and what that misses of white noise when it
    is reduced again is known.
    """
    if noise <= _NO_NOISE * float(np.abs(missing).max(initial=0)):
        return 0.0
    kept = math.prod(float(np.trace(matrix)) / len(matrix) for matrix in seen)
    squares = math.prod(float(np.square(matrix).sum()) / len(matrix) for matrix in seen)
    expected = np.float32(max(0.0, 1 - 2 * kept + squares))
    squared = np.square(missing / np.float32(noise))
    power = ndimage.gaussian_filter(squared, _AROUND, truncate=3, mode="nearest")
    ratio: Voxels = expected / np.maximum(power - expected, _LEAST_ERROR * expected)
    return ratio


def _seen(line: AxisPlacement, way: ReducedBy) -> Float[np.ndarray, "n n"]:
    """Return what reducing sees of an interpolated correction, along one axis."""
    every = np.eye(line.target_size, dtype=np.float32)[..., None]
    return _REDUCED[way](to_guide_axis(every, 0, line), 0, line)[..., 0]


def _counted(missing: Voxels, places: Places) -> Voxels:
    """Return what is missing where the guide can show it."""
    counted = missing.copy()
    for axis, line in places.items():
        centres = (np.arange(line.target_size) - line.offset) / line.scale
        outside = (centres < -0.5) | (centres > line.guide_size - 0.5)
        np.moveaxis(counted, axis, 0)[outside] = 0
    return counted
