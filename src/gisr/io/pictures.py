"""Opening PNG, JPEG and TIFF through Pillow: named formats only, sizes checked, errors typed."""

import logging
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Num, Shaped
from numpy.typing import DTypeLike

from gisr.errors import FileFormatError, LimitError
from gisr.io.files import check_readable, typed_errors
from gisr.io.foreign import foreign_file
from gisr.io.limits import Limits, check_picture
from gisr.io.tiff_blocks import check_tiff_blocks
from gisr.io.tiff_pages import pictures_and_masks
from gisr.optional_imports import without_chatter

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
"""EXIF tag: how the picture has to be turned to stand upright."""
_WIDTH, _LENGTH = 256, 257
"""TIFF tags: columns and rows as stored."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHECKED = {b"IHDR": "header", b"PLTE": "palette", b"IDAT": "pixels"}
"""Parts of a PNG without which it is no picture."""
_PART = 2**20
"""Bytes that are read at a time."""
_XMP = b"XML:com.adobe.xmp"
"""What a text of a PNG is called that holds XMP, whose orientation Pillow reads, too."""


@contextmanager
def open_picture(
    path: str | PathLike[str], formats: tuple[str, ...], limits: Limits
) -> Iterator["Image"]:
    """Open a picture by its content, whatever its suffix; no pixel has been read.

    Pillow's own warning about decompression bombs (above 89 million pixels) counts as an error
    here, so pictures are bounded by the smaller of ``limits`` and Pillow's ``MAX_IMAGE_PIXELS``.

    Args:
        path: The file.
        formats: Pillow's names of the formats that are allowed; no other parser is run.
        limits: What the header may claim.

    Yields:
        The image. Errors of Pillow within the block are typed too.

    Raises:
        FileFormatError: Missing, damaged, another format, or a TIFF of several pages.
        LimitError: The header claims more than the limits.
    """
    from PIL import Image, UnidentifiedImageError

    # It logs what it thinks of a damaged file; what counts is raised.
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    found = check_readable(path)
    kind = " or ".join(formats)
    # Not by its name: Pillow maps a TIFF without compression into memory then, and mixes up rows
    # where its orientation exchanges width and height.
    with (
        typed_errors(path, f"cannot be read as {kind}"),
        warnings.catch_warnings(),
        found.open("rb") as stream,
    ):
        # Of tags that are cut off, which it skips, it tells the terminal.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(stream, formats=formats)
        except UnidentifiedImageError as error:
            way = foreign_file(found) or _other_tiff(found)
            way = way or f"is damaged, or no {kind} file whatever its name says"
            raise FileFormatError(f"{path}: cannot be read: {way}") from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise LimitError(
                f"{path}: claims more pixels than a picture may have ({error}): reduce it first, "
                "or if you trust it raise PIL.Image.MAX_IMAGE_PIXELS"
            ) from error
        with image:
            width, height = image.size
            bands = len(image.getbands())
            check_picture(path, limits, height=height, width=width, bands=bands, itemsize=4)
            if image.format == "TIFF":
                check_tiff_blocks(found, limits)
            # Phones store a JPEG with further pictures behind it (MPO): the first is the photo.
            several = image.format == "TIFF" and getattr(image, "n_frames", 1) > 1
            if several and _pages(found) > 1:
                raise FileFormatError(f"{path}: holds several pages: save the one you mean alone")
            yield image


def _pages(path: Path) -> int:
    import tifffile

    with tifffile.TiffFile(path) as file:
        return len(pictures_and_masks(file)[0])


def _other_tiff(path: Path) -> str | None:
    """Say what a TIFF holds that is no picture for Pillow; None for other files."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            kind = getattr(page.photometric, "name", page.photometric)
            layout = f"{page.samplesperpixel} x {page.dtype}, {kind}"
            if file.is_bigtiff and file.byteorder == ">":
                layout += ", BigTIFF in big endian"
    except Exception:  # anything, on bytes that are no TIFF
        return None
    return f"a TIFF of another layout ({layout}): save one or three channels of 8 or 16 bits"


def stored_size(image: "Image") -> tuple[int, int]:
    """Return rows and columns of an opened picture as the file stores them."""
    tags = getattr(image, "tag_v2", {})  # of a TIFF, whose size Pillow gives turned upright
    width, height = image.size
    return int(tags.get(_LENGTH, height)), int(tags.get(_WIDTH, width))


def read_orientation(image: "Image", path: str | PathLike[str]) -> int:
    """Return the EXIF orientation of an opened picture: 1 is upright, 2 to 8 mirrored or turned.

    No pixel is read, unless a PNG has its EXIF behind its pixels.
    """
    from PIL import Image

    if image.format == "PNG" and _has_tags_behind_pixels(Path(path)):
        image.load()
    # Not image.getexif: asked for the EXIF of a PNG that has none, it reads all pixels.
    orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
    return int(orientation) if orientation in range(1, 9) else 1


def stored_samples(
    image: "Image", orientation: int, mode: str | None = None
) -> Shaped[np.ndarray, "H W *channels"]:
    """Return the samples of an opened picture as the file stores them, not turned.

    Args:
        image: The picture; its pixels have not been read.
        orientation: As :func:`read_orientation` gave it.
        mode: Pillow's name of what they are converted to; None leaves them.
    """
    image.load()
    samples = np.asarray(image if mode is None else image.convert(mode))
    # Pillow turns a TIFF as it reads its pixels, and takes the orientation away; no other format.
    if image.format == "TIFF" and image.getexif().get(_ORIENTATION, 1) != orientation:
        return turned_upright(samples, {6: 8, 8: 6}.get(orientation, orientation))
    return samples


def turned_upright(
    samples: Shaped[np.ndarray, "h w *channels"], orientation: int
) -> Shaped[np.ndarray, "H W *channels"]:
    """Return samples turned as an EXIF orientation says."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def _has_tags_behind_pixels(path: Path) -> bool:
    """Return whether a PNG has EXIF or XMP behind its pixels, where some programs put it."""
    with path.open("rb", buffering=0) as stream:
        place, pixels = len(_PNG_SIGNATURE), False
        while True:
            stream.seek(place)
            start = stream.read(8 + len(_XMP))
            if len(start) < 8:
                return False
            length, kind = int.from_bytes(start[:4], "big"), start[4:8]
            pixels = pixels or kind == b"IDAT"
            if pixels and (kind == b"eXIf" or (kind == b"iTXt" and start[8:] == _XMP)):
                return True
            place += length + 12  # and the chunk's length, name and checksum


def png_header(path: str | PathLike[str]) -> tuple[int, int]:
    """Return bits a sample and colour type of a PNG that has been opened (Pillow gives neither).

    The signature and the first chunk's name and sizes take 24 bytes; these two follow.
    """
    with Path(path).open("rb") as stream:
        bits, colour_type = stream.read(26)[24:]
    return bits, colour_type


def check_png(path: str | PathLike[str]) -> None:
    """Refuse a PNG whose pixels are not those that were written: Pillow looks at no checksum.

    Raises:
        FileFormatError: Checksums of its header, palette or pixels do not fit.
    """
    with Path(path).open("rb") as stream:
        stream.seek(len(_PNG_SIGNATURE))
        while len(start := stream.read(8)) == 8 and start[4:] != b"IEND":
            length, kind = int.from_bytes(start[:4], "big"), start[4:]
            if kind not in _CHECKED:
                stream.seek(length + 4, os.SEEK_CUR)
                continue
            found = zlib.crc32(kind)
            while length and (part := stream.read(min(length, _PART))):
                found, length = zlib.crc32(part, found), length - len(part)
            stated = stream.read(4)
            if len(stated) == 4 and int.from_bytes(stated, "big") != found:
                raise FileFormatError(
                    f"{path}: damaged: the checksum of its {_CHECKED[kind]} does not fit: copy or "
                    "download it again"
                )


def decoded(path: Path, dtype: DTypeLike) -> Num[np.ndarray, "H W *channels"]:
    """Return the samples of a picture of colours, which Pillow would cut to 8 bits.

    Raises:
        FileFormatError: Damaged.
    """
    import cv2

    with without_chatter():
        samples = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.dtype(dtype).newbyteorder("="):
        raise FileFormatError(f"{path}: damaged: its {np.dtype(dtype)} samples cannot be decoded")
    return samples
