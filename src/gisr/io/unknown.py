"""Values that stand for unknown pixels though no file says so."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped
from numpy.typing import NDArray


@dataclass(frozen=True)
class UnknownValue:
    """A value that stands for unknown pixels."""

    value: float
    alone: bool
    """Whether it makes a pixel unknown where one band has it, and not only where all have."""

    def covers(self, image: Shaped[np.ndarray, "*pixels bands"]) -> Bool[np.ndarray, "*pixels"]:
        """Return which pixels it makes unknown, of an image whose type can hold it."""
        same = image == image.dtype.type(self.value)
        found: NDArray[np.bool_] = same.any(axis=-1) if self.alone else same.all(axis=-1)
        return found
