"""MATLAB files: numeric arrays of versions 5 to 7 (through scipy) and 7.3 (HDF5, through h5py).

The headers of versions 5 to 7 are read here first (MAT-File Format, MathWorks, chapter 1), a few
hundred bytes of each variable: scipy takes whatever memory a length in the file claims.
"""

import math
import struct
import warnings
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, Literal

import numpy as np
from jaxtyping import Num

from gisr.errors import FileFormatError
from gisr.io.arrays.hdf5 import hdf5_shapes, read_hdf5
from gisr.io.files import check_readable, typed_errors
from gisr.io.limits import DEFAULT_LIMITS, Limits, check_picture

_START = 128
"""Bytes before the first variable of versions 5 to 7."""
_HDF5 = b"\x89HDF\r\n\x1a\n"
"""What begins at byte 512 of version 7.3."""
_MATRIX, _COMPRESSED = 14, 15
"""Types of elements: a variable, and a variable packed by zlib."""
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""Bytes of a value by its type in the file, which may be smaller than the class of the array."""
_NUMBERS = range(6, 16)
"""Classes of arrays: double, single, int8 to uint64. Others are cells, structures, text."""
_HEADER_BYTES = 4096
"""A variable's header is below 200 bytes: flags, sizes, and a name of at most 63 characters."""

_Order = Literal["<", ">"]


@dataclass(frozen=True)
class _Header:
    """The header of a variable in a file of versions 5 to 7."""

    name: str
    shape: tuple[int, ...]
    numeric: bool
    """Whether it is an array of real numbers."""
    stored: int
    """Bytes of its values in the file, unpacked."""
    item: int
    """Bytes of one value in the file; 0 for an unknown type."""


def matlab_shapes(path: str | PathLike[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the numeric arrays in a file; no values are read.

    Raises:
        FileFormatError: Missing, damaged or not a MATLAB file.
        MissingExtraError: Version 7.3, and h5py is not installed.
    """
    order = _byte_order(path)
    if order is None:
        return {name: shape[::-1] for name, shape in hdf5_shapes(path).items()}
    headers = _headers(path, order)
    return {name: header.shape for name, header in headers.items() if header.numeric}


def read_matlab(
    path: str | PathLike[str], names: tuple[str, ...], limits: Limits = DEFAULT_LIMITS
) -> Num[np.ndarray, "..."]:
    """Read a numeric array, in MATLAB's order of axes and the type it has in the file.

    Args:
        path: The file.
        names: What the array may be called; the first that is there is read.
        limits: What its header may claim.

    Raises:
        FileFormatError: Missing, damaged, not a MATLAB file, or without a real numeric array of
            these names: cells, structures, text and complex numbers are refused.
        LimitError: The header claims more than the limits.
        MissingExtraError: Version 7.3, and h5py is not installed.
    """
    shapes = matlab_shapes(path)
    name = next((name for name in names if name in shapes), None)
    if name is None:
        raise FileFormatError(
            f"{path}: no numeric array called {' or '.join(names)}: it holds "
            f"{', '.join(shapes) or 'none'}"
        )
    order = _byte_order(path)
    if order is None:
        return read_hdf5(path, name, limits=limits).T  # HDF5 keeps MATLAB's axes backwards
    _check(Path(path), _headers(path, order)[name], limits)
    return _read_version_5(path, name)


def _byte_order(path: str | PathLike[str]) -> _Order | None:
    """Return the byte order of versions 5 to 7, None for version 7.3."""
    with check_readable(path).open("rb") as stream, typed_errors(path, "cannot be read"):
        start = stream.read(512 + len(_HDF5))
    if start[512:] == _HDF5:
        return None
    if start[124:128] == b"\0\1IM":
        return "<"
    if start[124:128] == b"\1\0MI":
        return ">"
    raise FileFormatError(f"{path}: not a MATLAB file of version 5 to 7.3: save it in one of these")


def _read_version_5(path: str | PathLike[str], name: str) -> Num[np.ndarray, "..."]:
    from scipy.io import loadmat

    with (
        check_readable(path).open("rb") as stream,
        typed_errors(path, "cannot be read as MATLAB file"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # what scipy cannot read becomes a text, refused below
        values = loadmat(stream, variable_names=[name])[name]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        raise FileFormatError(f"{path}: {name} is damaged: download or copy the file again")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _check(path: Path, header: _Header, limits: Limits) -> None:
    height, width, bands = header.shape[0], header.shape[1], math.prod(header.shape[2:])
    sizes = " x ".join(map(str, header.shape))
    if min(header.shape) < 1:
        raise FileFormatError(f"{path}: {header.name} is empty, its header claims {sizes}")
    check_picture(path, limits, height=height, width=width, bands=bands, itemsize=header.item)
    if header.item == 0 or header.stored != math.prod(header.shape) * header.item:
        raise FileFormatError(
            f"{path}: damaged: {header.name} of {sizes} values announces {header.stored} bytes"
        )


def _headers(path: str | PathLike[str], order: _Order) -> dict[str, _Header]:
    """Return the header of every variable by its name."""
    found = check_readable(path)
    end = found.stat().st_size
    headers: dict[str, _Header] = {}
    with found.open("rb") as stream, typed_errors(path, "damaged, no sound MATLAB file"):
        position = _START
        while position < end:
            stream.seek(position)
            kind, size = struct.unpack(f"{order}II", stream.read(8))
            position += 8 + size
            if kind not in (_MATRIX, _COMPRESSED) or position > end or not size:
                raise FileFormatError(
                    f"{path}: damaged or cut short: {size} bytes of type {kind} end at byte "
                    f"{position} of {end}"
                )
            header = _header(_start_of_variable(stream, kind, size), order)
            if header.name in headers:  # scipy reads the first, readers of other makers the last
                raise FileFormatError(f"{path}: {header.name} is there twice: save the file again")
            headers[header.name] = header
    return headers


def _start_of_variable(stream: IO[bytes], kind: int, size: int) -> bytes:
    """Return the first bytes of a variable, unpacked, after the tag that marks it as one."""
    if kind == _MATRIX:
        return stream.read(min(size, _HEADER_BYTES))
    packed = stream.read(min(size, _HEADER_BYTES))
    return zlib.decompressobj().decompress(packed, _HEADER_BYTES)[8:]


def _header(start: bytes, order: _Order) -> _Header:
    _, _, place, position = _element(start, 0, order)
    flags = struct.unpack_from(f"{order}I", start, place)[0]
    _, size, place, position = _element(start, position, order)
    shape = struct.unpack_from(f"{order}{size // 4}i", start, place)
    _, size, place, position = _element(start, position, order)
    if place + size > len(start):
        raise ValueError(f"a name of {size} bytes")
    name = start[place : place + size].decode("latin-1")
    is_complex = bool(flags & 0x800)
    numeric = (flags & 0xFF) in _NUMBERS and not is_complex and len(shape) >= 2
    if not numeric or min(shape) < 1:  # no values follow, or not plain ones
        return _Header(name, shape, numeric, stored=0, item=0)
    kind, stored, _, _ = _element(start, position, order)
    return _Header(name, shape, numeric, stored, _ITEM_BYTES.get(kind, 0))


def _element(start: bytes, position: int, order: _Order) -> tuple[int, int, int, int]:
    """Return type and size of an element, where its content begins, and the next element.

    Content of up to four bytes is kept in the tag itself; the upper half of the type marks this.
    """
    kind, size = struct.unpack_from(f"{order}II", start, position)
    if kind >> 16:
        return kind & 0xFFFF, kind >> 16, position + 4, position + 8
    return kind, size, position + 8, position + 8 + size + -size % 8
