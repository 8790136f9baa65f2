"""Rules that images must obey before they are written into a store."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Shaped

from gisr.datasets.entry.base import Pixels, check_finite
from gisr.errors import InputError
from gisr.sizes import picture_size


def checked_image(name: str, read: Pixels, axes: int) -> Shaped[np.ndarray, "..."]:
    """Return an image that holds finite numbers, not all 0, in the smallest type for them.

    Args:
        name: For messages.
        read: What the reader returned.
        axes: Number of axes that it must have.

    Raises:
        InputError: It breaks a rule.
    """
    image = np.asarray(read)
    if image.dtype.kind not in "iuf":
        raise InputError(f"{name} holds {image.dtype} values: they must be numbers")
    if image.ndim != axes or 0 in image.shape:
        raise InputError(f"{name} of shape {image.shape} is empty or has not {axes} axes")
    check_finite(name, image)
    if not image.any():
        raise InputError(f"{name} is empty: every value is 0")
    return smallest(image)


def check_equal(
    name: str,
    shape: tuple[int, ...],
    other: str,
    wanted: tuple[int, ...],
    size: Callable[[tuple[int, ...]], str] = picture_size,
) -> None:
    """Refuse a shape that is not that of another image.

    Args:
        name: Of the image, for the message.
        shape: Its shape.
        other: Name of the other image.
        wanted: Its shape.
        size: How such shapes are written for the user.

    Raises:
        InputError: They differ.
    """
    if shape != wanted:
        raise InputError(
            f"{name} of {size(shape)} does not fit: {other} is {size(wanted)}: bring both to one "
            "grid, or leave the pair out"
        )


def smallest(image: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """Return an image in the first of bool, uint8, uint16, int16, float32 that holds its values.

    Nothing is lost that an entry would have given: entries give float32.

    Raises:
        InputError: Values beyond float32.
    """
    if image.dtype == bool:
        return image
    low, high = image.min(), image.max()
    if image.dtype.kind in "iu" or (image == np.rint(image)).all():
        for dtype in (np.uint8, np.uint16, np.int16):
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return image.astype(dtype)
    if max(-low, high) > np.finfo(np.float32).max:
        raise InputError(f"values up to {max(-low, high):g} are beyond float32")
    return image.astype(np.float32)
