"""The point cloud that options request."""

from pathlib import Path
from typing import TYPE_CHECKING

from gisr.errors import InputError

if TYPE_CHECKING:
    from gisr.io.depth.point_cloud import PointCloud
    from gisr.pipelines.options import Options


def requested_cloud(options: "Options") -> "PointCloud | None":
    """Return where to write a point cloud and what makes metres of the values; None without one.

    Raises:
        InputError: Camera, unit or disparity without a cloud, or a cloud that lacks one of them.
        FileFormatError: The camera's file is missing or holds none.
    """
    if options.ply is None:
        given = {
            "camera": options.camera,
            "depth-unit": options.depth_unit,
            "disparity": options.disparity or None,
        }
        for name, value in given.items():
            if value is not None:
                raise InputError(
                    f"{name} is for the point cloud: add --ply cloud.ply or leave it out"
                )
        return None
    if options.camera is None:
        raise InputError(
            f"ply {options.ply}: points need the camera: add --camera calib.txt, or its numbers: "
            "--camera fx=525,cx=319.5,cy=239.5"
        )
    if options.depth_unit is None and not options.disparity:
        raise InputError(
            f"ply {options.ply}: no file says its unit: add --depth-unit mm (most 16-bit PNG), m "
            "(most floats) or 5000 (TUM), or --disparity"
        )
    from gisr.io.depth.camera import parse_depth_unit, read_camera
    from gisr.io.depth.point_cloud import PointCloud

    steps = parse_depth_unit(options.depth_unit or "1", disparity=options.disparity)
    return PointCloud(Path(options.ply), read_camera(options.camera), steps, options.disparity)
