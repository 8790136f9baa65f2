"""Baselines that do not look at the guide: bicubic interpolation and zero-filled k-space."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from gisr.baselines.classical.baseline import (
    BaselineName,
    ClassicalBaseline,
    interpolated,
)
from gisr.data.degradations import zero_fill
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.tasks import TASKS, TaskName


@dataclass(frozen=True)
class Bicubic(ClassicalBaseline):
    """Keys' cubic convolution with a = -1/2 (IEEE TASSP 1981), placed by the pair's ``grid``.

    MR papers that enlarge a k-space crop with an image resizer ignore that its samples lie at
    guide index ``j * ratio`` and so report a bicubic row about 3 dB lower; for that row pass
    ``grid="centre"``.
    """

    tasks: ClassVar[tuple[TaskName, ...]] = tuple(TASKS)

    @property
    def name(self) -> BaselineName:
        """Name in tables."""
        return "bicubic"

    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the interpolated target."""
        return interpolated(pair)


@dataclass(frozen=True)
class ZeroFilled(ClassicalBaseline):
    """Zero-filled k-space: exact interpolation of a band-limited target, the baseline of MR."""

    tasks: ClassVar[tuple[TaskName, ...]] = tuple(
        task.name for task in TASKS.values() if task.grid == "kspace"
    )

    @property
    def name(self) -> BaselineName:
        """Name in tables."""
        return "zero-filled"

    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the real part of each band with its k-space padded by zeros to the guide's size.

        Raises:
            InputError: The target's samples do not lie as a k-space crop leaves them.
        """
        if pair.grid != "kspace":
            raise InputError(
                f"zero-filling puts target sample j at guide index j * ratio, grid is {pair.grid!r}"
                ': pass grid="kspace", or use bicubic'
            )
        target, (height, width) = pair.filled_target, pair.guide.shape[:2]
        bands = [zero_fill(target[..., band], (height, width)) for band in range(target.shape[2])]
        return np.stack(bands, axis=2)
