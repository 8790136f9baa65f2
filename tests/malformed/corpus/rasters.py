"""GeoTIFFs, as targets and guides of pansharpening."""

import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from tests.geotiffs import write_geotiff

from corpus.case import (
    Case,
    Make,
    content,
    cut,
    half,
    junk,
    refused,
    spoiled,
    then,
    works,
)

Pixels = NDArray[Any]
WORDS = ("upscale", "ms.tif", "pan.tif", "-o", "out.tif")
_RNG = np.random.default_rng(0)
_MS = _RNG.integers(100, 1900, (8, 8, 4)).astype(np.uint16)
_PAN = _RNG.integers(100, 1900, (32, 32, 1)).astype(np.uint16)
VRT = b"""<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="0">/etc/passwd</SourceFilename></SimpleSource>
</VRTRasterBand></VRTDataset>"""


def tag_tiff(*entries: tuple[int, int, int, int], data: bytes = b"") -> bytes:
    """Return a TIFF of one directory: (tag, type, count, value) each; ``data`` is at byte 1000."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    start = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + struct.pack("<I", 0)
    return start.ljust(1000, b"\0") + data


def plain_tags(width: int, height: int, bands: int = 1, size: int = 64) -> list[Any]:
    """Return the entries of a picture of 8 bits in one strip."""
    short, long = 3, 4
    return [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 1, 8),
        (259, short, 1, 1),
        (262, short, 1, 1),
        (273, long, 1, 1000),
        (277, short, 1, bands),
        (278, long, 1, height),
        (279, long, 1, size),
    ]


def sound(folder: Path) -> Sequence[str]:
    """Write a pair with which nothing is wrong."""
    write_geotiff(folder / "ms.tif", _MS, nodata=0)
    write_geotiff(folder / "pan.tif", _PAN, 2.5, nodata=0)
    return WORDS


def target(pixels: Pixels = _MS, size: float = 10.0, words: Sequence[str] = (), **o: Any) -> Make:
    """Return what writes a sound guide, and this target."""

    def write(folder: Path) -> Sequence[str]:
        write_geotiff(folder / "ms.tif", pixels, size, **o)
        write_geotiff(folder / "pan.tif", _PAN, 2.5)
        return (*WORDS, *words)

    return write


def guide(pixels: Pixels = _PAN, size: float = 2.5, **options: Any) -> Make:
    """Return what writes a sound target, and this guide."""

    def write(folder: Path) -> Sequence[str]:
        write_geotiff(folder / "ms.tif", _MS)
        write_geotiff(folder / "pan.tif", pixels, size, **options)
        return WORDS

    return write


def pair(low: tuple[int, int], high: tuple[int, int], dtype: Any = np.uint16) -> Make:
    """Return what writes a pair of these sides."""

    def write(folder: Path) -> Sequence[str]:
        write_geotiff(folder / "ms.tif", _RNG.integers(1, 200, (*low, 3)).astype(dtype))
        write_geotiff(folder / "pan.tif", _RNG.integers(1, 200, (*high, 1)).astype(dtype), 2.5)
        return WORDS

    return write


def compressed(change: Callable[[bytes], bytes]) -> Make:
    return spoiled(target(np.tile(_MS[:, :1], (4, 32, 1)), compress="deflate"), "ms.tif", change)


def masked(folder: Path) -> Sequence[str]:
    """Write a target whose mask says that nothing is known."""
    words = sound(folder)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write_geotiff(folder / "ms.tif", _MS)
        with rasterio.open(folder / "ms.tif", "r+") as dataset:
            dataset.write_mask(np.zeros((8, 8), bool))
    return words


def palette(folder: Path) -> Sequence[str]:
    words = sound(folder)
    write_geotiff(folder / "ms.tif", _MS[..., :1].astype(np.uint8))
    with rasterio.open(folder / "ms.tif", "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    return words


def inks(folder: Path) -> Sequence[str]:
    """Write four bands that the header calls cyan, magenta, yellow and black."""
    words = sound(folder)
    write_geotiff(folder / "ms.tif", _MS.astype(np.uint8), photometric="CMYK")
    return words


def mask_that_is_a_vrt(folder: Path) -> Sequence[str]:
    words = sound(folder)
    write_geotiff(folder / "ms.tif", _MS)
    (folder / "ms.tif.msk").write_bytes(VRT)
    return words


def sparse(side: int, block: int = 256, **options: Any) -> Callable[[Path], object]:
    """Return what writes a picture of any size in a few kilobytes."""

    def write(path: Path) -> None:
        profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "uint8"}
        tiles = {"tiled": True, "blockxsize": block, "blockysize": block}
        grid = {"transform": Affine(2.5, 0, 500_000, 0, -2.5, 4_000_000), "crs": "EPSG:32633"}
        more = {"sparse_ok": True, "bigtiff": "YES", **options}
        rasterio.open(path, "w", **profile, **tiles, **grid, **more).close()

    return write


def two_pages(path: Path) -> None:
    """Write bands as pages of one file."""
    write_geotiff(path, _MS[..., :1])
    write_geotiff(path, _MS[..., 1:2], APPEND_SUBDATASET="YES")


def one_strip_bomb(path: Path) -> None:
    """Write 256 MB of zeros as one deflated strip."""
    zeros = np.zeros((16_000, 16_000, 1), np.uint8)
    write_geotiff(path, zeros, 1.0, compress="deflate", blockysize=16_000, zlevel=1)


def transparent_bomb(path: Path) -> None:
    """Write 256 MB of zeros in one strip, whose last band may be a mask and has to be looked at."""
    zeros = np.zeros((8_000, 8_000, 4), np.uint8)
    more: dict[str, Any] = {"photometric": "RGB", "alpha": "YES", "blockysize": 8_000}
    write_geotiff(path, zeros, 1.0, compress="deflate", zlevel=1, **more)


def turned(folder: Path) -> Sequence[str]:
    """Write a guide that is turned by 30 degrees."""
    return guide(transform=Affine(2.165, 1.25, 500_000, 1.25, -2.165, 4_000_000))(folder)


_FLOATS = _MS.astype(np.float32)
_EXTREME = _MS.astype(np.float64)
_HALF_KNOWN = _FLOATS.copy()
_HALF_KNOWN[:4] = np.nan
_NAN = "nan"

CASES: dict[str, Case] = {
    "geotiff-empty": refused(spoiled(sound, "ms.tif", content(b"")), "ms.tif: the file is empty"),
    "geotiff-folder": refused(then(sound, "pan.tif", Path.mkdir), "pan.tif: is a folder"),
    "geotiff-missing": refused(then(sound, "ms.tif", Path.exists), "ms.tif: no such file"),
    "geotiff-pipe": refused(then(sound, "ms.tif", os.mkfifo), "ms.tif: is no regular file"),
    "geotiff-device": refused(
        then(sound, "ms.tif", lambda path: path.symlink_to("/dev/zero")),
        "ms.tif: is no regular file",
    ),
    "geotiff-cut-at-2": refused(spoiled(sound, "ms.tif", cut(2)), "ms.tif: cannot be read as Geo"),
    "geotiff-cut-at-8": refused(spoiled(sound, "ms.tif", cut(8)), "ms.tif: cannot be read as Geo"),
    "geotiff-cut-at-100": refused(spoiled(sound, "ms.tif", cut(100)), "ms.tif: "),
    "geotiff-cut-in-pixels": refused(spoiled(sound, "ms.tif", half), "ms.tif: "),
    "geotiff-cut-last-byte": refused(spoiled(sound, "ms.tif", cut(-1)), "ms.tif: "),
    "geotiff-guide-cut": refused(spoiled(sound, "pan.tif", half), "pan.tif: "),
    "geotiff-deflate-cut": refused(compressed(half), "ms.tif"),
    "geotiff-deflate-junk": refused(compressed(junk), "ms.tif: "),
    "geotiff-bigtiff-cut": refused(
        spoiled(target(bigtiff="YES"), "ms.tif", cut(40)), "ms.tif: cannot be read as GeoTIFF"
    ),
    "geotiff-is-text": refused(
        spoiled(sound, "ms.tif", content(b"no picture at all\n" * 9)), "ms.tif: cannot be read as"
    ),
    "geotiff-is-vrt": refused(spoiled(sound, "ms.tif", content(VRT)), "ms.tif: cannot be read as"),
    "geotiff-guide-is-vrt": refused(
        spoiled(sound, "pan.tif", content(VRT)), "pan.tif: cannot be read as GeoTIFF"
    ),
    "geotiff-mask-is-vrt": refused(mask_that_is_a_vrt, "ms.tif.msk"),
    "geotiff-is-png": refused(
        spoiled(sound, "ms.tif", content(b"\x89PNG\r\n\x1a\n" + bytes(90))), "ms.tif: cannot be"
    ),
    "geotiff-is-gzip": refused(
        spoiled(sound, "ms.tif", content(b"\x1f\x8b\x08" + bytes(90))), "ms.tif: cannot be read"
    ),
    "geotiff-directory-loop": refused(
        spoiled(sound, "ms.tif", content(struct.pack("<2sHIHI", b"II", 42, 8, 0, 8))), "ms.tif: "
    ),
    "geotiff-no-bands": refused(
        spoiled(sound, "ms.tif", content(tag_tiff(*plain_tags(8, 8, 0), data=bytes(64)))),
        "ms.tif: ",
    ),
    "geotiff-no-pixels": refused(
        spoiled(sound, "ms.tif", content(tag_tiff(*plain_tags(0, 8), data=bytes(64)))), "ms.tif: "
    ),
    "geotiff-claims-2g-squared": refused(
        spoiled(sound, "ms.tif", content(tag_tiff(*plain_tags(2**31 - 1, 2**31 - 1)))), "ms.tif: "
    ),
    "geotiff-claims-endless-strips": refused(
        spoiled(
            sound,
            "ms.tif",
            content(tag_tiff(*plain_tags(8, 8)[:5], (273, 4, 2**32 - 1, 1000), (277, 3, 1, 1))),
        ),
        "ms.tif: ",
    ),
    "geotiff-claims-65535-bands": refused(
        spoiled(sound, "ms.tif", content(tag_tiff(*plain_tags(8, 8, 65535), data=bytes(64)))),
        "ms.tif: ",
    ),
    "geotiff-sparse-bomb": refused(
        then(sound, "pan.tif", sparse(500_000)), "pan.tif: claims 250000000000 pixels"
    ),
    "geotiff-one-huge-tile": refused(
        then(sound, "pan.tif", sparse(32, 2**17)), "pan.tif: claims 17179869184 bytes of one tile"
    ),
    "geotiff-one-strip-bomb": refused(
        then(sound, "ms.tif", one_strip_bomb), "ms.tif and pan.tif: the guide is coarser"
    ),
    "geotiff-transparent-bomb": refused(
        then(sound, "ms.tif", transparent_bomb), "ms.tif and pan.tif: the guide is coarser"
    ),
    "geotiff-complex": refused(target(_MS.astype(np.complex64)), "ms.tif: complex pixels"),
    "geotiff-complex-int": refused(target(_MS, dtype="complex_int16"), "ms.tif: complex pixels"),
    "geotiff-pages": refused(then(sound, "ms.tif", two_pages), "ms.tif: holds 2 images (pages)"),
    "geotiff-cmyk": refused(inks, "ms.tif: its header calls its bands CMYK colours"),
    "geotiff-palette": refused(palette, "ms.tif: its values are numbers of colours"),
    "geotiff-all-nan": refused(target(_FLOATS * np.nan), "ms.tif: every pixel is unknown"),
    "geotiff-all-infinite": refused(target(_FLOATS * np.inf), "ms.tif: every pixel is unknown"),
    "geotiff-all-nodata": refused(target(_MS * 0, nodata=0), "ms.tif: every pixel is unknown"),
    "geotiff-guide-all-nodata": refused(
        guide(_PAN * 0, nodata=0), "pan.tif: every pixel is unknown"
    ),
    "geotiff-guide-all-nan": refused(
        guide(_PAN.astype(np.float32) * np.nan), "pan.tif: every pixel is unknown"
    ),
    "geotiff-all-masked": refused(masked, "ms.tif: every pixel is unknown"),
    "geotiff-float64-too-large": refused(
        target(_EXTREME * 1e300), "ms.tif: holds 1.894e+303, more than float32 can"
    ),
    "geotiff-beyond-its-bits": refused(target(words=("--bits", "8")), "ms.tif: holds ", "8 bits"),
    "geotiff-other-crs": refused(
        guide(crs="EPSG:4326"),
        "places of pan.tif (EPSG:4326) do not exist in EPSG:32633",
        "gdalwarp",
    ),
    "geotiff-other-zone": refused(
        guide(crs="EPSG:32634"), "do not overlap, as EPSG:32633 and EPSG:32634 have it"
    ),
    "geotiff-no-crs": refused(guide(crs=None), "pan.tif has no coordinate reference system"),
    "geotiff-no-georeference": refused(
        guide(crs=None, transform=None), "pan.tif is not: give it its georeference"
    ),
    "geotiff-turned": works(turned),
    "geotiff-mirrored": works(guide(transform=Affine(2.5, 0, 500_000, 0, 2.5, 4_000_000 - 80))),
    "geotiff-pixels-of-no-size": refused(
        guide(transform=Affine(0, 0, 500_000, 0, 0, 4_000_000)), "pixels of no area"
    ),
    "geotiff-nan-transform": refused(
        guide(transform=Affine(np.nan, 0, 500_000, 0, -2.5, 4_000_000)), "pan.tif"
    ),
    "geotiff-infinite-transform": refused(
        guide(transform=Affine(2.5, 0, np.inf, 0, -2.5, 4_000_000)), "pan.tif"
    ),
    "geotiff-endless-pixels": refused(guide(size=1e300), "pan.tif"),
    "geotiff-elsewhere": refused(
        guide(transform=Affine(2.5, 0, 600_000, 0, -2.5, 4_000_000)), "do not overlap"
    ),
    "geotiff-guide-coarser": refused(target(size=1.0), "the guide is coarser than the target"),
    "geotiff-ratio-1000": refused(target(size=2500.0), "ratio 1000 ", "is above 64"),
    "geotiff-no-such-band": refused(target(words=("-b", "9")), "ms.tif: no band 9: it has 1"),
    "geotiff-band-0": refused(target(words=("-b", "0")), "band 0 must be at least 1"),
    "geotiff-endless-band": refused(target(words=("-b", "9" * 5000)), "band "),
    "geotiff-nodata-does-not-fit": refused(
        target(words=("-nodata", "-1")), "ms.tif: nodata -1 cannot be stored in uint16"
    ),
    "geotiff-strip-sizes-of-gigabytes": refused(
        spoiled(
            sound,
            "ms.tif",
            content(tag_tiff(*plain_tags(8, 8, size=2**32 - 1), data=bytes(64))),
        ),
        "ms.tif",
    ),
    "geotiff-one-pixel": works(pair((1, 1), (4, 4))),
    "geotiff-one-column": works(pair((8, 1), (32, 4))),
    "geotiff-large-floats": works(target(_FLOATS * 1e30)),
    "geotiff-float64-that-fits": works(target(_EXTREME * 1e30)),
    "geotiff-half-nan": works(target(_HALF_KNOWN)),
    "geotiff-constant": works(target(_MS * 0 + 7)),
    "geotiff-nodata-nan": works(target(_HALF_KNOWN, nodata=float(_NAN))),
}
