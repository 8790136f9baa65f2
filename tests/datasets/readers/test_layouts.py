"""What holds for the reader of every published layout."""

import re
from pathlib import Path
from typing import get_args

import pytest

from gisr.datasets.readers import LAYOUTS, DatasetLayout, LayoutName
from gisr.datasets.readers.folders import walk
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
