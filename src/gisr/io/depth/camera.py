"""Pinhole cameras: how pixels become rays and disparities distances, read from a file or a word."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Bool, Float

from gisr.errors import FileFormatError, InputError, LimitError
from gisr.io.depth.camera_text import camera_in_text, own_names, row_by_row
from gisr.io.files import check_readable

_UNITS = {"m": 1.0, "cm": 100.0, "mm": 1000.0, "um": 1e6}
"""Stored steps in a metre."""
_MOST_BYTES = 65536
"""A calibration takes a few hundred bytes."""
_MOST_BRACKETS = 64
"""A list a matrix, and few of them."""
_MILLIMETRES = 1000.0
_HELP = (
    "give a 3x3 matrix, a calibration of Middlebury, ROS, OpenCV, Open3D, KITTI, RealSense, "
    "COLMAP, ORB-SLAM or ScanNet, or JSON or YAML with fx, fy, cx, cy; or the numbers themselves: "
    "fx=525,cx=319.5,cy=239.5"
)
_OWN_KEYS = ("fx", "fy", "cx", "cy", "baseline", "doffs", "width", "height", "distorted")


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without lens distortion; pixel (0, 0) has its centre at (0, 0).

    Raises:
        InputError: A number is not finite, or a length is not above zero.
    """

    fx: float
    """Focal length along columns, in pixels."""
    fy: float | None = None
    """Focal length along rows; that along columns when None."""
    cx: float | None = None
    """Column of the principal point; the middle of the picture when None."""
    cy: float | None = None
    """Row of the principal point; likewise."""
    size: tuple[int, int] | None = None
    """Rows and columns of the picture that the numbers are for; those of the guide when None."""
    baseline: float | None = None
    """Metres between the two cameras of a stereo pair."""
    doffs: float = 0.0
    """Column of the right principal point minus that of the left: added to a disparity."""
    distorted: bool = False
    """Whether the file has lens distortion, which is not undone here."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        lengths = (self.fx, self.fy, self.baseline, *(self.size or ()))
        numbers = (*lengths, self.cx, self.cy, self.doffs)
        if not all(number is None or math.isfinite(number) for number in numbers):
            raise InputError(f"camera {self} holds numbers that are not finite")
        if not all(number is None or number > 0 for number in lengths):
            raise InputError(f"camera {self}: focal lengths, baseline and size must be above 0")

    def on_grid(self, shape: tuple[int, int]) -> "Camera":
        """Return the same camera for a picture of another size of the same field of view.

        Args:
            shape: Rows and columns.

        Raises:
            InputError: The proportions differ by more than rounding to whole pixels.
        """
        size = self.size or shape
        rows, columns = (new / old for new, old in zip(shape, size, strict=True))
        if abs(rows / columns - 1) > 1 / min(*shape, *size) + 1e-6:
            raise InputError(
                f"the camera is for a picture of {size[1]} x {size[0]} pixels, the guide has "
                f"{shape[1]} x {shape[0]}: give the camera of the guide"
            )
        cx = (size[1] - 1) / 2 if self.cx is None else self.cx
        cy = (size[0] - 1) / 2 if self.cy is None else self.cy
        return replace(
            self,
            fx=self.fx * columns,
            fy=(self.fy or self.fx) * rows,
            cx=(cx + 0.5) * columns - 0.5,
            cy=(cy + 0.5) * rows - 0.5,
            size=shape,
        )

    def distance(self, disparity: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
        """Return metres along the optical axis: Z = fx * baseline / (disparity + doffs).

        The camera must have a baseline.

        Args:
            disparity: In pixels of the picture this camera is for. Where it is that of infinity or
                beyond, the result is not finite.
        """
        assert self.baseline is not None
        shifted = disparity.astype(np.float64) + self.doffs
        metres = np.full(disparity.shape, np.nan)
        np.divide(self.fx * self.baseline, shifted, out=metres, where=shifted > 0)
        return metres

    def points(
        self, distance: Float[np.ndarray, "H W"], chosen: Bool[np.ndarray, "H W"]
    ) -> Float[np.ndarray, "points 3"]:
        """Return points in metres: x to the right, y down, z along the optical axis.

        Args:
            distance: Metres along the optical axis.
            chosen: Which pixels to take, row by row.
        """
        own = self.on_grid((distance.shape[0], distance.shape[1]))
        assert own.fy is not None and own.cx is not None and own.cy is not None
        rows, columns = np.nonzero(chosen)
        z = distance[chosen].astype(np.float64)
        x, y = (columns - own.cx) * z / own.fx, (rows - own.cy) * z / own.fy
        return np.stack([x, y, z], axis=-1)


def read_camera(source: str | PathLike[str]) -> Camera:
    """Read a camera from a file, or from the numbers themselves.

    Known are Middlebury's ``calib.txt`` (millimetres of baseline), ROS ``camera_info`` as YAML (the
    projection matrix goes before the camera matrix, as in ROS's own back-projection), Open3D's
    ``PinholeCameraIntrinsic`` (JSON), a matrix of 3 x 3 (or 4 x 4, as ScanNet has) in numbers,
    KITTI (``P_rect_02`` or ``P2``, the left colour camera), OpenCV's YAML, ORB-SLAM's settings,
    Record3D's and ARKit's matrix (column by column), EuRoC's list of four, ARKitScenes' line,
    ScanNet's text of a scene (the colour camera), RealSense (JSON, or what librealsense
    prints), COLMAP's ``cameras.txt`` with one camera, and JSON, YAML or ``name=value`` lines with
    fx, fy, cx, cy, width, height, doffs, and a baseline in metres.

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
    if not inline:
        check_readable(source)
        with Path(source).open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise LimitError(f"{source}: is too long for a camera (64 KiB): {_HELP}")
        text = content.decode("utf-8-sig", errors="replace")
    try:
        if text.count("{") + text.count("[") > _MOST_BRACKETS:
            raise ValueError("no calibration; brackets within brackets take the parser a second")
        found = _assignments(text) or camera_in_text(text)
        return _camera(found or _mapping(text))
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, yaml.YAMLError, RecursionError) as error:
        kind = InputError if inline else FileFormatError
        missed = f" ({error.args[0]!r} is none of its names)" if isinstance(error, KeyError) else ""
        raise kind(f"{source}: no camera in it{missed}: {_HELP}") from error


def parse_depth_unit(text: str, *, disparity: bool = False) -> float:
    """Return how many stored steps make one metre, or one pixel of disparity.

    Args:
        text: ``m``, ``cm``, ``mm``, ``um``, or the number itself: 5000 for TUM's PNG files, 256 for
            KITTI's.
        disparity: Whether values are disparity, which has no metres: only a number will do.

    Raises:
        InputError: It is neither.
    """
    units = {} if disparity else _UNITS
    try:
        steps = units[text] if text in units else float(text)
    except ValueError:
        steps = math.nan
    if not 0 < steps < math.inf:
        needed = (
            "the number of stored steps in a pixel of disparity, such as 256 for KITTI's files"
            if disparity
            else "m, cm, mm, um, or the number of stored steps in a metre, such as 5000 for TUM's"
        )
        raise InputError(f"depth unit {text!r} must be {needed}")
    return steps


def _mapping(text: str) -> object:
    """Return the first document of YAML or JSON; OpenCV writes both in a dialect of its own."""
    plain = re.sub(r"\A%YAML:[^\n]*\n", "", text).replace("!!opencv-matrix", "")
    return next(yaml.safe_load_all(plain.expandtabs(1)), None)


def _assignments(text: str) -> dict[str, str]:
    """Return ``name=value`` pairs, one a line or between commas; nothing where there are none."""
    return dict(re.findall(r"(?:^|[\n,])\s*(\w+)\s*=\s*([^\n,]+)", text))


def _camera(found: object) -> Camera:
    """Return the camera of a mapping in any of the known vocabularies."""
    if isinstance(found, list):  # JSON of the matrix
        found = camera_in_text(str(found))
    if not isinstance(found, Mapping):
        raise TypeError(f"{type(found).__name__} holds no names")
    for name in _WITHIN:
        if isinstance(found.get(name), Mapping):
            return _camera(found[name])
    if "cam0" in found:
        matrix = [float(number) for number in re.findall(r"[^\s\[\];]+", found["cam0"])]
        baseline = float(found["baseline"]) / _MILLIMETRES
        return _from_matrix(found, matrix, baseline=baseline, doffs=float(found.get("doffs", 0)))
    projection, matrix = (_matrix(found, *names) for names in _ROS_MATRICES)
    if any(projection):
        matrix = [*projection[:3], *projection[4:7], *projection[8:11]]
    if matrix:
        # The right camera's projection holds -fx * baseline; the left one's holds nothing.
        shift = -projection[3] / projection[0] if any(projection) else 0.0
        bent = any(_matrix(found, "distortion_coefficients", "D", "d")) and not any(projection)
        return _from_matrix(found, matrix, baseline=shift or None, distorted=bent)
    if "intrinsic_matrix" in found:  # Open3D writes it column by column
        columns = _matrix(found, "intrinsic_matrix")
        return _from_matrix(found, [number for row in range(3) for number in columns[row::3]])
    named = own_names(found)
    unknown = sorted(set(named) - set(_OWN_KEYS))
    if unknown:
        raise KeyError(unknown[0])
    numbers = {key: float(named[key]) for key in _OWN_KEYS if key in named}  # type: ignore[arg-type]
    size, bent = _size(numbers), bool(numbers.pop("distorted", 0))
    kept = {key: value for key, value in numbers.items() if key not in ("width", "height")}
    return Camera(size=size, distorted=bent, **kept)


_WITHIN = ("intrinsic", "intrinsics")
"""Where the camera stands in files that hold more: Open3D's PinholeCameraParameters."""
_ROS_MATRICES = (
    ("projection_matrix", "P", "p"),
    ("camera_matrix", "K", "k", "intrinsics", "cameraIntrinsics"),
)
_SIZES = ("resolution", "imageResolution")
"""Names of width and height in one list."""


def _from_matrix(found: Mapping[str, Any], matrix: Sequence[float], **others: Any) -> Camera:
    if len(matrix) == 4:  # EuRoC's: fx, fy, cx and cy
        matrix = [matrix[0], 0, matrix[2], 0, matrix[1], matrix[3], 0, 0, 1]
    if len(matrix) != 9:
        raise ValueError(f"a camera matrix has 9 numbers, not {len(matrix)}")
    rows = row_by_row(list(matrix))
    return Camera(fx=rows[0], fy=rows[4], cx=rows[2], cy=rows[5], size=_size(found), **others)


def _matrix(found: Mapping[str, Any], *names: str) -> list[float]:
    """Return the numbers of the first of these that is there: a list, or ROS's ``data`` of one."""
    for name in names:
        if name in found:
            value = found[name]
            return _flat(value["data"] if isinstance(value, Mapping) else value)
    return []


def _flat(numbers: object) -> list[float]:
    """Return numbers row by row, in lists within lists or not."""
    if isinstance(numbers, list):
        return [number for each in numbers for number in _flat(each)]
    return [float(numbers)]  # type: ignore[arg-type]


def _size(found: Mapping[str, Any]) -> tuple[int, int] | None:
    for name in _SIZES:
        if isinstance(found.get(name), list) and len(found[name]) == 2:
            return int(found[name][1]), int(found[name][0])
    height, width = (
        found.get(name, found.get(f"image_{name}", found.get(name[0])))
        for name in ("height", "width")
    )
    return None if height is None or width is None else (int(height), int(width))
