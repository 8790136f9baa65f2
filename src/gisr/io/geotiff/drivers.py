"""Which of GDAL's drivers opens a file: the one of its kind, never whichever recognises it."""

from contextlib import AbstractContextManager
from os import PathLike
from typing import Literal

from gisr.io.files import file_suffix, typed_errors

RasterDriver = Literal["GTiff", "JP2OpenJPEG"]
"""GDAL's names of the drivers that files are opened with."""
JPEG2000_SUFFIXES = (".jp2", ".j2k")
TIFF_SUFFIXES = (".tif", ".tiff")
RASTER_SUFFIXES = (*TIFF_SUFFIXES, *JPEG2000_SUFFIXES)
"""Of files that hold bands of satellite images."""


def driver_of(path: str | PathLike[str]) -> RasterDriver:
    """Return the driver for a file, by its suffix: what is no JPEG 2000 has to be a TIFF."""
    return "JP2OpenJPEG" if file_suffix(path) in JPEG2000_SUFFIXES else "GTiff"


def format_of(path: str | PathLike[str]) -> str:
    """Return what a file has to be, for messages."""
    return "GeoTIFF" if driver_of(path) == "GTiff" else "JPEG 2000"


def reading_errors(path: str | PathLike[str]) -> AbstractContextManager[None]:
    """Turn what GDAL raises over a file that is read into an error that names it and a way out."""
    remedy = "get the file again, or see what gdalinfo says of it"
    return typed_errors(path, f"cannot be read as {format_of(path)}", remedy)
