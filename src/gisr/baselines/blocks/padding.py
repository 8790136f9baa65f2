"""Padding of images whose size a network's layers cannot halve as often as they do."""

import torch
from jaxtyping import Float
from torch import Tensor


def pad_to_multiple(
    x: Float[Tensor, "b c h w"], multiple: int, least: int = 1
) -> Float[Tensor, "b c H W"]:
    """Reflect an image at its right and bottom border until both sides are multiples.

    Args:
        x: Of any size: what is smaller than its padding is reflected again and again.
        multiple: Of both sides of the answer.
        least: What both sides of the answer have at least.
    """
    for axis in (2, 3):
        padded = -(-max(x.shape[axis], least) // multiple) * multiple
        if padded != x.shape[axis]:
            x = x.index_select(axis, _reflected(x.shape[axis], padded, x.device))
    return x


def _reflected(size: int, padded: int, device: torch.device) -> Tensor:
    """Return which of ``size`` samples stands at each of ``padded`` places; none is doubled."""
    period = max(2 * size - 2, 1)
    phase = torch.arange(padded, device=device) % period
    return torch.minimum(phase, period - phase) if size > 1 else phase
