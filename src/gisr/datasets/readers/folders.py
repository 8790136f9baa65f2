"""What the readers of satellite and MR data sets share: finding folders, files and sensors."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from gisr.datasets.entry import Split
from gisr.datasets.readers.layout import LayoutName
from gisr.errors import FileFormatError, InputError
from gisr.tasks.sensors import find_sensor

_DEPTH = 5
"""How far below the folder that was named is looked: archives unpack into folders of folders."""
_MACOS_ARCHIVE = "__MACOSX"
"""Folder in archives packed by macOS: the names of the set over again, with no images in them."""

SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""Names that folders and files of a split have, in lower case."""


def hidden(name: str) -> bool:
    """Whether a name is none of a data set's: macOS writes ``._1.mat`` beside ``1.mat``."""
    return name.startswith(".") or name == _MACOS_ARCHIVE


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Give every folder to a depth of five with the names in it, sorted; links are followed.

    What cannot be listed is left out, and what is :func:`hidden`.
    """
    start = len(folder.parts)
    for name, folders, files in os.walk(folder, followlinks=True):
        found = Path(name)
        folders[:] = sorted(name for name in folders if not hidden(name))
        yield found, list(folders), sorted(name for name in files if not hidden(name))
        if len(found.parts) - start >= _DEPTH:
            folders.clear()  # os.walk goes down into what is left in the list


def folders_with(folder: Path, *names: str) -> list[Path]:
    """Return the folders that hold folders of all these names, in any case."""
    return [
        found
        for found, folders, _ in walk(folder)
        if {name.lower() for name in names} <= {name.lower() for name in folders}
    ]


def files_of(folder: Path, name: str, suffix: str) -> dict[str, Path]:
    """Return the files with a suffix in a folder's folder, in any case, by stem: 2 before 10.

    Raises:
        FileFormatError: Two differ in nothing but the case of the suffix.
    """
    inner = next(path for path in folder.iterdir() if path.name.lower() == name.lower())
    _, _, names = next(walk(inner), (inner, [], []))  # none where it cannot be listed
    stems: dict[str, str] = {}
    for found in names:
        if Path(found).suffix.lower() == suffix:
            other = stems.setdefault(Path(found).stem, found)
            if other != found:
                raise FileFormatError(
                    f"{inner / found}: {other} is there too: take one of them away"
                )
    return {stem: inner / stems[stem] for stem in sorted(stems, key=natural)}


def partners(folder: Path, names: Sequence[str], suffix: str) -> dict[str, tuple[Path, ...]]:
    """Return the files that have one stem in several folders of a folder.

    Args:
        folder: Holds the folders.
        names: Of the folders.
        suffix: Of the files, in lower case.

    Raises:
        FileFormatError: A file has no partner in one of the folders.
    """
    parts = [files_of(folder, name, suffix) for name in names]
    for stem in sorted(set().union(*parts), key=natural):
        for name, part in zip(names, parts, strict=True):
            if stem not in part:
                raise FileFormatError(
                    f"{folder}: {name}/{stem}{suffix} is missing: download the set again, or take "
                    "its partners away"
                )
    return {stem: tuple(part[stem] for part in parts) for stem in parts[0]}


def natural(name: str) -> tuple[list[int], str]:
    """Return a key that sorts names by the numbers in them."""
    return [int(number) for number in re.findall(r"\d+", name)], name


def sensor_of_folder(folder: Path) -> str:
    """Return the sensor that a folder is called after, in any case, with or without a number.

    ``1 IKONOS``, ``3_Gaofen-1``, ``gf1`` and ``QB`` are such names.

    Raises:
        FileFormatError: No known sensor.
    """
    name = folder.resolve().name
    try:
        return find_sensor(re.sub(r"^\W*\d+[\W_]+", "", name)).name
    except InputError as error:
        raise FileFormatError(
            f"{folder}: the name of this folder must be that of a sensor: {error}"
        ) from error


def sensor_in_name(name: str) -> str | None:
    """Return the sensor that a part of a file's name names, if any."""
    for word in re.split(r"[\W_]+", name):
        try:
            return find_sensor(word).name
        except InputError:
            continue
    return None


def check_found(entries: Collection[object], folder: Path, name: LayoutName, expects: str) -> None:
    """Refuse a folder that gave no entry.

    Raises:
        FileFormatError: There is none; the message has what was expected.
    """
    if not entries:
        raise FileFormatError(
            f"{folder}: no folder of the layout {name}: it has {' '.join(expects.split())}"
        )
