"""Which voxels an MR result has: the guide's, finer ones where the target's are, the target's part.

By default a result lies on the guide's grid, which is coarser than the target's along an axis where
the guide is. Here the guide is resampled instead, and takes that grid's place.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Float64
from scipy import ndimage

from gisr.data.volume_resample import filled
from gisr.io.limits import Limits, check_volume
from gisr.io.volumes.header import Shape, Volume
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement, place_volumes
from gisr.notes import Note

Resolution = Literal["guide", "target", "finest"]
"""``guide``: its grid. ``finest``: the guide's part of the head, along each axis in the finer
voxels of both. ``target``: the same voxels over the target's part."""

_FINER = 0.98
"""Ratio below which the target is finer along an axis."""
_HALF = 0.5 - 1e-3


def with_resolution(files: VolumePair, resolution: Resolution, limits: Limits) -> VolumePair:
    """Return two volumes with the guide resampled to the grid of the result.

    Args:
        files: As they were read.
        resolution: Which grid.
        limits: How many voxels it may have.

    Raises:
        LimitError: The grid has more voxels.
    """
    place = files.placement
    if resolution == "guide":
        return files
    axes = [_span(place, axis, resolution) for axis in range(3)]
    x, y, z = (size for _, _, size in axes)
    to_old = np.eye(4)
    for axis, (step, start, _) in enumerate(axes):
        to_old[axis, axis], to_old[axis, 3] = step, start
    if place.angle and resolution == "target":
        to_old = np.linalg.inv(place.to_target) @ to_old
    shape = (x, y, z)
    if shape == files.guide.shape and np.allclose(to_old, np.eye(4)):
        return files
    check_volume(files.guide.path, limits, shape, 4)
    guide = _resampled(files.guide, to_old, shape)
    sizes = " x ".join(f"{zoom:.3g}" for zoom in guide.zooms)
    note = Note(f"{files.guide.path.name} was resampled to the grid of the result: {sizes} mm")
    return replace(
        files,
        guide=guide,
        placement=place_volumes(files.target, guide),
        notes=(*files.notes, note),
    )


def _span(place: VolumePlacement, axis: int, resolution: Resolution) -> tuple[float, float, int]:
    """Return step, start and number of the result's samples along an axis.

    In indices of the guide; of the turned target where the grids are rotated and the result lies
    as the target does.
    """
    ratio, sizes = place.ratios[axis], (place.target_shape[axis], place.guide_shape[axis])
    if place.angle:
        if resolution == "target":
            parts = max(1, round(ratio))
            return 1 / parts, 0.5 / parts - 0.5, sizes[0] * parts
        step = ratio if ratio < _FINER else 1.0
        return step, 0.5 * step - 0.5, max(1, math.floor(sizes[1] / step + 1e-6))
    line = place.axis(axis)
    own = line.scale if ratio < _FINER else 1.0  # samples of the result a guide's
    shift = line.offset if ratio < _FINER else 0.0
    if resolution == "finest":
        ends = -_HALF, sizes[1] - 1 + _HALF
    else:
        ends = (
            (-_HALF - line.offset) / line.scale,
            (sizes[0] - 1 + _HALF - line.offset) / line.scale,
        )
    first, last = math.ceil(ends[0] * own + shift), math.floor(ends[1] * own + shift)
    return 1 / own, (first - shift) / own, max(1, last - first + 1)


def _resampled(guide: Volume, to_old: Float64[np.ndarray, "4 4"], shape: Shape) -> Volume:
    """Return a guide on another grid, NaN where it shows nothing: cubic splines."""
    affine = guide.affine @ to_old
    header = _header(guide, to_old, shape)

    def moved(voxels: Float32[np.ndarray, "X Y Z"]) -> Float32[np.ndarray, "X Y Z"]:
        where = (to_old[:3, :3], to_old[:3, 3], shape)
        result: np.ndarray = ndimage.affine_transform(
            filled(voxels), *where, output=np.float32, order=3, mode="nearest"
        )
        edge = np.pad(np.isfinite(voxels), 1).astype(np.uint8)
        matrix, start, _ = where
        known = ndimage.affine_transform(edge, matrix, start + 1, shape, order=0, cval=0)
        return np.where(known > 0, result, np.float32(np.nan))

    def read() -> Iterator[Float32[np.ndarray, "X Y Z"]]:
        return map(moved, guide.read())

    return replace(
        guide, shape=shape, affine=affine, header=header, read=read, voxels=moved(guide.voxels)
    )


def _header(guide: Volume, to_old: Float64[np.ndarray, "4 4"], shape: Shape) -> Any:  # noqa: ANN401 - nibabel's
    """Return the header of a guide for another grid, its codes and unit kept."""
    header = guide.header.copy()
    own = np.asarray(header.get_best_affine(), dtype=np.float64) @ to_old
    codes = int(header["qform_code"]), int(header["sform_code"])
    header.set_data_shape(shape)
    header.set_qform(own, code=codes[0])
    header.set_sform(own, code=codes[1])
    if not any(codes):
        header.set_zooms(np.sqrt((own[:3, :3] ** 2).sum(axis=0)))
    return header
