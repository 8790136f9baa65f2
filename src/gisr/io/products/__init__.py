"""Satellite products as agencies deliver them: folders of band files with metadata."""

from pathlib import Path

from gisr.io.products import landsat, sentinel2
from gisr.io.products.product import Product, ProductBand, QualityBand
from gisr.io.quality_words import QUALITY_WORDS

_SAFE = ".SAFE"


def product_folder(path: str | Path) -> Path | None:
    """Return the folder of the product that a path names; None where it names none.

    It may be the folder, or the metadata file in it.

    Raises:
        FileFormatError: A folder with several products.
    """
    place = Path(path)
    try:
        return _folder(place)
    except (OSError, ValueError):  # no name, or a folder that may not be read: no product
        return None


def _folder(place: Path) -> Path | None:
    named = (*sentinel2.METADATA, "manifest.safe")
    if place.is_file() and (place.name in named or landsat.is_metadata(place)):
        return place.parent
    if not place.is_dir():
        return None
    if place.suffix == _SAFE or sentinel2.metadata_of(place) is not None:
        return place
    return place if landsat.metadata_of(place) is not None else None


def read_product(folder: Path) -> Product:
    """Read the metadata of a product.

    Raises:
        FileFormatError: It is damaged, of a kind that is not read, or a band is missing.
    """
    folder = folder.resolve()
    if folder.suffix == _SAFE or sentinel2.metadata_of(folder) is not None:
        return sentinel2.read_sentinel2(folder)
    return landsat.read_landsat(folder)


__all__ = [
    "QUALITY_WORDS",
    "Product",
    "ProductBand",
    "QualityBand",
    "product_folder",
    "read_product",
]
