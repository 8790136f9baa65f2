"""Many pairs at once: two folders or a list, planned before the first, summed up after the last.

Nothing here needs torch, so that a mistake in a plan is reported at once.
"""

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, GisrError, InputError, one_line, shortened
from gisr.io.files import check_no_address, file_suffix
from gisr.io.table import Column, Row, read_rows
from gisr.io.volumes.dicom_files import is_dicom
from gisr.memory import release_freed_memory
from gisr.notes import Note
from gisr.pipelines.delivery import is_product, product_folders
from gisr.pipelines.folder_pairs import TARGET_SUFFIXES, folder_pairs, named
from gisr.pipelines.option import Option, number_or_word, options_of
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult

LIST_SUFFIX = ".csv"
"""What a list of pairs is called."""
_LONGEST_LINE = 2**20
"""Bytes of a line that are looked at."""
COLUMNS: dict[str, Column] = {
    "target": Column("low-resolution file", needed=True),
    "guide": Column("high-resolution file of the other modality", needed=True),
    "output": Column("file to write; the target's name when empty"),
    **{
        name: Column(each.info.help, tasks=each.info.tasks or None)
        for name, each in options_of(Options).items()
        if each.info.column
    },
}
"""The columns of a list by name: two files, and what may differ from pair to pair."""


@dataclass(frozen=True)
class BatchItem:
    """One pair of a batch."""

    target: Path
    guide: Path
    output: Path
    options: Options


@dataclass(frozen=True)
class Batch:
    """What there is to do. All paths are absolute: other processes may do it."""

    items: tuple[BatchItem, ...]
    skipped: tuple[BatchItem, ...] = ()
    """Pairs whose outputs are there already."""
    notes: tuple[Note, ...] = ()
    """What a user should know about choices that were made for them."""
    failures: tuple[str, ...] = ()
    """Files that belong to no pair because they cannot be read, and why."""


@dataclass(frozen=True)
class PairOutcome:
    """What became of one pair: a result, or the message of the error."""

    item: BatchItem
    result: FileResult | None
    failure: str = ""

    @property
    def failure_line(self) -> str:
        """The error with the target's path, once, however either spells it."""
        target, failure = self.item.target, one_line(self.failure)
        paths = [one_line(str(path)) for path in (target, target.resolve())]
        named = any(path in failure for path in paths)
        return f"failed: {failure if named else f'{paths[0]}: {failure}'}"


@dataclass(frozen=True)
class Summary:
    """What became of a batch."""

    outcomes: tuple[PairOutcome, ...]
    skipped: int
    seconds: float
    """Wall time of all."""
    failures: tuple[str, ...] = ()
    """Those of :class:`Batch`."""

    @property
    def failed(self) -> tuple[PairOutcome, ...]:
        """The pairs without a result."""
        return tuple(outcome for outcome in self.outcomes if outcome.result is None)

    @property
    def exit_code(self) -> int:
        """0 when every pair has its output, 1 when some failed."""
        return 1 if self.failed or self.failures else 0

    def __str__(self) -> str:
        """Return one line that counts, and one for each failure."""
        failed = [*self.failures, *(outcome.failure_line for outcome in self.failed)]
        done = len(self.outcomes) - len(self.failed)
        counts = f"{done} done, {len(failed)} failed"
        if self.skipped:
            counts += f", {self.skipped} skipped"
        lines = [f"{counts}, {self.seconds:.1f} s"]
        return "\n".join([*lines, *failed])


def is_batch(target: str) -> bool:
    """Return whether a target stands for many: a folder, or a list of pairs.

    A folder of DICOM images is one series, and that of a satellite product one pair, not many.
    """
    folder = Path(target).is_dir() and not is_dicom(target) and not is_product(target)
    return folder or file_suffix(target) == LIST_SUFFIX


def plan_batch(
    targets: Path,
    guides: Path | None,
    output: Path,
    options: Options | None = None,
    *,
    skip_existing: bool = False,
) -> Batch:
    """Find the pairs of two folders or of a list, and where their outputs go.

    Files of two folders belong together when they have the same name up to the suffix, or up to an
    ending that names the modality: ``a_MS.tif`` and ``a_PAN.tif``, ``sub-01_T2w.nii.gz`` and
    ``sub-01_T1w.nii.gz``; or else by number: ``depth_01.png`` and ``rgb_01.jpg``. One guide may
    serve several targets. A folder of satellite products needs no other: each is a pair.

    Args:
        targets: A folder, or a list: a table in UTF-8 whose first line names columns
            (:data:`COLUMNS`). Its relative paths start at its own folder.
        guides: The other folder; None with a list.
        output: Folder of the outputs, created when missing. An output has the target's name unless
            the list gives another.
        options: For all pairs; a list's filled cells go before them.
        skip_existing: Whether pairs with an output are left alone. Otherwise an output that exists
            is refused unless the options have overwrite.

    Raises:
        FileFormatError: No such folder, an empty one, a list that cannot be used, or an output that
            exists or is an input.
        PairError: A target has no guide, or several.
        InputError: Arguments do not go together.
    """
    options = options or Options()
    if guides is not None and _holds_numbers(targets):
        code = f"numpy.save('{targets.stem}.npy', numpy.loadtxt('{targets}', delimiter=','))"
        raise FileFormatError(
            f"{targets}: holds numbers alone, so it is no list of pairs: of a depth map make an "
            f'array (python -c "import numpy; {code}")'
        )
    for name in options.further_files:
        raise InputError(f"{name} names one file: give it with one pair, not with several")
    if skip_existing and options.overwrite:
        raise InputError("skip-existing and overwrite exclude each other: leave one out")
    if output.exists() and not output.is_dir():
        raise FileFormatError(f"{output}: is a file: several pairs need a folder for their outputs")
    notes: list[Note] = []
    check_no_address(output)
    if targets.is_dir():
        place = output.resolve()
        products = product_folders(targets.resolve()) if guides is None else []
        pairs = [] if products else folder_pairs(targets, guides, notes)
        items = [BatchItem(low, high, place / low.name, options) for low, high in pairs]
        items += [BatchItem(p, p, place / f"{p.stem}.tif", options) for p in products]
    elif guides is not None:
        raise InputError(f"{targets} lists targets and guides: leave the guide {guides} out")
    else:
        items = list(_list_items(targets, output, options))
    if not output.exists() and file_suffix(output) in TARGET_SUFFIXES:
        raise FileFormatError(
            f"{output}: is named like one file: several pairs need a folder for their outputs, "
            f"such as -o {shlex.quote(str(output)[: -len(file_suffix(output))])}"
        )
    return planned(items, options, skip_existing=skip_existing, notes=notes)


def _holds_numbers(path: Path) -> bool:
    """Return whether the first line of a file is numbers, as of a depth map saved as text."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        cells = stream.readline(_LONGEST_LINE).split(b",")
    try:
        return len([float(cell) for cell in cells]) > 1
    except ValueError:
        return False


def planned(
    items: Sequence[BatchItem],
    options: Options,
    *,
    skip_existing: bool,
    notes: Sequence[Note] = (),
    failures: Sequence[str] = (),
) -> Batch:
    """Return a batch of pairs whose outputs can be, without those that are to be left alone.

    Args:
        items: The pairs.
        options: Whether outputs that exist are replaced.
        skip_existing: Whether pairs with an output are left alone.
        notes: What a user should know about choices that were made for them.
        failures: Files that belong to no pair because they cannot be read, and why.

    Raises:
        FileFormatError: An output is that of two pairs, is an input, or exists and is to stay.
    """
    _check_outputs(items)
    there = [item for item in items if _exists(item.output)]
    if there and not (skip_existing or options.overwrite):
        names = named(item.output for item in there)
        raise FileFormatError(
            f"{len(there)} of {len(items)} outputs exist already ({names}): keep them "
            "with --skip-existing, replace them with --overwrite, or choose another folder"
        )
    skipped = tuple(there) if skip_existing else ()
    kept = {item.output for item in skipped}
    todo = tuple(item for item in items if item.output not in kept)
    return Batch(todo, skipped, tuple(notes), tuple(failures))


def run_batch(
    batch: Batch,
    upscale: Callable[[BatchItem], FileResult],
    report: Callable[[PairOutcome], None] = lambda outcome: None,
) -> Summary:
    """Do what was planned, one pair after the other; an error of one does not stop the others.

    Args:
        batch: From :func:`plan_batch`.
        upscale: Sharpens one pair and writes its output.
        report: Called after every pair.
    """
    began, outcomes = time.perf_counter(), []
    for item in batch.items:
        outcomes.append(attempt(upscale, item))
        report(outcomes[-1])
    return Summary(tuple(outcomes), len(batch.skipped), time.perf_counter() - began)


def attempt(upscale: Callable[[BatchItem], FileResult], item: BatchItem) -> PairOutcome:
    """Sharpen one pair and catch the errors that a user can act on; others are defects."""
    try:
        _make_folder(item.output.parent)
        return PairOutcome(item, upscale(item))
    except GisrError as error:
        failed = PairOutcome(item, None, one_line(str(error)))
    release_freed_memory()  # outside of the handler, which holds what the failed pair held
    return failed


def _list_items(path: Path, output: Path, options: Options) -> Iterator[BatchItem]:
    rows = list(read_rows(path, COLUMNS))
    if not rows:
        raise FileFormatError(f"{path}: lists no pair: add a line for every pair")
    folder, place = path.resolve().parent, output.resolve()
    pairs: dict[tuple[Path, Path, Path], int] = {}
    for row in rows:
        target, guide = (folder / row.path(column) for column in ("target", "guide"))
        chosen = place / (name := row.cells.get("output", target.name))
        if place not in Path(os.path.normpath(chosen)).parents:
            problem = f"{shortened(name)!r} lies outside the folder {output}: name one inside it"
            raise row.error("output", problem)
        first = pairs.setdefault((target, guide, chosen), row.line)
        if first != row.line:
            raise FileFormatError(
                f"{path}, lines {first} and {row.line}: {target.name} with {guide.name} is listed "
                "twice: take one line away, or name another file in its column output"
            )
        yield BatchItem(target, guide, chosen, replace(options, **_row_options(row)))


def _row_options(row: Row) -> dict[str, Any]:
    """Return the options that a line gives."""
    return {
        name: _cell(row, each)
        for name, each in options_of(Options).items()
        if each.info.column and name in row.cells
    }


def _cell(row: Row, each: Option) -> str | float | int | None:
    """Return the value of an option in a line."""
    if each.words:
        return row.choice(each.name, each.words)
    if each.type is int:
        low, high = each.info.least, each.info.most
        assert low is not None and high is not None  # every option with whole numbers has both
        return row.whole(each.name, int(low), int(high))
    if each.instead:
        try:
            return number_or_word(each, row.filled(each.name))
        except InputError as error:
            raise row.error(each.name, str(error)) from None
    if each.type is float:
        return row.positive(each.name) if each.info.positive else row.number(each.name, 0.0)
    return row.filled(each.name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long
        name, reason = shortened(path.name), error.strerror or error
        raise FileFormatError(
            f"{name}: cannot be an output: {reason}: name it otherwise"
        ) from error


def _check_outputs(items: Sequence[BatchItem]) -> None:
    """Refuse two pairs with one output, and outputs that are inputs of any pair."""
    owners: dict[Path, BatchItem] = {}
    for item in items:
        other = owners.setdefault(item.output, item)
        if other is not item:
            raise FileFormatError(
                f"{item.output}: would be the output of {other.target} and {item.target}: give "
                "them names in the column output of a list"
            )
    inputs = {path.resolve() for item in items for path in (item.target, item.guide)}
    for item in items:
        if item.output.resolve() in inputs:
            raise FileFormatError(f"{item.output}: is also an input: choose another output folder")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be created: {error.strerror or error}") from error
