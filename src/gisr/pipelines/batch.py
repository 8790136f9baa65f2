"""Many pairs at once: two folders or a list, planned before the first, summed up after the last.

Nothing here needs torch, so that a mistake in a plan is reported at once.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, GisrError, InputError, PairError, listed, shortened
from gisr.io.files import file_suffix
from gisr.io.table import Column, Row, read_rows
from gisr.io.volumes.dicom import is_dicom
from gisr.notes import Note
from gisr.pipelines.numbered import guides_by_number, stem
from gisr.pipelines.option import Option, number_or_word, options_of
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult
from gisr.tasks import TASKS

LIST_SUFFIX = ".csv"
"""What a list of pairs is called."""
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

_TARGETS = {suffix for task in TASKS.values() for suffix in task.output_suffixes}
_GUIDES = _TARGETS | {".jpg", ".jpeg"}
_MODALITIES = (
    *(ending for task in TASKS.values() for ending in task.file_endings),
    *("target", "guide", "lr", "hr"),
)
"""Endings of file names that distinguish a target from its guide."""
_ENDING = re.compile(rf"(?:^|[-_. ]+)(?:{'|'.join(_MODALITIES)})$", re.IGNORECASE)
_MOST_NAMED = 5
"""Files that one message names; more would not be read."""


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


@dataclass(frozen=True)
class PairOutcome:
    """What became of one pair: a result, or the message of the error."""

    item: BatchItem
    result: FileResult | None
    failure: str = ""

    @property
    def failure_line(self) -> str:
        """The error with the target's path, once."""
        path = str(self.item.target)
        named = path in self.failure
        return f"failed: {self.failure if named else f'{path}: {self.failure}'}"


@dataclass(frozen=True)
class Summary:
    """What became of a batch."""

    outcomes: tuple[PairOutcome, ...]
    skipped: int
    seconds: float
    """Wall time of all."""

    @property
    def failed(self) -> tuple[PairOutcome, ...]:
        """The pairs without a result."""
        return tuple(outcome for outcome in self.outcomes if outcome.result is None)

    @property
    def exit_code(self) -> int:
        """0 when every pair has its output, 1 when some failed."""
        return 1 if self.failed else 0

    def __str__(self) -> str:
        """Return one line that counts, and one for each failure."""
        failed = self.failed
        counts = f"{len(self.outcomes) - len(failed)} done, {len(failed)} failed"
        if self.skipped:
            counts += f", {self.skipped} skipped"
        lines = [f"{counts}, {self.seconds:.1f} s"]
        return "\n".join([*lines, *(outcome.failure_line for outcome in failed)])


def is_batch(target: str) -> bool:
    """Return whether a target stands for many: a folder, or a list of pairs.

    A folder of DICOM images is one series, not many pairs.
    """
    folder = Path(target).is_dir() and not is_dicom(target)
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
    serve several targets.

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
    for name in options.further_files:
        raise InputError(f"{name} names one file: give it with one pair, not with several")
    if skip_existing and options.overwrite:
        raise InputError("skip-existing and overwrite exclude each other: leave one out")
    if output.exists() and not output.is_dir():
        raise FileFormatError(f"{output}: is a file: several pairs need a folder for their outputs")
    notes: list[Note] = []
    if targets.is_dir():
        items = _folder_items(targets, guides, output, options, notes)
    elif guides is not None:
        raise InputError(f"{targets} lists targets and guides: leave the guide {guides} out")
    else:
        items = list(_list_items(targets, output, options))
    _check_outputs(items)
    there = [item for item in items if _exists(item.output)]
    if there and not (skip_existing or options.overwrite):
        names = _named(item.output for item in there)
        raise FileFormatError(
            f"{len(there)} of {len(items)} outputs exist already ({names}): keep them "
            "with --skip-existing, replace them with --overwrite, or choose another folder"
        )
    skipped = tuple(there) if skip_existing else ()
    kept = {item.output for item in skipped}
    return Batch(tuple(i for i in items if i.output not in kept), skipped, tuple(notes))


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
        return PairOutcome(item, None, " ".join(str(error).split()))


def _folder_items(
    targets: Path, guides: Path | None, output: Path, options: Options, notes: list[Note]
) -> list[BatchItem]:
    if guides is None or not guides.is_dir():
        raise InputError(f"{targets} is a folder: name the folder of the guides after it")
    if targets.resolve() == guides.resolve():
        raise InputError(
            f"{targets}: targets and guides lie in one folder: list them in a {LIST_SUFFIX} file "
            "with the columns target and guide"
        )
    low, high = _images(targets, _TARGETS), _images(guides, _GUIDES)
    numbers = guides_by_number(low, high)
    pairs = [(target, _guide_of(target, high, numbers)) for target in low]
    if unused := sorted(set(high) - {guide for _, guide in pairs}):
        notes.append(Note(f"{len(unused)} guides have no target: {_named(unused)}"))
    place = output.resolve()
    return [BatchItem(target, guide, place / target.name, options) for target, guide in pairs]


def _images(folder: Path, suffixes: set[str]) -> list[Path]:
    """Return the image files right in a folder, by name; hidden ones do not count."""
    try:
        files = sorted(
            path
            for path in folder.resolve().iterdir()
            if file_suffix(path) in suffixes and path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be read: {error.strerror or error}") from error
    if not files:
        raise FileFormatError(f"{folder}: holds no image ({', '.join(sorted(suffixes))})")
    return files


def _guide_of(target: Path, guides: Sequence[Path], numbers: Mapping[Path, Path]) -> Path:
    """Return the one guide of a target: of the same stem, or beginning, or number."""
    for name in (stem, _beginning):
        fitting = [guide for guide in guides if name(guide) == name(target)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise PairError(
                f"{target.name}: {len(fitting)} guides may belong to it ({_named(fitting)}): take "
                f"those that do not out of the folder, or list the pairs in a {LIST_SUFFIX} file"
            )
    if target in numbers:
        return numbers[target]
    raise PairError(
        f"{target.name}: no guide in {guides[0].parent} has its name, or its beginning "
        f"{_beginning(target)!r} before the name of a modality such as _PAN, _T1w or _rgb: rename "
        f"it, or list the pairs in a {LIST_SUFFIX} file"
    )


def _beginning(path: Path) -> str:
    """Return the stem without the modality at its end: ``sub-01_T2w`` gives ``sub-01``."""
    name, shorter = "", stem(path)
    while name != shorter:
        name, shorter = shorter, _ENDING.sub("", shorter)
    return name


def _list_items(path: Path, output: Path, options: Options) -> Iterator[BatchItem]:
    rows = list(read_rows(path, COLUMNS))
    if not rows:
        raise FileFormatError(f"{path}: lists no pair: add a line for every pair")
    folder, place = path.resolve().parent, output.resolve()
    for row in rows:
        target, guide = (folder / row.filled(column) for column in ("target", "guide"))
        chosen = place / (name := row.cells.get("output", target.name))
        if place not in Path(os.path.normpath(chosen)).parents:
            problem = f"{shortened(name)!r} lies outside the folder {output}: name one inside it"
            raise row.error("output", problem)
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


def _named(paths: Iterable[Path]) -> str:
    return listed([path.name for path in paths], _MOST_NAMED)
