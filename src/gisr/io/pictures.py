"""Opening PNG, JPEG and TIFF through Pillow: named formats only, sizes checked, errors typed."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.errors import FileFormatError, LimitError
from gisr.io.files import check_readable, typed_errors
from gisr.io.foreign import foreign_file
from gisr.io.limits import Limits, check_picture
from gisr.io.tiff_blocks import check_tiff_blocks

if TYPE_CHECKING:
    from PIL.Image import Image


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
    with typed_errors(path, f"cannot be read as {kind}"), warnings.catch_warnings():
        # Of tags that are cut off, which it skips, it tells the terminal.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(found, formats=formats)
        except UnidentifiedImageError as error:
            way = foreign_file(found) or f"is damaged, or no {kind} file whatever its name says"
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
            if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
                raise FileFormatError(f"{path}: holds several pages: save the one you mean alone")
            yield image


def png_header(path: str | PathLike[str]) -> tuple[int, int]:
    """Return bits a sample and colour type of a PNG that has been opened (Pillow gives neither).

    The signature and the first chunk's name and sizes take 24 bytes; these two follow.
    """
    with Path(path).open("rb") as stream:
        bits, colour_type = stream.read(26)[24:]
    return bits, colour_type
