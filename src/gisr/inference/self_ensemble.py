"""The network's answers under the symmetries of the square: their mean, and how far they spread.

A network trained on images in every orientation should answer the same whichever way an image is
turned. What it answers differently it is unsure of, and the mean of the answers errs less than any
one of them (self-ensemble: Timofte et al., CVPR 2016, "Seven ways to improve").

Target and guide are turned together when both lie on the guide's grid already, so that the two stay
on each other whatever grid the target came from: a k-space grid is not symmetric under flips, the
zero-filled image of it is.
"""

from dataclasses import dataclass

import numpy as np

from gisr.array_types import ImageArray


@dataclass(frozen=True)
class Symmetry:
    """A quarter turn or several, and perhaps a mirror: one of eight."""

    turns: int
    """Quarter turns, 0 to 3."""
    mirrored: bool
    """Whether left and right are exchanged afterwards."""

    def apply(self, image: ImageArray) -> ImageArray:
        """Return an image turned; its sides are exchanged by an odd number of turns."""
        turned = np.rot90(image, self.turns)
        return turned[:, ::-1] if self.mirrored else turned

    def undo(self, image: ImageArray) -> ImageArray:
        """Return a turned image as it was."""
        return np.rot90(image[:, ::-1] if self.mirrored else image, -self.turns)


UPRIGHT = Symmetry(0, False)
SYMMETRIES = tuple(Symmetry(turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""All eight, the image as it is first."""


_LARGE = 1e15
"""Values above this are squared in another unit, or float32 would not hold the squares."""


class Moments:
    """Mean and spread of images that come one after another (Welford's sums)."""

    def __init__(self) -> None:
        """Begin with none."""
        self._count = 0
        self._unit = np.float32(1)  # of the squares
        self._mean: ImageArray = np.zeros((0, 0, 0), np.float32)
        self._squares = self._mean

    def add(self, image: ImageArray) -> None:
        """Count one more image."""
        self._count += 1
        if self._count == 1:
            self._mean, self._squares = image, np.zeros_like(image)
            peak = np.abs(image).max(initial=0, where=np.isfinite(image))
            self._unit = np.float32(peak if peak > _LARGE else 1)
            return
        away = image - self._mean
        self._mean = self._mean + away / np.float32(self._count)
        self._squares += (away / self._unit) * ((image - self._mean) / self._unit)

    @property
    def mean(self) -> ImageArray:
        """Mean of the images so far."""
        return self._mean

    @property
    def spread(self) -> ImageArray:
        """Standard deviation of the images so far, of all of them (not of a sample)."""
        spread: ImageArray = np.sqrt(np.maximum(self._squares, 0) / np.float32(self._count))
        return spread * self._unit
