"""Files in, a file out: read a pair, sharpen it, write it on the guide's grid."""

import time
from collections.abc import Callable
from dataclasses import replace
from os import PathLike

from gisr.inference.upscaler import Progress, Upscaler
from gisr.pipelines.depth import upscale_depth_map
from gisr.pipelines.mri import upscale_volume
from gisr.pipelines.pansharpening import upscale_scene
from gisr.pipelines.request import FileResult, Options, Order, read_order
from gisr.tasks import TaskName

_WAYS: dict[TaskName, Callable[[Upscaler, Order, Progress | None], FileResult]] = {
    "pansharpening": upscale_scene,
    "mri": upscale_volume,
    "depth": upscale_depth_map,
}


def upscale_files(
    upscaler: Upscaler,
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    output_path: str | PathLike[str],
    options: Options | None = None,
    *,
    progress: Progress | None = None,
) -> FileResult:
    """Sharpen a file with a file of another modality and write the result.

    A GeoTIFF is read, sharpened and written in parts, so that scenes may be larger than memory.
    The output has the guide's grid (size, CRS and transform, or affine) and everything else from
    the target's file (type, bands, names, nodata, compression, scaling). It appears whole or not at
    all. Pixels are unknown where the nearest target pixel is, where a panchromatic guide is, and
    where a GeoTIFF guide lies outside the target; holes of a depth map stay holes.

    Args:
        upscaler: From :func:`gisr.load_model`.
        target_path: Low-resolution GeoTIFF, NIfTI volume or depth map.
        guide_path: High-resolution file of the other modality.
        output_path: ``.tif`` for pansharpening, ``.nii`` or ``.nii.gz`` for mri, a depth format
            for depth.
        options: What the files do not say, or say wrongly.
        progress: Called with (guide pixels done, pixels in all), for volumes with slices.

    Raises:
        GisrError: As :func:`gisr.pipelines.request.read_order` and :func:`upscale_order`.
    """
    began = time.perf_counter()
    order = read_order(target_path, guide_path, output_path, options)
    result = upscale_order(upscaler, order, progress=progress)
    return replace(result, seconds=time.perf_counter() - began)


def upscale_order(
    upscaler: Upscaler, order: Order, *, progress: Progress | None = None
) -> FileResult:
    """Carry out an order that was read and checked.

    Raises:
        InputError: The values of the files cannot be used.
        FileFormatError: A file is damaged, or the output cannot be written.
        LimitError: Memory does not suffice.
    """
    began = time.perf_counter()
    result = _WAYS[order.task](upscaler, order, progress)
    return replace(result, seconds=time.perf_counter() - began)
