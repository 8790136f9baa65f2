"""The one call that the upscaler and every compared system share: images in, an image out."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.io.placement import place_by_shape
from gisr.tasks import TASKS, Grid, TaskName, find_task

Image = NDArray[np.generic] | Tensor


class PairSystem(ABC):
    """Anything that sharpens a pair: MAG-Net with its weights, or a system it is compared with."""

    tasks: ClassVar[tuple[TaskName, ...]] = tuple(TASKS)
    """The tasks it is made for."""

    @abstractmethod
    def upscale(
        self, pair: Pair, *, description: str | None = None
    ) -> Float[np.ndarray, "H W bands"]:
        """Sharpen a pair whose grids are already known; the call below without its conveniences.

        Args:
            pair: What to sharpen.
            description: Free text in place of the built-in description; systems that read no text
                have no use for it.
        """

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
        """Sharpen a target with a guide of another modality.

        Args:
            target: (h, w) or (h, w, bands) in the file's own units.
            guide: (H, W) or (H, W, channels), 1 to 3 channels, the same field of view.
            task: ``pansharpening``, ``mri`` or ``depth``.
            ratio: How many times finer the guide is; from the shapes when not given.
            sensor: Satellite sensor, for example ``QuickBird`` (pansharpening).
            bits: Significant bits per sample; the result is clipped to their range.
            contrast: Contrast of the target, for example ``T2`` (mri).
            guide_contrast: Contrast of the guide.
            description: Free text in place of the built-in description; needs the extra ``text``
                unless it is a built-in sentence.
            valid: (h, w), true where the target is known; elsewhere the nearest known value
                stands in.
            grid: Where target samples lie: ``centre`` (pixel areas aligned) or ``kspace`` (sample j
                at guide index j * ratio); the task's own when not given.

        Returns:
            float32 (H, W) or (H, W, bands) in the target's units.

        Raises:
            InputError: An image or an argument cannot be used.
            PairError: Target and guide do not fit together.
        """
        pair = make_pair(
            target,
            guide,
            task,
            ratio=ratio,
            valid=valid,
            grid=grid,
            sensor=sensor,
            bits=bits,
            contrast=contrast,
            guide_contrast=guide_contrast,
        )
        result = self.upscale(pair, description=description)
        return result[..., 0] if np.ndim(target) == 2 else result


def make_pair(
    target: Image,
    guide: Image,
    task: TaskName,
    *,
    ratio: float | None = None,
    valid: Image | None = None,
    grid: Grid | None = None,
    sensor: str | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
) -> Pair:
    """Build a pair from arrays or tensors that show the same field of view.

    Raises:
        InputError: An image or an argument cannot be used.
        PairError: Target and guide do not fit together.
    """
    record = find_task(task)
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
        place_by_shape(low.shape[:2], high.shape[:2], where, ratio),
        where,
        valid=None if valid is None else _mask(valid),
        sensor=sensor,
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


def _image(name: str, image: Image) -> Float[np.ndarray, "h w c"]:
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


def _mask(valid: Image) -> NDArray[np.bool_]:
    return _array(valid).astype(bool)


def _array(image: Image) -> NDArray[np.generic]:
    if not isinstance(image, Tensor):
        return np.asarray(image)
    host = image.detach().cpu()
    return (host.float() if host.dtype == torch.bfloat16 else host).numpy()  # numpy has no bfloat16
