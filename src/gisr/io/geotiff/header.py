"""The header of a GeoTIFF, read through rasterio: all that its output must keep.

Opened with the one driver of its kind: a ``.tif`` that is really a VRT could read any local file.
JPEG 2000 files, in which agencies deliver bands, are read in the same way.
"""

import re
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gisr.errors import FileFormatError, InputError
from gisr.io.files import check_readable
from gisr.io.foreign import foreign_file, misnamed_tiff, picture_as_geotiff
from gisr.io.geotiff.alpha import AlphaMask, find_alpha
from gisr.io.geotiff.claims import check_claims
from gisr.io.geotiff.drivers import driver_of, format_of, reading_errors
from gisr.io.geotiff.kept import copied_options, lasting_domains, lasting_tags, lossy_options
from gisr.io.geotiff.nodata import BandNodata, NodataChoice, output_nodata, read_nodata
from gisr.io.geotiff.quality import QualityMask
from gisr.io.geotiff.regrid import GeoOutline, Regrid
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.tiff_blocks import check_mask_file
from gisr.io.unknown import UnknownValue
from gisr.optional_imports import load_extra

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


_LIST = re.compile(r"\d+([,:;-]\d+)+")
"""Several bands in one word, as other programs name them."""


@dataclass(frozen=True)
class StackPart:
    """Where one band of a stack of files is."""

    path: Path
    band: int
    """Its number in the file, from 1."""
    count: int
    """Bands of the file, all of them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GeoHeader(GeoOutline):
    """All of a GeoTIFF but its pixels that its output must keep."""

    numbers: tuple[int, ...]
    """Numbers, from 1, of the bands that are read; never that of the alpha band."""
    count: int
    """Bands in the file, all of them."""
    dtype: np.dtype
    """Type on disk."""
    block: tuple[int, int]
    """Rows and columns that are best read at a time: of the blocks the file is stored in."""
    stored_block: tuple[int, int]
    """Rows and columns of the blocks the file is stored in, on its own grid."""
    descriptions: tuple[str | None, ...]
    """Name of each band."""
    colours: tuple[str, ...]
    """GDAL's colour interpretation of each band, by name ("red", "nir", "undefined")."""
    nodata: float | None
    """Value that marks unknown pixels in an output, None when there is none."""
    band_nodata: BandNodata
    """Value that makes a pixel unknown where a band has it, if it stands for unknown in one band
    alone, or where all bands have theirs; that of a band is None when it has none or the type
    cannot hold it."""
    nodata_given: bool
    """Whether the caller named nodata, in place of the file's own."""
    bits: int | None
    """Bits in use (NBITS) of an integer type, None when all are."""
    alpha_mask: AlphaMask | None
    """The band that masks the others, if there is one."""
    creation: Mapping[str, Any]
    """GDAL creation options that reproduce tiling, interleaving and a compression without loss."""
    halves: bool
    """Whether its floats have 16 bits on disk; the output's have 32, as what is computed has."""
    lossy: Mapping[str, str]
    """GDAL creation options of a compression with loss, which is not copied: what it costs once, it
    would cost again."""
    domains: Mapping[str, Mapping[str, str]]
    """Tags of further domains: IMD, IMAGERY and the like, as vendors deliver them."""
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
    unknown: tuple[UnknownValue, ...] = ()
    """Values that stand for unknown pixels besides nodata, which the file does not say."""
    regrid: Regrid | None = None
    """How the file's own grid is brought to this one while it is read; None where it is this."""
    band_domains: tuple[Mapping[str, Mapping[str, str]], ...] = ()
    """Tags of further domains of each band: wavelengths in IMAGERY."""
    parts: tuple[StackPart, ...] = ()
    """Where each band is, if they lie in files of their own; ``path`` then stands for all."""
    rim: int = 0
    """Pixels around nodata of all bands within which that of some makes a pixel unknown, too."""
    quality: QualityMask | None = None
    """A band beside the image that says which pixels are clouds and the like, to be unknown."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that hold it, each once."""
        quality = () if self.quality is None else (self.quality.path,)
        return tuple(dict.fromkeys((*(part.path for part in self.parts), *quality))) or (self.path,)

    @property
    def bands(self) -> int:
        """Number of bands that are read."""
        return len(self.numbers)

    @property
    def changed_by_codec(self) -> bool:
        """Whether JPEG or WebP changed its values, by more than their highest quality does."""
        quality = self.lossy.get("JPEG_QUALITY", self.lossy.get("WEBP_LEVEL"))
        return self.lossy.get("COMPRESS") in ("JPEG", "WEBP") and quality != "100"

    @property
    def alpha(self) -> bool:
        """Whether the file has an alpha band."""
        return self.alpha_mask is not None

    def with_nodata(self, value: float | None) -> "GeoHeader":
        """Return the header of the same file with what the caller names in place of its own."""
        own = None if value is None else UnknownValue(value, alone=True)
        bands = (own,) * self.bands
        return replace(self, nodata=value, band_nodata=bands, nodata_given=True)

    def regridded(self, regrid: Regrid) -> "GeoHeader":
        """Return the header of the same file read on another grid."""
        grid = regrid.outline
        return replace(
            self,
            shape=grid.shape,
            crs=grid.crs,
            transform=grid.transform,
            block=regrid.block(self.block),
            regrid=regrid,
        )


def read_outline(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> GeoOutline:
    """Read where a GeoTIFF lies; none of its pixels, which may unpack to far more than the file.

    Raises:
        GisrError: As :func:`read_header`, for faults of the header.
    """
    with open_geotiff(path) as dataset:
        check_claims(Path(path), dataset, limits)
        return GeoOutline(
            shape=(dataset.height, dataset.width),
            crs=dataset.crs,
            transform=dataset.transform,
            path=Path(path),
            rpcs=dataset.rpcs,
            gcps=dataset.gcps,
        )


def read_header(
    path: str | PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    bands: Sequence[int | str] | None = None,
    nodata: NodataChoice = None,
) -> GeoHeader:
    """Read the header of a GeoTIFF; of its pixels, only a band that may be alpha.

    Args:
        path: The file.
        limits: What its header may claim.
        bands: Numbers of the bands that will be read, from 1, or their names; all but alpha by
            default.
        nodata: Value of unknown pixels in place of the file's own; ``none`` if no value is.

    Raises:
        FileFormatError: Missing, damaged, not a TIFF, complex or colour-mapped pixels.
        LimitError: The header claims more than the limits.
        InputError: A band that the file does not have, or a ``nodata`` its type cannot hold.
        MissingExtraError: rasterio is not installed.
    """
    with open_geotiff(path) as dataset:
        name = Path(path)
        dtype = check_claims(name, dataset, limits)
        lossy = lossy_options(dataset)
        alpha = find_alpha(dataset, bool(lossy))
        chosen = _choose_bands(name, dataset, bands, alpha.band if alpha else None)
        structure = dataset.tags(chosen[0], ns="IMAGE_STRUCTURE")
        own_nodata = read_nodata(name, dataset, chosen, dtype, nodata)
        return GeoHeader(
            shape=(dataset.height, dataset.width),
            numbers=tuple(chosen),
            count=dataset.count,
            dtype=dtype,
            block=dataset.block_shapes[0],
            stored_block=dataset.block_shapes[0],
            crs=dataset.crs,
            transform=dataset.transform,
            descriptions=tuple(dataset.descriptions[band - 1] for band in chosen),
            colours=tuple(_colour(dataset, band) for band in chosen),
            nodata=output_nodata(own_nodata),
            band_nodata=own_nodata,
            nodata_given=nodata is not None,
            bits=int(structure["NBITS"]) if "NBITS" in structure and dtype.kind in "iu" else None,
            alpha_mask=alpha,
            creation=copied_options(dataset),
            halves=dtype.kind == "f" and "NBITS" in structure,
            lossy=lossy,
            domains=lasting_domains(dataset),
            tags=lasting_tags(dataset.tags()),
            band_tags=tuple(lasting_tags(dataset.tags(band)) for band in chosen),
            band_domains=tuple(lasting_domains(dataset, band) for band in chosen),
            scales=tuple(dataset.scales[band - 1] for band in chosen),
            offsets=tuple(dataset.offsets[band - 1] for band in chosen),
            units=tuple(dataset.units[band - 1] for band in chosen),
            rpcs=dataset.rpcs,
            gcps=dataset.gcps,
            point=dataset.tags().get("AREA_OR_POINT") == "Point",
            path=name,
        )


@contextmanager
def open_geotiff(path: str | PathLike[str]) -> Iterator["DatasetReader"]:
    """Open a TIFF or JPEG 2000 file with the driver of its kind alone, and type what goes wrong.

    Yields:
        The ``rasterio.DatasetReader``; no pixel has been read.

    Raises:
        FileFormatError: Missing, damaged or of another kind, on opening or within the block.
        MissingExtraError: rasterio is not installed.
    """
    with reading_errors(path), opened_raster(path) as dataset:
        yield dataset


@contextmanager
def opened_raster(path: str | PathLike[str]) -> Iterator["DatasetReader"]:
    """Open a TIFF or JPEG 2000 file; what goes wrong in the block is the block's own."""
    rasterio = load_extra("rasterio", "geo")
    found = check_readable(path).resolve()
    check_mask_file(found)
    with reading_errors(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            dataset = rasterio.open(found, driver=driver_of(path))
        except rasterio.errors.RasterioIOError as error:
            tiff = driver_of(path) == "GTiff"
            way = foreign_file(path) if tiff else misnamed_tiff(path)
            way = way or picture_as_geotiff(path)
            if way is not None:
                text = f"{path}: cannot be read as {format_of(path)}: it {way}"
                raise FileFormatError(text) from error
            raise
    with dataset:
        yield dataset


def _colour(dataset: "DatasetReader", band: int) -> str:
    """Return the colour interpretation of a band of data."""
    name = str(dataset.colorinterp[band - 1].name)
    return "undefined" if name == "alpha" else name


def _choose_bands(
    path: Path, dataset: "DatasetReader", bands: Sequence[int | str] | None, alpha: int | None
) -> list[int]:
    kinds = [colour.name for colour in dataset.colorinterp]
    if "palette" in kinds:
        raise _in_a_table(path, dataset, kinds.index("palette") + 1)
    everything = [band for band in range(1, dataset.count + 1) if band != alpha]
    descriptions = [dataset.descriptions[band - 1] for band in everything]
    # Of two bands with one name the first is meant; no name is that of no band.
    named_bands = zip(descriptions, everything, strict=True)
    names = {name.lower(): band for name, band in reversed([*named_bands]) if name}
    named = everything if bands is None else list(bands)
    chosen = [names.get(band.lower(), 0) if isinstance(band, str) else band for band in named]
    missing = [band for band, number in zip(named, chosen, strict=True) if number not in everything]
    if missing or not chosen:
        raise no_band(path, missing or ["chosen"], band_list(everything, descriptions))
    return chosen


def _in_a_table(path: Path, dataset: "DatasetReader", band: int) -> FileFormatError:
    """Return an error on a band whose values number the colours of a table, and how to expand it.

    Of a table of greys -expand rgb would make three bands of one, which are taken for a picture.
    """
    try:
        table = dataset.colormap(band).values()
    except ValueError:  # rasterio's word for a missing table
        table = ()
    grey = bool(table) and all(red == green == blue for red, green, blue, _ in table)
    kind = "gray" if grey else "rgb"
    files = f"{shlex.quote(str(path))} {shlex.quote(f'{path.stem}_{kind}.tif')}"
    return FileFormatError(
        f"{path}: its values are numbers of {'greys' if grey else 'colours'} in a table, "
        f"not intensities: expand it first (gdal_translate -expand {kind} {files})"
    )


def no_band(path: str | PathLike[str], wanted: Sequence[object], known: str) -> InputError:
    """Return an error on bands that a file does not have, and how several are named."""
    words = ", ".join(map(str, wanted))
    way = ": name each with an option of its own (-b 1 -b 2)" if _LIST.fullmatch(words) else ""
    return InputError(f"{path}: no band {words}: it has {known}{way}")


def band_list(numbers: Sequence[int], names: Sequence[str | None]) -> str:
    """Return bands for a message, each by number and, where it has one, name: ``1 B5, 2``."""
    pairs = zip(numbers, names, strict=True)
    return ", ".join(f"{number} {name}" if name else f"{number}" for number, name in pairs)
