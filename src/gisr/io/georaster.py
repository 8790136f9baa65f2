"""One GeoTIFF read through rasterio, with everything its output must keep.

Opened with GDAL's GTiff driver alone: a ``.tif`` that is really a VRT could read any local file.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped

from gisr.errors import FileFormatError, InputError
from gisr.io.extras import load_extra
from gisr.io.files import check_readable, typed_errors
from gisr.io.limits import DEFAULT_LIMITS, Limits, check_bytes, check_picture
from gisr.io.quantise import holds

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader
    from rasterio.rpc import RPC
    from rasterio.transform import Affine

_STALE_TAGS = {
    "AREA_OR_POINT",
    "TIFFTAG_SOFTWARE",
    "TIFFTAG_XRESOLUTION",
    "TIFFTAG_YRESOLUTION",
    "TIFFTAG_RESOLUTIONUNIT",
}


@dataclass(frozen=True, eq=False)
class GeoRaster:
    """One GeoTIFF: its pixels in the type on disk and all that its output must keep."""

    pixels: Shaped[np.ndarray, "H W bands"]
    """Raw values, bands last, without the alpha band."""
    valid: Bool[np.ndarray, "H W"]
    """True where every band is known: not nodata, not masked, not transparent, finite."""
    crs: "CRS | None"
    """Coordinate reference system."""
    transform: "Affine"
    """Pixel corner (column, row) to world; the identity when the file has none."""
    descriptions: tuple[str | None, ...]
    """Name of each band."""
    colours: tuple[str, ...]
    """GDAL's colour interpretation of each band, by name ("red", "nir", "undefined")."""
    nodata: float | None
    """Value that marks unknown pixels, None when there is none or the type cannot hold it."""
    bits: int | None
    """Bits in use (NBITS) of an integer type, None when all are."""
    alpha: bool
    """Whether the file has an alpha band."""
    creation: Mapping[str, Any]
    """GDAL creation options that reproduce compression, tiling and interleaving."""
    tags: Mapping[str, str]
    """Tags of the file that stay true on another grid."""
    band_tags: tuple[Mapping[str, str], ...]
    """Tags of each band, without statistics."""
    scales: tuple[float, ...]
    """Factor from raw to physical values, per band; never applied here."""
    offsets: tuple[float, ...]
    """Shift from raw to physical values, per band; never applied here."""
    units: tuple[str | None, ...]
    """Unit of the physical values, per band."""
    rpcs: "RPC | None"
    """Rational polynomial coefficients of an image that is not rectified."""
    path: Path
    """Where it came from."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def placed(self) -> bool:
        """Whether the file says where its pixels lie (a transform; a bare CRS does not)."""
        return not self.transform.is_identity


def read_geotiff(
    path: str | PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    bands: Sequence[int] | None = None,
) -> GeoRaster:
    """Read a GeoTIFF (or a plain TIFF) with everything its output must keep.

    Args:
        path: The file.
        limits: What its header may claim.
        bands: Numbers of the bands to read, from 1; all but alpha by default.

    Raises:
        FileFormatError: Missing, damaged, not a TIFF, complex or colour-mapped pixels.
        LimitError: The header claims more than the limits.
        InputError: A band number that the file does not have.
        MissingExtraError: rasterio is not installed.
    """
    with open_geotiff(path) as dataset:
        name = Path(path)
        dtype = _sample_type(name, dataset, range(1, dataset.count + 1))
        check_picture(
            name,
            limits,
            height=dataset.height,
            width=dataset.width,
            bands=dataset.count,
            itemsize=dtype.itemsize,
        )
        _check_blocks(name, dataset, dtype, limits)
        alpha = _alpha_band(dataset)
        chosen = _choose_bands(name, dataset, bands, alpha)
        pixels = np.moveaxis(dataset.read(chosen), 0, -1)
        structure = dataset.tags(chosen[0], ns="IMAGE_STRUCTURE")
        return GeoRaster(
            pixels=pixels,
            valid=_read_valid(dataset, pixels, chosen, alpha),
            crs=dataset.crs,
            transform=dataset.transform,
            descriptions=tuple(dataset.descriptions[band - 1] for band in chosen),
            colours=tuple(_colour(dataset, band) for band in chosen),
            nodata=_nodata(dataset, dtype),
            bits=int(structure["NBITS"]) if "NBITS" in structure and dtype.kind in "iu" else None,
            alpha=alpha is not None,
            creation=_creation(dataset),
            tags=_lasting_tags(dataset.tags()),
            band_tags=tuple(_lasting_tags(dataset.tags(band)) for band in chosen),
            scales=tuple(dataset.scales[band - 1] for band in chosen),
            offsets=tuple(dataset.offsets[band - 1] for band in chosen),
            units=tuple(dataset.units[band - 1] for band in chosen),
            rpcs=dataset.rpcs,
            path=name,
        )


@contextmanager
def open_geotiff(path: str | PathLike[str]) -> Iterator["DatasetReader"]:
    """Open a TIFF for reading with the GTiff driver alone, and type whatever goes wrong.

    Yields:
        The ``rasterio.DatasetReader``; no pixel has been read.

    Raises:
        FileFormatError: Missing, damaged or not a TIFF, on opening or within the block.
        MissingExtraError: rasterio is not installed.
    """
    rasterio = load_extra("rasterio", "geo")
    found = check_readable(path)
    with warnings.catch_warnings(), typed_errors(path, "cannot be read as GeoTIFF"):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(found, driver="GTiff") as dataset:
            yield dataset


def _alpha_band(dataset: "DatasetReader") -> int | None:
    """Return the number of the band that masks the others, if there is one.

    GDAL marks the fourth of four 8-bit bands as alpha unless told otherwise, so many files call
    their near infrared so. Only a band that holds nothing but 0 and its highest value is a mask.
    """
    colours = [colour.name for colour in dataset.colorinterp]
    if "alpha" not in colours or len(colours) == 1:
        return None
    number = colours.index("alpha") + 1
    values = dataset.read(number)
    highest = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1
    return number if np.isin(values, (0, highest)).all() else None


def _colour(dataset: "DatasetReader", band: int) -> str:
    """Return the colour interpretation of a band of data."""
    name = str(dataset.colorinterp[band - 1].name)
    return "undefined" if name == "alpha" else name


def _choose_bands(
    path: Path, dataset: "DatasetReader", bands: Sequence[int] | None, alpha: int | None
) -> list[int]:
    if "palette" in [colour.name for colour in dataset.colorinterp]:
        raise FileFormatError(
            f"{path}: its values are numbers of colours in a table, not intensities: expand it "
            "first (gdal_translate -expand rgb)"
        )
    everything = [band for band in range(1, dataset.count + 1) if band != alpha]
    chosen = everything if bands is None else list(bands)
    missing = [band for band in chosen if band not in everything]
    if missing or not chosen:
        raise InputError(f"{path}: no band {missing or 'chosen'}: it has bands {everything}")
    return chosen


def _sample_type(path: Path, dataset: "DatasetReader", chosen: Sequence[int]) -> np.dtype:
    kinds = {dataset.dtypes[band - 1] for band in chosen}
    if len(kinds) > 1:
        raise FileFormatError(f"{path}: bands of several types {sorted(kinds)}: read them alone")
    kind = kinds.pop()
    if "complex" in kind:
        raise FileFormatError(
            f"{path}: complex pixels ({kind}): give intensity or amplitude instead"
        )
    sample: np.dtype = np.dtype(kind)
    return sample


def _check_blocks(path: Path, dataset: "DatasetReader", dtype: np.dtype, limits: Limits) -> None:
    # A 10 x 10 picture may still be one tile of 65536 x 65536 that GDAL has to decode whole.
    for rows, columns in set(dataset.block_shapes):
        size = rows * columns * dataset.count * dtype.itemsize
        check_bytes(path, limits, size, "one tile")


def _nodata(dataset: "DatasetReader", dtype: np.dtype) -> float | None:
    value = dataset.nodata
    return value if value is not None and holds(dtype, value) else None


def _read_valid(
    dataset: "DatasetReader",
    pixels: Shaped[np.ndarray, "H W bands"],
    chosen: Sequence[int],
    alpha: int | None,
) -> Bool[np.ndarray, "H W"]:
    valid = np.ones(pixels.shape[:2], dtype=bool)
    for layer, band in enumerate(chosen):
        # What GDAL calls a mask because of an alpha band was looked at on its own.
        if not {"all_valid", "alpha"} & {flag.name for flag in dataset.mask_flag_enums[band - 1]}:
            valid &= dataset.read_masks(band) > 0
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(pixels[..., layer])
    if alpha is not None:
        valid &= dataset.read(alpha) > 0
    return valid


def _lasting_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Drop tags about the file's own grid, statistics and writer."""
    return {
        key: text
        for key, text in tags.items()
        if key not in _STALE_TAGS
        and not key.startswith("STATISTICS_")
        # tifffile notes the array's shape here and believes it when it reads the file again
        and not (key == "TIFFTAG_IMAGEDESCRIPTION" and text.startswith('{"shape"'))
    }


def _creation(dataset: "DatasetReader") -> dict[str, Any]:
    options: dict[str, Any] = {"interleave": dataset.profile.get("interleave", "pixel")}
    structure = {**dataset.tags(ns="IMAGE_STRUCTURE"), **dataset.tags(1, ns="IMAGE_STRUCTURE")}
    for name in ("compress", "photometric"):
        if dataset.profile.get(name):
            options[name] = dataset.profile[name].lower()
    if options.get("photometric") != "ycbcr":  # the rest follows from the colour interpretation
        options.pop("photometric", None)
    if dataset.profile.get("tiled"):
        rows, columns = dataset.block_shapes[0]
        options |= {"tiled": True, "blockxsize": columns, "blockysize": rows}
    if "NBITS" in structure:
        options["nbits"] = int(structure["NBITS"])
    elif "PREDICTOR" in structure:  # GDAL allows none with odd bit counts
        options["predictor"] = int(structure["PREDICTOR"])
    return options
