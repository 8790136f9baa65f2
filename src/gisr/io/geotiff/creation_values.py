"""What the values of GDAL's creation options may be.

GDAL passes over a value it does not know, with a warning that nobody sees: blocks of another size,
another type of colours, a compression without the level that was meant.
"""

import re
from collections.abc import Mapping

from gisr.errors import InputError

_SWITCH = "YES NO TRUE FALSE ON OFF 1 0"
_WORDS = {
    "ALPHA": "YES NO NON-PREMULTIPLIED PREMULTIPLIED UNSPECIFIED",
    "BIGTIFF": "YES NO IF_NEEDED IF_SAFER",
    "COMPRESS": "NONE LZW DEFLATE ZSTD LZMA PACKBITS LERC LERC_DEFLATE LERC_ZSTD JPEG WEBP JXL "
    "CCITTRLE CCITTFAX3 CCITTFAX4",
    "ENDIANNESS": "NATIVE INVERTED LITTLE BIG",
    "GEOTIFF_VERSION": "AUTO 1.0 1.1",
    "INTERLEAVE": "PIXEL BAND",
    "PHOTOMETRIC": "MINISBLACK MINISWHITE PALETTE RGB CMYK YCBCR CIELAB ICCLAB ITULAB",
    "PREDICTOR": "1 2 3",
    "SPARSE_OK": _SWITCH,
    "TILED": _SWITCH,
    "WEBP_LOSSLESS": _SWITCH,
}
"""Of the GTiff driver."""
_RESAMPLINGS = "NEAREST AVERAGE BILINEAR CUBIC CUBICSPLINE LANCZOS MODE RMS"
_CLOUD_WORDS = {
    **{name: _WORDS[name] for name in ("BIGTIFF", "COMPRESS", "GEOTIFF_VERSION", "SPARSE_OK")},
    "OVERVIEWS": "AUTO IGNORE_EXISTING FORCE_USE_EXISTING NONE",
    "OVERVIEW_COMPRESS": f"AUTO {_WORDS['COMPRESS']}",
    "OVERVIEW_PREDICTOR": "YES NO STANDARD FLOATING_POINT",
    "OVERVIEW_RESAMPLING": _RESAMPLINGS,
    "PREDICTOR": "YES NO STANDARD FLOATING_POINT",
    "RESAMPLING": _RESAMPLINGS,
    "STATISTICS": f"AUTO {_SWITCH}",
}
"""Of the COG driver."""
_NUMBERS = {
    "BLOCKXSIZE": (1, 2**31 - 1),
    "BLOCKYSIZE": (1, 2**31 - 1),
    "DISCARD_LSB": (0, 31),
    "JPEG_QUALITY": (1, 100),
    "LZMA_PRESET": (0, 9),
    "WEBP_LEVEL": (1, 100),
    "ZLEVEL": (1, 12),
    "ZSTD_LEVEL": (1, 22),
}
_CLOUD_NUMBERS = {
    "BLOCKSIZE": (16, 2**31 - 1),
    "LEVEL": (1, 22),
    "OVERVIEW_COUNT": (0, 32),
    "OVERVIEW_QUALITY": (1, 100),
    "QUALITY": (1, 100),
}
_CODECS = {
    "JPEG_QUALITY": ("JPEG",),
    "LZMA_PRESET": ("LZMA",),
    "MAX_Z_ERROR": ("LERC", "LERC_DEFLATE", "LERC_ZSTD"),
    "PREDICTOR": ("DEFLATE", "LZW", "ZSTD"),
    "WEBP_LEVEL": ("WEBP",),
    "WEBP_LOSSLESS": ("WEBP",),
    "ZLEVEL": ("DEFLATE", "LERC_DEFLATE"),
    "ZSTD_LEVEL": ("ZSTD", "LERC_ZSTD"),
}
"""Compressions that an option of the GTiff driver is for."""
_TILE = 16
"""Pixels that the sides of a tile are a multiple of."""


def check_values(options: Mapping[str, str], *, cloud: bool) -> None:
    """Refuse a value that GDAL would pass over, or refuse after all is computed.

    Args:
        options: As the user names them.
        cloud: Whether they are for the COG driver.

    Raises:
        InputError: The option, its value and what it may be.
    """
    words = _CLOUD_WORDS if cloud else _WORDS
    numbers = _CLOUD_NUMBERS if cloud else _NUMBERS
    tiled = cloud or _is_on({name.upper(): value for name, value in options.items()}.get("TILED"))
    for name, value in options.items():
        known = name.upper()
        problem = None
        if known in words and value.upper() not in words[known].split():
            problem = f"must be one of {words[known]}"
        elif known in numbers:
            problem = _no_number(value, *numbers[known])
            if problem is None and "BLOCK" in known and tiled and int(value) % _TILE:
                problem = f"must be a multiple of {_TILE}, as the sides of tiles are"
        elif known == "NUM_THREADS" and value.upper() != "ALL_CPUS":
            problem = _no_number(value, 1, 1024, " or ALL_CPUS")
        elif known == "MAX_Z_ERROR" and not re.fullmatch(r"\d+(\.\d*)?(e-?\d+)?", value.lower()):
            problem = "must be a number from 0 on"
        if problem is not None:
            raise InputError(f"creation option {name}={value} {problem}")


def without_effect(
    options: Mapping[str, str], stored: Mapping[str, object]
) -> list[tuple[str, str]]:
    """Return options of the GTiff driver that do nothing for an output, each with its remedy.

    Args:
        options: As the user names them.
        stored: What is copied from the target, by rasterio's names.
    """
    given = {name.upper(): value.upper() for name, value in options.items()}
    codec = given.get("COMPRESS", str(stored.get("compress", "none")).upper())
    tiled = _is_on(given.get("TILED", str(stored.get("tiled", "NO"))))
    found = []
    for name, value in options.items():
        codecs = _CODECS.get(name.upper())
        if codecs is not None and codec not in codecs:
            found.append((f"{name}={value}", f"-co COMPRESS={codecs[0]}"))
        elif name.upper() == "BLOCKXSIZE" and not tiled:
            found.append((f"{name}={value}", "-co TILED=YES"))
    return found


def _no_number(value: str, least: int, most: int, instead: str = "") -> str | None:
    if value.isdecimal() and least <= int(value) <= most:
        return None
    upper = f" to {most}" if most < 2**16 else " on"
    return f"must be a whole number from {least}{upper}{instead}"


def _is_on(value: str | None) -> bool:
    return value is not None and value.upper() in ("YES", "TRUE", "ON", "1")
