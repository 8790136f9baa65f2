"""Generated satellite scenes: a function of the generator's state, with the traits of real ones."""

import numpy as np
import pytest
from numpy.random import default_rng
from tests.drawn import digest, digest_elsewhere

from gisr.data.degradations import wald
from gisr.data.synthetic.land_scene import LandScene, generated_land_scene
from gisr.data.synthetic.materials import COVERS, WAVELENGTHS
from gisr.data.synthetic.noise import SIDE
from gisr.errors import InputError
from gisr.training.samples.scenes import GeneratedSceneSet
from gisr.training.samples.training_set import GENERATED_LENGTH

SCENES = 40


@pytest.fixture(scope="module")
def scenes() -> list[LandScene]:
    return [generated_land_scene(default_rng((0, number)), 64) for number in range(SCENES)]


def test_another_process_draws_the_same() -> None:
    assert digest_elsewhere("pansharpening") == digest("pansharpening")


def test_values_are_digital_numbers(scenes: list[LandScene]) -> None:
    for scene in scenes:
        bands = scene.multispectral.shape[2]
        assert scene.multispectral.shape == (64, 64, bands) and bands in (4, 8)
        assert scene.panchromatic.shape == (64, 64, 1)
        for image in (scene.multispectral, scene.panchromatic):
            assert image.dtype == np.float32
            assert image.min() >= 0 and image.max() <= 2**scene.bits - 1
            np.testing.assert_array_equal(image, np.rint(image))
            assert (image.std(axis=(0, 1)) > 0).all()
    assert {scene.bits for scene in scenes} == {8, 10, 11, 12, 16}
    assert 0.6 < np.mean([scene.multispectral.shape[2] == 4 for scene in scenes]) < 0.95


def test_visible_bands_go_together_and_the_infrared_does_not(scenes: list[LandScene]) -> None:
    """As in the real scenes: 0.7 to 0.99 between blue and red, -0.5 to 0.9 with the infrared."""
    between, across = [], []
    for scene in scenes:
        blue, _, red, infrared = _four(scene)
        between.append(np.corrcoef(blue.ravel(), red.ravel())[0, 1])
        across.append(np.corrcoef(blue.ravel(), infrared.ravel())[0, 1])
    assert np.median(between) > 0.7
    assert np.median(across) < 0.65
    assert np.std(across) > 0.2


def test_the_panchromatic_band_is_seen_by_the_bands_but_no_mixture_of_them(
    scenes: list[LandScene],
) -> None:
    explained = []
    for scene in scenes:
        pixels = scene.multispectral.reshape(64 * 64, -1)
        design = np.column_stack([pixels, np.ones(len(pixels))])
        wanted = scene.panchromatic.ravel()
        left = wanted - design @ np.linalg.lstsq(design, wanted, rcond=None)[0]
        explained.append(1 - left.var() / wanted.var())
    assert np.median(explained) > 0.8
    assert max(explained) < 0.9999


def test_the_panchromatic_band_is_sharper(scenes: list[LandScene]) -> None:
    """Share of its detail that an MTF at half the sampling takes away."""
    sharper = 0
    for scene in scenes:
        lost = [_detail(image) for image in (scene.panchromatic[..., 0], _four(scene)[1])]
        sharper += lost[0] > lost[1]
    assert sharper > 0.75 * SCENES


def test_plants_shine_in_the_infrared_and_water_does_not() -> None:
    assert all(len(cover.reflectance) == len(WAVELENGTHS) for cover in COVERS.values())
    assert all(cover.mixed_with in COVERS for cover in COVERS.values())
    for plant in ("crop", "grass", "wood", "conifer"):
        assert COVERS[plant].reflectance[6] > 4 * COVERS[plant].reflectance[4]
    assert COVERS["water"].reflectance[6] < COVERS["water"].reflectance[1]


def test_a_set_has_no_end_and_needs_no_file() -> None:
    chosen = GeneratedSceneSet(4)
    assert (len(chosen), chosen.task, chosen.ratio) == (GENERATED_LENGTH, "pansharpening", 4)
    one, two = (chosen.sample(0, default_rng(seed), 64) for seed in (1, 2))
    assert one.truth.shape == (4, 64, 64) and one.guide.shape == (4, 64, 64)
    assert (one.truth != two.truth).any()


def test_a_scene_larger_than_the_noise_is_refused() -> None:
    assert generated_land_scene(default_rng(0), SIDE // 2).panchromatic.shape == (256, 256, 1)
    with pytest.raises(InputError, match=r"257 pixels a side is larger than 256"):
        generated_land_scene(default_rng(0), SIDE // 2 + 1)


def _four(scene: LandScene) -> list[np.ndarray]:
    """Return blue, green, red and near infrared."""
    places = range(4) if scene.multispectral.shape[2] == 4 else (1, 2, 4, 6)
    return [scene.multispectral[..., place] for place in places]


def _detail(image: np.ndarray) -> float:
    small = wald(image, 2)
    return 1 - float(small.var() / image.var())
