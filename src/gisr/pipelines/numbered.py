"""Pairing the files of two folders by number: ``depth_0001.png`` with ``rgb_0001.jpg``."""

import re
from collections.abc import Sequence
from pathlib import Path

from gisr.io.files import file_suffix

_NUMBER = re.compile(r"\d+")


def stem(path: Path) -> str:
    """Return a file's name without its suffix."""
    return path.name[: -len(file_suffix(path))]


def guides_by_number(targets: Sequence[Path], guides: Sequence[Path]) -> dict[Path, Path]:
    """Return the guide with the numbers of each target, where the numbers are all that tells.

    The files of a folder must have one name but for their numbers, and no two of them the same
    numbers: otherwise numbers would pair what does not belong together, and nothing is returned.

    Args:
        targets: All of one folder.
        guides: All of the other.
    """
    low, high = (_by_number(files) for files in (targets, guides))
    return {target: high[number] for number, target in low.items() if number in high}


def _by_number(files: Sequence[Path]) -> dict[tuple[int, ...], Path]:
    names = [stem(path) for path in files]
    if len({_NUMBER.sub("#", name) for name in names}) != 1:
        return {}
    numbers = [tuple(map(int, _NUMBER.findall(name))) for name in names]
    found = dict(zip(numbers, files, strict=True))
    return found if len(found) == len(files) and () not in found else {}
