"""Content far outside the range of its image, seen by the network in a range of its own.

One affine map fits an image whose values lie in one range. Islands in a sea, towns at night and
glints lie a hundred times outside it, where the network has never been. Wherever values around a
pixel are beyond the range, the image is seen again at coarser levels, up to the range of all of
it, and the answers are blended by how far outside the values are. Which level counts depends on
nothing but the values around a pixel, so that one defect of a scene changes nothing elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from scipy import ndimage

from gisr.array_types import ImageArray
from gisr.data.normalisation import Normalisation

WITHIN = 4.0
"""Largest normalised value that is within the range: the brightest roofs of ordinary scenes, whose
percentiles are 0 and 1."""
_WIDER = 1.25
"""The same of the coarser levels, which are there for the brightest around."""
_BEYOND = 2.0
"""How many times what is within a level is beyond it; between the two, levels are blended."""
_STEP = 4.0
"""Ratio between one level and the next, at most."""
_RARE = 20_000
"""Pixels for each one that may lie beyond the range of all: defects."""
_FEW, _ALONE = 4, 16.0
"""How many pixels of any image may be defects, and how many times further they then lie than all
others: blurred by its optics, even a single light reaches its neighbours with an eighth."""
_AROUND = 2.0
"""Target pixels around one that are beyond the range within which it is seen coarser, too."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One way in which the network sees a window."""

    normalisation: Normalisation
    low: Float[np.ndarray, "H W bands"]
    """The target on the guide's grid, normalised; what is far beyond the range is cut off."""
    high: Float[np.ndarray, "H W channels"]
    """The guide, likewise."""
    weight: Float[np.ndarray, "H W 1"] | None
    """Share of its answer in the result; all of it when None."""


def within_range(image: ImageArray) -> ImageArray:
    """Return a normalised image whose values far outside the range are cut off."""
    clipped: ImageArray = np.clip(image, np.float32(1 - WITHIN), np.float32(WITHIN))
    return clipped


def levels_of(
    usual: Normalisation,
    target: Shaped[np.ndarray, "pixels bands"],
    guide: Shaped[np.ndarray, "samples channels"],
) -> tuple[Normalisation, ...]:
    """Return the maps at which an image may be seen, the usual one first, that of all of it last.

    Args:
        usual: By the percentiles of the task.
        target: A sample of known pixels.
        guide: The same of the guide, a column for each of its maps.
    """
    ranges = (
        (target, usual.target_offset, usual.target_scale),
        (guide, usual.guide_offset, usual.guide_scale),
    )
    both = [_Reach.of(sample, low, width) for sample, low, width in ranges]
    below, above = (any(each.is_far(side) for each in both) for side in ("below", "above"))
    if not (below or above):
        return (usual,)
    seen, guide_seen = (each.only(below=below, above=above) for each in both)
    factor = max(float(each.factors.max()) for each in (seen, guide_seen))
    count = int(np.ceil(np.log(factor) / np.log(_STEP)))
    return (
        usual,
        *(
            Normalisation(*seen.range_at(share), *guide_seen.range_at(share))
            for share in (number / count for number in range(1, count + 1))
        ),
    )


@dataclass(frozen=True, eq=False)
class _Reach:
    """The usual range of each band, and how far all values reach beyond it to both sides."""

    low: Float[np.ndarray, " bands"]
    width: Float[np.ndarray, " bands"]
    below: Float[np.ndarray, " bands"]
    above: Float[np.ndarray, " bands"]

    @classmethod
    def of(
        cls,
        sample: Shaped[np.ndarray, "pixels bands"],
        low: Float[np.ndarray, " bands"],
        width: Float[np.ndarray, " bands"],
    ) -> "_Reach":
        """Measure a sample of known pixels."""
        values = sample.astype(np.float32) - low
        below, above = (_furthest(each) - width for each in (width - values, values))
        return cls(low, width, np.maximum(below, 0), np.maximum(above, 0))

    def is_far(self, side: Literal["below", "above"]) -> bool:
        """Return whether values of a band lie where the network has never been."""
        reach = self.below if side == "below" else self.above
        return bool((reach > (WITHIN - 1) * self.width)[self.width > 0].any())

    def only(self, *, below: bool, above: bool) -> "_Reach":
        """Return the same with the sides that count."""
        return replace(self, below=self.below * below, above=self.above * above)

    @property
    def factors(self) -> Float[np.ndarray, " bands"]:
        """How many times wider all of it is than the usual range."""
        whole = self.below + self.width + self.above
        factors: NDArray[np.float64] = np.ones(whole.shape)
        np.divide(whole, self.width, out=factors, where=self.width > 0)
        return factors

    def range_at(
        self, share: float
    ) -> tuple[Float[np.ndarray, " bands"], Float[np.ndarray, " bands"]]:
        """Return where the range of a level begins and how wide it is, 0 being usual and 1 all.

        It grows to where values lie: what is far below the usual range is seen between 0 and 1,
        too, where the network has learnt.
        """
        width = self.width * self.factors**share
        beside = self.below + self.above
        lower = np.divide(self.below, beside, out=np.zeros_like(beside), where=beside > 0)
        return (self.low - lower * (width - self.width)).astype(np.float32), width.astype(
            np.float32
        )


def seen_at(
    levels: Sequence[Normalisation], on_grid: ImageArray, guide: ImageArray, ratio: float
) -> Iterator[Seen]:
    """Yield what the network is to see of a window: once for ordinary content.

    Args:
        levels: From :func:`levels_of`.
        on_grid: The target on the guide's grid, in its own units.
        guide: Likewise.
        ratio: Guide pixels to a target pixel.
    """
    left: Float[np.ndarray, "H W 1"] | None = None
    for number, level in enumerate(levels):
        low, high = level.target(on_grid), level.guide(guide)
        within, last = WITHIN if number == 0 else _WIDER, number == len(levels) - 1
        beyond = None if last else _beyond(low, high, ratio, within)
        if beyond is None or not beyond.any():
            yield Seen(level, within_range(low), within_range(high), left)
            return
        own = 1 - beyond if left is None else left * (1 - beyond)
        left = beyond if left is None else left * beyond
        if own.any():
            yield Seen(level, within_range(low), within_range(high), own)


def _beyond(
    low: ImageArray, high: ImageArray, ratio: float, within: float
) -> Float[np.ndarray, "H W 1"]:
    """Return how far values around pixels are beyond a level: 0 within it, 1 where it is no use."""
    height = np.maximum(_height(low), _height(high))
    if height.max() <= within:
        return np.zeros((*height.shape, 1), np.float32)
    reach = max(1, round(_AROUND * ratio))
    widest = ndimage.maximum_filter(height, size=2 * reach + 1, mode="nearest")
    share = np.log(np.maximum(widest, within) / within) / np.log(_BEYOND)
    smooth = ndimage.uniform_filter(np.clip(share, 0, 1), reach, mode="nearest")
    beyond: NDArray[np.float32] = np.clip(smooth, 0, 1).astype(np.float32)[..., None]
    return beyond


def _height(image: ImageArray) -> Float[np.ndarray, "H W"]:
    """Return how far pixels are from the other end of the range."""
    most: NDArray[np.float64] = np.maximum(image, 1 - image).max(axis=2).astype(np.float64)
    return most


def _furthest(distances: Float[np.ndarray, "pixels bands"]) -> Float[np.ndarray, " bands"]:
    """Return how far all of a sample reaches, but for a few pixels."""
    rank = len(distances) - 1 - len(distances) // _RARE
    lowest = max(0, rank - _FEW)
    top = np.sort(np.partition(distances, lowest, axis=0)[lowest : rank + 1], axis=0)
    furthest: NDArray[np.float32] = top[-1].copy()
    for higher, lower in zip(top[:0:-1], top[-2::-1], strict=True):
        alone = higher / _ALONE > lower  # a product could overflow
        furthest = np.where(alone, lower, furthest)
    return furthest
