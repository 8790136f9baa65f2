"""How a low-resolution target is made from a truth: the published protocols, by name.

* ``wald``: pansharpening (Wald et al., 1997; Gaussian MTF of Aiazzi et al., 2006).
* ``kspace``: MR (centre crop of k-space, as MC-DuDoNet and the paper's laboratory do).
* ``pillow``: depth (DKN, SGNet, DCTNet: Pillow's bicubic after filling unknown pixels).
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from gisr.data.half_spectrum import centre_of, filled, half_spectrum, slice_of
from gisr.data.resample import resize_pillow, weighted_taps
from gisr.errors import InputError
from gisr.placement import Placement

ReducedAs = Literal["float32", "uint8"]
"""Type in which a depth map is reduced. SGNet's loader of Middlebury and Lu reduces 8-bit pictures
and so rounds the result to whole levels; DCTNet's converts them to float32 first."""


def wald(
    image: Float[np.ndarray, "H W *bands"], ratio: float, gain: float = 0.3
) -> Float[np.ndarray, "h w *bands"]:
    """Blur with a Gaussian MTF and decimate so that pixel centres are kept.

    Args:
        image: Multispectral truth, any values.
        ratio: Scale factor, above 1, not necessarily an integer; the size is rounded down.
        gain: Response at the Nyquist frequency of the reduced grid, in (0, 1).

    Returns:
        float32; sample j stands for the truth around index (j + 1/2) * ratio - 1/2.

    Raises:
        InputError: ``gain`` or ``ratio`` out of range, or a side smaller than the ratio.
    """
    if not 0 < gain < 1 or not ratio > 1:
        raise InputError(f"wald: gain {gain} must lie in (0, 1) and ratio {ratio} above 1")
    # A side of 100 at ratio 100/3 has three samples, whatever the division rounds to.
    sides = [int(side / ratio + 1e-6) for side in image.shape[:2]]
    if 0 in sides:
        raise InputError(f"wald: image {image.shape} is smaller than the ratio {ratio:g}")
    result = np.asarray(image, dtype=np.float32)
    for axis in (0, 1):
        centres = (np.arange(sides[axis]) + 0.5) * ratio - 0.5
        result = mtf_samples(result, centres, ratio, gain, axis)
    return result


def mtf_samples(
    image: Float[np.ndarray, "H W *bands"],
    centres: Float[np.ndarray, " samples"],
    ratio: float,
    gain: float,
    axis: int,
) -> Float[np.ndarray, "h w *bands"]:
    """Return samples along one axis of an image blurred along it by a Gaussian MTF.

    Args:
        image: Fine image.
        centres: Where the samples lie, in fine pixels.
        ratio: Fine pixels a coarse one.
        gain: Response at the Nyquist frequency of the coarse grid.
        axis: 0 or 1.
    """
    sigma = gaussian_sigma(ratio, gain)
    reach = int(np.ceil(3.5 * sigma))
    taps = np.floor(centres).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
    weights = np.exp(-0.5 * ((taps - centres[:, None]) / sigma) ** 2)
    return weighted_taps(image, taps, weights, axis)


def mtf_reduced(
    image: Float[np.ndarray, "H W *bands"],
    shape: tuple[int, ...],
    placement: Placement,
    gain: float,
) -> Float[np.ndarray, "h w *bands"]:
    """Return an image on another, coarser grid: Gaussian MTF, then decimation.

    As :func:`wald`, but for any grid and size.

    Args:
        image: Fine image.
        shape: Rows and columns of the coarse grid.
        placement: Where the fine image's samples lie on it.
        gain: Response at the Nyquist frequency of the coarse grid.
    """
    result = image
    for axis in (0, 1):
        scale, offset = placement.scale[axis], placement.offset[axis]
        centres = (np.arange(shape[axis]) - offset) / scale
        result = mtf_samples(result, centres, 1 / scale, gain, axis)
    return result


def gaussian_sigma(ratio: float, gain: float) -> float:
    """Return the width in truth pixels of the Gaussian whose response at 1/(2 ratio) is ``gain``.

    From exp(-2 pi^2 sigma^2 f^2) = gain at f = 1 / (2 ratio) cycles a pixel.
    """
    return float(ratio / np.pi * np.sqrt(-2.0 * np.log(gain)))


def kspace_crop(image: Float[np.ndarray, "H W"], ratio: float) -> Float[np.ndarray, "h w"]:
    """Keep the centre of k-space: fewer samples over the same field of view.

    The scale is right (a constant image keeps its value): MC-CDic's loader lacks this factor and
    gives targets ratio squared times too bright (peers.md, B.3). Real part, float32.

    Args:
        image: Real slice.
        ratio: Scale factor; each side becomes ``round(side / ratio)``, at least 1.
    """
    height, width = image.shape
    return kspace_centre(image, (max(1, round(height / ratio)), max(1, round(width / ratio))))


def kspace_centre(
    image: Float[np.ndarray, "H W"], low: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """Keep so many rows and columns of the centre of k-space; otherwise as above."""
    height, width = image.shape
    centre = centre_of(half_spectrum(image), width, low)
    return slice_of(centre, low) * np.float32(low[0] * low[1] / (height * width))


def zero_fill(
    target: Float[np.ndarray, "h w"], guide_shape: tuple[int, int], *, at_nyquist: float = 0.5
) -> Float[np.ndarray, "H W"]:
    """Return a k-space crop to the full grid by zero-filling k-space. Real part, float32.

    Args:
        target: A k-space crop.
        guide_shape: Rows and columns of the grid.
        at_nyquist: Share of what the crop has at its Nyquist frequency that either sign of it gets:
            a half is the real part.

    Raises:
        InputError: The guide is smaller than the target.
    """
    height, width = target.shape
    if guide_shape[0] < height or guide_shape[1] < width:
        raise InputError(f"zero_fill: {target.shape} is larger than the grid {guide_shape}")
    spectrum = filled(half_spectrum(target), (height, width), guide_shape, at_nyquist)
    scale = guide_shape[0] * guide_shape[1] / (height * width)
    return slice_of(spectrum, guide_shape) * np.float32(scale)


def pillow_reduce(
    image: Float[np.ndarray, "H W"], ratio: int, *, reduced_as: ReducedAs = "float32"
) -> Float[np.ndarray, "h w"]:
    """Reduce a depth map without unknown pixels by Pillow's bicubic (size rounded down).

    Args:
        image: Any values; whole ones from 0 to 255 to reduce as uint8.
        ratio: Scale factor.
        reduced_as: ``uint8`` rounds and clips the result as Pillow does with 8-bit pictures.

    Returns:
        float32.

    Raises:
        InputError: A side is smaller than the ratio, or values are no 8-bit levels.
    """
    height, width = image.shape
    if min(height, width) < ratio:
        raise InputError(f"depth map {image.shape} is smaller than the ratio {ratio}")
    if reduced_as == "float32":
        return resize_pillow(image, (height // ratio, width // ratio))
    levels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    if (levels != image).any():
        raise InputError("depth map to reduce as uint8 holds values that are no 8-bit levels")
    picture = Image.fromarray(levels)
    reduced = picture.resize((width // ratio, height // ratio), Image.Resampling.BICUBIC)
    return np.asarray(reduced, dtype=np.float32)


def fill_holes(
    values: Float[np.ndarray, "H W *bands"], valid: Bool[np.ndarray, "H W"]
) -> Float[np.ndarray, "H W *bands"]:
    """Give every unknown pixel the value of the nearest known one.

    Raises:
        InputError: No pixel is known.
    """
    if valid.all():
        return values
    if not valid.any():
        raise InputError("every pixel is unknown (no data): there is nothing to sharpen")
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    filled: Float[np.ndarray, "H W *bands"] = values[tuple(nearest)]
    return filled
