"""The point cloud that options request."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.errors import InputError

if TYPE_CHECKING:
    from gisr.io.depth.point_cloud import PointCloud


def requested_cloud(
    ply: str | PathLike[str] | None,
    *,
    camera: str | None,
    depth_unit: str | None,
    disparity: bool,
) -> "PointCloud | None":
    """Return where to write a point cloud and what makes metres of the values; None without one.

    Args:
        ply: The file.
        camera: File of a camera, or its numbers.
        depth_unit: Unit of the depth map.
        disparity: Whether values are disparity.

    Raises:
        InputError: Camera, unit or disparity without a cloud, or a cloud that lacks one of them.
        FileFormatError: The camera's file is missing or holds none.
    """
    if ply is None:
        given = {
            "camera": camera,
            "depth-unit": depth_unit,
            "disparity": disparity or None,
        }
        for name, value in given.items():
            if value is not None:
                raise InputError(
                    f"{name} is for the point cloud: add --ply cloud.ply or leave it out"
                )
        return None
    if camera is None:
        raise InputError(
            f"ply {ply}: points need the camera: add --camera calib.txt, or its numbers: "
            "--camera fx=525,cx=319.5,cy=239.5"
        )
    if depth_unit is None and not disparity:
        raise InputError(
            f"ply {ply}: no file says its unit: add --depth-unit mm (most 16-bit PNG), m "
            "(most floats) or 5000 (TUM), or --disparity"
        )
    from gisr.io.depth.camera import parse_depth_unit
    from gisr.io.depth.camera_reader import read_camera
    from gisr.io.depth.point_cloud import PointCloud

    steps = parse_depth_unit(depth_unit or "1", disparity=disparity)
    return PointCloud(Path(ply), read_camera(camera), steps, disparity)
