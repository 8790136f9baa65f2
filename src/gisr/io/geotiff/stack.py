"""Band files read as one image: agencies deliver every band in a file of its own.

No VRT is written and none is read: each file is opened with the driver of its kind, and all must
lie on one grid.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gisr.errors import FileFormatError, PairError
from gisr.io.geotiff.drivers import RASTER_SUFFIXES, driver_of
from gisr.io.geotiff.header import (
    GeoHeader,
    StackPart,
    band_list,
    no_band,
    read_header,
)
from gisr.io.geotiff.kept import LAYOUT
from gisr.io.geotiff.nodata import NodataChoice, output_nodata
from gisr.io.geotiff.quality import QualityMask
from gisr.io.limits import Limits, check_bands, check_bytes
from gisr.sizes import picture_size

_SAME_PLACE = 0.01
"""Pixels by which the corners of two band files may lie apart."""
_BAND_NAME = re.compile(r"(?:^|_)((?:SR_|ST_)?B\d{1,2}A?)(?:_\d+m)?$", re.IGNORECASE)
"""What agencies put last into the name of a band's file: ``..._B8A_20m``, ``..._SR_B4``."""


@dataclass(frozen=True)
class BandFile:
    """One file of a stack, and what is known of its band besides what the file says."""

    path: Path
    name: str | None = None
    """Of the band; from the file, or the file's name, when None."""
    colour: str | None = None
    """GDAL's colour interpretation of the band."""
    imagery: Mapping[str, str] = field(default_factory=dict)
    """Tags of the domain IMAGERY: wavelengths in micrometres."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BandStack:
    """Files that are one image together."""

    files: tuple[BandFile, ...]
    path: Path
    """What stands for all of them in messages: a product's folder, or the first file."""
    nodata: float | None = None
    """Value of unknown pixels where the files say none."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the whole."""
    quality: QualityMask | None = None


def band_name(path: Path) -> str:
    """Return what a file's name calls its band: ``B8A`` of ``..._B8A_20m.jp2``; else the stem."""
    found = _BAND_NAME.search(path.stem)
    return found[1].upper() if found else path.stem


def natural_order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts file names as people do: B2 before B10, B8 before B8A."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def folder_stack(folder: Path) -> tuple[Path, ...]:
    """Return the band files right in a folder, in the order of their names.

    Raises:
        FileFormatError: It cannot be read, or holds none.
    """
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in RASTER_SUFFIXES
            and path.is_file()
            and not path.name.startswith(".")
        ]
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be read: {error.strerror or error}") from error
    if not found:
        raise FileFormatError(f"{folder}: holds no band file ({', '.join(RASTER_SUFFIXES)})")
    return tuple(sorted(found, key=natural_order))


def read_stack(
    stack: BandStack,
    limits: Limits,
    bands: Sequence[int | str] | None = None,
    nodata: NodataChoice = None,
) -> GeoHeader:
    """Read the headers of band files as that of one image.

    Args:
        stack: The files; one of several bands gives all of them.
        limits: What each header, and all together, may claim.
        bands: Numbers of the bands of the whole, from 1, or their names; all by default.
        nodata: Value of unknown pixels in place of what files or the stack say.

    Raises:
        PairError: Two files do not lie on one grid, or differ in their type.
        FileFormatError: A file is missing, damaged, or has an alpha band.
        LimitError: A header claims more than the limits.
        InputError: A band that is not there.
    """
    headers = [_file_header(each, stack, limits, nodata) for each in stack.files]
    check_bands(stack.path, limits, sum(header.bands for header in headers))
    first = headers[0]
    for other in headers[1:]:
        _check_alike(first, other)
    parts = [
        StackPart(header.path, number, header.count)
        for header in headers
        for number in header.numbers
    ]
    height, width = first.shape
    size = height * width * len(parts) * first.dtype.itemsize
    check_bytes(stack.path, limits, size, "pixels")
    whole = _joined(headers, parts, stack)
    if stack.quality is not None:
        _check_quality(first, stack.quality, limits)
        whole = replace(whole, quality=stack.quality)
    return whole if bands is None else chosen_bands(whole, bands)


def _file_header(
    file: BandFile, stack: BandStack, limits: Limits, nodata: NodataChoice
) -> GeoHeader:
    header = read_header(file.path, limits, None, nodata)
    if nodata is None and header.nodata is None and stack.nodata is not None:
        header = read_header(file.path, limits, None, stack.nodata)
    if header.alpha:
        raise FileFormatError(
            f"{file.path}: has an alpha band, which a stack of band files cannot keep: take it "
            "off (gdal_translate -b 1)"
        )
    names = header.descriptions
    if header.bands == 1:
        names = (file.name or names[0] or band_name(file.path),)
    colours = tuple("undefined" if colour == "gray" else colour for colour in header.colours)
    imagery = {"IMAGERY": dict(file.imagery)} if file.imagery else {}
    return replace(
        header,
        descriptions=names,
        colours=colours if file.colour is None else (file.colour,) * header.bands,
        band_domains=tuple({**domains, **imagery} for domains in header.band_domains),
        band_tags=tuple({**tags, **file.tags} for tags in header.band_tags),
    )


def _joined(
    headers: Sequence[GeoHeader], parts: Sequence[StackPart], stack: BandStack
) -> GeoHeader:
    """Return the header of the whole."""
    bands: dict[str, Any] = {
        name: tuple(value for header in headers for value in getattr(header, name))
        for name in _OF_BANDS
    }
    first = headers[0]
    bits = {header.bits for header in headers}
    lossy = any(header.lossy for header in headers)
    apart = len(headers) > 1 or driver_of(first.path) != "GTiff"
    predictor = 3 if first.dtype.kind == "f" else 2
    return replace(
        first,
        path=stack.path,
        numbers=tuple(range(1, len(parts) + 1)),
        count=len(parts),
        parts=tuple(parts),
        nodata=output_nodata(bands["band_nodata"]),
        nodata_given=any(header.nodata_given for header in headers),
        **bands,
        bits=bits.pop() if len(bits) == 1 else None,
        creation={**LAYOUT, "predictor": predictor} if apart or lossy else first.creation,
        lossy={} if apart else first.lossy,
        tags={**(first.tags if len(headers) == 1 else {}), **stack.tags},
        domains=first.domains if len(headers) == 1 else {},
    )


_OF_BANDS = (
    *("descriptions", "colours", "band_tags", "band_domains", "scales", "offsets"),
    *("units", "band_nodata"),
)
"""Fields of a header with one value for every band."""


def joined_bands(target: GeoHeader, guide: GeoHeader, order: Sequence[int]) -> GeoHeader:
    """Return the header of a file with bands of two others.

    Args:
        target: What all but the bands is taken from.
        guide: Of the same type.
        order: Places among the target's bands, followed by the guide's.
    """
    bands: dict[str, Any] = {}
    for name in _OF_BANDS:
        values = (*getattr(target, name), *getattr(guide, name))
        bands[name] = tuple(values[place] for place in order)
    bits = target.bits if target.bits == guide.bits else None
    numbers = tuple(range(1, len(order) + 1))
    # It is never read: the parts say alone which files it stands for.
    files = (*target.files, *guide.files)
    parts = tuple(StackPart(path, 1, 1) for path in files)
    return replace(target, numbers=numbers, count=len(order), bits=bits, parts=parts, **bands)


def chosen_bands(header: GeoHeader, bands: Sequence[int | str]) -> GeoHeader:
    """Return a stack's header with some of its bands, in their order.

    Raises:
        InputError: One is not there.
    """
    return picked_bands(header, [header.numbers[place] for place in band_places(header, bands)])


def picked_bands(header: GeoHeader, numbers: Sequence[int]) -> GeoHeader:
    """Return a header with some of the bands it has, by their numbers, of a stack or a file."""
    places = [header.numbers.index(number) for number in numbers]
    names = (*_OF_BANDS, "parts") if header.parts else _OF_BANDS
    picked: dict[str, Any]
    picked = {name: tuple(getattr(header, name)[place] for place in places) for name in names}
    picked["nodata"] = output_nodata(picked["band_nodata"])
    if header.parts:
        return replace(
            header, numbers=tuple(range(1, len(places) + 1)), count=len(places), **picked
        )
    return replace(header, numbers=tuple(numbers), **picked)


def band_places(header: GeoHeader, bands: Sequence[int | str]) -> list[int]:
    """Return where bands stand in a header, from 0, by number or name.

    Raises:
        InputError: One is not there.
    """
    names = [(name or "").lower() for name in header.descriptions]
    places = []
    for band in bands:
        if isinstance(band, str) and band.lower() in names:
            places.append(names.index(band.lower()))
        elif isinstance(band, int) and band in header.numbers:
            places.append(header.numbers.index(band))
        else:
            known = band_list(header.numbers, header.descriptions)
            raise no_band(header.path, [band], known)
    return places


def _check_alike(first: GeoHeader, other: GeoHeader) -> None:
    """Refuse two files of a stack that cannot be one image.

    Raises:
        PairError: They cannot.
    """
    names = f"{first.path.name} and {other.path.name}"
    if first.shape != other.shape:
        raise PairError(
            f"{names}: have {picture_size(first.shape)} and {picture_size(other.shape)} pixels: "
            "the files of one side must lie on one grid: give those of another resolution apart"
        )
    if first.crs != other.crs:
        raise PairError(
            f"{names}: lie in {first.crs_name} and {other.crs_name}: the files of one side must "
            "be of one scene, or warped to one grid first (gdalwarp)"
        )
    if not _same_place(first, other):
        raise PairError(
            f"{names}: do not lie at the same place: give files of one scene or tile, or warp "
            "them to one grid first (gdalwarp)"
        )
    if first.dtype != other.dtype:
        raise PairError(
            f"{names}: hold {first.dtype.name} and {other.dtype.name}: bring them to one type "
            "first (gdal_translate -ot)"
        )


def _same_place(first: GeoHeader, other: GeoHeader) -> bool:
    """Return whether two grids of one size have the same corners, but for rounding."""
    height, width = first.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]).T
    if not first.placed or not other.placed or first.transform.is_degenerate:
        return bool(first.transform == other.transform)
    found = np.linalg.inv(first.matrix) @ other.matrix @ corners
    return bool(np.abs(found - corners).max() <= _SAME_PLACE)


def _check_quality(first: GeoHeader, quality: QualityMask, limits: Limits) -> None:
    """Refuse a quality band that does not lie on the grid of the bands.

    Raises:
        PairError: It does not.
    """
    header = read_header(quality.path, limits, [1], "none")
    if header.shape != first.shape or header.crs != first.crs or not _same_place(first, header):
        raise PairError(
            f"{first.path.name} and {quality.path.name}: the quality band lies on another grid: "
            "leave mask-out out"
        )
    if header.dtype.kind not in "iu":
        raise FileFormatError(f"{quality.path}: a quality band holds integers, not {header.dtype}")
