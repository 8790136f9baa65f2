"""What the header of a GeoTIFF claims, checked before anything of that size is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gisr.errors import FileFormatError
from gisr.io.geotiff.drivers import driver_of
from gisr.io.limits import Limits, check_bands, check_block, check_picture
from gisr.io.tiff_blocks import check_tiff_blocks

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_TURNED_INTO_RGB = ("CMYK", "CIELAB")
"""Kinds of colours that GDAL reads as red, green, blue and alpha. JPEG's YCbCr is how a codec
stores red, green and blue, and no change of what the bands are."""


def check_claims(path: Path, dataset: "DatasetReader", limits: Limits) -> np.dtype:
    """Check what an open file claims to hold, and return the type of its samples.

    Raises:
        FileFormatError: It holds several images, several or complex types, or a transform that is
            not finite.
        LimitError: It claims more than the limits.
    """
    check_bands(path, limits, dataset.count)  # first: reading about each takes time
    _check_single(path, dataset)
    _check_colours(path, dataset)
    dtype = _sample_type(path, dataset, range(1, dataset.count + 1))
    check_picture(
        path,
        limits,
        height=dataset.height,
        width=dataset.width,
        bands=dataset.count,
        itemsize=dtype.itemsize,
    )
    _check_blocks(path, dataset, dtype, limits)
    numbers = tuple(dataset.transform)[:6]
    if not np.isfinite(numbers).all():
        raise FileFormatError(
            f"{path}: its transform {numbers} is not finite: georeference it again "
            "(gdal_edit.py -a_ullr)"
        )
    return dtype


def _check_single(path: Path, dataset: "DatasetReader") -> None:
    """Refuse several images in one file, of which GDAL would show the first alone."""
    pages = len(dataset.subdatasets)
    if pages > 1:
        raise FileFormatError(
            f"{path}: holds {pages} images (pages), and nothing says which is meant: save each as "
            f"a file of its own (gdal_translate GTIFF_DIR:1:{path.name} 1.tif); bands in several "
            "files are named together (--target 1.tif 2.tif ...)"
        )


def _check_colours(path: Path, dataset: "DatasetReader") -> None:
    """Refuse bands of which GDAL makes others: red, green, blue and alpha of printing inks."""
    space = dataset.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE", "")
    if space in _TURNED_INTO_RGB:
        raise FileFormatError(
            f"{path}: its header calls its bands {space} colours, of which GDAL would make red, "
            "green and blue: take the bands as they are first (gdal_translate -co "
            f"PHOTOMETRIC=MINISBLACK GTIFF_RAW:{path} {path.stem}_bands.tif)"
        )


def _sample_type(path: Path, dataset: "DatasetReader", chosen: Sequence[int]) -> np.dtype:
    kinds = {dataset.dtypes[band - 1] for band in chosen}
    if len(kinds) > 1:
        raise FileFormatError(f"{path}: bands of several types {sorted(kinds)}: read them alone")
    kind = kinds.pop()
    if "complex" in kind:
        raise FileFormatError(
            f"{path}: complex pixels ({kind}): give intensity or amplitude instead"
        )
    sample: np.dtype = np.dtype(kind)
    return sample


def _check_blocks(path: Path, dataset: "DatasetReader", dtype: np.dtype, limits: Limits) -> None:
    """Check what GDAL decodes whole: tiles and strips, also of masks and overviews."""
    # A 10 x 10 picture may still be one tile of 65536 x 65536.
    together = 1 if dataset.profile.get("interleave") == "band" else dataset.count
    for rows, columns in set(dataset.block_shapes):
        check_block(path, limits, rows * columns * together * dtype.itemsize, "one tile")
    for place in (path, path.with_name(f"{path.name}.msk"), path.with_name(f"{path.name}.ovr")):
        if place.is_file() and (place != path or driver_of(path) == "GTiff"):
            check_tiff_blocks(place, limits)
