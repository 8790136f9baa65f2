"""Generated scenes of coarse and fine bands."""

import numpy as np
import pytest
from numpy.random import default_rng
from tests.drawn import digest, digest_elsewhere

from gisr.data.synthetic.band_scene import BandScene, generated_band_scene
from gisr.data.synthetic.materials import COVERS
from gisr.data.synthetic.noise import SIDE
from gisr.errors import InputError
from gisr.training.samples.scenes import GeneratedBandSet

SCENES = 40


@pytest.fixture(scope="module")
def scenes() -> list[BandScene]:
    return [generated_band_scene(default_rng((4, number)), 64) for number in range(SCENES)]


def test_another_process_draws_the_same() -> None:
    assert digest_elsewhere("multiband") == digest("multiband")


def test_values_are_digital_numbers_of_one_unit(scenes: list[BandScene]) -> None:
    for scene in scenes:
        both = np.dstack([scene.coarse, scene.fine])
        assert both.dtype == np.float32 and both.min() >= 0
        np.testing.assert_array_equal(both, np.rint(both))
        assert (both.std(axis=(0, 1)) > 0).all()
    assert {scene.fine.shape[2] for scene in scenes} == {2, 3, 4}
    assert {1, 2, 6} <= {scene.coarse.shape[2] for scene in scenes} <= set(range(1, 7))


def test_fine_bands_explain_most_of_the_coarse_ones_but_not_all(scenes: list[BandScene]) -> None:
    explained = []
    for scene in scenes:
        design = np.column_stack([scene.fine.reshape(64 * 64, -1), np.ones(64 * 64)])
        wanted = scene.coarse.reshape(64 * 64, -1)
        left = wanted - design @ np.linalg.lstsq(design, wanted, rcond=None)[0]
        explained.append(1 - left.var(axis=0).mean() / wanted.var(axis=0).mean())
    assert 0.6 < np.median(explained) < 0.995


def test_water_and_plants_are_dark_in_the_short_wave_infrared() -> None:
    for cover in ("water", "crop", "wood", "conifer"):
        assert COVERS[cover].reflectance[9] < 0.5 * max(COVERS[cover].reflectance[:8])
    assert COVERS["soil"].reflectance[8] > COVERS["soil"].reflectance[4]


def test_a_sample_carries_four_channels_of_guides() -> None:
    chosen = GeneratedBandSet(2)
    assert (chosen.task, chosen.ratio) == ("multiband", 2)
    one, two = (chosen.sample(0, default_rng(seed), 64) for seed in (1, 2))
    assert one.truth.shape == one.guide.shape == (4, 64, 64)
    assert (one.truth != two.truth).any()


def test_a_scene_larger_than_the_noise_is_refused() -> None:
    with pytest.raises(InputError, match=r"257 pixels a side is larger than 256"):
        generated_band_scene(default_rng(0), SIDE // 2 + 1)
