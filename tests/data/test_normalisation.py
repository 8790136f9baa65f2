"""Values of any instrument to the network's range and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisr.data.normalisation import Normalisation
from gisr.tasks import find_task

RNG = np.random.default_rng(4)
TARGET = RNG.uniform(3, 90, (12, 14, 3)).astype(np.float32)
GUIDE = RNG.uniform(0, 255, (24, 28, 1)).astype(np.float32)
TASKS = ["pansharpening", "mri", "depth"]


def measure(target: np.ndarray, guide: np.ndarray = GUIDE, task: str = "depth") -> Normalisation:
    return Normalisation.of(target, guide, find_task(task))


@pytest.mark.parametrize("task", TASKS)
@given(
    gain=st.floats(1e-3, 1e4),
    offset=st.floats(-100, 100),
)
def test_units_do_not_matter(task: str, gain: float, offset: float) -> None:
    changed_target = (TARGET + offset) * gain
    changed_guide = (GUIDE - offset) * gain
    one, other = measure(TARGET, GUIDE, task), measure(changed_target, changed_guide, task)
    np.testing.assert_allclose(other.target(changed_target), one.target(TARGET), atol=2e-4)
    np.testing.assert_allclose(other.guide(changed_guide), one.guide(GUIDE), atol=2e-4)
    residual = np.ones_like(TARGET)
    np.testing.assert_allclose(other.residual(residual), one.residual(residual) * gain, rtol=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_percentiles_become_zero_and_one(task: str) -> None:
    record, normal = find_task(task), measure(TARGET, GUIDE, task)
    low, high = np.percentile(normal.target(TARGET), record.target_percentiles, axis=(0, 1))
    np.testing.assert_allclose(low, 0, atol=1e-5)
    np.testing.assert_allclose(high, 1, atol=1e-5)
    ends = np.percentile(normal.guide(GUIDE), record.guide_percentiles)
    np.testing.assert_allclose(ends, [0, 1], atol=1e-5)


def test_residuals_return_to_units_without_the_offset() -> None:
    normal = measure(TARGET)
    back = normal.residual(normal.target(TARGET) - normal.target(TARGET[::-1]))
    np.testing.assert_allclose(back, TARGET - TARGET[::-1], atol=1e-4)


def test_a_constant_target_takes_no_residual() -> None:
    normal = measure(np.full((6, 6, 2), 17.0, np.float32))
    assert normal.target_scale.tolist() == [0, 0]
    assert (normal.target(np.full((6, 6, 2), 17.0)) == 0).all()
    assert (normal.residual(np.ones((6, 6, 2))) == 0).all()


def test_a_constant_guide_becomes_zero() -> None:
    normal = measure(TARGET, np.full((24, 28, 3), 200.0, np.float32))
    assert (normal.guide(np.full((24, 28, 3), 200.0)) == 0).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_few_lively_pixels_do_not_reach_the_network_in_raw_units(task: str) -> None:
    target, guide = np.full((40, 40, 1), 5.0), np.full((80, 80, 1), 9.0)
    target[3, 3], guide[7, 7] = 60_000, 60_000  # fewer than the percentiles see
    normal = measure(target, guide, task)
    assert normal.target(target).max() == pytest.approx(1)
    assert normal.guide(guide).max() == pytest.approx(1)
    assert normal.residual(np.ones((40, 40, 1))).max() == pytest.approx(59_995)


def test_a_quiet_band_is_not_blown_up() -> None:
    target = TARGET.copy()
    target[..., 1] = 4 + 0.012 * target[..., 1]
    normal = measure(target)
    np.testing.assert_allclose(normal.target_scale[1], 0.02 * normal.target_scale.max(), rtol=1e-6)
    assert np.ptp(normal.target(target)[..., 1]) < 0.7


@pytest.mark.parametrize("gain", [1e-3, 1e-5, 1e-8])
def test_bands_in_a_unit_of_their_own_do_not_drown(gain: float) -> None:
    """Reflectance beside kelvin had come out with an error of many times its own range."""
    target = TARGET * np.array([1, gain, gain], np.float32)
    normal = measure(target)
    own = np.ptp(target, axis=(0, 1))
    np.testing.assert_allclose(normal.target_scale[1:], 2 * own[1:], rtol=1e-4)
    seen = normal.target(target)
    np.testing.assert_allclose(np.ptp(seen, axis=(0, 1)), [1, 0.5, 0.5], rtol=1e-3)


def test_unknown_pixels_do_not_count() -> None:
    target, valid = TARGET.copy(), np.ones((12, 14), bool)
    target[2:5, 2:5], valid[2:5, 2:5] = np.nan, False
    normal = Normalisation.of(target, GUIDE, find_task("depth"), valid)
    known = target[valid]
    np.testing.assert_allclose(normal.target_offset, known.min(axis=0))
    np.testing.assert_allclose(normal.target_scale, np.ptp(known, axis=0), rtol=1e-6)


@pytest.mark.parametrize("dead", [-1000.0, -1e6])
def test_dead_voxels_do_not_take_the_range_of_mr_images(dead: float) -> None:
    target, guide = RNG.uniform(0, 900, (2, 40, 40, 1)).astype(np.float32)
    usual = measure(target, guide, "mri")
    target[3, 4], guide[5, 6] = dead, dead
    found = measure(target, guide, "mri")
    np.testing.assert_allclose(found.target_offset, usual.target_offset, atol=5)
    np.testing.assert_allclose(found.target_scale, usual.target_scale, rtol=0.01)
    np.testing.assert_allclose(found.guide_scale, usual.guide_scale, rtol=0.01)


def test_dark_parts_are_no_dead_voxels() -> None:
    target = RNG.uniform(500, 900, (40, 40, 1)).astype(np.float32)
    target[:2] = -1000
    assert measure(target, GUIDE, "mri").target_offset == -1000
