"""What shows nothing: slices of an MR guide, of a target between others, volumes of a series.

Those of a guide are unknown, as slices of NaN are; those of a target are told.

A guide that covers less of the head than its target, resampled to a larger grid, has slices of
zeros beyond what was imaged. Where they begin the network would draw an edge, and a search for the
guide's motion would move that edge to where it disturbs least.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from gisr.array_types import Voxels
from gisr.data.volume_resample import nearest_mask
from gisr.io.volumes.header import Volume
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement
from gisr.notes import Note, warning

_NAMED = 5
"""Volumes that one message names."""
_SHOWS = 0.25
"""Share of the variance of a target's slices from which one shows a head and not just air or the
last of it: the median of those where the guide shows something counts."""


def without_blank_slices(files: VolumePair) -> VolumePair:
    """Return two volumes whose guide is NaN in slices of one value where the target shows a head.

    Args:
        files: As they were read, unknown voxels NaN.
    """
    guide, axis = files.guide, files.placement.slice_axis
    blank = _blank(guide.voxels, axis)
    if blank.any() and not blank.all():
        shown = _variances(files.placement.turned(files.target.voxels), files.placement)
        blank &= shown >= _SHOWS * float(np.median(shown[~blank]))
    if not blank.any() or blank.all():
        return files
    lines = np.expand_dims(blank, tuple({0, 1, 2} - {axis}))

    def clear(voxels: Float32[np.ndarray, "X Y Z"]) -> Float32[np.ndarray, "X Y Z"]:
        return np.where(lines, np.float32(np.nan), voxels)

    def read() -> Iterator[Float32[np.ndarray, "X Y Z"]]:
        return map(clear, guide.read())

    return replace(files, guide=replace(guide, voxels=clear(guide.voxels), read=read))


def dropped_slices(target: Volume) -> list[int]:
    """Return the slices of one value that lie between slices of a target that show a head.

    Args:
        target: Of a series the first volume counts.
    """
    blank = _blank(target.voxels, target.slice_axis)
    if not blank.any() or blank.all():
        return []
    variance, shows = _variance(target.voxels, target.slice_axis), np.flatnonzero(~blank)
    least = _SHOWS * float(np.median(variance[shows]))
    found = []
    for index in np.flatnonzero(blank):
        before, after = shows[shows < index], shows[shows > index]
        if len(before) and len(after) and variance[[before[-1], after[0]]].min() >= least:
            found.append(int(index))
    return found


def unknown_slices(guide: Voxels, axis: int) -> Bool[np.ndarray, " slices"]:
    """Return which slices of a guide across an axis hold nothing but NaN."""
    unknown: np.ndarray = ~np.isfinite(guide).any(axis=tuple({0, 1, 2} - {axis}))
    return unknown


def seen_by_guide(target: Voxels, guide: Voxels, placement: VolumePlacement) -> Voxels:
    """Return a target that is NaN where slices of its guide are unknown: they say nothing of it.

    Args:
        target: Turned to the guide's axes.
        guide: As it was read.
        placement: How they lie.
    """
    unknown = unknown_slices(guide, placement.slice_axis)
    if not unknown.any() or unknown.all():
        return target
    lines = np.expand_dims(unknown, tuple({0, 1, 2} - {placement.slice_axis}))
    mask = np.broadcast_to(lines, guide.shape)
    hidden = nearest_mask(mask, np.linalg.inv(placement.to_target), placement.target_shape)
    return target if hidden.all() else np.where(hidden, np.float32(np.nan), target)


def _blank(guide: Voxels, axis: int) -> Bool[np.ndarray, " slices"]:
    """Return which slices hold one value."""
    slices = np.moveaxis(guide, axis, 0).reshape(guide.shape[axis], -1)
    blank: np.ndarray = (slices == slices[:, :1]).all(axis=1)
    return blank


def _variance(voxels: Voxels, axis: int) -> NDArray[np.float64]:
    """Return the variance of the known values of each slice; 0 where there are none."""
    slices = np.moveaxis(voxels, axis, 0).reshape(voxels.shape[axis], -1)
    return np.array(
        [
            float(known.var(dtype=np.float64)) if known.size else 0.0
            for known in (values[np.isfinite(values)] for values in slices)
        ]
    )


def _variances(target: Voxels, placement: VolumePlacement) -> NDArray[np.float64]:
    """Return the variance of the target's slice that is nearest to each slice of the guide."""
    axis = placement.slice_axis
    variance = _variance(target, axis)
    middle = (np.array(placement.guide_shape) - 1) / 2
    places = np.tile(middle, (placement.guide_shape[axis], 1))
    places[:, axis] = np.arange(placement.guide_shape[axis])
    nearest = np.rint(places @ placement.to_target[axis, :3] + placement.to_target[axis, 3])
    inside = (nearest >= 0) & (nearest < len(variance))
    index = np.clip(nearest, 0, len(variance) - 1).astype(np.int64)
    return np.where(inside, variance[index], 0.0)


def blank_volumes(numbers: Sequence[int], count: int) -> tuple[Note, ...]:
    """Warn of volumes of a series that show nothing, which came out as they were.

    Args:
        numbers: Of those of one value, from 1.
        count: Volumes of the series.
    """
    if not numbers:
        return ()
    first = ", ".join(map(str, numbers[:_NAMED]))
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    which = (
        f"volumes {first}{more} of {count} show"
        if numbers[1:]
        else f"volume {first} of {count} shows"
    )
    return (warning(f"{which} one value everywhere, and came out so: was a scan lost?"),)
