"""How a multispectral and a panchromatic file lie together."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from gisr.errors import PairError
from gisr.io.geotiff.header import (
    GeoHeader,
)
from gisr.io.geotiff.regrid import (
    GeoOutline,
    Regrid,
    Turn,
    Warp,
    map_pixels,
    part_outline,
    unwrapped,
)
from gisr.io.geotiff.unrectified import ground_map
from gisr.placement import Placement, check_overlap, place_scene
from gisr.sizes import picture_size

_TURN_TOLERANCE = 0.1
"""Target pixels that two grids may turn against each other, or their map may bend, across the whole
picture."""
_MARGIN = 4
"""Pixels of an interpolated target beyond the guide on all sides: two for the bicubic kernel."""
_WHOLE = 0.02
"""How near a ratio must lie to a whole number to be made one, where the pixel size is free."""
_LATTICE = 65
"""Points along each side of the lattice on which two grids are compared."""
_SAME_SIZE = 1e-6
"""Part by which a guide's pixels may be larger than the target's: rounding."""
_GROUND_POINTS = 9
"""Points along each side of the lattice on which RPCs are compared."""
_GROUND_AGREES = 1.5
"""Target pixels by which RPCs may miss what the sizes say: no better do two sets of them agree, and
a shift so small is estimated from the images."""
_DESCENTS = 3
"""Times a lattice is drawn around the point that is nearest to the target, to find a small one."""

PixelPoints = Float64[np.ndarray, "points 2"]


@dataclass(frozen=True, eq=False)
class Relation:
    """How a target is read, and where its pixels then lie on the guide's grid."""

    placement: Placement
    regrid: Regrid | None = None
    """What brings the target along the guide's axes; None where it lies so."""
    by_size: bool = False
    """Whether nothing but the sizes of the two says how they lie."""
    note: str = ""
    """What was assumed of how they lie, where no georeference says it."""


@dataclass(frozen=True, eq=False)
class _Overlap:
    """The part of a guide on which a target lies."""

    points: PixelPoints
    """A lattice over it, (column, row) of the guide."""
    share: float
    """Part of the guide that it is, about: 0 to 1."""


def geotiff_placement(target: GeoOutline, guide: GeoOutline) -> Placement:
    """Return where a target's pixels, as they are stored, lie on the guide's grid.

    Raises:
        PairError: As :func:`relate_grids`, or the two do not run along the same axes.
    """
    relation = relate_grids(target, guide)
    if relation.regrid is not None:
        kind = "mirrored or turned by right angles"
        if isinstance(relation.regrid, Warp):
            kind = f"turned, or in two systems ({target.crs_name} and {guide.crs_name})"
        raise PairError(
            f"{target.path.name} and {guide.path.name}: the grids are {kind}: warp one to the "
            "other's grid first (gdalwarp)"
        )
    return relation.placement


def relate_grids(target: GeoOutline, guide: GeoOutline) -> Relation:
    """Relate two GeoTIFFs through their georeference, whatever their CRS and orientation.

    Where the target's rows and columns run along the guide's (in another CRS too, if that makes
    less than a tenth of a target pixel), its pixels are taken as they are. Where they are mirrored
    or turned by right angles, they are reordered. Otherwise the target is interpolated, at its own
    resolution, onto the guide's axes (:meth:`GeoReader.read_on` makes finer pixels of it at once).
    Files that both have no transform cover the same scene, which their RPCs or control points must
    not deny: pixel areas aligned, or at a whole ratio from the first pixel on.

    Raises:
        PairError: Only one file is georeferenced or has a CRS, the two do not overlap, have an
            impossible ratio, a CRS cannot hold the other's places, or RPCs or control points place
            files without a transform otherwise than their sizes do.
    """
    names = f"{target.path.name} and {guide.path.name}"
    _check_reference(target, guide, names)
    if not target.placed:
        return _unplaced(target, guide, names)
    if target.transform.is_degenerate or guide.transform.is_degenerate:
        raise PairError(f"{names}: a transform with pixels of no area: georeference them again")
    with np.errstate(all="ignore"):  # numbers that are not finite are refused as such
        return _relate(target, guide, names)


def _unplaced(target: GeoOutline, guide: GeoOutline, names: str) -> Relation:
    """Relate two files without transforms."""
    if all(low > high for low, high in zip(target.shape, guide.shape, strict=True)):
        raise PairError(
            f"{names} (neither is georeferenced): the guide is coarser than the target "
            f"({picture_size(guide.shape)} and {picture_size(target.shape)} pixels): exchange "
            "them, the MS file comes first, or give a PAN image with more detail"
        )
    try:
        placement, assumed = place_scene(target.shape, guide.shape)
    except PairError as error:
        raise PairError(f"{names} (neither is georeferenced): {error}") from error
    _check_ground(target, guide, placement, names)
    note = ""
    if assumed:  # scenes that are cut have one ratio, those that are stretched to one area two
        cut = math.isclose(*placement.ratios)
        way = "--ratio or --grid centre (the same edges)" if cut else "--ratio"
        note = f"{names}: neither is georeferenced, and {assumed}; {way} says otherwise"
    return Relation(placement, by_size=True, note=note)


def _check_ground(target: GeoOutline, guide: GeoOutline, placement: Placement, names: str) -> None:
    """Refuse two files that by their RPCs or control points do not show the same scene.

    Raises:
        PairError: They do not lie as their sizes say.
    """
    sides = [np.linspace(0, side - 1, _GROUND_POINTS) for side in guide.shape]
    places = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
    found = ground_map(guide, target, places)
    if found is None:
        return
    meant = places * np.array(placement.scale) + np.array(placement.offset)
    if not np.abs(meant - found).max() <= _GROUND_AGREES:
        raise PairError(
            f"{names} are not rectified, and by their RPCs or control points they do not show the "
            "same scene, edge to edge: rectify both first (gdalwarp -rpc -t_srs EPSG:..., without "
            "-rpc where there are control points), or cut them to one scene"
        )


def _relate(target: GeoOutline, guide: GeoOutline, names: str) -> Relation:
    overlap = None
    if target.crs == guide.crs:
        target = unwrapped(target, guide)
    to_target: Float64[np.ndarray, "3 3"] | None = np.linalg.inv(target.matrix) @ guide.matrix
    if target.crs != guide.crs:
        overlap = _overlap(target, guide, names)
        to_target = _straight_map(target, guide, overlap)
    turn = None if to_target is None else _turn(target, to_target, guide.shape)
    if turn is None or to_target is None:
        return _warped(target, guide, overlap or _overlap(target, guide, names), names)
    (across, _, left), (_, down, top), _ = (turn.matrix @ to_target).tolist()
    shape = turn.outline.shape
    placement = _placement((down, across), (top, left), names)
    check_overlap(placement, shape, guide.shape, names)
    turned = turn.transposed or turn.rows_reversed or turn.columns_reversed
    return Relation(placement.snapped(shape, guide.shape), turn if turned else None)


def _placement(scale: tuple[float, float], start: tuple[float, float], names: str) -> Placement:
    """Build a placement from the target row and column at which the guide's corner lies."""
    # Transforms speak of corners, placements of centres: half a pixel on either side.
    offset = start[0] + 0.5 * scale[0] - 0.5, start[1] + 0.5 * scale[1] - 0.5
    if max(scale) > 1 + _SAME_SIZE:
        raise PairError(
            f"{names}: the guide is coarser than the target (ratio {1 / max(scale):.4g}): exchange "
            "them, the MS file comes first, or give a PAN image with more detail"
        )
    try:
        return Placement(scale, offset)
    except PairError as error:
        raise PairError(f"{names}: {error}") from error


def _turn(
    target: GeoOutline, to_target: Float64[np.ndarray, "3 3"], guide_shape: tuple[int, int]
) -> Turn | None:
    """Return how the target's pixels are reordered to run as the guide's; None if none does it."""
    rows, columns = guide_shape
    reach = np.abs(to_target[:2, :2]) * (columns, rows)
    if max(reach[0, 1], reach[1, 0]) <= _TURN_TOLERANCE:
        transposed, across, down = False, to_target[0, 0], to_target[1, 1]
    elif max(reach[0, 0], reach[1, 1]) <= _TURN_TOLERANCE:
        transposed, across, down = True, to_target[1, 0], to_target[0, 1]
    else:
        return None
    return Turn(target, transposed, rows_reversed=bool(down < 0), columns_reversed=bool(across < 0))


def _warped(target: GeoOutline, guide: GeoOutline, overlap: _Overlap, names: str) -> Relation:
    """Lay a grid with the target's resolution along the guide's axes, a margin around the guide."""
    centre = overlap.points.mean(axis=0)
    steps = 8 * np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    right, left, low, high = map_pixels(guide, target, centre + steps)
    sampled = np.hypot(*((right - left) / 16)), np.hypot(*((low - high) / 16))
    # Guide columns and rows in one pixel: the target's own sampling along the guide's axes.
    size = [1 / float(each) for each in sampled]
    size = [round(each) if abs(each - round(each)) < _WHOLE * each else each for each in size]
    width, height = size
    placement = _placement((1 / height, 1 / width), (_MARGIN, _MARGIN), names)
    rows, columns = (
        math.ceil(side / each) + 2 * _MARGIN
        for side, each in zip(guide.shape, (height, width), strict=True)
    )
    corner = -_MARGIN * width, -_MARGIN * height
    grid = part_outline(guide, corner, (width, height), (rows, columns))
    warp = Warp(target, replace(grid, path=target.path), outside=1 - overlap.share)
    return Relation(placement, warp)


def _straight_map(
    target: GeoOutline, guide: GeoOutline, overlap: _Overlap
) -> Float64[np.ndarray, "3 3"] | None:
    """Return the linear map from guide to target pixels; None where there is none so exact."""
    found = map_pixels(guide, target, overlap.points)
    origin = overlap.points.mean(axis=0)
    places = np.column_stack([overlap.points - origin, np.ones(len(found))])
    fitted = np.linalg.lstsq(places, found, rcond=None)[0]
    if not np.abs(places @ fitted - found).max() <= _TURN_TOLERANCE:
        return None
    shift = np.eye(3)
    shift[:2, 2] = -origin
    linear: Float64[np.ndarray, "3 3"] = np.vstack([fitted.T, [0, 0, 1]]) @ shift
    return linear


def _overlap(target: GeoOutline, guide: GeoOutline, names: str) -> _Overlap:
    """Find the part of the guide that the target shows, on lattices of pixel centres.

    Raises:
        PairError: There is none.
    """
    low, high = np.array([0.5, 0.5]), np.array(guide.shape[::-1]) - 0.5
    size, share = np.array(target.shape[::-1]), 1.0
    for _ in range(_DESCENTS):
        points, step = _lattice(low, high), (high - low) / (_LATTICE - 1)
        found = map_pixels(guide, target, points)
        outside = np.maximum(np.maximum(-found, found - size), 0).max(axis=1)
        inside = points[outside == 0]
        if len(inside):
            low = np.maximum(inside.min(axis=0) - step, low)
            high = np.minimum(inside.max(axis=0) + step, high)
            return _Overlap(_lattice(low, high), share * len(inside) / len(points))
        nearest = points[outside.argmin()]
        low, high = np.maximum(nearest - step, low), np.minimum(nearest + step, high)
        share *= (2 / (_LATTICE - 1)) ** 2
    raise PairError(
        f"{names}: the two do not overlap, as {target.crs_name} and {guide.crs_name} have it: "
        "give files of the same place"
    )


def _lattice(low: Float64[np.ndarray, " 2"], high: Float64[np.ndarray, " 2"]) -> PixelPoints:
    sides = (np.linspace(*ends, _LATTICE) for ends in zip(low, high, strict=True))
    points: PixelPoints = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    return points


def spread_header(target: GeoHeader) -> GeoHeader:
    """Return the header of a file with the spread of a sharpened target, band by band.

    float32 in the target's raw unit, NaN where unknown; names and blocks as the target has them. An
    offset to physical values does not concern differences, a factor does.
    """
    blocks = ("tiled", "blockxsize", "blockysize", "interleave")
    creation = {name: value for name, value in target.creation.items() if name in blocks}
    names = (f"spread of {name}" if name else "spread" for name in target.descriptions)
    return replace(
        target,
        dtype=np.dtype(np.float32),
        nodata=float("nan"),
        bits=None,
        alpha_mask=None,
        creation=creation | {"compress": "deflate", "predictor": 3},
        descriptions=tuple(names),
        offsets=(0.0,) * target.bands,
    )


def _check_reference(target: GeoOutline, guide: GeoOutline, names: str) -> None:
    if target.placed != guide.placed:
        with_one, without = (target, guide) if target.placed else (guide, target)
        raise PairError(
            f"{names}: {with_one.path.name} is georeferenced, {without.path.name} is not: give it "
            "its georeference (rio edit-info, gdal_edit.py -a_ullr; gdalwarp where it has control "
            "points or RPCs), or take it from both"
        )
    if target.placed and (target.crs is None) != (guide.crs is None):
        without = target if target.crs is None else guide
        raise PairError(
            f"{names}: {without.path.name} has no coordinate reference system: assign the one it "
            "is in (rio edit-info --crs, gdal_edit.py -a_srs)"
        )
