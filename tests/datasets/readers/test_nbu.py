"""The three layouts of the NBU set, on files as its makers and the laboratory write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gisr.datasets.entry import Entry, PublishedPair, Scene
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.readers.nbu import read_nbu
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

Save = Callable[..., Path]
Digital = Callable[..., np.ndarray]
Scenes = Callable[[list[Entry]], list[Scene]]
Pairs = Callable[[list[Entry]], list[PublishedPair]]

NBU, REDUCED, FULL = LAYOUTS["nbu"], LAYOUTS["nbu-reduced"], LAYOUTS["nbu-full"]


@pytest.fixture
def write_scene(save_mat: Save, digital: Digital) -> Callable[..., Path]:
    """Write a scene as published; the images are an eighth of the published size."""

    def write(
        folder: Path, number: int, bands: int = 4, keys: tuple[str, str] = ("imgMS", "imgPAN")
    ) -> Path:
        low, high = digital(32, 32, bands, seed=number), digital(128, 128, seed=number + 1)
        save_mat(folder / "MS_256" / f"{number}.mat", **{keys[0]: low})
        save_mat(folder / "PAN_1024" / f"{number}.mat", **{keys[1]: high})
        return folder

    return write


def test_raw_scenes(
    tmp_path: Path, write_scene: Callable[..., Path], digital: Digital, scenes: Scenes
) -> None:
    root = tmp_path / "1 Satellite_Dataset" / "Dataset"
    write_scene(root / "1 IKONOS", 2)
    write_scene(root / "3 Gaofen-1", 10)
    write_scene(root / "3 Gaofen-1", 9)
    write_scene(root / "5 WorldView-2", 8, bands=8)
    found = {scene.name: scene for scene in scenes(read_entries(tmp_path))}
    assert list(found) == ["IKONOS-2", "GaoFen-1-9", "GaoFen-1-10", "WorldView-2-8"]
    assert [scene.bits for scene in found.values()] == [11, 10, 10, 11]
    assert [scene.split for scene in found.values()] == ["train", "test", "test", "val"]
    assert {scene.dataset for scene in found.values()} == {"nbu"}
    scene = found["GaoFen-1-10"]
    assert (scene.sensor, scene.group) == ("GaoFen-1", "GaoFen-1-10")
    np.testing.assert_array_equal(scene.multispectral, digital(32, 32, 4, seed=10))
    np.testing.assert_array_equal(scene.panchromatic[..., 0], digital(128, 128, seed=11))
    assert scene.multispectral.dtype == np.float32
    assert [path.relative_to(root).as_posix() for path in scene.files] == [
        "3 Gaofen-1/MS_256/10.mat",
        "3 Gaofen-1/PAN_1024/10.mat",
    ]
    assert found["WorldView-2-8"].checked_images()["multispectral"].shape == (32, 32, 8)


@pytest.mark.parametrize(
    ("folder", "sensor", "bits"),
    [
        ("GF1", "GaoFen-1", 10),
        ("gaofen-1", "GaoFen-1", 10),
        ("QB", "QuickBird", 11),
        ("2_quickbird", "QuickBird", 11),
        ("4 WORLDVIEW-4", "WorldView-4", 11),
        ("6.worldview3", "WorldView-3", 11),
    ],
)
@pytest.mark.parametrize(
    "keys", [("imgMS", "imgPAN"), ("I_MS", "I_PAN"), ("imgMS", "block"), ("block", "block")]
)
def test_names_of_sensors_and_arrays(
    tmp_path: Path,
    write_scene: Callable[..., Path],
    digital: Digital,
    scenes: Scenes,
    folder: str,
    sensor: str,
    bits: int,
    keys: tuple[str, str],
) -> None:
    write_scene(tmp_path / folder, 1, keys=keys)
    # The folder of a sensor may be named itself, too.
    for root in (tmp_path, tmp_path / folder):
        (scene,) = scenes(NBU.read(root))
        assert (scene.sensor, scene.bits) == (sensor, bits)
        np.testing.assert_array_equal(scene.multispectral, digital(32, 32, 4, seed=1))
        assert scene.panchromatic.shape == (128, 128, 1)


def test_four_of_eight_bands(
    tmp_path: Path, write_scene: Callable[..., Path], digital: Digital, scenes: Scenes
) -> None:
    write_scene(tmp_path / "WV3", 1, bands=8)
    write_scene(tmp_path / "WV4", 1, bands=4)
    eight, four = scenes(read_nbu(tmp_path, four_bands=True))
    stored = digital(32, 32, 8, seed=1)
    np.testing.assert_array_equal(eight.multispectral, stored[..., [1, 2, 4, 6]])
    np.testing.assert_array_equal(four.multispectral, digital(32, 32, 4, seed=1))


def test_shares_of_the_raw_split(tmp_path: Path, save_mat: Save) -> None:
    for number in range(1, 51):
        for part, key in (("MS_256", "imgMS"), ("PAN_1024", "imgPAN")):
            save_mat(tmp_path / "GF1" / part / f"{number}.mat", **{key: [[1]]})
    splits = [entry.split for entry in NBU.read(tmp_path)]
    assert [splits.count(split) for split in ("train", "val", "test")] == [35, 5, 10]


def test_what_is_wrong_with_a_raw_folder(
    tmp_path: Path, write_scene: Callable[..., Path], save_mat: Save
) -> None:
    with pytest.raises(FileFormatError, match=r"no folder of the layout nbu: it has SENSOR/MS_256"):
        NBU.read(tmp_path)
    gaofen = write_scene(tmp_path / "GF1", 1)
    save_mat(gaofen / "MS_256" / "2.mat", imgMS=[[1]])
    with pytest.raises(FileFormatError, match=r"GF1: PAN_1024/2\.mat is missing"):
        NBU.read(tmp_path)
    (gaofen / "MS_256" / "2.mat").unlink()
    write_scene(tmp_path / "3 Gaofen-1", 1)
    with pytest.raises(FileFormatError, match=r"GaoFen-1 is in .*3 Gaofen-1 and in .*GF1"):
        NBU.read(tmp_path)
    write_scene(tmp_path / "other" / "moon", 1)
    with pytest.raises(FileFormatError, match=r"moon: the name of this folder must be that of a"):
        NBU.read(tmp_path / "other")
    save_mat(tmp_path / "QB" / "MS_256" / "copy.mat", imgMS=[[1]])
    save_mat(tmp_path / "QB" / "PAN_1024" / "copy.mat", imgPAN=[[1]])
    with pytest.raises(FileFormatError, match=r"copy\.mat: its name is no number"):
        NBU.read(tmp_path / "QB")


def test_what_is_wrong_with_a_raw_image(tmp_path: Path, save_mat: Save, scenes: Scenes) -> None:
    save_mat(tmp_path / "QB" / "MS_256" / "1.mat", other=[[1]])
    save_mat(tmp_path / "QB" / "PAN_1024" / "1.mat", imgPAN=np.ones((8, 8, 2)))
    (scene,) = scenes(NBU.read(tmp_path))
    with pytest.raises(FileFormatError, match="called imgMS or I_MS or block: it holds other"):
        _ = scene.multispectral
    with pytest.raises(FileFormatError, match="2 bands: the panchromatic image must have one"):
        _ = scene.panchromatic


@pytest.fixture
def write_pair(save_mat: Save, digital: Digital) -> Callable[..., Path]:
    """Write a pair as the laboratory cuts it."""

    def write(folder: Path, name: str, truth: bool = True, highest: float = 2047) -> Path:
        low, high, pan = digital(32, 32, 4), digital(128, 128, 4), digital(128, 128)
        save_mat(folder / "MS_32" / f"{name}.mat", ms0=low / highest)
        save_mat(folder / "PAN_128" / f"{name}.mat", pan0=pan / highest)
        part, key = ("GT_128", "gt0") if truth else ("MS_128", "usms0")
        save_mat(folder / part / f"{name}.mat", **{key: high / highest})
        return folder

    return write


def test_reduced_pairs(
    tmp_path: Path, write_pair: Callable[..., Path], digital: Digital, made_pairs: Pairs
) -> None:
    root = tmp_path / "NBU_dataset0730"
    for name in ("2", "10"):
        write_pair(root / "GF1" / "train", name)
    write_pair(root / "WV4" / "test", "1")
    first, second, third = made_pairs(read_entries(tmp_path))
    assert [pair.name for pair in (first, second, third)] == [
        "GaoFen-1-train-2",
        "GaoFen-1-train-10",
        "WorldView-4-test-1",
    ]
    assert [pair.split for pair in (first, second, third)] == ["train", "train", "test"]
    assert (first.ratio, first.peak, first.bits, first.sensor) == (4, 1.0, None, "GaoFen-1")
    images = first.checked_images()
    np.testing.assert_allclose(images["target"], digital(32, 32, 4) / 2047, rtol=1e-6)
    np.testing.assert_allclose(images["truth"], digital(128, 128, 4) / 2047, rtol=1e-6)
    np.testing.assert_allclose(images["guide"][..., 0], digital(128, 128) / 2047, rtol=1e-6)
    assert len(first.files) == 3


def test_values_that_were_not_divided(
    tmp_path: Path, write_pair: Callable[..., Path], made_pairs: Pairs
) -> None:
    write_pair(tmp_path / "QB" / "train", "1", highest=1)
    (pair,) = made_pairs(REDUCED.read(tmp_path))
    with pytest.raises(FileFormatError, match=r"values up to 204[67]: this layout has values"):
        _ = pair.target


def test_pairs_of_full_resolution(
    tmp_path: Path, write_pair: Callable[..., Path], digital: Digital, made_pairs: Pairs
) -> None:
    write_pair(tmp_path / "NBU_dataset_FR_0924" / "QB", "1", truth=False)
    write_pair(tmp_path / "NBU_dataset_FR_0924" / "WV2" / "test", "1", truth=False)
    first, second = made_pairs(read_entries(tmp_path))
    assert [pair.sensor for pair in (first, second)] == ["QuickBird", "WorldView-2"]
    assert (first.dataset, first.split, first.ratio) == ("nbu-full", "test", 4)
    assert first.truth is None and first.peak == 1
    np.testing.assert_allclose(first.target, digital(32, 32, 4) / 2047, rtol=1e-6)
    assert [path.parent.name for path in first.files] == ["MS_32", "PAN_128"]


def test_what_is_wrong_with_folders_of_pairs(
    tmp_path: Path, write_pair: Callable[..., Path]
) -> None:
    for layout in (REDUCED, FULL):
        with pytest.raises(FileFormatError, match=f"no folder of the layout {layout.name}"):
            layout.read(tmp_path)
    write_pair(tmp_path / "QB" / "batch7", "1")
    with pytest.raises(FileFormatError, match="batch7: must be called train or test"):
        REDUCED.read(tmp_path)
    write_pair(tmp_path / "full" / "QB", "1", truth=False)
    (tmp_path / "full" / "QB" / "PAN_128" / "1.mat").unlink()
    with pytest.raises(FileFormatError, match=r"PAN_128/1\.mat is missing"):
        FULL.read(tmp_path / "full")
