"""Slope and intercept of integer files, made to hold what the target's own do not.

Files of one slope for their full range (nibabel's way of storing floats as integers) have no room
for a result's sharper peaks. 0 is the background of magnitudes and what a target does not show, so
it stays a stored number, to the last bit; so does the value that stands for unknown voxels.
"""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

Scaling = tuple[float, float]
"""Slope and intercept."""

_DIGITS = 24
"""Binary digits of float32, as headers store slope and intercept."""
_ROUNDED = 0.49
"""Steps by which a value may lie beyond the type: it is rounded back into it."""


def wider(
    scale: Scaling,
    limits: tuple[int, int],
    low: float,
    high: float,
    *,
    fill: float | None = None,
    whole: bool = False,
) -> Scaling:
    """Return slope and intercept with which a type holds values, the target's where these do.

    Whole numbers without a slope are kept as they are. The slope stays where moving the intercept
    is enough; a wider one is at most twice as coarse as it must be, and that only for fill.

    Args:
        scale: Of the target.
        limits: Smallest and largest number of the type.
        low: Smallest value of the result.
        high: Its largest.
        fill: What stands for unknown voxels, a float32; it stays a stored number if it can.
        whole: Whether all that the target's scale holds has to fit: later volumes may need it.
    """
    slope, intercept = scale
    ends = sorted(limit * slope + intercept for limit in limits)
    if scale == (1.0, 0.0) or (ends[0] <= low and high <= ends[1]):
        return scale
    held = [low, high, *(ends if whole else ()), *(() if fill is None else (fill, 0.0))]
    low, high = min(held), max(held)
    own, span, most = abs(slope), high - low, limits[1] - limits[0]
    if not low <= 0 <= high:
        # Half a step less on each side, and what rounding to float32 may move the ends by.
        room = 2 * float(np.spacing(np.float32(abs(low) + abs(high))))
        step = max(own, _rounded_up((span + 2 * room) / (most - 1), _DIGITS))
        return step, float(np.float32(low - room - (limits[0] + 0.5) * step))
    least = max(own, span / most)
    steps = _finest(least, max(own, span / (most - 1)))
    if fill:
        on_zero = (Fraction(intercept) / Fraction(own)).denominator == 1
        kept = [own] if least == own and on_zero else []
        steps = itertools.chain(kept, _dividing(fill, least), steps)
    return next(found for step in steps if (found := _with_zero(step, limits, low, high)))


def _with_zero(step: float, limits: tuple[int, int], low: float, high: float) -> Scaling | None:
    """Return a slope with an intercept that puts 0 on a stored number; None if none does."""
    first = math.ceil(limits[0] - low / step - _ROUNDED)
    last = math.floor(limits[1] - high / step + _ROUNDED)
    if first > last:
        return None
    zero = _roundest(first, last)
    exact = _is_single(Fraction(step)) and _is_single(zero * Fraction(step))
    return (step, 0.0 - zero * step) if exact else None


def _roundest(first: int, last: int) -> int:
    """Return the number of a range with the fewest binary digits: exact in most products."""
    if first <= 0 <= last:
        return 0
    least, most = sorted((abs(first), abs(last)))
    shift = next(n for n in range(most.bit_length(), -1, -1) if most >> n << n >= least)
    return (most >> shift << shift) * (1 if first > 0 else -1)


def _finest(*least: float) -> Iterator[float]:
    """Yield slopes from the finest on, with ever fewer digits: they leave more to the intercept."""
    rounded = {_rounded_up(each, digits) for each in least for digits in range(1, _DIGITS + 1)}
    yield from sorted(rounded)
    yield _rounded_up(2 * max(least), 1)


def _dividing(value: float, least: float) -> list[float]:
    """Return slopes of which a value is a whole multiple, from the finest on, up to twice that."""
    odd = abs(value).as_integer_ratio()[0]
    odd //= odd & -odd
    parts = [part for part in range(1, math.isqrt(odd) + 1, 2) if odd % part == 0]
    found = {
        math.ldexp(each, math.ceil(math.log2(least / each)))
        for part in parts
        for each in (part, odd // part)
    }
    return sorted(slope for slope in found if slope >= least and (value / slope).is_integer())


def _rounded_up(value: float, digits: int) -> float:
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.ceil(math.ldexp(mantissa, digits)), exponent - digits)


def _is_single(value: Fraction) -> bool:
    """Return whether float32 holds a number exactly."""
    single = float(np.float32(float(value)))
    return math.isfinite(single) and Fraction(single) == value
