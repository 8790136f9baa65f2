"""Depth maps and colour pictures: PNG, TIFF, npy, npz, EXR, PFM, JPEG."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
import tifffile
from numpy.typing import NDArray
from PIL import Image

from corpus.case import (
    Case,
    Change,
    Make,
    content,
    cut,
    gaps,
    half,
    put,
    refused,
    spoiled,
    then,
    works,
)
from corpus.rasters import VRT, plain_tags, tag_tiff

_RNG = np.random.default_rng(0)
_DEPTH = _RNG.integers(500, 60_000, (8, 8)).astype(np.uint16)
_METRES = (_DEPTH / 1000).astype(np.float32)
_COLOUR = _RNG.integers(0, 256, (32, 32, 3)).astype(np.uint8)
_PNG = b"\x89PNG\r\n\x1a\n"


def write_depth(path: Path, values: NDArray[Any] = _METRES) -> None:
    """Write a depth map as its suffix says."""
    if path.suffix == ".png":
        Image.fromarray(values if values.dtype.kind == "u" else _DEPTH).save(path)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, values, metadata=None)
    elif path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez_compressed(path, depth=values)
    elif path.suffix == ".pfm":
        rows = np.flipud(values).astype("<f4").tobytes()
        path.write_bytes(f"Pf\n{values.shape[1]} {values.shape[0]}\n-1\n".encode() + rows)
    else:
        head = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(head, {"Z": values.astype(np.float32)}) as file:
            file.write(str(path))


def depth(
    name: str, values: NDArray[Any] = _METRES, colour: NDArray[Any] = _COLOUR, *more: str
) -> Make:
    """Return what writes a depth map of this name, and a picture."""

    def write(folder: Path) -> Sequence[str]:
        write_depth(folder / name, values)
        Image.fromarray(colour).save(folder / "colour.png")
        return "upscale", name, "colour.png", "-o", f"out{Path(name).suffix}", *more

    return write


def changed(name: str, change: Change) -> Make:
    return spoiled(depth(name), name, change)


def instead(name: str, data: bytes) -> Make:
    return changed(name, content(data))


def picture(name: str, data: bytes | Callable[[Path], object]) -> Make:
    """Return what writes a sound depth map, and this picture."""

    def write(folder: Path) -> Sequence[str]:
        write_depth(folder / "depth.png")
        if isinstance(data, bytes):
            (folder / name).write_bytes(data)
        else:
            data(folder / name)
        return "upscale", "depth.png", name, "-o", "out.png"

    return write


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, colour_type: int = 0, bits: int = 16, *chunks: bytes) -> bytes:
    """Return a PNG whose header claims a size."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return _PNG + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """Return zeros, a multiple of a million, deflated: a block is, and stands there many times."""
    millions = count // 10**6
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(10**6)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = (millions * 10**6 % 65521) << 16 | 1  # Adler-32, of zeros
    return b"\x78\x01" + block * millions + packer.flush() + struct.pack(">I", checksum)


def picture_bomb(colour_type: int, bits: int, side: int, bytes_a_pixel: int) -> bytes:
    """Return a PNG that is sound, and all zeros."""
    rows = zeros(side * (side * bytes_a_pixel + 1) + 10**6)
    return png(side, side, colour_type, bits, chunk(b"IDAT", rows))


def npy(shape: str, dtype: str = "'<f4'", version: tuple[int, int] = (1, 0)) -> bytes:
    """Return an npy file whose header says this."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + size + header + bytes(256)


def pickled(folder: Path, save: Callable[[Path, Any], object], name: str) -> Sequence[str]:
    words = depth(name)(folder)
    save(folder / name, Ghost())
    return words


class Ghost:
    """An object that would leave a file if anyone unpickled it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return open, ("pickle-was-run", "w")


def archive(*members: tuple[str, bytes], claims: int | None = None) -> bytes:
    """Return a zip file; ``claims`` is what its directory says of the size of each member."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    data = stream.getvalue()
    if claims is not None:
        place = data.index(b"PK\x01\x02")
        data = put(place + 24, "<I", claims)(data)
    return data


def zip_bomb(path: Path) -> None:
    """Write 400 MB of float32 zeros in 400 kB, in an array that is no larger than a picture."""
    start = npy("(10000, 10000)")[:-256]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("depth.npy", "w") as m:
        m.write(start)
        for _ in range(400):
            m.write(bytes(10**6))


def exr_window(left: int, top: int, right: int, bottom: int) -> Change:
    """Return what writes the data window of an OpenEXR file."""

    def change(data: bytes) -> bytes:
        place = data.index(b"dataWindow\0box2i\0") + 17 + 4
        return put(place, "<4i", left, top, right, bottom)(data)

    return change


def colours_16(path: Path) -> None:
    pixels = _RNG.integers(0, 65_536, (32, 32, 3)).astype(np.uint16)
    cv2.imwrite(str(path), pixels)


def cut_file(write: Callable[[Path], object], change: Change) -> Callable[[Path], object]:
    def cut_it(path: Path) -> None:
        write(path)
        path.write_bytes(change(path.read_bytes()))

    return cut_it


def jpeg(path: Path) -> None:
    Image.fromarray(_COLOUR).save(path, format="JPEG")


def jpeg_claims(width: int, height: int) -> Callable[[Path], object]:
    def change(data: bytes) -> bytes:
        return put(data.index(b"\xff\xc0") + 5, ">2H", height, width)(data)

    return cut_file(jpeg, change)


def tiff_pages(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((3, 8, 8), np.uint8), photometric="minisblack")


def tiff_bomb(path: Path) -> None:
    """Write 256 MB of float32 zeros in one strip, deflated."""
    array = np.zeros((8_000, 8_000), np.float32)
    tifffile.imwrite(path, array, compression="zlib", metadata=None, rowsperstrip=8_000)


_FULL_NPY = npy("(8, 8)")[:-256] + b"A" * 256


def two_arrays(folder: Path) -> Sequence[str]:
    words = depth("depth.npz")(folder)
    np.savez(folder / "depth.npz", a=_METRES, b=_METRES)
    return words


_LOOP = struct.pack("<2sHIH", b"II", 42, 8, 1) + struct.pack("<HHII", 256, 4, 1, 8)
_LOOP += struct.pack("<I", 8)
_ALL = ("depth.png", "depth.tif", "depth.npy", "depth.npz", "depth.exr", "depth.pfm")


def _of_every_format() -> dict[str, Case]:
    """Return what is wrong alike in every format: empty, cut, another format, a folder."""
    cases: dict[str, Case] = {}
    for name in _ALL:
        kind = name[6:]
        folder = then(depth(name), name, Path.mkdir)
        cases |= {
            f"{kind}-empty": refused(instead(name, b""), f"{name}: the file is empty"),
            f"{kind}-folder": refused(folder, f"{name}: is a folder"),
            f"{kind}-cut-at-3": refused(changed(name, cut(3)), f"{name}: "),
            f"{kind}-cut-at-20": refused(changed(name, cut(20)), f"{name}: "),
            f"{kind}-cut-in-half": refused(changed(name, half), f"{name}: "),
            f"{kind}-is-text": refused(instead(name, b"no depth\n" * 99), f"{name}: "),
            f"{kind}-is-vrt": refused(instead(name, VRT), f"{name}: "),
            f"{kind}-is-jpeg": refused(then(depth(name), name, jpeg), f"{name}: "),
        }
        if kind != "png":
            cases[f"{kind}-cut-near-the-end"] = refused(changed(name, cut(-20)), f"{name}: ")
        if kind not in ("png", "pfm", "exr"):
            cases[f"{kind}-all-unknown"] = refused(
                depth(name, _METRES * 0), f"{name}: every pixel is unknown"
            )
        if kind != "png":
            cases[f"{kind}-all-nan"] = refused(
                depth(name, _METRES * np.float32(np.nan)), f"{name}: every pixel is unknown"
            )
            cases[f"{kind}-sound"] = works(depth(name))
    return cases


CASES: dict[str, Case] = {
    **_of_every_format(),
    "png-claims-60000-squared": refused(instead("depth.png", png(60_000, 60_000)), "depth.png: "),
    "png-claims-2g-squared": refused(
        instead("depth.png", png(2**31 - 1, 2**31 - 1)), "depth.png: "
    ),
    "png-no-pixels": refused(instead("depth.png", png(0, 8)), "depth.png: "),
    "png-no-data": refused(instead("depth.png", png(8, 8)), "depth.png: "),
    "png-wrong-checksum": refused(
        changed("depth.png", lambda data: data[:29] + bytes(4) + data[33:]), "depth.png: "
    ),
    "png-data-gaps": refused(changed("depth.png", gaps), "depth.png: "),
    "png-colours": refused(
        then(depth("depth.png"), "depth.png", colours_16), "depth.png: 3 channels that differ"
    ),
    "png-one-bit": refused(
        instead("depth.png", png(8, 8, 0, 1, chunk(b"IDAT", zlib.compress(bytes(16))))),
        "depth.png: a PNG of 1 bits",
    ),
    "png-depth-bomb": refused(
        instead("depth.png", picture_bomb(0, 16, 9_400, 2)),
        "less detail than the depth map",
    ),
    "png-colour-bomb": refused(
        picture("colour.png", picture_bomb(2, 8, 9_000, 3)), "depth.png and colour.png: "
    ),
    "png-16-bit-colour-bomb": refused(
        picture("colour.png", picture_bomb(2, 16, 7_000, 6)), "depth.png and colour.png: "
    ),
    "png-text-bomb": refused(
        picture("colour.png", png(32, 32, 2, 8, chunk(b"zTXt", b"a\0\0" + zeros(10**8)))),
        "colour.png: ",
    ),
    "png-profile-bomb": refused(
        picture("colour.png", png(32, 32, 2, 8, chunk(b"iCCP", b"a\0\0" + zeros(10**8)))),
        "colour.png: ",
    ),
    "png-16-bit-colour-cut": refused(
        picture("colour.png", cut_file(colours_16, half)), "colour.png: "
    ),
    "png-all-unknown": refused(depth("depth.png", _DEPTH * 0), "depth.png: every pixel is unknown"),
    "jpeg-empty": refused(picture("colour.jpg", b""), "colour.jpg: the file is empty"),
    "jpeg-cut-in-header": refused(picture("colour.jpg", cut_file(jpeg, cut(30))), "colour.jpg: "),
    "jpeg-cut-in-half": refused(picture("colour.jpg", cut_file(jpeg, half)), "colour.jpg: cannot"),
    "jpeg-is-text": refused(picture("colour.jpg", b"no picture" * 9), "colour.jpg: cannot be read"),
    "jpeg-is-gif": refused(picture("colour.jpg", b"GIF89a" + bytes(99)), "colour.jpg: cannot be"),
    "jpeg-claims-65500-squared": refused(
        picture("colour.jpg", jpeg_claims(65_500, 65_500)), "colour.jpg: claims more pixels"
    ),
    "jpeg-no-pixels": refused(picture("colour.jpg", jpeg_claims(0, 32)), "colour.jpg: "),
    "jpeg-folder": refused(picture("colour.jpg", Path.mkdir), "colour.jpg: is a folder"),
    "jpeg-pdf-in-disguise": refused(picture("colour.jpg", b"%PDF-1.4\n" + bytes(99)), "colour.jpg"),
    "jpeg-called-png": works(picture("colour.png", jpeg)),
    "tif-directory-loop": refused(instead("depth.tif", _LOOP), "depth.tif: "),
    "tif-pages": refused(then(depth("depth.tif"), "depth.tif", tiff_pages), "depth.tif: "),
    "tif-claims-100000-squared": refused(
        instead("depth.tif", tag_tiff(*plain_tags(100_000, 100_000), data=bytes(64))), "depth.tif: "
    ),
    "tif-claims-a-gigabyte-of-64-bytes": refused(
        instead("depth.tif", tag_tiff(*plain_tags(8_000, 8_000), data=bytes(64))), "depth.tif"
    ),
    "tif-no-pixels": refused(
        instead("depth.tif", tag_tiff(*plain_tags(0, 8), data=bytes(64))), "depth.tif: "
    ),
    "tif-no-bands": refused(
        instead("depth.tif", tag_tiff(*plain_tags(8, 8, 0), data=bytes(64))), "depth.tif: "
    ),
    "tif-endless-directory": refused(
        instead("depth.tif", struct.pack("<2sHIH", b"II", 42, 8, 65_535) + bytes(99)), "depth.tif: "
    ),
    "tif-bomb": refused(
        then(depth("depth.tif"), "depth.tif", tiff_bomb),
        "less detail than the depth map",
    ),
    "tif-complex": refused(depth("depth.tif", _METRES.astype(np.complex64)), "depth.tif: "),
    "npy-claims-terabytes": refused(instead("depth.npy", npy("(1048576, 1048576)")), "depth.npy: "),
    "npy-claims-two-gigabytes": refused(instead("depth.npy", npy("(16384, 32768)")), "depth.npy"),
    "npy-no-pixels": refused(instead("depth.npy", npy("(0, 8)")), "depth.npy: "),
    "npy-negative": refused(instead("depth.npy", npy("(-8, -8)")), "depth.npy: "),
    "npy-one-axis": refused(instead("depth.npy", npy("(64,)")), "depth.npy: "),
    "npy-three-axes": refused(instead("depth.npy", npy("(4, 4, 4)")), "depth.npy: "),
    "npy-shape-of-text": refused(instead("depth.npy", npy("('a', 8)")), "depth.npy: "),
    "npy-header-is-code": refused(
        instead("depth.npy", npy("__import__('os').system('touch pickle-was-run')")), "depth.npy: "
    ),
    "npy-header-nested": refused(instead("depth.npy", npy("(" * 5_000)), "depth.npy: "),
    "npy-header-of-gigabytes": refused(
        instead("depth.npy", b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{" * 64),
        "depth.npy: ",
    ),
    "npy-version-9": refused(instead("depth.npy", npy("(8, 8)", version=(9, 9))), "depth.npy: ver"),
    "npy-complex": refused(instead("depth.npy", npy("(8, 8)", "'<c8'")), "depth.npy: "),
    "npy-records": refused(
        instead("depth.npy", npy("(8, 8)", "[('a', '<f4'), ('b', '<f4')]")), "depth.npy: "
    ),
    "npy-pickled": refused(
        lambda folder: pickled(folder, np.save, "depth.npy"), "depth.npy: an array () of object"
    ),
    "npz-pickled": refused(
        lambda folder: pickled(
            folder, lambda path, ghost: np.savez(path, depth=ghost), "depth.npz"
        ),
        "depth.npz: an array () of object",
    ),
    "npz-bomb": refused(
        then(depth("depth.npz"), "depth.npz", zip_bomb),
        "less detail than the depth map",
    ),
    "npz-claims-terabytes": refused(
        instead("depth.npz", archive(("depth.npy", npy("(1048576, 1048576)")))), "depth.npz: "
    ),
    "npz-member-cut": refused(
        instead("depth.npz", archive(("depth.npy", npy("(16, 16)")))), "depth.npz: "
    ),
    "npz-member-claims-more": works(
        instead(
            "depth.npz", archive(("depth.npy", npy("(8, 8)")[:-256] + b"A" * 256), claims=2**31)
        )
    ),
    "npz-two-arrays": refused(two_arrays, "depth.npz: holds arrays ['a', 'b']"),
    "npz-no-array": refused(instead("depth.npz", archive(("a.txt", b"a"))), "depth.npz: holds arr"),
    "npz-many-members": refused(
        instead("depth.npz", archive(*((f"{number}.npy", b"") for number in range(2_000)))),
        "depth.npz: holds arrays",
    ),
    "exr-window-of-2g": refused(
        changed("depth.exr", exr_window(-(2**31), -(2**31), 2**31 - 1, 2**31 - 1)), "depth.exr: "
    ),
    "exr-window-30000": refused(
        changed("depth.exr", exr_window(0, 0, 29_999, 29_999)), "depth.exr"
    ),
    "exr-window-inside-out": refused(changed("depth.exr", exr_window(7, 7, 0, 0)), "depth.exr: "),
    "pfm-claims-terabytes": refused(
        instead("depth.pfm", b"Pf\n1048576 1048576\n-1\n" + bytes(256)), "depth.pfm: claims"
    ),
    "pfm-claims-two-gigabytes": refused(
        instead("depth.pfm", b"Pf\n32768 16384\n-1\n" + bytes(256)), "depth.pfm"
    ),
    "pfm-negative": refused(instead("depth.pfm", b"Pf\n-8 -8\n-1\n" + bytes(256)), "depth.pfm: "),
    "pfm-no-pixels": refused(
        instead("depth.pfm", b"Pf\n0 8\n-1\n" + bytes(256)), "depth.pfm: empty"
    ),
    "pfm-no-numbers": refused(instead("depth.pfm", b"Pf\neight\n-1\n" + bytes(256)), "depth.pfm: "),
    "pfm-endless-number": refused(
        instead("depth.pfm", b"Pf\n" + b"9" * 9_999 + b" 8\n-1\n" + bytes(256)), "depth.pfm: "
    ),
    "pfm-order-nan": refused(instead("depth.pfm", b"Pf\n8 8\nnan\n" + bytes(256)), "depth.pfm: "),
    "pfm-order-0": refused(instead("depth.pfm", b"Pf\n8 8\n0\n" + bytes(256)), "depth.pfm: "),
    "pfm-colours": refused(
        instead("depth.pfm", b"PF\n8 8\n-1\n" + bytes(768)), "depth.pfm: every pixel is unknown"
    ),
    "depth-float64-too-large": refused(
        depth("depth.npy", _METRES.astype(np.float64) * 1e300),
        "depth.npy: holds ",
        "e+30",
        "more than float32 can",
    ),
    "depth-guide-coarser": refused(
        depth("depth.png", np.tile(_DEPTH, (8, 8))), "has less detail than the depth map"
    ),
    "depth-other-proportions": refused(
        depth("depth.png", colour=_COLOUR[:, :9]), "depth.png and colour.png: "
    ),
    "depth-ratio-99": refused(
        depth("depth.png", _DEPTH[:1, :1], np.tile(_COLOUR, (4, 4, 1))), "ratio 128 "
    ),
    "depth-output-name": refused(
        lambda folder: (*depth("depth.png")(folder)[:4], "out.bmp"),
        "out.bmp: a sharpened depth map is written as",
    ),
    "depth-metres-as-png": refused(
        lambda folder: (*depth("depth.npy")(folder)[:4], "out.png"), "out.png: .png holds uint8 or"
    ),
    "depth-format-unknown": refused(
        lambda folder: ("upscale", odd_name(folder), "colour.png", "-o", "o.png"), "depth.raw"
    ),
    "depth-one-pixel": works(depth("depth.png", _DEPTH[:1, :1], _COLOUR[:4, :4])),
    "depth-one-column": works(depth("depth.npy", _METRES[:, :1], _COLOUR[:, :4])),
    "depth-float64-that-fits": works(depth("depth.npy", _METRES.astype(np.float64) * 1e30)),
    "depth-large-float32": works(depth("depth.npy", _METRES * np.float32(1e36))),
    "depth-constant": works(depth("depth.png", _DEPTH * 0 + 7)),
    "depth-negative": works(depth("depth.npy", -_METRES)),
    "depth-guide-constant": works(depth("depth.png", colour=_COLOUR * 0)),
}


def odd_name(folder: Path) -> str:
    """Write a depth map of a suffix that no reader knows."""
    depth("depth.npy")(folder)
    (folder / "depth.npy").rename(folder / "depth.raw")
    return "depth.raw"
