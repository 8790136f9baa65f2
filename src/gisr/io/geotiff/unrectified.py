"""Where the pixels of images that are not rectified lie, by their RPCs or ground control points."""

from typing import Any

import numpy as np
from jaxtyping import Float64

from gisr.io.geotiff.regrid import GeoOutline
from gisr.optional_imports import load_extra

_DEGREES = "EPSG:4326"
"""The system of RPCs."""
_LEAST_POINTS = 3
"""Control points that a plane needs."""


def ground_map(
    start: GeoOutline, end: GeoOutline, places: Float64[np.ndarray, "points 2"]
) -> Float64[np.ndarray, "points 2"] | None:
    """Return where places of one image lie in another, over level ground.

    By RPCs at the mean height that those of ``start`` (or else of ``end``) are made for, or by the
    polynomial that GDAL fits to control points.

    Args:
        start: An image without a transform.
        end: Another.
        places: (row, column), whole numbers at pixel centres.

    Returns:
        (row, column) in the other; None where an image has neither, or they cannot be used.
    """
    height = next((float(o.rpcs.height_off) for o in (start, end) if o.rpcs is not None), 0.0)
    models = [_model(outline, height) for outline in (start, end)]
    if models[0] is None or models[1] is None:
        return None
    (there, system), (back, other) = models[0], models[1]
    try:
        with there, back:
            ground = [_listed(axis) for axis in there.xy(*places.T.tolist())]
            if system is not None and other is not None and system != other:
                ground = load_extra("rasterio.warp", "geo").transform(system, other, *ground)
            found = [_listed(axis) for axis in back.rowcol(*ground, op=_same)]
    except Exception:  # whatever GDAL and PROJ raise of coefficients and points that are none
        return None
    mapped = np.array(found, np.float64).T - 0.5
    return mapped if np.isfinite(mapped).all() else None


def _model(outline: GeoOutline, height: float) -> tuple[Any, Any] | None:
    """Return what brings pixels of an image to the ground and back, and the ground's system."""
    transform = load_extra("rasterio.transform", "geo")
    if outline.rpcs is not None:
        degrees = load_extra("rasterio.crs", "geo").CRS.from_user_input(_DEGREES)
        return transform.RPCTransformer(outline.rpcs, RPC_HEIGHT=height), degrees
    points, system = outline.gcps
    if len(points) < _LEAST_POINTS:
        return None
    return transform.GCPTransformer(list(points)), system


def _listed(numbers: Any) -> list[float]:
    listed: list[float] = np.asarray(numbers, np.float64).tolist()
    return listed


def _same(number: Any) -> Any:
    """Round nothing: by default rasterio takes the pixel in which a place lies."""
    return number
