"""One way to the entries of any folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.open_pairs import OPEN_PAIRS
from gisr.datasets.prepared.prepare import prepare_store
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import STORE, left_out, read_entries
from gisr.errors import FileFormatError, InputError


def write_lu(folder: Path, stem: str = "RGBD_01", colour: str = "ouput_color") -> Path:
    folder.mkdir(exist_ok=True)
    levels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(levels).save(folder / f"{stem}_output_depth.png")
    Image.fromarray(np.dstack([levels] * 3)).save(folder / f"{stem}_{colour}.png")
    return folder


def write_open(folder: Path) -> Path:
    files = {"target": "d.png", "guide": "c.png", "invalid": 0, "scale": 1}
    record = {"id": "one", "task": "depth", "split": "train", "open": True, **files}
    (folder / "index.json").write_text(json.dumps([record]), encoding="utf-8")
    return folder


def test_a_published_layout_is_recognised_or_named(tmp_path: Path) -> None:
    folder = write_lu(tmp_path / "lu")
    for entries in (read_entries(folder), read_entries(str(folder), "lu")):
        assert [(entry.dataset, entry.name) for entry in entries] == [("lu", "RGBD_01")]


def test_open_pairs_and_stores_are_recognised(tmp_path: Path) -> None:
    (entry,) = read_entries(write_open(tmp_path))
    assert (entry.dataset, entry.name) == ("open-pairs", "one")
    source, store = write_lu(tmp_path / "lu"), tmp_path / "store"
    assert prepare_store(read_entries(source), source, store).finished
    for entries in (read_entries(store), read_entries(store, "store")):
        assert [(entry.dataset, entry.name) for entry in entries] == [("lu", "RGBD_01")]


def test_what_several_layouts_recognise_must_be_named(tmp_path: Path) -> None:
    folder = write_open(write_lu(tmp_path / "both"))
    write_lu(folder, "Middlebury_01", "output_color")
    with pytest.raises(FileFormatError, match="could be open-pairs or middlebury30 or lu: name"):
        read_entries(folder)
    assert [entry.name for entry in read_entries(folder, "middlebury30")] == ["Middlebury_01"]


def test_what_no_layout_recognises_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r": is empty: name the folder of a data set$"):
        read_entries(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(FileFormatError, match=r"no layout recognises .* open-pairs, store, nbu"):
        read_entries(tmp_path)
    with pytest.raises(FileFormatError, match=r"nowhere: there is no such folder"):
        read_entries(tmp_path / "nowhere")
    (tmp_path / "list.txt").write_text("a", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"list\.txt: is a file: name the folder"):
        read_entries(tmp_path / "list.txt")
    with pytest.raises(InputError, match="unknown layout 'tiff': use auto or one of open-pairs"):
        read_entries(tmp_path, "tiff")
    with pytest.raises(InputError, match=r"^unknown layout 'luu': did you mean lu\?$"):
        read_entries(tmp_path, "luu")


@pytest.mark.parametrize("layout", [OPEN_PAIRS, STORE, *LAYOUTS])
def test_every_layout_can_be_named(tmp_path: Path, layout: str) -> None:
    """A folder that is none of it is refused for that, not for the name."""
    with pytest.raises(FileFormatError, match=str(tmp_path)):
        read_entries(tmp_path, layout)


@pytest.mark.parametrize(
    ("folder", "dataset", "count"),
    [("lu", "lu", 6), ("nyu", "nyu-jiif", 3), ("rgbdd", "rgbdd", 21), (".", "open-pairs", 138)],
)
def test_real_folders_are_recognised(
    data_folder: Path, folder: str, dataset: str, count: int
) -> None:
    entries = read_entries(data_folder if folder == "." else data_folder / "standard" / folder)
    assert {entry.dataset for entry in entries} == {dataset}
    assert len(entries) == count
    assert left_out(data_folder / "standard" / folder, entries) == []


def test_files_that_are_in_no_entry_are_counted(tmp_path: Path) -> None:
    folder = write_lu(tmp_path / "lu")
    entries = read_entries(folder)
    assert left_out(folder, entries) == []
    write_lu(folder / "train", "RGBD_02")
    assert left_out(folder, entries) == [
        f"{folder}: 2 files are left out, train/RGBD_02_ouput_color.png first: not named as this "
        "layout has it (see gisr data list)"
    ]
    for path in (folder / "train").iterdir():
        path.unlink()
    (folder / "RGBD_03_depth.PNG").write_bytes(b"")
    (folder / ".RGBD_04_output_depth.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    assert left_out(folder, entries) == [
        f"{folder}: RGBD_03_depth.PNG is left out: not named as this layout has it (see gisr data "
        "list)"
    ]


def test_of_a_store_and_of_a_list_nothing_is_left_out(tmp_path: Path) -> None:
    source, store = write_lu(tmp_path / "lu"), tmp_path / "store"
    assert prepare_store(read_entries(source), source, store).finished
    (store / "more.png").write_bytes(b"")
    assert left_out(store, read_entries(store)) == []
    folder = write_open(tmp_path)
    (folder / "more.png").write_bytes(b"")
    assert left_out(folder, read_entries(folder)) == []
