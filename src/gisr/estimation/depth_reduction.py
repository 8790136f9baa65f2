"""How a depth map was made coarse: sampled point by point, averaged over areas, or bicubic.

Sensors, and programs that take every n-th pixel, give samples: beside an edge a pixel lies on the
near surface or on the far one. Means of areas lie between them; bicubic reduction overshoots, too.
Networks learn the last, which tells by the value of a mixed pixel where the edge runs through it.
From samples they read an edge where there is none.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from gisr.data.resample import area_to_target, bicubic_to_target
from gisr.estimation.depth_levels import level_step
from gisr.placement import Placement

DepthReduction = Literal["sampled", "averaged", "bicubic"]

_STEP = 0.03
"""Smallest step of an edge, as a share of the depth map's range."""
_FLAT = 8.0
"""How many times what the surfaces beside it change from pixel to pixel an edge has to be."""
_PURE = 0.08
"""Share of a step by which a pixel beside it may leave a surface and still belong to it."""
_BORDER = 2
"""Target pixels at the border that do not count."""
# Logistic regression of the three features of estimate_reduction, and a constant: 51 training
# frames, every one sampled, averaged and reduced by a bicubic kernel at two ratios. What they are
# worth is measured by benchmarks/depth_targets.py; the fit itself is not part of the project.
_SAMPLED = (1.384, 2.478, 0.415, 1.077)
_AVERAGED = (2.384, 1.672, -1.721, 1.561)
_RELATIVE, _ABSOLUTE = (-2.0, 0.2), (-4.3, -1.4)
"""Ranges of the second and third feature: beyond them, they say no more. To fit means of areas very
well is no sign of samples."""
_SURELY_AVERAGED = 0.7
"""Probability of means of areas from which a target is taken for them."""
_UNSURE, _SURE = 0.2, 0.5
"""Probability of samples from which a result leans on interpolation, and wholly does."""


@dataclass(frozen=True)
class ReductionEstimate:
    """How a depth map seems to have been made coarse."""

    kind: DepthReduction
    sampled: float
    """How far it is to be taken for samples, from 0 (not at all) to 1."""
    edges: int
    """Edges that were looked at."""


def estimate_reduction(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    answer: Float[np.ndarray, "H W"],
    placement: Placement,
) -> ReductionEstimate:
    """Estimate how a depth map was made coarse, from itself and from what a network made of it.

    Args:
        target: The depth map; values that are not valid do not count.
        valid: Which are known.
        answer: The network's result, which takes the target for a bicubic reduction.
        placement: Where the answer's pixels lie on the target.
    """
    level = level_step(target, valid)
    mixed = _mixtures(target, valid, level)
    share = _pure_share(mixed)
    kept = valid.copy()
    for axis in (0, 1):
        edge = np.arange(target.shape[axis])
        inside = (edge >= _BORDER) & (edge < target.shape[axis] - _BORDER)
        kept &= inside[:, None] if axis == 0 else inside[None, :]
    missing = [
        _root_mean_square(_beyond(reduce(answer, target.shape, placement) - target, level)[kept])
        for reduce in (bicubic_to_target, area_to_target)
    ]
    bent = _curvature(target, valid, level)
    if min(*missing, bent) <= 0:
        return ReductionEstimate("bicubic", 0.0, len(mixed))
    features = (
        float(np.log(share / (1 - share))),
        float(np.clip(np.log(missing[0] / missing[1]), *_RELATIVE)),
        float(np.clip(np.log(missing[0] / bent), *_ABSOLUTE)),
    )
    leaning = float(np.clip((_chance(_SAMPLED, features) - _UNSURE) / (_SURE - _UNSURE), 0, 1))
    if leaning >= 0.5:
        return ReductionEstimate("sampled", leaning, len(mixed))
    averaged = _chance(_AVERAGED, features) >= _SURELY_AVERAGED
    return ReductionEstimate("averaged" if averaged else "bicubic", leaning, len(mixed))


def unmixed_share(target: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> float:
    """Return the share of the pixels at edges that lie on one of the surfaces: of samples, most.

    Args:
        target: The depth map; values that are not valid do not count.
        valid: Which are known.
    """
    return _pure_share(_mixtures(target, valid, level_step(target, valid)))


def _pure_share(mixed: NDArray[np.float64]) -> float:
    pure = np.abs(mixed - np.rint(np.clip(mixed, 0, 1))) < _PURE
    return float((pure.sum() + 1) / (len(mixed) + 2))


def _chance(weights: tuple[float, ...], features: tuple[float, ...]) -> float:
    *factors, constant = weights
    total = constant + sum(w * f for w, f in zip(factors, features, strict=True))
    return float(1 / (1 + np.exp(-total)))


def _beyond(errors: Float[np.ndarray, "h w"], level: float) -> Float[np.ndarray, "h w"]:
    """Return what of differences rounding to levels does not explain."""
    if level == 0:
        return errors
    left: Float[np.ndarray, "h w"] = errors - np.clip(errors, -level / 2, level / 2)
    return left


def _mixtures(
    target: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], level: float
) -> NDArray[np.float64]:
    """Return where pixels at edges lie between the surfaces: 0 on the one, 1 on the other.

    An edge is a pixel with two pixels of one surface before it and two of another after it, along a
    row or a column; the surfaces are continued to the pixel as they run. Rounding to levels moves
    a pixel by half a level, which must be less than what is told apart.
    """
    if not valid.any():
        return np.empty(0)
    smallest = max(_STEP * float(np.ptp(target[valid])), 0.5 * level / _PURE)
    found = [np.empty(0)]
    for values, known in ((target, valid), (target.T, valid.T)):
        length = values.shape[1] - 4
        if length < 1:
            continue
        a, b, middle, c, d = (values[:, i : i + length].astype(np.float64) for i in range(5))
        counts = np.logical_and.reduce([known[:, i : i + length] for i in range(5)])
        before, after = 2 * b - a, 2 * c - d
        step = after - before
        change = np.maximum(np.abs(b - a), np.abs(d - c))
        counts &= np.abs(step) > np.maximum(smallest, _FLAT * change)
        found.append(((middle - before)[counts]) / step[counts])
    return np.concatenate(found)


def _curvature(
    target: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], level: float
) -> float:
    """Return the root mean square of the second differences of neighbours that are known.

    Rounding to levels adds a half of their square: 1 + 4 + 1 times a twelfth.
    """
    found = [np.zeros(1, np.float32)]
    for axis in (0, 1):
        if target.shape[axis] > 2:
            values, known = np.moveaxis(target, axis, 0), np.moveaxis(valid, axis, 0)
            inside = known[:-2] & known[1:-1] & known[2:]
            found.append((values[:-2] - 2 * values[1:-1] + values[2:])[inside])
    return float(np.sqrt(max(_root_mean_square(np.concatenate(found)) ** 2 - level**2 / 2, 0)))


def _root_mean_square(values: Float[np.ndarray, " n"]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0
