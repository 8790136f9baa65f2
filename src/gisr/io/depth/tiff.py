"""Depth maps in TIFF: of any type of number, with the nodata that the header declares."""

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Num, Shaped

from gisr.errors import FileFormatError
from gisr.io.depth.formats import Fits, StoredDepth, decoded, one_channel, orientation_notes
from gisr.io.limits import Limits, check_picture
from gisr.io.pictures import open_picture, read_orientation, stored_samples
from gisr.io.quantise import holds
from gisr.io.tiff_blocks import check_tiff_blocks
from gisr.notes import Note

if TYPE_CHECKING:
    from tifffile import TiffPage

_PILLOW_TIFF = {"uint8", "uint16", "int32", "float32"}
"""Sample types Pillow decodes unchanged, in any compression (OpenCV writes LZW by default)."""
_ORIENTATION = 274
_PLACED = {33550, 33922, 34264}
"""Tags of GeoTIFF that say where a picture lies on the earth."""
_NODATA = 42113
"""GDAL's tag for the value of unknown pixels
(https://gdal.org/en/stable/drivers/raster/gtiff.html#nodata-value)."""


def read_tiff(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the samples of a TIFF with one page and one channel, and the nodata it declares."""
    import tifffile

    # It logs what it thinks of a damaged file; what counts is raised, here or by itself.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if len(file.pages) > 1 or page.samplesperpixel > 4 or page.imagedepth != 1:
            raise FileFormatError(
                f"{path}: {len(file.pages)} pages of {page.samplesperpixel} channels: a depth map "
                "has one page with one channel, or three equal ones: save the one you mean alone"
            )
        if page.dtype is None or page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            raise FileFormatError(f"{path}: samples of {page.bitspersample} bits: save 8 to 64")
        height, width = page.imagelength, page.imagewidth
        size = page.dtype.itemsize
        bands = page.samplesperpixel
        check_picture(path, limits, height=height, width=width, bands=bands, itemsize=size)
        check_tiff_blocks(path, limits)
        fits((height, width))
        nodata, notes = _declared_nodata(path, page)
        orientation = page.tags.valueof(_ORIENTATION, default=1)
        if bands > 1 and orientation != 1:
            # OpenCV turns some of these, and cannot read the others.
            raise FileFormatError(
                f"{path}: {bands} channels with the EXIF orientation {orientation}: save one grey "
                "channel, upright"
            )
        notes = (*orientation_notes(path, orientation), *notes, *_place_notes(path, page))
        return StoredDepth(_samples(path, page, limits), nodata, notes)


def _samples(path: Path, page: "TiffPage", limits: Limits) -> Num[np.ndarray, "H W"]:
    from tifffile import PLANARCONFIG

    assert page.dtype is not None  # refused before
    if page.samplesperpixel > 1:
        if page.dtype.name in ("uint8", "uint16", "float32"):
            samples = decoded(path, page.dtype)
            # Of bands that are no colours OpenCV returns the first alone.
            if samples.ndim == 3:
                return one_channel(path, samples)
        samples = np.asarray(page.asarray())
        planes = page.planarconfig == PLANARCONFIG.SEPARATE
        return one_channel(path, np.moveaxis(samples, 0, -1) if planes else samples)
    if page.dtype.name not in _PILLOW_TIFF:
        return np.asarray(page.asarray()).reshape(page.imagelength, page.imagewidth)
    with open_picture(path, ("TIFF",), limits) as image:
        samples = stored_samples(image, read_orientation(image, path))
    if samples.dtype.newbyteorder("=") != page.dtype.newbyteorder("="):
        raise FileFormatError(f"{path}: {page.dtype} samples in a layout that is not supported")
    return samples


def _place_notes(path: Path, page: "TiffPage") -> tuple[Note, ...]:
    """Say that a place on the earth is left out: the output lies on the picture's pixels."""
    if _PLACED.isdisjoint(tag.code for tag in page.tags):
        return ()
    text = (
        f"{path.name}: its georeference is not in the output, which has the pixels of the colour "
        "image: that of a georeferenced one can be copied (gdal_edit.py -a_srs, -a_ullr)"
    )
    return (Note(text),)


def _declared_nodata(path: Path, page: "TiffPage") -> tuple[float | None, tuple[Note, ...]]:
    """Return the value that the header declares for unknown pixels, if a pixel can have it."""
    tag = page.tags.get(_NODATA)
    if tag is None:
        return None, ()
    text = tag.value.decode("latin-1") if isinstance(tag.value, bytes) else str(tag.value)
    text = text.strip("\0 \t\r\n")
    about = f"{path.name}: its header declares nodata"
    try:
        value = float(text)
    except ValueError:
        return None, (Note(f"{about} {text[:20]!r}, which is no number: ignored"),)
    assert page.dtype is not None  # refused before
    if not _can_hold(page.dtype, value):
        return None, (Note(f"{about} {value:.8g}, which no {page.dtype} pixel can hold: ignored"),)
    return value, ()


def _can_hold(dtype: np.dtype, value: float) -> bool:
    if dtype.kind != "f":
        return holds(dtype, value)
    return not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)


def write_tiff(path: Path, stored: Shaped[np.ndarray, "H W"], nodata: float | None = None) -> None:
    """Write samples of any type as a deflate-compressed TIFF that declares its nodata, if any."""
    import tifffile

    # As GDAL writes it: every digit of a float64, in ASCII.
    declared = [] if nodata is None else [(_NODATA, "s", 0, f"{nodata:.17g}", True)]
    tifffile.imwrite(
        path,
        stored,
        compression="zlib",
        photometric="minisblack",
        metadata=None,
        software="gisr",
        extratags=declared,
    )
