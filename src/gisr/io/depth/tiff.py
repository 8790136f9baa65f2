"""Depth maps in TIFF: of any type of number, with the nodata that the header declares."""

import logging
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from gisr.errors import FileFormatError
from gisr.io.depth.formats import Fits, StoredDepth, one_channel, orientation_notes
from gisr.io.limits import Limits, check_picture
from gisr.io.quantise import holds
from gisr.io.tiff_blocks import check_tiff_blocks
from gisr.io.tiff_pages import pictures_and_masks
from gisr.io.tiff_samples import page_samples
from gisr.notes import Note

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_ORIENTATION = 274
_OPACITY = {1, 2}
"""Values of ExtraSamples that mean alpha."""
_PLACED = {33550, 33922, 34264}
"""Tags of GeoTIFF that say where a picture lies on the earth."""
_METADATA = 42112
"""GDAL's tag of XML, which says by what stored values are multiplied, and what is added."""
_NODATA = 42113
"""GDAL's tag for the value of unknown pixels
(https://gdal.org/en/stable/drivers/raster/gtiff.html#nodata-value)."""


def read_tiff(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the samples of a TIFF with one page and one channel, and the nodata it declares.

    Overviews are left out; what a mask within the file leaves out is unknown.
    """
    import tifffile

    # It logs what it thinks of a damaged file; what counts is raised, here or by itself.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as file:
        page, masks = _pages(path, file)
        if page.dtype is None or page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            raise FileFormatError(f"{path}: samples of {page.bitspersample} bits: save 8 to 64")
        if page.bitspersample < 8:
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
            raise FileFormatError(
                f"{path}: {bands} channels with the EXIF orientation {orientation}: save one grey "
                "channel, upright"
            )
        turned = orientation_notes(path, orientation)
        notes = (*turned, *_white_notes(path, page), *notes, *_scale_notes(path, page))
        notes = (*notes, *_place_notes(path, page))
        samples = page_samples(path, page, orientation, limits)
        opaque = bool(_OPACITY.intersection(page.extrasamples))
        content = StoredDepth(one_channel(path, samples, alpha=opaque), nodata, notes)
        return _masked(path, content, masks, limits)


def _pages(path: Path, file: "TiffFile") -> tuple["TiffPage", list["TiffPage"]]:
    """Return the page of the depth map, and those that mask it."""
    pages, masks = pictures_and_masks(file)
    first = pages[0]
    if len(pages) > 1 or first.samplesperpixel > 4 or first.imagedepth != 1:
        raise FileFormatError(
            f"{path}: {len(pages)} pages of {first.samplesperpixel} channels: a depth map has one "
            "page with one channel, or three equal ones: save the one you mean alone"
        )
    return first, masks


def _masked(
    path: Path, content: StoredDepth, masks: Sequence["TiffPage"], limits: Limits
) -> StoredDepth:
    """Return a depth map with what stands for unknown where a mask of the file is 0."""
    for mask in masks:
        known = page_samples(path, mask, 1, limits) != 0
        samples = content.samples
        if known.shape != samples.shape:
            raise FileFormatError(f"{path}: its mask has another size: save the depth map alone")
        nodata = content.nodata
        marker = nodata if nodata is not None else math.nan if samples.dtype.kind == "f" else 0
        text = f"what its mask leaves out, {1 - known.mean():.1%}, is unknown: {marker:.8g} there"
        content = StoredDepth(
            np.where(known, samples, np.asarray(marker, samples.dtype)),
            nodata,
            (*content.notes, Note(f"{path.name}: {text}")),
            known if content.known is None else content.known & known,
        )
    return content


def _white_notes(path: Path, page: "TiffPage") -> tuple[Note, ...]:
    """Say that 0 is white by the header: viewers show such a picture turned around."""
    from tifffile import PHOTOMETRIC

    if page.photometric != PHOTOMETRIC.MINISWHITE:
        return ()
    text = "by its header 0 is white, which some programs turn around: taken as it is stored"
    return (Note(f"{path.name}: {text}"),)


def _scale_notes(path: Path, page: "TiffPage") -> tuple[Note, ...]:
    """Say that a scale of GDAL's is left out: values stay as they are stored, in their own unit."""
    found = re.findall(
        r'role="(scale|offset)"[^>]*>([^<]{1,40})<', str(page.tags.valueof(_METADATA, default=""))
    )
    if not found:
        return ()
    said = " and ".join(dict.fromkeys(f"{name} {value.strip()}" for name, value in found))
    text = "values are taken as they are stored, and the output does not declare it"
    return (Note(f"{path.name}: its header declares {said}: {text}"),)


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
