"""The folder of real pairs: an index, and files that are read when asked for."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.datasets.entry import Frame, Scan, Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError
from gisr.tasks import built_in_descriptions
from gisr.tasks.sensors import find_sensor
from gisr.training.samples.frames import FrameSet
from gisr.training.samples.scans import ScanSet
from gisr.training.samples.scenes import SceneSet
from gisr.training.samples.training_set import TrainingSet

SCENE: dict[str, Any] = {
    "id": "a",
    "task": "pansharpening",
    "split": "train",
    "open": True,
    "target": "ms.tif",
    "guide": "pan.tif",
}
SCAN: dict[str, Any] = {
    "id": "c",
    "task": "mri",
    "split": "research",
    "open": False,
    "contrasts": {"T2": "two.nii", "T1": "one.nii"},
}
FRAME: dict[str, Any] = {
    "id": "frame",
    "task": "depth",
    "split": "test",
    "open": True,
    "target": "depth.png",
    "guide": "rgb.png",
    "invalid": 0,
    "scale": 1,
}


def write_index(folder: Path, records: object) -> Path:
    (folder / "index.json").write_text(json.dumps(records), encoding="utf-8")
    return folder


def test_what_entries_say_of_themselves(tmp_path: Path) -> None:
    more = {"sensor": "QuickBird", "bits": 11, "guide_offset_px": [-2, 1.5], "group": "orbit"}
    records = [SCENE, {**SCENE, "id": "b", **more}, SCAN, {**FRAME, "kind": "disparity"}]
    plain, said, scan, frame = read_open_pairs(write_index(tmp_path, records))
    assert isinstance(plain, Scene) and isinstance(said, Scene)
    assert (plain.name, plain.dataset, plain.task) == ("a", "open-pairs", "pansharpening")
    assert (plain.split, plain.open, plain.group) == ("train", True, "")
    assert (plain.sensor, plain.bits, plain.guide_offset) == (None, None, (0.0, 0.0))
    assert (said.sensor, said.bits, said.group) == ("QuickBird", 11, "orbit")
    assert said.guide_offset == (-2.0, 1.5)
    assert plain.files == (tmp_path / "ms.tif", tmp_path / "pan.tif")
    assert isinstance(scan, Scan)
    assert (scan.split, scan.open, scan.slices) == ("research", False, None)
    assert scan.contrasts == ("T1", "T2")
    assert isinstance(frame, Frame)
    assert frame.unit == "px"


def test_bands_guided_by_bands_are_scenes_of_their_task(tmp_path: Path) -> None:
    records = [{**SCENE, "task": "multiband", "sensor": "Sentinel-2"}]
    (entry,) = read_open_pairs(write_index(tmp_path, records))
    assert isinstance(entry, Scene) and entry.task == "multiband"


def test_another_index_is_a_data_set_of_its_own(tmp_path: Path) -> None:
    write_index(tmp_path, [SCENE])
    more = tmp_path / "index_more.json"
    more.write_text(json.dumps([{**SCENE, "id": "b"}]), encoding="utf-8")
    assert [(e.name, e.dataset) for e in read_entries(tmp_path)] == [("a", "open-pairs")]
    assert [(e.name, e.dataset) for e in read_entries(more)] == [("b", "open-pairs-more")]


def test_a_scene_without_a_panchromatic_band_trains_with_a_simulated_one(tmp_path: Path) -> None:
    bands = default_rng(0).integers(1, 200, (12, 16, 4)).astype(np.uint8)
    write_geotiff(tmp_path / "ms.tif", bands)
    record = {**SCENE, "guide": None, "guide_offset_px": None, "sensor": "NAIP (aerial, 5 m)"}
    (scene,) = read_open_pairs(write_index(tmp_path, [record]))
    assert isinstance(scene, Scene) and scene.files == (tmp_path / "ms.tif",)
    pan = scene.panchromatic
    assert pan.shape == (12, 16, 1)
    pixels = bands.reshape(-1, 4).astype(np.float64)
    weights, *_ = np.linalg.lstsq(pixels, pan.ravel(), rcond=None)
    assert (weights > 0).all() and weights.sum() == pytest.approx(1, abs=0.02)
    (again,) = read_open_pairs(tmp_path)
    assert isinstance(again, Scene)
    np.testing.assert_array_equal(again.panchromatic, pan)
    with pytest.raises(FileFormatError, match="only an entry to train on may lack"):
        read_open_pairs(write_index(tmp_path, [{**record, "split": "test"}]))


def test_a_folder_without_a_readable_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"index\.json"):
        read_open_pairs(tmp_path)
    for content in (b"[{", b"\xff\xfe\x00", b'{"id": 1}', b'["a"]', b'[{"id": "a"}]', b"[[]]"):
        (tmp_path / "index.json").write_bytes(content)
        with pytest.raises(FileFormatError, match=r"index\.json"):
            read_open_pairs(tmp_path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({**SCENE, "task": "video"}, "'video' is missing or unknown"),
        ({**SCENE, "task": ["mri"]}, "no description of a pair"),
        ({**SCENE, "split": "later"}, "split 'later' is none of train"),
        ({**SCENE, "open": "no"}, "open 'no' must be true or false, without quotes"),
        ({**SCENE, "guide_offset_px": [1]}, "no description of a pair"),
        ({key: value for key, value in SCENE.items() if key != "guide"}, "'guide' is missing"),
        ({**SCAN, "contrasts": ["T1"]}, "no description of a pair"),
        ({**FRAME, "scale": "wide"}, "no description of a pair"),
        ({key: value for key, value in FRAME.items() if key != "scale"}, "'scale' is missing"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, record: dict[str, Any], message: str) -> None:
    with pytest.raises(FileFormatError, match=rf"index\.json, entry 1: .*{message}"):
        read_open_pairs(write_index(tmp_path, [SCENE, record]))


def depth_entry(folder: Path, values: np.ndarray, **record: Any) -> Frame:
    Image.fromarray(values).save(folder / "depth.png")
    if not (folder / "rgb.png").exists():
        Image.fromarray(np.full((*values.shape, 3), 7, np.uint8)).save(folder / "rgb.png")
    (frame,) = read_open_pairs(write_index(folder, [{**FRAME, **record}]))
    assert isinstance(frame, Frame)
    return frame


def test_depth_is_scaled_and_its_holes_are_marked(tmp_path: Path) -> None:
    frame = depth_entry(tmp_path, np.array([[0, 5000], [10000, 1]], np.uint16), scale=5000)
    values, valid = frame.depth
    np.testing.assert_allclose(values, np.array([[0, 1], [2, 0.0002]]), rtol=1e-6)
    assert values.dtype == np.float32
    assert valid.tolist() == [[False, True], [True, True]]
    assert frame.colour.shape == (2, 2, 3)
    assert frame.colour.dtype == np.float32
    assert frame.depth[0] is values  # kept


def test_sky_is_unknown_where_an_entry_says_so(tmp_path: Path) -> None:
    stored = np.array([[900, 5000]], np.uint16)
    assert depth_entry(tmp_path, stored, sky="above 1000").depth[1].tolist() == [[True, False]]
    assert depth_entry(tmp_path, stored).depth[1].tolist() == [[True, True]]


def test_grey_guides_have_one_channel(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 3), np.uint8)).save(tmp_path / "rgb.png")
    assert depth_entry(tmp_path, np.ones((2, 3), np.uint8)).colour.shape == (2, 3, 1)


def test_entries_can_be_pickled(tmp_path: Path) -> None:
    """Processes that load data get them so on some systems."""
    frame = pickle.loads(pickle.dumps(depth_entry(tmp_path, np.ones((2, 3), np.uint8))))
    assert frame.depth[0].shape == (2, 3)


def test_every_entry_of_the_real_data_can_be_read(data_folder: Path) -> None:
    pytest.importorskip("rasterio")
    pytest.importorskip("nibabel")
    for entry in read_open_pairs(data_folder):
        if isinstance(entry, Scene):
            find_sensor(entry.sensor)
            low, high = entry.multispectral, entry.panchromatic
            assert (low.ndim, high.shape[2]) == (3, 1)
            assert all(np.isfinite(image).all() for image in (low, high)), entry.name
        elif isinstance(entry, Scan):
            volumes = [entry.volume(contrast) for contrast in entry.contrasts]
            assert len({volume.shape for volume in volumes}) == 1, entry.name
            assert all(np.isfinite(volume).all() for volume in volumes), entry.name
        else:
            assert isinstance(entry, Frame)
            values, valid = entry.depth
            assert values.shape == valid.shape == entry.colour.shape[:2], entry.name
            assert valid.any() and np.isfinite(values[valid]).all(), entry.name
            assert values[valid].min() > 0, entry.name


def test_every_real_training_set_gives_samples(data_folder: Path) -> None:
    pytest.importorskip("rasterio")
    pytest.importorskip("nibabel")
    known = set(built_in_descriptions())
    for made in real_sets(data_folder):
        rng = default_rng(len(made))
        for item in rng.integers(len(made), size=2):
            sample = made.sample(int(item), rng, 64)
            assert sample.target.shape == (4, 64, 64)
            images = (sample.target, sample.guide, sample.truth, sample.known)
            assert all(np.isfinite(image).all() for image in images)
            assert max(np.abs(image).max() for image in images) < 50
            assert sample.description in known


def real_sets(folder: Path) -> list[TrainingSet]:
    """Return the recipes' sets, with the first four entries of each task."""
    entries = [found for found in read_open_pairs(folder) if found.split == "train" and found.open]
    scenes = tuple(entry for entry in entries if isinstance(entry, Scene))[:4]
    subjects = tuple(entry for entry in entries if isinstance(entry, Scan))[:4]
    frames = tuple(entry for entry in entries if isinstance(entry, Frame))[:4]
    return [
        *(SceneSet(scenes, ratio) for ratio in (2, 3, 4)),
        *(ScanSet(subjects[:1] + subjects[-1:], ratio) for ratio in (2, 4, 8)),
        *(FrameSet(frames, ratio) for ratio in (4, 8, 16)),
    ]
