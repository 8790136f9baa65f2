"""The manifest of a prepared store: what there is, as JSON, checked before it is used."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from types import NoneType
from typing import Any, get_args

import numpy as np

from gisr.datasets.entry import ENTRY_KINDS, Entry, Split
from gisr.errors import FileFormatError
from gisr.io.files import atomic_output, typed_errors
from gisr.tasks import TASKS

MANIFEST = "manifest.json"
FORMAT = 3
"""Version of the format; another one is refused."""
STORED_TYPES = ("bool", "uint8", "uint16", "int16", "float32")
"""Types of stored arrays; the first numeric one that holds all values is taken."""

FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "dataset": (str,),
    "split": (str,),
    "group": (str,),
    "open": (bool,),
    "task": (str,),
    "sensor": (str, NoneType),
    "bits": (int, NoneType),
    "guide_offset": (list,),
    "slices": (list, NoneType),
    "unit": (str,),
    "ratio": (int,),
    "peak": (int, float, NoneType),
}
"""Fields of entries in a manifest, besides their images, and their JSON types."""


@dataclass(frozen=True)
class ArrayRecord:
    """One array file of a store."""

    file: str
    """Relative to the store, with slashes."""
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    """Size of the file."""
    sha256: str
    """Of the file, as ``sha256sum`` gives it."""


@dataclass(frozen=True)
class SourceRecord:
    """One file that an entry was read from."""

    file: str
    bytes: int
    modified: int
    """Nanoseconds since 1970; with the size, it shows whether the file has changed."""
    sha256: str


@dataclass(frozen=True)
class EntryRecord:
    """One entry of a store."""

    kind: str
    """Class of the entry, a name of :data:`gisr.datasets.entry.ENTRY_KINDS`."""
    fields: Mapping[str, Any]
    """Its other fields."""
    arrays: Mapping[str, ArrayRecord]
    """Its images by name; the volumes of a Scan by contrast."""
    sources: tuple[SourceRecord, ...] = ()
    """Files it came from, where its reader names them."""


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``."""

    layout: str
    """Layout that the entries were read by; also their ``dataset``."""
    source: str
    """Folder they were read from."""
    prepared: str
    """When the store was finished, ISO 8601, UTC."""
    entries: tuple[EntryRecord, ...]
    left_out: Mapping[str, str]
    """Why what is damaged or missing is not here, by name."""
    format: int = FORMAT


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of a store.

    Raises:
        FileFormatError: There is none, it is damaged or of another version, or it names files
            outside the store.
    """
    path = Path(folder) / MANIFEST
    content = _read_json(path)
    if content.get("format") != FORMAT:
        raise FileFormatError(
            f"{path}: format {content.get('format')!r}, this gisr reads {FORMAT}: prepare the "
            "store again"
        )
    with typed_errors(path, "is no manifest of a store"):
        if not isinstance(content["entries"], list):
            raise ValueError("entries should be a list")
        entries = tuple(entry_record(entry) for entry in content["entries"])
        layout, source, prepared = (
            _text(content[name]) for name in ("layout", "source", "prepared")
        )
        left_out = {_text(name): _text(why) for name, why in content["left_out"].items()}
    return Manifest(layout, source, prepared, entries, left_out)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all.

    Raises:
        FileFormatError: It cannot be written.
    """
    with atomic_output(folder / MANIFEST, overwrite=True) as temporary:
        temporary.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")


def entry_record(content: Mapping[str, Any]) -> EntryRecord:
    """Return a record from what JSON holds, checked.

    Raises:
        ValueError: It is none. KeyError and TypeError stand for the same.
    """
    kind, fields = content["kind"], dict(content["fields"])
    if kind not in ENTRY_KINDS:
        raise ValueError(f"unknown kind of entry {kind!r}")
    for name, value in fields.items():
        if type(value) not in FIELDS[name]:
            raise ValueError(f"{name} {value!r} of an entry")
    if fields["split"] not in get_args(Split) or fields["task"] not in TASKS:
        raise ValueError(f"split {fields['split']!r} or task {fields['task']!r}")
    arrays = {str(name): _array_record(array) for name, array in content["arrays"].items()}
    sources = tuple(SourceRecord(**source) for source in content["sources"])
    return EntryRecord(kind, fields, arrays, sources)


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Return the fields of an entry besides its images, as JSON holds them."""
    return {name: _plain(getattr(entry, name)) for name in FIELDS if hasattr(entry, name)}


def _plain(value: object) -> object:
    """Return a field as JSON holds it; readers may take numbers from arrays."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _array_record(content: Mapping[str, Any]) -> ArrayRecord:
    record = ArrayRecord(**{**content, "shape": tuple(content["shape"])})
    path = PurePosixPath(_text(record.file))
    if path.is_absolute() or ".." in path.parts or "\\" in record.file or ":" in record.file:
        raise ValueError(f"file {record.file!r} lies outside the store")
    if record.dtype not in STORED_TYPES:
        raise ValueError(f"{record.file}: type {record.dtype!r} is not stored")
    if not all(type(size) is int and size > 0 for size in (*record.shape, record.bytes)):
        raise ValueError(f"{record.file}: size {record.shape}, {record.bytes} bytes")
    return record


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} should be text")
    return value


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileFormatError(
            f"{path}: not there: {path.parent} is no finished store, run gisr data prepare"
        )
    with typed_errors(path, "is no manifest of a store"):
        content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise FileFormatError(f"{path}: is no manifest of a store: it holds no object")
    return content
