import json
import math
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from gisr.errors import FileFormatError, InputError, LimitError
from gisr.io.depth.camera import Camera, parse_depth_unit
from gisr.io.depth.camera_reader import read_camera
from gisr.io.depth.point_cloud import PointCloud

MIDDLEBURY = """cam0=[3997.684 0 1176.728; 0 3998.5 1011.728; 0 0 1]
cam1=[3997.684 0 1307.839; 0 3997.684 1011.728; 0 0 1]
doffs=131.111
baseline=193.001
width=2964
height=1988
ndisp=280
isint=0
vmin=31
vmax=257
dyavg=0.918
dymax=1.516
"""
"""The layout of https://vision.middlebury.edu/stereo/data/scenes2014/."""
ROS_FILE = """image_width: 640
image_height: 480
camera_name: rgb
camera_matrix:
  rows: 3
  cols: 3
  data: [520.0, 0.0, 318.0, 0.0, 521.0, 240.0, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, -0.2, 0.0, 0.0, 0.0]
projection_matrix:
  rows: 3
  cols: 4
  data: [{p}]
"""
PROJECTION = "500.0, 0.0, 320.0, -60.0, 0.0, 501.0, 241.0, 0.0, 0.0, 0.0, 1.0, 0.0"
OPEN3D = {
    "width": 640,
    "height": 480,
    "intrinsic_matrix": [525.0, 0.0, 0.0, 0.0, 526.0, 0.0, 319.5, 239.5, 1.0],
}


def numbers(camera: Camera) -> tuple[float | None, ...]:
    return camera.fx, camera.fy, camera.cx, camera.cy


def test_middlebury(tmp_path: Path) -> None:
    (tmp_path / "calib.txt").write_text(MIDDLEBURY)
    camera = read_camera(tmp_path / "calib.txt")
    assert numbers(camera) == (3997.684, 3998.5, 1176.728, 1011.728)
    assert (camera.size, camera.doffs) == ((1988, 2964), 131.111)
    assert camera.baseline == pytest.approx(0.193001)
    # Z = baseline * f / (d + doffs), as the data set's page says.
    disparity = np.array([[50.0, -131.111, -200.0]])
    metres = camera.distance(disparity)
    assert metres[0, 0] == pytest.approx(193.001 * 3997.684 / (50 + 131.111) / 1000)
    assert np.isnan(metres[0, 1:]).all()


def test_ros_takes_the_projection_and_else_the_camera_matrix(tmp_path: Path) -> None:
    path = tmp_path / "info.yaml"
    path.write_text(ROS_FILE.format(p=PROJECTION))
    rectified = read_camera(path)
    assert numbers(rectified) == (500, 501, 320, 241)
    assert (rectified.size, rectified.baseline, rectified.distorted) == ((480, 640), 0.12, False)
    assert [text for text in rectified.remarks if "image_rect" in text]
    path.write_text(ROS_FILE.replace("0.1, -0.2", "0.0, 0.0").format(p=PROJECTION))
    assert read_camera(path).remarks == ()
    path.write_text(ROS_FILE.format(p=", ".join(["0"] * 12)))
    raw = read_camera(path)
    assert numbers(raw) == (520, 521, 318, 240)
    assert (raw.baseline, raw.distorted) == (None, True)
    # As `ros2 topic echo --once` prints a message, its document ends by a line of dashes.
    path.write_text("height: 480\nwidth: 640\nk: [520.0, 0, 318, 0, 521, 240, 0, 0, 1]\n---\n")
    assert numbers(read_camera(path)) == (520, 521, 318, 240)


def test_open3d_is_column_by_column(tmp_path: Path) -> None:
    (tmp_path / "camera.json").write_text(json.dumps(OPEN3D))
    assert numbers(read_camera(tmp_path / "camera.json")) == (525, 526, 319.5, 239.5)


@pytest.mark.parametrize(
    "text", ["fx: 525\nbaseline: 0.1\nwidth: 640\nheight: 480\n", "fx=525\nbaseline=0.1"]
)
def test_own_files_and_words_say_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "camera.yaml").write_text(text)
    found, word = read_camera(tmp_path / "camera.yaml"), read_camera("fx=525,baseline=0.1")
    assert numbers(found) == numbers(word) == (525, None, None, None)
    assert found.baseline == word.baseline == 0.1
    placed = word.on_grid((480, 640))
    assert numbers(placed) == (525, 525, 319.5, 239.5)


def test_a_camera_of_another_size_is_scaled_about_pixel_centres() -> None:
    half = Camera(500, 510, 319.5, 200, size=(480, 640)).on_grid((240, 320))
    assert numbers(half) == (250, 255, 159.5, (200 + 0.5) / 2 - 0.5)
    with pytest.raises(InputError, match="640 x 480 pixels, the guide has 300 x 300"):
        Camera(500, size=(480, 640)).on_grid((300, 300))


def test_points_project_back_to_their_pixels() -> None:
    camera = Camera(200, 210, 30.25, 20.5)
    distance = np.random.default_rng(0).uniform(0.5, 9, (40, 60))
    chosen = distance > 3
    x, y, z = camera.points(distance, chosen).T
    rows, columns = np.nonzero(chosen)
    np.testing.assert_allclose(z, distance[chosen])
    np.testing.assert_allclose(200 * x / z + 30.25, columns, atol=1e-9)
    np.testing.assert_allclose(210 * y / z + 20.5, rows, atol=1e-9)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00binary",
        b"[1, 2, 3]",
        b"fx: wide",
        b"fx: [1]",
        b"fy: 3",
        b"colour: red\nfx: 525",
        b"camera_matrix: {data: [1, 2]}",
        b"K: 7",
        b"cam0=[1 2; 3]\nbaseline=1",
        b"cam0=[1 0 2; 0 1 2; 0 0 1]",
        b"intrinsic_matrix: []",
        b"a: &a [*a]",
        b"!!python/object/apply:os.system ['true']",
        b"{" * 5000,
        b"9" * 400 + b"\0",  # as many numbers as one likes, and then none
    ],
)
def test_what_is_no_camera_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "camera.yaml"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"camera\.yaml: .*(no camera in it|is empty)"):
        read_camera(path)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("fx=0", "^fx=0: the camera's fx is 0: it must be above 0$"),
        ("fx=nan", "the camera's fx is nan: it must be a finite number$"),
        ("fx=525,baseline=-1", "the camera's baseline is -1: it must be above 0$"),
        (
            "fx=525,fy=-520",
            "the camera's fy is -520: it must be above 0, 520 if y points up there$",
        ),
        ("fx=525,colour=red", "no camera in it"),
        ("fx=", "no camera in it"),
    ],
)
def test_impossible_numbers_are_refused(word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_camera(word)


def test_long_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("fx: 1\n" * 20_000)
    with pytest.raises(LimitError, match="too long for a camera"):
        read_camera(tmp_path / "long.txt")
    with pytest.raises(FileFormatError, match="no such file"):
        read_camera(tmp_path / "nothing.yaml")


def test_units() -> None:
    assert [parse_depth_unit(text) for text in ("m", "mm", "5000", "2.5")] == [1, 1000, 5000, 2.5]
    assert parse_depth_unit("256", disparity=True) == 256
    for text in ("feet", "0", "-1", "nan", "inf", ""):
        with pytest.raises(InputError, match="depth unit"):
            parse_depth_unit(text)
    with pytest.raises(InputError, match="steps in a pixel"):
        parse_depth_unit("mm", disparity=True)


KITTI = """P2: 700 0 600 42 0 700 170 0.2 0 0 1 0.003
P3: 700 0 600 -336 0 700 170 2.2 0 0 1 0.003
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("525 0 319.5\n0 520 239.5\n0 0 1\n", Camera(525, 520, 319.5, 239.5)),
        ("525,0,319.5\n0,520,239.5\n0,0,1\n", Camera(525, 520, 319.5, 239.5)),
        ("[[525, 0, 319.5], [0, 520, 239.5], [0, 0, 1]]", Camera(525, 520, 319.5, 239.5)),
        ("525 0 319.5 0\n0 520 239.5 0\n0 0 1 0\n0 0 0 1", Camera(525, 520, 319.5, 239.5)),
        (KITTI, Camera(700, 700, 600, 170, baseline=378 / 700)),
        (
            "S_rect_02: 1242 375\nP_rect_02: 700 0 600 42 0 700 170 0 0 0 1 0\n",
            Camera(700, 700, 600, 170, (375, 1242)),
        ),
        (
            '{"width": 640, "height": 480, "ppx": 321, "ppy": 240, "fx": 615, "fy": 616,'
            ' "model": "none", "coeffs": [0, 0, 0, 0, 0]}',
            Camera(615, 616, 321, 240, (480, 640)),
        ),
        (
            "  Width:\t640\n  Height:\t480\n  PPX:\t321\n  PPY:\t240\n  Fx:\t615\n  Fy:\t616\n"
            "  Distortion:\tBrown Conrady\n  Coeffs:\t0.1  0  0  0  0\n",
            Camera(615, 616, 321, 240, (480, 640), distorted=True),
        ),
        (
            "[ 640x480  p[321 240]  f[615 616]  Inverse Brown Conrady [0 0 0 0 0] ]",
            Camera(615, 616, 321, 240, (480, 640)),
        ),
        (
            "# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n1 PINHOLE 640 480 525 520 320 240\n",
            Camera(525, 520, 319.5, 239.5, (480, 640)),
        ),
        (
            "1 SIMPLE_RADIAL 640 480 525 320 240 0.02\n",
            Camera(525, 525, 319.5, 239.5, (480, 640), distorted=True),
        ),
        (  # Record3D: column by column
            '{"K": [1400.0, 0, 0, 0, 1410.0, 0, 719.5, 959.5, 1], "w": 1440, "h": 1920}',
            Camera(1400, 1410, 719.5, 959.5, (1920, 1440)),
        ),
        (
            '{"intrinsics": [[1400, 0, 0], [0, 1410, 0], [959.5, 719.5, 1]],'
            ' "imageResolution": [1920, 1440]}',
            Camera(1400, 1410, 959.5, 719.5, (1440, 1920)),
        ),
        ("1400 0 0\n0 1410 0\n959.5 719.5 1\n", Camera(1400, 1410, 959.5, 719.5)),
        (
            "resolution: [752, 480]\nintrinsics: [458.6, 457.3, 367.2, 248.4]\n"
            "distortion_coefficients: [-0.28, 0.07, 0, 0]\n",
            Camera(458.6, 457.3, 367.2, 248.4, (480, 752), distorted=True),
        ),
        ("256 192 212.3 212.5 127.5 95.6\n", Camera(212.3, 212.5, 127.5, 95.6, (192, 256))),
        ("525.0 524.0 319.5 239.5\n", Camera(525, 524, 319.5, 239.5)),
    ],
)
def test_cameras_as_tools_write_them(tmp_path: Path, text: str, expected: Camera) -> None:
    (tmp_path / "camera.txt").write_text(text)
    assert read_camera(tmp_path / "camera.txt") == expected


def test_several_cameras_are_refused(tmp_path: Path) -> None:
    line = "{} PINHOLE 640 480 {} 520 320 240\n"
    (tmp_path / "cameras.txt").write_text(line.format(1, 525) + line.format(2, 526))
    with pytest.raises(InputError, match=r"cameras\.txt: holds 2 cameras: keep the line"):
        read_camera(tmp_path / "cameras.txt")
    (tmp_path / "cameras.txt").write_text(line.format(1, 525) + line.format(2, 525))
    assert read_camera(tmp_path / "cameras.txt").fx == 525


MATRIX = "70., 0., 30., 0., 72., 25., 0., 0., 1."


@pytest.mark.parametrize(
    ("text", "distorted"),
    [
        (
            "%YAML:1.0\n---\ncamera_matrix: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n"
            f"   data: [ {MATRIX} ]\ndistortion_coefficients: !!opencv-matrix\n   rows: 1\n"
            "   cols: 5\n   dt: d\n   data: [ 0.1, 0., 0., 0., 0. ]\n",
            True,
        ),
        (
            "%YAML:1.0\n\nCamera.fx: 70.0\nCamera.fy: 72.0\nCamera.cx: 30.0\nCamera.cy: 25.0\n"
            "Camera.k1: 0.0\nCamera.bf: 40.0\nDepthMapFactor: 5000.0\n",
            False,
        ),
        (
            "axisAlignment = 1 0 0 1\ncolorHeight = 48\ncolorWidth = 64\nfx_color = 70\n"
            "fx_depth = 577.87\nfy_color = 72\nmx_color = 30\nmx_depth = 319.5\nmy_color = 25\n",
            False,
        ),
        ('{"K": [[70, 0, 30], [0, 72, 25], [0, 0, 1]]}', False),
        ('{"camera_matrix": [[70, 0, 30], [0, 72, 25], [0, 0, 1]]}', False),
        (
            '{"class_name": "PinholeCameraParameters", "intrinsic": {"height": 48, "width": 64, '
            '"intrinsic_matrix": [70, 0, 0, 0, 72, 0, 30, 25, 1]}}',
            False,
        ),
        ("\ufeff70 0 30\r\n0 72 25\r\n0 0 1\r\n", False),
    ],
    ids=["OpenCV", "ORB-SLAM", "ScanNet", "K", "nested", "Open3D", "byte order mark"],
)
def test_further_files_of_tools(tmp_path: Path, text: str, distorted: bool) -> None:
    (tmp_path / "camera").write_text(text, encoding="utf-8", newline="")
    camera = read_camera(tmp_path / "camera")
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (70, 72, 30, 25)
    assert camera.distorted == distorted


@pytest.mark.parametrize("suffix", ["yml", "xml", "json"])
def test_opencv_itself_writes_a_camera(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"camera.{suffix}"
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    file.write("image_width", 64)
    file.write("image_height", 48)
    file.write("camera_matrix", np.array([[70.5, 0, 30], [0, 72, 25], [0, 0, 1]]))
    file.write("distortion_coefficients", np.zeros((1, 5)))
    file.release()
    camera = read_camera(path)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (70.5, 72, 30, 25)
    assert camera.size == (48, 64)
    assert not camera.distorted


def test_a_name_that_is_not_known_is_told(tmp_path: Path) -> None:
    (tmp_path / "camera.json").write_text('{"fx": 70, "baselin": 0.1}')
    with pytest.raises(FileFormatError, match="no camera in it \\('baselin' is none of its names"):
        read_camera(tmp_path / "camera.json")


FRAMES = [{"file_path": f"{i}.png", "transform_matrix": np.eye(4).tolist()} for i in range(900)]
NERFSTUDIO = {"fl_x": 70.0, "fl_y": 72.0, "cx": 30.5, "cy": 25.5, "w": 64, "h": 48}


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "transforms.json"
    path.write_text(json.dumps(content))
    return path


def test_transforms_of_nerf(tmp_path: Path) -> None:
    # Long, with hundreds of poses; the middle of the first pixel is (0.5, 0.5).
    whole = {"camera_model": "OPENCV", **NERFSTUDIO, "k1": 0.1, "aabb_scale": 16, "frames": FRAMES}
    path = written(tmp_path, whole)
    assert path.stat().st_size > 65536
    assert read_camera(path) == Camera(70, 72, 30, 25, (48, 64), distorted=True)
    each = [{**frame, **NERFSTUDIO} for frame in FRAMES]
    assert read_camera(written(tmp_path, {"frames": each})) == Camera(70, 72, 30, 25, (48, 64))
    angle = {"camera_angle_x": 2 * math.atan(32 / 70), "frames": FRAMES}
    found = read_camera(written(tmp_path, {**angle, "w": 64, "h": 48}))
    assert found.fx == pytest.approx(70, rel=1e-9)
    assert (found.cx, found.cy, found.size) == (None, None, (48, 64))
    for sides in ({}, {"w": 512}):  # of a picture of any size: an angle of view
        found = read_camera(written(tmp_path, {**angle, **sides})).on_grid((480, 640))
        assert found.fx == found.fy == pytest.approx(700, rel=1e-9)
        assert (found.cx, found.cy, found.size) == (319.5, 239.5, (480, 640))
    with pytest.raises(InputError, match=r"transforms\.json: .* without w and h: add them"):
        read_camera(written(tmp_path, {**angle, "cx": 32.0}))
    with pytest.raises(InputError, match="one side of its picture alone: add the height"):
        read_camera(written(tmp_path, {"fl_x": 70.0, "w": 64}))


def test_lines_of_two_cameras_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "camera.ini"
    path.write_text("[left]\nfx = 70\ncx = 30\n[right]\nfx = 71\ncx = 30\n")
    with pytest.raises(InputError, match=r"camera\.ini: has fx several times"):
        read_camera(path)


def test_a_nested_camera_takes_the_size_around_it(tmp_path: Path) -> None:
    colour = {"fx": 600.0, "fy": 601.0, "cx": 639.5, "cy": 359.5, "k1": 0.0, "codx": 0.0}
    both = {
        "serial": "000123",
        "color_camera": {"intrinsics": {"parameters": colour}, "width": 1280, "height": 720},
        "depth_camera": {"intrinsics": {"fx": 504.0, "fy": 504.0, "cx": 320.0, "cy": 330.0}},
        "color_to_depth": {"rotation": np.eye(3).tolist(), "translation": [1, 2, 3]},
    }
    found = read_camera(written(tmp_path, both))
    assert found == Camera(600, 601, 639.5, 359.5, (720, 1280))
    assert (found.place, found.unused) == ("color_camera.intrinsics.parameters", ("codx",))
    alone = {"camera": {"parameters": colour, "resolution": {"width": 1280, "height": 720}}}
    found = read_camera(written(tmp_path, alone))
    assert (found, found.place) == (Camera(600, 601, 639.5, 359.5, (720, 1280)), "")
    pair = {"left": colour, "right": {**colour, "cx": 600}}
    with pytest.raises(
        InputError, match=r"holds several cameras \(left, right\): give the numbers"
    ):
        read_camera(written(tmp_path, pair))


def test_what_was_chosen_in_a_camera_file_is_told() -> None:
    camera = Camera(100, place="color.intrinsics", unused=("codx", "cody", "metric_radius", "skew"))
    cloud = PointCloud(Path("cloud.ply"), camera, steps=1)
    shape = (48, 64)
    notes = cloud.doubts(np.full(shape, 2.0), np.ones(shape, bool), np.full(shape, 255, np.uint8))
    assert [note.text for note in notes] == [
        "of several cameras in one file, that of color.intrinsics is taken",
        "the camera's file holds more, which is not used: codx, cody, metric_radius, ...",
    ]


def test_a_matrix_as_an_array(tmp_path: Path) -> None:
    matrix = np.array([[70.5, 0, 30], [0, 72, 25], [0, 0, 1]])
    path = tmp_path / "K.npy"
    for array in (matrix, np.asfortranarray(matrix), matrix.astype(np.float32)):
        np.save(path, array)
        assert read_camera(path) == Camera(70.5, 72, 30, 25)
    path.write_bytes(path.read_bytes().replace(b"(3, 3)", b"(3e9,)")[:90])
    with pytest.raises(FileFormatError, match=r"K\.npy: no camera in it"):
        read_camera(path)
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(FileFormatError, match=r"K\.npy: no camera in it"):
        read_camera(path)
    np.savez(tmp_path / "K.npz", mtx=matrix)
    with pytest.raises(InputError, match=r"K\.npz: is an archive of arrays.*numpy\.save"):
        read_camera(tmp_path / "K.npz")


def test_xml_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "camera.xml"
    path.write_text(
        '<!DOCTYPE x [<!ENTITY focal "70">]><opencv_storage><camera_matrix><data>'
        "&focal; 0 30 0 72 25 0 0 1</data></camera_matrix></opencv_storage>"
    )
    with pytest.raises(FileFormatError, match=r"camera\.xml: no camera in it"):
        read_camera(path)


def test_matrices_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yaml"
    path.write_text(f"mtx: [{MATRIX}]\ndist: [[0.1, 0, 0, 0, 0]]\nR: {np.eye(3).tolist()}\n")
    assert read_camera(path) == Camera(70, 72, 30, 25, distorted=True)
    path.write_text("cam0: {intrinsics: [70, 72, 30, 25], resolution: [64, 48]}\n")  # Kalibr
    assert read_camera(path) == Camera(70, 72, 30, 25, (48, 64))


@pytest.mark.parametrize("name", ["P", "K"])
def test_a_region_of_interest_moves_the_principal_point(tmp_path: Path, name: str) -> None:
    matrix = "[100, 0, 63.5, 0, 0, 101, 47.5, 0, 0, 0, 1, 0]"
    if name == "K":
        matrix = "[100, 0, 63.5, 0, 101, 47.5, 0, 0, 1]"
    message = (
        f"height: 96\nwidth: 128\n{name}: {matrix}\nbinning_x: 2\nbinning_y: 2\n"
        "roi: {{x_offset: 20, y_offset: 10, height: {}, width: {}, do_rectify: false}}\n"
    )
    (tmp_path / "info.yaml").write_text(message.format(48, 64))
    part = read_camera(tmp_path / "info.yaml")
    assert part == Camera(100, 101, 43.5, 37.5, (48, 64))
    assert "64 x 48 at (20, 10)" in part.remarks[0]
    # Binned by 2 it has 32 x 24 pixels, of the same field of view.
    assert part.on_grid((24, 32)) == Camera(50, 50.5, 21.5, 18.5, (24, 32))
    for whole in ((0, 0), (96, 128)):  # as most drivers fill it in
        (tmp_path / "info.yaml").write_text(message.format(*whole))
        assert read_camera(tmp_path / "info.yaml") == Camera(100, 101, 63.5, 47.5, (96, 128))


def test_cameras_of_colmap_that_are_not_read_name_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "cameras.txt"
    path.write_text("# Camera list\n1 OPENCV_FISHEYE 640 480 525 525 320 240 0.1 0 0 0\n")
    with pytest.raises(InputError, match="OPENCV_FISHEYE, which is no pinhole: undistort"):
        read_camera(path)
    path = tmp_path / "cameras.bin"
    path.write_bytes(struct.pack("<QiiQQ4d", 1, 1, 1, 640, 480, 525, 525, 320, 240))
    with pytest.raises(InputError, match=r"COLMAP's binary file: make cameras\.txt of it"):
        read_camera(path)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("%YAML:1.0\nCamera.fx: 70.0\nCamera.cx: 30.0\nDepthMapFactor: 5000.0\n", 5000),
        ('{"camera": {"w": 64, "h": 48, "fx": 70, "cx": 30, "cy": 25, "scale": 6553.5}}', 6553.5),
        ('{"fl_x": 70, "w": 64, "h": 48, "depth_unit_scale_factor": 0.001}', 1000),
        ('{"fx": 70, "ppx": 30, "ppy": 25, "width": 64, "height": 48, "depth_scale": 0.001}', 1000),
        ('{"fx": 70, "cx": 30, "cy": 25, "scale": 1.0}', None),
        ('{"K": [[70, 0, 30], [0, 72, 25], [0, 0, 1]], "depth_scale": 5000}', 5000),
    ],
)
def test_steps_of_the_depth_map_beside_a_camera(
    tmp_path: Path, text: str, steps: float | None
) -> None:
    (tmp_path / "camera").write_text(text)
    assert read_camera(tmp_path / "camera").depth_steps == steps
