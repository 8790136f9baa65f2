"""Single-scene MATLAB files, as the toolboxes write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gisr.datasets.entry import PublishedPair, Scene
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

Save = Callable[..., Path]
Digital = Callable[..., np.ndarray]
SCENE_MAT = LAYOUTS["pansharpening-mat"]


def test_a_scene_of_full_resolution(tmp_path: Path, save_mat: Save, digital: Digital) -> None:
    low, pan = digital(16, 20, 8), digital(64, 80)
    save_mat(tmp_path / "WV3_Adelaide.mat", I_MS=low, I_PAN=pan, ratio=4, L=11)
    (scene,) = read_entries(tmp_path)
    assert isinstance(scene, Scene)
    assert (scene.name, scene.split) == ("test-WV3_Adelaide", "test")
    assert (scene.sensor, scene.bits) == ("WorldView-3", 11)
    np.testing.assert_array_equal(scene.multispectral, low)
    np.testing.assert_array_equal(scene.panchromatic[..., 0], pan)


def test_a_pair_with_its_truth(tmp_path: Path, save_mat: Save, digital: Digital) -> None:
    low, pan, truth = digital(16, 20, 4), digital(64, 80, seed=1), digital(64, 80, 4, seed=2)
    arrays = {"I_MS_LR": low, "I_MS": np.ones((64, 80, 4)), "I_PAN": pan, "I_GT": truth}
    path = save_mat(tmp_path / "data2.mat", **arrays)
    (pair,) = read_entries(tmp_path)
    assert isinstance(pair, PublishedPair)
    assert (pair.ratio, pair.sensor, pair.bits, pair.files) == (4, None, None, (path,))
    images = pair.checked_images()
    np.testing.assert_array_equal(images["target"], low)
    np.testing.assert_array_equal(images["guide"][..., 0], pan)
    np.testing.assert_array_equal(images["truth"], truth)


def test_splits_and_what_names_say(tmp_path: Path, save_mat: Save, digital: Digital) -> None:
    for name in ("10.mat", "2.mat", "train/GF2_2.mat", "valid/1.mat", "TEST/3.mat"):
        save_mat(tmp_path / name, I_MS=digital(4, 4, 4), I_PAN=digital(16, 16))
    entries = {entry.name: entry for entry in SCENE_MAT.read(tmp_path)}
    assert list(entries) == ["test-2", "test-10", "test-3", "train-GF2_2", "val-1"]
    assert all(name.startswith(entry.split) for name, entry in entries.items())
    named = entries["train-GF2_2"]
    assert isinstance(named, Scene) and (named.sensor, named.bits) == ("GaoFen-2", 10)
    (alone,) = SCENE_MAT.read(tmp_path / "train")
    assert alone.split == "train"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"I_PAN": (16, 16)}, "no array I_MS: it holds I_PAN"),
        ({"I_MS": (4, 4, 4)}, "no array I_PAN: it holds I_MS"),
        ({"I_MS": (16, 16, 4), "I_PAN": (16, 16)}, "an enlarged I_MS is no target"),
        ({"I_MS": (4, 5, 4), "I_PAN": (16, 16)}, "no whole multiple"),
        ({"I_MS": (4, 4, 4), "I_PAN": (16, 16), "ratio": 2}, "ratio 2, but the images differ by 4"),
        ({"I_MS": (4, 4, 4), "I_PAN": (16, 16), "L": 2047}, "L = 2047 is no number of bits"),
        ({"I_MS": (4, 4, 4), "I_PAN": (16, 16), "L": (1, 2)}, r"L \(1, 2\) must be one number"),
        (
            {"I_MS": (4, 4, 4), "I_PAN": (16, 16), "I_GT": (4, 4, 4)},
            r"I_GT \(4, 4, 4\) is not on the grid of I_PAN",
        ),
    ],
)
def test_what_is_wrong_with_files(
    tmp_path: Path,
    save_mat: Save,
    arrays: dict[str, int | tuple[int, ...]],
    message: str,
) -> None:
    made = {k: np.ones(v) if isinstance(v, tuple) else v for k, v in arrays.items()}
    save_mat(tmp_path / "1.mat", **made)
    with pytest.raises(FileFormatError, match=message):
        SCENE_MAT.read(tmp_path)


def test_folders_without_such_files(tmp_path: Path) -> None:
    assert not SCENE_MAT.recognises(tmp_path)
    assert not SCENE_MAT.recognises(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="no folder of the layout pansharpening-mat"):
        SCENE_MAT.read(tmp_path)
