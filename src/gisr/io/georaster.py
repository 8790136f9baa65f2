"""One GeoTIFF read through rasterio, whole or by windows, with all that its output must keep.

Opened with GDAL's GTiff driver alone: a ``.tif`` that is really a VRT could read any local file.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped

from gisr.errors import FileFormatError, InputError
from gisr.io.extras import load_extra
from gisr.io.files import check_readable, typed_errors
from gisr.io.geolayout import copied_options
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
_SCAN_SAMPLES = 2**22
"""Samples read at a time where a whole band has to be looked at."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GeoHeader:
    """All that a GeoTIFF says of itself and that its output must keep; no pixels."""

    shape: tuple[int, int]
    """Rows and columns."""
    numbers: tuple[int, ...]
    """Numbers, from 1, of the bands that are read; never that of the alpha band."""
    count: int
    """Bands in the file, all of them."""
    dtype: np.dtype
    """Type on disk."""
    block: tuple[int, int]
    """Rows and columns of the blocks the file is stored in."""
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
    nodata_given: bool
    """Whether the caller named it, in place of what the file says."""
    bits: int | None
    """Bits in use (NBITS) of an integer type, None when all are."""
    alpha_band: int | None
    """Number of the band that masks the others, if there is one."""
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
    def bands(self) -> int:
        """Number of bands that are read."""
        return len(self.numbers)

    @property
    def alpha(self) -> bool:
        """Whether the file has an alpha band."""
        return self.alpha_band is not None

    @property
    def placed(self) -> bool:
        """Whether the file says where its pixels lie (a transform; a bare CRS does not)."""
        return not self.transform.is_identity


@dataclass(frozen=True, eq=False, kw_only=True)
class GeoRaster(GeoHeader):
    """One GeoTIFF with its pixels in the type on disk."""

    pixels: Shaped[np.ndarray, "H W bands"]
    """Raw values, bands last, without the alpha band."""
    valid: Bool[np.ndarray, "H W"]
    """True where every band is known: not nodata, not masked, not transparent, finite."""


class GeoReader:
    """An open GeoTIFF whose windows are read one by one."""

    def __init__(self, header: GeoHeader) -> None:
        """Remember the file; it is opened by ``with``."""
        self.header = header
        self._stack = ExitStack()
        self._dataset: Any = None

    def __enter__(self) -> "GeoReader":
        """Open the file.

        Raises:
            FileFormatError: It has vanished or changed since its header was read.
        """
        dataset = self._stack.enter_context(_opened(self.header.path))
        if (dataset.height, dataset.width, dataset.count) != (
            *self.header.shape,
            self.header.count,
        ):
            self._stack.close()
            raise FileFormatError(f"{self.header.path}: has changed while it was read")
        self._dataset = dataset
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._stack.close()

    def read(
        self, rows: slice, columns: slice
    ) -> tuple[Shaped[np.ndarray, "h w bands"], Bool[np.ndarray, "h w"]]:
        """Return the raw values of a window, bands last, and which pixels are known.

        Raises:
            FileFormatError: The file is damaged there.
            LimitError: The window does not fit into memory.
        """
        window = load_extra("rasterio.windows", "geo").Window.from_slices(rows, columns)
        with typed_errors(self.header.path, "cannot be read as GeoTIFF"):
            pixels = np.moveaxis(
                self._dataset.read(list(self.header.numbers), window=window), 0, -1
            )
            return pixels, _read_valid(self._dataset, pixels, self.header, window)


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
    header = read_header(path, limits, bands)
    with GeoReader(header) as reader:
        pixels, valid = reader.read(*(slice(0, side) for side in header.shape))
    return GeoRaster(**vars(header), pixels=pixels, valid=valid)


def read_header(
    path: str | PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    bands: Sequence[int] | None = None,
    nodata: float | None = None,
) -> GeoHeader:
    """Read what a GeoTIFF says of itself; of its pixels, only a band that may be alpha.

    Args:
        path: The file.
        limits: What its header may claim.
        bands: Numbers of the bands that will be read, from 1; all but alpha by default.
        nodata: Value of unknown pixels in place of the file's own.

    Raises:
        FileFormatError: Missing, damaged, not a TIFF, complex or colour-mapped pixels.
        LimitError: The header claims more than the limits.
        InputError: A band number that the file does not have, or a ``nodata`` its type cannot hold.
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
        structure = dataset.tags(chosen[0], ns="IMAGE_STRUCTURE")
        return GeoHeader(
            shape=(dataset.height, dataset.width),
            numbers=tuple(chosen),
            count=dataset.count,
            dtype=dtype,
            block=dataset.block_shapes[0],
            crs=dataset.crs,
            transform=dataset.transform,
            descriptions=tuple(dataset.descriptions[band - 1] for band in chosen),
            colours=tuple(_colour(dataset, band) for band in chosen),
            nodata=_nodata(name, dataset, dtype, nodata),
            nodata_given=nodata is not None,
            bits=int(structure["NBITS"]) if "NBITS" in structure and dtype.kind in "iu" else None,
            alpha_band=alpha,
            creation=copied_options(dataset),
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
    with typed_errors(path, "cannot be read as GeoTIFF"), _opened(path) as dataset:
        yield dataset


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator["DatasetReader"]:
    """Open a TIFF; what goes wrong in the block is the block's own."""
    rasterio = load_extra("rasterio", "geo")
    found = check_readable(path)
    with typed_errors(path, "cannot be read as GeoTIFF"), warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        dataset = rasterio.open(found, driver="GTiff")
    with dataset:
        yield dataset


@contextmanager
def geotiff_memory(cache: int) -> Iterator[None]:
    """Let GDAL keep at most ``cache`` bytes of decoded blocks; left alone, 5 % of the machine."""
    with load_extra("rasterio", "geo").Env(GDAL_CACHEMAX=max(cache, 2**20)):
        yield


def _alpha_band(dataset: "DatasetReader") -> int | None:
    """Return the number of the band that masks the others, if there is one.

    GDAL marks the fourth of four 8-bit bands as alpha unless told otherwise, so many files call
    their near infrared so. Only a band that holds nothing but 0 and its highest value is a mask.
    """
    colours = [colour.name for colour in dataset.colorinterp]
    if "alpha" not in colours or len(colours) == 1:
        return None
    number = colours.index("alpha") + 1
    dtype = np.dtype(dataset.dtypes[number - 1])
    highest = np.iinfo(dtype).max if dtype.kind in "iu" else 1
    window = load_extra("rasterio.windows", "geo").Window
    block = dataset.block_shapes[0][0]
    step = max(1, _SCAN_SAMPLES // dataset.width // block) * block
    for top in range(0, dataset.height, step):
        rows = min(step, dataset.height - top)
        values = dataset.read(number, window=window(0, top, dataset.width, rows))
        if not ((values == 0) | (values == highest)).all():
            return None
    return number


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


def _nodata(
    path: Path, dataset: "DatasetReader", dtype: np.dtype, given: float | None
) -> float | None:
    if given is not None and not holds(dtype, given):
        raise InputError(f"{path}: nodata {given:g} cannot be stored in {dtype.name}")
    value = dataset.nodata if given is None else given
    return value if value is not None and holds(dtype, value) else None


def _read_valid(
    dataset: "DatasetReader",
    pixels: Shaped[np.ndarray, "h w bands"],
    header: GeoHeader,
    window: Any,
) -> Bool[np.ndarray, "h w"]:
    valid = np.ones(pixels.shape[:2], dtype=bool)
    for layer, band in enumerate(header.numbers):
        flags = {flag.name for flag in dataset.mask_flag_enums[band - 1]}
        # What GDAL calls a mask because of an alpha band was looked at on its own.
        if not {"all_valid", "alpha"} & flags and not (header.nodata_given and "nodata" in flags):
            valid &= dataset.read_masks(band, window=window) > 0
        if header.nodata_given:
            valid &= pixels[..., layer] != header.nodata
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(pixels[..., layer])
    if header.alpha_band is not None:
        valid &= dataset.read(header.alpha_band, window=window) > 0
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
