"""Content far outside the range of its image, seen by the network in a range of its own.

One affine map fits an image whose values lie in one range. Islands in a sea, towns at night and
glints lie a hundred times outside it, where the network has never been. Wherever values around a
pixel are beyond the range, the image is seen again at a coarser level, at which they are within it,
and the answers are blended by how far outside they are. Levels depend on nothing but the values
around a pixel, so that one defect of a scene changes nothing elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.array_types import ImageArray

WITHIN = 4.0
"""Largest normalised value that is within the range: the brightest roofs of ordinary scenes, whose
percentiles are 0 and 1."""
_STEP = 4.0
"""Ratio between one level and the next."""
_SEEN = 2.0
"""Largest value of a level as the network sees it."""
_MOST_LEVELS = 8
_AROUND = 2.0
"""Target pixels around one that are beyond the range within which it is seen coarser, too."""


@dataclass(frozen=True, eq=False)
class Level:
    """One way in which the network sees an image."""

    scale: float
    """What normalised values are divided by."""
    weight: Float[np.ndarray, "H W 1"] | None
    """Share of its answer in the result; all of it when None."""

    def seen(self, image: ImageArray) -> ImageArray:
        """Return a normalised image as the network sees it, with what is beyond cut off."""
        return within_range(image if self.scale == 1 else image / np.float32(self.scale))


def within_range(image: ImageArray) -> ImageArray:
    """Return a normalised image whose values far outside the range are cut off."""
    return np.clip(image, np.float32(1 - WITHIN), np.float32(WITHIN))


def levels_of(low: ImageArray, high: ImageArray, ratio: float) -> Iterator[Level]:
    """Yield the levels at which a window is to be seen; one for ordinary content.

    Args:
        low: Normalised target on the guide's grid.
        high: Normalised guide.
        ratio: Guide pixels to a target pixel.
    """
    height = np.maximum(_height(low), _height(high))
    if height.max() <= WITHIN:
        yield Level(1.0, None)
        return
    reach = max(1, round(_AROUND * ratio))
    widest = ndimage.maximum_filter(height, size=2 * reach + 1, mode="nearest")
    number = np.log(np.maximum(widest, WITHIN) / WITHIN) / np.log(_STEP)
    # The first coarser level is there at once: what is beyond a level is cut off in it.
    number = np.where(number < 0.5, 2 * number, number + 0.5)
    number = np.minimum(ndimage.uniform_filter(number, reach, mode="nearest"), _MOST_LEVELS)
    for level in range(_MOST_LEVELS + 1):
        weight: NDArray[np.float64] = np.clip(1 - np.abs(number - level), 0, None)
        if weight.max() > 1e-6:
            scale = 1.0 if level == 0 else WITHIN / _SEEN * _STEP**level
            yield Level(scale, weight[..., None].astype(np.float32))


def _height(image: ImageArray) -> Float[np.ndarray, "H W"]:
    """Return how far pixels are from the other end of the range."""
    most: NDArray[np.float64] = np.maximum(image, 1 - image).max(axis=2).astype(np.float64)
    return most
