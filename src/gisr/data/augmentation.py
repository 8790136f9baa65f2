"""Random variation of training patches. Every function is a pure function of its generator."""

import numpy as np
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray

from gisr.data.resample import shift

Image = Float[np.ndarray, "H W channels"]


def random_orientation(rng: Generator, *images: Image) -> tuple[Image, ...]:
    """Return the images under one of the eight symmetries of the square, the same for all."""
    quarter_turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    turned = []
    for image in images:
        result = np.rot90(image, quarter_turns)
        turned.append(np.ascontiguousarray(result[:, ::-1] if mirrored else result))
    return tuple(turned)


def random_bands(rng: Generator, image: Image) -> Image:
    """Return the bands in another order one time in five, and one time in ten fewer of them.

    Mostly the order of the sensor stays: which bands a panchromatic band covers is worth learning.
    """
    bands = np.arange(image.shape[2])
    if rng.random() < 0.2:
        bands = rng.permutation(bands)
    if rng.random() < 0.1:
        bands = np.sort(rng.choice(bands, rng.integers(1, len(bands) + 1), replace=False))
    return image[..., bands]


def random_gamma(rng: Generator, image: Image, low: float, high: float) -> Image:
    """Bend the radiometry of each channel by a power between 2/3 and 3/2, one time in ten.

    Args:
        rng: Source of randomness.
        image: Values of which ``low`` and ``high`` stay where they are.
        low: Lowest usual value.
        high: Highest usual value, above ``low``.
    """
    if rng.random() < 0.9 or not high > low:
        return image
    powers = np.exp(rng.uniform(np.log(2 / 3), np.log(3 / 2), image.shape[2])).astype(np.float32)
    unit = np.maximum((image - low) / (high - low), 0.0)
    bent: NDArray[np.float32] = (unit**powers * (high - low) + low).astype(np.float32)
    return bent


def random_offset(rng: Generator, ratio: int) -> tuple[float, float]:
    """Return how many guide pixels a target begins elsewhere: less than half of its own pixels.

    One time in two it is none, as in the protocols. Grids of real scenes need not be nested:
    Landsat's panchromatic pixels begin a quarter of a multispectral pixel beside the others.
    """
    if rng.random() < 0.5:
        return 0.0, 0.0
    row, column = rng.uniform(-ratio / 2, ratio / 2, 2)
    return float(row), float(column)


def random_misregistration(rng: Generator, guide: Image, reach: float) -> Image:
    """Shift the guide by up to ``reach`` pixels along each axis, one time in two."""
    if reach == 0 or rng.random() < 0.5:
        return guide
    row, column = rng.uniform(-reach, reach, 2)
    return shift(guide, (float(row), float(column)))
