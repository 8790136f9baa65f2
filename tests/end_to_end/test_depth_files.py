"""Depth maps as sensors give them: holes, units, clouds, sizes that are no multiples."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gisr.apps.cli import main
from gisr.data.degradations import fill_holes
from gisr.data.resample import resize_pillow, samples_at_target
from gisr.datasets.entry import Frame
from gisr.datasets.open_pairs import read_open_pairs
from gisr.errors import FileFormatError, GisrError, InputError, PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.depth.maps import read_depth
from gisr.metrics import rmse
from gisr.notes import Note
from gisr.pipelines.options import Options
from gisr.pipelines.run import read_request, upscale_files
from gisr.placement import Placement

POINT = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(0)
    depth = random.integers(500, 6000, (15, 20)).astype(np.uint16)
    depth[4:7, 5:9] = 0
    Image.fromarray(depth).save(tmp_path / "depth.png")
    colour = random.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    return tmp_path / "depth.png", tmp_path / "colour.png"


def read_cloud(path: Path) -> np.ndarray:
    """Return the points of a file, by the sizes its header gives."""
    header, _, data = path.read_bytes().partition(b"end_header\n")
    count = next(line for line in header.splitlines() if line.startswith(b"element vertex"))
    points = np.frombuffer(data, POINT)
    assert len(points) == int(count.split()[-1])
    return points


def test_filled_holes_are_values_and_the_mask_says_which(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    options = Options(fill_holes=True, mask=tmp_path / "mask.png")
    result = upscale_files(tiny_upscaler, *files, tmp_path / "out.png", options)
    assert result.further == (tmp_path / "mask.png",)
    assert Note("4.0% of the pixels were holes and are filled") in result.notes
    known = read_depth(files[0]).valid.repeat(4, 0).repeat(4, 1)
    assert read_depth(tmp_path / "out.png").valid.all()
    mask = np.asarray(Image.open(tmp_path / "mask.png"))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.where(known, 0, 255))
    upscale_files(
        tiny_upscaler,
        *files,
        tmp_path / "again.png",
        Options(fill_holes=True, mask=tmp_path / "mask.npy"),
    )
    np.testing.assert_array_equal(np.load(tmp_path / "mask.npy", allow_pickle=False), mask)


@pytest.mark.parametrize("fill", [False, True])
def test_the_cloud_is_the_depth_map_seen_by_the_camera(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler, fill: bool
) -> None:
    cloud = _cloud(tmp_path / "cloud.ply", "fx=70,fy=75,cx=38,cy=31")
    upscale_files(tiny_upscaler, *files, tmp_path / "out.png", Options(**cloud, fill_holes=fill))
    out, points = read_depth(tmp_path / "out.png"), read_cloud(tmp_path / "cloud.ply")
    rows, columns = np.nonzero(out.valid)
    assert len(points) == len(rows) == (4800 if fill else 4800 - 12 * 16)
    x, y, z = points["xyz"].T.astype(float)
    assert np.abs(1000 * z - out.values[out.valid]).max() < 0.51  # the map is rounded, they are not
    np.testing.assert_allclose(70 * x / z + 38, columns, atol=1e-3)
    np.testing.assert_allclose(75 * y / z + 31, rows, atol=1e-3)
    np.testing.assert_array_equal(points["rgb"], np.asarray(Image.open(files[1]))[out.valid])


def test_the_command_takes_disparity_and_a_calibration(
    tmp_path: Path,
    files: tuple[Path, Path],
    tiny_weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calibration = tmp_path / "calib.txt"
    calibration.write_text(
        "cam0=[1000 0 310.5; 0 1000 250; 0 0 1]\ndoffs=20\nbaseline=160\nwidth=640\nheight=480\n"
    )
    words = [*map(str, files), "-o", str(tmp_path / "out.npy"), "--model", str(tiny_weights)]
    words += ["--ply", str(tmp_path / "c.ply"), "--camera", str(calibration), "--disparity"]
    assert main(["upscale", *words, "--depth-unit", "16"]) == 0
    assert str(tmp_path / "c.ply") in capsys.readouterr().out
    out, z = read_depth(tmp_path / "out.npy"), read_cloud(tmp_path / "c.ply")["xyz"][:, 2]
    expected = 1000 * 0.160 / (out.values[out.valid] / 16 + 20)
    # The map is rounded to whole steps, the points are not: half a step of 16 in at least 20 px.
    np.testing.assert_allclose(z, expected, rtol=0.5 / 16 / 20)


def test_a_guide_of_one_channel_and_16_bits_gives_grey_points(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    grey = np.random.default_rng(1).integers(0, 65536, (60, 80)).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    upscale_files(
        tiny_upscaler,
        files[0],
        tmp_path / "grey.png",
        tmp_path / "out.npy",
        Options(**_cloud(tmp_path / "cloud.ply"), fill_holes=True),
    )
    rgb = read_cloud(tmp_path / "cloud.ply")["rgb"].reshape(60, 80, 3)
    np.testing.assert_array_equal(rgb, (grey >> 8)[..., None].repeat(3, axis=2))


def _cloud(path: Path, camera: str = "fx=70") -> dict[str, Any]:
    return {"ply": path, "camera": camera, "depth_unit": "mm"}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda f: Options(mask=f / "m.png"), InputError, "request fill-holes"),
        (
            lambda f: Options(fill_holes=True, mask=f / "m.jpg"),
            FileFormatError,
            r"m\.jpg: mask of a sharpened depth map is written as \.png, \.npy",
        ),
        (
            lambda f: Options(fill_holes=True, mask=f / "out.png"),
            FileFormatError,
            r"out\.png: is another file",
        ),
        (
            lambda f: Options(fill_holes=True, mask=f / "depth.png"),
            FileFormatError,
            r"depth\.png: is ",
        ),
        (lambda f: Options(**_cloud(f / "c.pcd")), FileFormatError, r"written as \.ply"),
        (
            lambda f: Options(**_cloud(f / "nowhere" / "c.ply")),
            FileFormatError,
            "nowhere does not exist",
        ),
        (
            lambda f: Options(**_cloud(f / "c.ply", "fx=70,width=100,height=100")),
            InputError,
            "100 x 100 pixels, the guide has 80 x 60",
        ),
        (
            lambda f: Options(task="mri", fill_holes=True),
            GisrError,
            r"fill_holes True is for another kind of images \(depth map\) than these \(MR volume\)",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    tmp_path: Path,
    files: tuple[Path, Path],
    tiny_upscaler: Upscaler,
    make: Any,
    error: type[Exception],
    message: str,
) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(error, match=message):
        upscale_files(tiny_upscaler, *files, tmp_path / "out.png", make(tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_appears_unless_all_of_it_does(
    tmp_path: Path,
    files: tuple[Path, Path],
    tiny_upscaler: Upscaler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = Options(fill_holes=True, mask=tmp_path / "mask.png", **_cloud(tmp_path / "cloud.ply"))
    before = sorted(tmp_path.iterdir())
    link, rename = os.link, os.replace

    def last_fails(source: Any, target: Any, **more: bool) -> None:
        if str(target).endswith("out.png"):
            raise PermissionError(13, "Permission denied")
        (link if more else rename)(source, target, **more)

    for way in ("link", "replace"):  # the second is that of disks without hard links
        monkeypatch.setattr(os, way, last_fails)
    with pytest.raises(FileFormatError, match=r"out\.png: cannot be written: Permission denied"):
        upscale_files(tiny_upscaler, *files, tmp_path / "out.png", options)
    assert sorted(tmp_path.iterdir()) == before
    monkeypatch.undo()
    result = upscale_files(tiny_upscaler, *files, tmp_path / "out.png", options)
    assert {*result.further, result.path} == {*tmp_path.iterdir()} - {*before}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--camera", "fx=70"], "camera is for the point cloud: add --ply"),
        (["--disparity"], "disparity is for the point cloud"),
        (["--ply", "c.ply", "--depth-unit", "mm"], "points need the camera"),
        (["--ply", "c.ply", "--camera", "fx=70"], "no file says its unit"),
        (["--ply", "c.ply", "--camera", "fx=70", "--disparity"], "only with the baseline"),
        (["--ply", "c.ply", "--camera", "gone.yaml", "--depth-unit", "m"], "no such file"),
        (["--ply", "c.ply", "--camera", "fx=70", "--depth-unit", "ft"], "depth unit 'ft'"),
        (["--mask", "m.png"], "request fill-holes"),
    ],
)
def test_the_command_refuses_half_an_order(
    tmp_path: Path,
    files: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["upscale", *map(str, files), "-o", "out.png", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["colour.png", "depth.png"]


def test_a_further_output_is_checked_before_torch_loads(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    (tmp_path / "mask.png").write_bytes(b"mine")
    code = (
        "import sys; from gisr.apps.cli import main; "
        "code = main(sys.argv[1:]); assert 'torch' not in sys.modules; sys.exit(code)"
    )
    words = ["upscale", *map(str, files), "-o", str(tmp_path / "out.png"), "--fill-holes"]
    words += ["--mask", str(tmp_path / "mask.png")]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "mask.png: exists already" in done.stderr


def _frame(data_folder: Path, name: str) -> Frame:
    entry = next(entry for entry in read_open_pairs(data_folder) if entry.name == name)
    assert isinstance(entry, Frame)
    return entry


@pytest.mark.parametrize("fill", [False, True])
def test_a_consistent_result_agrees_with_what_was_measured_alone(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler, fill: bool
) -> None:
    options = Options(fill_holes=fill, consistent=True)
    result = upscale_files(tiny_upscaler, *files, tmp_path / "out.npy", options)
    known, found = read_depth(files[0]).valid, result.consistency
    assert found is not None and found.count == known.sum() == 288
    assert found.after < 0.5 * found.before
    if fill:  # the file says all that the note says
        out = read_depth(tmp_path / "out.npy").values
        # Noise has no mixed pixels at its edges: it is taken for sampled.
        lies = Placement.from_grid("centre", (15, 20), (60, 80))
        missing = samples_at_target(out, (15, 20), lies) - read_depth(files[0]).values
        assert np.sqrt(np.square(missing[known]).mean()) == pytest.approx(found.after, rel=1e-3)


@pytest.mark.parametrize(
    ("target_shape", "guide_shape"), [((37, 53), (101, 143)), ((41, 41), (97, 97))]
)
def test_odd_sizes_of_a_real_frame_beat_interpolation(
    tmp_path: Path,
    data_folder: Path,
    embedded_weights: str,
    target_shape: tuple[int, int],
    guide_shape: tuple[int, int],
) -> None:
    """Non-integer ratios, about 2.7 and 2.4: the shapes alone say how the two lie."""
    frame = _frame(data_folder, "mb06t_midd1_v1")
    rows, columns = slice(100, 100 + guide_shape[0]), slice(150, 150 + guide_shape[1])
    truth, known = (image[rows, columns] for image in frame.depth)
    colour = frame.colour[rows, columns]
    low = resize_pillow(fill_holes(truth, known), target_shape)
    np.save(tmp_path / "depth.npy", low)
    Image.fromarray(colour.astype(np.uint8)).save(tmp_path / "colour.png")
    words = [str(tmp_path / "depth.npy"), str(tmp_path / "colour.png")]
    output = tmp_path / "out.npy"
    assert main(["upscale", *words, "-o", str(output), "--model", embedded_weights]) == 0
    ours, theirs = (
        rmse(image[..., None], truth[..., None], border=3, valid=known)
        for image in (read_depth(output).values, resize_pillow(low, guide_shape))
    )
    assert ours < theirs


def test_a_depth_map_of_the_pictures_size_keeps_its_known_values(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    Image.open(files[1]).crop((0, 0, 20, 15)).save(tmp_path / "small.png")
    options = Options(fill_holes=True, mask=tmp_path / "mask.npy")
    small = tmp_path / "small.png"
    result = upscale_files(tiny_upscaler, files[0], small, tmp_path / "out.png", options)
    assert "known values are kept" in result.notes[0].text
    low, out = read_depth(files[0]), read_depth(tmp_path / "out.png")
    assert out.valid.all()
    np.testing.assert_array_equal(out.values[low.valid], low.values[low.valid])
    np.testing.assert_array_equal(np.load(tmp_path / "mask.npy") == 255, ~low.valid)


@pytest.mark.parametrize("name", ["nyu_metric3d_00000", "o3d_tum"])
def test_raw_sensor_frames_are_filled(
    tmp_path: Path, data_folder: Path, tiny_upscaler: Upscaler, name: str
) -> None:
    depth, colour = _frame(data_folder, name).files
    stored = np.asarray(Image.open(depth))[:240:2, :320:2]
    Image.fromarray(stored).save(tmp_path / "depth.png")
    Image.fromarray(np.asarray(Image.open(colour))[:240, :320]).save(tmp_path / "colour.png")
    assert 0.05 < (stored == 0).mean() < 0.6
    files = tmp_path / "depth.png", tmp_path / "colour.png"
    options = Options(fill_holes=True, mask=tmp_path / "mask.png")
    upscale_files(tiny_upscaler, *files, tmp_path / "out.png", options)
    out, mask = read_depth(tmp_path / "out.png"), np.asarray(Image.open(tmp_path / "mask.png"))
    assert out.valid.all()
    np.testing.assert_array_equal(mask > 0, (stored == 0).repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("dtype", ["int32", "uint32", "uint64", "float64"])
def test_known_values_of_the_pictures_size_keep_all_their_digits(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler, dtype: str
) -> None:
    # Micrometres up to 300 m: float32, in which the network computes, has no such digits.
    depth = (200_000_001 + 17 * np.arange(60 * 80).reshape(60, 80)).astype(dtype)
    depth[10:20, 30:40] = 0
    np.save(tmp_path / "depth.npy", depth)
    out = tmp_path / "out.npy"
    options = Options(fill_holes=True)
    upscale_files(tiny_upscaler, tmp_path / "depth.npy", files[1], out, options)
    found = np.load(out)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[depth > 0], depth[depth > 0])
    assert 200_000_001 <= found[depth == 0].min() <= found[depth == 0].max() <= depth.max()


def test_links_into_a_store_without_suffixes_are_read(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    upscale_files(tiny_upscaler, *files, tmp_path / "direct.png")
    store = tmp_path / "blobs"
    store.mkdir()
    for number, file in enumerate(files):
        file.symlink_to(file.rename(store / f"4d7a{number}"))
    upscale_files(tiny_upscaler, *files, tmp_path / "linked.png")
    assert (tmp_path / "linked.png").read_bytes() == (tmp_path / "direct.png").read_bytes()


@pytest.mark.parametrize("kind", ["size", "values", "type"])
def test_a_mask_of_the_sensors_is_not_replaced(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler, kind: str
) -> None:
    mask = tmp_path / "confidence.png"
    sensors = np.full((15, 20) if kind == "size" else (60, 80), 255, np.uint8)
    if kind == "values":
        sensors[:20] = 1
    if kind == "type":
        mask = mask.with_suffix(".npy")
        np.save(mask, sensors > 0)
    else:
        Image.fromarray(sensors).save(mask)
    before = mask.read_bytes()
    for overwrite in (False, True):
        options = Options(fill_holes=True, mask=mask, overwrite=overwrite)
        with pytest.raises(FileFormatError, match=r"is written, not read.*the depth map to 0"):
            upscale_files(tiny_upscaler, *files, tmp_path / "out.png", options)
        assert mask.read_bytes() == before
        assert not (tmp_path / "out.png").exists()


def test_a_mask_of_an_earlier_run_is_replaced(
    tmp_path: Path, files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    options = Options(fill_holes=True, mask=tmp_path / "mask.png", overwrite=True)
    for _ in range(2):
        upscale_files(tiny_upscaler, *files, tmp_path / "out.png", options)


def test_one_file_is_no_pair(tmp_path: Path, files: tuple[Path, Path]) -> None:
    (tmp_path / "link.png").symlink_to(files[0])
    for guide in (files[0], tmp_path / "link.png"):
        with pytest.raises(PairError, match=r"depth\.png: is given twice.*picture second"):
            read_request(files[0], guide, tmp_path / "out.png", Options(task="depth"))
