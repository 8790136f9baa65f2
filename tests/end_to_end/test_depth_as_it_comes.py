"""Depth maps and pictures as sensors, engines and phones leave them."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from gisr.apps.cli import main
from gisr.errors import PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.limits import DEFAULT_LIMITS
from gisr.notes import Note
from gisr.pipelines.layers import Plane
from gisr.pipelines.options import Options
from gisr.pipelines.run import read_request, upscale_files, upscale_request
from gisr.pipelines.table import PIPELINES


def scene(folder: Path, dtype: str = "float32", unit: float = 1.0) -> np.ndarray:
    """Write a picture, and return a depth map of a slope with a box before it, in some unit."""
    colours = np.full((96, 128, 3), 120, np.uint8)
    colours[40:80, 30:60] = 200, 60, 60
    Image.fromarray(colours).save(folder / "colour.png")
    depth = np.linspace(2, 4, 24)[:, None] + np.zeros(32)
    depth[10:20, 8:15] = 1.5
    return (unit * depth).astype(dtype)


def run(
    folder: Path, system: Upscaler, target: np.ndarray, **options: object
) -> tuple[np.ndarray, list[Note]]:
    """Return the sharpened array and the notes."""
    np.save(folder / "depth.npy", target)
    result = upscale_files(
        system,
        folder / "depth.npy",
        folder / "colour.png",
        folder / "out.npy",
        Options(overwrite=True, **options),  # type: ignore[arg-type]
    )
    notes = [note for note in result.notes if note.level != "detail"]
    return np.load(folder / "out.npy"), notes


@pytest.mark.parametrize(
    ("dtype", "unit", "value"),
    [
        ("float16", 1, 65504),
        ("float32", 1, 1e10),
        ("float32", 1, float(np.finfo(np.float32).max)),
        ("float64", 1, 1e300),
        ("uint16", 1000, 65535),
        ("int16", 1000, 32767),
        ("int16", 1000, -1),
        ("uint32", 1000, 4294967295),
    ],
)
def test_a_sky_that_nobody_declared_spoils_nothing(
    tmp_path: Path, tiny_upscaler: Upscaler, dtype: str, unit: float, value: float
) -> None:
    target = scene(tmp_path, dtype, unit)
    target[:6, 20:] = value
    result, notes = run(tmp_path, tiny_upscaler, target)
    sky = np.zeros((96, 128), bool)
    sky[:24, 80:] = True
    assert (result[sky] == target.dtype.type(value)).all()
    assert 1.3 * unit <= result[~sky].min() <= result[~sky].max() <= 4.1 * unit
    told = [note.text for note in notes if "taken for unknown" in note.text]
    assert len(told) == 1
    named = re.search(r"--invalid (\S+) says so, --invalid none keeps them", told[0])
    assert named
    assert target.dtype.type(float(named[1])) == target.dtype.type(value)
    declared, notes = run(tmp_path, tiny_upscaler, target, invalid=value)
    np.testing.assert_array_equal(declared, result)
    assert not [note for note in notes if "taken for unknown" in note.text]


def test_none_leaves_every_number_a_depth(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    target = scene(tmp_path, "uint16", 1000)
    target[:6, 20:] = 65535
    target[20:, :4] = 0
    result, notes = run(tmp_path, tiny_upscaler, target, invalid="none")
    assert not [note for note in notes if "unknown" in note.text]
    assert (result[90:, :4] == 0).all()
    assert (result[:12, 100:] == 65535).all()


@pytest.mark.parametrize(
    ("dtype", "unit", "value"),
    [("float32", -1, -999), ("float32", -1, 255), ("uint16", 1000, 9999)],
)
def test_what_a_tiff_declares_is_mixed_with_nothing(
    tmp_path: Path, tiny_upscaler: Upscaler, dtype: str, unit: float, value: float
) -> None:
    target = scene(tmp_path, dtype, unit)
    target[:6, 20:] = value
    declared = [(42113, 2, 0, str(value), True)]
    tifffile.imwrite(tmp_path / "depth.tif", target, extratags=declared)
    target_path, out_path = tmp_path / "depth.tif", tmp_path / "out.tif"
    result = upscale_files(tiny_upscaler, target_path, tmp_path / "colour.png", out_path)
    out = tifffile.imread(out_path)
    sky = np.zeros((96, 128), bool)
    sky[:24, 80:] = True
    assert (out[sky] == value).all()
    depths = out[~sky] / unit
    assert 1.3 <= depths.min() <= depths.max() <= 4.1
    assert not [note for note in result.notes if "unknown" in note.text]
    with tifffile.TiffFile(out_path) as file:
        assert file.pages.first.tags[42113].value == str(value)


@pytest.mark.parametrize(
    ("dtype", "value", "why"),
    [
        ("uint16", 65535, "--invalid 65535 changes nothing: no pixel holds it"),
        ("uint16", -1, "--invalid -1 changes nothing: no pixel of type uint16 can hold it"),
        ("float32", 10, "--invalid 10 changes nothing: no pixel holds it"),
        ("float32", 0, None),
        ("float32", float("nan"), None),
        ("float32", "none", None),
    ],
)
def test_a_value_that_no_pixel_holds_is_told(
    tmp_path: Path, tiny_upscaler: Upscaler, dtype: str, value: float | str, why: str | None
) -> None:
    target = scene(tmp_path, dtype, 1000)
    _, notes = run(tmp_path, tiny_upscaler, target, invalid=value)
    told = [note.text for note in notes if "changes nothing" in note.text]
    assert told == ([] if why is None else [f"depth.npy: {why}"])
    if isinstance(value, int) and value > 0:
        target[2:4, 2:4] = value
        _, notes = run(tmp_path, tiny_upscaler, target, invalid=value)
        assert not [note for note in notes if "changes nothing" in note.text]


def test_the_way_to_fill_a_map_of_single_points_is_told(
    tmp_path: Path, tiny_upscaler: Upscaler
) -> None:
    target = scene(tmp_path)
    target[np.random.default_rng(0).random(target.shape) > 0.2] = 0
    sparse, notes = run(tmp_path, tiny_upscaler, target)
    assert (sparse == 0).mean() > 0.7
    assert [
        note.text for note in notes if "single points" in note.text and "--fill-holes" in note.text
    ]
    filled, notes = run(tmp_path, tiny_upscaler, target, fill_holes=True)
    assert filled.min() > 1
    assert not [note for note in notes if "single points" in note.text]


@pytest.mark.parametrize("suffix", [".png", ".pfm"])
def test_the_line_of_a_result_has_the_type_of_the_file(
    tmp_path: Path, tiny_upscaler: Upscaler, suffix: str
) -> None:
    np.save(tmp_path / "depth.npy", scene(tmp_path, "uint16", 1000))
    out = tmp_path / f"out{suffix}"
    result = upscale_files(tiny_upscaler, tmp_path / "depth.npy", tmp_path / "colour.png", out)
    stored = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert result.dtype == stored.dtype.name == ("uint16" if suffix == ".png" else "float32")


def test_a_picture_turned_by_a_quarter_is_told_with_the_way_back(tmp_path: Path) -> None:
    target = scene(tmp_path)
    colours = np.asarray(Image.open(tmp_path / "colour.png"))
    np.save(tmp_path / "depth.npy", target)
    np.save(tmp_path / "full.npy", target.repeat(4, 0).repeat(4, 1))
    Image.fromarray(np.rot90(colours)).save(tmp_path / "colour.png")
    for name in ("depth.npy", "full.npy"):
        with pytest.raises(PairError, match=r"is turned by a quarter: .*ROTATE_90.*ROTATE_270"):
            read_request(tmp_path / name, tmp_path / "colour.png", tmp_path / "out.npy")
    Image.fromarray(colours[:60]).save(tmp_path / "colour.png")  # a crop is no turn
    with pytest.raises(PairError, match="different proportions"):
        read_request(tmp_path / "depth.npy", tmp_path / "colour.png", tmp_path / "out.npy")


def test_numbers_that_lost_their_upper_bits_are_doubted(
    tmp_path: Path, tiny_upscaler: Upscaler
) -> None:
    scene(tmp_path)
    millimetres = 12 * np.add.outer(np.arange(24), np.arange(32)) + 900
    _, notes = run(tmp_path, tiny_upscaler, millimetres.astype(np.uint8))
    told = [note.text for note in notes if note.level == "warning"]
    assert any(text.startswith("depth.npy: values run up to 255 and go on at 0") for text in told)


def test_numbers_that_are_no_depths_are_doubted(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    """A map of confidence, inverse depth that ends at 0, and the end of a sensor's reach."""
    slope = scene(tmp_path)
    cases: list[tuple[np.ndarray, str]] = [
        (np.where(slope > 3, 2, 1).astype(np.uint8), "a map of confidence or labels"),
        (np.round((4 - slope) ** 2 * 40).astype(np.uint8), r"run down to it \(1, of 250\).*none"),
        (
            np.where(slope > 3, 2047, slope * 250 + np.arange(32)).astype(np.uint16),
            "if that stands for unknown",
        ),
    ]
    for target, words in cases:
        _, notes = run(tmp_path, tiny_upscaler, target)
        told = [note for note in notes if note.level == "warning" and re.search(words, note.text)]
        assert len(told) == 1, (words, notes)
        _, notes = run(tmp_path, tiny_upscaler, target, invalid="none")
        again = [note for note in notes if re.search(words, note.text)]
        assert len(again) == ("confidence" in words)


def test_a_render_region_lies_where_it_was_rendered(
    tmp_path: Path, tiny_upscaler: Upscaler
) -> None:
    openexr = pytest.importorskip("OpenEXR")
    target = scene(tmp_path)
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    for name, corners in (("dataWindow", (8, 6, 23, 17)), ("displayWindow", (0, 0, 31, 23))):
        header[name] = np.array(corners[:2], np.int32), np.array(corners[2:], np.int32)
    with openexr.File(header, {"Z": target[6:18, 8:24].copy()}) as file:
        file.write(str(tmp_path / "depth.exr"))
    result = upscale_files(
        tiny_upscaler, tmp_path / "depth.exr", tmp_path / "colour.png", tmp_path / "out.exr"
    )
    with openexr.File(str(tmp_path / "out.exr"), separate_channels=True) as file:
        out = file.channels()["Z"].pixels
    assert result.ratio == 4
    assert any("leaves 75.0% of its display window" in note.text for note in result.notes)
    inside = np.zeros((96, 128), bool)
    inside[24:72, 32:96] = True
    assert np.isnan(out[~inside]).all()
    enlarged = target.repeat(4, 0).repeat(4, 1)
    assert np.abs(out[inside] - enlarged[inside]).mean() < 0.1


def test_a_named_value_adds_to_zero_and_nan(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    target = scene(tmp_path)
    target[2, 2], target[5:8, 20:24], target[12, 20], target[22, 30] = 7, np.nan, 0, np.inf
    result, _ = run(tmp_path, tiny_upscaler, target, invalid=7)
    assert (result[8:12, 8:12] == 7).all()
    assert np.isnan(result[20:32, 80:96]).all()
    assert (result[48:52, 80:84] == 0).all()
    assert (result[88:92, 120:124] == np.inf).all()
    left = np.isfinite(result) & (result != 7) & (result != 0)
    assert left.sum() == 96 * 128 - 16 * (1 + 12 + 1 + 1)
    assert 1.3 < result[left].min() <= result[left].max() < 4.2


def test_the_command_takes_nan_and_none(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "depth.npy", scene(tmp_path))
    words = ["upscale", str(tmp_path / "depth.npy"), str(tmp_path / "colour.png"), "--overwrite"]
    words += ["-o", str(tmp_path / "out.npy"), "--model", str(tiny_weights), "--invalid"]
    for value in ("nan", "none", "0", "-1"):
        assert main([*words, value]) == 0
    assert main([*words, "never"]) == 2
    assert "invalid 'never' must be a number, nan or none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("small", "large", "off"),
    [((48, 64), (97, 130), None), ((240, 424), (360, 640), "0.6%"), ((60, 80), (121, 162), None)],
)
def test_sizes_of_sensors_are_rounded(
    tmp_path: Path,
    tiny_upscaler: Upscaler,
    small: tuple[int, int],
    large: tuple[int, int],
    off: str | None,
) -> None:
    Image.fromarray(np.zeros((*large, 3), np.uint8)).save(tmp_path / "colour.png")
    result, notes = run(tmp_path, tiny_upscaler, np.full(small, 2, np.float32))
    assert result.shape == large
    assert (result == 2).all()
    told = [note.text for note in notes if "in proportion" in note.text]
    assert [off in text for text in told if off is not None] == ([True] if off else [])
    assert bool(told) == (off is not None)


@pytest.mark.parametrize(
    ("orientation", "words", "warned"),
    [
        (1, "", False),
        (3, "turned by 180 degrees", True),
        (2, "mirrored", True),
        (6, "orientation 6 is ignored", False),
    ],
)
def test_a_picture_that_exif_turns_is_told(
    tmp_path: Path, tiny_upscaler: Upscaler, orientation: int, words: str, warned: bool
) -> None:
    target = scene(tmp_path)
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.open(tmp_path / "colour.png").save(tmp_path / "colour.jpg", exif=tags)
    np.save(tmp_path / "depth.npy", target)
    result = upscale_files(
        tiny_upscaler, tmp_path / "depth.npy", tmp_path / "colour.jpg", tmp_path / "out.npy"
    )
    told = [note for note in result.notes if "EXIF" in note.text]
    assert len(told) == (orientation != 1)
    for note in told:
        assert words in note.text
        assert (note.level == "warning") == warned


def test_what_of_a_picture_is_not_to_be_seen_is_told(
    tmp_path: Path, tiny_upscaler: Upscaler
) -> None:
    """Renders have transparent skies, and a covered lens sees one colour."""
    target = scene(tmp_path)
    colours = np.asarray(Image.open(tmp_path / "colour.png"))
    for bits in (8, 16):
        opacity = np.full((96, 128, 1), 255, np.uint8)
        cases: list[tuple[np.ndarray, str | None]] = [(np.dstack([colours, opacity]), None)]
        opacity = opacity.copy()
        opacity[:24] = 0
        cases.append((np.dstack([colours, opacity]), "25.0% of it is transparent"))
        cases.append((np.zeros_like(colours), "every pixel has one colour"))
        for picture, words in cases:
            wide = picture.astype(np.uint16) * 257 if bits == 16 else picture.astype(np.uint8)
            assert cv2.imwrite(str(tmp_path / "colour.png"), wide)
            _, notes = run(tmp_path, tiny_upscaler, target)
            told = [note for note in notes if note.text.startswith("colour.png: ")]
            assert [str(words) in note.text for note in told] == ([True] if words else [])
            assert [note.level == "warning" for note in told] == (
                ["one colour" in words] if words else []
            )


def test_the_page_shows_the_picture_as_it_was_used(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    np.save(tmp_path / "depth.npy", scene(tmp_path))
    tags, stored = Image.Exif(), Image.open(tmp_path / "colour.png")
    tags[0x0112] = 6
    stored.save(tmp_path / "tagged.png", exif=tags)
    output = tmp_path / "out.npy"
    request = read_request(tmp_path / "depth.npy", tmp_path / "tagged.png", output)
    result = upscale_request(tiny_upscaler, request)
    assert any("orientation 6 is ignored" in note.text for note in result.notes)
    layers = PIPELINES["depth"].layers(request, output, None, DEFAULT_LIMITS)
    plane = Plane()
    assert layers.size(plane) == (96, 128)
    shown = layers.read("guide", plane, (slice(0, 96), slice(0, 128)))
    np.testing.assert_array_equal(shown, np.asarray(stored))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_what_is_told_of_a_tiff_is_what_was_done(
    tmp_path: Path, tiny_upscaler: Upscaler, dtype: str
) -> None:
    """A result of a picture with a tag is that of the pixels it should have been turned to."""
    target = scene(tmp_path)
    grey = np.asarray(Image.open(tmp_path / "colour.png").convert("L")).astype(dtype)
    outputs = [tmp_path / name for name in ("tagged.npy", "plain.npy")]
    cases = (
        (6, target, np.rot90(grey), grey, "turned by 90 degrees, as its EXIF orientation 6"),
        (3, target, grey[::-1, ::-1], grey, "turned by 180 degrees, as its EXIF orientation 3"),
        (6, np.rot90(target), np.rot90(grey), np.rot90(grey), "orientation 6 is ignored"),
    )
    for orientation, depth, stored, seen, words in cases:
        np.save(tmp_path / "depth.npy", depth)
        tag = (274, 3, 1, orientation, True)
        pictures = [tmp_path / name for name in ("tagged.tif", "plain.tif")]
        tifffile.imwrite(pictures[0], np.ascontiguousarray(stored), extratags=[tag])
        tifffile.imwrite(pictures[1], np.ascontiguousarray(seen))
        results = [
            upscale_files(
                tiny_upscaler, tmp_path / "depth.npy", picture, output, Options(overwrite=True)
            )
            for picture, output in zip(pictures, outputs, strict=True)
        ]
        assert [words in note.text for note in results[0].notes if "EXIF" in note.text] == [True]
        np.testing.assert_array_equal(np.load(outputs[0]), np.load(outputs[1]))


@pytest.mark.parametrize(
    ("name", "content", "way"),
    [
        ("depth.pgm", b"P5\n2 2\n65535\n" + bytes(8), "portable map.*cv2.imwrite"),
        ("depth.jpg", b"\xff\xd8\xff", "a JPEG is no depth map.*16-bit PNG"),
        (
            "depth.heic",
            b"\0\0\0\x18ftypheic" + bytes(12),
            r"heif-convert \S*depth.heic depth.png",
        ),
        ("depth.bag", b"#ROSBAG V2.0\n", "a recording.*frames as PNG"),
        ("depth.bmp", b"BM" + bytes(60), r"magick \S*depth.bmp depth.png"),
    ],
)
def test_other_formats_are_answered_with_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, way: str
) -> None:
    scene(tmp_path)
    (tmp_path / name).write_bytes(content)
    words = [str(tmp_path / name), str(tmp_path / "colour.png"), "-o", str(tmp_path / "o.png")]
    assert main(["upscale", *words]) == 2
    error = capsys.readouterr().err
    assert name in error
    assert re.search(way, error), error


def test_a_photo_of_a_phone_that_is_no_jpeg_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "depth.npy", scene(tmp_path))
    (tmp_path / "photo.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    words = [str(tmp_path / "depth.npy"), str(tmp_path / "photo.jpg")]
    assert main(["upscale", *words, "-o", str(tmp_path / "o.npy")]) == 2
    assert "photo.jpg photo.png)" in capsys.readouterr().err
