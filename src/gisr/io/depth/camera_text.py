"""Cameras that tools write as plain text: a matrix, KITTI's calibration, COLMAP's cameras.txt.

Each is brought to the names that :mod:`gisr.io.depth.camera_reader` reads.
"""

import math
import re
from collections.abc import Mapping

from gisr.errors import InputError

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_COLMAP = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy"),
    "RADIAL": ("f", "cx", "cy"),
    "OPENCV": ("fx", "fy", "cx", "cy"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy"),
}
"""Parameters of COLMAP's models; those after them are distortion."""
_COLMAP_OTHERS = (
    *("OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE", "THIN_PRISM_FISHEYE", "FOV"),
    *("RAD_TAN_THIN_PRISM_FISHEYE", "SIMPLE_DIVISION", "DIVISION", "EQUIRECTANGULAR"),
)
"""Models of COLMAP that are no pinhole with a little distortion."""
_PINHOLE = ("fx", "fy", "cx", "cy")
DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
"""Names of coefficients of lens distortion."""
DEPTH_SCALES = (
    *("depthmapfactor", "rgbd.depthmapfactor", "png_depth_scale"),
    *("depth_scale", "scale", "depth_unit_scale_factor"),
)
"""Names of how many steps of a depth map make a metre (ORB-SLAM, SplaTAM, Replica), or of its
inverse (RealSense, nerfstudio)."""
_LEAST_STEPS = 100.0
"""Steps in a metre from which a number is theirs, and below whose inverse it is that of a step."""
_KITTI = (("P_rect_02", "P_rect_03", "S_rect_02"), ("P2", "P3", ""))
"""Names of the left and right colour camera and of the size: of the raw recordings, and of the
benchmarks of objects and odometry."""

CameraNumbers = dict[str, float]


def camera_in_text(text: str) -> CameraNumbers | None:
    """Return what a text says of a camera; None where it is in none of the formats.

    ``distorted`` is 1 where a model has distortion that is not 0.

    Raises:
        InputError: It has several cameras.
    """
    for read in (_plain_matrix, _kitti, _colmap, _realsense):
        found = read(text)
        if found is not None:
            return found
    return None


def matrix_camera(numbers: list[float]) -> CameraNumbers | None:
    """Return a camera from a matrix of 3 x 3, 3 x 4 or 4 x 4; None where it is none."""
    numbers = _row_by_row(numbers)
    columns = {9: 3, 12: 4, 16: 4}.get(len(numbers))
    if columns is None:
        return None
    first, second, third = (numbers[row * columns : (row + 1) * columns] for row in range(3))
    if first[0] <= 0 or second[1] <= 0 or second[0] or third[:2] != [0, 0] or third[2] != 1:
        return None
    return {"fx": first[0], "fy": second[1], "cx": first[2], "cy": second[2]}


def _plain_matrix(text: str) -> CameraNumbers | None:
    """Read numbers and nothing else: a matrix (ScanNet, BundleFusion, np.savetxt), or a line.

    A line of four is fx, fy, cx and cy (TUM); width and height come before them in ARKitScenes.
    """
    # Possessive: digits can be cut into numbers in as many ways as there are sums of their count.
    if re.fullmatch(rf"(?:{_NUMBER}|[\s,;\[\]])++", text) is None:
        return None
    numbers = [float(number) for number in re.findall(_NUMBER, text)]
    if len(numbers) in (4, 6) and min(numbers) > 0:
        named = dict(zip(_PINHOLE, numbers[-4:], strict=True))
        return {**named, **dict(zip(("width", "height"), numbers[:-4], strict=False))}
    return matrix_camera(numbers)


def _row_by_row(numbers: list[float]) -> list[float]:
    """Return the nine numbers of a camera matrix row by row, as ARKit (Record3D) has them not.

    Column by column, the principal point stands in the last row, in which there are zeros else.
    """
    if len(numbers) == 9 and numbers[2] == numbers[5] == 0 and all(numbers[6:8]):
        return [number for row in range(3) for number in numbers[row::3]]
    return numbers


def _kitti(text: str) -> CameraNumbers | None:
    """Read lines such as ``P_rect_02: 12 numbers``."""
    named: dict[str, list[float]] = {}
    for name, rest in re.findall(r"^(\w+):[ \t]+(.*)$", text, re.MULTILINE):
        numbers = rest.split()
        if all(re.fullmatch(_NUMBER, number) for number in numbers):
            named[name] = [float(number) for number in numbers]
    for left, right, size in _KITTI:
        found = matrix_camera(named.get(left, []))
        if found is not None:
            if len(named.get(right, [])) == 12 and named[left][3] != named[right][3]:
                found["baseline"] = (named[left][3] - named[right][3]) / found["fx"]
            if len(named.get(size, [])) == 2:
                found["width"], found["height"] = named[size]
            return found
    return None


def _colmap(text: str) -> CameraNumbers | None:
    """Read ``1 PINHOLE 640 480 525 525 320 240``; the middle of the first pixel is (0.5, 0.5)."""
    found: set[tuple[str, ...]] = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) > 4 and words[0].isdecimal() and words[1] in _COLMAP_OTHERS:
            raise InputError(
                f"its camera has the model {words[1]}, which is no pinhole: undistort the pictures "
                "first (colmap image_undistorter), and give the cameras.txt that comes with them"
            )
        if len(words) > 6 and words[0].isdecimal() and words[1] in _COLMAP:
            found.add(tuple(words[1:]))
    if not found:
        return None
    if len(found) > 1:
        raise InputError(f"holds {len(found)} cameras: keep the line of the one that you mean")
    model, width, height, *values = next(iter(found))
    names = _COLMAP[model]
    numbers = dict(zip(names, map(float, values), strict=False))
    if "f" in numbers:
        numbers["fx"] = numbers["fy"] = numbers.pop("f")
    rest = [float(value) for value in values[len(names) :]]
    half = {name: numbers[name] - 0.5 for name in ("cx", "cy")}
    size = {"width": float(width), "height": float(height)}
    return {**numbers, **half, **size, "distorted": float(any(rest))}


def _realsense(text: str) -> CameraNumbers | None:
    """Read what librealsense prints: ``640x480  p[321.2 240.1]  f[615.3 615.4]  None [0 0 0]``."""
    pair = rf"\[\s*({_NUMBER})\s+({_NUMBER})\s*\]"
    found = re.search(rf"(\d+)\s*x\s*(\d+)\s+p{pair}\s+f{pair}(.*)", text)
    if found is None:
        return None
    width, height, cx, cy, fx, fy = map(float, found.groups()[:6])
    bent = re.search(r"\[([^\]]*)\]", found[7])
    numbers = [float(n) for n in re.findall(_NUMBER, bent[1])] if bent else []
    own = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, "width": width, "height": height}
    return {**own, "distorted": float(any(numbers))}


def own_names(found: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping in names of tools in ours, without what says nothing.

    They are librealsense's (ppx, ppy, coeffs), ORB-SLAM's (Camera.fx), ScanNet's (fx_color) and
    those of NeRF (fl_x, camera_angle_x).
    """
    named = {str(name).lower(): value for name, value in found.items()}
    for read in (_orb_slam, _scannet, _nerf):
        if (numbers := read(named)) is not None:
            return numbers
    if not {"ppx", "ppy"} <= set(named):
        return named
    coefficients = named.get("coeffs", [])
    if isinstance(coefficients, str):
        coefficients = re.findall(_NUMBER, coefficients)
    bent = isinstance(coefficients, list) and any(float(number) for number in coefficients)
    kept: dict[str, object] = {
        name: named[name] for name in ("fx", "fy", "width", "height") if name in named
    }
    return {**kept, "cx": named["ppx"], "cy": named["ppy"], "distorted": float(bent)}


def _orb_slam(named: Mapping[str, object]) -> dict[str, object] | None:
    """Return the camera of settings as ORB-SLAM has them; None where they are none."""
    for prefix in ("camera.", "camera1."):
        if f"{prefix}fx" in named:
            inner = {
                name.removeprefix(prefix): value
                for name, value in named.items()
                if name.startswith(prefix)
            }
            bent = any(float(str(inner.get(name, 0))) for name in DISTORTION)
            kept: dict[str, object] = {
                name: inner[name] for name in (*_PINHOLE, "width", "height") if name in inner
            }
            return {**kept, "distorted": float(bent)}
    return None


def _scannet(named: Mapping[str, object]) -> dict[str, object] | None:
    """Return the colour camera of a scene of ScanNet; None where it is none."""
    names = {"fx": "fx_color", "fy": "fy_color", "cx": "mx_color", "cy": "my_color"}
    sizes = {"width": "colorwidth", "height": "colorheight"}
    if not set(names.values()) <= set(named):
        return None
    return {own: named[name] for own, name in {**names, **sizes}.items() if name in named}


def _nerf(named: Mapping[str, object]) -> dict[str, object] | None:
    """Return the camera of a ``transforms.json`` of NeRF, instant-ngp or nerfstudio; None else.

    The middle of the first pixel is (0.5, 0.5), as nerfstudio's data conventions say.
    """
    sides = {name: named[name] for name in ("w", "h") if name in named}
    if "fl_x" in named:
        focal: dict[str, object] = {"fx": named["fl_x"]}
    elif "camera_angle_x" in named:
        share = 0.5 / math.tan(float(str(named["camera_angle_x"])) / 2)
        if len(sides) == 2:
            focal = {"fx": share * float(str(sides["w"]))}
        elif "cx" in named:
            raise InputError("has camera_angle_x and cx without w and h: add them")
        else:
            focal, sides = {"fx": share, "per_width": 1}, {}
    else:
        return None
    if "fl_y" in named:
        focal["fy"] = named["fl_y"]
    middle = {name: float(str(named[name])) - 0.5 for name in ("cx", "cy") if name in named}
    bent = {name: named[name] for name in DISTORTION if name in named}
    return {**focal, **middle, **sides, **bent}


def depth_steps(found: Mapping[str, object]) -> float | None:
    """Return the steps of the depth map in a metre that names beside a camera tell; None if none.

    Args:
        found: The names.
    """
    named = {str(name).lower(): value for name, value in found.items()}
    for name in DEPTH_SCALES:
        try:
            value = float(str(named.get(name)))
        except ValueError:
            continue
        if value >= _LEAST_STEPS and math.isfinite(value):
            return value
        if 0 < value <= 1 / _LEAST_STEPS:
            return 1 / value
    return None
