"""The pixels of a GeoTIFF, or of a stack of band files, by windows, on this grid or another."""

import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from gisr.errors import FileFormatError
from gisr.io.geotiff.drivers import reading_errors
from gisr.io.geotiff.header import GeoHeader, StackPart, opened_raster, read_header
from gisr.io.geotiff.nodata import nodata_places, ragged_rims
from gisr.io.geotiff.regrid import GeoOutline, Turn, Warp
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.optional_imports import load_extra
from gisr.windows import Window, widened, within

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_WARP_SAMPLES = 2**18
"""Samples interpolated at a time."""
KnownSamples = tuple[Shaped[np.ndarray, "h w bands"], Bool[np.ndarray, "h w"]]
"""Values, bands last, and which pixels are known."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GeoRaster(GeoHeader):
    """One GeoTIFF with its pixels in the type on disk."""

    pixels: Shaped[np.ndarray, "H W bands"]
    """Raw values, bands last, without the alpha band."""
    valid: Bool[np.ndarray, "H W"]
    """True where every band is known: not nodata, not masked, not transparent, finite."""


class GeoReader:
    """An open GeoTIFF whose windows are read one by one, on the grid of its header.

    Of a header that is a stack, every file is opened, with the driver of its kind.
    """

    def __init__(self, header: GeoHeader) -> None:
        """Remember the file; it is opened by ``with``."""
        self.header = header
        self._stack = ExitStack()
        self._layers: list[tuple[Any, StackPart]] = []
        self._quality: Any = None

    def __enter__(self) -> "GeoReader":
        """Open the file, or all files of a stack.

        Raises:
            FileFormatError: One has vanished or changed since its header was read.
        """
        header = self.header
        parts = header.parts or [
            StackPart(header.path, number, header.count) for number in header.numbers
        ]
        try:
            opened = {path: self._open(path, counts) for path, counts in _counts(parts).items()}
            if header.quality is not None:
                self._quality = self._open(header.quality.path, 1)
        except BaseException:
            self._stack.close()
            raise
        self._layers = [(opened[part.path], part) for part in parts]
        return self

    def _open(self, path: Path, count: int) -> Any:
        header = self.header
        shape = header.shape if header.regrid is None else header.regrid.own.shape
        dataset = self._stack.enter_context(opened_raster(path))
        if (dataset.height, dataset.width, dataset.count) != (*shape, count):
            raise FileFormatError(f"{path}: has changed while it was read")
        return dataset

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._stack.close()

    @property
    def masked(self) -> bool:
        """Whether a mask says which pixels are known: one in a file, or beside it (``.msk``)."""
        return any(not _flags(*layer) & _NO_MASK for layer in self._layers)

    def read(self, rows: slice, columns: slice) -> KnownSamples:
        """Return the raw values of a window, bands last, and which pixels are known.

        They are of the type on disk, float32 or float64 where the file is interpolated.

        Raises:
            FileFormatError: The file is damaged there.
            LimitError: The window does not fit into memory.
        """
        regrid = self.header.regrid
        with reading_errors(self.header.path):
            if isinstance(regrid, Turn):
                pixels, valid = self._read_own(regrid.own_window((rows, columns)))
                return regrid.bring(pixels), regrid.bring(valid)
            if isinstance(regrid, Warp):
                return self._read_warped(regrid, rows, columns)
            return self._read_own((rows, columns))

    def read_on(self, grid: GeoOutline, rows: slice, columns: slice) -> KnownSamples:
        """Return a window of another grid than the header's, interpolated from the file itself.

        Args:
            grid: Any that is no coarser than the file.
            rows: Of that grid.
            columns: Likewise.

        Raises:
            GisrError: As :meth:`read`.
        """
        own = self.header if self.header.regrid is None else self.header.regrid.own
        with reading_errors(self.header.path):
            return self._read_warped(Warp(own, grid, bounded=False), rows, columns)

    def _read_own(self, area: Window) -> KnownSamples:
        """Return a part of the file as it is stored."""
        header, rim = self.header, self.header.rim
        if not rim:
            return self._read_stored(area)
        shape = header.shape if header.regrid is None else header.regrid.own.shape
        wide = widened(area, (rim + 1, rim + 1), shape)
        pixels, valid = self._read_stored(wide)
        valid &= ~ragged_rims(pixels, header.band_nodata, rim)
        inner = within(wide, area)
        return pixels[inner], valid[inner]

    def _read_stored(self, area: Window) -> KnownSamples:
        """Return a part of the file, where each pixel says itself whether it is known."""
        header = self.header
        window = load_extra("rasterio.windows", "geo").Window.from_slices(*area)
        if header.parts:
            pixels = np.stack([_band(*layer, window) for layer in self._layers], axis=-1)
        else:
            image = self._layers[0][0].read(list(header.numbers), window=window)
            pixels = np.moveaxis(image, 0, -1)
        valid = _read_valid(self._layers, pixels, header, window)
        if header.quality is not None:
            part = StackPart(header.quality.path, 1, 1)
            valid &= ~header.quality.covers(_band(self._quality, part, window))
        return pixels, valid

    def _read_warped(self, warp: Warp, rows: slice, columns: slice) -> KnownSamples:
        """Return an interpolated window, made in parts: a long one lies in a large bounding box."""
        shape = rows.stop - rows.start, columns.stop - columns.start
        dtype = np.result_type(self.header.dtype, np.float32)
        pixels = np.zeros((*shape, self.header.bands), dtype=dtype)
        valid = np.zeros(shape, dtype=bool)
        side = int(np.clip(np.sqrt(_WARP_SAMPLES / self.header.bands), 32, 128))
        for top in range(rows.start, rows.stop, side):
            for left in range(columns.start, columns.stop, side):
                part = (
                    slice(top, min(top + side, rows.stop)),
                    slice(left, min(left + side, columns.stop)),
                )
                area = warp.own_window(part)
                if area is None:
                    continue
                own, known = self._read_own(area)
                if not known.any():
                    continue
                place = within((rows, columns), part)
                pixels[place], valid[place] = warp.bring(own, known, area, part)
        pixels[~valid] = 0
        return pixels, valid


def read_geotiff(
    path: str | PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    bands: Sequence[int | str] | None = None,
) -> GeoRaster:
    """Read a GeoTIFF (or a plain TIFF) with everything its output must keep.

    Args:
        path: The file.
        limits: What its header may claim.
        bands: Numbers of the bands to read, from 1, or names; all but alpha by default.

    Raises:
        FileFormatError: Missing, damaged, not a TIFF, complex or colour-mapped pixels.
        LimitError: The header claims more than the limits.
        InputError: A band that the file does not have.
        MissingExtraError: rasterio is not installed.
    """
    header = read_header(path, limits, bands)
    with GeoReader(header) as reader:
        pixels, valid = reader.read(*(slice(0, side) for side in header.shape))
    return GeoRaster(**vars(header), pixels=pixels, valid=valid)


def _counts(parts: Sequence[StackPart]) -> dict[Path, int]:
    """Return the bands that each file should have."""
    return {part.path: part.count for part in parts}


def _band(dataset: "DatasetReader", part: StackPart, window: Any) -> Shaped[np.ndarray, "h w"]:
    """Return one band of a file; what goes wrong names this file."""
    with reading_errors(part.path):
        band: Shaped[np.ndarray, "h w"] = dataset.read(part.band, window=window)
    return band


def _read_valid(
    layers: Sequence[tuple["DatasetReader", StackPart]],
    pixels: Shaped[np.ndarray, "h w bands"],
    header: GeoHeader,
    window: Any,
) -> Bool[np.ndarray, "h w"]:
    valid, marked = np.ones(pixels.shape[:2], dtype=bool), nodata_places(pixels, header.band_nodata)
    alone = [each.alone for each in header.band_nodata if each is not None]
    for is_alone, place in zip(alone, marked, strict=True):
        if is_alone:
            valid &= ~place
    for layer, (dataset, part) in enumerate(layers):
        flags = _flags(dataset, part)
        # Of NODATA_VALUES, and of a value that no sample has but GDAL rounds.
        undeclared = header.band_nodata[layer] is None and not header.nodata_given
        if undeclared and "nodata" in flags:
            marked.append(_mask(dataset, part.band, window) == 0)
        if not flags & _NO_MASK:
            valid &= _mask(dataset, part.band, window) > 0
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(pixels[..., layer])
    if len(marked) == len(layers):
        valid &= ~np.logical_and.reduce(marked)
    for unknown in header.unknown:
        valid &= ~unknown.covers(pixels)
    if (mask := header.alpha_mask) is not None:  # never of a stack
        valid &= layers[0][0].read(mask.band, window=window) > mask.least
    return valid


_NO_MASK = {"all_valid", "alpha", "nodata"}
"""Flags without a mask of its own: what GDAL makes of an alpha band is looked at on its own."""


def _flags(dataset: "DatasetReader", part: StackPart) -> set[str]:
    """Return what GDAL's mask of a band is made of, in its words."""
    return {flag.name for flag in dataset.mask_flag_enums[part.band - 1]}


def _mask(dataset: "DatasetReader", band: int, window: Any) -> UInt8[np.ndarray, "h w"]:
    """Return what a file says of a band's pixels, 0 where one is unknown."""
    from rasterio.errors import NodataShadowWarning

    with warnings.catch_warnings():
        # Of an alpha band beside the nodata value: it is looked at on its own.
        warnings.simplefilter("ignore", NodataShadowWarning)
        mask: UInt8[np.ndarray, "h w"] = dataset.read_masks(band, window=window)
    return mask
