"""The detail that fine bands give coarse ones."""

import numpy as np
import pytest
from numpy.random import default_rng

from gisr.baselines.classical import CLASSICAL
from gisr.data.band_detail import guided_detail
from gisr.data.protocols import wald_pair
from gisr.data.resample import bicubic_to_guide
from gisr.data.synthetic.band_scene import generated_band_scene
from gisr.inference.windowed_pair import ArraySource
from gisr.placement import Placement

INSIDE = (slice(8, -8), slice(8, -8))
SAME = Placement((0.5, 0.5), (-0.25, -0.25))


def squared(image: np.ndarray) -> float:
    return float(np.square(image[INSIDE]).mean())


def test_a_band_that_is_a_mixture_of_the_guides_comes_back() -> None:
    fine = generated_band_scene(default_rng(5), 96).fine
    weights = default_rng(1).uniform(-0.5, 1, (fine.shape[2], 3))
    truth = (fine @ weights + 7).astype(np.float32)
    pair = wald_pair(truth, fine, 2, task="multiband")
    plain = pair.on_guide_grid() - pair.guided_detail()
    assert squared(pair.on_guide_grid() - truth) < 0.01 * squared(plain - truth)


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_scenes_gain_over_interpolation(ratio: int) -> None:
    shares = []
    for seed in range(6):
        scene = generated_band_scene(default_rng((2, seed)), 96)
        pair = wald_pair(scene.coarse, scene.fine, ratio, task="multiband")
        truth, plain = pair.truth, pair.on_guide_grid() - pair.guided_detail()
        assert truth is not None
        shares.append(squared(pair.on_guide_grid() - truth) / squared(plain - truth))
    assert np.median(shares) < 0.4 and max(shares) < 1


def test_what_a_mixture_is_may_change_from_place_to_place() -> None:
    fine = generated_band_scene(default_rng(9), 96).fine[..., :2]
    left = np.arange(96)[None, :, None] < 48
    truth = np.where(left, fine[..., :1], 3 * fine[..., 1:]).astype(np.float32)
    pair = wald_pair(truth, fine, 2, task="multiband")
    plain = pair.on_guide_grid() - pair.guided_detail()
    assert squared(pair.on_guide_grid() - truth) < 0.05 * squared(plain - truth)
    # One mixture for all of it explains less.
    over_all = CLASSICAL["hypersharpening"].answer(pair).image
    assert squared(over_all - truth) > 0.2 * squared(plain - truth)


def test_a_window_has_the_detail_of_the_whole() -> None:
    scene = generated_band_scene(default_rng(3), 128)
    pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
    whole, window = pair.on_guide_grid(), (slice(16, 112), slice(24, 120))
    cut = ArraySource(pair).cut(window)
    assert cut is not None
    # As far inside as tiles overlap: by half of that, each counts half.
    middle = (slice(16, -16), slice(16, -16))
    found, wanted = cut.on_guide_grid()[middle], whole[window][middle]
    assert np.abs(found - wanted).max() < 0.02 * np.ptp(wanted)
    detail = pair.guided_detail()[window][middle]
    assert np.sqrt(np.square(found - wanted).mean()) < 0.03 * detail.std()


def test_unknown_pixels_say_nothing() -> None:
    scene = generated_band_scene(default_rng(4), 96)
    pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
    valid = np.ones((48, 48), bool)
    valid[:12, :12] = False
    found = []
    for value in (0, 60_000):
        target = pair.target.copy()
        target[~valid] = value
        found.append(guided_detail(target, pair.guide, pair.placement, 0.3, valid))
    np.testing.assert_array_equal(found[0], found[1])
    whole = guided_detail(pair.target, pair.guide, pair.placement, 0.3)
    assert np.abs(found[0] - whole)[48:, 48:].max() < 0.02 * np.abs(whole).max()


@pytest.mark.parametrize("value", [0.0, 7.0, 1e6])
def test_constant_images_have_no_detail(value: float) -> None:
    guide, target = np.full((16, 20, 2), value, np.float32), np.full((8, 10, 3), 2.0, np.float32)
    found = guided_detail(target, guide, SAME, 0.3)
    assert found.shape == (16, 20, 3) and np.abs(found).max() <= 1e-4 * max(value, 1)


def test_two_guides_that_are_one_do_no_harm() -> None:
    fine = generated_band_scene(default_rng(9), 64).fine[..., :1]
    pair = wald_pair(2 * fine, fine, 2, task="multiband")
    twice = guided_detail(pair.target, np.dstack([fine, fine]), pair.placement, 0.3)
    once = guided_detail(pair.target, fine, pair.placement, 0.3)
    np.testing.assert_allclose(twice, once, atol=0.02 * np.abs(once).max())


def test_a_guide_beside_the_target_gives_nothing() -> None:
    beside = Placement((0.5, 0.5), (100.0, 100.0))
    target, guide = default_rng(0).random((8, 8, 2)), default_rng(1).random((16, 16, 1))
    found = guided_detail(target.astype(np.float32), guide.astype(np.float32), beside, 0.3)
    assert not found.any()
    assert bicubic_to_guide(target.astype(np.float32), (16, 16), SAME).shape == found.shape
