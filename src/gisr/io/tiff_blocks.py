"""The tiles and strips of a TIFF, read from its directories alone: one of them is decoded whole.

A sparse file of 372 bytes may hold one tile of gigabytes, in the picture or in its mask. Libraries
unpack a tile before they give any pixel of it, so its size is checked here, for all of them.
Layout: TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), BigTIFF
(https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gisr.errors import FileFormatError
from gisr.io.files import check_readable
from gisr.io.limits import Limits, check_block

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _SAMPLES, _STRIP_ROWS = 256, 257, 258, 259, 277, 278
_PLANES, _TILE_WIDTH, _TILE_LENGTH = 284, 322, 323
_DEFAULTS = {_BITS: 1, _COMPRESSION: 1, _SAMPLES: 1, _PLANES: 1}
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q", 17: "q"}
"""Types of whole numbers, by their code."""
_MOST_DIRECTORIES = 4096


def check_tiff_blocks(path: Path, limits: Limits) -> None:
    """Refuse a TIFF of which one tile or strip unpacks to more than is allowed.

    Directories that cannot be read are left to the library that reads the file. Strips that are not
    compressed are read in parts, and may be of any size.

    Raises:
        LimitError: A tile or strip is larger than ``limits.max_block_bytes``.
    """
    with path.open("rb") as stream:
        for tags in _directories(stream):
            tiled = _TILE_WIDTH in tags
            if not tiled and tags[_COMPRESSION] == 1:
                continue
            rows, columns = tags.get(_TILE_LENGTH, 0), tags.get(_TILE_WIDTH, 0)
            if not tiled:
                length = tags.get(_LENGTH, 0)
                rows, columns = min(tags.get(_STRIP_ROWS, length), length), tags.get(_WIDTH, 0)
            samples = tags[_SAMPLES] if tags[_PLANES] == 1 else 1
            size = rows * columns * samples * -(-tags[_BITS] // 8)
            check_block(path, limits, size, "one tile" if tiled else "one strip")


def check_mask_file(path: Path) -> None:
    """Refuse a mask beside a file that is no TIFF: GDAL would open it with any of its drivers.

    Raises:
        FileFormatError: It is none, or cannot be read.
    """
    beside = path.with_name(f"{path.name}.msk")
    if not beside.exists():
        return
    with check_readable(beside).open("rb") as stream:
        start = stream.read(2)
    if start not in (b"II", b"MM"):
        raise FileFormatError(f"{beside}: the mask of {path.name} is no TIFF: take it away")


def _directories(stream: IO[bytes]) -> Iterator[dict[int, int]]:
    """Give the whole numbers of each directory by tag; of several values the first."""
    order = {b"II": "<", b"MM": ">"}.get(stream.read(2))
    if order is None:
        return
    try:
        (version,) = struct.unpack(order + "H", stream.read(2))
        big = version == 43
        if big:
            stream.seek(8)
        offset_format, count_format = order + ("Q" if big else "I"), order + ("Q" if big else "H")
        place, seen = _number(stream, offset_format), set[int]()
        while place and place not in seen and len(seen) < _MOST_DIRECTORIES:
            seen.add(place)
            stream.seek(place)
            count = min(_number(stream, count_format), 2**16)
            size = 20 if big else 12
            entries = stream.read(size * count)
            place = _number(stream, offset_format) if len(entries) == size * count else 0
            yield _DEFAULTS | dict(_values(stream, entries, order, size))
    except (struct.error, OSError, ValueError, OverflowError):
        return


def _values(stream: IO[bytes], entries: bytes, order: str, size: int) -> Iterator[tuple[int, int]]:
    inline = 8 if size == 20 else 4
    for start in range(0, len(entries) - size + 1, size):
        tag, kind = struct.unpack_from(order + "HH", entries, start)
        if kind not in _INTEGERS or not (tag in _DEFAULTS or _WIDTH <= tag <= _TILE_LENGTH):
            continue
        (count,) = struct.unpack_from(order + "QI"[inline == 4], entries, start + 4)
        form = order + _INTEGERS[kind]
        value = entries[start + size - inline : start + size]
        if count * struct.calcsize(form) > inline:
            back = stream.tell()
            stream.seek(struct.unpack(order + "QI"[inline == 4], value)[0])
            value = stream.read(8)
            stream.seek(back, os.SEEK_SET)
        if count and len(value) >= struct.calcsize(form):
            yield tag, struct.unpack_from(form, value)[0]


def _number(stream: IO[bytes], form: str) -> int:
    value: int = struct.unpack(form, stream.read(struct.calcsize(form)))[0]
    return value
