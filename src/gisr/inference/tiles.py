"""Tiles that cover an image, overlap, and blend without seams."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.errors import InputError


@dataclass(frozen=True)
class TilePlan:
    """How an image is cut: tiles of one size where the image allows it, evenly spread.

    Raises:
        InputError: The overlap leaves a tile no pixel of its own.
    """

    height: int
    width: int
    tile: int
    """Side of the tiles in pixels; smaller along an axis that is shorter."""
    overlap: int
    """Pixels that neighbouring tiles share, at least."""
    align: int = 1
    """Tiles start at multiples of it: a network that works on blocks of pixels then sees the same
    blocks in a tile as in the whole image."""

    def __post_init__(self) -> None:
        """Refuse plans that cannot cover."""
        if self.tile < 1 or self.tile % self.align:
            raise InputError(f"tile {self.tile} must be a multiple of {self.align} pixels")
        if not 0 <= self._shared <= self.tile // self.align // 2:
            raise InputError(
                f"overlap {self.overlap} must lie between 0 and half of the tile ({self.tile}), "
                f"both in whole multiples of {self.align} pixels"
            )

    def windows(self) -> Iterator[tuple[slice, slice]]:
        """Yield the tiles row by row."""
        for top, bottom in self._spans(self.height):
            for left, right in self._spans(self.width):
                yield slice(top, bottom), slice(left, right)

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self._spans(self.height)) * len(self._spans(self.width))

    @property
    def _shared(self) -> int:
        """Overlap in units of ``align``, rounded up."""
        return -(-self.overlap // self.align)

    def _spans(self, size: int) -> list[tuple[int, int]]:
        """Return where tiles start and end along an axis, all counted in units of ``align``."""
        if size <= self.tile:
            return [(0, size)]
        units, tile = -(-size // self.align), self.tile // self.align
        count = -(-(units - self._shared) // (tile - self._shared))
        starts = np.linspace(0, units - tile, count).round().astype(int) * self.align
        return [(int(start), min(int(start) + self.tile, size)) for start in starts]


class Blend:
    """Accumulates tiles with weights that fall towards their borders, and divides at the end."""

    def __init__(self, plan: TilePlan, bands: int) -> None:
        """Create an empty canvas."""
        self._plan = plan
        self._sum = np.zeros((plan.height, plan.width, bands), dtype=np.float32)
        self._weight = np.zeros((plan.height, plan.width, 1), dtype=np.float32)

    def add(
        self, window: tuple[slice, slice], image: Float[np.ndarray, "tile_h tile_w bands"]
    ) -> None:
        """Lay one tile on the canvas."""
        rows = _ramp(window[0], self._plan.height, self._plan.overlap)
        columns = _ramp(window[1], self._plan.width, self._plan.overlap)
        weight = (rows[:, None] * columns[None, :])[..., None]
        self._sum[window] += weight * image
        self._weight[window] += weight

    def result(self) -> Float[np.ndarray, "H W bands"]:
        """Return the blended image; every pixel must have been covered."""
        return self._sum / self._weight


def _ramp(span: slice, size: int, overlap: int) -> NDArray[np.float32]:
    """Return weights along one axis: 1 inside, falling over the overlap on sides with a neighbour.

    They never reach zero, so that a pixel covered by one tile only keeps its value.
    """
    length = span.stop - span.start
    weights = np.ones(length, dtype=np.float32)
    reach = min(overlap, length)
    if reach:
        slope = ((np.arange(reach) + 0.5) / reach).astype(np.float32)
        if span.start > 0:
            weights[:reach] = np.minimum(weights[:reach], slope)
        if span.stop < size:
            weights[length - reach :] = np.minimum(weights[length - reach :], slope[::-1])
    return weights
