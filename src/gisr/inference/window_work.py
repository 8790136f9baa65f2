"""What surrounds the network tile by tile: tensors of images, and windows on their way through."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gisr.array_types import ImageArray
from gisr.choices import check_number
from gisr.errors import InputError
from gisr.inference.self_ensemble import Moments
from gisr.inference.value_bounds import Bounds
from gisr.inference.value_levels import Seen
from gisr.inference.windowed_pair import Cut


@dataclass(frozen=True, eq=False)
class WindowWork:
    """A window on its way through the network."""

    cut: Cut
    on_grid: ImageArray
    """Target on the guide's grid, in its units."""
    seen: list[Seen]
    """Ways in which the network sees it, one at least."""
    bounds: Bounds | None
    answers: Moments = field(default_factory=Moments)

    def added(self, residuals: Iterator[ImageArray]) -> ImageArray:
        """Return what the network adds, in the target's units, by its next answers."""
        added: ImageArray | None = None
        for each in self.seen:
            residual = each.normalisation.residual(next(residuals))
            share = residual if each.weight is None else each.weight * residual
            added = share if added is None else added + share
        assert added is not None  # there is one way at least
        return added


def tiles_at_once(requested: int | None, device: torch.device) -> int:
    """Return how many tiles go through the network at once.

    Raises:
        InputError: Fewer than one, or no whole number.
    """
    check_number("batch", requested, whole=True)
    if requested is None:
        return 8 if device.type == "cuda" else 1
    if requested < 1:
        raise InputError(f"batch {requested} must be at least 1")
    return requested


def as_tensor(image: ImageArray, device: torch.device) -> Float[Tensor, "1 c h w"]:
    """Return an image as a batch of one on a device."""
    return as_batch(image[None], device)


def as_batch(
    images: Float[np.ndarray, "n h w c"], device: torch.device
) -> Float[Tensor, "n c h w"]:
    """Return images of one size as a batch on a device."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).to(device)
