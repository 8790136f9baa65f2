"""Files in a folder that look like a layout's and are in none of its entries: they are told."""

from collections.abc import Iterable
from pathlib import Path

from gisr.datasets.readers.folders import walk
from gisr.datasets.readers.layout import Strays


def left_out_lines(folder: Path, kinds: Iterable[Strays], taken: Iterable[Path]) -> list[str]:
    """Return a line for each kind of files in a folder that no entry takes.

    Args:
        folder: Of the data set.
        kinds: A file counts for the first that it fits.
        taken: Files of the entries.
    """
    read = {path.resolve() for path in taken}
    found: dict[Strays, list[str]] = {kind: [] for kind in kinds}
    for place, _, names in walk(folder):
        for name in names:
            path = (place / name).relative_to(folder).as_posix()
            kind = next((each for each in found if each.pattern.fullmatch(path)), None)
            if kind is not None and (place / name).resolve() not in read:
                found[kind].append(path)
    return [_line(folder, kind, paths) for kind, paths in found.items() if paths]


def _line(folder: Path, kind: Strays, paths: list[str]) -> str:
    if len(paths) == 1:
        return f"{folder}: {paths[0]} is left out: {kind.reason}"
    return f"{folder}: {len(paths)} files are left out, {paths[0]} first: {kind.reason}"
