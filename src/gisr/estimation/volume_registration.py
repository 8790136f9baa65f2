"""How far an MR guide is off its target, in three dimensions.

Two contrasts of one head have no linear relation, often not even the same edges, so neither
correlation nor the correlation of gradients serves; mutual information does, from afar (Studholme
et al., Pattern Recognition 32, 1999). From nearby, local fits tell shifts and turns
(:mod:`gisr.estimation.volume_motion`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage, special

from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.data.volume_resample import filled, nearest_mask, onto_guide
from gisr.estimation.local_fit import LocalFit, Move, shifted, without_spikes
from gisr.estimation.mask_rims import only_of_masks
from gisr.estimation.volume_motion import SHORTEST_AXIS, Motion, find_motion
from gisr.io.volumes.placement import VolumePlacement

LARGEST_SHIFT = 6.0
"""Largest shift that is estimated along an axis, in guide voxels."""
SMALLEST_SHIFT = 0.4
"""A guide is not resampled for less: half a voxel is what the estimate is good for."""
_NOTHING = 0.1
"""Guide voxels below which a component of a shift is none."""
_SMALLEST_INFORMATION = 0.02
"""Normalised mutual information above 1 below which two volumes are taken as unrelated."""
_SMALLEST_GAIN = 1.2
"""Factor by which a shift must raise what is above 1 to be accepted. Registered contrasts rise by
up to 1.18 for a shift that is not there, and undoing that costs up to 1.5 dB; guides that are off
by a voxel along each axis by 1.3 and more (benchmarks/mri_false_shifts.py)."""
_LARGEST_REST = 0.95
"""Share of what the guide leaves unexplained that a shift may leave: it has to make the guide say
more of the target, tissue by tissue."""
_SURE_GAIN, _SURE_REST, _UNSURE_REST = 1.03, 0.65, 0.8
"""The same where the guide then explains so much more that less information is enough: in whole
heads most of it is that of the outline, which a shift by a voxel hardly lowers. What leaves more
than the last before it is refined is not looked into, nor believed of few voxels."""
_LEAST_VOXELS = 1500
"""Target voxels that this takes."""
_SMALLEST_SLICE_GAIN, _LARGEST_SLICE_REST = 1.10, 0.8
"""The same for one slice, which shows less: unshifted slices rose by up to 1.083 (at x8), slices
whose guide was off by three pixels by 1.10 to 1.33 (36 slices of the test subjects)."""
_MOTION_REST = 0.85
"""Share of what the guide leaves unexplained that a motion may leave to be undone. Of seven
real pairs as they are distributed all but one left 0.87 and more; undoing what left more than 0.85
cost up to 0.3 dB, by the interpolation of the guide, and what left less cost nothing."""
_LARGEST_TURN = 15.0
"""Degrees about each axis that are believed."""
_NO_TURN = 0.1
"""Degrees below which a turn is none."""
_POINTS = 20_000
_BINS = 32
_COARSE_BLUR = 2.0
"""Guide voxels of further blur for the first, wide search."""

VoxelPoints = Float[np.ndarray, "3 points"]


@dataclass(frozen=True)
class VolumeAlignment:
    """What was found about the registration of two volumes."""

    motion: Motion
    """How the guide is off, by what was found."""
    applied: bool
    """False where nothing could be seen, or it was too small to be worth resampling."""
    note: str
    """One sentence for the user."""
    before: float = 1.0
    """Normalised mutual information (1 to 2) of the two as they come."""
    after: float = 1.0
    """The same with the guide shifted."""

    @property
    def offset(self) -> tuple[float, float, float]:
        """Guide voxels along each axis of the guide, to be told."""
        return _told(self.motion.shift)

    @property
    def turn(self) -> tuple[float, float, float]:
        """Degrees about the guide's axes through the middle of its volume, to be told."""
        turned = max(map(abs, self.motion.turn)) >= _NO_TURN
        return _told(self.motion.turn) if turned else (0.0, 0.0, 0.0)

    @property
    def move(self) -> Move:
        """Both together: ``aligned[i] = guide[move @ i]``."""
        return self.motion.move


def _told(numbers: tuple[float, float, float]) -> tuple[float, float, float]:
    return round(numbers[0], 2), round(numbers[1], 2), round(numbers[2], 2)


def find_volume_motion(
    target: Voxels, guide: Voxels, placement: VolumePlacement, fit: LocalFit | None = None
) -> VolumeAlignment:
    """Estimate how a guide was shifted and turned against its target.

    The shift that :func:`find_volume_shift` finds is refined, with turns, by what local fits leave
    unexplained, and undone with them if it then leaves far less.

    Args:
        target: Turned to the guide's axes; NaN where unknown.
        guide: Finite voxels.
        placement: How they lie by their affines.
        fit: Of the same, where it was made before.
    """
    fit = fit or LocalFit.of(target, guide, placement)
    found = find_volume_shift(target, guide, placement, fit)
    if fit.known.sum() < _LEAST_VOXELS:
        return found
    motion = find_motion(fit, found.motion if found.applied else _motion(placement))
    before = fit.unexplained(found.move if found.applied else None)
    after = fit.unexplained(motion.move)
    believed = (
        after <= _MOTION_REST * before
        and motion.largest() >= SMALLEST_SHIFT
        and max(map(abs, motion.shift)) <= LARGEST_SHIFT
        and max(map(abs, motion.turn)) <= _LARGEST_TURN
    )
    if believed and not only_of_masks(fit, guide, motion.move):
        return _moved(motion, before, after, found)
    return found


def _motion(
    placement: VolumePlacement, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Motion:
    """Return the motion of a guide that was shifted alone."""
    first, second, third = np.divide(placement.target_zooms, placement.ratios).tolist()
    return Motion(shift, (0.0, 0.0, 0.0), placement.guide_shape, (first, second, third))


def _moved(motion: Motion, before: float, after: float, found: VolumeAlignment) -> VolumeAlignment:
    """Return a motion that is undone, and what to say of it."""
    undone = replace(found, motion=motion, applied=True)
    (x, y, z), (a, b, c) = undone.offset, undone.turn
    by = f"turned by ({a:+.2f}, {b:+.2f}, {c:+.2f}) degrees and " if any(undone.turn) else ""
    note = (
        f"the guide was {by}off by ({x:+.2f}, {y:+.2f}, {z:+.2f}) voxels, corrected (of the "
        f"target's local variance it left {before:.0%} unexplained, and leaves {after:.0%})"
    )
    return replace(undone, note=note)


def find_volume_shift(
    target: Voxels,
    guide: Voxels,
    placement: VolumePlacement,
    fit: LocalFit | None = None,
    *,
    smallest_gain: float = _SMALLEST_GAIN,
    largest_rest: float = _LARGEST_REST,
) -> VolumeAlignment:
    """Estimate how far a guide is off, through and within the plane.

    The target is brought to the guide's grid, the guide blurred to the target's resolution. The
    shift that makes one predict the other best is searched by Powell's method, first in blurred
    volumes. Mutual information finds it from afar and errs by up to a voxel; it is then refined,
    and judged, by how much of the target the shifted guide explains in local fits.

    Args:
        target: Turned to the guide's axes; NaN where unknown.
        guide: Finite voxels.
        placement: How they lie by their affines.
        fit: Of the same, where it was made before.
        smallest_gain: Factor by which a shift must raise the mutual information above 1.
        largest_rest: Factor by which it must lower what local fits leave.
    """
    fit = fit or LocalFit.of(target, guide, placement)
    axes = [axis for axis in range(3) if guide.shape[axis] >= SHORTEST_AXIS]
    known = np.isfinite(target)
    inside = placement.covered() & nearest_mask(known, placement.to_target, placement.guide_shape)
    points = _points(inside)
    calm = without_spikes(filled(target))
    interpolated = onto_guide(calm, placement.to_target, placement.guide_shape)
    low, high = _levels(interpolated), _levels(fit.guide)
    if not axes or points.shape[1] < _BINS**2 or low is None or high is None:
        return VolumeAlignment(_motion(placement), False, "no shift of the guide can be seen")
    blurred = [ndimage.gaussian_filter(volume, _COARSE_BLUR) for volume in (low, high)]
    start = _search(_Similarity.of(blurred[0], blurred[1], points, axes), np.zeros(len(axes)), 0.2)
    similarity = _Similarity.of(low, high, points, axes)
    found = _search(similarity, start, 0.05)
    as_it_is = similarity.above(np.zeros_like(found)), fit.unexplained()

    def judge(shift: NDArray[np.float64]) -> tuple[float, float]:
        left = fit.unexplained(shifted(similarity.whole(shift)))
        gain = similarity.above(shift) / max(as_it_is[0], 1e-9)
        return gain, left / max(as_it_is[1], 1e-9)

    surely = fit.known.sum() >= _LEAST_VOXELS
    gain, rest = judge(found)
    if gain < (_SURE_GAIN if surely else smallest_gain) or (
        gain < smallest_gain and rest > _UNSURE_REST
    ):
        return _judged(placement, similarity, found, seen=False)
    refined = _search(lambda shift: -fit.unexplained(shifted(similarity.whole(shift))), found, 0.1)
    gain, rest = judge(refined)
    sure = surely and gain >= _SURE_GAIN and rest <= _SURE_REST
    if not surely:
        largest_rest = min(largest_rest, _UNSURE_REST)
    seen = sure or (gain >= smallest_gain and rest <= largest_rest)
    seen = seen and not only_of_masks(fit, guide, shifted(similarity.whole(refined)))
    return _judged(placement, similarity, refined, seen=seen)


def find_slice_shift(pair: Pair) -> VolumeAlignment:
    """Estimate the shift of the guide of one slice, as :func:`find_volume_shift` does of a volume.

    The third component of the offset is 0.
    """
    target = pair.target.mean(axis=2)
    if pair.valid is not None:
        target = np.where(pair.valid, target, np.float32(np.nan))
    to_target = np.eye(4)
    for axis in (0, 1):
        to_target[axis, axis] = pair.placement.scale[axis]
        to_target[axis, 3] = pair.placement.offset[axis]
    ratios = (*pair.placement.ratios, 1.0)
    placement = VolumePlacement(
        turn=np.array([[0, 1], [1, 1], [2, 1]]),
        to_target=to_target,
        target_shape=(*target.shape, 1),
        guide_shape=(*pair.guide.shape[:2], 1),
        ratios=ratios,
        target_zooms=ratios,
        angle=0.0,
        stacked=2,
        distance=1.0,
    )
    guide = pair.guide.mean(axis=2)[..., None]
    return find_volume_shift(
        target[..., None],
        guide,
        placement,
        smallest_gain=_SMALLEST_SLICE_GAIN,
        largest_rest=_LARGEST_SLICE_REST,
    )


@dataclass(frozen=True, eq=False)
class _Similarity:
    """Normalised mutual information of a target and a shifted guide: (H(a) + H(b)) / H(a, b)."""

    low: NDArray[np.int64]
    """Levels of the target at the points."""
    high: Voxels
    points: VoxelPoints
    axes: list[int]
    """The axes along which shifts are estimated."""

    @classmethod
    def of(cls, low: Voxels, high: Voxels, points: VoxelPoints, axes: list[int]) -> "_Similarity":
        """Look up the target once."""
        return cls(_looked_up(low, points), high, points, axes)

    def whole(self, shift: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a shift along all three axes."""
        result = np.zeros(3)
        result[self.axes] = shift
        return result

    def above(self, shift: NDArray[np.float64]) -> float:
        """Return what is above 1 of the information: 1 is that of volumes that say nothing."""
        return self(shift) - 1

    def __call__(self, shift: NDArray[np.float64]) -> float:
        """Return the information for a shift along those axes."""
        high = _looked_up(self.high, self.points + self.whole(shift)[:, None])
        counts = np.bincount(self.low * _BINS + high, minlength=_BINS**2).reshape(_BINS, _BINS)
        pairs = counts / counts.sum()
        alone = special.entr(pairs.sum(0)).sum() + special.entr(pairs.sum(1)).sum()
        return float(alone / special.entr(pairs).sum())


def _looked_up(volume: Voxels, points: VoxelPoints) -> NDArray[np.int64]:
    """Return the levels of a volume of 0 to 1 at points."""
    values = ndimage.map_coordinates(volume, points, order=1, mode="nearest")
    levels: NDArray[np.int64] = np.minimum(values * _BINS, _BINS - 1).astype(np.int64)
    return levels


def _search(
    similarity: Callable[[NDArray[np.float64]], float], start: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    from scipy import optimize

    found = optimize.minimize(
        lambda shift: -similarity(shift),
        start,
        method="Powell",
        bounds=[(-LARGEST_SHIFT, LARGEST_SHIFT)] * len(start),
        options={"xtol": step, "ftol": 1e-4},
    )
    best: NDArray[np.float64] = np.atleast_1d(found.x)
    return best


def _judged(
    placement: VolumePlacement,
    similarity: _Similarity,
    found: NDArray[np.float64],
    *,
    seen: bool,
) -> VolumeAlignment:
    before, after = similarity(np.zeros_like(found)), similarity(found)
    x, y, z = (
        shift if abs(shift) >= _NOTHING else 0.0
        for shift in (round(float(each), 2) for each in similarity.whole(found))
    )
    shown, largest = f"({x:+.2f}, {y:+.2f}, {z:+.2f}) voxels", max(map(abs, (x, y, z)))
    if not seen or after - 1 < _SMALLEST_INFORMATION or largest > LARGEST_SHIFT - 0.5:
        note = f"no shift of the guide can be seen (mutual information {before:.3f})"
        return VolumeAlignment(_motion(placement), False, note, before, before)
    if largest < SMALLEST_SHIFT:
        note = f"the guide is off by {shown}: too little to be corrected"
        return VolumeAlignment(_motion(placement, (x, y, z)), False, note, before, after)
    note = (
        f"the guide was off by {shown}, corrected (mutual information {before:.3f} to {after:.3f})"
    )
    return VolumeAlignment(_motion(placement, (x, y, z)), True, note, before, after)


def _points(inside: Bool[np.ndarray, "X Y Z"]) -> VoxelPoints:
    """Return places off the grid: on it, interpolation would favour shifts by whole voxels."""
    random = np.random.default_rng(0)
    places = np.flatnonzero(inside)
    chosen = random.choice(places, min(_POINTS, len(places)), replace=False)
    whole = np.stack(np.unravel_index(chosen, inside.shape))
    return whole + random.uniform(-0.5, 0.5, whole.shape)


def _levels(volume: Voxels) -> Voxels | None:
    """Return a volume brought to 0 to 1, None for a constant one."""
    low, high = np.percentile(volume, (0, 99.5))
    if not high > low:
        return None
    levels: NDArray[np.float32] = np.clip((volume - low) / (high - low), 0, 1).astype(np.float32)
    return levels
