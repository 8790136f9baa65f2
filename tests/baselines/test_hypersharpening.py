"""Hypersharpening: coarse bands by the regression of fine ones."""

import numpy as np
import pytest

from gisr.baselines.classical import CLASSICAL
from gisr.data.protocols import wald_pair
from gisr.data.synthetic.band_scene import generated_band_scene
from gisr.errors import InputError

SYSTEM = CLASSICAL["hypersharpening"]


def test_bands_that_are_mixtures_of_the_guides_come_back() -> None:
    fine = generated_band_scene(np.random.default_rng(5), 64).fine
    weights = np.random.default_rng(1).uniform(0.2, 1, (fine.shape[2], 3))
    truth = (fine @ weights + 7).astype(np.float32)
    pair = wald_pair(truth, fine, 2, task="multiband")
    error = SYSTEM.answer(pair).image - truth
    plain = CLASSICAL["bicubic"].answer(pair).image - truth
    inside = (slice(8, -8), slice(8, -8))
    assert np.square(error[inside]).mean() < 0.02 * np.square(plain[inside]).mean()


def test_real_mixtures_gain_over_interpolation() -> None:
    for seed in range(4):
        scene = generated_band_scene(np.random.default_rng(seed), 96)
        pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
        error = SYSTEM.answer(pair).image - scene.coarse
        plain = CLASSICAL["bicubic"].answer(pair).image - scene.coarse
        assert np.square(error).mean() < np.square(plain).mean()


def test_a_regression_around_every_pixel_gains_more() -> None:
    for seed in range(4):
        scene = generated_band_scene(np.random.default_rng(seed), 96)
        pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
        around = CLASSICAL["local-regression"].answer(pair).image - scene.coarse
        over_all = SYSTEM.answer(pair).image - scene.coarse
        assert np.square(around).mean() < np.square(over_all).mean()


def test_unknown_pixels_do_not_count() -> None:
    scene = generated_band_scene(np.random.default_rng(6), 64)
    pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
    target, valid = pair.target.copy(), np.ones(pair.target.shape[:2], bool)
    target[:8, :8], valid[:8, :8] = 60_000, False
    found = SYSTEM(target, pair.guide, "multiband", valid=valid)
    wanted = SYSTEM.answer(pair).image
    scale = np.ptp(wanted)
    assert np.abs(found[32:, 32:] - wanted[32:, 32:]).max() < 0.05 * scale


def test_other_tasks_are_refused() -> None:
    with pytest.raises(InputError, match="it is for multiband"):
        SYSTEM(np.ones((8, 8, 1)), np.ones((16, 16, 1)), "pansharpening")
