import struct
import zlib
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from gisr.errors import FileFormatError, LimitError
from gisr.io.colour import colour_header, colour_shape, read_colour
from gisr.io.limits import Limits

RGB = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10


@pytest.mark.parametrize("name", ["a.png", "with space é 影像.tif"])
def test_eight_bit_colours(tmp_path: Path, name: str) -> None:
    Image.fromarray(RGB).save(tmp_path / name)
    assert np.array_equal(read_colour(tmp_path / name), RGB)
    assert read_colour(tmp_path / name).dtype == np.uint8


def test_jpeg_is_what_pillow_decodes(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.jpg", quality=95)
    assert np.array_equal(
        read_colour(tmp_path / "a.jpg"), np.asarray(Image.open(tmp_path / "a.jpg"))
    )


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_not_cut_to_eight(tmp_path: Path, suffix: str) -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (3, 5, 3), np.uint16)
    cv2.imwrite(str(tmp_path / f"é{suffix}"), colours[..., ::-1])
    assert np.array_equal(read_colour(tmp_path / f"é{suffix}"), colours)
    Image.fromarray(colours[..., 0]).save(tmp_path / f"grey{suffix}")
    assert np.array_equal(read_colour(tmp_path / f"grey{suffix}"), colours[..., 0])
    alpha = np.dstack([colours[..., ::-1], colours[..., 0]])
    cv2.imwrite(str(tmp_path / f"alpha{suffix}"), alpha)
    assert np.array_equal(read_colour(tmp_path / f"alpha{suffix}"), colours)


def test_sixteen_bit_grey_with_alpha(tmp_path: Path) -> None:
    samples = np.array([[[1000, 65535], [2000, 0]]], ">u2")  # one row: grey, alpha, grey, alpha
    data = b"\0" + samples.tobytes()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 4, 0, 0, 0)),
              (b"IDAT", zlib.compress(data)), (b"IEND", b""))  # fmt: skip
    with (tmp_path / "a.png").open("wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n")
        for name, body in chunks:
            stream.write(struct.pack(">I", len(body)) + name + body)
            stream.write(struct.pack(">I", zlib.crc32(name + body)))
    assert read_colour(tmp_path / "a.png").tolist() == [[1000, 2000]]


def test_transparency_and_palettes(tmp_path: Path) -> None:
    picture = Image.fromarray(RGB)
    picture.putalpha(0)
    picture.save(tmp_path / "alpha.png")
    assert np.array_equal(read_colour(tmp_path / "alpha.png"), RGB)
    Image.fromarray(RGB).quantize(16).save(tmp_path / "table.png")
    assert np.array_equal(read_colour(tmp_path / "table.png"), RGB)
    Image.fromarray(RGB[..., 0]).convert("LA").save(tmp_path / "grey.png")
    assert np.array_equal(read_colour(tmp_path / "grey.png"), RGB[..., 0])
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "print.tif")
    assert read_colour(tmp_path / "print.tif").shape == (2, 4, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_pictures_are_turned_upright_as_opencv_does(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.kron(RGB, np.ones((8, 8, 1), np.uint8))).save(path, exif=exif)
    upright = read_colour(path)
    assert upright.shape == ((16, 32, 3) if orientation < 5 else (32, 16, 3))
    if suffix != ".tif":  # OpenCV turns these
        read = cv2.imread(str(path))
        assert read is not None and np.array_equal(upright, read[..., ::-1])


UPRIGHT = {
    1: "0123 4567 89ab", 2: "3210 7654 ba98", 3: "ba98 7654 3210", 4: "89ab 4567 0123",
    5: "048 159 26a 37b", 6: "840 951 a62 b73", 7: "b73 a62 951 840", 8: "37b 26a 159 048",
}  # fmt: skip
"""Three rows of four pixels, as each orientation turns them (EXIF 2.32, 4.6.4)."""


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["png", "late.png", "plain.tif", "deflate.tif", "motorola.tif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_grey_picture_is_turned_as_its_header_says(
    tmp_path: Path, orientation: int, kind: str, dtype: str
) -> None:
    path, unit = tmp_path / f"a.{kind}", 4000 if dtype == "uint16" else 20
    stored = (np.arange(12).reshape(3, 4) * unit).astype(dtype)
    if path.suffix == ".tif":
        compression = "zlib" if kind == "deflate.tif" else None
        order: Literal["<", ">"] = ">" if kind == "motorola.tif" else "<"
        tag = (274, 3, 1, orientation, True)
        tifffile.imwrite(path, stored, byteorder=order, compression=compression, extratags=[tag])
    else:
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(stored).save(path, exif=exif)
    if kind == "late.png":  # EXIF behind the pixels
        data = path.read_bytes()
        place = data.index(b"eXIf") - 4
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        path.write_bytes(data[:place] + data[end:-12] + data[place:end] + data[-12:])
    upright = np.array([[int(e, 16) for e in row] for row in UPRIGHT[orientation].split()]) * unit
    header = colour_header(path)
    assert (header.stored, header.orientation) == ((3, 4), orientation)
    assert header.upright == colour_shape(path) == upright.shape
    np.testing.assert_array_equal(read_colour(path), upright)
    assert read_colour(path).dtype == dtype
    np.testing.assert_array_equal(read_colour(path, upright=False), stored)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colours_of_16_bits_to_be_turned_are_refused(tmp_path: Path, suffix: str) -> None:
    colours, tag = np.ones((3, 4, 3), np.uint16), (274, 3, 1, 6, True)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, colours, photometric="rgb", extratags=[tag])
    else:
        cv2.imwrite(str(path), colours)
        exif = Image.Exif()
        exif[274] = 6
        body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        data = path.read_bytes()
        path.write_bytes(data[:33] + chunk + data[33:])
    with pytest.raises(FileFormatError, match=r"16-bit colours with the EXIF orientation 6: save"):
        read_colour(path)


def test_pictures_that_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(RGB).save(tmp_path / "a.bmp")
    Image.fromarray(RGB).save(tmp_path / "gif.png", format="GIF")
    (tmp_path / "text.png").write_text("hello")
    pages = [Image.fromarray(RGB), Image.fromarray(RGB)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "postscript.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(FileFormatError, match=path.name):
            read_colour(path)
    with pytest.raises(FileFormatError, match="no such file"):
        read_colour(tmp_path / "missing.png")


def test_truncated_pictures_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    for suffix in (".png", ".jpg", ".tif"):
        path = tmp_path / f"a{suffix}"
        Image.fromarray(noise).save(path)
        whole = path.read_bytes()
        for length in (3, 20, len(whole) // 2):
            path.write_bytes(whole[:length])
            with pytest.raises(FileFormatError, match=path.name):
                read_colour(path)


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    empty = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + empty)
    with pytest.raises(LimitError, match="more pixels than a picture may have"):
        read_colour(tmp_path / "a.png")


def test_limits_hold(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(LimitError, match=r"8 pixels \(4 x 2\)"):
        read_colour(tmp_path / "a.png", Limits(max_pixels=7))


def test_every_real_picture_is_read(data_folder: Path) -> None:
    paths = sorted((data_folder / "depth").glob("*_rgb.*"))
    assert paths
    for path in paths[::4]:
        assert read_colour(path).shape[2] == 3


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_colours_of_16_bits_in_planes_of_their_own(
    tmp_path: Path, planes: str, order: Literal["<", ">"]
) -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (3, 5, 3), np.uint16)
    stored = np.moveaxis(colours, -1, 0) if planes == "separate" else colours
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=order) as file:
        file.write(stored, photometric="rgb", planarconfig=planes, compression="deflate")
    assert np.array_equal(read_colour(tmp_path / "a.tif"), colours)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_grey_whose_0_is_white_is_shown_as_such(tmp_path: Path, dtype: str) -> None:
    grey = RGB[..., 0].astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    assert np.array_equal(read_colour(tmp_path / "a.tif"), np.iinfo(dtype).max - grey)


def test_a_tiff_that_is_no_picture_is_not_called_damaged(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB.astype(np.float32), photometric="rgb")
    with pytest.raises(FileFormatError) as raised:
        read_colour(tmp_path / "a.tif")
    assert str(raised.value).endswith(
        "a.tif: cannot be read: a TIFF of another layout (3 x float32, RGB): save one or three "
        "channels of 8 or 16 bits"
    )


def test_overviews_are_no_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(RGB, photometric="rgb")
        file.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
    assert np.array_equal(read_colour(tmp_path / "a.tif"), RGB)
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(RGB, photometric="rgb")
        file.write(RGB[::2, ::2], photometric="rgb")
    with pytest.raises(FileFormatError, match="several pages"):
        read_colour(tmp_path / "b.tif")


def test_a_png_whose_pixels_were_damaged_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FileFormatError, match="the checksum of its pixels does not fit: copy or"):
        read_colour(tmp_path / "a.png")
