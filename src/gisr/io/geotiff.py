"""GeoTIFF in and out, and how a multispectral and a panchromatic file lie together."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from gisr.errors import PairError
from gisr.io.geolayout import Layout, waiting_bytes
from gisr.io.georaster import (
    GeoHeader,
    GeoRaster,
    GeoReader,
    geotiff_memory,
    open_geotiff,
    read_geotiff,
    read_header,
)
from gisr.io.geowriter import GeoWriter, create_geotiff
from gisr.io.placement import Placement, check_overlap

if TYPE_CHECKING:
    from rasterio.crs import CRS

__all__ = [
    "GeoHeader",
    "GeoRaster",
    "GeoReader",
    "GeoWriter",
    "Layout",
    "create_geotiff",
    "geotiff_memory",
    "geotiff_placement",
    "open_geotiff",
    "read_geotiff",
    "read_header",
    "waiting_bytes",
]

_TURN_TOLERANCE = 0.1
"""Target pixels that two grids may turn against each other across the whole picture."""


def geotiff_placement(target: GeoHeader, guide: GeoHeader) -> Placement:
    """Return where the target's pixels lie on the guide's grid, from the files' georeference.

    Files that both have no transform are taken to cover the same scene, pixel areas aligned.

    Raises:
        PairError: Only one file is georeferenced, the CRS differ, the grids are turned or mirrored
            against each other, do not overlap, or have an impossible ratio.
    """
    names = f"{target.path.name} and {guide.path.name}"
    _check_same_reference(target, guide, names)
    if not target.placed:
        try:
            return Placement.from_grid("centre", target.shape, guide.shape)
        except PairError as error:
            raise PairError(f"{names} (neither is georeferenced): {error}") from error
    if target.transform.is_degenerate or guide.transform.is_degenerate:
        raise PairError(f"{names}: a transform with pixels of no area: georeference them again")
    to_target = (np.linalg.inv(_matrix(target)) @ _matrix(guide)).tolist()
    across, turn_x, left = to_target[0]
    turn_y, down, top = to_target[1]
    rows, columns = guide.shape
    if max(abs(turn_x) * rows, abs(turn_y) * columns) > _TURN_TOLERANCE:
        raise PairError(
            f"{names}: the grids are turned against each other: warp the guide to the target's "
            "orientation first (gdalwarp)"
        )
    if across < 0 or down < 0:
        raise PairError(
            f"{names}: one is mirrored against the other (north-up and south-up): "
            "warp the guide to the target's orientation first (gdalwarp)"
        )
    try:
        # Transforms speak of corners, placements of centres: half a pixel on either side.
        placement = Placement((down, across), (top + 0.5 * down - 0.5, left + 0.5 * across - 0.5))
    except PairError as error:
        raise PairError(f"{names}: {error}") from error
    check_overlap(placement, target.shape, guide.shape, names)
    return placement.snapped(target.shape, guide.shape)


def _matrix(raster: GeoHeader) -> Float64[np.ndarray, "3 3"]:
    # By hand: affine 2 multiplies with *, affine 3 with @.
    grid = raster.transform
    return np.array([[grid.a, grid.b, grid.c], [grid.d, grid.e, grid.f], [0, 0, 1]], np.float64)


def _check_same_reference(target: GeoHeader, guide: GeoHeader, names: str) -> None:
    if target.placed != guide.placed:
        with_one, without = (target, guide) if target.placed else (guide, target)
        raise PairError(
            f"{names}: {with_one.path.name} is georeferenced, {without.path.name} is not: give it "
            "its georeference (rio edit-info, gdal_edit.py -a_ullr), or take it from both"
        )
    if target.crs is not None and guide.crs is not None:
        if target.crs != guide.crs:
            raise PairError(
                f"{names}: other coordinate reference systems, {_crs_name(target.crs)} and "
                f"{_crs_name(guide.crs)}: warp one to the other's first (gdalwarp -t_srs)"
            )
    elif target.placed and (target.crs is None) != (guide.crs is None):
        without = target if target.crs is None else guide
        raise PairError(
            f"{names}: {without.path.name} has no coordinate reference system: assign the one it "
            "is in (rio edit-info --crs, gdal_edit.py -a_srs)"
        )


def _crs_name(crs: "CRS") -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())[:80]
