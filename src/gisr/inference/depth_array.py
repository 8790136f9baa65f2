"""What of a depth array is known where nobody says so: the same as of a depth file."""

import warnings

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from gisr.estimation.depth_fill import find_depth_fill

_LEVEL = 4
"""From here to the caller of :func:`gisr.make_pair` or of a system."""


def known_depths(
    target: Shaped[np.ndarray, "h w *bands"] | Tensor,
) -> tuple[Shaped[np.ndarray, "h w *bands"] | Tensor, Bool[np.ndarray, "h w"] | None]:
    """Return a depth map with 0 where it is unknown, and what is known; None for all of it.

    Unknown are NaN, infinity, 0 where all else is above it, and values far beyond all others. Each
    is reported by a warning.

    Args:
        target: As the user gave it; what is no image of numbers is returned as it is.
    """
    if isinstance(target, Tensor):
        host = target.detach().cpu()
        array = (host.float() if host.dtype == torch.bfloat16 else host).numpy()
    else:
        array = np.asarray(target)
    if array.ndim not in (2, 3) or array.dtype.kind not in "iuf" or not array.size:
        return target, None
    planes = array[..., None] if array.ndim == 2 else array
    known = np.isfinite(planes).all(axis=2)
    if not known.any():
        return target, None
    if planes[known].min() == 0 < planes[known].max():
        known &= (planes > 0).all(axis=2)
    if not known.all():
        _warn(
            f"target: {1 - known.mean():.1%} of the pixels are 0, NaN or infinite: they are taken "
            "for unknown"
        )
    if planes.shape[2] == 1:
        for fill in find_depth_fill(planes[..., 0], known):
            _warn(f"target: {fill.text}: they are taken for unknown")
            known = known & ~fill.unknown
    if known.all():
        return target, None
    return np.where(known.reshape(known.shape + (1,) * (array.ndim - 2)), array, 0), known


def _warn(text: str) -> None:
    remedy = "mark what is known with valid= to say so, or otherwise"
    warnings.warn(f"{text}, filled along the edges of the guide: {remedy}", stacklevel=_LEVEL + 1)
