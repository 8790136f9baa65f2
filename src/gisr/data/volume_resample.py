"""Resampling whole volumes: along one axis, or onto a grid that is rotated against theirs."""

import numpy as np
from jaxtyping import Bool, Float, Float64, Shaped
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import fill_holes
from gisr.data.resample import bicubic_to_target, weighted_taps
from gisr.errors import InputError
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.placement import Placement

_BESIDE = 0.1
"""Target voxels off a sample from which the next one counts: grids that agree differ by less."""


def to_guide_axis(
    volume: Float[np.ndarray, "X Y Z"], axis: int, place: AxisPlacement
) -> Float[np.ndarray, "X Y Z"]:
    """Bring a target's samples along one axis to those of its guide.

    Cubic splines (scipy.ndimage) where the guide is as fine or finer, antialiased bicubic where it
    is coarser. Outside the target its border is repeated.

    Args:
        volume: The target, finite.
        axis: The axis to resample.
        place: How the guide's samples lie on the target's.
    """
    if place.scale > 1:
        return _reduced(
            volume, axis, place.guide_size, 1 / place.scale, -place.offset / place.scale
        )
    steps, starts, shape = np.ones(3), np.zeros(3), list(volume.shape)
    steps[axis], starts[axis], shape[axis] = place.scale, place.offset, place.guide_size
    return _transformed(volume, steps, starts, shape)


def sample_axis(
    volume: Float[np.ndarray, "X Y Z"], axis: int, place: AxisPlacement
) -> Float[np.ndarray, "X Y Z"]:
    """Return the values of a smooth volume at the target's samples along one axis: cubic splines.

    Args:
        volume: Values at the guide's samples along the axis.
        axis: The axis to sample.
        place: How the guide's samples lie on the target's.
    """
    steps, starts, shape = np.ones(3), np.zeros(3), list(volume.shape)
    steps[axis], starts[axis] = 1 / place.scale, -place.offset / place.scale
    shape[axis] = place.target_size
    return _transformed(volume, steps, starts, shape)


def reduce_axis(
    volume: Float[np.ndarray, "X Y Z"], axis: int, place: AxisPlacement
) -> Float[np.ndarray, "X Y Z"]:
    """Reduce a volume along one axis from the guide's samples to the target's.

    Antialiased bicubic.
    """
    return _reduced(volume, axis, place.target_size, place.scale, place.offset)


def average_axis(
    volume: Float[np.ndarray, "X Y Z"], axis: int, place: AxisPlacement
) -> Float[np.ndarray, "X Y Z"]:
    """Return what thick slices would show of a volume: the means over the target's samples.

    The slice profile is taken to be a box as wide as the distance of the slices, or the share of it
    that they cover; guide samples that lie in two slices count in both by their shares.

    Args:
        volume: Values at the guide's samples along the axis.
        axis: The axis through the slices.
        place: How the guide's samples lie on the slices.
    """
    width = place.covers / place.scale
    centres = (np.arange(place.target_size) - place.offset) / place.scale
    first = np.floor(centres - width / 2).astype(np.int64)
    taps = first[:, None] + np.arange(int(np.ceil(width)) + 2)
    low = np.maximum(taps - 0.5, centres[:, None] - width / 2)
    high = np.minimum(taps + 0.5, centres[:, None] + width / 2)
    return weighted_taps(volume, taps, np.maximum(high - low, 0.0) / width, axis)


def onto_guide(
    volume: Float[np.ndarray, "X Y Z"],
    to_target: Float64[np.ndarray, "4 4"],
    shape: tuple[int, int, int],
) -> Float[np.ndarray, "X Y Z"]:
    """Resample a finite target once onto a grid that is rotated against its own: cubic splines."""
    return _transformed(volume, to_target[:3, :3], to_target[:3, 3], shape)


def nearest_mask(
    mask: Shaped[np.ndarray, "X Y Z"],
    to_target: Float64[np.ndarray, "4 4"],
    shape: tuple[int, int, int],
) -> Shaped[np.ndarray, "X Y Z"]:
    """Return for every voxel of a grid what holds at the nearest target voxel."""
    nearest: np.ndarray = ndimage.affine_transform(
        mask.astype(np.uint8),
        to_target[:3, :3],
        to_target[:3, 3],
        shape,
        order=0,
        mode="nearest",
    )
    return nearest.astype(bool)


def wholly_within(
    mask: Bool[np.ndarray, "X Y Z"],
    to_target: Float64[np.ndarray, "4 4"],
    shape: tuple[int, int, int],
) -> Bool[np.ndarray, "X Y Z"]:
    """Return which voxels of a grid have nothing but marked target voxels around them.

    Those that linear interpolation takes count, to a tenth of a target voxel.
    """
    share: np.ndarray = ndimage.affine_transform(
        mask.astype(np.float32),
        to_target[:3, :3],
        to_target[:3, 3],
        shape,
        order=1,
        mode="nearest",
    )
    within: NDArray[np.bool_] = share > 1 - _BESIDE
    return within


def filled(volume: Float[np.ndarray, "X Y Z"]) -> Float[np.ndarray, "X Y Z"]:
    """Return a volume whose voxels that are not finite have the nearest finite value."""
    return fill_holes(volume, np.isfinite(volume))


def finite_guide(guide: Float[np.ndarray, "X Y Z"], axis: int) -> Float[np.ndarray, "X Y Z"]:
    """Return a guide without NaN: the nearest finite value of the same slice across an axis.

    Slices without any are as the nearest one that has some: zeros would begin with an edge.

    Raises:
        InputError: No voxel is finite.
    """
    finite = np.isfinite(guide)
    if finite.all():
        return guide
    if not finite.any():
        raise InputError("no voxel of the guide is finite: there is nothing to go by")
    result = np.empty_like(guide)
    slices, known, out = (np.moveaxis(volume, axis, 0) for volume in (guide, finite, result))
    some = np.flatnonzero(known.any(axis=(1, 2)))
    for index in some:
        out[index] = fill_holes(slices[index], known[index])
    nearest = some[np.abs(np.arange(len(slices))[:, None] - some).argmin(axis=1)]
    out[...] = out[nearest]
    return result


def on_guide_axis(
    low: Float[np.ndarray, "X Y Z"], axis: int, line: AxisPlacement
) -> Float[np.ndarray, "X Y Z"]:
    """Bring a target to its guide's samples along an axis where the guide is not finer.

    Samples that coincide are taken as they are; voxels whose nearest is not finite are NaN. Outside
    the target its border is repeated.
    """
    if line.same:
        start = round(line.offset)
        return low.take(range(start, start + line.guide_size), axis=axis, mode="clip")
    known = np.isfinite(low)
    if known.all():
        return to_guide_axis(low, axis, line)
    moved, shape = np.eye(4), list(low.shape)
    moved[axis, axis], moved[axis, 3], shape[axis] = line.scale, line.offset, line.guide_size
    near = nearest_mask(known, moved, (shape[0], shape[1], shape[2]))
    return np.where(near, to_guide_axis(filled(low), axis, line), np.float32(np.nan))


def _reduced(
    volume: Float[np.ndarray, "X Y Z"], axis: int, size: int, scale: float, offset: float
) -> Float[np.ndarray, "X Y Z"]:
    first = np.moveaxis(volume, axis, 0)
    place = Placement((scale, 1.0), (offset, 0.0))
    return np.moveaxis(bicubic_to_target(first, (size, first.shape[1]), place), 0, axis)


def _transformed(
    volume: Float[np.ndarray, "X Y Z"],
    matrix: Float64[np.ndarray, "..."],
    offset: Float64[np.ndarray, "3"],
    shape: tuple[int, ...] | list[int],
) -> Float[np.ndarray, "X Y Z"]:
    result: np.ndarray = ndimage.affine_transform(
        volume, matrix, offset, tuple(shape), output=np.float32, order=3, mode="nearest"
    )
    return result
