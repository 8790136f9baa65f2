"""The samples of a page of a TIFF as they are stored, in whatever compression.

tifffile gives them unchanged. What it decodes only with a package of its own (LZW, floating point
differences, ...) is read by Pillow and OpenCV where these return what the file holds.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Num

from gisr.errors import FileFormatError
from gisr.io.limits import Limits
from gisr.io.pictures import decoded, open_picture, read_orientation, stored_samples

if TYPE_CHECKING:
    from tifffile import TiffPage

_BUILT_IN = {1, 8, 32946, 32773, 34925}
"""Compressions that tifffile decodes by itself: none, deflate (two numbers), PackBits, LZMA."""
_DIFFERENCES = {1, 2}
"""Predictors likewise: none, and horizontal differences."""
_BITS = {1, 8, 16, 24, 32, 64}
"""Bits of samples likewise."""
_PILLOW = {"uint8", "uint16"}
_PILLOW_LITTLE = {"int32", "float32"}
"""Sample types that Pillow decodes unchanged, in any compression (OpenCV writes LZW by default);
of the second ones it exchanges the bytes of files in big endian that are compressed."""


def page_samples(
    path: Path, page: "TiffPage", orientation: int, limits: Limits
) -> Num[np.ndarray, "H W *channels"]:
    """Return the numbers as they are stored, whatever the header says of white and of turning.

    Args:
        path: The file.
        page: One of its pages; its type of number is known.
        orientation: What its header says of turning.
        limits: What the header may claim.

    Raises:
        FileFormatError: Nothing here decodes it.
    """
    from tifffile import PHOTOMETRIC, PLANARCONFIG

    assert page.dtype is not None
    planes = page.planarconfig == PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
    plain = page.compression in _BUILT_IN and page.predictor in _DIFFERENCES
    if plain and page.bitspersample in _BITS:
        samples = np.asarray(page.asarray())
        if planes:
            samples = np.moveaxis(samples, 0, -1)
    else:
        samples = _decoded_elsewhere(path, page, orientation, limits)
        if page.photometric == PHOTOMETRIC.MINISWHITE and page.dtype == np.uint8:
            samples = 255 - samples  # which Pillow and OpenCV turn around, of 8 bits alone
    if page.samplesperpixel == 1:
        return samples.reshape(page.imagelength, page.imagewidth)
    return samples


def _decoded_elsewhere(
    path: Path, page: "TiffPage", orientation: int, limits: Limits
) -> Num[np.ndarray, "H W *channels"]:
    """Return the samples of a compression that tifffile leaves to a package of its own."""
    from tifffile import PLANARCONFIG

    assert page.dtype is not None
    one, name = page.samplesperpixel == 1, page.dtype.name
    little = page.parent.byteorder == "<"
    try:
        if one and (name in _PILLOW or (little and name in _PILLOW_LITTLE)):
            with open_picture(path, ("TIFF",), limits) as image:
                samples = stored_samples(image, read_orientation(image, path))
            if samples.dtype.newbyteorder("=") == page.dtype:
                return samples
        # OpenCV turns upright what is not, and gives one of several planes alone.
        elif orientation == 1 and (one or page.planarconfig == PLANARCONFIG.CONTIG):
            samples = decoded(path, page.dtype)
            if one:
                return samples
            if samples.ndim == 3:  # blue before green and red
                return np.concatenate([samples[..., 2::-1], samples[..., 3:]], axis=-1)
    except FileFormatError as error:
        raise _undecoded(path, page) from error
    raise _undecoded(path, page)


def _undecoded(path: Path, page: "TiffPage") -> FileFormatError:
    compression = getattr(page.compression, "name", page.compression)
    return FileFormatError(
        f"{path}: its {page.dtype} samples, compressed by {compression}, cannot be decoded: the "
        "file is damaged, or save it with another compression (gdal_translate -co COMPRESS=DEFLATE "
        f"{path.name} {path.stem}_deflate.tif)"
    )
