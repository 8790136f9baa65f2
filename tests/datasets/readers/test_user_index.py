"""The index of a user's own pairs: messages that name the line and the column."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

PAIRS = LAYOUTS["pairs"]

# Cells are divided by blanks here; a dash is an empty cell.
HEAD = "name task split truth guide"
GOOD = "a depth test depth.npy grey.png"
WRONG = [
    ([HEAD], r"pairs\.csv: lists no pair"),
    (["name task split truth"], "line 1, column guide: is missing"),
    ([HEAD + " colour", GOOD], "line 1, column colour: is unknown: use name, task"),
    ([HEAD + " - unit", GOOD], "line 1, column 6: is unknown"),
    ([HEAD + " truth", GOOD], "line 1, column truth: is there twice"),
    ([HEAD, GOOD, GOOD], "line 3, column name: 'a' is that of line 2 too"),
    ([HEAD, GOOD, GOOD + " more"], "line 3: 6 cells for 5 columns"),
    ([HEAD, "a depth test depth.npy -"], "line 2, column guide: is empty"),
    ([HEAD, "- depth test depth.npy grey.png"], "line 2, column name: is empty"),
    ([HEAD, "a/b depth test depth.npy grey.png"], "line 2, column name: 'a/b'"),
    ([HEAD, "a sonar test depth.npy grey.png"], "line 2, column task: 'sonar': use one of pans"),
    ([HEAD, "a depth tset depth.npy grey.png"], "line 2, column split: 'tset': use one of train"),
    ([HEAD, "a depth test - grey.png"], "column truth: is empty, and so is target"),
    ([HEAD, "a depth test gone.npy grey.png"], r"line 2, column truth: .*gone\.npy: no such file"),
    ([HEAD, "a depth test depth.npy pairs.csv"], r"column guide: pairs\.csv: for depth use \.tif"),
    ([HEAD, "a mri test depth.npy grey.png"], r"column truth: depth\.npy: for mri use \.nii"),
    ([HEAD, "a depth test ../depth.npy grey.png"], "line 2, column truth: '../depth.npy': write"),
    ([HEAD, "a depth test in/../depth.npy grey.png"], "column truth: 'in/../depth.npy': write"),
    ([HEAD, "a depth test /etc/depth.npy grey.png"], "column truth: '/etc/depth.npy': write"),
    ([HEAD, r"a depth test C:\d.npy grey.png"], "line 2, column truth: .* write a path inside"),
    ([HEAD, r"a depth test C:d.npy grey.png"], "line 2, column truth: .* write a path inside"),
    ([HEAD, r"a depth test in\d.npy grey.png"], "line 2, column truth: .* write a path inside"),
    ([HEAD + " bits", GOOD + " 11"], "column bits: is for pansharpening and multiband, not depth"),
    ([HEAD + " ratio", GOOD + " 4"], "line 2, column ratio: is for rows with a target"),
    ([HEAD + " scale", GOOD + " 0"], "line 2, column scale: 0 must be above 0"),
    ([HEAD + " scale", GOOD + " nan"], "line 2, column scale: nan is not finite"),
    ([HEAD + " scale", GOOD + " x"], "line 2, column scale: 'x' is no number: write it like 0.5"),
    ([HEAD + " open", GOOD + " maybe"], "line 2, column open: 'maybe': use one of yes"),
    (
        [HEAD + " group", GOOD + " g", "b depth train depth.npy grey.png g"],
        "line 3, column split: 'train', but line 2 puts the group 'g' into 'test'",
    ),
    (
        [HEAD + " target unit ratio", GOOD + " depth.npy m 4"],
        "line 2, column unit: is for rows without a target",
    ),
    ([HEAD + " target", GOOD + " depth.npy"], "line 2, column ratio: is empty"),
    ([HEAD + " target ratio", GOOD + " depth.npy 1.5"], "column ratio: '1.5': use a whole number"),
    ([HEAD + " target ratio", GOOD + " depth.npy 1"], "column ratio: '1': use a whole number"),
    (
        [HEAD + " target ratio", "a depth train - grey.png depth.npy 2"],
        "line 2, column truth: is empty: training and validation need it",
    ),
    (
        [HEAD + " sensor", "a pansharpening test grey.png grey.png Sputnik"],
        "line 2, column sensor: unknown sensor 'Sputnik'",
    ),
    ([HEAD, "a mri test grey.png grey.png"], "line 2, column contrast: is empty"),
    (
        [HEAD + " contrast guide_contrast", "a mri test grey.png grey.png T2 t2"],
        "line 2, column guide_contrast: T2 is that of the truth",
    ),
    (
        [HEAD + " contrast guide_contrast", "a mri test grey.png grey.png T2 T9"],
        "line 2, column guide_contrast: 'T9': use one of T1",
    ),
    (
        [HEAD + " contrast guide_contrast last_slice", "a mri test grey.png grey.png T2 T1 1"],
        "line 2, column last_slice: slices 0 to 1 of a volume that has 0 to 0",
    ),
    (
        [HEAD + " contrast guide_contrast first_slice", "a mri test grey.png grey.png T2 T1 3"],
        "line 2, column first_slice: slices 3 to 0 of a volume that has 0 to 0",
    ),
]


@pytest.mark.parametrize(("lines", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_index_is_refused_with_line_and_column(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    np.save(tmp_path / "depth.npy", np.ones((6, 8)))
    Image.fromarray(np.ones((6, 8), np.uint8)).save(tmp_path / "grey.png")
    (tmp_path / "in").mkdir()
    table = [",".join(cell.strip("-") for cell in line.split()) for line in lines]
    (tmp_path / "pairs.csv").write_text("\n".join(table), encoding="utf-8")
    with pytest.raises(FileFormatError, match=message) as caught:
        PAIRS.read(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,task\xff", "is not UTF-8"),
        (b'name,task,split,guide\n"a,b', r"pairs\.csv, line 2: .*save it again"),
        (b"", "is empty"),
        (b"\n\n", "lists no pair"),
        (b"name,task,split,guide\n" + b"a" * 200_000, "line 2: field larger"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "pairs.csv").write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        PAIRS.read(tmp_path)


def test_an_index_larger_than_any_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "pairs.csv").open("wb") as stream:
        stream.truncate(2**34)
    with pytest.raises(FileFormatError, match="above 16777216 bytes"):
        PAIRS.read(tmp_path)


def test_the_table_and_its_columns_are_found_in_any_case(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", np.ones((6, 8)))
    Image.fromarray(np.ones((6, 8), np.uint8)).save(tmp_path / "grey.png")
    table = "Name, Task ,SPLIT,Truth,guide\na,depth,test,depth.npy,grey.png\n"
    (tmp_path / "Pairs.CSV").write_text(table, encoding="utf-8")
    (entry,) = read_entries(tmp_path)
    assert (entry.dataset, entry.name, entry.split) == ("pairs", "a", "test")
