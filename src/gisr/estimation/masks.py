"""Which pixels of an image may count in an estimate."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.pair import Pair

_LIMIT, _FEWEST = 1e-3, 16
"""Share of the pixels that are exactly the highest from which that is a limit of the sensor, and
the fewest pixels that are such a share."""
_REACH = 2.0
"""Standard deviations of a blur beyond which it hardly mixes pixels."""

_ELSEWHERE, _MOST_ELSEWHERE = 6.0, 0.6
"""Deviations beyond which areas show different things, as clouds that moved; and the share of the
pixels from which they are too many for that."""

_LOCAL = 1.5
"""Standard deviations within which most of what is local lies."""


def saturated(
    image: Float[np.ndarray, "h w"], known: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Return which pixels are exactly the highest, where so many are that it is a limit."""
    highest = image[known].max(initial=-np.inf)
    found = known & (image == highest)
    many = max(_FEWEST, _LIMIT * known.sum()) <= found.sum() < known.sum()
    return found if many else np.zeros_like(found)


def without_rim(known: Bool[np.ndarray, "H W"], blur: float) -> Bool[np.ndarray, "H W"]:
    """Return what a blur does not bring anything unknown to; the image's own border may stay."""
    if known.all():
        return known
    reach = 2 * int(np.ceil(_REACH * blur)) + 1
    eroded: NDArray[np.bool_] = ndimage.minimum_filter(known, size=reach, mode="nearest")
    return eroded


def moved_mask(
    known: Bool[np.ndarray, "H W"], offset: tuple[float, float]
) -> Bool[np.ndarray, "H W"]:
    """Return which pixels are known of an image that is shifted."""
    if known.all():
        return known
    moved: NDArray[np.bool_] = (
        ndimage.shift(known.astype(np.float32), [-each for each in offset], order=1, mode="nearest")
        > 0.99
    )
    return moved


def alike(
    misfit: Float[np.ndarray, "H W"], known: Bool[np.ndarray, "H W"], ratio: float
) -> Bool[np.ndarray, "H W"]:
    """Return where two images show one thing: all but areas, not edges, that differ by far."""
    usual = 1.4826 * float(np.median(np.abs(misfit[known])))
    far = known & (np.abs(misfit) > _ELSEWHERE * usual)
    size = 2 * round(ratio) + 1
    areas = ndimage.minimum_filter(far, size=size, mode="nearest")
    areas = ndimage.maximum_filter(areas, size=3 * size, mode="nearest")
    return np.ones_like(known) if (areas & known).sum() > _MOST_ELSEWHERE * known.sum() else ~areas


def surrounded(known: Bool[np.ndarray, "H W"], width: float) -> Bool[np.ndarray, "H W"]:
    """Return which pixels are known with all that is local to them, within the image.

    Beside a gap or a border, what is local lies on one side: two images look alike there because
    their gaps do, wherever the ground lies.
    """
    size = 2 * int(np.ceil(_LOCAL * width)) + 1
    inner: NDArray[np.bool_] = ndimage.minimum_filter(known, size=size, mode="constant", cval=False)
    return inner


def known_at_target(pair: Pair) -> Bool[np.ndarray, "h w"]:
    """Return which target pixels are known."""
    return np.ones(pair.target.shape[:2], dtype=np.bool_) if pair.valid is None else pair.valid


def known_at_guide(pair: Pair) -> Bool[np.ndarray, "H W"]:
    """Return which guide pixels have a known target pixel nearest to them."""
    known = known_at_target(pair)
    indices = []
    for axis in (0, 1):
        scale, offset = pair.placement.scale[axis], pair.placement.offset[axis]
        nearest = np.rint(np.arange(pair.guide.shape[axis]) * scale + offset)
        indices.append(np.clip(nearest, 0, known.shape[axis] - 1).astype(np.int64))
    return known[np.ix_(*indices)]
