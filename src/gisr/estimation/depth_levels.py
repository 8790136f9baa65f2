"""Depth maps that were rounded to few levels, as by 8 bits for a whole room.

Their slopes are stairs. A stair looks like an edge between two surfaces without a mixed pixel, and
rounding hides how a map was made coarse where it is larger than what that leaves.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

_MOST = 64
"""Levels from which rounding says nothing of edges: nine frames of sensors and of Middlebury."""
_LEAST = 12
"""Values that there must be at least: a few surfaces, or what means over areas make of two of them,
are no levels. With eight, interpolation is still the better: it makes slopes of the stairs."""
_IN_USE = 0.5
"""Share of the levels that must be held by a pixel."""
_EXACT = 1e-3
"""By how much values may leave their levels, as a share of a step."""


def level_step(values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> float:
    """Return how far the levels lie apart to which a map was rounded; 0 of one that was not.

    Args:
        values: Depth or disparity, in any unit.
        valid: Which are known.
    """
    return _step(np.unique(values[valid]).astype(np.float64))


def few_levels(values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> str | None:
    """Say that a map was rounded to few levels.

    Args:
        values: Depth or disparity, in any unit.
        valid: Which are known.
    """
    each = np.unique(values[valid]).astype(np.float64)
    step = _step(each)
    if step == 0:
        return None
    return (
        f"it is quantised to {len(each)} levels, {step:.3g} apart, so slopes come in stairs: if "
        "there is a depth map of more digits (16 bits, floats), give that"
    )


def _step(each: Float64[np.ndarray, " levels"]) -> float:
    """Return the step between the values of a map, each once and rising; 0 where there is none."""
    if len(each) < _LEAST:
        return 0.0
    step = float(np.diff(each).min())
    places = (each - each[0]) / step
    count = places[-1] + 1
    if count > _MOST or len(each) < _IN_USE * count:
        return 0.0
    return step if (np.abs(places - np.rint(places)) < _EXACT).all() else 0.0
