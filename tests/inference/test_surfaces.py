import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

import gisr
from gisr.data.pair import Pair
from gisr.data.resample import linear_to_guide
from gisr.inference.answers import Answer
from gisr.inference.guided_interpolation import belief_in_colours, interpolate_by_guide
from gisr.inference.surfaces import bounded, settled
from gisr.inference.upscaler import Upscaler
from gisr.placement import Placement, place_by_shape


def pair(target: np.ndarray, guide: np.ndarray, valid: np.ndarray | None = None) -> Pair:
    high = guide if guide.ndim == 3 else guide[..., None]
    placement = place_by_shape(target.shape, high.shape[:2], "centre", None)
    low = target.astype(np.float32)[..., None]
    return Pair(low, high.astype(np.float32), "depth", placement, "centre", valid=valid)


def before_a_wall() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, means by 4 and picture of a post at 0.4 m, 1.5 pixels aside, before a wall."""
    truth, colours = np.full((96, 128), 4.0), np.full((96, 128, 3), 180.0)
    truth[30:, 42:71], colours[30:, 42:71] = 0.4, (60, 40, 30)
    return truth, truth.reshape(24, 4, 32, 4).mean((1, 3)), colours


def test_nothing_lies_far_beyond_the_target_around_it() -> None:
    _, target, colours = before_a_wall()
    wild = np.random.default_rng(0).uniform(-50, 50, (96, 128, 1)).astype(np.float32)
    inside = bounded(wild, pair(target, colours), "averaged")[..., 0]
    assert inside.min() == pytest.approx(0.36)  # a tenth below the nearest
    assert inside.max() == pytest.approx(4 + 0.1 * 3.6)
    assert (inside[:, :24] == 4).all()  # far from the post, the wall is flat
    bicubic = bounded(wild, pair(target, colours))[..., 0]
    assert bicubic.min() == pytest.approx(0.3)
    assert bicubic.max() == pytest.approx(4 + 0.5 * 3.6)


def test_results_of_any_network_are_bounded(upscaler: Upscaler) -> None:
    _, target, colours = before_a_wall()
    result = upscaler(target, colours, "depth")
    assert result.min() >= 0.3 - 1e-6
    assert result.max() <= 5.8 + 1e-6
    assert np.array_equal(result[:, :24], np.full((96, 24), 4, np.float32))


def test_a_texture_is_not_copied_into_a_flat_wall(upscaler: Upscaler) -> None:
    rows, columns = np.mgrid[:96, :128]
    checker = 40 + 130.0 * ((rows // 8 + columns // 8) % 2)
    target = np.full((24, 32), 3.0)
    target[18:, 26:] = 1.0
    result = upscaler(target, checker, "depth")
    assert (result[:60, :88] == 3).all()


@pytest.mark.parametrize("kept", [slice(2, None, 4), None])
def test_a_texture_is_not_copied_into_a_slope(upscaler: Upscaler, kept: slice | None) -> None:
    """A floor is as straight in its samples or means as it is; only the box has edges."""
    rows, columns = np.mgrid[:96, :128]
    checker = 40 + 130.0 * ((rows // 6 + columns // 6) % 2)
    slope = 1 + rows / 96 + columns / 64
    depth = slope.copy()
    depth[72:, 104:], checker[72:, 104:] = 0.5, 250
    means = depth.reshape(24, 4, 32, 4).mean((1, 3))
    target = means if kept is None else depth[kept, kept]
    linear = linear_to_guide(target.astype(np.float32), (96, 128), pair(target, checker).placement)
    result = upscaler(target, checker, "depth")
    np.testing.assert_allclose(result[:56, :88], linear[:56, :88], atol=1e-5)
    assert np.abs(result - linear)[64:, 96:].max() > 0.2


def test_edges_of_samples_lie_where_colours_change() -> None:
    truth, colours = np.full((64, 80), 3.0, np.float32), np.full((64, 80, 3), 90, np.float32)
    truth[:, 42:], colours[:, 42:] = 1.0, 200
    target = truth[2::4, 2::4]
    placement = Placement.from_grid("centre", target.shape, truth.shape)
    linear = linear_to_guide(target, truth.shape, placement)
    valid = np.ones(target.shape, bool)
    valid[5:8, 3:6] = False
    broken = np.where(valid, target, -99)
    found = interpolate_by_guide(broken, valid, colours, placement, linear)
    errors = [float(np.sqrt(np.mean((image - truth) ** 2))) for image in (found, linear)]
    assert errors[0] < 0.6 * errors[1]


def discs() -> tuple[np.ndarray, np.ndarray]:
    """Return discs before a wall, and their picture."""
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[:160, :200]
    truth, colours = np.full((160, 200), 4.0), np.full((160, 200, 3), 128.0)
    for _ in range(12):
        y, x = random.uniform(0, 160), random.uniform(0, 200)
        inside = (rows - y) ** 2 + (columns - x) ** 2 < random.uniform(12, 30) ** 2
        truth = np.where(inside, random.uniform(1, 3), truth)
        colours = np.where(inside[..., None], random.uniform(0, 255, 3), colours)
    return truth, colours


def root_mean_square(image: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((image[..., 0] - truth) ** 2)))


def test_colours_are_believed_as_far_as_they_foretell_samples() -> None:
    truth, colours = discs()
    rows, columns = np.mgrid[:160, :200]
    checker = np.repeat(90.0 + 80 * ((rows // 6 + columns // 6) % 2)[..., None], 3, axis=-1)
    beliefs = [
        belief_in_colours(made.target[..., 0], np.ones((40, 50), bool), picture, made.placement)
        for picture in (colours, np.roll(colours, 40, axis=1), checker, np.zeros((160, 200, 3)))
        for made in [pair(truth[2::4, 2::4], picture)]
    ]
    assert beliefs == [1, 0, 0, 0]


def test_what_was_sampled_leans_on_colours_and_says_so() -> None:
    truth, colours = discs()
    sampled = pair(truth[2::4, 2::4], colours)
    network = sampled.on_guide_grid()
    linear = linear_to_guide(sampled.target, truth.shape, sampled.placement)
    answer, kind = settled(Answer(network), sampled, lambda other: other.target)
    assert kind == "sampled"
    (note,) = map(str, answer.notes)
    assert "sampled, not averaged" in note and note.endswith("colours, without the network")
    assert root_mean_square(answer.image, truth) < 0.45 * root_mean_square(linear, truth)
    other = replace(sampled, guide=np.roll(sampled.guide, 40, axis=1))
    answer, _ = settled(Answer(network), other, lambda other: other.target)
    assert str(answer.notes[0]).endswith("the network counts for 20 %")
    assert root_mean_square(answer.image, truth) < 1.1 * root_mean_square(linear, truth)


def test_means_of_areas_are_recognised() -> None:
    truth, colours = discs()
    averaged = pair(truth.reshape(40, 4, 50, 4).mean((1, 3)), colours)
    sharp = truth[..., None].astype(np.float32)
    kept, kind = settled(Answer(sharp), averaged, lambda other: other.target)
    assert kind == "averaged"
    # Bounded: a sliver that no target pixel shows is not believed.
    assert np.mean(np.abs(kept.image - sharp) > 0.1) < 0.02
    assert all(note.level == "detail" for note in kept.notes)


def test_a_wall_before_a_far_field_gets_a_scale_of_its_own() -> None:
    target = np.full((24, 32), 2.0)
    target[:, 20:] = np.linspace(40, 80, 24)[:, None]
    wide = pair(target, np.zeros((96, 128)))
    noisy = wide.on_guide_grid() + np.float32(0.3)
    seen: list[Pair] = []

    def sharpen(other: Pair) -> np.ndarray:
        seen.append(other)
        return other.on_guide_grid()

    answer, _ = settled(Answer(noisy), wide, sharpen)
    np.testing.assert_allclose(seen[0].target, np.log(wide.target), rtol=1e-6)
    assert np.abs(answer.image[:, :60, 0] - 2).max() < 0.01
    assert any("from 2 to 80" in str(note) for note in answer.notes)
    seen.clear()
    settled(Answer(noisy[..., :1] * 0 + 2), pair(target.clip(10, 80), np.zeros((96, 128))), sharpen)
    assert not seen


def test_noise_of_a_sensor_is_not_sharpened(upscaler: Upscaler) -> None:
    truth, target, colours = before_a_wall()
    noise = np.random.default_rng(0).normal(0, 0.1, target.shape)
    result = upscaler(target + noise, colours, "depth")
    linear = linear_to_guide(
        (target + noise).astype(np.float32), (96, 128), pair(target, colours).placement
    )
    wall = np.s_[4:, 84:-4]
    assert (result - truth)[wall].std() <= 1.02 * (linear - truth)[wall].std()


@pytest.mark.parametrize("value", [0, np.nan, np.inf, 65504, 1e10, -1])
def test_what_no_depth_can_be_is_unknown_in_arrays(upscaler: Upscaler, value: float) -> None:
    depth = np.linspace(2, 4, 24)[:, None] + np.zeros(32)
    holed = depth.copy()
    holed[:6, 20:] = value
    colours = np.random.default_rng(0).random((96, 128, 3))
    with pytest.warns(UserWarning, match=r"taken for unknown.*valid="):
        result = upscaler(holed, colours, "depth")
    assert 1.8 <= result.min() <= result.max() <= 4.4
    known = np.isfinite(holed) & (holed == depth)
    given = upscaler(np.where(known, holed, 0), colours, "depth", valid=known)
    np.testing.assert_array_equal(result, given)


def test_zeros_beside_another_mark_are_unknown_in_arrays_too() -> None:
    depth = np.linspace(2, 4, 24)[:, None] + np.zeros(32)
    depth[:6, 20:], depth[20:, :3], depth[10, 10] = -1, 0, np.nan
    with pytest.warns(UserWarning) as told:
        valid = gisr.make_pair(depth, np.zeros((96, 128)), "depth").valid
    assert valid is not None
    np.testing.assert_array_equal(valid, depth > 0)
    texts = " ".join(str(each.message) for each in told)
    assert "1.7% of the pixels are 0, NaN or infinite" in texts
    assert "hold -1, the others begin at 2" in texts


@pytest.mark.parametrize("value", [0.1, 10, 100])
def test_what_may_be_no_depth_is_asked_for_in_arrays(value: float) -> None:
    depth = np.linspace(2, 4, 24)[:, None] + np.linspace(0, 0.1, 32)
    depth[:6, 20:], depth[20:, :3] = value, 0
    with pytest.warns(UserWarning) as told:
        pair_of = gisr.make_pair(depth, np.zeros((96, 128)), "depth")
    assert pair_of.valid is not None
    assert pair_of.valid.sum() == depth.size - 12
    asked = f"target: 9.4% of the pixels hold {value:g}, the others .*: if that stands for unknown"
    assert re.search(asked, " ".join(str(each.message) for each in told))


def test_depths_of_any_sign_are_left_alone(upscaler: Upscaler) -> None:
    signed = np.linspace(-2, 2, 25)[:, None] + np.zeros(30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pair_of = gisr.make_pair(signed, np.zeros((100, 120)), "depth")
    assert pair_of.valid is None
