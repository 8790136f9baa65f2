"""Pairing the images of two folders: by name, by what a name begins with, or by number."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path

from gisr.errors import FileFormatError, GisrError, InputError, PairError, listed
from gisr.io.files import file_suffix
from gisr.io.foreign import foreign_file
from gisr.io.geotiff.header import read_outline
from gisr.io.volumes.dicom_files import is_dicom
from gisr.notes import Note
from gisr.pipelines.folder_ways import both_in_one, folders_within, names_are_times
from gisr.pipelines.numbered import guides_by_number, stem
from gisr.tasks import TASKS

TARGET_SUFFIXES = frozenset(s for task in TASKS.values() for s in task.output_suffixes)
"""Of files that may be targets."""
GUIDE_SUFFIXES = TARGET_SUFFIXES | {".jpg", ".jpeg"}
_MODALITIES = (
    *(ending for task in TASKS.values() for ending in task.file_endings),
    *("target", "guide", "lr", "hr"),
)
"""Endings of file names that distinguish a target from its guide."""
_ENDING = re.compile(rf"(?:^|[-_. ]+)(?:{'|'.join(_MODALITIES)})$", re.IGNORECASE)
_MOST_NAMED = 5
"""Files that one message names; more would not be read."""


class MissingGuideError(PairError):
    """No guide belongs to a target."""


def folder_pairs(targets: Path, guides: Path | None, notes: list[Note]) -> list[tuple[Path, Path]]:
    """Return the images of a folder, each with its guide in another.

    Args:
        targets: The folder of the low-resolution images.
        guides: The other folder.
        notes: Receives a note on guides without a target.

    Raises:
        InputError: There is no other folder.
        FileFormatError: A folder cannot be read, or holds no image.
        PairError: A target has no guide, or several.
    """
    if guides is None or not guides.is_dir():
        way = "name the folder of the guides after it"
        if guides is None:
            way = _series_within(targets) or _pair_within(targets) or _frames_within(targets) or way
        else:
            way = what_in_folder(targets, TARGET_SUFFIXES, f"for many targets {way}")
        raise InputError(f"{targets}: is a folder: {way}")
    if targets.resolve() == guides.resolve():
        way = "list them in a .csv file with the columns target and guide"
        way = (
            _pair_within(targets)
            or _frames_within(targets)
            or f"targets and guides lie in one folder: {way}"
        )
        raise InputError(f"{targets}: {way}")
    low, high = _images(targets, TARGET_SUFFIXES), _images(guides, GUIDE_SUFFIXES)
    numbers = guides_by_number(low, high)
    pairs = _pairs(low, high, numbers)
    if unread := unread_files(targets, TARGET_SUFFIXES):
        count = "1 file is" if len(unread) == 1 else f"{len(unread)} files are"
        notes.append(Note(f"{count} left out of {targets}: {why_unread(unread[0])}"))
    if unused := sorted(set(high) - {guide for _, guide in pairs}):
        notes.append(Note(f"{len(unused)} guides have no target: {named(unused)}"))
    return pairs


def _pairs(
    low: Sequence[Path], high: Sequence[Path], numbers: Mapping[Path, Path]
) -> list[tuple[Path, Path]]:
    """Return all targets with their guides.

    Raises:
        PairError: A target has no guide, or several; how many have none is told.
    """
    pairs, missing = [], []
    for target in low:
        try:
            pairs.append((target, guide_of(target, high, numbers)))
        except MissingGuideError as error:
            missing.append((target, error))
    if len(missing) == 1 or (missing and not pairs):
        raise missing[0][1]
    if missing:
        raise PairError(
            f"{len(missing)} of {len(low)} targets ({named(target for target, _ in missing)}) have "
            f"no guide in {high[0].parent}: take them out of the folder, or list the pairs in a "
            ".csv file"
        )
    return pairs


def _images(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return the image files of a folder, which must hold one."""
    files = image_files(folder, suffixes)
    if not files:
        unread = [f": {why_unread(path)}" for path in unread_files(folder, suffixes)[:1]]
        kinds = f" ({', '.join(sorted(suffixes))})"
        way = _series_within(folder)
        why = f": {way}" if way else (unread or [kinds])[0]
        raise FileFormatError(f"{folder}: holds no image that can be used{why}")
    return files


def what_in_folder(folder: Path, suffixes: frozenset[str], more: str = "") -> str:
    """Return what a folder holds that was named in place of one image, and the way out.

    Args:
        folder: No series of DICOM, and no product.
        suffixes: Of the files that may be the image.
        more: Another way out where it holds some.

    Raises:
        FileFormatError: The folder cannot be read.
    """
    if way := _series_within(folder):
        return way
    if files := image_files(folder, suffixes):
        return f"name one of its files ({named(files)})" + (f", or {more}" if more else "")
    nothing = "it holds neither an image nor a DICOM series"
    unread = unread_files(folder, suffixes)
    return f"{nothing}; {why_unread(unread[0])}" if unread else f"{nothing}: name one that does"


def _series_within(folder: Path) -> str | None:
    """Return that the folders in a folder hold DICOM series, as exports of studies have them."""
    try:
        inner = [each for each in sorted(folder.iterdir()) if each.is_dir() and is_dicom(each)]
    except OSError:
        return None
    if not inner:
        return None
    return f"DICOM images lie in its folders ({named(inner)}): name the one of the series you mean"


def _pair_within(folder: Path) -> str | None:
    """Return that a folder holds two TIFFs, of which one has more pixels, and what to type."""
    files = image_files(folder, GUIDE_SUFFIXES)
    if len(files) != 2 or any(file_suffix(path) not in (".tif", ".tiff") for path in files):
        return None
    try:
        sizes = {prod(read_outline(path).shape): folder / path.name for path in files}
    except GisrError:
        return None
    if len(sizes) < 2:
        return None
    low, high = (shlex.quote(str(sizes[size])) for size in sorted(sizes))
    return f"it holds both images of a pair, name them: gisr upscale {low} {high} -o sharp.tif"


def _frames_within(folder: Path) -> str | None:
    """Return what to type for a recording whose folder was named, with folders or all in it."""
    try:
        inner = {each: image_files(each, GUIDE_SUFFIXES) for each in _folders(folder)}
        files = image_files(folder, GUIDE_SUFFIXES)
    except GisrError:
        return None
    return both_in_one(folder, files) if files else folders_within(folder, inner)


def _folders(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if each.is_dir()][:_MOST_FOLDERS]


_MOST_FOLDERS = 64
"""Folders in a folder that are looked into."""


def unread_files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return the images of a folder that are of other formats, not what describes them.

    Args:
        folder: That of the targets, or of the guides.
        suffixes: Of the files that may be one.
    """
    return [
        path
        for path in sorted(folder.resolve().iterdir())
        if path.is_file()
        and not path.name.startswith(".")
        and file_suffix(path) not in (*suffixes, ".xml")
        and (file_suffix(path) in GUIDE_SUFFIXES or foreign_file(path))
    ]


def why_unread(path: Path) -> str:
    """Return why a file is not used, with its name and the way out."""
    jpeg = "is a JPEG, which changes values: take the image before it was made one"
    return f"{path.name} {jpeg if file_suffix(path) in GUIDE_SUFFIXES else foreign_file(path)}"


def image_files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return the image files right in a folder, by name; hidden ones do not count.

    Raises:
        FileFormatError: The folder cannot be read.
    """
    try:
        return sorted(
            path
            for path in folder.resolve().iterdir()
            if file_suffix(path) in suffixes and path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be read: {error.strerror or error}") from error


def guide_of(target: Path, guides: Sequence[Path], numbers: Mapping[Path, Path]) -> Path:
    """Return the one guide of a target: of the same stem, or beginning, or number.

    Args:
        target: One of a folder.
        guides: All of the other, at least one.
        numbers: Guides by target, from :func:`gisr.pipelines.numbered.guides_by_number`.

    Raises:
        PairError: There is none, or there are several.
    """
    for name in (stem, _beginning):
        fitting = [guide for guide in guides if name(guide) == name(target)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise PairError(
                f"{target.name}: {len(fitting)} guides may belong to it ({named(fitting)}): take "
                f"those that do not out of the folder, or list the pairs in a .csv file"
            )
    if target in numbers:
        return numbers[target]
    if names_are_times([stem(target)], [stem(guide) for guide in guides]):
        raise MissingGuideError(
            f"{target.name}: no guide in {guides[0].parent} has its name, which is a time: list "
            "the pairs in a .csv file, each with the guide of the nearest time (TUM's associate.py "
            "finds them)"
        )
    raise MissingGuideError(
        f"{target.name}: no guide in {guides[0].parent} has its name, or its beginning "
        f"{_beginning(target)!r} before the name of a modality such as _PAN, _T1w or _rgb: rename "
        "it, take it out of the folder, or list the pairs in a .csv file"
    )


def _beginning(path: Path) -> str:
    """Return the stem without the modality at its end: ``sub-01_T2w`` gives ``sub-01``."""
    name, shorter = "", stem(path)
    while name != shorter:
        name, shorter = shorter, _ENDING.sub("", shorter)
    return name


def named(paths: Iterable[Path]) -> str:
    """Return the names of the first files, and how many more there are."""
    return listed([path.name for path in paths], _MOST_NAMED)
