"""Turn the arguments of a metric into two comparable float64 arrays, or state why not."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gisr.errors import InputError

Float64Image = npt.NDArray[np.float64]
"""An (H, W, bands) image."""


class ComparedPixels(NamedTuple):
    """Two images of one shape, ready to be compared."""

    estimate: Float64Image
    """(H, W, bands), border cut."""
    truth: Float64Image
    """(H, W, bands), border cut."""
    counted: npt.NDArray[np.bool_]
    """(H, W): the pixels the metric is taken over."""


def compare(
    estimate: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    border: int = 0,
    valid: npt.ArrayLike | None = None,
) -> ComparedPixels:
    """Check two images and bring them to (H, W, bands) float64 with the border cut.

    Args:
        estimate: (H, W) or (H, W, bands) real numbers.
        truth: The same shape.
        border: Rows and columns cut on each of the four sides.
        valid: (H, W) bool; False pixels are not counted and may hold anything. None counts all.

    Raises:
        InputError: Shapes differ or are not images, the border leaves nothing, a pixel that is not
            excluded by ``valid`` is not finite or is masked (in the border too), or no pixel is
            left.
    """
    first = _image(estimate, "estimate")
    second = _image(truth, "truth")
    if np.shape(estimate) != np.shape(truth):
        raise InputError(
            f"estimate has shape {np.shape(estimate)} and truth {np.shape(truth)}: "
            "bring both to the same grid and bands first"
        )
    counted = _mask(valid, first.shape[:2])
    for values, name in ((first, "estimate"), (second, "truth")):
        bad = int(np.count_nonzero(~np.isfinite(values).all(axis=2) & counted))
        if bad:
            raise InputError(
                f"{name} has NaN, infinity or a mask at {bad} of its pixels: "
                "fill them, or exclude them with valid where the metric takes it"
            )
    inside = _inside(border, first.shape)
    counted = counted[inside]
    if not counted.any():
        raise InputError("no pixel is left to compare: valid is False everywhere inside the border")
    return ComparedPixels(first[inside], second[inside], counted)


def positive(value: float, name: str) -> float:
    """Return ``value`` as a float.

    Raises:
        InputError: It is not a finite number above zero.
    """
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}: it must be a finite number above 0")
    return float(value)


def _image(values: npt.ArrayLike, name: str) -> Float64Image:
    array: npt.NDArray[Any] = np.asarray(values)
    real = np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    if not real:
        raise InputError(f"{name} holds {array.dtype}: metrics compare real numbers")
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(
            f"{name} has shape {array.shape}: expected (H, W) or (H, W, bands), none of them 0"
        )
    image = array.astype(np.float64)
    if isinstance(values, np.ma.MaskedArray):  # as rasterio reads nodata: what lies there is none
        image[np.ma.getmaskarray(values)] = np.nan
    return image if image.ndim == 3 else image[:, :, None]


def _mask(valid: npt.ArrayLike | None, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    if valid is None:
        return np.ones(shape, dtype=np.bool_)
    mask = np.asarray(valid)
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise InputError(
            f"valid is {mask.dtype} of shape {mask.shape}: expected bool of shape {shape}"
        )
    return mask


def _inside(border: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    height, width = shape[:2]
    if border < 0 or 2 * border >= min(height, width):
        raise InputError(
            f"border {border} cannot be cut from {height} x {width} pixels: "
            f"use 0 to {(min(height, width) - 1) // 2}"
        )
    return slice(border, height - border), slice(border, width - border)
