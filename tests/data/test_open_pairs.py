"""The folder of real pairs: an index, and files that are read when asked for."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from gisr.data.open_pairs import OpenPair, read_open_pairs
from gisr.data.training_sets import DepthSet, MRISet, PansharpeningSet, TrainingSet
from gisr.errors import FileFormatError, RecipeError
from gisr.tasks.sensors import find_sensor
from gisr.tasks.task import built_in_descriptions

RECORDS: list[dict[str, Any]] = [
    {"id": "a", "task": "pansharpening", "split": "train", "open": True, "sensor": "QuickBird"},
    {"id": "b", "task": "pansharpening", "split": "research", "open": False, "bits": 11},
    {"id": "c", "task": "mri", "split": "train", "open": True, "contrasts": {"T2": "", "T1": ""}},
    {"id": "d", "task": "depth", "split": "test", "open": True},
]


def write_index(folder: Path, records: object) -> Path:
    (folder / "index.json").write_text(json.dumps(records), encoding="utf-8")
    return folder


def test_entries_are_chosen_by_task_split_and_licence(tmp_path: Path) -> None:
    write_index(tmp_path, RECORDS)

    def names(**choice: Any) -> str:
        return "".join(pair.name for pair in read_open_pairs(tmp_path, **choice))

    assert names() == "abcd"
    assert names(task="pansharpening") == "ab"
    assert names(splits=("train", "test")) == "acd"
    assert names(open_only=True) == "acd"
    with pytest.raises(RecipeError, match="no entry for task depth"):
        names(task="depth", splits=("train",))


def test_what_an_entry_says_of_itself(tmp_path: Path) -> None:
    first, second, third, _ = read_open_pairs(write_index(tmp_path, RECORDS))
    assert (first.task, first.split, first.open) == ("pansharpening", "train", True)
    assert (first.sensor, first.bits, second.sensor, second.bits) == ("QuickBird", None, None, 11)
    assert third.contrasts == ("T1", "T2")


def test_a_folder_without_a_readable_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"index\.json"):
        read_open_pairs(tmp_path)
    for content in (b"[{", b"\xff\xfe\x00", b'{"id": 1}', b'["a"]', b'[{"id": "a"}]'):
        (tmp_path / "index.json").write_bytes(content)
        with pytest.raises(FileFormatError, match=r"index\.json"):
            read_open_pairs(tmp_path)


def depth_entry(folder: Path, values: np.ndarray, **record: Any) -> OpenPair:
    Image.fromarray(values).save(folder / "depth.png")
    Image.fromarray(np.full((*values.shape, 3), 7, np.uint8)).save(folder / "rgb.png")
    files = {"target": "depth.png", "guide": "rgb.png", "invalid": 0, "scale": 1}
    return OpenPair(folder, {"id": "frame", "task": "depth", **files, **record})


def test_depth_is_scaled_and_its_holes_are_marked(tmp_path: Path) -> None:
    frame = depth_entry(tmp_path, np.array([[0, 5000], [10000, 1]], np.uint16), scale=5000)
    values, valid = frame.depth
    np.testing.assert_allclose(values, [[0, 1], [2, 0.0002]], rtol=1e-6)
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
    frame = depth_entry(tmp_path, np.ones((2, 3), np.uint8))
    Image.fromarray(np.ones((2, 3), np.uint8)).save(tmp_path / "rgb.png")
    assert frame.colour.shape == (2, 3, 1)


def test_every_entry_of_the_real_data_can_be_read(data_folder: Path) -> None:
    pytest.importorskip("rasterio")
    pytest.importorskip("nibabel")
    for pair in read_open_pairs(data_folder):
        if pair.task == "pansharpening":
            find_sensor(pair.sensor)
            low, high = pair.multispectral, pair.panchromatic
            assert (low.ndim, high.shape[2]) == (3, 1)
            assert all(np.isfinite(image).all() for image in (low, high)), pair.name
        elif pair.task == "mri":
            volumes = [pair.volume(contrast) for contrast in pair.contrasts]
            assert len({volume.shape for volume in volumes}) == 1, pair.name
            assert all(np.isfinite(volume).all() for volume in volumes), pair.name
        else:
            values, valid = pair.depth
            assert values.shape == valid.shape == pair.colour.shape[:2], pair.name
            assert valid.any() and np.isfinite(values[valid]).all(), pair.name
            assert values[valid].min() > 0, pair.name


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
    entries = read_open_pairs(folder, splits=("train",), open_only=True)
    scenes, subjects, frames = (
        tuple(pair for pair in entries if pair.task == task)[:4]
        for task in ("pansharpening", "mri", "depth")
    )
    return [
        *(PansharpeningSet(scenes, ratio) for ratio in (2, 3, 4)),
        *(MRISet(subjects[:1] + subjects[-1:], ratio) for ratio in (2, 4, 8)),
        *(DepthSet(frames, ratio) for ratio in (4, 8, 16)),
    ]
