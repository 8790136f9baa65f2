"""Guides that are nearly a whole number of times as large as the target, for networks of one ratio.

A crop of k-space keeps the field of view and rounds the matrix: 179 x 153 pixels become 90 x 76 at
ratio 2. A network built for ratio 2 gives 180 x 152. So the guide is brought to that grid, and what
the network adds is brought back: by cropping and zero-filling k-space where the target is a crop of
it, which loses nothing that both grids hold, and else by Keys' cubic.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gisr.array_types import ImageArray
from gisr.data.degradations import kspace_centre, zero_fill
from gisr.data.pair import Pair, to_guide_grid
from gisr.data.resample import bicubic_at
from gisr.placement import Placement

MOST_STRETCH = 0.05
"""By how much, as a share, the ratio of an axis may differ from the network's."""


def is_near(ratios: tuple[float, float], ratio: int) -> bool:
    """Whether the ratios of rows and columns are close enough to a network's."""
    return all(abs(own - ratio) <= MOST_STRETCH * ratio for own in ratios)


@dataclass(frozen=True)
class WholeMultiple:
    """The grid of a network's output beside the grid of a pair's guide."""

    pair: Pair
    ratio: int

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of the network's output."""
        height, width = self.pair.target.shape[:2]
        return height * self.ratio, width * self.ratio

    @property
    def placement(self) -> Placement:
        """Where the network's output lies on the target."""
        return Placement.from_grid(self.pair.grid, self.pair.target.shape[:2], self.sides)

    def enlarged(self) -> Float[np.ndarray, "H W bands"]:
        """Return the target interpolated onto the network's grid."""
        pair = self.pair
        return to_guide_grid(pair.filled_target, self.sides, self.placement, pair.grid)

    def taken(self, guide: ImageArray) -> ImageArray:
        """Return an image of the guide's grid on the network's."""
        return self._resampled(guide, self.sides, self.pair.placement, self.placement)

    def given_back(
        self, added: Float[np.ndarray, "H W bands"]
    ) -> Float[np.ndarray, "rows columns bands"]:
        """Return what the network adds on the guide's grid."""
        sides = self.pair.guide.shape[:2]
        return self._resampled(added, sides, self.placement, self.pair.placement)

    def _resampled(
        self, image: ImageArray, sides: tuple[int, int], given: Placement, wanted: Placement
    ) -> ImageArray:
        if self.pair.grid == "kspace":
            kept = min(image.shape[0], sides[0]), min(image.shape[1], sides[1])
            bands = (image[..., band] for band in range(image.shape[2]))
            return np.stack([zero_fill(kspace_centre(band, kept), sides) for band in bands], -1)
        for axis in (0, 1):
            at_target = np.arange(sides[axis]) * wanted.scale[axis] + wanted.offset[axis]
            places = (at_target - given.offset[axis]) / given.scale[axis]
            image = bicubic_at(image, places, axis)
        return image


__all__ = ["WholeMultiple", "is_near"]
