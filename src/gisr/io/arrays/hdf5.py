"""HDF5 through h5py: arrays of numbers, read whole or one item of the first axis at a time."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num

from gisr.errors import FileFormatError
from gisr.io.files import check_readable, typed_errors
from gisr.io.limits import DEFAULT_LIMITS, Limits, check_block, check_picture
from gisr.optional_imports import load_extra

_FAILURE = "cannot be read as HDF5"


def hdf5_shapes(path: str | PathLike[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of numbers at the top of a file; no values are read.

    Raises:
        FileFormatError: Missing, damaged or not HDF5.
        MissingExtraError: h5py is not installed.
    """
    with _open_file(path) as file:
        arrays = {name: _find(file, name) for name in file}
        return {
            name: tuple(map(int, array.shape))
            for name, array in arrays.items()
            if array is not None and _plain(array)
        }


def read_hdf5(
    path: str | PathLike[str],
    name: str,
    index: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Num[np.ndarray, "..."]:
    """Read an array at the top of a file.

    Args:
        path: The file.
        name: Of the array.
        index: Which item of the first axis; all of the array when None.
        limits: What that which is read may claim, on its last two axes as a picture.

    Raises:
        FileFormatError: Missing, damaged or not HDF5; no such array or item, no plain numbers, or
            values that lie in another file.
        LimitError: The claim is larger than the limits.
        MissingExtraError: h5py is not installed.
    """
    with _open_file(path) as file:
        array = _find(file, name)
        if array is None or not _plain(array):
            raise FileFormatError(
                f"{path}: no array of plain numbers called {name} in this very file: it holds "
                f"{', '.join(file) or 'nothing'}"
            )
        if index is not None and not (array.ndim and 0 <= index < array.shape[0]):
            raise FileFormatError(f"{path}: {name} {array.shape} has no item {index}")
        _check_size(Path(path), limits, array, array.shape[0 if index is None else 1 :])
        values: np.ndarray = array[() if index is None else index]
        return np.asarray(values).astype(array.dtype.newbyteorder("="), copy=False)


@contextmanager
def _open_file(path: str | PathLike[str]) -> Iterator[Any]:
    h5py = load_extra("h5py", "research")
    found = check_readable(path)
    # Nothing is written, and disks of a network often cannot lock.
    with typed_errors(path, _FAILURE), h5py.File(found, "r", locking=False) as file:
        yield file


def _find(file: Any, name: str) -> Any:
    """Return a data set of this very file: a link may lead to any other file on the machine."""
    h5py = load_extra("h5py", "research")
    link = file.get(name, getlink=True)
    found = file.get(name) if isinstance(link, h5py.HardLink) else None
    return found if isinstance(found, h5py.Dataset) else None


def _plain(array: Any) -> bool:
    """Whether values are numbers and lie in the file, not in others that it names."""
    numbers = array.dtype.kind in "iuf" and array.dtype.itemsize <= 8
    return numbers and not array.is_virtual and not array.external and array.shape is not None


def _check_size(path: Path, limits: Limits, array: Any, shape: tuple[int, ...]) -> None:
    """Check what reading takes: the values, and the chunk that has to be unpacked for them."""
    if array.size and not array.id.get_storage_size():
        raise FileFormatError(f"{path}: {array.name} was never written: copy the file again")
    height, width = (1, 1, *shape)[-2:]
    bands, size = math.prod(shape[:-2]), array.dtype.itemsize
    check_picture(path, limits, height=height, width=width, bands=bands, itemsize=size)
    check_block(path, limits, math.prod(array.chunks or ()) * size, "one chunk")
