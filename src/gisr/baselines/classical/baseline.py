"""The call every classical baseline shares, and the checks before it."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_guide
from gisr.errors import InputError
from gisr.inference.upscaler import Image, make_pair
from gisr.tasks.task import Grid, TaskName, find_task

BaselineName = Literal["bicubic", "zero-filled", "gsa", "gsa-aligned", "guided-filter"]
"""The classical baselines."""


class ClassicalBaseline(ABC):
    """A classical method behind the same call as gisr's upscaler. Stateless."""

    tasks: ClassVar[tuple[TaskName, ...]]
    """The tasks it applies to."""

    @property
    @abstractmethod
    def name(self) -> BaselineName:
        """Name in tables and in :func:`gisr.baselines.classical.load_baseline`."""

    @abstractmethod
    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the sharpened target of a pair of one of ``tasks``, without holes."""

    def __call__(
        self,
        target: Image,
        guide: Image,
        task: TaskName,
        *,
        ratio: float | None = None,
        sensor: str | None = None,
        bits: int | None = None,
        contrast: str | None = None,
        guide_contrast: str | None = None,
        description: str | None = None,
        valid: Image | None = None,
        grid: Grid | None = None,
    ) -> NDArray[np.float32]:
        """Sharpen a target with its guide.

        Args:
            target: (h, w) or (h, w, bands), any real type and unit. NaN and infinity are holes.
            guide: (H, W) or (H, W, channels), 1 to 3 channels, the same field of view, no holes.
            task: What the pair is.
            ratio: How many times finer the guide is; from the shapes when not given.
            sensor: Name of the satellite, for the Gaussian MTF.
            bits: Here, like the next three, so that every compared system is called alike: a
                classical method has no use for it, and its result is not clipped.
            contrast: Not used.
            guide_contrast: Not used.
            description: Not used.
            valid: (h, w), true where the target is known; elsewhere the nearest known value
                stands in.
            grid: Where target samples lie; the task's own when not given.

        Returns:
            float32, (H, W) or (H, W, bands) like the target, in the target's units.

        Raises:
            InputError: The task is not one of ``tasks``, or an image cannot be used.
            PairError: Target and guide do not fit together.
        """
        low = target.detach().cpu().numpy() if isinstance(target, Tensor) else np.asarray(target)
        pair = make_pair(
            low,
            guide,
            task,
            ratio=ratio,
            valid=_without_holes(low, valid),
            grid=grid,
            sensor=sensor,
            bits=bits,
            contrast=contrast,
            guide_contrast=guide_contrast,
        )
        result = self.upscale(pair)
        return result[..., 0] if low.ndim == 2 else result

    def upscale(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Sharpen a pair whose grids are already known; the call above without its conveniences.

        Raises:
            InputError: The task of the pair is not one of ``tasks``.
        """
        if find_task(pair.task).name not in self.tasks:
            raise InputError(
                f"baseline {self.name} does not apply to task {pair.task!r}: "
                f"it is for {', '.join(self.tasks)}"
            )
        return np.ascontiguousarray(self.sharpen(pair), dtype=np.float32)


def filled(pair: Pair) -> Float[np.ndarray, "h w bands"]:
    """Return the target with the nearest known value in its holes."""
    return pair.target if pair.valid is None else fill_holes(pair.target, pair.valid)


def interpolated(pair: Pair) -> Float[np.ndarray, "H W bands"]:
    """Return the target on the guide's grid by bicubic interpolation, whatever its grid."""
    height, width = pair.guide.shape[:2]
    return bicubic_to_guide(filled(pair), (height, width), pair.placement)


def _without_holes(target: NDArray[np.generic], valid: Image | None) -> Image | None:
    """Return ``valid`` less the pixels of an image that are not finite."""
    if not np.issubdtype(target.dtype, np.floating) or target.ndim not in (2, 3):
        return valid
    finite = np.asarray(np.isfinite(np.atleast_3d(target)).all(axis=2))
    if finite.all():
        return valid
    given = valid.detach().cpu().numpy() if isinstance(valid, Tensor) else valid
    if given is None:
        return finite
    # A mask of another shape goes on as it is: making the pair refuses it.
    known = np.asarray(given, dtype=np.bool_)
    return finite & known if known.shape == finite.shape else known
