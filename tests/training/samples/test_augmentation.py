"""Random variation: pure functions of the generator that never tear a pair apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from gisr.training.samples.augmentation import (
    random_bands,
    random_coarseness,
    random_contrast,
    random_gamma,
    random_misregistration,
    random_offset,
    random_orientation,
    random_roles,
    random_snapshot,
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
def test_roles_are_dealt_out_anew_and_no_band_is_lost(seed: int) -> None:
    given_target, given_guide = IMAGE[..., :2], 20 + IMAGE
    target, guide = random_roles(default_rng(seed), given_target, given_guide)
    assert 1 <= guide.shape[2] <= 4 and target.shape[2] + guide.shape[2] == 6
    before = {band.tobytes() for band in np.moveaxis(np.dstack([given_target, given_guide]), 2, 0)}
    after = {band.tobytes() for band in np.moveaxis(np.dstack([target, guide]), 2, 0)}
    assert before == after


def test_roles_stay_two_times_in_three() -> None:
    kept = [random_roles(default_rng(n), IMAGE[..., :2], IMAGE)[1] is IMAGE for n in range(300)]
    assert 0.55 < np.mean(kept) < 0.78


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


SLICE = default_rng(1).uniform(0, 800, (40, 30, 1)).astype(np.float32)
SLICE[:10] = 0


@given(seed=seeds)
def test_another_contrast_is_a_function_of_intensity_and_air_stays(seed: int) -> None:
    one, other = np.unique(SLICE), SLICE.max()
    result, changed = random_contrast(default_rng(seed), SLICE)
    assert changed == (result is not SLICE)
    assert result.dtype == np.float32 and (result[:10] == 0).all()
    assert result.min() >= 0 and result.max() <= 1.2 * other
    doubled, _ = random_contrast(default_rng(seed), 2 * SLICE)
    np.testing.assert_allclose(doubled, 2 * result, rtol=1e-4, atol=1e-3)
    again, _ = random_contrast(default_rng(seed), np.tile(SLICE, (1, 2, 1)))
    np.testing.assert_array_equal(again[:, 30:], result)
    assert len(np.unique(result)) <= len(one)


def test_one_slice_in_four_gets_another_contrast_and_some_curves_fall() -> None:
    rng, ramp = default_rng(0), np.linspace(0, 1, 101, dtype=np.float32)[:, None, None]
    bent = [
        result for result, changed in (random_contrast(rng, ramp) for _ in range(400)) if changed
    ]
    assert 70 < len(bent) < 130
    falling = sum((np.diff(curve.ravel()) < 0).any() for curve in bent)
    assert 0.3 < falling / len(bent) < 1
    air = np.zeros((4, 4, 1), np.float32)
    assert not any(random_contrast(rng, air)[1] for _ in range(20))


@given(seed=seeds, patch=st.integers(8, 40))
def test_coarser_pixels_for_all_images_and_never_below_the_patch(seed: int, patch: int) -> None:
    one, other = random_coarseness(default_rng(seed), patch, SLICE, 3 * SLICE)
    assert one.shape == other.shape
    np.testing.assert_allclose(other, 3 * one, rtol=1e-4, atol=1e-2)
    assert min(one.shape[:2]) >= min(patch, 30) and max(one.shape[:2]) <= 40
    assert abs(one.shape[0] / one.shape[1] - 4 / 3) < 0.1 or min(one.shape[:2]) == patch
    assert one.min() >= 0
    if patch >= 30:
        assert one is SLICE


@given(seed=seeds)
def test_a_snapshot_is_dimmer_and_of_whole_levels(seed: int) -> None:
    rng = default_rng(seed)
    colour = np.rint(rng.uniform(0, 255, (24, 32, 3))).astype(np.float32)
    result = random_snapshot(rng, colour)
    assert result.shape == colour.shape and result.dtype == np.float32
    np.testing.assert_array_equal(result, np.rint(result))
    assert result.min() >= 0 and result.max() <= 255
    assert result.mean() <= colour.mean() + 1
    grey = colour[..., :1]
    assert random_snapshot(rng, grey) is grey


def test_one_photograph_in_four_is_a_snapshot_and_some_are_very_dark() -> None:
    rng = default_rng(0)
    colour = np.full((16, 16, 3), 200, np.float32)
    results = [random_snapshot(rng, colour) for _ in range(400)]
    dimmed = [float(result.mean()) for result in results if result is not colour]
    assert 70 < len(dimmed) < 130
    assert min(dimmed) < 50 and max(dimmed) > 150


@given(seed=seeds)
def test_everything_repeats_with_the_generator(seed: int) -> None:
    def once() -> list[np.ndarray]:
        rng = default_rng(seed)
        return [
            random_orientation(rng, IMAGE)[0],
            random_bands(rng, IMAGE),
            random_gamma(rng, IMAGE, 0, 9),
            random_misregistration(rng, IMAGE, 1.0),
            random_contrast(rng, SLICE)[0],
            *random_coarseness(rng, 16, SLICE, SLICE),
            random_snapshot(rng, IMAGE[..., :3] * 20),
        ]

    for first, second in zip(once(), once(), strict=True):
        np.testing.assert_array_equal(first, second)
