"""Cameras read from a file, or from the numbers themselves."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import yaml

from gisr.errors import FileFormatError, InputError, LimitError
from gisr.io.depth.camera import Camera, Size
from gisr.io.depth.camera_files import MOST_BYTES, assignments, parsed_camera
from gisr.io.depth.camera_text import (
    DEPTH_SCALES,
    DISTORTION,
    camera_in_text,
    depth_steps,
    matrix_camera,
    own_names,
)
from gisr.io.files import check_readable

_MILLIMETRES = 1000.0
_HELP = (
    "give a 3x3 matrix, a calibration of Middlebury, ROS, OpenCV, Open3D, KITTI, RealSense, "
    "COLMAP, NeRF, ORB-SLAM or ScanNet, or JSON or YAML with fx, fy, cx, cy; or the numbers "
    "themselves: fx=525,cx=319.5,cy=239.5"
)
_NUMBERS = ("fx", "fy", "cx", "cy", "baseline", "doffs")
_OWN_KEYS = (*_NUMBERS, "width", "height", "distorted")
_NO_CAMERA = (
    *(KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError),
    yaml.YAMLError,
)
"""What readers raise of a file that is no calibration."""


def read_camera(source: str | PathLike[str]) -> Camera:
    """Read a camera from a file, or from the numbers themselves.

    Known are Middlebury's ``calib.txt`` (millimetres of baseline), ROS ``camera_info`` as YAML (the
    projection matrix goes before the camera matrix, as in ROS's own back-projection), Open3D's
    ``PinholeCameraIntrinsic`` (JSON), a matrix of 3 x 3 (or 4 x 4, as ScanNet has) in numbers or as
    npy, KITTI (``P_rect_02`` or ``P2``, the left colour camera), OpenCV's YAML and XML, NeRF's
    ``transforms.json``, ORB-SLAM's settings, Record3D's and ARKit's matrix (column by column),
    EuRoC's list of four, ARKitScenes' line, ScanNet's text of a scene (the colour camera),
    RealSense (JSON, or what librealsense prints), COLMAP's ``cameras.txt`` with one camera, and
    JSON, YAML or ``name=value`` lines with fx, fy, cx, cy, width, height, doffs, and a baseline in
    metres. They may be nested in other names; of several cameras the one whose names have colour or
    rgb in them is taken.

    Args:
        source: A file, or ``fx=525,fy=525,cx=319.5,cy=239.5,baseline=0.12``: all but fx may be left
            out.

    Raises:
        InputError: The numbers describe no camera.
        FileFormatError: No such file, or not one of these formats.
        LimitError: The file is too long for a calibration.
    """
    text = str(source)
    inline = re.match(r"fx\s*=", text) is not None and not Path(text).exists()
    try:
        return _camera(assignments(text) if inline else parsed_camera(_content(source)))
    except (InputError, LimitError) as error:
        raise type(error)(f"{source}: {error}") from error
    except _NO_CAMERA as error:
        kind = InputError if inline else FileFormatError
        missed = ""
        if isinstance(error, KeyError) and error.args:
            missed = f" ({error.args[0]!r} is none of its names)"
        raise kind(f"{source}: no camera in it{missed}: {_HELP}") from error


def _content(source: str | PathLike[str]) -> bytes:
    check_readable(source)
    with Path(source).open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise LimitError(f"{source}: is too long for a camera (4 MiB): {_HELP}")
    return content


def _camera(found: object) -> Camera:
    """Return the camera of a mapping in any of the known vocabularies, or nested in one."""
    if isinstance(found, list) and (numbers := camera_in_text(str(found))) is not None:
        found = numbers  # JSON of the matrix
    cameras = dict(_cameras(found, "", None))
    colour = {place: each for place, each in cameras.items() if _COLOUR.search(place)}
    for chosen in (cameras, colour):
        if len(set(chosen.values())) == 1:
            camera, place = next(iter(chosen.values())), next(iter(chosen))
            return camera if chosen is cameras else replace(camera, place=place)
    if cameras:
        names = ", ".join(list(cameras)[:_SHOWN])
        raise InputError(
            f"holds several cameras ({names}{', ...' * (len(cameras) > _SHOWN)}): give the numbers "
            "of the picture's, as fx=525,fy=525,cx=319.5,cy=239.5,width=640,height=480"
        )
    if not isinstance(found, Mapping):
        raise TypeError(f"{type(found).__name__} holds no names")
    raise KeyError(*sorted(str(name) for name in found if name not in _OWN_KEYS)[:1])


def _cameras(found: object, place: str, size: Size | None) -> Iterator[tuple[str, Camera]]:
    """Yield the cameras of a mapping and of all within it, each with the names that lead there.

    Args:
        found: A mapping or a list; anything else has none.
        place: The names that lead to it.
        size: The size of the picture by the mappings around it.
    """
    if isinstance(found, Mapping):
        camera = _own_camera(found)
        size = _size(found) or size
        if camera is not None and (steps := depth_steps(found)) is not None:
            camera = replace(camera, depth_steps=steps)
        if camera is not None:
            yield place, camera if camera.size else replace(camera, size=size)
            return
    elif not isinstance(found, list):
        return
    for name, value in found.items() if isinstance(found, Mapping) else enumerate(found):
        inner = f"{place}.{name}" if place else str(name)
        matrix = matrix_camera(_numbers(value))
        if matrix is not None and min(matrix["cx"], matrix["cy"]) > 0:  # no rotation, no pose
            bent = isinstance(found, Mapping) and _bent(found)
            yield inner, replace(_of_numbers(matrix), size=size, distorted=bent)
        elif isinstance(value, Mapping | list):
            yield from _cameras(value, inner, size)


def _own_camera(found: Mapping[str, Any]) -> Camera | None:
    """Return the camera that a mapping's own names give; None where they give none."""
    if isinstance(found.get("cam0"), str):
        matrix = [float(number) for number in re.findall(r"[^\s\[\];]+", found["cam0"])]
        baseline = float(found["baseline"]) / _MILLIMETRES
        return _from_matrix(found, matrix, baseline=baseline, doffs=float(found.get("doffs", 0)))
    projection, matrix = (_matrix(found, *names) for names in _MATRICES)
    if any(projection):
        # The right camera's projection holds -fx * baseline; the left one's holds nothing.
        shift = -projection[3] / projection[0]
        remarks = (_RECTIFIED,) if _bent(found) else ()
        camera = _from_matrix(found, projection, baseline=shift or None, remarks=remarks)
        return _in_region(camera, found.get("roi"))
    if matrix:
        return _in_region(_from_matrix(found, matrix, distorted=_bent(found)), found.get("roi"))
    named = own_names(found)
    if "fx" not in named:
        return None
    unknown = sorted(set(named) - {*_OWN_KEYS, *_SHORT, *DISTORTION, *DEPTH_SCALES, "per_width"})
    if unknown and not {"fx", "cx", "cy"} <= set(named):
        raise KeyError(unknown[0])  # a misspelt one
    numbers: dict[str, Any] = {key: float(str(named[key])) for key in _NUMBERS if key in named}
    bent = _bent(named) or named.get("distorted") == 1
    return Camera(
        size=_size(named, whole=True),
        distorted=bent,
        per_width="per_width" in named,
        unused=tuple(unknown),
        **numbers,
    )


def _in_region(camera: Camera, region: object) -> Camera:
    """Return the camera of a part of its picture, as ROS has it where a sensor reads out a part."""
    if not isinstance(region, Mapping) or camera.cx is None or camera.cy is None:
        return camera
    left, top, width, height = (
        int(region.get(name, 0)) for name in ("x_offset", "y_offset", "width", "height")
    )
    if min(width, height) < 1 or (height, width) == camera.size:
        return camera
    text = (
        f"the camera's file has a region of interest, {width} x {height} at ({left}, {top}): the "
        "picture is taken for that part of the sensor's (delete roi in the file, if it is not)"
    )
    return replace(
        camera,
        cx=camera.cx - left,
        cy=camera.cy - top,
        size=(height, width),
        remarks=(*camera.remarks, text),
    )


_RECTIFIED = (
    "the camera's projection matrix is taken, that of the rectified picture (image_rect): points "
    "of a raw one, with the lens distortion that the file has too, are wrong"
)
_MATRICES = (
    ("projection_matrix", "P", "p"),
    ("camera_matrix", "K", "k", "intrinsics", "cameraIntrinsics", "intrinsic_matrix"),
)
_SHORT = ("w", "h")
_SIZES = ("resolution", "imageResolution", "image_size", "imageSize")
"""Names of width and height in one list or mapping."""
_COLOUR = re.compile(r"colou?r|rgb", re.IGNORECASE)
_SHOWN = 3
"""Names of cameras in a message."""


def _from_matrix(found: Mapping[str, Any], matrix: Sequence[float], **others: Any) -> Camera:
    if len(matrix) == 4:  # EuRoC's: fx, fy, cx and cy
        matrix = [matrix[0], 0, matrix[2], 0, matrix[1], matrix[3], 0, 0, 1]
    numbers = matrix_camera(list(matrix))
    if numbers is None:
        raise ValueError(f"no camera matrix: {matrix}")
    return replace(_of_numbers(numbers), size=_size(found, whole=True), **others)


def _of_numbers(numbers: Mapping[str, float]) -> Camera:
    return Camera(numbers["fx"], numbers["fy"], numbers["cx"], numbers["cy"])


def _matrix(found: Mapping[str, Any], *names: str) -> list[float]:
    """Return the numbers of the first of these that is there and is no mapping of other names."""
    for name in names:
        value = found.get(name)
        if value is not None and not (isinstance(value, Mapping) and "data" not in value):
            return list(_flat(value["data"] if isinstance(value, Mapping) else value))
    return []


def _numbers(value: object) -> list[float]:
    """Return the numbers of a matrix of any name; nothing of what is none."""
    if isinstance(value, Mapping):
        value = value.get("data")
    try:
        return list(islice(_flat(value), 17))  # as many as a matrix may have, and one
    except (TypeError, ValueError):
        return []


def _flat(numbers: object) -> Iterator[float]:
    """Yield numbers row by row, in lists within lists or not, or in the text of OpenCV's XML."""
    if isinstance(numbers, str):
        numbers = numbers.split()
    if not isinstance(numbers, list):
        yield float(numbers)  # type: ignore[arg-type]
        return
    for each in numbers:
        yield from _flat(each) if isinstance(each, list) else (float(each),)


def _bent(found: Mapping[str, Any]) -> bool:
    """Return whether names say that the lens distorts: a list of coefficients, or k1 to p2."""
    lists = (value for name, value in found.items() if _DISTORTIONS.match(str(name)))
    single = (found.get(name, 0) for name in DISTORTION)
    return any(any(_numbers(value)) for value in (*lists, *single))


_DISTORTIONS = re.compile(r"D\d?$|d$|dist|coeffs$", re.IGNORECASE)


def _size(found: Mapping[str, Any], *, whole: bool = False) -> Size | None:
    """Return rows and columns of a picture, if names say both; ``whole`` refuses one of them."""
    for name in _SIZES:
        value = found.get(name)
        if isinstance(value, Mapping):
            return _size(value)
        if name in _SIZES[:2] and isinstance(value, list) and len(value) == 2:
            return int(value[1]), int(value[0])
    named = {str(name).lower().replace("_", ""): value for name, value in found.items()}
    height, width = (
        next((named[name] for name in names if named.get(name) is not None), None)
        for names in (_HEIGHTS, _WIDTHS)
    )
    if whole and (height is None) != (width is None):
        lacking = "height" if height is None else "width"
        raise InputError(f"says one side of its picture alone: add the {lacking}")
    return None if height is None or width is None else (int(float(height)), int(float(width)))


_HEIGHTS, _WIDTHS = (
    (side, f"image{side}", f"resolution{side}", f"sensor{side}", side[0])
    for side in ("height", "width")
)
