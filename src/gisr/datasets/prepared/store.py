"""The prepared store: a data set as memory-mappable arrays and one manifest.

::

    manifest.json                 what there is, with a sum of every file
    arrays/ENTRY/IMAGE.npy        one array a file, in the smallest type that holds its values

Decoding a scene or a volume takes longer than a training step; cutting a window of a store does
not. The manifest is written last, so a folder with one is whole. Nothing in a store is pickled, and
its manifest is checked before it is used: files stay inside the folder, and have the shape and
type that it states.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.typing import DTypeLike

from gisr.datasets.entry import ENTRY_KINDS, Entry
from gisr.datasets.prepared.manifest import MANIFEST, EntryRecord, Manifest, read_manifest
from gisr.errors import FileFormatError
from gisr.io.files import check_readable, typed_errors

ARRAYS = "arrays"
"""Folder of the arrays in a store."""
JOURNAL = "preparing.jsonl"
"""Records of the entries that are finished, one a line, until the manifest is written."""

StoreProgress = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An image of a store, opened for every window that is cut and closed again.

    It is not kept open: a map holds a file descriptor, a data set has tens of thousands of images,
    and a process is often allowed 1024 descriptors. Opening takes about 0.1 ms.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype

    def __getitem__(self, window: tuple[slice | int, ...], /) -> Shaped[np.ndarray, "..."]:
        """Read a window, in the stored type.

        Raises:
            FileFormatError: The file is not there any more, or not as the manifest states.
        """
        return np.array(self._map()[window])

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> Shaped[np.ndarray, "..."]:
        """Read all of it."""
        return np.array(self._map(), dtype=dtype)

    def _map(self) -> np.memmap[Any, Any]:
        with typed_errors(self.path, "cannot be read as an array of a store"):
            mapped = np.lib.format.open_memmap(check_readable(self.path), mode="r")
        if mapped.shape != self.shape or mapped.dtype != self.dtype:
            raise FileFormatError(
                f"{self.path}: holds {mapped.dtype} {mapped.shape}, its manifest says {self.dtype} "
                f"{self.shape}: prepare the store again"
            )
        return mapped


def is_store(folder: str | Path) -> bool:
    """Whether a folder is a finished store, by the names in it."""
    try:
        return (Path(folder) / MANIFEST).is_file() and (Path(folder) / ARRAYS).is_dir()
    except OSError:
        return False


def read_store(
    folder: str | Path, *, verify: bool = False, progress: StoreProgress | None = None
) -> list[Entry]:
    """Return the entries of a store; their images stay on disk until windows of them are cut.

    Args:
        folder: Made by :func:`gisr.datasets.prepared.prepare.prepare_store`.
        verify: Compute the sum of every array again; without it, only sizes are compared.
        progress: Called after every array whose sum was computed.

    Raises:
        FileFormatError: No store, of another format version, or files are missing or changed.
    """
    folder = Path(folder).resolve()
    manifest = read_manifest(folder)
    problems = damaged_arrays(folder, manifest, verify=verify, progress=progress)
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise FileFormatError(
            f"{next(iter(problems.values()))}{more}: copy the store again, or delete them and "
            "prepare it again"
        )
    with typed_errors(folder / MANIFEST, "is no manifest of a store"):
        return [_entry(folder, record) for record in manifest.entries]


def damaged_arrays(
    folder: str | Path, manifest: Manifest, *, verify: bool, progress: StoreProgress | None = None
) -> dict[str, str]:
    """Return what is wrong with the arrays of a store, by file; nothing when it is whole.

    Args:
        folder: The store.
        manifest: Of the store.
        verify: Compute every sum again instead of only comparing sizes.
        progress: Called after every array.
    """
    records = [array for entry in manifest.entries for array in entry.arrays.values()]
    problems = {}
    for done, record in enumerate(records, start=1):
        path = Path(folder) / record.file
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            problems[record.file] = f"{path}: is missing"
        elif size != record.bytes:
            problems[record.file] = f"{path}: has {size} bytes, not the {record.bytes} it had"
        elif verify and file_sum(path) != record.sha256:
            problems[record.file] = f"{path}: has changed since it was prepared"
        if progress is not None and verify:
            progress(done, len(records))
    return problems


def file_sum(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        FileFormatError: It cannot be read.
    """
    with check_readable(path).open("rb") as stream, typed_errors(path, "cannot be read"):
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _entry(folder: Path, record: EntryRecord) -> Entry:
    """Return an entry that reads from a store."""
    reads = {
        name: partial(StoredArray, folder / array.file, array.shape, np.dtype(array.dtype))
        for name, array in record.arrays.items()
    }
    about = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record.fields.items()
    }
    return ENTRY_KINDS[record.kind].of_images(reads, about)
