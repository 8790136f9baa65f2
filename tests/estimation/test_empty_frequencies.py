"""Images that were zero-filled or smoothed after they were acquired, and those that were not."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.estimation.empty_frequencies import filled_frequencies

SHAPE = 96, 80, 6


def anatomy() -> NDArray[np.float32]:
    """Return edges and texture at all scales, with a little noise, as scans have them."""
    random = np.random.default_rng(0)
    layers = [
        2.0**scale * ndimage.gaussian_filter(random.normal(size=SHAPE), (2.0**scale,) * 2 + (0,))
        for scale in range(-1, 4)
    ]
    edges = np.where(sum(layers[2:]) > 0, 400.0, 150.0)
    found: NDArray[np.float32] = (edges + 30 * sum(layers)).astype(np.float32)
    return found


def zero_filled(image: NDArray[np.float32], axis: int, share: float) -> NDArray[np.float32]:
    """Return the magnitude of an image of which a share of k-space along an axis is kept."""
    spectrum = np.fft.fftshift(np.fft.fft(image, axis=axis), axes=axis)
    size = image.shape[axis]
    kept = np.abs(np.arange(size) - size // 2) < share * size / 2
    shape = [1, 1, 1]
    shape[axis] = size
    spectrum = spectrum * kept.reshape(shape)
    found: NDArray[np.float32] = np.abs(
        np.fft.ifft(np.fft.ifftshift(spectrum, axes=axis), axis=axis)
    ).astype(np.float32)
    return found


@pytest.mark.parametrize("axis", [0, 1])
def test_a_zero_filled_axis_ends_where_it_was_acquired(axis: int) -> None:
    filled = zero_filled(anatomy(), axis, 0.5)
    assert filled_frequencies(filled, axis) == pytest.approx(0.5, abs=0.05)
    assert filled_frequencies(np.rint(filled), axis) == pytest.approx(0.5, abs=0.05)
    assert filled_frequencies(filled, 1 - axis) is None


def test_scans_means_and_short_axes_have_no_end() -> None:
    image = anatomy()
    means = image.reshape(48, 2, 80, 6).mean(1)
    for each in (image, means, zero_filled(image, 0, 0.8), np.ones(SHAPE, np.float32)):
        assert filled_frequencies(each, 0) is None
    assert filled_frequencies(zero_filled(image, 2, 0.5), 2) is None
