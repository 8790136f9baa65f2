"""One way to the entries of any folder: our own index, a prepared store, or a published layout."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gisr.datasets.entry import Entry
from gisr.datasets.open_pairs import INDEX, OPEN_PAIRS, read_open_pairs
from gisr.datasets.prepared.store import JOURNAL, is_store, read_store
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.readers.strays import left_out_lines
from gisr.errors import FileFormatError, InputError, meant

AUTO = "auto"
"""In place of a layout: have it recognised."""
STORE = "store"
"""Name of a prepared store, beside those of the layouts."""

_Source = tuple[Callable[[Path], bool], Callable[[Path], list[Entry]]]
"""Whether a folder is such a source, and its entries."""


def read_entries(folder: str | Path, layout: str = AUTO) -> list[Entry]:
    """Return the entries of a folder, whatever it holds; images are read on first use.

    Args:
        folder: A folder with our ``index.json``, or a file like it; a prepared store; or a data set
            as published.
        layout: ``open-pairs``, ``store`` or a name of :data:`gisr.datasets.readers.LAYOUTS`; with
            ``auto`` exactly one of them must recognise the folder.

    Raises:
        FileFormatError: No such folder, none or several layouts recognise it, or it cannot be read.
        InputError: An unknown layout.
    """
    folder, sources = Path(folder), _sources()
    if folder.suffix == ".json" and folder.is_file() and layout in (AUTO, OPEN_PAIRS):
        return read_open_pairs(folder)
    if layout not in (AUTO, *sources):
        remedy = meant(layout, (AUTO, *sources), f"use {AUTO} or one of {', '.join(sources)}")
        raise InputError(f"unknown layout {layout!r}: {remedy}")
    if folder.is_file():
        raise FileFormatError(f"{folder}: is a file: name the folder of the data set")
    if not folder.is_dir():
        raise FileFormatError(f"{folder}: there is no such folder: name the folder of a data set")
    return sources[_recognised(folder) if layout == AUTO else layout][1](folder)


def left_out(folder: str | Path, entries: Sequence[Entry]) -> list[str]:
    """Return what the user is told of a data set as published: files that are in no entry of it.

    Nothing is said of what an index or a manifest lists: there the maker chose.

    Args:
        folder: Of the data set.
        entries: All of the folder, as :func:`read_entries` gives them.

    Returns:
        A line for each kind of such files: how many, the first one, and why.
    """
    names = {entry.dataset for entry in entries}
    kinds = [kind for name, each in LAYOUTS.items() if name in names for kind in each.strays]
    taken = [path for entry in entries for path in entry.files]
    return left_out_lines(Path(folder), kinds, taken) if kinds and taken else []


def _recognised(folder: Path) -> str:
    found = [name for name, (recognises, _) in _sources().items() if recognises(folder)]
    if not found and (folder / JOURNAL).is_file():
        raise FileFormatError(
            f"{folder}: a store that is not finished: run its `gisr data prepare` again, which "
            "goes on where it stopped"
        )
    if not found and not any(folder.iterdir()):
        raise FileFormatError(f"{folder}: is empty: name the folder of a data set")
    if not found:
        raise FileFormatError(
            f"{folder}: no layout recognises this folder; it must be one of "
            f"{', '.join(_sources())} (`gisr data list` shows how each lies on disk; a table "
            "pairs.csv lists your own pairs)"
        )
    if len(found) > 1:
        raise FileFormatError(
            f"{folder}: could be {' or '.join(found)}: name the layout, or prepare a store of it "
            "with `gisr data prepare NAME`"
        )
    return found[0]


def _sources() -> dict[str, _Source]:
    return {
        OPEN_PAIRS: (lambda folder: (folder / INDEX).is_file(), read_open_pairs),
        STORE: (is_store, read_store),
        **{name: (layout.recognises, layout.read) for name, layout in LAYOUTS.items()},
    }
