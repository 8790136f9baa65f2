"""One case of the corpus: files in an empty folder, a command over them, and what it must say."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Make = Callable[[Path], Sequence[str]]
"""Writes files into an empty folder, where the command will run; gives the command's words."""
Change = Callable[[bytes], bytes]
"""Spoils the bytes of a file."""


@dataclass(frozen=True)
class Case:
    """One thing that a user, or an enemy, may hand to the command line."""

    make: Make
    says: tuple[str, ...] = ()
    """Parts of the error's one line. None: the command must work."""
    largest_file: int | None = None
    """Bytes that a file may grow to: stands for a full disk."""
    without_rights: bool = False
    """Whether the command must run as a user who is not root."""
    goes_on: bool = False
    """Whether the command tells what is wrong with each of several things in a line of its own
    before the error's, and keeps what it has done in the folder ``store`` to go on from there."""
    slow: bool = False
    """Whether the error needs the network itself, and so the seconds that torch takes to load."""


def refused(make: Make, *says: str) -> Case:
    """Return a case that must fail with one line that has all these parts."""
    assert says
    return Case(make, says)


def reported(make: Make, *says: str) -> Case:
    """Return a case of a command over several things, which must fail and tell each."""
    assert says
    return Case(make, says, goes_on=True)


def works(make: Make) -> Case:
    """Return a case that is odd, but sound."""
    return Case(make)


def spoiled(make: Make, name: str, change: Change) -> Make:
    """Return what makes sound files, and then changes the bytes of one of them."""

    def write(folder: Path) -> Sequence[str]:
        words = make(folder)
        path = folder / name
        path.write_bytes(change(path.read_bytes()))
        return words

    return write


def then(make: Make, name: str, replace: Callable[[Path], object]) -> Make:
    """Return what makes sound files, takes one away, and puts something else in its place."""

    def write(folder: Path) -> Sequence[str]:
        words = make(folder)
        (folder / name).unlink()
        replace(folder / name)
        return words

    return write


def cut(end: int) -> Change:
    """Return what keeps the bytes before ``end``, which counts from the last when negative."""
    return lambda data: data[:end]


def half(data: bytes) -> bytes:
    """Keep the first half."""
    return data[: len(data) // 2]


def put(offset: int, form: str, *values: float | bytes) -> Change:
    """Return what writes values, packed by ``struct``, over the bytes at an offset."""
    packed = struct.pack(form, *values)
    return lambda data: data[:offset] + packed + data[offset + len(packed) :]


def content(data: bytes) -> Change:
    """Return what puts other bytes in place of all."""
    return lambda _: data


def junk(data: bytes) -> bytes:
    """Put ones over the last quarter."""
    keep = len(data) * 3 // 4
    return data[:keep] + b"\xff" * (len(data) - keep)


def gaps(data: bytes) -> bytes:
    """Put zeros over the last third, where pixels are."""
    keep = len(data) * 2 // 3
    return data[:keep] + bytes(len(data) - keep)
