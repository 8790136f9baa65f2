"""Grids of GeoTIFFs: how two relate, and how pixels are brought along the axes of another grid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float64, Shaped

from gisr.errors import PairError
from gisr.optional_imports import load_extra
from gisr.windows import Window

if TYPE_CHECKING:
    from rasterio.control import GroundControlPoint
    from rasterio.crs import CRS
    from rasterio.rpc import RPC
    from rasterio.transform import Affine

_NO_CRS = 'LOCAL_CS["unknown"]'
"""The CRS that GDAL gets for two files that both have none."""
_LATTICE = 17
"""Points along each side of a window whose places in the file GDAL computes."""
_REACH = 4
"""Pixels read around a warped window: two for the cubic kernel."""
_SLACK = 0.01
"""The same as a part of its sides: between the points of the lattice the map may bend."""
_MOST_UNLIKE = 16
"""Pixels of the file for one pixel of a window, around it too: two when turned by 45 degrees, many
more near the pole of one of two systems."""
_WARP_MEGABYTES = 32


@dataclass(frozen=True, eq=False, kw_only=True)
class GeoOutline:
    """Where a GeoTIFF lies."""

    shape: tuple[int, int]
    """Rows and columns."""
    crs: "CRS | None"
    """Coordinate reference system."""
    transform: "Affine"
    """Pixel corner (column, row) to world; the identity when the file has none."""
    path: Path
    """Where it came from."""
    rpcs: "RPC | None" = None
    """Rational polynomial coefficients of an image that is not rectified."""
    gcps: tuple[Sequence["GroundControlPoint"], "CRS | None"] = ((), None)
    """Ground control points of such an image, and the system they are in."""
    point: bool = False
    """Whether its header counts from pixel centres (AREA_OR_POINT=Point); the transform never."""

    @property
    def grid_tags(self) -> dict[str, str]:
        """Tags of a file on this grid that are not those of every file."""
        return {"AREA_OR_POINT": "Point"} if self.point else {}

    @property
    def placed(self) -> bool:
        """Whether the file places its pixels (a transform; a bare CRS does not)."""
        return not self.transform.is_identity

    @property
    def crs_name(self) -> str:
        """Short name of the CRS, for messages."""
        if self.crs is None:
            return "no CRS"
        code, text = self.crs.to_epsg(), str(self.crs.to_wkt())
        if code:
            # GDAL finds the code of definitions too that are not quite it: a spheroid, no datum.
            exact = self.crs == type(self.crs).from_epsg(code)
            return f"EPSG:{code}" if exact else f"EPSG:{code} (by its parameters)"
        name = text.split('"')[1] if text.count('"') > 1 else ""
        return f"{name!r}" if name.strip() else "a CRS without name"

    @property
    def map_unit(self) -> str | None:
        """Unit of its coordinates (metre, degree, foot); None without CRS or transform."""
        if self.crs is None or not self.placed:
            return None
        return str(self.crs.units_factor[0])

    @property
    def matrix(self) -> Float64[np.ndarray, "3 3"]:
        """The transform as a matrix for (column, row, 1)."""
        # By hand: affine 2 multiplies with *, affine 3 with @.
        grid = self.transform
        rows = [[grid.a, grid.b, grid.c], [grid.d, grid.e, grid.f], [0, 0, 1]]
        return np.array(rows, np.float64)


@dataclass(frozen=True, eq=False)
class Turn:
    """A file's grid turned by right angles or mirrored: its pixels in another order."""

    own: GeoOutline
    """As the file has it."""
    transposed: bool
    """Whether rows and columns change places, before anything is reversed."""
    rows_reversed: bool
    columns_reversed: bool

    @property
    def outline(self) -> GeoOutline:
        """The grid that results."""
        matrix = self.own.matrix @ np.linalg.inv(self.matrix)
        own = self.own
        return GeoOutline(shape=self._shape, crs=own.crs, transform=_affine(matrix), path=own.path)

    def block(self, stored: tuple[int, int]) -> tuple[int, int]:
        """Return the rows and columns that are best read at a time, from the file's blocks."""
        return stored[::-1] if self.transposed else stored

    @property
    def matrix(self) -> Float64[np.ndarray, "3 3"]:
        """From (column, row, 1) in the file to (column, row, 1) on the grid that results."""
        height, width = self._shape
        straight = np.eye(3)[[1, 0, 2]] if self.transposed else np.eye(3)
        mirror = np.eye(3)
        if self.columns_reversed:
            mirror[0] = -1, 0, width
        if self.rows_reversed:
            mirror[1] = 0, -1, height
        product: Float64[np.ndarray, "3 3"] = mirror @ straight
        return product

    def own_window(self, window: Window) -> Window:
        """Return the part of the file that a window shows."""
        rows, columns = window
        if self.rows_reversed:
            rows = _from_end(rows, self._shape[0])
        if self.columns_reversed:
            columns = _from_end(columns, self._shape[1])
        return (columns, rows) if self.transposed else (rows, columns)

    def bring(self, image: Shaped[np.ndarray, "h w *bands"]) -> Shaped[np.ndarray, "H W *bands"]:
        """Put a part of the file in the order of the grid that results."""
        turned = image.swapaxes(0, 1) if self.transposed else image
        turned = turned[::-1] if self.rows_reversed else turned
        return turned[:, ::-1] if self.columns_reversed else turned

    @property
    def _shape(self) -> tuple[int, int]:
        height, width = self.own.shape
        return (width, height) if self.transposed else (height, width)


@dataclass(frozen=True, eq=False)
class Warp:
    """A file's grid interpolated, at its own resolution or finer, onto the axes of another."""

    own: GeoOutline
    """As the file has it."""
    outline: GeoOutline
    """The grid that results."""
    outside: float = 0.0
    """About which part of the other file lies outside this one: 0 to 1."""
    bounded: bool = True
    """Whether values are kept within those of the file around: cubic interpolation overshoots, and
    values beyond the bits in use would be refused."""

    def block(self, stored: tuple[int, int]) -> tuple[int, int]:
        """Return the rows and columns that are best read at a time, however the file is stored."""
        return 256, 256

    def own_window(self, window: Window) -> Window | None:
        """Return the part of the file from which a window is interpolated, None if it has none.

        Raises:
            PairError: The two grids are so unlike there that it would be a large part.
        """
        sides = [np.linspace(part.start, part.stop, _LATTICE) for part in reversed(window)]
        points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
        found = map_pixels(self.outline, self.own, points)
        found = found[np.isfinite(found).all(axis=1)]
        if not len(found):
            return None
        low, high = found.min(axis=0), found.max(axis=0)
        reach = _REACH + _SLACK * (high - low)
        first = np.maximum(np.floor(low - reach), 0).astype(int)
        last = np.minimum(np.ceil(high + reach), self.own.shape[::-1]).astype(int)
        if (first >= last).any():
            return None
        rows, columns = (part.stop - part.start + 2 * _REACH for part in window)
        if np.prod(last - first) > _MOST_UNLIKE * rows * columns:
            raise PairError(
                f"{self.own.path.name}: its grid in {self.own.crs_name} is too unlike that of the "
                f"guide in {self.outline.crs_name}: warp it first (gdalwarp -t_srs)"
            )
        return slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))

    def bring(
        self,
        pixels: Shaped[np.ndarray, "h w bands"],
        valid: Bool[np.ndarray, "h w"],
        area: Window,
        window: Window,
    ) -> tuple[Shaped[np.ndarray, "H W bands"], Bool[np.ndarray, "H W"]]:
        """Interpolate a window: cubic (a = -1/2), known where the nearest pixel of the file is.

        Near unknown pixels, and at the file's border, GDAL falls back to bilinear among the known.
        GDAL computes places at the ends and the middle of a row and interpolates between, to an
        eighth of a pixel; in windows of 128 pixels it was right to 0.003 between UTM and degrees.

        Args:
            pixels: A part of the file.
            valid: Which of them are known.
            area: Which part: :meth:`own_window`.
            window: Rows and columns to make.

        Returns:
            float32 (float64 for types it cannot hold), and which pixels are known.
        """
        warp = load_extra("rasterio.warp", "geo").reproject
        method = load_extra("rasterio.enums", "geo").Resampling
        source = np.moveaxis(pixels, -1, 0).astype(np.result_type(pixels.dtype, np.float32))
        source[:, ~valid] = np.nan
        sides = tuple(part.stop - part.start for part in window)
        image = np.full((pixels.shape[2], *sides), np.nan, dtype=source.dtype)
        known = np.zeros(sides, dtype=np.uint8)
        options: dict[str, Any] = {
            "src_transform": _part_of(self.own, area),
            "dst_transform": _part_of(self.outline, window),
            "src_crs": self.own.crs or _NO_CRS,
            "dst_crs": self.outline.crs or _NO_CRS,
            "warp_mem_limit": _WARP_MEGABYTES,
        }
        # Left to itself GDAL takes the bounding box of a turned window for a reduction, and blurs.
        scale = {"XSCALE": 1, "YSCALE": 1}
        nan = {"src_nodata": np.nan, "dst_nodata": np.nan}
        warp(source, image, resampling=method.cubic, **options, **scale, **nan)
        warp(valid.astype(np.uint8), known, resampling=method.nearest, **options)
        if self.bounded and valid.any():
            np.clip(image.T, pixels[valid].min(axis=0), pixels[valid].max(axis=0), out=image.T)
        return np.moveaxis(image, 0, -1), (known > 0) & np.isfinite(image).all(axis=0)


Regrid = Turn | Warp


def map_pixels(
    start: GeoOutline, end: GeoOutline, points: Float64[np.ndarray, "points 2"]
) -> Float64[np.ndarray, "points 2"]:
    """Return where places of one file lie in another.

    Args:
        start: A file with a transform.
        end: Another.
        points: (column, row); the first pixel reaches from 0 to 1.

    Returns:
        (column, row) in the other file; infinite where its CRS does not reach.

    Raises:
        PairError: The CRS of the first file cannot hold its places, or that of the other.
    """
    world = points @ start.matrix[:2, :2].T + start.matrix[:2, 2]
    if start.crs != end.crs:
        transform = load_extra("rasterio.warp", "geo").transform
        try:
            found = transform(start.crs, end.crs, world[:, 0].tolist(), world[:, 1].tolist())
        except Exception as error:  # whatever PROJ raises
            raise PairError(
                f"{end.path.name} and {start.path.name}: places of {start.path.name} "
                f"({start.crs_name}) do not exist in {end.crs_name} ({end.path.name}): check the "
                "georeference of both, or cut them to one place and warp one (gdalwarp -t_srs)"
            ) from error
        world = np.stack(found[:2], axis=1)
    world[:, 0] += _turns(world[:, 0], end)
    back = np.linalg.inv(end.matrix)
    mapped: Float64[np.ndarray, "points 2"] = world @ back[:2, :2].T + back[:2, 2]
    return mapped


def unwrapped(outline: GeoOutline, other: GeoOutline) -> GeoOutline:
    """Return an outline with its longitudes moved by whole turns to those of another in its CRS.

    One file may count them from -180 to 180 and the other from 0 to 360.
    """
    centre = outline.matrix @ np.array([outline.shape[1] / 2, outline.shape[0] / 2, 1])
    shift = np.eye(3)
    shift[0, 2] = _turns(centre[:1], other)[0]
    return replace(outline, transform=_affine(shift @ outline.matrix))


def _turns(
    longitudes: Float64[np.ndarray, " points"], end: GeoOutline
) -> Float64[np.ndarray, " points"]:
    """Return the whole turns that bring longitudes next to the centre of a file; 0 elsewhere."""
    if end.crs is None or not end.crs.is_geographic:
        return np.zeros_like(longitudes)
    turn = 2 * np.pi / end.crs.units_factor[1]
    centre = (end.matrix @ np.array([end.shape[1] / 2, end.shape[0] / 2, 1]))[0]
    turns: Float64[np.ndarray, " points"] = turn * np.round((centre - longitudes) / turn)
    return turns


def part_outline(
    outline: GeoOutline,
    corner: tuple[float, float],
    size: tuple[float, float],
    shape: tuple[int, int],
) -> GeoOutline:
    """Return a grid along the axes of another.

    Args:
        outline: The other.
        corner: Its (column, row) where the new grid begins.
        size: Its columns and rows in one pixel of the new grid.
        shape: Rows and columns of the new grid.
    """
    inner = np.array([[size[0], 0, corner[0]], [0, size[1], corner[1]], [0, 0, 1]], np.float64)
    transform = _affine(outline.matrix @ inner)
    return GeoOutline(shape=shape, crs=outline.crs, transform=transform, path=outline.path)


def _part_of(outline: GeoOutline, window: Window) -> "Affine":
    """Return the transform of a part of a grid."""
    corner = window[1].start, window[0].start
    return part_outline(outline, corner, (1, 1), (0, 0)).transform


def _affine(matrix: Float64[np.ndarray, "3 3"]) -> "Affine":
    affine: Affine = load_extra("rasterio.transform", "geo").Affine(*matrix[:2].ravel().tolist())
    return affine


def _from_end(part: slice, size: int) -> slice:
    return slice(size - part.stop, size - part.start)
