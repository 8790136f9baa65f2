"""``gisr data``: listing, preparing and showing data sets, with the layout of Lu's six frames."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from gisr.apps.cli import main
from gisr.datasets.entry import Frame
from gisr.datasets.prepared.manifest import MANIFEST, read_manifest
from gisr.datasets.prepared.store import read_store


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a folder with six frames as Lu's are published."""
    folder = tmp_path / "lu"
    folder.mkdir()
    rng = default_rng(0)
    for number in range(1, 7):
        depth = rng.integers(1, 255, (40, 48)).astype(np.uint8)
        colour = rng.integers(0, 255, (40, 48, 3)).astype(np.uint8)
        Image.fromarray(depth).save(folder / f"RGBD_{number:02d}_output_depth.png")
        Image.fromarray(colour).save(folder / f"RGBD_{number:02d}_ouput_color.png")
    return folder


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a command that must fail, and return the lines on stderr without the program's name."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return [line.removeprefix("gisr: ") for line in captured.err.splitlines()]


def prints(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_a_data_set_is_prepared_listed_and_verified(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    line = prints(["data", "prepare", "lu", str(source), str(store)], capsys)
    assert line == f"{store}: 6 entries of lu, 0.1 MB\n"
    entry = read_store(store, verify=True)[0]
    assert isinstance(entry, Frame)
    with Image.open(source / "RGBD_01_output_depth.png") as picture:
        np.testing.assert_array_equal(np.asarray(entry.stored_depth[0]), np.asarray(picture))
    again = prints(["data", "prepare", "auto", str(source), str(store)], capsys)
    assert again == f"{store}: 6 entries of lu, 6 of them from an earlier run, 0.1 MB\n"
    listed = prints(["data", "list", str(store), "--verify"], capsys).splitlines()
    assert listed[0].startswith(f"{store}: store of lu, prepared 2")
    assert listed[0].endswith(f"from {source}, 18 arrays, 0.1 MB")
    assert " ".join(listed[1].split()) == "task split kind entries open sizes (first entry)"
    row = "depth test 8-bit levels 6 0 48 x 40 + 48 x 40 x 3"
    assert " ".join(listed[2].split()) == row
    unprepared = prints(["data", "list", str(source), "--layout", "lu"], capsys).splitlines()
    assert unprepared == listed[1:]


def test_a_damaged_store_is_refused(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    prints(["data", "prepare", "lu", str(source), str(store)], capsys)
    (record, *_) = read_manifest(store).entries
    path = store / record.arrays["depth"].file
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 255]))
    prints(["data", "list", str(store)], capsys)
    problem, last = fails(["data", "list", str(store), "--verify"], capsys)
    assert problem == f"{path}: has changed since it was prepared"
    assert last.startswith(f"error: {store}: damaged arrays, listed above: 1;")
    path.unlink()
    prints(["data", "prepare", "lu", str(source), str(store)], capsys)
    prints(["data", "list", str(store), "--verify"], capsys)


def test_damaged_entries_are_named_and_left_out_when_asked(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    broken = source / "RGBD_03_output_depth.png"
    broken.write_bytes(broken.read_bytes()[:200])
    for path in source.glob("RGBD_06*"):
        path.unlink()
    words = ["data", "prepare", "lu", str(source), str(store)]
    missing, damaged, last = fails(words, capsys)
    assert missing == "test split: has 5 of the 6 entries that are published"
    assert damaged.startswith(f"RGBD_03: {broken}: ")
    assert last == (
        f"error: {store}: not finished, problems listed above: 2; repair them and run this "
        "again (4 of 5 entries are kept), or leave them out with --skip-damaged"
    )
    assert not (store / MANIFEST).exists()
    assert main([*words, "--skip-damaged"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        f"{store}: 4 entries of lu, 4 of them from an earlier run, 0.0 MB; left out, as listed: 2\n"
    )
    assert captured.err.count("\n") == 2
    assert "left out: RGBD_03: " in prints(["data", "list", str(store)], capsys)


@pytest.mark.parametrize(
    "words", ["data list {}", "data show {} -o {}.png", "evaluate {} --systems bicubic"]
)
def test_files_in_no_entry_are_told_in_one_line(
    words: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (6, 7, 8):
        (source / f"RGBD_{number:02d}_output_color (1).png").write_bytes(b"")
    assert main(words.replace("{}", str(source)).split()) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    assert notes == [
        f"gisr: note: {source}: 3 files are left out, RGBD_06_output_color (1).png first: not "
        "named as this layout has it (see gisr data list)"
    ]


def test_the_layouts_are_listed_with_what_they_expect(capsys: pytest.CaptureFixture[str]) -> None:
    text = prints(["data", "list"], capsys)
    assert "lu: Lu, 6 test frames (depth)\n    RGBD_NN_ouput_color.png" in text


def test_a_contact_sheet_of_data_and_store(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, store = str(tmp_path / "sheet.png"), tmp_path / "store"
    line = prints(["data", "show", str(source), "-o", sheet, "--count", "4"], capsys)
    assert line == f"{sheet}: 4 of 6 entries of {source}\n"
    prints(["data", "prepare", "lu", str(source), str(store)], capsys)
    assert "exists already" in fails(["data", "show", str(store), "-o", sheet], capsys)[0]
    shutil.rmtree(source)
    other = str(tmp_path / "other.png")
    prints(["data", "show", str(store), "--count", "4", "--output", other], capsys)
    first, second = (np.asarray(Image.open(path).convert("RGB")) for path in (sheet, other))
    np.testing.assert_array_equal(
        first[50:], second[50:]
    )  # below the title, which names the folder


def test_mistakes_are_told_in_one_line(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(words: str) -> str:
        (line,) = fails(["data", *words.split()], capsys)
        return line.removeprefix("error: ")

    assert fault("") == "say which command (see gisr data --help)"
    assert fault("sort") == (
        "unknown command: 'sort' (choose from 'list', 'prepare', 'show') (see gisr data --help)"
    )
    assert fault(f"show {source} --count few") == (
        "--count few: must be a whole number (see gisr data show --help)"
    )
    assert fault(f"show {source} --count 0") == "count 0 must be at least 1"
    assert fault(f"show {source} --split all") == (
        "split 'all' must be one of train, val, test, research"
    )
    assert fault(f"show {source} --split train -o {tmp_path}/a.png") == (
        f"{source}: no entry of split train: see gisr data list {source}"
    )
    assert fault(f"show {source} -o sheet.jpg") == (
        "sheet.jpg: a contact sheet is a PNG: name it sheet.png"
    )
    assert fault("list --verify") == "nothing to verify: name a prepared store"
    assert fault(f"list {source} --verify").startswith(f"{source}: is no finished store")
    assert "'nothing'" in fault(f"prepare nothing {source} {tmp_path}/store")
    assert "lies in the data set" in fault(f"prepare lu {source} {source}/store")


@pytest.mark.parametrize("command", ["list", "prepare", "show"])
def test_every_data_command_explains_every_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = prints(["data", command, "--help"], capsys)
    assert text.startswith(f"usage: gisr data {command} ")
