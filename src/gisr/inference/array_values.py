"""What of an array counts: its mask, and values in it that look like fill."""

import warnings
from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.band_gaps import find_band_gaps, gap_text
from gisr.data.fill import find_band_fill, find_fill
from gisr.errors import InputError, shortened
from gisr.tasks.task import MOST_GUIDE_CHANNELS

ArrayOrTensor = NDArray[np.generic] | Tensor
_MOST_BANDS = 32
"""A first axis that is no longer, and shorter than the others, may be that of the bands."""


@dataclass(frozen=True, eq=False)
class ArrayImage:
    """An image that was given as an array or a tensor."""

    planes: Float[np.ndarray, "h w c"]
    """float32; 0 where unknown."""
    known: Bool[np.ndarray, "h w"] | None
    """All of it when None."""
    fill: float | None = None
    """A value that stands for what is unknown."""


def read_array(
    name: str, image: ArrayOrTensor, known: ArrayOrTensor | None, *, blank: bool
) -> ArrayImage:
    """Return an image with what is known of it: where it is said to be, or by its own mask.

    Where nothing is said, values that look like fill are taken for unknown, which a warning says.

    Args:
        name: ``target`` or ``guide``.
        image: (h, w) or (h, w, bands), of which a masked array's mask counts.
        known: (h, w); true where it is known.
        blank: Whether fill may lie close to the data (:func:`gisr.data.fill.find_fill`).

    Raises:
        InputError: It is no image, or holds no real numbers.
    """
    array = plain_array(image)
    if array.ndim not in (2, 3):
        raise InputError(
            f"{name} of shape {array.shape} must be (height, width) or (height, width, bands)"
        )
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise InputError(f"{name} of type {array.dtype} must hold real numbers")
    own = array[..., None] if array.ndim == 2 else array
    mask, fill = _mask(image, own.shape), None
    hidden: NDArray[np.bool_] | None = None if mask is None else np.logical_or.reduce(mask, axis=2)
    valid: Bool[np.ndarray, "h w"] | None = None if hidden is None else ~hidden
    if known is not None:
        said = _said_known("valid" if name == "target" else "guide_valid", known)
        valid = said if valid is None or said.shape != valid.shape else said & valid
    elif valid is None:
        argument = "valid" if name == "target" else "guide_valid"
        words = FillWords(
            f"mark what is known with {argument}= to say so, or otherwise",
            f"mark them with {argument}=, or give a masked array",
        )
        valid, fill = without_fill(name, own, words, blank=blank, stacklevel=5)
    if mask is not None and (mask.any(axis=2) & ~mask.all(axis=2)).any():
        warnings.warn(
            f"{name}: pixels that are masked in some bands are unknown in all: give these bands "
            "on their own",
            stacklevel=4,
        )
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite and is reported
        planes = own.astype(np.float32)
    _check_size(name, own, planes, valid)
    if valid is None or (valid.all() and valid.shape == planes.shape[:2]):
        return ArrayImage(planes, None)
    if valid.shape == planes.shape[:2]:
        planes = np.where(valid[..., None], planes, np.float32(0))
    return ArrayImage(planes, valid, fill)


def _check_size(
    name: str,
    given: Shaped[np.ndarray, "h w c"],
    planes: Float[np.ndarray, "h w c"],
    valid: NDArray[np.bool_] | None,
) -> None:
    """Refuse known values that are finite and too large for float32.

    Raises:
        InputError: There are some.
    """
    beyond = np.isinf(planes) & np.isfinite(given)
    if valid is not None and valid.shape == planes.shape[:2]:
        beyond &= valid[..., None]
    if beyond.any():
        raise InputError(
            f"{name} holds {given[beyond][0]:.4g}, more than float32 can compute with (3.4e+38): "
            "divide the values by a number first"
        )


def as_image(name: str, image: object) -> ArrayOrTensor:
    """Return an image as an array, a masked array or a tensor, if it is none: nested lists are one.

    Raises:
        InputError: It is a name of a file, an object of another library, or lists of several
            lengths.
    """
    if isinstance(image, np.ndarray | Tensor):
        return image
    if isinstance(image, str | PathLike):
        raise InputError(
            f"{name} {shortened(str(image))!r} is the name of a file, and not an array: give both "
            "files to gisr.upscale_files"
        )
    try:
        array: NDArray[np.generic] = np.asarray(image)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} is no array: {error}") from error
    if array.dtype == object and not array.ndim:  # of nibabel, SimpleITK, rasterio, or None
        raise InputError(
            f"{name} is of type {type(image).__name__}, and not an array: give its values (of an "
            f"image of nibabel {name}.dataobj), or the names of both files to gisr.upscale_files"
        )
    return array


def _said_known(name: str, given: ArrayOrTensor) -> NDArray[np.bool_]:
    """Return a mask of what is known; what a mask hides itself is not.

    Raises:
        InputError: It holds text, NaN, or more than one number besides 0, as confidences are.
    """
    hidden = np.ma.getmaskarray(given) if isinstance(given, np.ma.MaskedArray) else None
    said = plain_array(given)
    if said.dtype.kind not in "biuf":
        raise InputError(f"{name} of type {said.dtype} must be true where the image is known")
    if (unclear := int(np.isnan(said).sum())) > 0:
        raise InputError(
            f"{name} holds {unclear} NaN, which are neither known nor unknown: give an array of "
            "booleans, as np.isfinite returns"
        )
    known: NDArray[np.bool_] = said.astype(bool)
    if said.dtype.kind != "b" and known.any() and (said[known] != said[known][0]).any():
        raise InputError(
            f"{name} holds numbers from {said.min():.4g} to {said.max():.4g}, of which it is not "
            f"said which are known: compare them, as in {name}=confidence >= {said.max():.4g}"
        )
    return known if hidden is None else known & ~hidden


def check_axes(target: ArrayOrTensor, guide: ArrayOrTensor) -> None:
    """Refuse a target whose bands come first, as rasterio reads them.

    Raises:
        InputError: Its last two axes are those of an image that the guide is a finer one of.
    """
    low, high = np.shape(target), np.shape(guide)
    for name, shape in (("target", low), ("guide", high)):
        if len(shape) != 3 or not shape[0] <= _MOST_BANDS or not shape[0] < min(shape[1:]):
            continue
        if name == "guide" and shape[2] <= MOST_GUIDE_CHANNELS:
            continue
        sides = high[-2:] if high and len(high) == 3 and high[0] < min(high[1:]) else high[:2]
        rows, columns = (sides[0] / shape[1], sides[1] / shape[2]) if name == "target" else (1, 1)
        if abs(rows / columns - 1) <= 1 / min(shape[1:]):
            raise InputError(
                f"{name} of shape {shape} has its bands first, as rasterio reads them: give "
                f"(height, width, bands), np.moveaxis({name}, 0, -1)"
            )


def check_slice(target: ArrayOrTensor, guide: ArrayOrTensor) -> None:
    """Refuse two volumes where an array is one slice, and not for the number of their bands.

    A few slices of both, which could be bands and channels, are warned of.

    Raises:
        InputError: Both have three axes or more, and the guide's last is too long for channels.
    """
    shapes = [tuple(np.shape(image)) for image in (target, guide)]
    channels = shapes[1][-1] if shapes[1] else 1
    if channels > MOST_GUIDE_CHANNELS and all(len(each) > 2 and min(each) > 1 for each in shapes):
        raise InputError(
            f"target of shape {shapes[0]} and guide of shape {shapes[1]} are volumes, and arrays "
            "are single slices here: give slices of one place one by one, with what they share "
            "(upscaler.share), or save both as NIfTI with their affines for gisr.upscale_files"
        )
    bands = shapes[0][-1] if len(shapes[0]) == len(shapes[1]) == 3 else 1
    if bands > 1 and bands == channels and not all(map(_repeats, (target, guide))):
        warnings.warn(
            f"target of shape {shapes[0]} and guide of shape {shapes[1]} are taken for one slice "
            f"of {bands} bands and {channels} channels: of {bands} slices give one by one, with "
            "what they share (upscaler.share)",
            stacklevel=4,
        )


def _repeats(image: ArrayOrTensor) -> bool:
    """Return whether all bands of an image are one, as grey pictures in colours have it."""
    array = plain_array(image)
    return bool((array == array[..., :1]).all())


@dataclass(frozen=True)
class FillWords:
    """What a user can do about values that look like fill; ``{value}`` stands for the value."""

    says: str
    """Where they are taken for it."""
    asks: str
    """Where they are not."""


def without_fill(
    name: str,
    image: Shaped[np.ndarray, "h w c"],
    words: FillWords,
    *,
    blank: bool,
    stacklevel: int,
) -> tuple[Bool[np.ndarray, "h w"] | None, float | None]:
    """Return what is known of an image that does not say so, and the value of the rest.

    Args:
        name: Of the image, for warnings.
        image: In its own units.
        words: For warnings.
        blank: As of :func:`gisr.data.fill.find_fill`.
        stacklevel: Of the warnings, seen from here.
    """
    valid: Bool[np.ndarray, "h w"] | None = None
    value: float | None = None
    fills = find_fill(image, blank=blank) if image.size else ()
    for fill in fills:
        if fill.certainty == "certain":
            covered = ~fill.covers(image)
            valid, value = (covered if valid is None else valid & covered), fill.value
    lone = find_band_fill(image, valid) if image.size else ()
    for fill in (*fills, *lone):
        text = fill.text_of(range(1, image.shape[-1] + 1)) if fill.bands else fill.text
        if fill.certainty == "likely":
            way = f"may be unknown{'' if fill.bands else ' ones'}: {words.asks}"
        elif fill.bands:
            covered = ~fill.covers(image)
            valid, value = (covered if valid is None else valid & covered), fill.value
            way = "is taken for unknown, and so are these pixels in all bands: give these bands on "
            way += f"their own, or {words.says}"
        else:
            way = f"is taken for unknown: {words.says}"
        way = way.format(value=fill.value_text)
        warnings.warn(f"{name}: {text} {way}", stacklevel=stacklevel)
    for gap in find_band_gaps(image, valid) if blank and image.size else ():
        text = gap_text(gap, range(1, image.shape[-1] + 1))
        way = "is taken for data: give these bands on their own"
        warnings.warn(f"{name}: {text}, {way}", stacklevel=stacklevel)
    return valid, value


def _mask(image: ArrayOrTensor, shape: tuple[int, ...]) -> Bool[np.ndarray, "h w c"] | None:
    """Return what the mask of a masked array hides; None where it hides nothing."""
    if not isinstance(image, np.ma.MaskedArray) or not np.ma.is_masked(image):
        return None
    mask: NDArray[np.bool_] = np.ma.getmaskarray(image).reshape(shape)
    return mask


def plain_array(image: ArrayOrTensor) -> NDArray[np.generic]:
    """Return the values of an array or a tensor, whatever a mask hides."""
    if not isinstance(image, Tensor):
        return np.asarray(image)
    host = image.detach().cpu()
    return (host.float() if host.dtype == torch.bfloat16 else host).numpy()  # numpy has no bfloat16
