"""Interpolation: hand values and what every kernel must keep."""

from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gisr.data.resample import (
    bicubic_to_guide,
    resize_pillow,
    shift,
    weighted_taps,
)
from gisr.placement import Placement
from gisr.tasks import Grid

RNG = np.random.default_rng(1)


def centre(low: tuple[int, int], high: tuple[int, int]) -> Placement:
    return Placement.from_grid("centre", low, high)


def test_bicubic_between_samples_by_hand() -> None:
    row = np.array([[0, 0, 0, 1, 0, 0, 0, 0]] * 8, dtype=np.float32)
    result = bicubic_to_guide(row, (16, 16), centre((8, 8), (16, 16)))
    # Guide sample i lies at (i + 1/2) / 2 - 1/2: a quarter beside a target sample. Keys' kernel
    # at 1/4, 3/4, 5/4 and 7/4 (1.5 x^3 - 2.5 x^2 + 1; -0.5 x^3 + 2.5 x^2 - 4 x + 2):
    near, middle, far, last = 0.8671875, 0.2265625, -0.0703125, -0.0234375
    expected = [0, 0, 0, last, far, middle, near, near, middle, far, last, 0, 0, 0, 0, 0]
    # The first sample lies a quarter before the image: two taps are outside and the rest is 0.
    np.testing.assert_allclose(result[8], expected, atol=1e-7)


def test_kspace_placement_puts_sample_j_at_j_times_ratio() -> None:
    low = RNG.uniform(size=(5, 6)).astype(np.float32)
    high = bicubic_to_guide(low, (15, 12), Placement.from_grid("kspace", (5, 6), (15, 12)))
    np.testing.assert_allclose(high[::3, ::2], low, atol=1e-6)


def test_outside_taps_are_dropped_and_the_rest_rescaled() -> None:
    image = np.array([2.0, 4.0, 8.0], dtype=np.float32)
    taps, weights = np.array([[-1, 0, 1]]), np.array([[0.5, 0.25, 0.25]])
    assert weighted_taps(image, taps, weights, 0).tolist() == [3.0]


def test_positions_far_outside_repeat_the_border() -> None:
    image = np.arange(5, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)
    shifted = shift(image, (-9.0, 0.0))
    assert (shifted == 0).all()
    assert (shift(image, (9.0, 0.0)) == 4).all()


@given(dy=st.integers(-2, 2), dx=st.integers(-2, 2))
def test_whole_shifts_move_pixels(dy: int, dx: int) -> None:
    image = np.random.default_rng(3).uniform(size=(9, 10, 2)).astype(np.float32)
    shifted = shift(image, (dy, dx))
    inside = shifted[2:-2, 2:-2]
    np.testing.assert_allclose(inside, image[2 + dy : 7 + dy, 2 + dx : 8 + dx], atol=1e-6)


@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    ratio=st.sampled_from([1, 2, 3, 4, 8]),
    grid=st.sampled_from(get_args(Grid)),
)
def test_constants_stay_constant(rows: int, columns: int, ratio: int, grid: Grid) -> None:
    image, shape = np.full((rows, columns, 2), 7.5, np.float32), (rows * ratio, columns * ratio)
    result = bicubic_to_guide(image, shape, Placement.from_grid(grid, (rows, columns), shape))
    assert result.shape == (*shape, 2)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, 7.5, rtol=1e-6)


def test_ramps_stay_ramps_inside() -> None:
    rows, columns = np.meshgrid(np.arange(8.0), np.arange(10.0), indexing="ij")
    ramp = (2 * rows - 3 * columns).astype(np.float32)
    result = bicubic_to_guide(ramp, (24, 30), centre((8, 10), (24, 30)))
    fine_rows, fine_columns = ((np.arange(n) + 0.5) / 3 - 0.5 for n in (24, 30))
    expected = 2 * fine_rows[:, None] - 3 * fine_columns
    np.testing.assert_allclose(result[6:-6, 6:-6], expected[6:-6, 6:-6], atol=1e-4)


def test_pillow_resizes_band_by_band() -> None:
    image = RNG.uniform(size=(12, 9, 3)).astype(np.float32)
    result = resize_pillow(image, (4, 3))
    assert result.shape == (4, 3, 3)
    for band in range(3):
        np.testing.assert_array_equal(result[..., band], resize_pillow(image[..., band], (4, 3)))
