"""The published degradations: what each keeps, measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisr.data.degradations import (
    fill_holes,
    gaussian_sigma,
    kspace_crop,
    pillow_reduce,
    wald,
    zero_fill,
)
from gisr.errors import InputError

sides = st.integers(6, 40)


@given(rows=sides, columns=sides, ratio=st.sampled_from([1.5, 2, 3, 4, 5.5]))
def test_wald_keeps_constants(rows: int, columns: int, ratio: float) -> None:
    low = wald(np.full((rows, columns, 2), 41.5, np.float32), ratio)
    assert low.shape == (int(rows / ratio + 1e-6), int(columns / ratio + 1e-6), 2)
    np.testing.assert_allclose(low, 41.5, rtol=1e-6)


@pytest.mark.parametrize("ratio", [2, 3, 4, 2.5])
@pytest.mark.parametrize("gain", [0.2, 0.3, 0.36])
def test_walds_response_at_nyquist_is_the_gain(ratio: float, gain: float) -> None:
    """A cosine at the reduced grid's Nyquist frequency, peaks on its samples, shrinks by it."""
    size = round(ratio * 40)
    positions = (np.arange(size) + 0.5) / ratio - 0.5  # in samples of the reduced grid
    wave = np.cos(np.pi * positions).astype(np.float32)
    image = np.tile(wave[:, None], (1, 40))
    measured = wald(image, ratio, gain)[10:-10, 4] * (-1.0) ** np.arange(10, 30)
    np.testing.assert_allclose(measured, gain, atol=0.006)


def test_sigma_is_the_one_of_the_literature() -> None:
    """Aiazzi et al.: 0.3 at Nyquist of a ratio of 4 is a sigma of about 1.98 pixels."""
    assert gaussian_sigma(4, 0.3) == pytest.approx(1.976, abs=2e-3)


@pytest.mark.parametrize("ratio", [2, 3, 4, 2.5])
def test_wald_keeps_pixel_centres(ratio: float) -> None:
    size = round(20 * ratio)
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    ramp = (rows - 2.0 * columns).astype(np.float32)
    low = wald(ramp, ratio)
    centres = (np.arange(20) + 0.5) * ratio - 0.5
    expected = centres[:, None] - 2 * centres
    np.testing.assert_allclose(low[5:-5, 5:-5], expected[5:-5, 5:-5], atol=1e-3)


def test_wald_counts_samples_whatever_the_division_rounds_to() -> None:
    assert wald(np.zeros((100, 49, 1), np.float32), 100 / 3).shape == (3, 1, 1)


@pytest.mark.parametrize(("ratio", "gain"), [(1, 0.3), (0.5, 0.3), (2, 0), (2, 1), (np.nan, 0.3)])
def test_wald_refuses_what_is_no_reduction(ratio: float, gain: float) -> None:
    with pytest.raises(InputError, match="gain"):
        wald(np.zeros((8, 8, 1), np.float32), ratio, gain)


def test_wald_refuses_images_smaller_than_the_ratio() -> None:
    with pytest.raises(InputError, match="smaller than the ratio"):
        wald(np.zeros((8, 3, 1), np.float32), 4)


@given(rows=sides, columns=sides, ratio=st.sampled_from([1, 2, 3, 4, 6]))
def test_kspace_crop_keeps_constants(rows: int, columns: int, ratio: int) -> None:
    low = kspace_crop(np.full((rows, columns), 12.0, np.float32), ratio)
    assert low.shape == (max(1, round(rows / ratio)), max(1, round(columns / ratio)))
    np.testing.assert_allclose(low, 12.0, rtol=1e-5)


def band_limited(shape: tuple[int, int], low: tuple[int, int], seed: int) -> np.ndarray:
    """Return a periodic image of waves strictly below the Nyquist frequency of ``low``."""
    rng = np.random.default_rng(seed)
    rows, columns = (np.arange(n)[:, None] / n for n in shape)
    image = np.zeros(shape)
    for _ in range(6):
        a, b = (int(rng.integers(0, (n - 1) // 2 + 1)) for n in low)
        phase = rng.uniform(0, 2 * np.pi)
        image += rng.normal() * np.cos(2 * np.pi * (a * rows + b * columns.T) + phase)
    return image.astype(np.float32)


@given(rows=sides, columns=sides, ratio=st.sampled_from([2, 3, 4]), seed=st.integers(0, 99))
def test_band_limited_images_come_back_exactly(
    rows: int, columns: int, ratio: int, seed: int
) -> None:
    shape = (rows, columns)
    low = (max(1, round(rows / ratio)), max(1, round(columns / ratio)))
    image = band_limited(shape, low, seed)
    back = zero_fill(kspace_crop(image, ratio), shape)
    np.testing.assert_allclose(back, image, atol=1e-4)


@given(h=st.integers(3, 12), w=st.integers(3, 12), ratio=st.sampled_from([2, 3, 4]))
def test_kspace_sample_j_lies_at_j_times_ratio(h: int, w: int, ratio: int) -> None:
    image = band_limited((h * ratio, w * ratio), (h, w), seed=h * w)
    np.testing.assert_allclose(kspace_crop(image, ratio), image[::ratio, ::ratio], atol=1e-4)


@given(h=st.integers(1, 9), w=st.integers(1, 9), rows=st.integers(0, 9), columns=st.integers(0, 9))
def test_cropping_undoes_zero_filling(h: int, w: int, rows: int, columns: int) -> None:
    low = np.random.default_rng(h).normal(size=(2 * h + 1, 2 * w + 1)).astype(np.float32)
    grid = ((2 * h + 1) * 3, (2 * w + 1) * 3)  # odd sides have no lone Nyquist frequency
    np.testing.assert_allclose(kspace_crop(zero_fill(low, grid), 3), low, atol=1e-4)
    larger = (2 * h + 1 + rows, 2 * w + 1 + columns)
    assert zero_fill(low, larger).mean() == pytest.approx(low.mean(), abs=1e-5)


def test_zero_fill_refuses_a_smaller_grid() -> None:
    with pytest.raises(InputError, match="larger than the grid"):
        zero_fill(np.zeros((8, 8), np.float32), (16, 7))


def test_pillow_reduction_rounds_the_size_down() -> None:
    assert pillow_reduce(np.zeros((17, 35), np.float32), 8).shape == (2, 4)
    with pytest.raises(InputError, match="smaller than the ratio"):
        pillow_reduce(np.zeros((7, 35), np.float32), 8)


def test_holes_take_the_nearest_known_value() -> None:
    values = np.array([[1, 9, 9, 9, 5]], dtype=np.float32)
    valid = np.array([[True, False, False, False, True]])
    filled = fill_holes(values, valid)
    assert filled[0, [0, 1, 3, 4]].tolist() == [1, 1, 5, 5]
    assert filled[0, 2] in (1, 5)
    assert values[0, 1] == 9  # the input stays


def test_holes_of_several_bands_are_filled_together() -> None:
    values = np.stack([np.arange(4.0), 10 * np.arange(4.0)], axis=-1)[None]
    values[0, 3] = np.nan
    filled = fill_holes(values, np.array([[True, True, True, False]]))
    assert filled[0, 3].tolist() == [2.0, 20.0]


def test_an_image_of_holes_is_refused() -> None:
    with pytest.raises(InputError, match="every pixel is unknown"):
        fill_holes(np.zeros((2, 2)), np.zeros((2, 2), bool))
