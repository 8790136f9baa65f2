import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from PIL import Image

from gisr.errors import FileFormatError, InputError, LimitError
from gisr.io.depth.maps import DepthMap, read_depth, stored_depth, write_stored
from gisr.io.files import atomic_output
from gisr.io.limits import Limits

Bound = Callable[[float], AbstractContextManager[None]]
Window = tuple[tuple[int, int], tuple[int, int]]
TYPES = {
    ".png": ["uint8", "uint16"],
    ".tif": ["uint8", "int16", "uint16", "int32", "uint32", "float16", "float32", "float64"],
    ".npy": ["uint8", "int16", "uint16", "int32", "float16", "float32", "float64"],
    ".npz": ["uint16", "float32", "float64"],
    ".exr": ["float16", "float32"],
    ".pfm": ["float32"],
}
"""What each format holds."""


def like(dtype: str, unknown: float = 0, path: str = "in.npy") -> DepthMap:
    """Return an input of a type, as write_depth wants it."""
    return DepthMap(np.ones((2, 2)), np.ones((2, 2), bool), np.dtype(dtype), unknown, Path(path))


def write_depth(
    path: Path,
    values: np.ndarray,
    valid: np.ndarray,
    *,
    like: DepthMap,
    overwrite: bool = False,
) -> None:
    """Write a map as the pipeline does."""
    stored = stored_depth(path, values, valid, like=like)
    with atomic_output(path, overwrite) as temporary:
        write_stored(path, temporary, stored)


@pytest.mark.parametrize(
    ("suffix", "dtype"), [(suffix, name) for suffix, names in TYPES.items() for name in names]
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_what_is_written_reads_back(
    tmp_path: Path, suffix: str, dtype: str, seed: int, shape: tuple[int, int]
) -> None:
    if suffix == ".exr":
        pytest.importorskip("OpenEXR")
    random = np.random.default_rng(seed)
    values = random.integers(0, 256, shape) * (0.25 if dtype[0] == "f" else 1)
    valid = random.random(shape) > 0.3
    path = tmp_path / f"depth é 影像 {suffix}"
    write_depth(path, values, valid, like=like(dtype), overwrite=True)
    back = read_depth(path)
    assert back.dtype == dtype
    assert np.array_equal(back.valid, valid)
    expected = np.where(values == 0, 1, values)[valid] if dtype[0] in "iu" else values[valid]
    assert np.allclose(back.values[valid], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz", ".exr", ".pfm"])
@pytest.mark.parametrize("unknown", [float("nan"), float("inf"), -1.0])
def test_float_files_keep_their_own_mark(tmp_path: Path, suffix: str, unknown: float) -> None:
    if suffix == ".exr":
        pytest.importorskip("OpenEXR")
    values = np.array([[1.5, 0.0], [2.5, 3.5]], np.float32)
    valid = np.array([[True, True], [False, True]])
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_depth(first, values, valid, like=like("float32", unknown))
    # 0 is a value here; NaN and infinity are recognised, another number has to be named.
    source = read_depth(first, invalid=-1.0)
    assert np.array_equal(source.valid, valid)
    assert np.array_equal(source.unknown, unknown, equal_nan=True)
    write_depth(second, source.values, source.valid, like=source)
    assert np.array_equal(read_depth(second, invalid=-1.0).valid, valid)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".pfm", ".exr"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_three_equal_channels_are_one(tmp_path: Path, suffix: str, dtype: str) -> None:
    grey = np.arange(12).reshape(3, 4).astype(dtype)
    three, path = np.repeat(grey[..., None], 3, 2), tmp_path / f"a{suffix}"
    if (dtype == "float32") != (suffix in (".pfm", ".exr")) and suffix not in (".npy", ".tif"):
        pytest.skip("the format has no such type")
    if suffix == ".npy":
        np.save(path, three)
    elif suffix == ".pfm":
        path.write_bytes(b"PF\n4 3\n-1\n" + np.flipud(three).astype("<f4").tobytes())
    elif suffix == ".exr":
        openexr = pytest.importorskip("OpenEXR")
        opaque = {name: np.ascontiguousarray(grey) for name in "RGB"} | {"A": np.ones_like(grey)}
        with openexr.File({"type": openexr.scanlineimage}, opaque) as file:
            file.write(str(path))
    else:
        assert cv2.imwrite(str(path), three)
    found = read_depth(path)
    assert found.dtype == dtype
    assert np.array_equal(found.values, grey)


def test_alpha_that_is_not_opaque_is_refused(tmp_path: Path) -> None:
    pixels = np.full((3, 4, 4), 7, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_depth(tmp_path / "a.png").values == 7).all()
    pixels[0, 0, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(FileFormatError, match=r"a\.png: transparent in part: save one grey"):
        read_depth(tmp_path / "a.png")


def test_greys_of_a_palette_are_read_and_its_transparent_ones_refused(tmp_path: Path) -> None:
    grey = np.array([[40, 170, 170], [40, 90, 255]], np.uint8)
    levels = np.unique(grey)
    table = Image.fromarray(np.searchsorted(levels, grey).astype(np.uint8))
    table.putpalette(levels.repeat(3).tolist())
    table.save(tmp_path / "a.png", bits=2)
    depth = read_depth(tmp_path / "a.png")
    assert depth.dtype == np.uint8
    assert depth.values.tolist() == grey.tolist()
    table.save(tmp_path / "a.png", transparency=1)
    with pytest.raises(FileFormatError, match=r"a\.png: transparent in part"):
        read_depth(tmp_path / "a.png")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_nodata_of_a_png_is_its_transparent_value(tmp_path: Path, dtype: str) -> None:
    stored = np.array([[200, 7, 210], [0, 220, 7]], dtype)
    Image.fromarray(stored).save(tmp_path / "a.png", transparency=7)
    depth = read_depth(tmp_path / "a.png")
    assert depth.valid.tolist() == [[True, False, True], [False, True, False]]
    assert (depth.nodata, set(depth.codes)) == (7, {0, 7})
    write_stored("b.png", tmp_path / "b.png", depth.stored, depth.nodata)
    again = read_depth(tmp_path / "b.png")
    assert (again.nodata, again.valid.tolist()) == (7, depth.valid.tolist())
    every = read_depth(tmp_path / "a.png", invalid=())
    assert every.valid.all()
    assert "nodata 7, here a depth" in every.notes[0].text


def test_every_hole_keeps_its_own_mark(tmp_path: Path) -> None:
    stored = np.array([[1.5, np.nan, np.inf, -np.inf], [0, -1, 65535, 2.5]], np.float32)
    np.save(tmp_path / "a.npy", stored)
    depth = read_depth(tmp_path / "a.npy", invalid=(65535, -1, 0))
    assert depth.valid.tolist() == [[True, False, False, False], [False, False, False, True]]
    assert set(depth.codes) == {65535, -1, 0}
    values = np.where(depth.valid, stored, 9)
    kept = stored_depth(tmp_path / "b.npy", values, depth.valid, like=depth, marks=depth.stored)
    np.testing.assert_array_equal(kept, stored)
    # A known value is none of them, and no number that other programs read as 0.
    values[0, 0], values[1, 3] = 0, 65535
    kept = stored_depth(tmp_path / "b.npy", values, depth.valid, like=depth, marks=depth.stored)
    assert 1e-3 < kept[0, 0] < 1
    assert 65534 < kept[1, 3] != 65535


def declaring(path: Path, samples: np.ndarray, text: str) -> Path:
    """Write a TIFF whose header declares nodata as GDAL does."""
    tifffile.imwrite(path, samples, extratags=[(42113, 2, 0, text, True)])
    return path


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        ("float32", "-999", -999),
        ("float32", " -3.4028234663852886e+38 ", float(np.finfo(np.float32).min)),
        ("float64", "255", 255),
        ("uint16", "10000", 10000),
        ("int16", "-9999.0", -9999),
        ("uint8", "0", 0),
        ("float32", "nan", np.nan),
    ],
)
def test_what_a_tiff_declares_is_unknown(
    tmp_path: Path, dtype: str, text: str, value: float
) -> None:
    samples = np.array([[5, value, 7], [value, 9, 11]]).astype(dtype)
    source = read_depth(declaring(tmp_path / "a.tif", samples, text))
    assert source.valid.tolist() == [[True, False, True], [False, True, True]]
    assert source.notes == ()
    np.testing.assert_array_equal(source.unknown, value)
    # Found again in another program's file and in our own, whose header says it as well.
    stored = stored_depth(tmp_path / "b.tif", source.values, source.valid, like=source)
    np.testing.assert_array_equal(stored, samples)
    write_stored(tmp_path / "b.tif", tmp_path / "b.tif", stored, source.nodata)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(float(file.pages.first.tags[42113].value), value)
    assert np.array_equal(read_depth(tmp_path / "b.tif").valid, source.valid)


def test_what_a_tiff_declares_adds_to_what_is_named(tmp_path: Path) -> None:
    samples = np.array([[5, -999, 0], [7, 3, np.nan]], np.float32)
    path = declaring(tmp_path / "a.tif", samples, "-999")
    assert read_depth(path, invalid=(7, 0)).valid.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert set(read_depth(path, invalid=(7, 0)).codes) == {-999, 7, 0}
    every = read_depth(path, invalid=())
    assert every.valid.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert every.nodata is None
    assert [str(note) for note in every.notes] == [
        "a.tif: its header declares nodata -999, here a depth, as --invalid none says: "
        "the output does not declare it"
    ]


@pytest.mark.parametrize(
    ("dtype", "text", "words"),
    [
        ("float32", "none", "'none', which is no number: ignored"),
        ("float32", "", "'', which is no number: ignored"),
        ("uint16", "-9999", "-9999, which no uint16 pixel can hold: ignored"),
        ("uint16", "nan", "nan, which no uint16 pixel can hold: ignored"),
        ("float32", "1e300", "1e+300, which no float32 pixel can hold: ignored"),
    ],
)
def test_a_declaration_of_no_use_is_told(tmp_path: Path, dtype: str, text: str, words: str) -> None:
    samples = np.array([[5, 0], [7, 9]], dtype)
    depth = read_depth(declaring(tmp_path / "a.tif", samples, text))
    assert depth.valid.tolist() == [[1, 0], [1, 1]]
    assert depth.nodata is None
    assert [str(note) for note in depth.notes] == [f"a.tif: its header declares nodata {words}"]


def test_a_place_on_the_earth_is_told_to_be_left_out(tmp_path: Path) -> None:
    scale = (33550, 12, 3, (10.0, 10.0, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5), np.float32), extratags=[scale])
    (note,) = read_depth(tmp_path / "a.tif").notes
    assert note.text.startswith("a.tif: its georeference is not in the output")


def test_none_makes_every_number_a_depth(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 5], [65535, 1]], np.uint16)).save(tmp_path / "a.png")
    depth = read_depth(tmp_path / "a.png", invalid=())
    assert depth.valid.all()
    assert depth.codes == ()
    stored = stored_depth(tmp_path / "b.png", depth.values, depth.valid, like=depth)
    assert stored.tolist() == [[0, 5], [65535, 1]]


def test_zero_nan_and_infinity_are_unknown(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[0, np.nan, np.inf, -np.inf, 5.0]]))
    depth = read_depth(tmp_path / "a.npy")
    assert depth.valid.tolist() == [[False, False, False, False, True]]
    assert depth.unknown == 0
    assert depth.values.dtype == np.float64
    assert depth.shape == (1, 5)


def test_integers_round_and_clip_and_valid_never_becomes_zero(tmp_path: Path) -> None:
    values = np.array([[0.2, 0.0, 70000, 5.6, 9.0]])
    valid = np.array([[True, True, True, True, False]])
    write_depth(tmp_path / "a.png", values, valid, like=like("uint16"))
    assert np.asarray(Image.open(tmp_path / "a.png")).tolist() == [[1, 1, 65535, 6, 0]]


def test_a_format_that_would_lose_digits_is_refused(tmp_path: Path) -> None:
    values, valid = np.ones((2, 2)), np.ones((2, 2), bool)
    for name, dtype in (("a.png", "float32"), ("a.pfm", "float64"), ("a.exr", "int32")):
        with pytest.raises(FileFormatError, match=r"holds.*name the output \.tif or \.npy"):
            write_depth(tmp_path / name, values, valid, like=like(dtype))
    # 16 bits of PNG fit a float of PFM; what is unknown stays so.
    write_depth(tmp_path / "a.pfm", values, ~valid, like=like("uint16"))
    assert not read_depth(tmp_path / "a.pfm").valid.any()


def test_arrays_and_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    values, valid = np.ones((2, 2)), np.ones((2, 2), bool)
    for bad, mask in ((values[None], valid), (values, valid[:1]), (values, values)):
        with pytest.raises(InputError, match="do not fit"):
            write_depth(tmp_path / "a.npy", bad, mask, like=like("float32"))
    with pytest.raises(InputError, match="1 of 4"):
        write_depth(tmp_path / "a.npy", np.array([[np.nan, 1], [1, 1]]), valid, like=like("f4"))
    with pytest.raises(FileFormatError, match="name it one of"):
        write_depth(tmp_path / "a.jpg", values, valid, like=like("uint8"))
    with pytest.raises(FileFormatError, match="also an input"):
        source = like("float32", path=str(tmp_path / "a.npy"))
        write_depth(tmp_path / "a.npy", values, valid, like=source, overwrite=True)
    write_depth(tmp_path / "a.npy", values, valid, like=like("float32"))
    with pytest.raises(FileFormatError, match="--overwrite"):
        write_depth(tmp_path / "a.npy", values, valid, like=like("float32"))


@pytest.mark.parametrize("suffix", list(TYPES))
@pytest.mark.parametrize("missing", [1, 60])
def test_a_full_disk_is_an_error_not_a_broken_file(
    tmp_path: Path, suffix: str, missing: int, largest_file: Bound
) -> None:
    if suffix == ".exr":
        pytest.importorskip("OpenEXR")
    values = np.random.default_rng(0).random((40, 40)) * 200 + 1
    path, valid = tmp_path / f"out{suffix}", np.ones((40, 40), bool)
    write_depth(path, values, valid, like=like(TYPES[suffix][0]))
    size = path.stat().st_size
    path.unlink()
    with largest_file(size - missing), pytest.raises(FileFormatError, match="out"):
        write_depth(path, values, valid, like=like(TYPES[suffix][0]))
    assert not any(tmp_path.iterdir())


def rendered(path: Path, channels: dict[str, np.ndarray], data: Window, display: Window) -> Path:
    """Write an EXR with a data and a display window: first and last column and row."""
    exr = pytest.importorskip("OpenEXR")
    windows = [tuple(np.array(corner, np.int32) for corner in window) for window in (data, display)]
    header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
    header |= dict(zip(("dataWindow", "displayWindow"), windows, strict=True))
    with exr.File(header, channels) as file:
        file.write(str(path))
    return path


class TestOtherWriters:
    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    @pytest.mark.parametrize("dtype", ["uint16", "float32", "int16"])
    @pytest.mark.parametrize("orientation", [1, 3, 6])
    def test_a_depth_map_is_taken_as_it_is_stored(
        self, tmp_path: Path, suffix: str, dtype: str, orientation: int
    ) -> None:
        values = np.arange(12).reshape(3, 4).astype(dtype)
        path = tmp_path / f"a{suffix}"
        if suffix == ".tif":
            tag = (274, 3, 1, orientation, True)
            tifffile.imwrite(path, values, photometric="minisblack", extratags=[tag])
        elif dtype == "uint16":
            tags = Image.Exif()
            tags[274] = orientation
            Image.fromarray(values).save(path, exif=tags)
        else:
            pytest.skip("the format has no such type")
        depth = read_depth(path)
        np.testing.assert_array_equal(depth.stored, values)
        told = [f"{note.level} {note}" for note in depth.notes]
        assert len(told) == (orientation != 1)
        for line in told:
            assert f"warning a{suffix}: its EXIF orientation {orientation} is ignored" in line

    def test_channels_that_are_to_be_turned_are_refused(self, tmp_path: Path) -> None:
        three = np.ones((3, 4, 3), np.uint16)
        tag = (274, 3, 1, 6, True)
        tifffile.imwrite(tmp_path / "a.tif", three, photometric="rgb", extratags=[tag])
        with pytest.raises(FileFormatError, match="3 channels with the EXIF orientation 6"):
            read_depth(tmp_path / "a.tif")

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
    def test_tiff_of_opencv(self, tmp_path: Path, dtype: str) -> None:
        values = np.arange(12).reshape(3, 4).astype(dtype)
        cv2.imwrite(str(tmp_path / "a.tiff"), values)  # LZW-compressed
        assert np.array_equal(read_depth(tmp_path / "a.tiff").values, values)

    def test_pfm_of_opencv_both_ways(self, tmp_path: Path) -> None:
        values = np.arange(12, dtype=np.float32).reshape(3, 4) + 0.5
        cv2.imwrite(str(tmp_path / "cv.pfm"), values)
        assert np.array_equal(read_depth(tmp_path / "cv.pfm").values, values)
        write_depth(tmp_path / "a.pfm", values, values > 0, like=like("float32"))
        read = cv2.imread(str(tmp_path / "a.pfm"), cv2.IMREAD_UNCHANGED)
        assert read is not None and np.array_equal(read, values)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_a_png_with_a_damaged_pixel_is_refused(self, tmp_path: Path, dtype: str) -> None:
        values = np.random.default_rng(0).integers(1, 250, (40, 60)).astype(dtype)
        Image.fromarray(values).save(tmp_path / "a.png")
        content = bytearray((tmp_path / "a.png").read_bytes())
        content[-30] ^= 255  # among the last of the pixels
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(FileFormatError, match="the checksum of its pixels does not fit"):
            read_depth(tmp_path / "a.png")

    @pytest.mark.parametrize(
        "header",
        [
            b"Pf\r\n2 3\r\n-1.0\r\n",
            b"Pf 2 3 -1.0\n",
            b"Pf\n2\n3\n-1.0\n",
            b"Pf\n# made by a writer of comments\n2 3\n-1.0  \n",
        ],
    )
    def test_lines_of_a_pfm_header(self, tmp_path: Path, header: bytes) -> None:
        values = np.arange(1, 7, dtype="<f4").reshape(3, 2)
        (tmp_path / "a.pfm").write_bytes(header + values[::-1].tobytes())
        assert np.array_equal(read_depth(tmp_path / "a.pfm").values, values)

    @pytest.mark.parametrize("header", [b"Pf\n2 3\n", b"Pf\n", b"Pf 2 3 4 -1.0\n"])
    def test_a_pfm_header_that_says_too_little(self, tmp_path: Path, header: bytes) -> None:
        (tmp_path / "a.pfm").write_bytes(header)
        with pytest.raises(FileFormatError, match="after Pf stand width, height and -1 or 1"):
            read_depth(tmp_path / "a.pfm")

    @pytest.mark.parametrize("axes", [(0,), (0, 0), (0, -1), (-1,)])
    @pytest.mark.parametrize("suffix", [".npy", ".npz"])
    def test_axes_of_one(self, tmp_path: Path, axes: tuple[int, ...], suffix: str) -> None:
        values = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
        array = values
        for axis in axes:
            array = np.expand_dims(array, axis)
        path = tmp_path / f"a{suffix}"
        np.save(path, array) if suffix == ".npy" else np.savez(path, array)
        assert np.array_equal(read_depth(path).values, values)

    def test_an_exr_cut_short_is_called_damaged(self, tmp_path: Path) -> None:
        exr = pytest.importorskip("OpenEXR")
        values = np.random.default_rng(0).uniform(1, 5, (40, 60)).astype(np.float32)
        header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
        with exr.File(header, {"Z": values}) as file:
            file.write(str(tmp_path / "a.exr"))
        content = (tmp_path / "a.exr").read_bytes()
        (tmp_path / "a.exr").write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(FileFormatError, match=r"a\.exr: damaged: its pixels cannot be decoded"):
            read_depth(tmp_path / "a.exr")

    def test_big_endian_pfm(self, tmp_path: Path) -> None:
        rows = np.array([[3, 4], [1, 2]], ">f4")  # from the bottom up
        (tmp_path / "a.pfm").write_bytes(b"Pf\n2 2\n1.0\n" + rows.tobytes())
        assert read_depth(tmp_path / "a.pfm").values.tolist() == [[1, 2], [3, 4]]

    def test_exr_channels(self, tmp_path: Path) -> None:
        exr = pytest.importorskip("OpenEXR")
        header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
        one, two = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
        for name, channels, expected in (
            ("only.exr", {"V": two}, 2),
            ("named.exr", {"R": one, "G": one, "B": one, "Depth.Z": two}, 2),
            ("grey.exr", {"R": two, "G": two, "B": two}, 2),
            ("opaque.exr", {"Y": two, "A": one}, 2),
            ("blender.exr", {"R": one, "G": one, "B": one, "Depth.V": two}, 2),
        ):
            with exr.File(header, channels) as file:
                file.write(str(tmp_path / name))
            assert (read_depth(tmp_path / name).values == expected).all()
        with exr.File(header, {"R": one, "G": two, "B": two}) as file:
            file.write(str(tmp_path / "colour.exr"))
        with pytest.raises(FileFormatError, match="call the depth channel Z"):
            read_depth(tmp_path / "colour.exr")

    @pytest.mark.parametrize(
        ("low", "high", "expected", "words"),
        [
            ((0, 0), (3, 2), "0123 4567 89ab", None),
            ((1, 1), (2, 2), "nnnn n01n n23n", "leaves 66.7% of its display window, 4 x 3"),
            ((-1, -1), (4, 3), "789a defg jklm", "6 x 5, reaches beyond its display window, 4 x 3"),
            ((-1, 2), (1, 3), "nnnn nnnn 12nn", "3 x 2 at (-1, 2), leaves 83.3% of"),
        ],
    )
    def test_an_exr_is_placed_in_its_display_window(
        self,
        tmp_path: Path,
        low: tuple[int, int],
        high: tuple[int, int],
        expected: str,
        words: str | None,
    ) -> None:
        columns, rows = (last - first + 1 for first, last in zip(low, high, strict=True))
        samples = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
        claimed: list[tuple[int, int]] = []
        path = rendered(tmp_path / "a.exr", {"Z": samples}, (low, high), ((0, 0), (3, 2)))
        depth = read_depth(path, invalid=(), fits=claimed.append)
        assert claimed == [(3, 4)]
        figures = [[np.nan if e == "n" else int(e, 36) for e in row] for row in expected.split()]
        np.testing.assert_array_equal(depth.stored, figures)
        np.testing.assert_array_equal(depth.valid, np.isfinite(figures))
        assert any(words in note.text for note in depth.notes) if words else not depth.notes

    def test_windows_without_depth_are_refused(self, tmp_path: Path) -> None:
        four, shown = np.ones((2, 2), np.float32), ((0, 0), (3, 2))
        beside = rendered(tmp_path / "beside.exr", {"Z": four}, ((4, 0), (5, 1)), shown)
        with pytest.raises(FileFormatError, match=r"beside\.exr: .*outside its display window"):
            read_depth(beside)
        whole = four.astype(np.uint32)
        path = rendered(tmp_path / "whole.exr", {"Z": whole}, ((0, 0), (1, 1)), shown)
        with pytest.raises(FileFormatError, match=r"uint32 has no value for .*as float"):
            read_depth(path)
        huge = rendered(
            tmp_path / "huge.exr", {"Z": four}, ((0, 0), (1, 1)), ((0, 0), (99_999,) * 2)
        )
        with pytest.raises(LimitError, match="100000 x 100000"):
            read_depth(huge)

    def test_of_several_layers_none_is_taken(self, tmp_path: Path) -> None:
        one, two = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
        layers = {"Background.Depth.Z": one, "ViewLayer.Depth.Z": two}
        path = rendered(tmp_path / "layers.exr", layers, ((0, 0), (2, 1)), ((0, 0), (2, 1)))
        names = r"\['Background\.Depth\.Z', 'ViewLayer\.Depth\.Z'\]: 2 of them may be the depth"
        with pytest.raises(FileFormatError, match=rf"{names}: save the one you mean alone"):
            read_depth(path)
        path = rendered(path, layers | {"Z": 3 * one}, ((0, 0), (2, 1)), ((0, 0), (2, 1)))
        depth = read_depth(path)
        assert (depth.values == 3).all()
        assert [str(note) for note in depth.notes] == [
            "layers.exr: its channel Z is taken for the depth, 2 more, in layers, left out"
        ]
        path = rendered(path, {"Z": one, "depth": two}, ((0, 0), (2, 1)), ((0, 0), (2, 1)))
        with pytest.raises(FileFormatError, match=r"\['Z', 'depth'\]: 2 of them may be the depth"):
            read_depth(path)

    def test_npz_members(self, tmp_path: Path) -> None:
        plane = np.full((1, 2, 3), 7, np.int16)
        np.savez(tmp_path / "one.npz", anything=plane)
        assert (read_depth(tmp_path / "one.npz").values == np.full((2, 3), 7)).all()
        np.savez(tmp_path / "named.npz", depth=plane[0], other=plane)
        assert read_depth(tmp_path / "named.npz").shape == (2, 3)
        (note,) = read_depth(tmp_path / "named.npz").notes
        assert note.text.endswith("of 2 arrays, 'depth' is taken for the depth map, without other")
        np.savez(tmp_path / "alike.npz", pred_depth=plane[0], K=np.eye(3), mask=plane[0] > 0)
        found = read_depth(tmp_path / "alike.npz")
        assert (found.values == np.full((2, 3), 7)).all()
        (note,) = found.notes
        text = "alike.npz: of 3 arrays, 'pred_depth' is taken for the depth map, without K, mask"
        assert note.text == text
        np.savez(tmp_path / "many.npz", a=plane, b=plane)
        with pytest.raises(FileFormatError, match=r"\['a', 'b'\]: call the depth map 'depth'"):
            read_depth(tmp_path / "many.npz")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def npy_header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    stream = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


class TestMalformed:
    @pytest.mark.parametrize("suffix", list(TYPES))
    def test_truncated_anywhere_is_typed(self, tmp_path: Path, suffix: str) -> None:
        if suffix == ".exr":
            pytest.importorskip("OpenEXR")
        values = np.random.default_rng(0).random((40, 40)) * 200 + 1
        whole = tmp_path / f"whole{suffix}"
        write_depth(whole, values, values > 0, like=like(TYPES[suffix][0]))
        data, broken = whole.read_bytes(), tmp_path / f"broken{suffix}"
        for length in (1, 7, 30, len(data) // 2, len(data) - 60):
            broken.write_bytes(data[:length])
            with pytest.raises(FileFormatError, match="broken"):
                read_depth(broken)

    @pytest.mark.parametrize("suffix", list(TYPES))
    def test_random_damage_is_typed_or_harmless(self, tmp_path: Path, suffix: str) -> None:
        if suffix == ".exr":
            pytest.importorskip("OpenEXR")
        whole, random = tmp_path / f"whole{suffix}", np.random.default_rng(0)
        write_depth(whole, np.ones((8, 8)), np.ones((8, 8), bool), like=like(TYPES[suffix][0]))
        data, broken = whole.read_bytes(), tmp_path / f"broken{suffix}"
        refused = 0
        for _ in range(60):
            damaged = bytearray(data)
            for place in random.integers(0, min(len(data), 200), 3):
                damaged[place] = random.integers(0, 256)
            broken.write_bytes(damaged)
            try:
                read_depth(broken, limits=Limits(max_pixels=10**6, max_bytes=10**7))
            except (FileFormatError, LimitError):
                refused += 1
        assert refused > 0

    @pytest.mark.parametrize("suffix", list(TYPES))
    def test_another_file_under_the_name_is_refused(self, tmp_path: Path, suffix: str) -> None:
        if suffix == ".exr":
            pytest.importorskip("OpenEXR")
        path = tmp_path / f"a{suffix}"
        for data in (b"hello world " * 20, b"\xff\xd8\xff\xe0" + bytes(200), bytes(500)):
            path.write_bytes(data)
            with pytest.raises(FileFormatError, match=path.name):
                read_depth(path)

    def test_bombs_are_refused_by_their_header(self, tmp_path: Path) -> None:
        size = struct.pack(">II", 60_000, 60_000)
        png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x10\0\0\0\0") + chunk(b"IDAT", b"")
        (tmp_path / "a.png").write_bytes(png)
        (tmp_path / "a.pfm").write_bytes(b"Pf\n60000 60000\n-1\n")
        (tmp_path / "a.npy").write_bytes(npy_header((60_000, 60_000)))
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("depth.npy", npy_header((60_000, 60_000)))
        start = time.monotonic()
        for name in ("a.png", "a.pfm", "a.npy", "a.npz"):
            with pytest.raises(LimitError, match="claims"):
                read_depth(tmp_path / name)
        assert time.monotonic() - start < 1

    def test_a_tiff_bomb_in_size_or_in_tiles(self, tmp_path: Path) -> None:
        def entry(tag: int, value: int) -> bytes:
            return struct.pack("<HHII", tag, 4, 1, value)

        for width, tile in ((60_000, 0), (16, 65_536)):
            tags = [(256, width), (257, width), (258, 16), (259, 1), (262, 1), (277, 1)]
            tags += [(322, tile), (323, tile), (324, 8), (325, 8)] if tile else [(273, 8)]
            tags += [] if tile else [(278, width), (279, 8)]
            entries = b"".join(entry(*tag) for tag in sorted(tags))
            directory = struct.pack("<H", len(tags)) + entries + bytes(4)
            (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<I", 8) + directory)
            with pytest.raises(LimitError, match="claims"):
                read_depth(tmp_path / "a.tif", limits=Limits(max_pixels=10**9))

    def test_an_exr_bomb(self, tmp_path: Path) -> None:
        pytest.importorskip("OpenEXR")
        path = tmp_path / "a.exr"
        write_depth(path, np.ones((8, 8)), np.ones((8, 8), bool), like=like("float32"))
        whole = path.read_bytes()
        window = struct.pack("<4i", 0, 0, 7, 7)
        path.write_bytes(whole.replace(window, struct.pack("<4i", 0, 0, 99_999, 99_999)))
        with pytest.raises(LimitError, match="100000 x 100000"):
            read_depth(path)

    def test_pickles_are_never_loaded(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.array([[{}, []]], object), allow_pickle=True)
        np.savez(tmp_path / "a.npz", depth=np.array([[{}, []]], object))
        for name in ("a.npy", "a.npz"):
            with pytest.raises(FileFormatError, match="object"):
                read_depth(tmp_path / name)

    def test_pictures_that_are_no_depth(self, tmp_path: Path) -> None:
        colour = Image.merge("RGB", [Image.new("L", (4, 4), level) for level in (1, 2, 3)])
        colour.save(tmp_path / "colour.png")
        Image.new("1", (4, 4)).save(tmp_path / "bits.png")
        colour.quantize(4).save(tmp_path / "table.png")
        colour.save(tmp_path / "colour.tif")
        pages = [Image.new("L", (4, 4)), Image.new("L", (4, 4))]
        pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
        np.save(tmp_path / "stack.npy", np.ones((3, 4, 5)))
        np.save(tmp_path / "line.npy", np.ones(5))
        np.save(tmp_path / "complex.npy", np.ones((3, 4), complex))
        (tmp_path / "colour.pfm").write_bytes(b"PF\n1 1\n-1\n" + bytes(11) + b"a")
        (tmp_path / "a.jpg").write_bytes(b"x")
        for path in sorted(tmp_path.iterdir()):
            with pytest.raises(FileFormatError, match=path.name):
                read_depth(path)


def test_every_real_depth_map_is_read(data_folder: Path) -> None:
    paths = sorted((data_folder / "depth").glob("*_depth.*"))
    assert paths
    for path in paths:
        depth = read_depth(path)
        assert depth.valid.mean() > 0.3
        assert (depth.values[depth.valid] > 0).all()


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1), (1, 1, 7), (1, 7, 1), (7, 1, 1)])
def test_arrays_of_one_row_or_column_keep_their_place(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    """The header's claim, by which the picture is checked, is that of the array."""
    claimed: list[tuple[int, int]] = []
    np.save(tmp_path / "d.npy", np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(np.float32))
    depth = read_depth(tmp_path / "d.npy", fits=claimed.append)
    expected = shape if len(shape) == 2 else shape[1:] if shape[0] == 1 else shape[:2]
    assert depth.shape == expected and claimed == [expected]


@pytest.mark.parametrize("order", ["-0.00392157", "0.5", "-1000"])
def test_the_scale_of_a_pfm_is_told_and_not_applied(tmp_path: Path, order: str) -> None:
    samples = np.arange(1, 13, dtype="<f4" if order[0] == "-" else ">f4").reshape(3, 4)
    path, again = tmp_path / "disp0.pfm", tmp_path / "out.pfm"
    path.write_bytes(f"Pf\n4 3\n{order}\n".encode() + np.flipud(samples).tobytes())
    found = read_depth(path)
    scale = order.lstrip("-")
    np.testing.assert_array_equal(found.values, samples)
    (note,) = found.notes
    assert note.text.startswith(f"disp0.pfm: the scale {scale} of its header, a unit, is not appli")
    write_stored(again, again, found.stored, found.nodata, found.scale)
    assert again.read_bytes().startswith(f"Pf\n4 3\n-{scale}\n".encode())
    write_stored(again, again, found.stored)
    assert read_depth(again).notes == ()


def metres() -> np.ndarray:
    """Return a road and a box on it."""
    depth = 2 + np.mgrid[:48, :64][0] / 48 * 60.0
    depth[10:30, 20:40] = 5 + np.mgrid[:20, :20][1] / 100
    return depth


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_depth_as_carla_packs_it_is_named_with_its_way_out(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.rint(metres() / 1000 * 16777215).astype(np.int64)
    channels = np.stack([whole % 256, whole // 256 % 256, whole // 65536], -1).astype(np.uint8)
    Image.fromarray(channels).convert(mode).save(tmp_path / "carla.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match=r"^carla\.png: depth packed into.*CARLA") as refused:
        read_depth("carla.png")
    command = str(refused.value).partition('-c "')[2].partition('"')[0]
    exec(command)  # the one that the message has a user type
    np.testing.assert_allclose(read_depth("carla.npy").values, metres(), atol=1e-4)


def test_sixteen_bits_in_two_channels_are_packed_and_colours_are_not(tmp_path: Path) -> None:
    millimetres = np.rint(metres() * 100).astype(np.int64)
    pair = [millimetres // 256, millimetres % 256, 0 * millimetres]
    Image.fromarray(np.stack(pair, -1).astype(np.uint8)).save(tmp_path / "two.png")
    with pytest.raises(FileFormatError, match=r"whole numbers.* 1 \* g \+ 256 \* r\)"):
        read_depth(tmp_path / "two.png")
    share = ((metres() - 2) / 60)[..., None]
    jet = np.clip(1.5 - np.abs(4 * share - np.array([3, 2, 1])), 0, 1) * 255
    Image.fromarray(jet.astype(np.uint8)).save(tmp_path / "jet.png")
    with pytest.raises(FileFormatError, match="3 channels that differ are no depth map"):
        read_depth(tmp_path / "jet.png")
