"""Preparing a store: every entry is read once, checked, and written as arrays.

Arrays are written first, then one line a finished entry into a journal, and the manifest last. A
preparation that was interrupted goes on after the journal's last line.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Shaped

from gisr.datasets.entry import Entry, Images, Split
from gisr.datasets.prepared.manifest import (
    FORMAT,
    MANIFEST,
    ArrayRecord,
    EntryRecord,
    Manifest,
    SourceRecord,
    entry_fields,
    entry_record,
    read_manifest,
    write_manifest,
)
from gisr.datasets.prepared.store import ARRAYS, JOURNAL, StoreProgress, file_sum, is_store
from gisr.errors import FileFormatError, GisrError, InputError, MissingExtraError
from gisr.io.files import atomic_output, typed_errors


@dataclass(frozen=True)
class Preparation:
    """How a preparation ended."""

    finished: bool
    """Whether the folder is a store now."""
    entries: int
    """Entries whose arrays are written."""
    kept: int
    """Of these, entries that were there already."""
    bytes: int
    """Size of the arrays."""
    problems: Mapping[str, str]
    """What is damaged or missing, by name, with the reason."""


def prepare_store(
    entries: list[Entry],
    source: str | Path,
    destination: str | Path,
    *,
    counts: Mapping[Split, int] | None = None,
    skip_damaged: bool = False,
    progress: StoreProgress | None = None,
) -> Preparation:
    """Make a store of entries, or resume one.

    Entries that the destination holds already are kept when neither their fields have changed,
    nor the size or time of the files their reader names.

    Args:
        entries: Of one data set, as its reader gave them. They are taken out of the list one by
            one, so that what their readers keep is freed.
        source: Folder they are read from.
        destination: Folder of the store; made when it is not there.
        counts: Entries that a whole split has. A split with fewer is incomplete; one with none is
            taken as left out on purpose.
        skip_damaged: Finish the store without what is damaged or missing.
        progress: Called after every entry.

    Returns:
        The outcome. Where something is damaged or missing and ``skip_damaged`` is false, no
        manifest is written, and what could be read is kept for the next time.

    Raises:
        InputError: No entry, entries of several data sets, or two of one name.
        FileFormatError: The destination holds something else, or cannot be written.
        MissingExtraError: A package that reads the files is not installed.
    """
    layout = _check_entries(entries)
    place = _Place(Path(source).resolve(), Path(destination).resolve())
    place.check()
    known = place.known(layout)
    kept = {e.name: known[e.name] for e in entries if place.holds(e, known.get(e.name))}
    if is_store(place.folder) and len(kept) == len(known) == len(entries):
        left_out = read_manifest(place.folder).left_out
        return _outcome(list(kept.values()), len(kept), left_out, finished=True)
    problems = _missing(entries, counts or {})
    records = []
    total = len(entries)
    with place.begin(layout, kept.values()) as journal:
        while entries:
            entry = entries.pop(0)
            record = kept.get(entry.name) or _prepared(place, entry, problems)
            if record is not None:
                records.append(record)
                if entry.name not in kept:
                    _write_line(journal, asdict(record))
            if progress is not None:
                progress(total - len(entries), total)
    finished = bool(records) and (skip_damaged or not problems)
    if finished:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(layout, str(place.source), now, tuple(records), problems)
        write_manifest(place.folder, manifest)
        (place.folder / JOURNAL).unlink(missing_ok=True)
    return _outcome(records, len(kept), problems, finished=finished)


@dataclass(frozen=True)
class _Place:
    """Where a store is made from, and where it goes; both absolute."""

    source: Path
    folder: Path
    sums: dict[Path, SourceRecord] = field(default_factory=dict)
    """Of source files, because one file may hold many entries."""

    def check(self) -> None:
        """Refuse a destination that would mix with something else."""
        if self.folder.is_relative_to(self.source):
            raise InputError(
                f"{self.folder} lies in the data set {self.source}: choose a folder outside it"
            )
        above = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        if not above.is_dir():
            raise FileFormatError(f"{above}: is a file: name a folder for the prepared data set")
        try:
            names = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
        except OSError as error:
            raise FileFormatError(f"{self.folder}: is no folder to write to ({error})") from error
        if names and not {MANIFEST, JOURNAL} & set(names):
            raise FileFormatError(
                f"{self.folder}: holds other files, such as {min(names)}: choose an empty folder"
            )

    def known(self, layout: str) -> dict[str, EntryRecord]:
        """Return what an earlier preparation wrote, by name."""
        journal = self.folder / JOURNAL
        if journal.is_file():
            found, records = _read_journal(journal)
        elif (self.folder / MANIFEST).is_file():
            manifest = read_manifest(self.folder)
            found, records = manifest.layout, list(manifest.entries)
        else:
            return {}
        if found != layout:
            raise FileFormatError(
                f"{self.folder}: holds a store of {found}, not of {layout}: choose another folder"
            )
        return {record.fields["name"]: record for record in records}

    def holds(self, entry: Entry, record: EntryRecord | None) -> bool:
        """Whether an earlier record holds: same entry, unchanged sources, arrays there."""
        if record is None or record.kind != type(entry).__name__:
            return False
        sources = [(s.file, s.bytes, s.modified) for s in record.sources]
        return (
            record.fields == entry_fields(entry)
            and sources == [self._state(path) for path in entry.files]
            and all(_size(self.folder / a.file) == a.bytes for a in record.arrays.values())
        )

    def begin(self, layout: str, kept: Iterable[EntryRecord]) -> IO[str]:
        """Write what is kept into a journal, take an old manifest away, and open the journal."""
        journal = self.folder / JOURNAL
        with typed_errors(journal, "cannot be written"):
            (self.folder / ARRAYS).mkdir(parents=True, exist_ok=True)
            with (
                atomic_output(journal, overwrite=True) as temporary,
                temporary.open("w", encoding="utf-8") as stream,
            ):
                _write_line(stream, {"format": FORMAT, "layout": layout})
                for record in kept:
                    _write_line(stream, asdict(record))
            (self.folder / MANIFEST).unlink(missing_ok=True)
            return journal.open("a", encoding="utf-8")

    def sources_of(self, entry: Entry) -> tuple[SourceRecord, ...]:
        """Return the sums of the files an entry names."""
        for path in entry.files:
            if path not in self.sums:
                digest = file_sum(path)
                self.sums[path] = SourceRecord(*self._state(path), digest)
        return tuple(self.sums[path] for path in entry.files)

    def write(self, entry: Entry, images: Images) -> dict[str, ArrayRecord]:
        """Write the images of an entry."""
        folder = self.folder / ARRAYS / _safe_name(entry.name, always=True)
        with typed_errors(folder, "cannot be made"):
            folder.mkdir(exist_ok=True)
        arrays = {}
        for name, image in images.items():
            path = folder / f"{_safe_name(name)}.npy"
            size, digest = _write_array(path, image)
            file = path.relative_to(self.folder).as_posix()
            arrays[name] = ArrayRecord(file, image.shape, image.dtype.name, size, digest)
        return arrays

    def _state(self, path: Path) -> tuple[str, int, int]:
        """Return the name, size and time of a source file; sizes of -1 where it is not there."""
        found = path.resolve()
        inside = found.is_relative_to(self.source)
        name = (found.relative_to(self.source) if inside else found).as_posix()
        try:
            status = found.stat()
        except OSError:
            return name, -1, -1
        return name, status.st_size, status.st_mtime_ns


def _prepared(place: _Place, entry: Entry, problems: dict[str, str]) -> EntryRecord | None:
    """Read, check and write an entry; a problem of its own is noted and gives None."""
    try:
        images, sources = entry.checked_images(), place.sources_of(entry)
    except MissingExtraError:
        raise
    except GisrError as error:
        problems[entry.name] = str(error)
        return None
    arrays = place.write(entry, images)
    return EntryRecord(type(entry).__name__, entry_fields(entry), arrays, sources)


def _check_entries(entries: Sequence[Entry]) -> str:
    """Return the data set that all entries belong to."""
    if not entries:
        raise InputError("no entry to prepare: name a folder that holds some")
    datasets = sorted({entry.dataset for entry in entries})
    if len(datasets) > 1:
        raise InputError(f"entries of {' and '.join(datasets)}: prepare each data set alone")
    names = Counter(entry.name for entry in entries)
    name, times = names.most_common(1)[0]
    if times > 1:
        raise InputError(f"{times} entries are called {name!r}: rename all but one")
    return datasets[0]


def _missing(entries: Sequence[Entry], counts: Mapping[Split, int]) -> dict[str, str]:
    found = Counter(entry.split for entry in entries)
    return {
        f"{split} split": f"has {found[split]} of the {count} entries that are published"
        for split, count in counts.items()
        if 0 < found[split] < count
    }


def _outcome(
    records: Sequence[EntryRecord], kept: int, problems: Mapping[str, str], *, finished: bool
) -> Preparation:
    size = sum(array.bytes for record in records for array in record.arrays.values())
    return Preparation(finished, len(records), kept, size, problems)


def _read_journal(journal: Path) -> tuple[str, list[EntryRecord]]:
    """Return the layout and the finished entries; a last line that was cut off is left out."""
    with typed_errors(journal, "is no journal of a preparation"):
        lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
        header = json.loads(lines[0])
        if header["format"] != FORMAT:
            raise FileFormatError(
                f"{journal}: format {header['format']!r}, this gisr writes {FORMAT}: remove it"
            )
        return str(header["layout"]), [entry_record(json.loads(line)) for line in lines[1:]]


def _write_line(journal: IO[str], content: dict[str, Any]) -> None:
    journal.write(json.dumps(content) + "\n")
    journal.flush()


def _write_array(path: Path, image: Shaped[np.ndarray, "..."]) -> tuple[int, str]:
    """Write an array and return the size and sum of its file."""
    with atomic_output(path, overwrite=True) as temporary, temporary.open("wb") as stream:
        summed = _Summed(stream)
        np.lib.format.write_array(summed, image, allow_pickle=False)
    return summed.bytes, summed.sum.hexdigest()


class _Summed:
    """A stream that adds up what is written, so that it need not be read again."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.sum = hashlib.sha256()
        self.bytes = 0
        self._stream = stream

    def write(self, content: bytes) -> None:
        self._stream.write(content)
        self.sum.update(content)
        self.bytes += len(content)


def _safe_name(name: str, *, always: bool = False) -> str:
    """Return a name that any disk takes, with a sum where it had to change.

    Args:
        name: Any text.
        always: Add the sum even so: on some disks A and a are one name.
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]
    if safe == name and not always:
        return name
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
