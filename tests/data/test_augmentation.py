"""Random variation: pure functions of the generator that never tear a pair apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from gisr.data.augmentation import (
    random_bands,
    random_gamma,
    random_misregistration,
    random_offset,
    random_orientation,
)

seeds = st.integers(0, 10_000)
IMAGE = default_rng(0).uniform(0, 9, (6, 8, 4)).astype(np.float32)


@given(seed=seeds)
def test_orientation_moves_both_images_alike(seed: int) -> None:
    one, other = random_orientation(default_rng(seed), IMAGE, 2 * IMAGE[..., :1])
    np.testing.assert_array_equal(other, 2 * one[..., :1])
    assert sorted(one.ravel()) == sorted(IMAGE.ravel())
    assert one.flags.c_contiguous


@given(seed=seeds, ratio=st.sampled_from([2, 3, 4, 8]))
def test_targets_begin_less_than_half_of_their_pixel_elsewhere(seed: int, ratio: int) -> None:
    offset = random_offset(default_rng(seed), ratio)
    assert all(abs(axis) <= ratio / 2 for axis in offset)


def test_half_of_the_targets_are_nested() -> None:
    rng = default_rng(0)
    nested = [random_offset(rng, 4) == (0.0, 0.0) for _ in range(1000)]
    assert 450 < sum(nested) < 550


def test_orientation_reaches_all_eight() -> None:
    square = np.arange(9.0).reshape(3, 3, 1)
    found = {random_orientation(default_rng(seed), square)[0].tobytes() for seed in range(100)}
    assert len(found) == 8


@given(seed=seeds)
def test_bands_are_some_of_the_bands_in_any_order(seed: int) -> None:
    result = random_bands(default_rng(seed), IMAGE)
    chosen = [
        band
        for index in range(result.shape[2])
        for band in range(4)
        if np.array_equal(result[..., index], IMAGE[..., band])
    ]
    assert len(set(chosen)) == result.shape[2] >= 1


@given(seed=seeds)
def test_gamma_keeps_order_and_ends(seed: int) -> None:
    result = random_gamma(default_rng(seed), IMAGE, 0.0, 9.0)
    assert result.dtype == np.float32
    for band in range(4):
        order = np.argsort(IMAGE[..., band].ravel())
        assert (np.diff(result[..., band].ravel()[order]) >= 0).all()
    ends = random_gamma(default_rng(seed), np.array([[[0.0], [9.0]]]), 0.0, 9.0)
    np.testing.assert_allclose(ends.ravel(), [0, 9], rtol=1e-6)


def test_gamma_of_a_constant_image_is_the_image() -> None:
    for seed in range(6):
        assert random_gamma(default_rng(seed), IMAGE, 5.0, 5.0) is IMAGE


@given(seed=seeds, reach=st.floats(0, 2))
def test_misregistration_stays_within_reach(seed: int, reach: float) -> None:
    ramp = np.tile(np.arange(20.0, dtype=np.float32)[:, None, None], (1, 20, 1))
    moved = random_misregistration(default_rng(seed), ramp, reach) - ramp
    inside = moved[5:-5, 5:-5]
    assert np.ptp(inside) < 1e-4
    assert abs(inside.mean()) <= reach + 1e-5


@given(seed=seeds)
def test_everything_repeats_with_the_generator(seed: int) -> None:
    def once() -> list[np.ndarray]:
        rng = default_rng(seed)
        return [
            random_orientation(rng, IMAGE)[0],
            random_bands(rng, IMAGE),
            random_gamma(rng, IMAGE, 0, 9),
            random_misregistration(rng, IMAGE, 1.0),
        ]

    for first, second in zip(once(), once(), strict=True):
        np.testing.assert_array_equal(first, second)
