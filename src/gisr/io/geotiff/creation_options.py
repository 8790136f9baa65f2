"""How a GeoTIFF is laid out on disk: GDAL's creation options, copied or given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gisr.errors import InputError
from gisr.io.geotiff.creation_values import check_values

if TYPE_CHECKING:
    from gisr.io.geotiff.header import GeoHeader

_LEAST_ROWS = 64
"""Rows that are written at a time, at least."""
_DRAFT_BLOCK = 512
_OPTIONS = """
ALPHA BIGTIFF BLOCKXSIZE BLOCKYSIZE COMPRESS DISCARD_LSB ENDIANNESS GEOTIFF_VERSION INTERLEAVE
JPEG_QUALITY LZMA_PRESET MAX_Z_ERROR NBITS NUM_THREADS PHOTOMETRIC PREDICTOR PROFILE SPARSE_OK TILED
WEBP_LEVEL WEBP_LOSSLESS ZLEVEL ZSTD_LEVEL
"""
"""Creation options of GDAL's GTiff driver, but for those that write more files."""
_CLOUD_OPTIONS = """
BIGTIFF BLOCKSIZE COMPRESS GEOTIFF_VERSION LEVEL MAX_Z_ERROR NBITS NUM_THREADS OVERVIEWS
OVERVIEW_COMPRESS OVERVIEW_COUNT OVERVIEW_PREDICTOR OVERVIEW_QUALITY OVERVIEW_RESAMPLING PREDICTOR
QUALITY RESAMPLING SPARSE_OK STATISTICS
"""
"""Those of its COG driver, but for those that warp."""
_WHOLE_PROFILE = "GDALGEOTIFF"
"""The PROFILE that keeps all that a GeoTIFF says of its pixels: GDAL's own default."""
_MOST_BANDS = {"JPEG": 4, "WEBP": 4}
"""Codecs of pictures, made for 8 bits, and how many bands they hold together."""
_WEBP_BANDS = (3, 4)


@dataclass(frozen=True)
class CreationOptions:
    """How a GeoTIFF is laid out on disk.

    Raises:
        InputError: An option or value that GDAL does not know.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    """GDAL creation options by name, in place of what is copied from the target."""
    cloud: bool = False
    """Whether to write a Cloud-optimized GeoTIFF with overviews (GDAL's COG driver)."""

    def __post_init__(self) -> None:
        """Refuse what GDAL would pass over with a warning."""
        driver, listed = ("COG", _CLOUD_OPTIONS) if self.cloud else ("GTiff", _OPTIONS)
        known = listed.split()
        for name in self.options:
            if name.upper() not in known:
                raise InputError(
                    f"creation option {name!r} is not one of GDAL's {driver} driver: "
                    f"use NAME=VALUE with one of {', '.join(known)}"
                )
        check_values(self.options, cloud=self.cloud)
        if (profile := self.words.get("PROFILE", _WHOLE_PROFILE)) != _WHOLE_PROFILE:
            raise InputError(
                f"creation option PROFILE={profile} would leave out nodata, names and tags of the "
                "bands, or the georeference: leave it out, and make a copy without them of the "
                f"result (gdal_translate -co PROFILE={profile})"
            )
        if not (self.bits is None or 1 <= self.bits <= 32):
            raise InputError(f"creation option NBITS={self.bits} must lie between 1 and 32")

    @property
    def words(self) -> dict[str, str]:
        """The options as GDAL reads them: names and values in capitals."""
        return {name.upper(): value.upper() for name, value in self.options.items()}

    @property
    def lossy(self) -> str | None:
        """The compression that was requested, if it changes values."""
        given = self.words
        codec = given.get("COMPRESS", "")
        exact = given.get("WEBP_LOSSLESS") in ("YES", "TRUE", "ON", "1")
        if self.cloud and codec in ("WEBP", "JXL"):
            exact = given.get("QUALITY") == "100"
        inexact = codec.startswith("LERC") and given.get("MAX_Z_ERROR", "0").strip("0.") != ""
        if codec == "JPEG" or (codec == "WEBP" and not exact) or inexact:
            return codec
        return "DISCARD_LSB" if given.get("DISCARD_LSB", "0") != "0" else None

    @property
    def bits(self) -> int | None:
        """The option NBITS.

        Raises:
            InputError: It is no whole number.
        """
        value = next((text for name, text in self.options.items() if name.upper() == "NBITS"), None)
        if value is not None and not value.isdecimal():
            raise InputError(f"creation option NBITS={value} must be a whole number")
        return None if value is None else int(value)


def parsed_options(words: Sequence[str], *, cloud: bool) -> CreationOptions:
    """Return creation options that are written as ``NAME=VALUE``.

    Raises:
        InputError: A word is not, or GDAL has no such option.
    """
    named: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not name or not value:
            raise InputError(f"creation option {word!r} must be NAME=VALUE, such as COMPRESS=ZSTD")
        named[name] = value
    return CreationOptions(named, cloud)


def waiting_bytes(target: "GeoHeader", guide: "GeoHeader", layout: CreationOptions) -> int:
    """Return how much a writer holds back until a row of blocks is whole."""
    given = {name.lower(): value for name, value in layout.options.items()}
    rows = _DRAFT_BLOCK if layout.cloud else target.creation.get("blockysize", _LEAST_ROWS)
    if not layout.cloud and str(given.get("tiled", "")).upper() in ("YES", "TRUE"):
        rows = max(rows, 256)  # GDAL's own
    if not layout.cloud and str(given.get("blockysize", "")).isdecimal():
        rows = int(given["blockysize"])
    layers = target.bands + target.alpha
    return int(max(rows, _LEAST_ROWS) * guide.shape[1] * (layers * target.dtype.itemsize + 1))


def stored_header(target: "GeoHeader", layout: CreationOptions) -> "GeoHeader":
    """Return a target's header as its output states it.

    A value or an alpha band does not come through a compression with loss as it was: there, unknown
    pixels are marked by an internal mask alone. So they are where the bits that are stored do not
    hold nodata, and what is opaque is then the most they hold.
    """
    if layout.bits is not None:
        target = replace(target, bits=layout.bits)
    if layout.lossy:
        return replace(target, nodata=None, alpha_mask=None)
    if (most := _most_stored(target, layout)) is None:
        return target
    if not nodata_is_stored(target, layout):
        target = replace(target, nodata=None)
    if (alpha := target.alpha_mask) is not None and alpha.opaque > most:
        target = replace(target, alpha_mask=replace(alpha, opaque=float(most)))
    return target


def nodata_is_stored(target: "GeoHeader", layout: CreationOptions) -> bool:
    """Return whether the bits that are stored hold a target's nodata."""
    most = _most_stored(target, layout)
    return most is None or target.nodata is None or 0 <= target.nodata <= most


def _most_stored(target: "GeoHeader", layout: CreationOptions) -> int | None:
    """Return the most that NBITS of an output hold; None where its type alone says it."""
    if target.dtype.kind != "u":
        return None
    bits = layout.bits or target.creation.get("nbits")
    bits = bits or (target.bits if layout.cloud else None)
    return None if bits is None else 2 ** int(bits) - 1


def check_storable(target: "GeoHeader", layout: CreationOptions) -> None:
    """Refuse a compression that cannot hold a target's values.

    Raises:
        InputError: It is made for fewer bits or bands.
    """
    given = layout.words
    if layout.bits is not None and layout.bits < 32 and target.dtype.kind == "f":
        raise InputError(
            f"creation option NBITS={layout.bits} would shorten the floats of {target.path.name} "
            "behind the check of what is written: leave it out, and make them shorter afterwards "
            f"(gdal_translate -co NBITS={layout.bits})"
        )
    codec = given.get("COMPRESS", "")
    if given.get("PREDICTOR") in ("3", "FLOATING_POINT") and target.dtype.kind != "f":
        whole = "STANDARD" if layout.cloud else "2"
        raise InputError(
            f"creation option PREDICTOR={given['PREDICTOR']} is for floats, {target.path.name} "
            f"holds {target.dtype.name}: use PREDICTOR={whole}"
        )
    if codec not in _MOST_BANDS:
        return
    option, name = f"creation option COMPRESS={codec}", target.path.name
    twelve = codec == "JPEG" and (layout.bits or target.bits) == 12  # some builds of GDAL have it
    if target.dtype != "uint8" and not (twelve and target.dtype == "uint16"):
        raise InputError(
            f"{option} stores 8 bits, {name} holds {target.dtype.name} "
            f"({8 * target.dtype.itemsize} bits): use COMPRESS=DEFLATE, ZSTD or LERC, or make 8 "
            f"bits of the result afterwards (gdal_translate -ot Byte -scale -co COMPRESS={codec})"
        )
    apart = not layout.cloud and given.get("INTERLEAVE") == "BAND" and codec == "JPEG"
    if (target.bands > _MOST_BANDS[codec] and not apart) or (
        codec == "WEBP" and target.bands not in _WEBP_BANDS
    ):
        raise InputError(
            f"{option} does not hold {target.bands} bands: use COMPRESS=DEFLATE or ZSTD, or "
            "sharpen three bands (-b 1 -b 2 -b 3)"
        )


def creation_profile(
    target: "GeoHeader", guide: "GeoHeader", layout: CreationOptions
) -> dict[str, Any]:
    """Return with what rasterio creates the file that rows are written to.

    Args:
        target: As it is stored: :func:`stored_header`.
        guide: Where it lies.
        layout: Options of the user.
    """
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": guide.shape[0],
        "width": guide.shape[1],
        "count": target.bands + target.alpha,
        "dtype": target.dtype.name,
        "nodata": target.nodata,
        "crs": guide.crs,
        "bigtiff": "IF_SAFER",
        "compress": "none",
        **target.creation,
    }
    if profile["compress"] == "webp" and profile["count"] not in _WEBP_BANDS:
        profile |= {"compress": "deflate", "predictor": 2}
    if guide.placed:
        profile["transform"] = guide.transform
    # Left to itself GDAL takes any 3 or 4 bands of 8 bits for RGB and alpha.
    coloured = target.colours[:3] == ("red", "green", "blue")
    profile.setdefault("photometric", "RGB" if coloured else "MINISBLACK")
    if target.alpha:
        profile["alpha"] = "YES"
    if layout.cloud:  # a draft: large, quickly written, soon gone
        for name in ("compress", "predictor", "webp_lossless"):
            profile.pop(name, None)
        side = {"blockxsize": _DRAFT_BLOCK, "blockysize": _DRAFT_BLOCK}
        if target.bits is not None:
            side["nbits"] = target.bits
        return profile | side | {"tiled": True, "sparse_ok": True, "photometric": "MINISBLACK"}
    given = {name.lower(): value for name, value in layout.options.items()}
    if "compress" in given:
        profile.pop("predictor", None)
        profile.pop("webp_lossless", None)
    return profile | given


def cloud_options(target: "GeoHeader", layout: CreationOptions) -> dict[str, str]:
    """Return options of GDAL's COG driver: its own defaults, the target's compression, the user's.

    Overviews are means: nearest pixels would alias what was just sharpened.
    """
    compression = str(target.creation.get("compress", "deflate")).upper()
    options = {"COMPRESS": compression, "OVERVIEW_RESAMPLING": "AVERAGE", "BIGTIFF": "IF_SAFER"}
    if compression == "WEBP":
        options["QUALITY"] = "100"  # without loss
    if target.domains:
        options["COPY_SRC_MDD"] = "YES"  # tags of all domains
    if target.bits is not None:
        options["NBITS"] = str(target.bits)
    elif "predictor" in target.creation:
        options["PREDICTOR"] = "YES"
    return options | {name.upper(): value for name, value in layout.options.items()}
