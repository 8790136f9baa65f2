"""How much of an MR target its guide predicts: local linear fits, at the target's resolution.

Around every target voxel the target is fitted by a line through the guide's values; what the fits
leave is the share that the guide does not explain (the residual of the guided filter, He et al.,
PAMI 35, 2013). Contrasts may go against each other, differently from tissue to tissue, and no
relation of grey values over the whole head is needed.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from gisr.array_types import Voxels
from gisr.data.volume_resample import filled
from gisr.io.volumes.placement import VolumePlacement

Doubt = Literal[
    "constant",
    "mirrored along axis 0",
    "mirrored along axis 1",
    "mirrored along axis 2",
    "unrelated",
]
"""What may be wrong with a guide."""

_WIDE, _NARROW = 5, 3
"""Target voxels: sides of the neighbourhoods of the fits, and along axes of fewer voxels than 8."""
_MOST_VOXELS = 250_000
"""Target voxels that are fitted: of a larger volume a box in its middle."""
_BLUR = 0.35
"""Standard deviation, in target voxels, of the Gaussian that brings a guide to its resolution."""
_LIVELY = 0.1
"""Share of the mean local variance from which a neighbourhood shows something."""
_FAR = (8.0, 14.0)
"""Guide voxels along each axis by which a guide is moved to where it says nothing."""
_PLACES = 8
"""Such places."""

_ORDINARY = (1.0, 99.0)
_SPIKE = 2.0
"""Distance from the values between these percentiles, in their range, at which values are cut: one
voxel a hundred times as bright as the rest would have most of a volume's variance."""
_LOOKED_AT = 100_000
"""Voxels whose percentiles count, on a lattice."""
_FLAT = 1e-6
"""Range of a constant guide, as a share of its largest value: rounding."""
_LEAST_VOXELS = 1500
"""Target voxels below which nothing is said against a guide: registered cuts of 8 x 8 x 12 voxels
left as much unexplained as others by chance."""
_AS_BY_CHANCE = 0.9
"""Share of what is left by chance from which a guide says nothing: 64 registered cuts of four
subjects left 0.07 to 0.88 of it (but for one of too few voxels), those of other heads 0.91 and more
(benchmarks/mri_false_shifts.py)."""
_BETTER = 0.8
"""Factor by which a mirrored guide must leave less to be taken for the right one."""
_MIRRORED: tuple[Doubt, ...] = (
    "mirrored along axis 0",
    "mirrored along axis 1",
    "mirrored along axis 2",
)

Move = Float64[np.ndarray, "4 4"]
"""Where each voxel of an aligned guide is found, in voxels: ``aligned[i] = guide[move @ i]``."""
_Image = Float64[np.ndarray, "x y z"]
_Known = Bool[np.ndarray, "x y z"]
_Variances = tuple[
    Float64[np.ndarray, " known"], Float64[np.ndarray, " known"], Bool[np.ndarray, " known"]
]
"""The local variance of a target, what fits leave of it, and where the guide varies."""


@dataclass(frozen=True, eq=False)
class LocalFit:
    """A target, and its guide at the target's resolution, to be fitted for any shift."""

    target: _Image
    known: _Known
    guide: Voxels
    """On its own grid, blurred."""
    to_guide: Float64[np.ndarray, "4 4"]
    """Index in ``target`` to index in the whole guide."""
    origin: tuple[int, int, int] = (0, 0, 0)
    """Where ``guide`` begins in the whole one."""

    @classmethod
    def of(cls, target: Voxels, guide: Voxels, placement: VolumePlacement) -> "LocalFit":
        """Prepare a pair.

        Args:
            target: Turned to the guide's axes; NaN where unknown.
            guide: Finite voxels.
            placement: How they lie by their affines.
        """
        blur = [
            _BLUR * ratio if axis in placement.coarse else 0.0
            for axis, ratio in enumerate(placement.ratios)
        ]
        target, guide = without_spikes(target), without_spikes(guide)
        inside = placement.shown()
        box = _middle(inside)
        known = np.isfinite(target) & inside
        to_guide = np.linalg.inv(placement.to_target)
        to_guide[:3, 3] += to_guide[:3, :3] @ [part.start for part in box]
        return cls(
            filled(target)[box].astype(np.float64) if known.any() else np.zeros((1, 1, 1)),
            known[box] if known.any() else np.zeros((1, 1, 1), dtype=bool),
            ndimage.gaussian_filter(guide, blur),
            to_guide,
        )

    @cached_property
    def weight(self) -> _Image:
        """Share of each neighbourhood that is known; 1 where nothing is."""
        return _known_share(self.known)

    @cached_property
    def _target_moments(self) -> tuple[_Image, _Image]:
        return _target_moments(self.target, self.known, self.weight)

    def unexplained(self, move: Move | None = None) -> float:
        """Return the share of the target's local variance that fits leave: 0 to 1.

        Args:
            move: How the guide was moved, which is undone.
        """
        whole, left, _ = self._variances(move)
        total = float(whole.sum())
        return float(left.sum()) / total if total > 0 else 1.0

    def usually_unexplained(self, move: Move | None = None) -> float:
        """Return the median of that share over the neighbourhoods that show something.

        The outline of a head, which a mirrored or another one nearly has too, does not count more
        than what lies inside; nor does what was cut off of the guide, as skulls are.
        """
        whole, left, seen = self._variances(move)
        lively = (whole > _LIVELY * float(whole.mean())) & seen
        return float(np.median(left[lively] / whole[lively])) if lively.any() else 1.0

    def blank(self, move: Move | None = None) -> float:
        """Return the share of the neighbourhoods that show something where the guide has one value.

        Args:
            move: How the guide was moved, which is undone.
        """
        whole, _, seen = self._variances(move)
        lively = whole > _LIVELY * float(whole.mean())
        return 1 - float(seen[lively].mean()) if lively.any() else 0.0

    def sampled(self, move: Move | None = None) -> _Image:
        """Return the guide on the target's grid, a motion undone."""
        to_guide = self.to_guide if move is None else move @ self.to_guide
        sampled: _Image = ndimage.affine_transform(
            self.guide,
            to_guide[:3, :3],
            to_guide[:3, 3] - self.origin,
            self.target.shape,
            output=np.float64,
            order=1,
            mode="nearest",
        )
        return sampled

    def near(self, margin: float) -> "LocalFit":
        """Return the same with the part of the guide that the target shows, and a margin."""
        ends = np.meshgrid(*[(0, size - 1) for size in self.target.shape], indexing="ij")
        corners = self.to_guide[:3, :3] @ np.stack([each.ravel() for each in ends])
        corners += self.to_guide[:3, 3:]
        first = np.maximum(np.floor(corners.min(axis=1) - margin), 0).astype(int)
        last = np.minimum(np.ceil(corners.max(axis=1) + margin) + 1, self.guide.shape).astype(int)
        if (last <= first).any():
            return self
        part = tuple(slice(start, stop) for start, stop in zip(first, last, strict=True))
        x, y, z = first.tolist()
        return replace(self, guide=self.guide[part], origin=(x, y, z))

    def _variances(self, move: Move | None) -> _Variances:
        """Return what is found of the guide where the target is known."""
        guide = self.sampled(move)
        return _variances(self.target, self.known, self.weight, self._target_moments, guide)

    def doubt(self, move: Move | None = None) -> Doubt | None:
        """Return what speaks against a guide; None where it says something of the target.

        Args:
            move: How the guide was moved, which is undone.
        """
        if float(np.ptp(self.guide)) <= _FLAT * float(np.abs(self.guide).max()):
            return "constant"
        if self.known.sum() < _LEAST_VOXELS:
            return None
        usual = self.usually_unexplained(move)
        for axis, name in enumerate(_MIRRORED):
            mirrored = replace(self, guide=np.flip(self.guide, axis))
            if mirrored.usually_unexplained() < _BETTER * usual:
                return name
        return "unrelated" if usual >= _AS_BY_CHANCE * self._by_chance() else None

    def _by_chance(self) -> float:
        """Return what the same guide usually leaves where it does not belong: a mean."""
        random = np.random.default_rng(0)
        far = random.choice([-1.0, 1.0], (_PLACES, 3)) * random.uniform(*_FAR, (_PLACES, 3))
        return float(np.mean([self.usually_unexplained(shifted(each)) for each in far]))


def shifted(offset: Float64[np.ndarray, "3"]) -> Move:
    """Return the move of a shift: ``aligned[i] = guide[i + offset]``."""
    move = np.eye(4)
    move[:3, 3] = offset
    return move


def without_spikes(volume: Voxels) -> Voxels:
    """Return a volume whose values far beyond the ordinary ones are cut; NaN stays."""
    known = volume[np.isfinite(volume)]
    if not known.size:
        return volume
    low, high = np.percentile(known[:: max(1, known.size // _LOOKED_AT)], _ORDINARY)
    room = _SPIKE * (high - low)
    if not room > 0 or (known.min() >= low - room and known.max() <= high + room):
        return volume
    cut: Voxels = np.clip(volume, np.float32(low - room), np.float32(high + room))
    return cut


def unexplained_share(target: _Image, known: _Known, guide: Voxels) -> float:
    """Return the share of a target's local variance that fits to a guide on its grid leave.

    Args:
        target: Finite.
        known: Which of its voxels count.
        guide: Reduced to the target's grid.
    """
    weight = _known_share(known)
    moments = _target_moments(target, known, weight)
    whole, left, _ = _variances(target, known, weight, moments, guide.astype(np.float64))
    total = float(whole.sum())
    return float(left.sum()) / total if total > 0 else 1.0


def _target_moments(target: _Image, known: _Known, weight: _Image) -> tuple[_Image, _Image]:
    """Return the local means and variances of a target."""
    mean = local_mean(target * known) / weight
    return mean, local_mean(target * target * known) / weight - mean * mean


def _variances(
    target: _Image, known: _Known, weight: _Image, moments: tuple[_Image, _Image], guide: _Image
) -> _Variances:
    """Return what fits find where a target is known, from the known shares of neighbourhoods."""
    low, variance = moments
    high = local_mean(guide * known) / weight
    of_guide = local_mean(guide * guide * known) / weight - high * high
    of_both = local_mean(target * guide * known) / weight - low * high
    small = max(1e-6 * float(guide.var()), _rounding(guide))
    left = variance - of_both**2 / (of_guide + small)
    whole = np.where(variance > _rounding(target[known]), variance, 0.0)
    return whole[known], left[known], (of_guide > small)[known]


def _rounding(image: Float64[np.ndarray, "..."]) -> float:
    """Return what rounding leaves of the variance of a constant image, in whatever unit it is."""
    exact = np.finfo(np.float64)
    return max(float(exact.eps) * float(np.square(image).mean()), float(exact.tiny))


def _known_share(known: _Known) -> _Image:
    share = local_mean(known.astype(np.float64))
    return np.where(share > 1e-6, share, 1.0)


def local_mean(image: _Image) -> _Image:
    """Return the means over the neighbourhoods of the fits, as if all beyond the image were 0."""
    sides = [_WIDE if side >= 8 else min(side, _NARROW) for side in image.shape]
    mean: np.ndarray = ndimage.uniform_filter(image, sides, mode="constant")
    return mean


def _middle(inside: Bool[np.ndarray, "X Y Z"]) -> tuple[slice, slice, slice]:
    """Return a box in the middle of what both volumes show."""
    spans = [np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    if any(not len(span) for span in spans):
        return slice(0, 1), slice(0, 1), slice(0, 1)
    sides = [int(span[-1] - span[0]) + 1 for span in spans]
    share = min(1.0, (_MOST_VOXELS / float(np.prod(sides))) ** (1 / 3))
    parts = []
    for span, side in zip(spans, sides, strict=True):
        kept = max(1, round(side * share))
        first = int(span[0]) + (side - kept) // 2
        parts.append(slice(first, first + kept))
    return parts[0], parts[1], parts[2]
