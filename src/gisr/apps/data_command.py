"""``gisr data``: what layouts there are, what a folder holds, and the store made of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from gisr.apps.progress import ProgressBar
from gisr.errors import FileFormatError, GisrError, InputError

if TYPE_CHECKING:
    from gisr.datasets.entry import Entry, Split
    from gisr.datasets.overview import Holding
    from gisr.datasets.prepared.prepare import Preparation


def list_data(
    folder: str | None = None,
    *,
    layout: str = "auto",
    verify: bool = False,
    quiet: bool = False,
) -> None:
    """List the layouts that can be read, or what a data set or prepared store holds.

    Args:
        folder: A data set or a prepared store; the layouts are listed when it is left out.
        layout: How the data set lies on disk, a name of the list; recognised when left out.
        verify: Compute the sums of all arrays of a prepared store again.
        quiet: Show no progress bar.
    """
    if folder is None:
        if verify:
            raise InputError("nothing to verify: name a prepared store")
        _print_layouts()
        return
    from gisr.datasets.overview import holdings
    from gisr.datasets.prepared.store import is_store

    if verify:
        if not is_store(folder):
            raise InputError(f"{folder}: is no finished store: only a store has sums to verify")
        _verify(folder, quiet)
    entries = _read(folder, layout)
    if is_store(folder):
        _print_manifest(folder)
    _note_divided_groups(entries)
    _print_holdings(holdings(entries))


def prepare(
    name: str,
    source: str,
    destination: str,
    *,
    skip_damaged: bool = False,
    quiet: bool = False,
) -> None:
    """Make a store of a data set: checked once, then fast to train from.

    Every image is read, checked and written as an array that training maps into memory. A run that
    was interrupted goes on where it stopped. What is damaged or missing is listed; then there is no
    store until it is repaired, or left out with --skip-damaged.

    Args:
        name: Layout of the data set (see `gisr data list`), or auto to have it recognised.
        source: Folder of the data set.
        destination: Folder of the store: new, empty, or of an earlier run.
        skip_damaged: Finish the store without what is damaged or missing.
        quiet: Show no progress bar.
    """
    from gisr.datasets.prepared.prepare import prepare_store
    from gisr.datasets.prepared.store import is_store

    if is_store(source):
        raise InputError(f"{source}: is a prepared store already: train from it")
    entries = _read(source, name)
    if not entries:
        raise FileFormatError(f"{source}: holds no entry of the layout {name}: name another folder")
    dataset, count = entries[0].dataset, len(entries)
    _note_divided_groups(entries)
    with ProgressBar("entries", quiet) as bar:
        done = prepare_store(
            entries,
            source,
            destination,
            counts=_counts(dataset),
            skip_damaged=skip_damaged,
            progress=bar,
        )
    for problem, reason in done.problems.items():
        print(f"gisr: {problem}: {reason}", file=sys.stderr)
    if not done.finished:
        raise FileFormatError(_unfinished(done, count, destination))
    again = f", {done.kept} of them from an earlier run" if done.kept else ""
    without = f"; left out, as listed: {len(done.problems)}" if done.problems else ""
    print(
        f"{destination}: {done.entries} entries of {dataset}{again}, {_size(done.bytes)}{without}"
    )


def show(
    source: str,
    *,
    output: str = "sheet.png",
    layout: str = "auto",
    split: str | None = None,
    count: int = 12,
    overwrite: bool = False,
) -> None:
    """Draw a contact sheet of a data set or prepared store: targets and guides side by side.

    Args:
        source: A data set or a prepared store.
        output: PNG to write; sheet.png when left out.
        layout: How the data set lies on disk (see `gisr data list`); recognised when left out.
        split: Show only this split: train, val, test or research.
        count: Entries to show, spread evenly over all; 12 when left out.
        overwrite: Replace an existing picture.
    """
    from gisr.datasets.contact_sheet import draw_contact_sheet
    from gisr.datasets.entry import Split
    from gisr.io.files import check_writable, file_suffix

    if split is not None and split not in get_args(Split):
        raise InputError(f"split {split!r} must be one of {', '.join(get_args(Split))}")
    if count < 1:
        raise InputError(f"count {count} must be at least 1")
    if file_suffix(output) != ".png":
        raise FileFormatError(
            f"{output}: a contact sheet is a PNG: name it {Path(output).stem}.png"
        )
    check_writable(output, overwrite)
    entries = [entry for entry in _read(source, layout) if split in (None, entry.split)]
    if not entries:
        raise InputError(f"{source}: no entry of split {split}: see gisr data list {source}")
    about = Path(source).resolve().name + ("" if split is None else f", {split}")
    draw_contact_sheet(Path(output), entries, about, count=count)
    print(f"{output}: {min(count, len(entries))} of {len(entries)} entries of {source}")


def _read(folder: str, layout: str) -> "list[Entry]":
    """Return the entries of a prepared store or of a data set."""
    from gisr.datasets.prepared.store import is_store, read_store

    if is_store(folder):
        return read_store(folder)
    from gisr.datasets.sources import left_out, read_entries

    entries = read_entries(folder, layout)
    for line in left_out(folder, entries):
        print(f"gisr: note: {line}", file=sys.stderr)
    return entries


def _counts(dataset: str) -> "dict[Split, int]":
    from gisr.datasets.readers import LAYOUTS

    found = [layout.counts for layout in LAYOUTS.values() if layout.name == dataset]
    return dict(found[0]) if found else {}


def _verify(folder: str, quiet: bool) -> None:
    from gisr.datasets.prepared.manifest import read_manifest
    from gisr.datasets.prepared.store import damaged_arrays

    manifest = read_manifest(folder)
    with ProgressBar("arrays", quiet) as bar:
        problems = damaged_arrays(folder, manifest, verify=True, progress=bar)
    for reason in problems.values():
        print(f"gisr: {reason}", file=sys.stderr)
    if problems:
        raise FileFormatError(
            f"{folder}: damaged arrays, listed above: {len(problems)}; delete them and prepare the "
            "store again, which writes only what is missing"
        )


def _note_divided_groups(entries: "list[Entry]") -> None:
    from gisr.datasets.overview import divided_groups

    for group, splits in divided_groups(entries).items():
        print(
            f"gisr: note: group {group!r} stands in {' and '.join(splits)}: scores may be too good",
            file=sys.stderr,
        )


def _print_layouts() -> None:
    from gisr.datasets.readers import LAYOUTS

    for layout in LAYOUTS.values():
        print(f"{layout.name}: {layout.title} ({layout.task or 'any task'})")
        for line in layout.expects.strip().splitlines():
            print(f"    {line}")
        print()


def _print_manifest(folder: str) -> None:
    from gisr.datasets.prepared.manifest import read_manifest

    manifest = read_manifest(folder)
    arrays = [array for entry in manifest.entries for array in entry.arrays.values()]
    print(
        f"{folder}: store of {manifest.layout}, prepared {manifest.prepared} from "
        f"{manifest.source}, {len(arrays)} arrays, {_size(sum(array.bytes for array in arrays))}"
    )
    for problem, reason in manifest.left_out.items():
        print(f"left out: {problem}: {reason}")


def _print_holdings(found: "list[Holding]") -> None:
    rows = [("task", "split", "kind", "entries", "open", "sizes (first entry)")]
    for holding in found:
        counts = str(len(holding.entries)), str(holding.open)
        rows.append((holding.task, holding.split, holding.kind, *counts, _first_size(holding)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _first_size(holding: "Holding") -> str:
    from gisr.datasets.overview import sizes_of

    try:
        return sizes_of(holding.entries[0])
    except GisrError as error:
        return f"cannot be read: {error}"


def _unfinished(done: "Preparation", count: int, destination: str) -> str:
    if done.entries == 0:
        return f"{destination}: no entry could be prepared, see above"
    return (
        f"{destination}: not finished, problems listed above: {len(done.problems)}; repair them "
        f"and run this again ({done.entries} of {count} entries are kept), or leave them out with "
        "--skip-damaged"
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
