"""Tables that users write: CSV in UTF-8 with named columns, read line by line and checked."""

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

from gisr.errors import FileFormatError, meant, shortened
from gisr.io.files import check_no_address, check_readable

_Choice = TypeVar("_Choice", bound=str)
_MAX_BYTES = 2**24
"""Size of the largest table that is read: some 75,000 lines."""


@dataclass(frozen=True)
class Column:
    """One column of the index."""

    meaning: str
    """For the documentation and for messages."""
    needed: bool = False
    """Whether every row must fill it."""
    tasks: tuple[str, ...] | None = None
    """The tasks whose rows may fill it; None for all."""
    with_target: bool | None = None
    """Whether only rows with a target, or only rows without one, may fill it."""


@dataclass(frozen=True)
class Row:
    """The filled cells of one line."""

    index: Path
    line: int
    cells: Mapping[str, str]
    columns: Mapping[str, Column]
    """All columns that there may be."""

    @property
    def where(self) -> str:
        """The line, for messages."""
        return f"{self.index}, line {self.line}"

    def error(self, column: str, problem: str) -> FileFormatError:
        """Return an error that names line and column."""
        return FileFormatError(f"{self.where}, column {column}: {problem}")

    def filled(self, column: str) -> str:
        """Return a cell that must not be empty."""
        if column not in self.cells:
            raise self.error(column, f"is empty: give the {self.columns[column].meaning}")
        return self.cells[column]

    def choice(self, column: str, choices: Sequence[_Choice]) -> _Choice:
        """Return one of some words, in their own spelling whatever the case of the cell."""
        text = self.filled(column)
        found = {choice.lower(): choice for choice in choices}.get(text.lower())
        if found is None:
            raise self.error(column, f"{text!r}: use one of {', '.join(choices)}")
        return found

    def number(self, column: str, default: float) -> float:
        """Return a number; NaN and infinity are numbers here."""
        text = self.cells.get(column)
        try:
            return default if text is None else float(text)
        except ValueError:
            raise self.error(column, f"{text!r} is no number: write it like 0.5") from None

    def finite(self, column: str, default: float) -> float:
        """Return a finite number."""
        value = self.number(column, default)
        if not math.isfinite(value):
            raise self.error(column, f"{value:g} is not finite: write a number like 0.5")
        return value

    def positive(self, column: str) -> float | None:
        """Return a finite number above 0, or None where the cell is empty."""
        value = self.finite(column, 1.0)
        if not value > 0:
            raise self.error(column, f"{value:g} must be above 0")
        return value if column in self.cells else None

    def whole(self, column: str, lowest: int, highest: int) -> int | None:
        """Return a whole number in a range, or None where the cell is empty."""
        text = self.cells.get(column)
        if text is None:
            return None
        value = self.number(column, 0.0)
        if not (value.is_integer() and lowest <= value <= highest):
            raise self.error(column, f"{text!r}: use a whole number from {lowest} to {highest}")
        return int(value)

    def path(self, column: str) -> str:
        """Return a path, which is no address."""
        text = self.filled(column)
        try:
            if not os.path.lexists(self.index.parent / text):
                check_no_address(text)
        except FileFormatError as error:
            raise self.error(column, str(error)) from error
        return text

    def file(self, column: str) -> Path:
        """Return a file that is there, by its path inside the folder of the index."""
        text = self.path(column)
        path, windows = PurePosixPath(text), PureWindowsPath(text)
        if "\\" in text or windows.anchor or ".." in path.parts:
            raise self.error(
                column,
                f"{text!r}: write a path inside the folder of {self.index.name}, with / and "
                "without ..",
            )
        try:
            check_readable(self.index.parent / path)
        except FileFormatError as error:
            raise self.error(column, str(error)) from error
        return self.index.parent / path


def read_rows(index: Path, columns: Mapping[str, Column]) -> Iterator[Row]:
    """Give the lines of an index that are not empty, below its header.

    Args:
        index: The file.
        columns: Columns that there may be.

    Raises:
        FileFormatError: No such file, no table in UTF-8, columns that are unknown, missing or there
            twice, or a line with more cells than columns.
    """
    try:
        found = check_readable(index)
        if found.stat().st_size > _MAX_BYTES:
            raise FileFormatError(f"{index}: above {_MAX_BYTES} bytes: divide it over folders")
        text = found.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{index}: is not UTF-8 ({error}): save it as CSV UTF-8") from error
    if "\0" in text:
        number = text[: text.index("\0")].count("\n") + 1
        raise FileFormatError(f"{index}, line {number}: holds a zero byte: save it as CSV UTF-8")
    first = text.partition("\n")[0]
    lines = csv.reader(
        StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True
    )
    header: list[str] = []
    try:
        for line in lines:
            cells = [cell.strip() for cell in line]
            if not header:
                header = _header(f"{index}, line {lines.line_num}", cells, columns)
            elif any(cells):
                if any(cells[len(header) :]):
                    raise FileFormatError(
                        f"{index}, line {lines.line_num}: {len(cells)} cells for {len(header)} "
                        "columns: put cells that hold the separator in quotes"
                    )
                named = zip(header, cells, strict=False)
                filled = {name: cell for name, cell in named if cell}
                yield Row(index, lines.line_num, filled, columns)
    except csv.Error as error:
        raise FileFormatError(
            f"{index}, line {lines.line_num}: {error}: save it again as CSV"
        ) from error


def _shown(name: str) -> str:
    """Return a name for a message of one line."""
    return shortened(name if name.isprintable() else repr(name))


def _header(where: str, cells: list[str], columns: Mapping[str, Column]) -> list[str]:
    """Return the names of the columns, without the empty ones that spreadsheets add at the end.

    They are taken in any case, and with blanks for underscores: spreadsheets write ``Guide``.
    """
    names = ["_".join(cell.lower().split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    for place, column in enumerate(names):
        if column not in columns:
            remedy = meant(column, columns, f"use {', '.join(columns)}")
            raise FileFormatError(
                f"{where}, column {_shown(cells[place]) or place + 1}: is unknown: {remedy}"
            )
        if names.index(column) < place:
            raise FileFormatError(f"{where}, column {column}: is there twice: take one away")
    for column, about in columns.items():
        if names and about.needed and column not in names:
            raise FileFormatError(
                f"{where}, column {column}: is missing: add it, the {about.meaning}"
            )
    return names
