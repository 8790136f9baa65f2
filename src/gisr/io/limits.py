"""How much a file may claim, checked on its header before any pixel is read.

A 1.8 MB sparse GeoTIFF can claim 298 GiB and a 480-byte NIfTI 32767^3 voxels; the claim alone must
not take the memory of the machine.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath

from gisr.errors import FileFormatError, InputError, LimitError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_UNITLESS = 1024
"""Bytes below which a number without a unit is none of bytes: a unit was forgotten."""
_BINARY_UNITS = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@dataclass(frozen=True)
class Limits:
    """Upper bounds of what is read from one file. Raise them for files you trust."""

    max_pixels: int = 2**31
    """Pixels (width x height) of a picture: a whole WorldView PAN scene has about 1.2e9."""
    max_bands: int = 1024
    """Bands of a picture: hyperspectral sensors have 200 to 500."""
    max_voxels: int = 2**29
    """Voxels of a volume: 512 x 512 x 2048."""
    max_bytes: int = 8 * 2**30
    """Bytes of the decoded array, in the type it has on disk."""
    max_block_bytes: int = 2**29
    """Bytes that one tile, strip or chunk decodes to: libraries decode each of them whole."""

    def __post_init__(self) -> None:
        """Refuse limits that would refuse every file.

        Raises:
            ValueError: A limit is below 1.
        """
        for name, value in vars(self).items():
            if not value >= 1:
                raise ValueError(f"{name}={value} would refuse every file: it must be at least 1")


DEFAULT_LIMITS = Limits()
"""Large enough for whole scenes and volumes, small enough to refuse a header bomb."""


def check_picture(
    path: str | PathLike[str],
    limits: Limits,
    *,
    height: int,
    width: int,
    bands: int,
    itemsize: int,
) -> None:
    """Check what the header of a picture claims.

    Args:
        path: The file, for the message.
        limits: What is allowed.
        height: Rows.
        width: Columns.
        bands: Bands that will be read.
        itemsize: Bytes of one sample.

    Raises:
        FileFormatError: A size is not above zero.
        LimitError: The claim is larger than the limits.
    """
    _positive(path, (width, height, bands))
    _below(path, height * width, limits.max_pixels, "pixels", "max_pixels", (width, height))
    check_bands(path, limits, bands)
    size = height * width * bands * itemsize
    _below(path, size, limits.max_bytes, "bytes", "max_bytes", (width, height, bands, itemsize))


def check_volume(
    path: str | PathLike[str], limits: Limits, shape: Sequence[int], itemsize: int
) -> None:
    """Check what the header of a volume claims.

    Args:
        path: The file, for the message.
        limits: What is allowed.
        shape: Voxels along each axis.
        itemsize: Bytes of one voxel.

    Raises:
        FileFormatError: A size is not above zero.
        LimitError: The claim is larger than the limits.
    """
    _positive(path, shape)
    voxels = math.prod(shape)
    _below(path, voxels, limits.max_voxels, "voxels", "max_voxels", shape)
    _below(path, voxels * itemsize, limits.max_bytes, "bytes", "max_bytes", (*shape, itemsize))


def check_bands(path: str | PathLike[str], limits: Limits, bands: int) -> None:
    """Check the number of bands that a picture claims.

    Raises:
        LimitError: There are more than ``limits.max_bands``.
    """
    _below(path, bands, limits.max_bands, "bands", "max_bands", (bands,))


def check_bytes(path: str | PathLike[str], limits: Limits, size: int, what: str) -> None:
    """Check the number of bytes that would be read or decompressed from a file.

    Raises:
        LimitError: ``size`` is larger than ``limits.max_bytes``.
    """
    _below(path, size, limits.max_bytes, f"bytes of {what}", "max_bytes", (size,))


def check_block(path: str | PathLike[str], limits: Limits, size: int, what: str) -> None:
    """Check what one part of a file, which is decoded whole, decodes to.

    Args:
        path: The file, for the message.
        limits: What is allowed.
        size: Bytes.
        what: What the part is, for the message: one tile, one strip, one chunk.

    Raises:
        LimitError: ``size`` is larger than ``limits.max_block_bytes``, or than all of the array
            may be.
    """
    most = min(limits.max_block_bytes, limits.max_bytes)
    if size <= most:
        return
    remedy = "copy it in smaller chunks (h5repack -l CHUNK=...)"
    if what != "one chunk":
        remedy = "store it in small tiles (gdal_translate -co TILED=YES)"
    raise LimitError(
        f"{fspath(path)}: claims {size} bytes of {what}, more than the {most} allowed: "
        f"{remedy}, or if you trust it raise Limits(max_block_bytes=...)"
    )


def _positive(path: str | PathLike[str], shape: Sequence[int]) -> None:
    if not shape or min(shape) < 1:
        claim = " x ".join(map(str, shape)) or "no size at all"
        raise FileFormatError(f"{fspath(path)}: empty, its header claims {claim}")


def _below(
    path: str | PathLike[str], value: int, limit: int, unit: str, name: str, parts: Sequence[int]
) -> None:
    if value <= limit:
        return
    product = f" ({' x '.join(map(str, parts))})" if len(parts) > 1 else ""
    raise LimitError(
        f"{fspath(path)}: claims {value} {unit}{product}, more than the {limit} allowed: "
        f"cut the file into parts, or if you trust it raise Limits({name}=...)"
    )


def parse_size(text: str) -> int:
    """Return the bytes of an amount of memory, for example ``2GB``, ``1.5 GiB`` or ``800m``.

    Raises:
        InputError: It is no amount above zero.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    units = _UNITS | _BINARY_UNITS
    least = _UNITLESS if found and not found[2] else 0
    if not found or found[2] not in units or not 0 < float(found[1]) >= least:
        raise InputError(f"{text!r} must be an amount of memory such as 2GB, 800MB or 1.5GiB")
    return int(float(found[1]) * units[found[2]])
