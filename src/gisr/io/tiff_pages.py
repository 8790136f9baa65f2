"""The pages of a TIFF: pictures, masks of them, and overviews, which GDAL puts into one file."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""


def pictures_and_masks(file: "TiffFile") -> tuple[list["TiffPage"], list["TiffPage"]]:
    """Return the pages that are pictures, the first among them, and those that mask one.

    Overviews of either are left out.
    """
    import tifffile

    # Not by iteration, which goes round for ever where the directories of a file form a loop.
    each = (file.pages[number] for number in range(len(file.pages)))
    pages = [page for page in each if isinstance(page, tifffile.TiffPage)]
    whole = [page for page in pages[1:] if not page.subfiletype & _REDUCED]
    masks = [page for page in whole if page.subfiletype & _MASK]
    return [*pages[:1], *(page for page in whole if not page.subfiletype & _MASK)], masks
