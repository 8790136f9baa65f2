"""The nearest image whose k-space holds a measured centre, as far as its noise allows.

An image of either sign gets what its k-space misses at once. Magnitudes are never negative, which
ties frequencies together: the nearest image ``x`` to the network's ``x0`` is that of

    minimise |x - x0|^2 + |U(D x - target)|^2 / noise_to_error   over all x >= 0,

D keeping the centre of k-space, U putting such a centre into an image of zeros, and
``noise_to_error`` being the variance of the target's noise over that of the network's error, 0 for
a clean target. Its dual is smooth and is climbed with Nesterov's momentum (Beck and Teboulle, SIAM
J. Imaging Sciences 2, 2009).

Where there is air, noise is separated from the network's error: the result is near 0 there, and
what the target has beside the result's ringing is noise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.degradations import kspace_centre, zero_fill

_STEPS = 30
"""At most; benchmarks/kspace_noise.py."""
_CONVERGED = 1e-5
"""Change of a step, as a share of the target's largest value, that is none."""
_RINGING = 0.2
"""How far below 0 truncated k-space takes magnitudes, as a share of their largest: 9 % along each
axis. Images that go further are of both signs."""
_USUAL_RINGING = 0.02
"""How far below 0 half of the values below 0 are at most where all of them are ringing, as a share
of the 99.9th percentile."""
_AIR_SHARE, _AIR_WIDTH = 0.2, 0.03
"""Share of a target's values that its air holds at least, to be seen, and half the width of the
densest part of so many, as a share of the range: tissue's is wider."""
_NOISE_WIDTH = 0.15
"""The same half width over the usual value below 0, where both are noise about 0."""
_FAR, _MOST_FAR = 0.05, 0.05
"""Share of the 99.9th percentile that noise seldom takes air below 0 by, and how often it may."""
_AIR, _LEAST_AIR = 0.03, 0.02
"""Share of the largest value below which there is air, and least share of the pixels that it must
fill to be judged by."""
_NORMAL = 0.6745
"""Median of the absolute values of standard normal noise."""
_CLEAN = 0.4
"""Without noise, the usual deviation in air, as a share of all that is missing: the ringing of what
the network got wrong elsewhere (about 0.3 in slices of training and validation subjects)."""
_PASSED = 1.1
"""Noise of a target over what is seen of it in air beyond that: the network has followed a part."""
_MOST = 0.99
"""Largest share of what is missing that is taken for noise."""

FineSlice = Float[np.ndarray, "H W"]
CoarseSlice = Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class Floor:
    """The value below which an image on a k-space grid is nowhere."""

    value: float | None
    """None of images that may have any value."""

    @classmethod
    def of(cls, values: Float[np.ndarray, " samples"]) -> "Floor":
        """Judge a target, or all slices of a volume: one decision for all.

        0 of magnitudes, whose target goes below it by noise and the ringing of truncated k-space
        alone. Of magnitudes that were standardised (z-scored) it lies where the air is, as most of
        the darkest values do, less its noise. Images of either sign have none.

        Args:
            values: Known samples.
        """
        if values.min() >= 0 or _about_zero(values):
            return cls(0.0)
        air, width = _densest(values)
        floor = air - width
        narrow = width <= _AIR_WIDTH * float(np.percentile(values, 99.9) - air)
        if air < 0 and narrow and _about_zero(values - np.float32(floor)):
            return cls(floor)
        return cls(None)


def _about_zero(values: Float[np.ndarray, " samples"]) -> bool:
    """Return whether what lies below 0 can be ringing or noise of an image nowhere below it."""
    below, top = values[values < 0], float(np.percentile(values, 99.9))
    if not below.size:
        return True
    if float(values.min()) < -_RINGING * float(values.max()):
        return False
    if float(np.mean(np.abs(values) <= _USUAL_RINGING * top)) < _LEAST_AIR:
        return False  # nothing dark that could ring
    usual = float(np.median(below))
    if usual >= -_USUAL_RINGING * top:
        return True
    air, width = _densest(values)
    noise = width >= _NOISE_WIDTH * abs(usual)
    return air >= 0.5 * usual and (noise or float(np.mean(values < -_FAR * top)) <= _MOST_FAR)


def _densest(values: Float[np.ndarray, " samples"]) -> tuple[float, float]:
    """Return the middle and half the width of the narrowest interval that holds much of all."""
    ordered = np.sort(values.astype(np.float64))
    count = max(2, round(_AIR_SHARE * len(ordered)))
    widths = ordered[count - 1 :] - ordered[: len(ordered) - count + 1]
    first = int(widths.argmin())
    return float(np.median(ordered[first : first + count])), 0.5 * float(widths[first])


def nearest_image(
    image: FineSlice,
    target: CoarseSlice,
    known: Bool[np.ndarray, "h w"],
    *,
    floor: Floor,
    noise_to_error: float | None = None,
) -> FineSlice:
    """Return the nearest image that agrees with the target in the centre of k-space.

    Args:
        image: The network's result.
        target: Measured, on a k-space grid, without holes.
        known: Pixels of it that count.
        floor: The result is to be nowhere below it; without one it agrees to rounding.
        noise_to_error: Of magnitudes: the variance of the target's noise over that of the network's
            error; estimated by :func:`noise_to_error_ratio` when None.
    """
    if floor.value is None:
        exact: FineSlice = image + kspace_up(missing_kspace(image, target, known), image.shape)
        return exact
    above = np.float32(floor.value)  # a constant keeps its value in a crop of k-space
    image, target = image - above, target - above
    unit = _unit(target)  # squares of values that fit float32 may not
    near = _nearest_magnitudes(image / unit, target / unit, known, noise_to_error)
    nearest: FineSlice = near * unit + above
    return nearest


def _nearest_magnitudes(
    image: FineSlice,
    target: CoarseSlice,
    known: Bool[np.ndarray, "h w"],
    noise_to_error: float | None,
) -> FineSlice:
    if noise_to_error is None:
        noise_to_error = noise_to_error_ratio(image, target, known)
    multiplier = ahead = np.zeros_like(target)
    speed = 1.0
    for _ in range(_STEPS):
        result = np.maximum(image + kspace_up(ahead, image.shape), 0)
        uphill = missing_kspace(result, target, known) - noise_to_error * ahead
        last, multiplier = multiplier, ahead + uphill / np.float32(1 + noise_to_error)
        faster = (1 + np.sqrt(1 + 4 * speed * speed)) / 2
        ahead = multiplier + np.float32((speed - 1) / faster) * (multiplier - last)
        speed = faster
        if float(np.sqrt(np.mean(np.square(multiplier - last)))) < _CONVERGED:
            break
    nearest: FineSlice = np.maximum(image + kspace_up(multiplier, image.shape), 0)
    return nearest


def noise_to_error_ratio(
    image: FineSlice, target: CoarseSlice, known: Bool[np.ndarray, "h w"]
) -> float:
    """Return the variance of a target's noise over that of what a result misses in it otherwise.

    0 where the target is clean, or has too little air to estimate it.

    Args:
        image: The network's result, of magnitudes.
        target: Measured, on a k-space grid.
        known: Pixels of it that count.
    """
    unit = _unit(target)
    image, target = image / unit, target / unit
    missing = missing_kspace(np.maximum(image, 0), target, known)
    low = target - missing
    air = known & (np.abs(low) < _AIR * low.max())
    total = float(np.sqrt(np.mean(np.square(missing[known]))))
    if air.sum() < _LEAST_AIR * known.sum() or not total > 0:
        return 0.0
    usual = np.median(missing[air])  # an offset of the result is no noise
    seen = float(np.median(np.abs(missing[air] - usual))) / _NORMAL
    noise = min(_MOST, _PASSED * max(0.0, seen / total - _CLEAN)) ** 2
    return noise / (1 - noise)


def _unit(target: CoarseSlice) -> np.float32:
    largest = np.float32(np.abs(target).max())
    return largest if largest > 0 else np.float32(1)


def missing_kspace(
    image: FineSlice, target: CoarseSlice, known: Bool[np.ndarray, "h w"]
) -> CoarseSlice:
    """Return what a target has that the centre of an image's k-space has not; 0 where unknown."""
    low = kspace_centre(image, (target.shape[0], target.shape[1]))
    return np.where(known, target - low, np.float32(0))


def kspace_up(small: CoarseSlice, shape: tuple[int, ...]) -> FineSlice:
    """Return the smallest image that adds ``small`` to the k-space centre of another.

    Along an even side the target has one sample at its Nyquist frequency and the image two, one for
    each sign; the target holds their mean, so both get what is missing in it.
    """
    return zero_fill(small, (shape[0], shape[1]), at_nyquist=1.0)
