from pathlib import Path

import numpy as np
import pytest

from gisr.errors import InputError
from gisr.io.depth.camera import Camera
from gisr.io.depth.point_cloud import PointCloud

VALUES = np.array([[1000.0, 2000.0, 0.0], [4000.0, -5.0, 3000.0]])
VALID = np.array([[True, True, False], [False, True, True]])
GUIDE = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
CAMERA = Camera(2.0, 4.0, 1.0, 0.5)
GOLDEN = (
    b"ply\nformat binary_little_endian 1.0\ncomment gisr: metres, x right, y down, z forward\n"
    b"element vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    b"property uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n"
    # -0.5, -0.125, 1; 0, -0.25, 2; 1.5, 0.375, 3, in IEEE 754 from the lowest byte, and colours.
    b"\x00\x00\x00\xbf\x00\x00\x00\xbe\x00\x00\x80\x3f\x00\x01\x02"
    b"\x00\x00\x00\x00\x00\x00\x80\xbe\x00\x00\x00\x40\x03\x04\x05"
    b"\x00\x00\xc0\x3f\x00\x00\xc0\x3e\x00\x00\x40\x40\x0f\x10\x11"
)
"""Written by hand from the format's description. The pixel behind the camera is left out."""


def test_the_file_is_what_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "cloud.ply"
    PointCloud(path, CAMERA, 1000).write(path, VALUES, VALID, GUIDE)
    assert path.read_bytes() == GOLDEN


def test_plyfile_reads_it(tmp_path: Path) -> None:
    plyfile = pytest.importorskip("plyfile", reason="the oracle of the test extra dev")
    path = tmp_path / "cloud.ply"
    random = np.random.default_rng(0)
    values = random.uniform(1, 9, (30, 40)).astype(np.float32)
    guide = random.integers(0, 65536, (30, 40)).astype(np.uint16)
    camera = Camera(50)
    PointCloud(path, camera, 1).write(path, values, values > 4, guide)
    vertex = plyfile.PlyData.read(str(path))["vertex"]
    points = np.stack([vertex[name] for name in "xyz"], axis=-1)
    np.testing.assert_allclose(points, camera.points(values, values > 4), rtol=1e-6)
    for name in ("red", "green", "blue"):
        np.testing.assert_array_equal(vertex[name], guide[values > 4] // 256)


def test_disparity_becomes_distance(tmp_path: Path) -> None:
    path, camera = tmp_path / "cloud.ply", Camera(100, baseline=0.2, doffs=1)
    cloud = PointCloud(path, camera, 256, disparity=True)
    stored = np.array([[256.0 * 9, 256.0 * 19, -256.0]])
    np.testing.assert_allclose(cloud.distance(stored), [[2.0, 1.0, np.nan]])
    cloud.write(path, stored, np.ones((1, 3), bool), np.zeros((1, 3), np.uint8))
    assert b"element vertex 2\n" in path.read_bytes()  # the third lies at infinity


def test_what_cannot_be_metres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="baseline"):
        PointCloud(tmp_path / "a.ply", CAMERA, 1, disparity=True)
    with pytest.raises(InputError, match="must be above 0"):
        PointCloud(tmp_path / "a.ply", CAMERA, 0)


@pytest.mark.parametrize(
    ("camera", "steps", "disparity", "words"),
    [
        (Camera(50), 1000, False, None),
        (Camera(50), 1, False, "half of the points lie within 2e+03 m of the camera: check --dep"),
        (Camera(50), 1e6, False, "half of the points lie within 0.002 m of the camera"),
        (Camera(50, baseline=5e4), 1, True, "within 1.25e+03 m of the camera: check the baseline"),
        (Camera(50, 50, 19, 14), 1000, False, None),
        (
            Camera(50, 50, 79.5, 59.5),
            1000,
            False,
            "the camera's principal point, (79.5, 59.5), is far from the middle of the picture, "
            "40 x 30: if it was measured at another size, add that (width and height)",
        ),
        (Camera(50, 50, 9.5, 7), 1000, False, r"(9.5, 7), is far from the middle"),
        (Camera(0.73), 1000, False, "a focal length of 0.73 pixels sees 176 degrees: is it in pi"),
        (Camera(0.73, size=(1, 1)), 1000, False, None),
        (Camera(1400), 1000, False, "a focal length of 1400 pixels sees 1.64 degrees"),
        (Camera(50, 50, 79.5, 59.5, size=(120, 160)), 1000, False, None),
        (
            Camera(50, depth_steps=5000),
            1000,
            False,
            "5000 steps of the depth map make a metre, not",
        ),
        (Camera(50, depth_steps=999.99), 1000, False, None),
        (Camera(50, baseline=0.1), 1000, False, "if they are disparity, add --disparity"),
        (Camera(50, baseline=100), 1, True, None),
    ],
)
def test_a_unit_or_camera_that_cannot_be_right_is_doubted(
    tmp_path: Path, camera: Camera, steps: float, disparity: bool, words: str | None
) -> None:
    values = np.full((30, 40), 2000.0)
    cloud = PointCloud(tmp_path / "a.ply", camera, steps, disparity=disparity)
    doubts = cloud.doubts(values, np.ones((30, 40), bool), np.zeros((30, 40), np.uint8))
    assert len(doubts) == (words is not None)
    assert words is None or words in doubts[0].text


def test_an_empty_cloud_is_told(tmp_path: Path) -> None:
    cloud = PointCloud(tmp_path / "a.ply", Camera(50), 1)
    grey = np.zeros((3, 4), np.uint8)
    (doubt,) = cloud.doubts(np.full((3, 4), -2.0), np.ones((3, 4), bool), grey)
    assert doubt.text == (
        "no known pixel lies in front of the camera: the point cloud is empty: values are below 0, "
        "as along -z (OpenGL): give them with the other sign"
    )


@pytest.mark.parametrize(("largest", "bits"), [(255, 8), (1023, 10), (4000, 12), (16383, 14)])
def test_colours_of_fewer_bits_than_their_file_are_not_black(
    tmp_path: Path, largest: int, bits: int
) -> None:
    grey = np.linspace(0, largest, 6).reshape(2, 3).astype(np.uint16)
    cloud = PointCloud(tmp_path / "a.ply", CAMERA, 1000)
    values = np.full((2, 3), 2000.0)
    cloud.write(cloud.path, values, np.ones((2, 3), bool), grey)
    rows = np.frombuffer(cloud.path.read_bytes()[-90:], np.uint8).reshape(6, 15)
    assert np.array_equal(rows[:, 12], grey.ravel() // 2 ** (bits - 8))
    (note,) = cloud.doubts(values, np.ones((2, 3), bool), grey)
    assert note.text == (
        f"colours of 16 bits end at {largest}: taken for {bits} bits in the point cloud"
    )
    assert not cloud.doubts(values, np.ones((2, 3), bool), grey + np.uint16(40000))
