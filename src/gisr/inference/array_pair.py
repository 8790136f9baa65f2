"""Pairs from arrays or tensors: shapes, types and values checked, placed by their shapes."""

import warnings

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.depth_array import known_depths
from gisr.placement import place_by_shape
from gisr.tasks import Grid, TaskName, find_task
from gisr.tasks.sensors import unlisted_note

ArrayOrTensor = NDArray[np.generic] | Tensor


def make_pair(
    target: ArrayOrTensor,
    guide: ArrayOrTensor,
    task: TaskName,
    *,
    ratio: float | None = None,
    valid: ArrayOrTensor | None = None,
    grid: Grid | None = None,
    sensor: str | None = None,
    mtf: float | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
) -> Pair:
    """Build a pair from arrays or tensors that show the same field of view.

    A sensor that is not listed is reported by a warning, and so is what of a depth map is taken for
    unknown where ``valid`` does not say it.

    Raises:
        InputError: An image or an argument cannot be used.
        PairError: Target and guide do not fit together.
    """
    record = find_task(task)
    if (note := unlisted_note(sensor)) is not None:
        warnings.warn(note, stacklevel=3)
    if record.surfaces and valid is None and not np.ma.is_masked(target):
        target, valid = known_depths(target)
    low, high = _image("target", target), _image("guide", guide)
    if bits is not None and not 1 <= bits <= 32:
        raise InputError(f"bits {bits} must lie between 1 and 32")
    where = grid or record.grid
    if where not in ("centre", "kspace"):
        raise InputError(f"grid {where!r} must be 'centre' or 'kspace'")
    pair = Pair(
        low,
        high,
        task,
        place_by_shape(low.shape[:2], high.shape[:2], where, ratio, record.stretch),
        where,
        valid=None if valid is None else _mask(valid),
        sensor=sensor,
        mtf=mtf,
        bits=bits,
        contrast=contrast,
        guide_contrast=guide_contrast,
    )
    known = low if pair.valid is None else low[pair.valid]
    if bits is not None and known.max() > 2**bits - 1:
        raise InputError(
            f"target holds {known.max():g}, which {bits} bits cannot: correct bits or leave it out"
        )
    return pair


def _image(name: str, image: ArrayOrTensor) -> Float[np.ndarray, "h w c"]:
    array = _array(image)
    if array.ndim not in (2, 3):
        raise InputError(
            f"{name} of shape {array.shape} must be (height, width) or (height, width, bands)"
        )
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise InputError(f"{name} of type {array.dtype} must hold real numbers")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite and is reported
        planes = array.astype(np.float32)
    return planes[..., None] if planes.ndim == 2 else planes


def _mask(valid: ArrayOrTensor) -> NDArray[np.bool_]:
    return _array(valid).astype(bool)


def _array(image: ArrayOrTensor) -> NDArray[np.generic]:
    if not isinstance(image, Tensor):
        return np.asarray(image)
    host = image.detach().cpu()
    return (host.float() if host.dtype == torch.bfloat16 else host).numpy()  # numpy has no bfloat16
