"""Writing a sharpened image as GeoTIFF, rows after rows, whole or not at all."""

import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gisr.errors import FileFormatError, InputError
from gisr.io.files import check_not_input, disk_errors, typed_errors
from gisr.io.geotiff.creation_options import (
    CreationOptions,
    cloud_options,
    creation_profile,
    stored_header,
)
from gisr.io.geotiff.header import GeoHeader
from gisr.io.quantise import count_beyond, quantise
from gisr.optional_imports import load_extra, without_chatter

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter

_FLUSH_ROWS = 64
"""Rows that are encoded at a time, at most, and written at a time, at least. Always whole
blocks are written, or they would be compressed twice."""
_SIDECARS = (".aux.xml", ".ovr", ".msk")
"""Statistics, overviews and mask: GDAL takes what is called so for a part of the file beside it."""
Box = tuple[int, int, int, int]
"""First row, row after the last, first column, column after the last."""


class GeoWriter:
    """An open output that takes rows from top to bottom.

    Made by :func:`create_geotiff`.
    """

    def __init__(
        self,
        dataset: "DatasetWriter",
        target: GeoHeader,
        guide: GeoHeader,
        path: Path,
        *,
        lossy: bool = False,
    ) -> None:
        """Begin at row 0; of a ``lossy`` file unknown pixels are marked by a mask alone."""
        self._dataset, self._target, self._path = dataset, target, path
        self._shape = guide.shape
        self._layers = target.bands + target.alpha
        block_rows, self._block_columns = dataset.block_shapes[0]
        rows = -(-_FLUSH_ROWS // block_rows) * block_rows
        self._stored = np.empty((self._layers, rows, guide.shape[1]), dtype=target.dtype)
        self._known = np.empty((rows, guide.shape[1]), dtype=bool)
        self._row, self._filled = 0, 0
        self._nan = target.dtype.kind == "f" and not target.alpha and not lossy
        blank = float("nan") if self._nan else 0.0
        self._marker = blank if target.nodata is None else target.nodata
        self._coded = target.nodata is not None or target.alpha or self._nan
        self._complete = True
        self.clipped = self.written = 0
        """Known values that the type could not hold and that were clipped, and all of them."""
        self.masked = False
        """Whether unknown pixels are marked by an internal mask."""
        self.sums: dict[Box, int] = {}
        """Checksum of every window written, to be found again in the finished file."""

    def write(
        self,
        image: Float[np.ndarray, "rows W bands"],
        valid: Bool[np.ndarray, "rows W"],
    ) -> None:
        """Append rows.

        Args:
            image: In the target's units; rounded and clipped to the target's type.
            valid: Which pixels are known.

        Raises:
            InputError: Shapes do not fit, or valid values that are not finite.
            FileFormatError: The disk refuses.
        """
        bands, columns = self._target.bands, self._shape[1]
        fits = image.shape == (valid.shape[0], columns, bands) and valid.shape[1] == columns
        if not fits or valid.dtype != bool or self._next + len(valid) > self._shape[0]:
            raise InputError(
                f"image {image.shape} with {valid.dtype} mask {valid.shape} does not fit the "
                f"output at row {self._next}: it is {(*self._shape, bands)} (guide's rows and "
                "columns, target's bands) with a bool mask"
            )
        for part, rows in self._parts(len(valid)):
            self._encode(image[rows], valid[rows], part)
            self._advance(part)

    def write_unknown(self, count: int) -> None:
        """Append rows without any known pixel: much faster than a mask of them."""
        for part, _ in self._parts(count):
            self._stored[:, part] = self._marker
            if self._target.alpha:
                self._stored[-1, part] = 0
            self._known[part] = False
            self._advance(part)

    def finish(self) -> None:
        """Write what waits, and close.

        Raises:
            InputError: Rows are missing.
            FileFormatError: The disk refuses.
        """
        if self._next != self._shape[0]:
            raise InputError(f"{self._path}: {self._next} of {self._shape[0]} rows were written")
        self._flush()
        with disk_errors(self._path, "cannot be written as GeoTIFF"):
            if self._nan and self._target.nodata is None and not self._complete:
                self._dataset.nodata = float("nan")  # or nothing says that it is no value
            self._dataset.close()

    @property
    def _next(self) -> int:
        """Row that comes next."""
        return self._row + self._filled

    def _parts(self, count: int) -> Iterator[tuple[slice, slice]]:
        """Cut rows where the buffer is full; yield where they go and where they come from."""
        done, capacity = 0, self._known.shape[0]
        while done < count:
            take = min(count - done, capacity - self._filled, _FLUSH_ROWS)
            yield slice(self._filled, self._filled + take), slice(done, done + take)
            done += take

    def _advance(self, part: slice) -> None:
        self._filled = part.stop
        if self._filled == self._known.shape[0]:
            self._flush()

    def _encode(
        self,
        image: Float[np.ndarray, "rows W bands"],
        valid: Bool[np.ndarray, "rows W"],
        part: slice,
    ) -> None:
        """Put rows into the buffer in the type of the file, with the alpha band the target has."""
        dtype, target = self._target.dtype, self._target
        stored = self._stored[:, part]
        self.clipped += count_beyond(image[valid], dtype, target.bits)
        self.written += int(valid.sum()) * target.bands
        for band in range(target.bands):
            stored[band] = quantise(
                image[..., band],
                dtype,
                valid=valid,
                marker=self._marker,
                reserved=target.nodata is not None,
                bits=target.bits,
                path=self._path,
            )
        if target.alpha_mask is not None:
            stored[-1] = np.where(valid, target.alpha_mask.opaque, 0)
        self._known[part] = valid

    def _flush(self) -> None:
        """Write the buffer; blocks without a known pixel are left for GDAL to fill."""
        known = self._known[: self._filled]
        if self._filled == 0:
            return
        self._complete &= bool(known.all())
        with disk_errors(self._path, "cannot be written as GeoTIFF"):
            if not self._coded and not self.masked and not known.all():
                self._begin_mask()
            for columns in self._runs(known):
                place = self._row, self._row + self._filled, columns.start, columns.stop
                stored = self._stored[:, : self._filled, columns]
                self._dataset.write(stored, window=_window(place))
                self.sums[place] = _checksum(stored)
                if self.masked:
                    self._dataset.write_mask(known[:, columns], window=_window(place))
                    self.sums[place] ^= _checksum(known[:, columns])
        self._row += self._filled
        self._filled = 0

    def _runs(self, known: Bool[np.ndarray, "rows W"]) -> Iterator[slice]:
        """Yield the columns to write: runs of blocks with a known pixel in them."""
        width, step = known.shape[1], self._block_columns
        if np.isnan(self._marker):  # GDAL fills with nodata or 0, not with this
            yield slice(0, width)
            return
        wanted = np.logical_or.reduceat(known.any(axis=0), np.arange(0, width, step))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
        for first, last in edges.reshape(-1, 2):
            yield slice(int(first) * step, min(int(last) * step, width))

    def _begin_mask(self) -> None:
        """Start an internal mask: all rows so far were known."""
        self.masked = True
        for place in self.sums:
            known = np.ones((place[1] - place[0], place[3] - place[2]), dtype=bool)
            self._dataset.write_mask(known, window=_window(place))
            self.sums[place] ^= _checksum(known)


def sidecars(path: str | PathLike[str]) -> list[Path]:
    """Return the files that GDAL would take for parts of a GeoTIFF; they need not be there."""
    return [Path(f"{os.fspath(path)}{suffix}") for suffix in _SIDECARS]


def check_geotiff_place(path: str | PathLike[str], *inputs: str | PathLike[str]) -> None:
    """Refuse an output that is an input, or beside which an input lies as its mask or the like.

    Raises:
        FileFormatError: It is so.
    """
    for place in (Path(path), *sidecars(path)):
        check_not_input(place, *inputs)


@contextmanager
def create_geotiff(
    path: str | PathLike[str],
    temporary: Path,
    *,
    target: GeoHeader,
    guide: GeoHeader,
    layout: CreationOptions | None = None,
) -> Iterator[GeoWriter]:
    """Create a sharpened image: the guide's grid, everything else as in the target's file.

    Values are rounded and clipped to the target's type (to NBITS where it has them). Unknown pixels
    get the target's nodata value; without one, an integer file gets an internal mask and a float
    file NaN, and says so. A valid value never becomes nodata: a file that is compressed with loss
    has an internal mask instead. What was written has been read back when the block ends without
    an exception.

    Args:
        path: Output, ``.tif``.
        temporary: Path to write to, which becomes ``path``
            (:func:`gisr.io.files.atomic_outputs`, which removes the old :func:`sidecars`).
        target: The low-resolution raster: bands, type, nodata, compression, tiling.
        guide: The high-resolution raster: size, CRS, transform.
        layout: Creation options and kind of file; as the target's when not given.

    Yields:
        What takes the rows.

    Raises:
        InputError: Rows are missing at the end.
        FileFormatError: The output is an input, or cannot be written.
        MissingExtraError: rasterio is not installed.
    """
    rasterio = load_extra("rasterio", "geo")
    layout, output = layout or CreationOptions(), Path(path)
    check_geotiff_place(path, *target.files, *guide.files)
    target = stored_header(target, layout)
    # No .aux.xml beside a temporary name, and masks inside the file: one output is one file.
    options = {"GDAL_PAM_ENABLED": "NO", "GDAL_TIFF_INTERNAL_MASK": "YES"}
    with (
        _draft(temporary, layout.cloud) as draft,
        warnings.catch_warnings(),
        rasterio.Env(**options),
    ):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        profile = creation_profile(target, guide, layout)
        with typed_errors(path, "cannot be written as GeoTIFF"):
            dataset = rasterio.open(draft, "w", **profile)
        try:
            with typed_errors(path, "cannot be written as GeoTIFF"):
                _write_metadata(dataset, target, guide)
            writer = GeoWriter(dataset, target, guide, output, lossy=layout.lossy is not None)
            yield writer
            writer.finish()
        finally:
            with suppress(Exception), without_chatter():  # closed, or given up: the file goes
                dataset.close()
        with disk_errors(path, "cannot be written as GeoTIFF"):
            if layout.cloud:
                settings = cloud_options(target, layout)
                load_extra("rasterio.shutil", "geo").copy(
                    draft, temporary, driver="COG", **settings
                )
            # rasterio closes a file without an error when the disk is full: read it back.
            with rasterio.open(temporary, driver="GTiff") as written:
                _check_pixels(written, writer, layout.lossy is None, output)


@contextmanager
def _draft(temporary: Path, cloud: bool) -> Iterator[Path]:
    """Give the file to write rows to: a second one if the output is a copy of it."""
    draft = temporary.with_name(f"{temporary.stem}.draft.tif") if cloud else temporary
    try:
        yield draft
    finally:
        # GDAL writes the domain IMD into a second file as well.
        unwanted = {draft.with_suffix(".IMD"), temporary.with_suffix(".IMD")} | {draft} - {
            temporary
        }
        for path in unwanted:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _write_metadata(dataset: "DatasetWriter", target: GeoHeader, guide: GeoHeader) -> None:
    interpretation = load_extra("rasterio.enums", "geo").ColorInterp
    names = (*target.colours, "alpha") if target.alpha else target.colours
    if tuple(colour.name for colour in dataset.colorinterp) != names:
        dataset.colorinterp = [interpretation[name] for name in names]
    dataset.update_tags(TIFFTAG_SOFTWARE="gisr", **target.tags, **guide.grid_tags)
    for domain, tags in target.domains.items():
        dataset.update_tags(ns=domain, **tags)
    for number, description in enumerate(target.descriptions, 1):
        if description:
            dataset.set_band_description(number, description)
        dataset.update_tags(number, **target.band_tags[number - 1])
        if unit := target.units[number - 1]:
            dataset.set_band_unit(number, unit)
        for domain, tags in target.band_domains[number - 1].items():
            dataset.update_tags(number, ns=domain, **tags)
    if set(target.scales) != {1.0} or set(target.offsets) != {0.0}:
        dataset.scales = (*target.scales, *([1.0] * target.alpha))
        dataset.offsets = (*target.offsets, *([0.0] * target.alpha))
    if guide.rpcs is not None:
        dataset.rpcs = guide.rpcs
    if guide.gcps[0] and not guide.placed:
        dataset.gcps = guide.gcps


def _window(place: Box) -> Any:
    top, bottom, left, right = place
    return load_extra("rasterio.windows", "geo").Window(left, top, right - left, bottom - top)


def _checksum(samples: Shaped[np.ndarray, "..."]) -> int:
    return zlib.crc32(np.ascontiguousarray(samples).data)


def _check_pixels(dataset: "DatasetReader", writer: GeoWriter, lossless: bool, path: Path) -> None:
    for place, expected in writer.sums.items():
        found = _checksum(dataset.read(window=_window(place)))
        if writer.masked:
            found ^= _checksum(dataset.read_masks(1, window=_window(place)) > 0)
        if lossless and found != expected:
            raise FileFormatError(
                f"{path}: what was written does not read back: check that the disk is not full"
            )
