"""Middlebury and Lu, on files written as they are published."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.entry import Frame
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

RNG = np.random.default_rng(5)
LU, MIDDLEBURY = LAYOUTS["lu"], LAYOUTS["middlebury30"]


def write(folder: Path, name: str, colour_end: str) -> tuple[np.ndarray, np.ndarray]:
    levels = RNG.integers(0, 256, (6, 8)).astype(np.uint8)
    colour = RNG.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    Image.fromarray(levels).save(folder / f"{name}_output_depth.png")
    Image.fromarray(colour).save(folder / f"{name}{colour_end}")
    return levels, colour


@pytest.mark.parametrize(
    ("layout", "name", "end"),
    [
        ("lu", "RGBD_01", "_ouput_color.png"),
        ("lu", "RGBD_01", "_output_color.png"),
        ("middlebury30", "Middlebury_01", "_output_color.png"),
    ],
)
def test_levels_and_colours_as_stored(tmp_path: Path, layout: str, name: str, end: str) -> None:
    levels, colour = write(tmp_path, name, end)
    levels[0, 0] = 0  # a level like any other: the protocol scores every pixel
    Image.fromarray(levels).save(tmp_path / f"{name}_output_depth.png")
    (entry,) = read_entries(tmp_path)
    assert isinstance(entry, Frame)
    assert (entry.dataset, entry.name, entry.split, entry.open) == (layout, name, "test", False)
    assert entry.unit == "8-bit levels"
    depth, valid = entry.depth
    assert depth.dtype == np.float32 and valid.all()
    np.testing.assert_array_equal(depth, levels)
    np.testing.assert_array_equal(entry.colour, colour)
    assert entry.files == (tmp_path / f"{name}_output_depth.png", tmp_path / f"{name}{end}")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(entry)).colour, colour)


def test_the_two_sets_are_told_apart_in_one_folder(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        write(tmp_path, f"Middlebury_{number:02d}", "_output_color.png")
    write(tmp_path, "RGBD_01", "_ouput_color.png")
    names = [entry.name for entry in MIDDLEBURY.read(tmp_path)]
    assert names == ["Middlebury_01", "Middlebury_02", "Middlebury_10"]
    assert [entry.name for entry in LU.read(tmp_path)] == ["RGBD_01"]
    with pytest.raises(FileFormatError, match="could be middlebury30 or lu"):
        read_entries(tmp_path)


def test_a_frame_of_one_file_or_of_three_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "RGBD_01", "_ouput_color.png")
    (tmp_path / "RGBD_01_output_color.png").write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"RGBD_01_ouput_color\.png is there too"):
        LU.read(tmp_path)
    (tmp_path / "RGBD_01_output_color.png").unlink()
    (tmp_path / "RGBD_01_ouput_color.png").unlink()
    with pytest.raises(FileFormatError, match=r"RGBD_01_output_color\.png is missing"):
        LU.read(tmp_path)


def test_a_picture_without_its_map_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "RGBD_01", "_ouput_color.png")
    write(tmp_path, "RGBD_02", "_ouput_color.png")
    (tmp_path / "RGBD_02_output_depth.png").unlink()
    with pytest.raises(FileFormatError) as caught:
        read_entries(tmp_path)
    picture = tmp_path / "RGBD_02_ouput_color.png"
    assert str(caught.value) == (
        f"{picture}: {tmp_path / 'RGBD_02_output_depth.png'} is missing: download the set again, "
        "or take RGBD_02_ouput_color.png away"
    )


def test_names_are_read_in_any_case(tmp_path: Path) -> None:
    levels, colour = write(tmp_path, "RGBD_01", "_ouput_color.png")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(".PNG"))
    write(tmp_path, "rgbd_02", "_OUTPUT_COLOR.PNG")
    first, second = read_entries(tmp_path)
    assert (first.name, second.name, second.dataset) == ("RGBD_01", "rgbd_02", "lu")
    assert isinstance(first, Frame)
    np.testing.assert_array_equal(first.depth[0], levels)
    np.testing.assert_array_equal(first.colour, colour)
    (tmp_path / "RGBD_01_output_depth.png").write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"depth\.png: RGBD_01_output_depth\.PNG is there"):
        read_entries(tmp_path)
