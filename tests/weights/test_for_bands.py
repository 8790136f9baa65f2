"""Embedded weights that take the place of others where bands guide bands."""

from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import write_geotiff

from gisr.data.protocols import wald_pair
from gisr.data.synthetic.band_scene import generated_band_scene
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.run import upscale_files
from gisr.weights.folder import EMBEDDED, FOR_BANDS, TENSORS_FILE, embedded_folder
from gisr.weights.store import load_weights

pytestmark = pytest.mark.skipif(
    not all((embedded_folder(name) / TENSORS_FILE).is_file() for name in EMBEDDED),
    reason="needs the embedded weights, which are not in this checkout",
)


def test_bands_are_answered_by_weights_of_their_own_and_nothing_else_is() -> None:
    scene = generated_band_scene(np.random.default_rng(1), 64)
    pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
    general, bands = load_model("magnet-s", "cpu"), load_model("magnet-s-bands", "cpu")
    found, wanted = general.answer(pair).image, bands.answer(pair).image
    np.testing.assert_array_equal(found, wanted)
    pan = wald_pair(scene.coarse, scene.fine[..., :1], 2)
    assert (general.answer(pan).image != bands.answer(pan).image).any()


def test_they_gain_over_the_network_that_never_saw_bands() -> None:
    weights = load_weights("magnet-s")
    alone = Upscaler(type(weights)(weights.name, weights.network, weights.descriptions), "cpu")
    gains = []
    for seed in range(3):
        scene = generated_band_scene(np.random.default_rng(seed), 64)
        pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
        errors = [
            float(np.square(each.answer(pair).image - scene.coarse).mean())
            for each in (load_model("magnet-s", "cpu"), alone)
        ]
        gains.append(errors[0] / errors[1])
    assert max(gains) < 0.8


def test_a_run_says_whose_weights_answered(tmp_path: Path) -> None:
    scene = generated_band_scene(np.random.default_rng(1), 64)
    pair = wald_pair(scene.coarse, scene.fine, 2, task="multiband")
    files = [
        write_geotiff(tmp_path / f"{size}m.tif", np.rint(image).astype(np.uint16), size)
        for size, image in ((20, pair.target), (10, pair.guide))
    ]
    said = []
    for name in ("magnet-s", "magnet-s-bands"):
        output = tmp_path / f"{name}.tif"
        result = upscale_files(load_model(name, "cpu"), files[0], files[1], output)
        said.append([str(note) for note in result.notes if "answered by" in str(note)])
    assert said == [["magnet-s has bands answered by weights magnet-s-bands"], []]


def test_a_folder_of_the_same_name_keeps_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "magnet-s"
    load_model("magnet-s", "cpu").save_pretrained(folder)
    assert load_weights("magnet-s").for_bands == FOR_BANDS["magnet-s"]
    assert load_weights(folder).for_bands is None
    assert load_weights("magnet-s-bands").for_bands is None
