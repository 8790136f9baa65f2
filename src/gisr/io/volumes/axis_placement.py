"""How the samples of two grids lie along one axis."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

SAME = 0.1
"""Target voxels by which grids may differ across the volume and still count as the same there."""
_NAMED = 0.25
"""Guide voxels by which samples may be off those of a k-space crop and still count as on them."""
HALF_VOXEL = 0.501
"""Half a target voxel, with room for the rounding of headers."""


@dataclass(frozen=True)
class AxisPlacement:
    """Where a guide's samples lie along one axis: ``target = guide * scale + offset``."""

    target_size: int
    guide_size: int
    scale: float
    offset: float
    covers: float = 1.0
    """Share of the distance between target samples that each is the mean of: below 1 there are
    gaps, above it they overlap."""

    @classmethod
    def centred(cls, guide_size: int, ratio: float, covers: float = 1.0) -> "AxisPlacement":
        """Return the axis of a target that covers the guide's whole extent at about a ratio."""
        size = max(1, round(guide_size / ratio))
        scale = size / guide_size
        return cls(size, guide_size, scale, 0.5 * scale - 0.5, covers)

    @property
    def natural_scale(self) -> float:
        """Target samples a guide sample where both show one field of view."""
        return self.target_size / self.guide_size

    @property
    def tolerance(self) -> float:
        """Target samples by which a grid may differ from a named one: rounded headers."""
        return min(SAME, _NAMED * self.scale)

    def drift(self, offset: float) -> float:
        """Return how far samples are at most from those of one field of view with an offset.

        In target samples.
        """
        first = self.offset - offset
        last = first + (self.guide_size - 1) * (self.scale - self.natural_scale)
        return max(abs(first), abs(last))

    @property
    def same(self) -> bool:
        """Whether samples of both coincide, as far as the target reaches."""
        start, last = self.offset - round(self.offset), self.guide_size - 1
        return max(abs(start), abs(start + (self.scale - 1) * last)) <= SAME

    @property
    def covered(self) -> Bool[np.ndarray, " guide"]:
        """Which guide samples lie inside the target's extent."""
        where = np.arange(self.guide_size) * self.scale + self.offset
        inside: NDArray[np.bool_] = (where > -HALF_VOXEL) & (
            where < self.target_size - 1 + HALF_VOXEL
        )
        return inside
