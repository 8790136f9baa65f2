"""What of a depth array is known where nobody says so: the same as of a depth file."""

import warnings

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from gisr.data.fill import find_fill
from gisr.errors import InputError, percentage
from gisr.estimation.depth_bytes import byte_doubts
from gisr.estimation.depth_doubts import beside_zero, names_alone, zero_as_depth
from gisr.estimation.depth_fill import find_depth_fill, suspected_fill

_LEVEL = 4
"""From here to the caller of :func:`gisr.make_pair` or of a system."""
_TAKEN = "they are taken for unknown, filled along the edges of the guide"
_MARK = "mark what is known with valid="
_SAY = f"{_MARK} to say so, or otherwise"


def known_depths(
    target: Shaped[np.ndarray, "h w *bands"] | Tensor,
) -> tuple[Shaped[np.ndarray, "h w *bands"] | Tensor, Bool[np.ndarray, "h w"] | None]:
    """Return a depth map with 0 where it is unknown, and what is known; None for all of it.

    Unknown are NaN, infinity, values far beyond all others or alone below 0, and 0 where all else
    is above it. Each is reported by a warning, and so is what may stand for unknown.

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
    finite = np.isfinite(planes).all(axis=2)
    if not planes[finite].any():
        return target, None
    # Without 0, which stands for unknown as well, -1 is the only value below all others.
    known, fills = _without_fill(planes, finite & (planes != 0).all(axis=2))
    zero = (planes == 0).any(axis=2) & finite
    if known.any() and planes[known].min() < 0 < planes[known].max():
        known, zero = known | zero, np.zeros_like(zero)
    missing = zero | ~finite
    taken = [f"{missing.mean():.1%} of the pixels are 0, NaN or infinite"] if missing.any() else []
    told = [f"{text}: {_TAKEN}: {_SAY}" for text in (*taken, *fills)]
    for text in (*told, *_doubts(planes, zero, known)):
        warnings.warn(f"target: {text}", stacklevel=_LEVEL)
    if known.all():
        return target, None
    return np.where(known.reshape(known.shape + (1,) * (array.ndim - 2)), array, 0), known


def check_said(target: Shaped[np.ndarray, "h w bands"], valid: Bool[np.ndarray, "h w"]) -> None:
    """Check what is said to be known of a depth map against its values.

    Zeros beside surfaces that are far from 0 are holes, by the look of them: a warning says so.

    Args:
        target: In its own unit.
        valid: As the user said it, of its shape.

    Raises:
        InputError: Nothing but 0, NaN and infinity is said to be known, and values are not.
    """
    if target.shape[:2] != valid.shape or not valid.any():
        return  # refused elsewhere
    number = np.isfinite(target).all(axis=2)
    value = number & (target != 0).all(axis=2)
    if not (valid & value).any() and value.any():
        raise InputError(
            "valid marks as known what is 0, NaN or infinite in the target, and all values as "
            "unknown: it seems turned around: give valid=~valid"
        )
    if not number[valid].all():
        raise InputError(
            f"valid marks {int((valid & ~number).sum())} pixels as known that are NaN or infinite "
            "in the target: give valid & np.isfinite(target)"
        )
    zero, known = valid & (target == 0).all(axis=2), valid & value
    if target.shape[2] == 1 and beside_zero(np.abs(target[..., 0]), zero, known) == "surface":
        text = f"valid marks pixels as known that are 0 ({percentage(zero.mean())}), beside values"
        warnings.warn(
            f"target: {text} far from it: if they are holes, give valid & (target != 0)",
            stacklevel=_LEVEL,
        )


def _without_fill(
    planes: Shaped[np.ndarray, "h w bands"], known: Bool[np.ndarray, "h w"]
) -> tuple[Bool[np.ndarray, "h w"], list[str]]:
    """Return what is known without the values that are certainly no depths, and what these are."""
    found = find_depth_fill(planes[..., 0], known) if planes.shape[2] == 1 else ()
    for fill in found:
        known = known & ~fill.unknown
    return known, [fill.text for fill in found]


def _doubts(
    planes: Shaped[np.ndarray, "h w bands"],
    zero: Bool[np.ndarray, "h w"],
    known: Bool[np.ndarray, "h w"],
) -> list[str]:
    """Return what to ask of values that may stand for unknown, or may not, as of files."""
    if not known.any() or planes.shape[2] > 1:
        return []
    depth, asked = planes[..., 0], []
    if depth[known].max() < 0:  # as of a camera that looks along -z
        depth = -depth.astype(np.float64)
    if (text := byte_doubts(planes[..., 0], known)) is not None or (
        planes.dtype.kind in "iu" and (text := names_alone(depth[known])) is not None
    ):
        asked.append(text)
    if zero.any() and (text := zero_as_depth(depth, zero, known)) is not None:
        asked.append(f"{text.partition(': if 0')[0]}: if 0 is a depth, {_MARK}")
    # What fill of any image is taken for is told where that is done.
    taken = known.all() and any(fill.certainty == "certain" for fill in find_fill(planes))
    if not taken and (suspect := suspected_fill(depth, known)) is not None:
        asked.append(f"{suspect.text}: if that stands for unknown, {_MARK}")
    return asked
