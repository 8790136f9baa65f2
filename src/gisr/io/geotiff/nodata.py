"""Which value stands for unknown pixels in each band of a file, and which pixels have it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Bool, Shaped
from numpy.typing import NDArray
from scipy import ndimage

from gisr.errors import InputError
from gisr.io.quantise import holds
from gisr.io.unknown import UnknownValue

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

NodataChoice = float | Literal["none"] | None
"""Value of unknown pixels in place of what a file says: a number, ``none`` for no value at all, or
None for the file's own."""

BandNodata = tuple[UnknownValue | None, ...]
"""The value of every band, None where it has none."""

_ROUNDED = 4
"""Steps of a float type by which nodata may differ from what is stored, as in GDAL's mask: a tag
holds it in decimal digits."""


def read_nodata(
    path: Path,
    dataset: "DatasetReader",
    bands: Sequence[int],
    dtype: np.dtype,
    given: NodataChoice,
) -> BandNodata:
    """Return the value that stands for unknown pixels in each of some bands of a file.

    Args:
        path: For messages.
        dataset: The open file.
        bands: Their numbers, from 1.
        dtype: Of its samples; a value that it cannot hold stands for nothing.
        given: What the caller names in place of the file's own.

    Raises:
        InputError: The type cannot hold the value that was given.
    """
    if given == "none":
        return (None,) * len(bands)
    if given is not None and not holds(dtype, given):
        raise InputError(
            f"{path}: nodata {given:g} cannot be stored in {dtype.name}: name a value that stands "
            "in the file, or none"
        )
    values = (_declared(dataset, band) if given is None else given for band in bands)
    return tuple(
        UnknownValue(value, alone=True) if value is not None and holds(dtype, value) else None
        for value in values
    )


def _declared(dataset: "DatasetReader", band: int) -> float | None:
    flags = {flag.name for flag in dataset.mask_flag_enums[band - 1]}
    if {"nodata", "per_dataset"} <= flags:
        return None  # NODATA_VALUES: a colour of all bands together, which GDAL's mask tells
    value: float | None = dataset.nodatavals[band - 1]
    return value


def output_nodata(bands: BandNodata) -> float | None:
    """Return the one value that an output declares: the first that a band has."""
    return next((each.value for each in bands if each is not None), None)


def nodata_values(bands: BandNodata) -> tuple[float, ...]:
    """Return the values of bands, each once."""
    return tuple(dict.fromkeys(each.value for each in bands if each is not None))


def nodata_places(
    pixels: Shaped[np.ndarray, "*pixels bands"], bands: BandNodata
) -> list[Bool[np.ndarray, "*pixels"]]:
    """Return, for every band that has a nodata value, where it holds it."""
    return [
        _is_nodata(pixels[..., place], each.value)
        for place, each in enumerate(bands)
        if each is not None
    ]


def ragged_rims(
    pixels: Shaped[np.ndarray, "rows columns bands"],
    bands: BandNodata,
    reach: int,
) -> Bool[np.ndarray, "rows columns"]:
    """Return which pixels have nodata in some bands, close to where all bands have it.

    Bands that see the ground in turn end at different pixels, at the border of a scene and at the
    gaps of Landsat 7: there 0 in some bands is the end of these, not a dark lake.

    Args:
        pixels: With as much around what counts as the reach says, and a pixel more.
        bands: Nodata of the bands.
        reach: Pixels that are close.
    """
    places = nodata_places(pixels, bands)
    if len(places) < pixels.shape[-1]:
        return np.zeros(pixels.shape[:2], dtype=bool)
    everywhere = np.logical_and.reduce(places)
    # A single pixel that is dark in all bands is part of the lake.
    solid = ndimage.binary_opening(everywhere, np.ones((2, 2), bool))
    close = ndimage.maximum_filter(solid, 2 * reach + 1, mode="constant")
    return np.asarray(np.logical_or.reduce(places) & close)


def _is_nodata(band: Shaped[np.ndarray, "*pixels"], value: float) -> NDArray[np.bool_]:
    if band.dtype.kind != "f":
        return np.asarray(band == band.dtype.type(value))
    with np.errstate(over="ignore"):  # between the ends of a type lies more than it holds
        held = band.dtype.type(value)
        if not np.isfinite(held):
            return np.asarray(np.isnan(band) if np.isnan(held) else band == held)
        return np.asarray(np.abs(band - held) <= _ROUNDED * np.finfo(band.dtype).eps * abs(held))
