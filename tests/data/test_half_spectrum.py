"""The centre of k-space by half spectra, against its definition with whole complex ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float

from gisr.data.degradations import kspace_centre, zero_fill
from gisr.inference.consistency.kspace_projection import kspace_up


def centred(size: int, small: int) -> slice:
    """Return where the centre of an axis lies after ``fftshift``."""
    start = size // 2 - small // 2
    return slice(start, start + small)


def cropped(image: Float[np.ndarray, "H W"], low: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    rows, columns = (centred(*each) for each in zip(image.shape, low, strict=True))
    centre = np.fft.fftshift(np.fft.fft2(image))[rows, columns]
    small: Float[np.ndarray, "h w"] = np.fft.ifft2(np.fft.ifftshift(centre)).real
    return small * (small.size / image.size)


def enlarged(small: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "H W"]:
    spectrum = np.zeros(size, complex)
    rows, columns = (centred(*each) for each in zip(size, small.shape, strict=True))
    spectrum[rows, columns] = np.fft.fftshift(np.fft.fft2(small))
    image: Float[np.ndarray, "H W"] = np.fft.ifft2(np.fft.ifftshift(spectrum)).real
    return image * (image.size / small.size)


sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(low=sizes, more=st.tuples(st.integers(0, 9), st.integers(0, 9)), seed=st.integers(0, 99))
def test_crops_and_zero_filling_are_their_definitions(
    low: tuple[int, int], more: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    size = (low[0] + more[0], low[1] + more[1])
    image, small = rng.normal(size=size), rng.normal(size=low)
    found = kspace_centre(image, low)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, cropped(image, low), atol=2e-6)
    found = zero_fill(small, size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, enlarged(small, size), atol=2e-6 * size[0] * size[1] / small.size
    )


@pytest.mark.parametrize("low", [(4, 6), (5, 6), (4, 5), (5, 3), (8, 6), (4, 8)])
def test_what_is_added_arrives_in_the_centre(low: tuple[int, int]) -> None:
    small = np.random.default_rng(0).normal(size=low).astype(np.float32)
    up = kspace_up(small, (8, 8))
    np.testing.assert_allclose(kspace_centre(up, low), small, atol=1e-6)
