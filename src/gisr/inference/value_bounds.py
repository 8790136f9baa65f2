"""Where the values of a result can lie: near those of the target around them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.array_types import ImageArray
from gisr.data.normalisation import Normalisation
from gisr.inference.windowed_pair import Cut, nearest_pixels
from gisr.placement import Placement
from gisr.tasks import find_task

_AROUND = 2
"""Target pixels around a result that count: the reach of the bicubic kernel."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest and largest value that a result can have, pixel by pixel."""

    low: Float[np.ndarray, "H W bands"]
    high: Float[np.ndarray, "H W bands"]

    def clip(self, image: ImageArray) -> ImageArray:
        """Return an image within the bounds."""
        clipped: NDArray[np.float32] = np.clip(image, self.low, self.high).astype(np.float32)
        return clipped

    def widened(self, image: ImageArray) -> "Bounds":
        """Return bounds that hold an image, too."""
        return Bounds(np.minimum(self.low, image), np.maximum(self.high, image))


def bounds_of(cut: Cut, normal: Normalisation) -> Bounds | None:
    """Return the bounds of a window: the target's range around a pixel and its task's margin.

    The margin is in widths of that range, or of the guide's there, whichever is wider in the scale
    of the network: what is smaller than a target pixel shows in the guide alone.

    Args:
        cut: The window.
        normal: Puts target and guide on one scale.

    Returns:
        None where nothing bounds the results of the task.
    """
    overshoot = find_task(cut.pair.task).overshoot
    if overshoot is None:
        return None
    pair, scale = cut.pair, np.maximum(normal.target_scale, np.finfo(np.float32).tiny)
    low, high = _range_around(pair.target, pair.valid)
    sides = pair.guide.shape[:2]
    low, high = (nearest_pixels(each, sides, pair.placement) for each in (low, high))
    reach = [2 * round(_AROUND * ratio) + 1 for ratio in pair.placement.ratios]
    # One picture, or bands each in a range of its own: the liveliest then counts.
    least = most = pair.guide
    if len(normal.guide_scale) == 1:
        least, most = least.min(axis=2, keepdims=True), most.max(axis=2, keepdims=True)
    contrast = ndimage.maximum_filter(most, (*reach, 1)) - ndimage.minimum_filter(
        least, (*reach, 1)
    )
    seen = (contrast / normal.guide_scale).max(axis=2, keepdims=True)
    width = np.maximum((high - low) / scale, seen)
    margin = overshoot * width * scale
    return Bounds(low - margin, high + margin)


def target_bounds(
    target: Float[np.ndarray, "h w bands"],
    valid: Bool[np.ndarray, "h w"],
    placement: Placement,
    sides: tuple[int, int],
    overshoot: float,
) -> Bounds:
    """Return the same of a target alone, for guide pixels of which only the placement is known."""
    low, high = _range_around(target, valid)
    margin = overshoot * (high - low)
    both = (nearest_pixels(each, sides, placement) for each in (low - margin, high + margin))
    return Bounds(*both)


def _range_around(
    target: Float[np.ndarray, "h w bands"], valid: Bool[np.ndarray, "h w"] | None
) -> tuple[Float[np.ndarray, "h w bands"], Float[np.ndarray, "h w bands"]]:
    """Return the smallest and largest known value around every target pixel."""
    known = np.ones(target.shape[:2], bool) if valid is None else valid
    size, infinite = (2 * _AROUND + 1, 2 * _AROUND + 1, 1), np.float32("inf")
    low = ndimage.minimum_filter(np.where(known[..., None], target, infinite), size)
    high = ndimage.maximum_filter(np.where(known[..., None], target, -infinite), size)
    # Where nothing around is known there is no bound.
    return np.where(low > high, -infinite, low), np.where(low > high, infinite, high)
