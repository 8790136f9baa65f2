"""Values of a depth map that are no depth: the sky of a renderer, the largest number of a type.

Engines and sensors write 65504, 65535, 1e10 or the largest float where they see nothing, and no
file says so. What lies a hundred times beyond everything else is no surface of the scene.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

_LARGEST = (32767.0, 65504.0, 65535.0, 2147483647.0, 4294967295.0)
"""Largest numbers of types of 16 and 32 bits; those of 8 bits are depths as well."""
_STEPS = (1.0, 10.0, 100.0, 256.0, 1000.0, 5000.0)
"""Stored steps in a metre, or in a pixel of disparity, by which they may have been divided."""
_ROUND = 1e6
"""From here on, powers of ten are no depths but names for far away."""
_ABOVE, _ABOVE_ROUND = 2.0, 8.0
"""How many times the next value such a number must be, and such a power of ten."""
_FAR, _TOO_FAR = 100.0, 1000.0
"""How many times the next value one value must be to be no depth, and several."""
_SUSPECT, _LEAST_SUSPECT = 10.0, 100.0
"""The same for a power of ten that may be one; and the smallest such."""
_LIMITS = (255.0, 1023.0, 2047.0, 4095.0, 8191.0, 16383.0)
"""Largest numbers of 8 to 14 bits: a raw disparity of the first Kinect is 2047 where there is none.
"""
_LEAST_GAP, _LIMIT_GAP, _GAP, _WIDE_GAP, _NEAR_GAP = 1.05, 1.1, 1.5, 2.0, 8.0
"""How many times the next value the largest must be to be asked for: where it is such a number and
held by far more pixels than any other, where it is such a number (of 125 maps those with 255 for
unknown, no others), where it is held by far more pixels, and where it is merely held by many. And
how many times the smallest the next must be."""
_MANY, _OFTEN = 20, 10.0
"""Pixels that hold such a value at least, and how many times as many as hold any other. A sensor's
noise gives no surface one value."""
_VARIED = 20
"""Other values that there must be, so that surfaces of one depth each are no sign."""
_CODES = 3
"""Whole numbers below 0 that may name what is unknown, where all else is above it."""
_REST = 0.05
"""Share of the pixels that must be left: else it is not clear which are the depths."""
_ROUNDS = 4
_SINGLE = 2.0**-24
"""Half the distance of float32 numbers, as a share of them."""
_ALL_DIGITS = 1e15
"""Whole numbers below are written with every digit: an integer pixel equals no other."""


@dataclass(frozen=True, eq=False)
class DepthFill:
    """Values of a depth map that are taken for unknown."""

    unknown: Bool[np.ndarray, "h w"]
    """Which known pixels have them."""
    value: float
    """The one value, or the largest of several."""
    several: bool
    edge: float
    """Of what is left, the value nearest to it."""

    @property
    def spelt(self) -> str:
        """The value in digits that mean it again, with no more of float32 than it has."""
        if self.value.is_integer() and abs(self.value) < _ALL_DIGITS:
            return f"{self.value:.0f}"
        short = f"{self.value:.7g}"
        near = math.isclose(float(short), self.value, rel_tol=_SINGLE)
        return short if near else f"{self.value:.8g}"

    @property
    def text(self) -> str:
        """What was found, for messages."""
        value = f"values up to {self.spelt}" if self.several else self.spelt
        side = "end" if self.value > self.edge else "begin"
        pixels = f"{share_or_count(self.unknown)} of the pixels hold {value}"
        return f"{pixels}, the others {side} at {self.edge:.4g}"


def share_or_count(pixels: Bool[np.ndarray, "h w"]) -> str:
    """Return how many pixels of a map are meant, for messages: of few their number."""
    share = float(pixels.mean())
    return f"{share:.1%}" if share >= 0.001 else f"{int(pixels.sum())}"


def find_depth_fill(
    values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> tuple[DepthFill, ...]:
    """Return what is certainly no depth: far beyond all others, or a few negative values.

    Args:
        values: Depth or disparity, in any unit.
        valid: Which are taken for known so far.
    """
    found: list[DepthFill] = []
    left = valid.copy()
    for _ in range(_ROUNDS):
        if not left.any():
            break
        each, counts = np.unique(values[left].astype(np.float64), return_counts=True)
        limits = _far_beyond(each, counts) or _negative(each)
        if limits is None:
            break
        low, high = limits
        odd = left & ((values < low) | (values > high))
        if (left & ~odd).sum() < _REST * left.sum():
            break
        taken = np.unique(values[odd])
        value = float(taken[np.argmax(np.abs(taken))])
        found.append(DepthFill(odd, value, len(taken) > 1, low if value < low else high))
        left &= ~odd
    return tuple(found)


def suspected_fill(
    values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> DepthFill | None:
    """Return a value at one end that stands apart from all others, and may be a depth or not.

    It is a power of ten, the largest number of some bits, or held by so many pixels that a program
    may have written it (the end of a sensor's reach).
    """
    each, counts = np.unique(values[valid].astype(np.float64), return_counts=True)
    if len(each) < 2 or each[0] < 0 or each[-2] <= 0:
        return None
    power = each[-1] >= max(_LEAST_SUSPECT, _SUSPECT * each[-2]) and _is_power_of_ten(each[-1])
    if power or _is_written(each, counts):
        value, edge = each[-1], each[-2]
    elif counts[0] >= _MANY and len(each) > _VARIED and each[1] >= _NEAR_GAP * each[0]:
        value, edge = each[0], each[1]
    else:
        return None
    odd = valid & (values == values.dtype.type(value))
    if (valid & ~odd).sum() < _REST * valid.sum():
        return None
    return DepthFill(odd, float(value), False, float(edge))


def _is_written(each: NDArray[np.float64], counts: NDArray[np.int64]) -> bool:
    """Return whether the largest value is one that programs write, and not one of a surface."""
    if counts[-1] < _MANY or len(each) <= _VARIED:
        return False
    often = counts[-1] >= _OFTEN * counts[:-1].max()
    if each[-1] in _LIMITS:
        gap = _LEAST_GAP if often else _LIMIT_GAP
    else:
        gap = _GAP if often else _WIDE_GAP
    return bool(each[-1] >= gap * each[-2])


def _negative(each: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the range of the others where one value alone is below 0, or a few whole numbers."""
    below = int(np.searchsorted(each, 0.0))
    if not 0 < below < len(each) or each[below] == 0:
        return None
    codes = below <= _CODES and len(each) > _VARIED and bool((each[:below] % 1 == 0).all())
    return (float(each[below]), float(each[-1])) if below == 1 or codes else None


def _far_beyond(each: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, float] | None:
    """Return the range of the others where some lie far beyond it, on either side of 0."""
    order = np.argsort(np.abs(each), kind="stable")
    sizes, many = np.abs(each[order]), np.cumsum(counts[order])
    ratio = sizes[1:] / np.maximum(sizes[:-1], 1e-30)
    enough = many[:-1] >= _REST * many[-1]
    for place in np.flatnonzero(enough & (sizes[:-1] > 0) & (ratio >= _ABOVE)):
        beyond = each[order[place + 1 :]]
        named = _is_largest(sizes[-1]) or _is_huge(sizes[-1])
        # Of two groups, depths are the one of many values: 1 beside 1500 to 4000 is the odd one.
        odd = named or len(beyond) <= place + 1
        certain = odd and (
            ratio[place] >= _TOO_FAR
            or (ratio[place] >= _FAR and (len(beyond) == 1 or named))
            or (len(beyond) == 1 and _is_largest(sizes[-1]))
            or (len(beyond) == 1 and ratio[place] >= _ABOVE_ROUND and _is_huge(sizes[-1]))
        )
        if certain:
            kept = each[order[: place + 1]]
            return float(kept.min()), float(kept.max())
    return None


def _is_largest(value: float) -> bool:
    """Return whether it is the largest number of a type, in stored steps or in metres."""
    known = [largest / steps for largest in _LARGEST for steps in _STEPS]
    return bool(np.isclose(value, known, rtol=1e-6, atol=0).any())


def _is_huge(value: float) -> bool:
    return value >= _ROUND and _is_power_of_ten(value)


def _is_power_of_ten(value: float) -> bool:
    exponent = round(float(np.log10(value)))
    return bool(np.isclose(value, 10.0**exponent, rtol=1e-6, atol=0))
