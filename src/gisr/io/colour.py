"""Colour and grey pictures: the guide of a depth map."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt

from gisr.errors import FileFormatError
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.pictures import (
    check_png,
    decoded,
    open_picture,
    png_header,
    read_orientation,
    stored_samples,
    stored_size,
    turned_upright,
)
from gisr.io.tiff_samples import page_samples
from gisr.notes import Note, warning

if TYPE_CHECKING:
    from PIL.Image import Image

_PHOTOMETRIC = 262
"""TIFF tag: 0 means that 0 is white."""
_GREY_WITH_ALPHA = 4
"""PNG colour type that Pillow opens as RGBA when it has 16 bits."""


def read_colour(
    path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS, *, upright: bool = True
) -> UInt[np.ndarray, "H W *channels"]:
    """Read a PNG, JPEG or TIFF picture.

    Transparency is dropped, palettes and CMYK become RGB. A picture with an EXIF orientation is
    turned upright, as viewers and OpenCV do, so that it lies as the depth map beside it does.

    Args:
        path: The file; its content decides, not its suffix.
        limits: What its header may claim.
        upright: Whether to turn it as its EXIF orientation says.

    Returns:
        (H, W) grey or (H, W, 3) red, green, blue; uint8 or uint16 as in the file.

    Raises:
        FileFormatError: Missing, damaged, another format, or samples that are not 8 or 16 bits.
        LimitError: The header claims more than the limits.
    """
    with open_picture(path, ("PNG", "JPEG", "TIFF"), limits) as image:
        if image.format == "PNG":
            check_png(path)
        orientation = read_orientation(image, path)
        if image.mode in ("I", "F"):
            raise FileFormatError(
                f"{path}: {image.mode} samples of 32 bits are no colours: save 8 or 16 bits"
            )
        samples: UInt[np.ndarray, "H W *channels"]
        if image.mode.startswith("I;16"):
            samples = stored_samples(image, orientation).astype(np.uint16)
            if _is_white_at_zero(image):  # which Pillow sees to for 8 bits alone
                samples = np.iinfo(np.uint16).max - samples
        elif _sample_bits(image, path) == 16:
            samples = _read_16_bit_colour(image, Path(path), orientation, limits)
        else:
            grey = image.mode in ("1", "L", "LA", "La")
            samples = stored_samples(image, orientation, "L" if grey else "RGB")
    return turned_upright(samples, orientation) if upright else samples


@dataclass(frozen=True)
class ColourHeader:
    """What the header of a picture says."""

    stored: tuple[int, int]
    """Rows and columns as stored."""
    orientation: int
    """EXIF orientation: 1 is upright, 2 to 8 are mirrored or turned."""

    @property
    def upright(self) -> tuple[int, int]:
        """Rows and columns of the picture turned upright."""
        return self.stored[::-1] if self.orientation in (5, 6, 7, 8) else self.stored

    @property
    def turn(self) -> str:
        """How the picture is turned to stand upright, for messages."""
        return _TURNS.get(self.orientation, "")


def turned_note(path: Path, header: ColourHeader, stored: str) -> Note:
    """Warn that a picture was turned upright.

    Args:
        path: The picture.
        header: Its header, with an orientation that is not 1.
        stored: What would have to lie as it is stored for the tag to be wrong.
    """
    return warning(
        f"{path.name}: {header.turn}, as its EXIF orientation {header.orientation} says: if "
        f"{stored}, remove the tag (exiftool -Orientation= {path.name})"
    )


_TURNS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored upside down",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 90 degrees",
    8: "turned by 90 degrees",
}


def colour_header(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> ColourHeader:
    """Read the header of a picture; no pixel is read, unless a PNG has EXIF behind its pixels.

    Raises:
        GisrError: As :func:`read_colour`, for faults of the header.
    """
    with open_picture(path, ("PNG", "JPEG", "TIFF"), limits) as image:
        return ColourHeader(stored_size(image), read_orientation(image, path))


def transparent_share(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> float:
    """Return the share of pixels of a picture that are not opaque.

    Raises:
        GisrError: As :func:`read_colour`.
    """
    with open_picture(path, ("PNG", "JPEG", "TIFF"), limits) as image:
        if not image.has_transparency_data:
            return 0.0
        opacity = np.asarray(image.convert("RGBA").getchannel("A"))
        return float((opacity < np.iinfo(np.uint8).max).mean())


def colour_shape(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> tuple[int, int]:
    """Return the rows and columns that :func:`read_colour` will give; no pixel is read.

    Raises:
        GisrError: As :func:`read_colour`, for faults of the header.
    """
    return colour_header(path, limits).upright


def _sample_bits(image: "Image", path: str | PathLike[str]) -> int:
    if image.format == "PNG":
        return png_header(path)[0]
    tags = getattr(image, "tag_v2", {})
    return int(max(tags.get(258, (8,))))


def _is_white_at_zero(image: "Image") -> bool:
    return bool(getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0)


def _read_16_bit_colour(
    image: "Image", path: Path, orientation: int, limits: Limits
) -> UInt[np.ndarray, "H W *channels"]:
    # Pillow would cut these to 8 bits without notice.
    if orientation != 1:
        raise FileFormatError(
            f"{path}: 16-bit colours with the EXIF orientation {orientation}: save the picture "
            f"upright, or if it is, remove the tag (exiftool -Orientation= {path.name})"
        )
    if image.format == "TIFF":
        return _read_16_bit_tiff(path, limits)
    samples = decoded(path, np.uint16)
    if png_header(path)[1] == _GREY_WITH_ALPHA:
        return np.ascontiguousarray(samples[..., 0])
    return np.ascontiguousarray(samples[..., 2::-1])


def _read_16_bit_tiff(path: Path, limits: Limits) -> UInt[np.ndarray, "H W 3"]:
    """Return red, green and blue, which OpenCV mixes up where they are planes of their own."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if page.photometric != tifffile.PHOTOMETRIC.RGB or page.dtype != np.uint16:
            kind = getattr(page.photometric, "name", page.photometric)
            raise FileFormatError(
                f"{path}: {page.samplesperpixel} x {page.dtype}, {kind}, are no "
                "colours: save grey, or red, green and blue"
            )
        samples = page_samples(path, page, 1, limits)
        return np.ascontiguousarray(samples[..., :3])
