"""Satellite images as rioxarray opens them: DataArrays with a CRS, a transform and nodata."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped

from gisr.errors import InputError, PairError
from gisr.io.geotiff.regrid import GeoOutline
from gisr.io.geotiff.relate import relate_grids
from gisr.optional_imports import load_extra
from gisr.placement import Placement

if TYPE_CHECKING:
    from xarray import DataArray

_GUIDE_BANDS = (1, 3)
_EVEN = 0.5
"""Pixels by which coordinates may lie off even ones: float32 has no more digits of metres."""
_KEPT_ENCODING = ("_FillValue", "scale_factor", "add_offset", "dtype", "units", "calendar")
"""What is known of how values are stored; chunks and sources are those of another grid."""


@dataclass(frozen=True, eq=False)
class ArrayRaster:
    """An image with what rioxarray knows of it; its bands come last."""

    name: str
    """What users call it, for messages."""
    array: "DataArray"
    """(y, x, bands)."""
    bands_dimension: str | None
    """Name of the axis of its bands; None where it has none."""
    outline: GeoOutline
    nodata: float | None
    """Value of unknown pixels in its values; None where they are NaN, or there are none."""

    @classmethod
    def of(cls, name: str, array: "DataArray") -> "ArrayRaster":
        """Read what rioxarray knows of an image.

        Raises:
            InputError: It is no image of rows, columns and bands.
        """
        xarray = load_extra("xarray", "xarray")
        load_extra("rioxarray", "xarray")
        if not isinstance(array, xarray.DataArray):
            raise InputError(
                f"{name} is a {type(array).__name__}: give a DataArray, as "
                "rioxarray.open_rasterio returns it"
            )
        rows, columns = _spatial_dimensions(name, array)
        further = [str(each) for each in array.dims if each not in (rows, columns)]
        if len(further) > 1:
            raise InputError(
                f"{name} has the dimensions {', '.join(map(str, array.dims))}: choose one image of "
                f"rows, columns and bands, for example with isel({further[0]}=0)"
            )
        if array.dtype.kind not in "iuf" or 0 in array.shape:
            raise InputError(
                f"{name} of shape {array.shape} and type {array.dtype} must hold real numbers"
            )
        bands = further[0] if further else None
        last = array.transpose(rows, columns, *further)
        if bands is None:
            last = last.expand_dims(_unused_name(array), axis=-1)
        shape = int(last.shape[0]), int(last.shape[1])
        outline = GeoOutline(
            shape=shape,
            crs=array.rio.crs,
            transform=_transform(name, array, rows, columns),
            path=Path(name),
        )
        known = _stored_nodata(array)
        return cls(name, last, bands, outline, known)

    @property
    def chunked(self) -> bool:
        """Whether it is an array of Dask."""
        return self.array.chunks is not None

    @property
    def values(self) -> Shaped[np.ndarray, "h w bands"]:
        """Its values in memory."""
        values: np.ndarray = self.array.values
        return values

    @property
    def crs_name(self) -> str:
        """Short name of its CRS."""
        return self.outline.crs_name


def _stored_nodata(array: "DataArray") -> float | None:
    """Return the value of unknown pixels in an array; None where they are NaN, or there is none.

    Where an encoding names it rioxarray takes them for NaN, which integers cannot be: these still
    hold it.
    """
    encoded = array.rio.encoded_nodata if array.dtype.kind in "iu" else None
    value = array.rio.nodata if encoded is None else encoded
    return None if value is None or np.isnan(value) else float(value)


def _spatial_dimensions(name: str, array: "DataArray") -> tuple[str, str]:
    errors = load_extra("rioxarray.exceptions", "xarray")
    try:
        return str(array.rio.y_dim), str(array.rio.x_dim)
    except errors.MissingSpatialDimensionError:
        raise InputError(
            f"{name} has the dimensions {', '.join(map(str, array.dims))}, none of which are known "
            "as rows and columns: call them y and x, or say so with "
            f"{name.lower()}.rio.set_spatial_dims"
        ) from None


def _transform(name: str, array: "DataArray", rows: str, columns: str) -> Any:
    """Return the transform: of the coordinates, which a selection keeps right, where there are.

    Raises:
        InputError: They are not evenly spaced: a transform would put pixels where they do not lie.
    """
    by_coordinates = all(
        axis in array.coords and array.coords[axis].ndim == 1 and array.sizes[axis] > 1
        for axis in (rows, columns)
    )
    for axis in (rows, columns) if by_coordinates else ():
        _check_even(name, axis, array.coords[axis].values)
    return array.rio.transform(recalc=by_coordinates)


def _check_even(name: str, axis: str, places: Shaped[np.ndarray, " pixels"]) -> None:
    if places.dtype.kind not in "iuf":
        raise InputError(f"{name} has coordinates {axis} of type {places.dtype}: give numbers")
    even = np.linspace(float(places[0]), float(places[-1]), len(places))
    step = abs(float(even[1] - even[0]))
    off = np.abs(places - even)
    if not step > 0 or not off.max() <= _EVEN * step:
        steps = np.diff(places.astype(np.float64))
        raise InputError(
            f"{name} has coordinates {axis} that are not evenly spaced (steps of {steps.min():g} "
            f"to {steps.max():g}): choose neighbouring pixels, for example with a slice, or bring "
            f"it to a regular grid first, {name.lower()}.interp"
        )


def _unused_name(array: "DataArray") -> str:
    name = "band"
    while name in array.dims or name in array.coords:
        name += "_"
    return name


def check_guide_bands(guide: ArrayRaster) -> None:
    """Refuse a guide that is no panchromatic band and no picture.

    Raises:
        InputError: It has 2 bands, or more than 3.
    """
    bands = guide.array.shape[2]
    if bands not in _GUIDE_BANDS:
        raise InputError(
            f"PAN has {bands} bands: choose the panchromatic one, pan.isel({guide.bands_dimension}"
            "=0), or three of a picture"
        )


def place_arrays(target: ArrayRaster, guide: ArrayRaster) -> Placement:
    """Return where PAN lies on MS.

    Raises:
        PairError: One has no CRS, they have two, or their grids are turned or apart.
    """
    systems = target.outline.crs, guide.outline.crs
    for each, crs in zip((target, guide), systems, strict=True):
        if crs is None and any(systems):
            raise PairError(
                f"{each.name} has no coordinate reference system: assign the one it is in, "
                f"{each.name.lower()}.rio.write_crs"
            )
    if systems[0] != systems[1]:
        raise PairError(
            f"MS is in {target.crs_name} and PAN in {guide.crs_name}: bring MS to the system of "
            "PAN first, ms.rio.reproject(pan.rio.crs)"
        )
    relation = relate_grids(target.outline, guide.outline)
    if relation.regrid is not None:
        raise PairError(
            "MS and PAN run along different axes (turned or mirrored): bring MS to the axes of PAN "
            "first, ms.sortby('y', ascending=False) or ms.rio.reproject(pan.rio.crs)"
        )
    return relation.placement


def known_pixels(
    image: Shaped[np.ndarray, "h w bands"], nodata: float | None
) -> Bool[np.ndarray, "h w"]:
    """Return which pixels are known: finite in all bands, and not nodata in all."""
    known: np.ndarray = np.isfinite(image).all(axis=-1)
    if nodata is not None:
        known &= (image != nodata).any(axis=-1)
    return known


def labelled(
    values: Any,
    given: "DataArray",
    target: ArrayRaster,
    guide: ArrayRaster,
) -> "DataArray":
    """Return a result with the names, attributes and band coordinates of MS, on the grid of PAN."""
    xarray = load_extra("xarray", "xarray")
    rows, columns = target.array.dims[:2]
    guide_rows, guide_columns = guide.array.dims[:2]
    coordinates = {
        name: each.variable
        for name, each in given.coords.items()
        if not {rows, columns} & set(each.dims)
    }
    for own, other in ((rows, guide_rows), (columns, guide_columns)):
        if other in guide.array.coords:
            axis = guide.array.coords[other]
            coordinates[own] = xarray.Variable(own, axis.values, axis.attrs)
    names = [*target.array.dims]
    if target.bands_dimension is None:
        values, names = values[..., 0], names[:2]
    result = xarray.DataArray(values, coordinates, names, given.name, dict(given.attrs))
    result = result.transpose(*given.dims)
    result.name = given.name  # else xarray takes that of an array of Dask
    encoding = {name: given.encoding[name] for name in _KEPT_ENCODING if name in given.encoding}
    result = result.rio.set_spatial_dims(columns, rows)
    mapping = given.rio.grid_mapping
    if given.rio.crs is not None:
        result = result.rio.write_crs(given.rio.crs, grid_mapping_name=mapping)
    if guide.outline.placed:
        result = result.rio.write_transform(guide.outline.transform, grid_mapping_name=mapping)
    result.encoding = encoding | {"grid_mapping": mapping}
    return result
