"""Random variation of training patches. Every function is a pure function of its generator."""

from io import BytesIO

import numpy as np
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as PillowImage

from gisr.data.resample import resize_pillow, shift
from gisr.tasks.task import MOST_GUIDE_CHANNELS

AugmentedImage = Float[np.ndarray, "H W channels"]


def random_orientation(rng: Generator, *images: AugmentedImage) -> tuple[AugmentedImage, ...]:
    """Return the images under one of the eight symmetries of the square, the same for all."""
    quarter_turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    turned = []
    for image in images:
        result = np.rot90(image, quarter_turns)
        turned.append(np.ascontiguousarray(result[:, ::-1] if mirrored else result))
    return tuple(turned)


def random_bands(rng: Generator, image: AugmentedImage) -> AugmentedImage:
    """Return the bands in another order one time in five, and one time in ten fewer of them.

    Mostly the order of the sensor stays: which bands a panchromatic band covers is worth learning.
    """
    bands = np.arange(image.shape[2])
    if rng.random() < 0.2:
        bands = rng.permutation(bands)
    if rng.random() < 0.1:
        bands = np.sort(rng.choice(bands, rng.integers(1, len(bands) + 1), replace=False))
    return image[..., bands]


def random_roles(
    rng: Generator, target: AugmentedImage, guide: AugmentedImage
) -> tuple[AugmentedImage, AugmentedImage]:
    """Deal the bands of both images out anew, one time in three: one to four of them guide.

    Few sensors have their coarse bands where another has; any bands of one scene go together.
    """
    if rng.random() < 2 / 3:
        return target, guide
    bands = np.concatenate([target, guide], axis=2)
    order = rng.permutation(bands.shape[2])
    count = int(rng.integers(1, min(MOST_GUIDE_CHANNELS, bands.shape[2] - 1) + 1))
    return bands[..., np.sort(order[count:])], bands[..., np.sort(order[:count])]


def random_gamma(rng: Generator, image: AugmentedImage, low: float, high: float) -> AugmentedImage:
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


def random_contrast(rng: Generator, image: AugmentedImage) -> tuple[AugmentedImage, bool]:
    """Give an MR image another contrast, one time in four, and return whether it has one.

    A curve through random points takes old intensities to new ones; it may fall as well as rise,
    as between T2 and FLAIR. Six subjects of one scanner show few contrasts; what is common to all
    is where tissues meet.

    Args:
        rng: Source of randomness.
        image: Values from 0; 0 (air) stays 0.
    """
    top = float(image.max())
    if rng.random() < 0.75 or not top > 0:
        return image, False
    places = np.array((0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0))
    values = np.clip(places + rng.normal(0, 0.2, len(places)), 0.0, 1.2)
    values[0] = 0.0
    curve: NDArray[np.float64] = np.interp(image, places * top, values * top)
    return curve.astype(np.float32), True


def random_coarseness(
    rng: Generator, patch: int, *images: AugmentedImage
) -> tuple[AugmentedImage, ...]:
    """Resample registered images to coarser pixels, one time in two, by the same factor.

    Slices are stored with pixels half as large as the scanner resolves, or as large: one network
    has to serve both.

    Args:
        rng: Source of randomness.
        patch: Sides stay at least so long; images as short as that are left alone.
        images: Of one size, without negative values.
    """
    rows, columns = images[0].shape[:2]
    least = max(0.45, patch / min(rows, columns))
    if rng.random() < 0.5 or least >= 1:
        return images
    factor = rng.uniform(least, 1.0)
    shape = (max(patch, round(rows * factor)), max(patch, round(columns * factor)))
    return tuple(np.maximum(resize_pillow(image, shape), 0) for image in images)


def random_snapshot(rng: Generator, colour: AugmentedImage) -> AugmentedImage:
    """Return a colour image as a poor camera would have taken it, one time in four.

    Too dark, in few levels, and compressed: the published pairs of depth cameras have colour images
    whose brightest parts are at a third of the range, with the blocks of a JPEG file.

    Args:
        rng: Source of randomness.
        colour: Three channels from 0 to 255.
    """
    if rng.random() < 0.75 or colour.shape[2] != 3:
        return colour
    gamma, exposure = rng.uniform(1.0, 2.0), np.exp(rng.uniform(np.log(0.15), 0.0))
    levels = np.rint((colour / 255.0) ** gamma * exposure * 255.0)
    dim: NDArray[np.uint8] = np.clip(levels, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        packed = BytesIO()
        quality = int(rng.integers(30, 96))
        PillowImage.fromarray(dim).save(packed, "JPEG", quality=quality)
        dim = np.asarray(PillowImage.open(packed))
    return dim.astype(np.float32)


def random_offset(rng: Generator, ratio: int) -> tuple[float, float]:
    """Return how many guide pixels a target begins elsewhere: less than half of its own pixels.

    One time in two it is none, as in the protocols. Grids of real scenes need not be nested:
    Landsat's panchromatic pixels begin a quarter of a multispectral pixel beside the others.
    """
    if rng.random() < 0.5:
        return 0.0, 0.0
    row, column = rng.uniform(-ratio / 2, ratio / 2, 2)
    return float(row), float(column)


def random_misregistration(rng: Generator, guide: AugmentedImage, reach: float) -> AugmentedImage:
    """Shift the guide by up to ``reach`` pixels along each axis, one time in two."""
    if reach == 0 or rng.random() < 0.5:
        return guide
    row, column = rng.uniform(-reach, reach, 2)
    return shift(guide, (float(row), float(column)))
