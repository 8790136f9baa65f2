"""A plain folder of a user's own pairs, for all three tasks, listed in ``pairs.csv``.

The index is a table that any spreadsheet can edit: UTF-8, the first line names the columns, one
line a pair. Commas, semicolons or tabs separate the cells; the order of the columns is free, cells
may be empty, and columns that nothing needs may be left out.
:data:`gisr.datasets.readers.user_index.COLUMNS` has the meaning of each.

Two kinds of rows:

* ``truth`` and ``guide``, no ``target``: both of full resolution. The target is made by the
  protocol of the task at any ratio, in training and in evaluation. For pansharpening the truth is
  the multispectral image and the guide the panchromatic one, each at its own resolution, of one
  extent; for MR both are volumes on one grid; for depth both have one size.
* ``target``, ``guide`` and ``ratio``, and ``truth`` where it is known: a target that is
  reduced already, used as it is. MR volumes give a pair for every slice.

Paths are relative to the folder of the index, written with ``/``, and stay inside it. Every message
names the line and the column.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from gisr.datasets.entry import Entry, Frame, PublishedPair, Scan, Scene, Split
from gisr.datasets.readers.layout import DatasetLayout
from gisr.datasets.readers.user_images import OwnImages, Role, suffixes
from gisr.datasets.readers.user_index import COLUMNS
from gisr.errors import FileFormatError, InputError
from gisr.io.files import file_suffix
from gisr.io.table import Row, read_rows
from gisr.placement import LARGEST_RATIO
from gisr.tasks import Contrast, TaskName
from gisr.tasks.sensors import find_sensor

INDEX = "pairs.csv"
"""Name of the index."""

_ROLES: tuple[Role, ...] = get_args(Role)
_TASKS: tuple[TaskName, ...] = ("pansharpening", "multiband", "mri", "depth")
"""Tasks that the index has columns for."""
_CONTRASTS: tuple[Contrast, ...] = get_args(Contrast)
_SPLITS: tuple[Split, ...] = get_args(Split)
_ANSWERS = {"yes": True, "true": True, "no": False, "false": False}
_LARGEST_SLICE = 2**31 - 1
_EXPECTS = """\
pairs.csv      name, task, split, guide, truth and more columns, a line for every pair
and the files that it names, in any folders below
"""


def _recognises(folder: Path) -> bool:
    try:
        return _index(folder).is_file()
    except OSError:
        return False


def _index(folder: Path) -> Path:
    """Return the index of a folder, its name in any case."""
    found = [path for path in folder.glob("*") if path.name.lower() == INDEX]
    return min(found, default=folder / INDEX)


def _read(folder: Path) -> list[Entry]:
    index = _index(folder)
    if not index.is_file():
        raise FileFormatError(
            f"{folder}: no folder of the layout pairs: it has {' '.join(_EXPECTS.split())}"
        )
    rows = list(read_rows(index, COLUMNS))
    if not rows:
        raise FileFormatError(f"{index}: lists no pair: add a line for every pair")
    _check_splits(rows)
    lines: dict[str, int] = {}
    entries: list[Entry] = []
    for row in rows:
        for entry in _entries(row):
            line = lines.setdefault(entry.name, row.line)
            if line != row.line:
                raise row.error("name", f"{entry.name!r} is that of line {line} too: rename one")
            entries.append(entry)
    return entries


def _check_splits(rows: Sequence[Row]) -> None:
    """Refuse groups in two splits, and files to train and to test on: these would be seen ones."""
    first: dict[str, tuple[Split, int]] = {}
    files: dict[PurePosixPath, tuple[Split, int]] = {}
    for row in rows:
        split = row.choice("split", _SPLITS)
        if "group" in row.cells:
            earlier, line = first.setdefault(row.cells["group"], (split, row.line))
            if earlier != split:
                raise row.error(
                    "split",
                    f"{split!r}, but line {line} puts the group {row.cells['group']!r} into "
                    f"{earlier!r}: keep a group in one split",
                )
        for role in _ROLES if split != "research" else ():
            if (text := row.cells.get(role)) is None:
                continue
            earlier, line = files.setdefault(PurePosixPath(text), (split, row.line))
            if earlier != split:
                raise row.error(
                    "split",
                    f"{split!r}, but line {line} has {text} in {earlier!r}: keep a file in one "
                    "split of train, val and test",
                )


def _entries(row: Row) -> list[Entry]:
    task = row.choice("task", _TASKS)
    _check_cells(row, task)
    images = _images(row, task)
    if images.reduced:
        return _made_slices(row, images) if task == "mri" else [_made_pair(row, images)]
    makers = {"pansharpening": _scene, "multiband": _scene, "mri": _scan, "depth": _frame}
    return [makers[task](row, images)]


def _check_cells(row: Row, task: TaskName) -> None:
    """Refuse cells that would be ignored."""
    has_target = "target" in row.cells
    for column in row.cells:
        about = COLUMNS[column]
        if about.tasks is not None and task not in about.tasks:
            raise row.error(column, f"is for {' and '.join(about.tasks)}, not {task}: empty it")
        if about.with_target not in (None, has_target):
            kind = "with" if about.with_target else "without"
            raise row.error(column, f"is for rows {kind} a target: empty it")
    if "truth" not in row.cells and not has_target:
        raise row.error("truth", "is empty, and so is target: give one of them")
    if "truth" not in row.cells and row.choice("split", _SPLITS) in ("train", "val"):
        raise row.error("truth", "is empty: training and validation need it, a test does not")
    if has_target and "ratio" not in row.cells:
        raise row.error("ratio", "is empty: a target needs it")


def _images(row: Row, task: TaskName) -> OwnImages:
    files: dict[Role, Path] = {}
    for role in _ROLES:
        if role in row.cells or role == "guide":
            files[role] = row.file(role)
            known = suffixes(task, role)
            if file_suffix(files[role]) not in known:
                raise row.error(role, f"{files[role].name}: for {task} use {', '.join(known)}")
    return OwnImages(
        row.where,
        task,
        files,
        ratio=row.whole("ratio", 2, int(LARGEST_RATIO)) or 1,
        scale=row.positive("scale") or 1.0,
        invalid=row.number("invalid", 0.0),
    )


def _about(row: Row, images: OwnImages) -> dict[str, Any]:
    """Return the fields that all entries have."""
    name = row.filled("name")
    if not name.isprintable() or "/" in name or "\\" in name:
        raise row.error("name", f"{name!r}: use letters, digits, spaces, dots and dashes")
    answer = row.choice("open", tuple(_ANSWERS)) if "open" in row.cells else "no"
    return {
        "name": name,
        "dataset": "pairs",
        "split": row.choice("split", _SPLITS),
        "group": row.cells.get("group", ""),
        "open": _ANSWERS[answer],
        # The index too: a store must be prepared again when the scale of a row has changed.
        "files": (row.index, *images.files.values()),
    }


def _satellite(row: Row) -> dict[str, Any]:
    sensor = row.cells.get("sensor")
    try:
        find_sensor(sensor)
    except InputError as error:
        raise row.error("sensor", str(error)) from error
    return {"sensor": sensor, "bits": row.whole("bits", 1, 32)}


def _scene(row: Row, images: OwnImages) -> Entry:
    return Scene(
        **_about(row, images),
        **_satellite(row),
        task=images.task,
        read_multispectral=partial(images.pixels, "truth"),
        read_panchromatic=partial(images.pixels, "guide"),
        guide_offset=(row.finite("guide_offset_y", 0.0), row.finite("guide_offset_x", 0.0)),
    )


def _scan(row: Row, images: OwnImages) -> Entry:
    contrast = row.choice("contrast", _CONTRASTS)
    guide_contrast = row.choice("guide_contrast", _CONTRASTS)
    if contrast == guide_contrast:
        raise row.error("guide_contrast", f"{contrast} is that of the truth: they must differ")
    return Scan(
        **_about(row, images),
        read_contrasts={
            contrast: partial(images.pixels, "truth"),
            guide_contrast: partial(images.pixels, "guide"),
        },
        slices=_slices(row, images.shape("truth")[2]) if _says_slices(row) else None,
    )


def _says_slices(row: Row) -> bool:
    return not row.cells.keys().isdisjoint({"first_slice", "last_slice"})


def _slices(row: Row, count: int) -> tuple[int, ...]:
    """Return the slices of a volume that count."""
    first = row.whole("first_slice", 0, _LARGEST_SLICE) or 0
    last = row.whole("last_slice", 0, _LARGEST_SLICE)
    if last is None:
        last = count - 1
    if not first <= last < count:
        raise row.error(
            "last_slice" if "last_slice" in row.cells else "first_slice",
            f"slices {first} to {last} of a volume that has 0 to {count - 1}",
        )
    return tuple(range(first, last + 1))


def _frame(row: Row, images: OwnImages) -> Entry:
    return Frame(
        **_about(row, images),
        read_depth=images.depth,
        read_colour=partial(images.pixels, "guide"),
        unit=row.cells.get("unit", ""),
    )


def _made_pair(row: Row, images: OwnImages) -> Entry:
    return PublishedPair(
        **_about(row, images),
        **_satellite(row),
        task=images.task,
        ratio=images.ratio,
        read_target=partial(images.pixels, "target"),
        read_guide=partial(images.pixels, "guide"),
        read_truth=partial(images.pixels, "truth") if "truth" in images.files else None,
        peak=row.positive("peak"),
    )


def _made_slices(row: Row, images: OwnImages) -> list[Entry]:
    """Return a pair for every slice of volumes: an entry's bands are those of one image."""
    about = _about(row, images)
    group = about["group"] or about["name"]
    return [
        PublishedPair(
            **{**about, "name": f"{about['name']}-{index:03d}", "group": group},
            task="mri",
            ratio=images.ratio,
            read_target=partial(images.slice, "target", index),
            read_guide=partial(images.slice, "guide", index),
            read_truth=partial(images.slice, "truth", index) if "truth" in images.files else None,
            peak=row.positive("peak"),
        )
        for index in _slices(row, images.shape("target")[2])
    ]


PAIRS = DatasetLayout(
    name="pairs",
    title="Own pairs, listed in pairs.csv",
    task=None,
    recognises=_recognises,
    read=_read,
    expects=_EXPECTS,
)
