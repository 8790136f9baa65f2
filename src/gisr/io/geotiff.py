"""GeoTIFF in and out, and how a multispectral and a panchromatic file lie together."""

import warnings
import zlib
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Float64, Shaped

from gisr.errors import FileFormatError, InputError, PairError
from gisr.io.extras import load_extra
from gisr.io.files import atomic_output, check_not_input, typed_errors
from gisr.io.georaster import GeoRaster, open_geotiff, read_geotiff
from gisr.io.placement import Placement, check_overlap
from gisr.io.quantise import quantise, value_range

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader, DatasetWriter

__all__ = ["GeoRaster", "geotiff_placement", "open_geotiff", "read_geotiff", "write_geotiff"]

_STRIP_SAMPLES = 2**23
"""Samples quantised and written at a time: bounds the temporary copies."""
_LOSSLESS = {None, "deflate", "lzw", "zstd", "lzma", "packbits"}
_SIDECARS = (".aux.xml", ".ovr", ".msk")
_TURN_TOLERANCE = 0.1
"""Target pixels that two grids may turn against each other across the whole picture."""


def write_geotiff(
    path: str | PathLike[str],
    image: Float[np.ndarray, "H W *bands"],
    *,
    target: GeoRaster,
    guide: GeoRaster,
    valid: Bool[np.ndarray, "H W"],
    overwrite: bool = False,
) -> None:
    """Write a sharpened image: the guide's grid, everything else as in the target's file.

    Values are rounded and clipped to the target's type (to NBITS where it says so). Unknown pixels
    get the target's nodata value; without one, an integer file gets an internal mask and a float
    file NaN. A valid value never becomes nodata (unless a lossy compression changes it).

    Args:
        path: Output, ``.tif``.
        image: (H, W) or (H, W, bands) on the guide's grid, in the target's units.
        target: The low-resolution raster: bands, type, nodata, compression, tiling.
        guide: The high-resolution raster: size, CRS, transform.
        valid: (H, W), which pixels are known.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: Shapes do not fit, or valid values that are not finite.
        FileFormatError: The output exists, is an input, or cannot be written.
        MissingExtraError: rasterio is not installed.
    """
    rasterio = load_extra("rasterio", "geo")
    stack = image[..., None] if image.ndim == 2 else image
    _check_output_shapes(stack, valid, target, guide)
    check_not_input(path, target.path, guide.path)
    profile = _output_profile(target, guide)
    coded = target.nodata is not None or target.alpha or target.pixels.dtype.kind == "f"
    masked = not coded and not valid.all()
    # No .aux.xml beside a temporary name, and masks inside the file: one output is one file.
    options = {"GDAL_PAM_ENABLED": "NO", "GDAL_TIFF_INTERNAL_MASK": "YES"}
    with (
        atomic_output(path, overwrite) as temporary,
        typed_errors(path, "cannot be written as GeoTIFF"),
        warnings.catch_warnings(),
        rasterio.Env(**options),
    ):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(temporary, "w", **profile) as dataset:
            _write_metadata(dataset, target, guide)
            sums = _write_pixels(dataset, stack, valid, target, masked, Path(path))
        # rasterio closes a file without an error when the disk is full: read it back.
        with rasterio.open(temporary, driver="GTiff") as dataset:
            _check_pixels(dataset, sums, masked, profile.get("compress") in _LOSSLESS, Path(path))
    for sidecar in _SIDECARS:  # statistics, overviews or masks of the file that was replaced
        with suppress(OSError):
            Path(f"{path}{sidecar}").unlink(missing_ok=True)


def geotiff_placement(target: GeoRaster, guide: GeoRaster) -> Placement:
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


def _matrix(raster: GeoRaster) -> Float64[np.ndarray, "3 3"]:
    # By hand: affine 2 multiplies with *, affine 3 with @.
    grid = raster.transform
    return np.array([[grid.a, grid.b, grid.c], [grid.d, grid.e, grid.f], [0, 0, 1]], np.float64)


def _check_same_reference(target: GeoRaster, guide: GeoRaster, names: str) -> None:
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


def _check_output_shapes(
    stack: Float[np.ndarray, "H W bands"],
    valid: Bool[np.ndarray, "H W"],
    target: GeoRaster,
    guide: GeoRaster,
) -> None:
    expected = (*guide.shape, target.pixels.shape[2])
    if stack.shape != expected or valid.shape != guide.shape or valid.dtype != bool:
        raise InputError(
            f"image {stack.shape} with {valid.dtype} mask {valid.shape} does not fit the output: "
            f"it is {expected} (guide's rows and columns, target's bands) with a bool mask"
        )


def _output_profile(target: GeoRaster, guide: GeoRaster) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": guide.shape[0],
        "width": guide.shape[1],
        "count": target.pixels.shape[2] + target.alpha,
        "dtype": target.pixels.dtype.name,
        "nodata": target.nodata,
        "crs": guide.crs,
        "bigtiff": "IF_SAFER",
        **target.creation,
    }
    if profile["count"] != 3:  # a JPEG of three bands may be YCbCr, a selection of them may not
        profile.pop("photometric", None)
    if guide.placed:
        profile["transform"] = guide.transform
    # Left to itself GDAL takes any 3 or 4 bands of 8 bits for RGB and alpha.
    coloured = target.colours[:3] == ("red", "green", "blue")
    profile.setdefault("photometric", "RGB" if coloured else "MINISBLACK")
    if target.alpha:
        profile["alpha"] = "YES"
    return profile


def _write_metadata(dataset: "DatasetWriter", target: GeoRaster, guide: GeoRaster) -> None:
    interpretation = load_extra("rasterio.enums", "geo").ColorInterp
    names = (*target.colours, "alpha") if target.alpha else target.colours
    if tuple(colour.name for colour in dataset.colorinterp) != names:
        dataset.colorinterp = [interpretation[name] for name in names]
    dataset.update_tags(TIFFTAG_SOFTWARE="gisr", **target.tags)
    for number, description in enumerate(target.descriptions, 1):
        if description:
            dataset.set_band_description(number, description)
        dataset.update_tags(number, **target.band_tags[number - 1])
    if set(target.scales) != {1.0} or set(target.offsets) != {0.0}:
        dataset.scales = (*target.scales, *([1.0] * target.alpha))
        dataset.offsets = (*target.offsets, *([0.0] * target.alpha))
    for number, unit in enumerate(target.units, 1):
        if unit:
            dataset.set_band_unit(number, unit)
    if guide.rpcs is not None:
        dataset.rpcs = guide.rpcs


def _write_pixels(
    dataset: "DatasetWriter",
    stack: Float[np.ndarray, "H W bands"],
    valid: Bool[np.ndarray, "H W"],
    target: GeoRaster,
    masked: bool,
    path: Path,
) -> dict[tuple[int, int], int]:
    """Write strip by strip; return the checksum of each strip by its first row and height."""
    window = load_extra("rasterio.windows", "geo").Window
    columns = stack.shape[1]
    sums: dict[tuple[int, int], int] = {}
    for start, height in _strips(dataset):
        part = slice(start, start + height)
        stored = _encode(stack[part], valid[part], target, path)
        place = window(0, start, columns, height)
        dataset.write(stored, window=place)
        sums[start, height] = _checksum(stored)
        if masked:
            dataset.write_mask(valid[part], window=place)
            sums[start, height] ^= _checksum(valid[part])
    return sums


def _strips(dataset: "DatasetWriter") -> list[tuple[int, int]]:
    """Split the rows at whole blocks: one written in two parts would be compressed twice."""
    block = dataset.block_shapes[0][0]
    step = max(1, _STRIP_SAMPLES // (dataset.width * dataset.count) // block) * block
    starts = range(0, dataset.height, step)
    return [(start, min(step, dataset.height - start)) for start in starts]


def _encode(
    stack: Float[np.ndarray, "rows W bands"],
    valid: Bool[np.ndarray, "rows W"],
    target: GeoRaster,
    path: Path,
) -> Shaped[np.ndarray, "layers rows W"]:
    """Return the samples to store, bands first, with the alpha band the target has."""
    dtype, bands = target.pixels.dtype, stack.shape[2]
    blank = float("nan") if dtype.kind == "f" and not target.alpha else 0.0
    stored = np.empty((bands + target.alpha, *valid.shape), dtype=dtype)
    for band in range(bands):
        stored[band] = quantise(
            stack[..., band],
            dtype,
            valid=valid,
            marker=blank if target.nodata is None else target.nodata,
            reserved=target.nodata is not None,
            bits=target.bits,
            path=path,
        )
    if target.alpha:
        limits = value_range(dtype, target.bits)
        stored[-1] = np.where(valid, limits[1] if limits else 1, 0)
    return stored


def _checksum(samples: Shaped[np.ndarray, "..."]) -> int:
    return zlib.crc32(np.ascontiguousarray(samples).data)


def _check_pixels(
    dataset: "DatasetReader",
    sums: dict[tuple[int, int], int],
    masked: bool,
    lossless: bool,
    path: Path,
) -> None:
    window = load_extra("rasterio.windows", "geo").Window
    for (start, height), expected in sums.items():
        place = window(0, start, dataset.width, height)
        found = _checksum(dataset.read(window=place))
        if masked:
            found ^= _checksum(dataset.read_masks(1, window=place) > 0)
        if lossless and found != expected:
            raise FileFormatError(
                f"{path}: what was written does not read back: check that the disk is not full"
            )
