"""What holds for the reader of every published layout."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.readers import LAYOUTS, DatasetLayout, LayoutName
from gisr.datasets.readers.folders import walk
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError


def test_every_name_has_a_layout() -> None:
    assert tuple(LAYOUTS) == get_args(LayoutName)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
class TestEveryLayout:
    def test_it_says_what_it_is(self, layout: DatasetLayout) -> None:
        assert LAYOUTS[layout.name] is layout
        assert layout.title and layout.expects.endswith("\n")
        assert re.fullmatch(r"[\x20-\x7e\n]+", layout.expects)  # any terminal shows it

    def test_it_recognises_only_its_own(self, layout: DatasetLayout, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("nothing of use")
        (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
        assert not layout.recognises(tmp_path)
        assert not layout.recognises(tmp_path / "nowhere")
        assert not layout.recognises(tmp_path / "notes.txt")

    def test_it_shows_what_it_expects(self, layout: DatasetLayout, tmp_path: Path) -> None:
        with pytest.raises(FileFormatError) as caught:
            layout.read(tmp_path)
        assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_looking_for_files_ends(tmp_path: Path) -> None:
    (tmp_path / "1/2/3/4/5/6").mkdir(parents=True)
    (tmp_path / "1" / "back").symlink_to(tmp_path, target_is_directory=True)
    depths = {len(found.relative_to(tmp_path).parts) for found, _, _ in walk(tmp_path)}
    assert depths == {0, 1, 2, 3, 4, 5}


def test_what_macos_and_notebooks_leave_is_passed_over(
    tmp_path: Path, save_mat: Callable[..., Path]
) -> None:
    image = np.ones((8, 8), np.uint8)
    for number in ("9", "10"):
        save_mat(tmp_path / "nbu/QB/MS_256" / f"{number}.mat", imgMS=image)
        save_mat(tmp_path / "nbu/QB/PAN_1024" / f"{number}.mat", imgPAN=image)
    save_mat(tmp_path / "mat/a.mat", I_MS=image, I_PAN=np.ones((16, 16), np.uint8))
    for name in ("RGBD_1_output_depth.png", "RGBD_1_ouput_color.png"):
        (tmp_path / "lu").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "lu" / name)
    for name in (
        "nbu/QB/MS_256/._9.mat",
        "nbu/__MACOSX/QB/MS_256/._9.mat",
        "nbu/__MACOSX/QB/PAN_1024/._9.mat",
        "mat/._a.mat",
        "lu/._RGBD_1_output_depth.png",
        "lu/._RGBD_1_ouput_color.png",
        "rgbdd/models/models_test/.ipynb_checkpoints/notes",
        "rgbdd/models/models_test/1/1_HR_gt.png",
        "rgbdd/models/models_test/1/1_RGB.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    found = {
        folder: [entry.name for entry in read_entries(tmp_path / folder)]
        for folder in ("nbu", "mat", "lu", "rgbdd")
    }
    assert found == {
        "nbu": ["QuickBird-9", "QuickBird-10"],
        "mat": ["test-a"],
        "lu": ["RGBD_1"],
        "rgbdd": ["models-1"],
    }
