"""Images of MATLAB files as entries want them."""

from pathlib import Path

import numpy as np
from jaxtyping import Num

from gisr.errors import FileFormatError
from gisr.io.arrays.matlab import read_matlab

_HIGHEST_SHARE = 2.0
"""Interpolation overshoots 1 by a few hundredths; digital numbers are far above."""


def read_image(path: Path, names: tuple[str, ...]) -> Num[np.ndarray, "H W bands"]:
    """Read an image of one or several bands, in the type of the file.

    Args:
        path: A MATLAB file.
        names: What its array may be called.

    Raises:
        FileFormatError: No such array, or one that is no image.
    """
    image = read_matlab(path, names)
    if image.ndim > 3:
        raise FileFormatError(f"{path}: {image.shape} is no image: it must be (H, W, bands)")
    return image if image.ndim == 3 else image[..., None]


def read_panchromatic(path: Path, names: tuple[str, ...]) -> Num[np.ndarray, "H W 1"]:
    """Read an image of one band.

    Raises:
        FileFormatError: As :func:`read_image`, or several bands.
    """
    image = read_image(path, names)
    if image.shape[2] != 1:
        raise FileFormatError(
            f"{path}: {image.shape[2]} bands: the panchromatic image must have one"
        )
    return image


def read_share(path: Path, names: tuple[str, ...]) -> Num[np.ndarray, "H W bands"]:
    """Read an image whose values were divided by the highest that the sensor gives.

    Raises:
        FileFormatError: As :func:`read_image`, or values that were not divided.
    """
    image = read_image(path, names)
    if image.max() > _HIGHEST_SHARE:
        raise FileFormatError(
            f"{path}: values up to {image.max():g}: this layout has values from 0 to 1; divide by "
            "the highest value of the sensor (1023 or 2047), or use the layout of raw files"
        )
    return image
