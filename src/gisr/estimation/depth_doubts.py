"""What of a depth map may not be what it is taken for: 0 that is a depth, labels, single points."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gisr.estimation.depth_fill import share_or_count

_NEAR_ZERO = 0.02
"""Share of the largest value up to which values beside zeros run down to them."""
_RUN_DOWN = 0.2
"""Share of the pixels beside zeros whose values do: a flat background has edges of objects, too."""
_LEAST_BESIDE = 8
"""Pixels beside zeros from which their values say something."""
_MOST_LEVELS = 10
"""Whole numbers up to this one alone are names: confidence 0 to 2, a few classes."""
_WHITE = 255
_MOST_SPARSE = 0.5
"""Share of known pixels up to which a map may be one of single points."""
_MOST_INNER = 0.1
"""Share of these up to which all neighbours may be known, too: of surfaces they nearly all are."""
_LEAST_POINTS = 16
"""Known pixels from which a map says that it is sparse."""


def zero_as_depth(
    values: Float[np.ndarray, "h w"], zero: Bool[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> str | None:
    """Say that values run down to 0: inverse depth from 0 to 255 has its farthest there.

    A hole of a sensor lies beside surfaces that are far from 0.

    Args:
        values: The depth map.
        zero: Where it is 0, which is taken for unknown.
        valid: What is taken for known.
    """
    least, largest = _ends(values, zero, valid)
    if _beside(least, largest) != "slope":
        return None
    return (
        f"{share_or_count(zero)} of the pixels are 0 and taken for unknown, but the values beside "
        f"them run down to it ({least:.4g}, of {largest:.4g}): if 0 is a depth, say so "
        "(--invalid none)"
    )


def beside_zero(
    values: Float[np.ndarray, "h w"], zero: Bool[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> Literal["slope", "surface"] | None:
    """Return what lies beside zeros: values that run down to them, or surfaces far from them.

    Args:
        values: The depth map.
        zero: Where it is 0.
        valid: Where it is known and above 0.

    Returns:
        None where there are too few of them.
    """
    return _beside(*_ends(values, zero, valid))


def _ends(
    values: Float[np.ndarray, "h w"], zero: Bool[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> tuple[float, float]:
    """Return the least value beside zeros, NaN where too few lie there, and the largest of all."""
    beside = values[ndimage.binary_dilation(zero) & valid]
    if beside.size < _LEAST_BESIDE:
        return math.nan, math.nan
    return float(np.quantile(beside, _RUN_DOWN)), float(values[valid].max())


def _beside(least: float, largest: float) -> Literal["slope", "surface"] | None:
    if 0 < least <= _NEAR_ZERO * largest:
        return "slope"
    return "surface" if least > 0 else None


def names_alone(known: Float[np.ndarray, " pixels"]) -> str | None:
    """Say that whole numbers are a few small ones, or white alone: confidence, labels or a mask.

    Args:
        known: Known values of a map of an integer type.
    """
    smallest, largest = float(known.min()), float(known.max())
    if smallest == largest == _WHITE:
        return f"all that is known is {_WHITE}, as in a mask: is it the depth map?"
    if smallest >= 0 and largest <= _MOST_LEVELS:
        return (
            f"nothing but whole numbers from {smallest:.0f} to {largest:.0f}, as in a map of "
            "confidence or labels: is it the depth map?"
        )
    return None


def single_points(valid: Bool[np.ndarray, "h w"]) -> str | None:
    """Say that what is known are points with gaps between them, as lidars and matchers give them.

    What a sensor lost, or somebody cut out, leaves surfaces.

    Args:
        valid: What is known.
    """
    known = int(valid.sum())
    if known < _LEAST_POINTS or known > _MOST_SPARSE * valid.size:
        return None
    inner = ndimage.binary_erosion(valid, np.ones((3, 3), bool), border_value=1)
    if inner.sum() > _MOST_INNER * known:
        return None
    return (
        f"{share_or_count(~valid)} of the pixels are unknown, and what is known are single points "
        "or lines (lidar, matched features): the rest stays unknown; --fill-holes fills it along "
        "the picture's edges"
    )
