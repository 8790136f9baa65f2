"""Where the pixels of images that are not rectified lie, by their RPCs or ground control points."""

from typing import Any

import numpy as np
from jaxtyping import Float64

from gisr.io.geotiff.regrid import GeoOutline
from gisr.optional_imports import load_extra

_LEAST_POINTS = 3
"""Control points that a plane needs."""


def ground_map(
    start: GeoOutline, end: GeoOutline, places: Float64[np.ndarray, "points 2"]
) -> Float64[np.ndarray, "points 2"] | None:
    """Return where places of one image lie in another, over level ground.

    RPCs go first: through longitude and latitude at the height that those of ``start`` are made
    for. Then control points in one system, by the polynomial that GDAL fits to them.

    Args:
        start: An image without a transform.
        end: Another.
        places: (row, column), whole numbers at pixel centres.

    Returns:
        (row, column) in the other; None where not both have RPCs, or both control points, or these
        cannot be used.
    """
    transform = load_extra("rasterio.transform", "geo")
    if start.rpcs is not None and end.rpcs is not None:
        height = float(start.rpcs.height_off)
        there = transform.RPCTransformer(start.rpcs, RPC_HEIGHT=height)
        back = transform.RPCTransformer(end.rpcs, RPC_HEIGHT=height)
    elif min(len(start.gcps[0]), len(end.gcps[0])) >= _LEAST_POINTS and (
        start.gcps[1] == end.gcps[1]
    ):
        there = transform.GCPTransformer(list(start.gcps[0]))
        back = transform.GCPTransformer(list(end.gcps[0]))
    else:
        return None
    with there, back:
        try:
            ground = there.xy(*places.T.tolist())
            rows, columns = back.rowcol(*map(_listed, ground), op=_same)
        except Exception:  # whatever GDAL raises of coefficients that are none
            return None
    found = np.stack([rows, columns], axis=1).astype(np.float64) - 0.5
    return found if np.isfinite(found).all() else None


def _listed(numbers: Any) -> list[float]:
    listed: list[float] = np.asarray(numbers, np.float64).tolist()
    return listed


def _same(number: Any) -> Any:
    """Round nothing: by default rasterio takes the pixel in which a place lies."""
    return number
