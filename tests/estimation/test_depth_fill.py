import numpy as np
import pytest

from gisr.estimation.depth_fill import DepthFill, find_depth_fill, suspected_fill


def scene(dtype: type = np.float32, largest: float = 4.0) -> np.ndarray:
    """Return a slope with a box before it, in metres up to the largest."""
    depth = np.linspace(largest / 2, largest, 40)[:, None] + np.zeros(50)
    depth[20:30, 10:25] = 0.3 * largest
    return depth.astype(dtype)


@pytest.mark.parametrize(
    ("value", "largest"),
    [
        (65504, 4),
        (65504, 4000),
        (65535, 12000),
        (32767, 9000),
        (65.535, 4),
        (1e10, 4),
        (1e30, 4),
        (float(np.finfo(np.float32).max), 80),
        (10000, 80),
        (-1, 4),
        (-9999, 4),
        (-32768, 4000),
    ],
)
def test_what_no_surface_can_be_is_found(value: float, largest: float) -> None:
    depth = scene(largest=largest)
    sky = np.zeros(depth.shape, bool)
    sky[:9] = True
    depth[sky] = value
    (found,) = find_depth_fill(depth, np.ones(depth.shape, bool))
    assert np.array_equal(found.unknown, sky)
    assert found.value == np.float32(value)
    assert not found.several
    assert np.float32(found.spelt) == np.float32(value)
    assert f"hold {found.spelt}, the others" in found.text
    assert "22.5%" in found.text


def test_two_of_them_are_both_found_and_holes_do_not_count() -> None:
    depth, valid = scene(), np.ones((40, 50), bool)
    depth[:5], depth[5:8], depth[35:], valid[35:] = 65504, -1, 1e30, False
    found = find_depth_fill(depth, valid)
    assert {fill.value for fill in found} == {65504, -1}
    left = valid & ~np.logical_or.reduce([fill.unknown for fill in found])
    assert left.sum() == 27 * 50


def test_the_blended_rim_of_a_sky_goes_with_it() -> None:
    depth = scene()
    depth[:9], depth[9], depth[10] = 1e10, 4e9, -3e8
    (found,) = find_depth_fill(depth, np.ones(depth.shape, bool))
    assert np.array_equal(np.flatnonzero(found.unknown.any(axis=1)), np.arange(11))
    assert found.several


@pytest.mark.parametrize(
    "depth",
    [
        scene(),
        np.where(np.arange(50) < 25, 0.4, 4.0) + np.zeros((40, 1)),
        np.where(np.arange(50) < 25, 2.0, 80.0) + np.zeros((40, 1)),  # a wall before a field
        np.full((40, 50), 3.0),
        np.where(np.arange(50) < 25, 300.0, np.linspace(1500, 4000, 40)[:, None]),
        np.r_[np.full(49, 5.0), 0.004][None],  # one odd near pixel does not make the rest far
        np.linspace(-5, 5, 50)[None],
        np.where(np.arange(50) < 25, 100.0, 255.0) + np.zeros((40, 1)),
        np.geomspace(0.1, 65535, 2000).reshape(40, 50),
    ],
)
def test_depths_are_left_alone(depth: np.ndarray) -> None:
    valid = np.ones(depth.shape, bool)
    assert find_depth_fill(depth, valid) == ()
    assert suspected_fill(depth, valid) is None


def test_a_round_number_far_beyond_is_for_the_user_to_say() -> None:
    depth = scene(largest=40)
    depth[:9] = 1000
    valid = np.ones(depth.shape, bool)
    assert find_depth_fill(depth, valid) == ()
    found = suspected_fill(depth, valid)
    assert found is not None
    assert found.value == 1000
    assert found.edge == 40


@pytest.mark.parametrize(
    ("value", "largest"), [(2047, 1084), (1023, 600), (255, 140), (10, 4), (20, 12.5)]
)
def test_the_end_of_a_reach_is_for_the_user_to_say(value: float, largest: float) -> None:
    """A surface that ends it is held by many pixels, too, but by as many values."""
    depth = scene(largest=largest)
    depth += np.linspace(0, 0.01 * largest, 50, dtype=np.float32)
    depth[:9] = value
    valid = np.ones(depth.shape, bool)
    assert find_depth_fill(depth, valid) == ()
    found = suspected_fill(depth, valid)
    assert found is not None
    assert (found.value, int(found.unknown.sum())) == (value, 450)
    near = np.where(depth == value, 1.4 * depth[depth < value].max(), depth)
    assert suspected_fill(near, valid) is None
    slope = np.where(depth == value, value + np.arange(50) / 50, depth)
    assert suspected_fill(slope, valid) is None


@pytest.mark.parametrize(("value", "told"), [(255, True), (250, False)])
def test_the_end_of_a_byte_is_told_beside_a_wall(value: float, told: bool) -> None:
    depth = np.rint(np.linspace(60, 200, 60 * 50)).astype(np.float32).reshape(60, 50)
    depth[30:] = 200
    depth[:4, :30] = value
    assert (suspected_fill(depth, np.ones(depth.shape, bool)) is not None) == told


@pytest.mark.parametrize(("value", "told"), [(4095, True), (4000, False)])
def test_the_largest_number_of_some_bits_stands_apart_by_less(value: float, told: bool) -> None:
    depth = scene(largest=3477) + np.linspace(0, 30, 50, dtype=np.float32)
    depth[:4, :30] = value
    found = suspected_fill(depth, np.ones(depth.shape, bool))
    assert (found is not None) == told
    assert found is None or found.value == 4095


@pytest.mark.parametrize("value", [0.001, 0.1, 0.01])
def test_one_value_far_before_all_others_is_for_the_user_to_say(value: float) -> None:
    depth = scene()
    depth += np.linspace(0, 0.04, 50, dtype=np.float32)
    depth[3:6, 5:30] = value
    valid = np.ones(depth.shape, bool)
    assert find_depth_fill(depth, valid) == ()
    found = suspected_fill(depth, valid)
    assert found is not None
    assert found.text == f"3.8% of the pixels hold {value}, the others begin at 1.208"
    depth[3:6, 5:30] = 0.2
    assert suspected_fill(depth, valid) is None


@pytest.mark.parametrize(
    ("value", "spelt"),
    [(2**32 - 1, "4294967295"), (655.35, "655.35"), (-9999, "-9999"), (1e30, "1e+30")],
)
def test_a_value_is_spelt_so_that_it_can_be_typed(value: float, spelt: str) -> None:
    kept = float(value) if float(value).is_integer() else float(np.float32(value))
    assert DepthFill(np.ones((1, 1), bool), kept, False, 1.0).spelt == spelt


def test_a_few_whole_numbers_below_zero_are_names_and_a_slope_is_none() -> None:
    depth = scene()
    depth[:5], depth[5:9] = -1, -2
    valid = np.ones(depth.shape, bool)
    (found,) = find_depth_fill(depth, valid)
    assert np.array_equal(found.unknown, depth < 0)
    assert found.several
    for below in ((-0.5, -0.25), (-1, -2, -3, -4)):
        depth[:9] = np.resize(below, (9, 50))
        assert find_depth_fill(depth, valid) == ()
