"""RGB-D-D, on files written as they are published."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.entry import Entry, Frame
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

RNG = np.random.default_rng(6)
RGBDD = LAYOUTS["rgbdd"]


def write(folder: Path, number: str) -> np.ndarray:
    """Write one frame of 6 x 8 pixels and return its millimetres."""
    folder.mkdir(parents=True, exist_ok=True)
    millimetres = RNG.integers(0, 5000, (6, 8)).astype(np.uint16)
    millimetres[0, 0] = 0
    Image.fromarray(millimetres).save(folder / f"{number}_HR_gt.png")
    Image.fromarray(millimetres[::2, ::2]).save(folder / f"{number}_LR_fill_depth.png")
    Image.fromarray(np.full((6, 8, 3), 9, np.uint8)).save(folder / f"{number}_RGB.jpg")
    return millimetres


def check(entry: Entry, millimetres: np.ndarray) -> None:
    assert isinstance(entry, Frame)
    assert (entry.dataset, entry.unit, entry.open) == ("rgbdd", "cm", False)
    depth, valid = entry.depth
    assert valid.all()
    np.testing.assert_allclose(depth, millimetres / 10, rtol=1e-6)
    np.testing.assert_array_equal(entry.colour, np.full((6, 8, 3), 9))
    assert [path.name[-4:] for path in entry.files] == [".png", ".jpg"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(entry)).depth[0], depth)


def test_the_published_tree(tmp_path: Path) -> None:
    stored = {}
    for kind, split, number in (
        ("models", "train", "20200518160957"),
        ("models", "test", "20200518161728"),
        ("portraits", "test", "20200518161728"),
    ):
        folder = tmp_path / kind / f"{kind}_{split}" / number
        stored[f"{kind}-{number}"] = split, write(folder, number)
    entries = read_entries(tmp_path)
    assert {entry.name: entry.split for entry in entries} == {
        name: split for name, (split, _) in stored.items()
    }
    for entry in entries:
        check(entry, stored[entry.name][1])


def test_frames_side_by_side_are_the_test_set(tmp_path: Path) -> None:
    stored = {number: write(tmp_path, number) for number in ("20200602", "20200509")}
    entries = read_entries(tmp_path)
    assert [entry.name for entry in entries] == ["20200509", "20200602"]
    assert {entry.split for entry in entries} == {"test"}
    for entry in entries:
        check(entry, stored[entry.name])


@pytest.mark.parametrize("end", ["_RGB.jpg", "_HR_gt.png"])
def test_a_frame_without_one_of_its_files_is_refused(tmp_path: Path, end: str) -> None:
    folder = tmp_path / "plants" / "plants_train" / "20200518"
    write(folder, "20200518")
    (folder / f"20200518{end}").unlink()
    with pytest.raises(FileFormatError, match=rf"20200518{end} is missing"):
        RGBDD.read(tmp_path)


@pytest.mark.parametrize("end", ["_RGB.jpg", "_HR_gt.png"])
def test_a_frame_side_by_side_without_one_of_its_files_is_refused(tmp_path: Path, end: str) -> None:
    write(tmp_path, "20200509")
    write(tmp_path, "20200602")
    (tmp_path / f"20200602{end}").unlink()
    with pytest.raises(FileFormatError, match=rf"20200602{end} is missing"):
        read_entries(tmp_path)


def test_suffixes_of_any_case(tmp_path: Path) -> None:
    millimetres = write(tmp_path, "20200509")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(path.suffix.upper()))
    (entry,) = read_entries(tmp_path)
    assert entry.name == "20200509" and isinstance(entry, Frame)
    np.testing.assert_allclose(entry.depth[0], millimetres / 10, rtol=1e-6)
