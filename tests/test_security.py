"""SECURITY.md names a test for every promise, and the tests are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`((?:[\w/]+\.py)?)::(test_\w+)`|`([\w/]+\.py)`")


def named() -> list[tuple[str, str]]:
    """Return file and test of each that is named; a name without a file is of the one before."""
    found, file = list[tuple[str, str]](), ""
    for match in NAMED.finditer(PAGE):
        file = match[1] or match[3] or file
        found.append((file, match[2] or ""))
    return [each for each in found if each[0].rpartition("/")[2].startswith("test_")]


def test_every_named_test_is_there() -> None:
    assert len(named()) > 40
    for file, test in named():
        text = (TESTS / file.removeprefix("tests/")).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, f"{file}::{test}"


def test_every_promise_has_a_test() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    rows = [line for line in lines if "test |" not in line]
    assert len(rows) > 25
    for row in rows:
        assert NAMED.search(row), row
    # Each promise of the list at the beginning has its rows.
    numbers = {int(number) for number in re.findall(r"^(\d)\. \*\*", PAGE, re.MULTILINE)}
    assert {
        int(row.split("|")[1]) for row in rows if row.split("|")[1].strip().isdigit()
    } == numbers
