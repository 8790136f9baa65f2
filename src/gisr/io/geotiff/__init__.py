"""GeoTIFF in and out: headers, windows, grids, and how two files lie together."""

from gisr.io.geotiff.cache import geotiff_memory
from gisr.io.geotiff.creation_options import CreationOptions, check_storable, waiting_bytes
from gisr.io.geotiff.header import (
    GeoHeader,
    open_geotiff,
    read_header,
    read_outline,
)
from gisr.io.geotiff.quality import QualityMask
from gisr.io.geotiff.reader import GeoRaster, GeoReader, read_geotiff
from gisr.io.geotiff.regrid import GeoOutline, Turn, Warp
from gisr.io.geotiff.relate import Relation, geotiff_placement, relate_grids, spread_header
from gisr.io.geotiff.stack import BandFile, BandStack, band_name, folder_stack, read_stack
from gisr.io.geotiff.writer import GeoWriter, check_geotiff_place, create_geotiff, sidecars

__all__ = [
    "BandFile",
    "BandStack",
    "CreationOptions",
    "GeoHeader",
    "GeoOutline",
    "GeoRaster",
    "GeoReader",
    "GeoWriter",
    "QualityMask",
    "Relation",
    "Turn",
    "Warp",
    "band_name",
    "check_geotiff_place",
    "check_storable",
    "create_geotiff",
    "folder_stack",
    "geotiff_memory",
    "geotiff_placement",
    "open_geotiff",
    "read_geotiff",
    "read_header",
    "read_outline",
    "read_stack",
    "relate_grids",
    "sidecars",
    "spread_header",
    "waiting_bytes",
]
