"""What a network can learn of an MR volume: its finer plane, or the centre of its k-space."""

import numpy as np
from jaxtyping import Float

from gisr.adaptation.lesson import Lesson, TooLittleError, lessons_of
from gisr.adaptation.reduced_slices import chosen_slices, slice_lessons
from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.data.volume_resample import (
    average_axis,
    filled,
    finite_guide,
    on_guide_axis,
    reduce_axis,
)
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import AxisPlacement
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.mri_slices import in_plane
from gisr.pipelines.request import Request

_AXES = (0, 1, 2)


def volume_lessons(sharpener: VolumeSharpener, target: Voxels, guide: Voxels) -> list[Lesson]:
    """Return lessons from a volume, in its order.

    Of thick slices that are as fine as the guide in their plane, the slices themselves are truths:
    at the guide's resolution, with the guide averaged over their thickness. Of other volumes the
    slices are reduced once more in their plane.

    Args:
        sharpener: Placement, contrasts and requested grid.
        target: Voxels as the file has them.
        guide: Voxels of the guide.

    Raises:
        TooLittleError: The volume is too small, or its grid is turned against the guide's.
    """
    place = sharpener.placement
    if place.angle:
        raise TooLittleError("the volume's axes are turned against the guide's")
    low, high = place.turned(target), finite_guide(guide, place.slice_axis)
    for axis in _AXES:
        if axis not in place.coarse:
            low = on_guide_axis(low, axis, place.axis(axis))
    thick = place.thick_axis
    if thick is None:
        return _within(sharpener, low, high, place.slice_axis)
    averaged = average_axis(high, thick, place.axis(thick))
    if len(place.coarse) == 3:
        return _within(sharpener, low, averaged, thick)
    return lessons_of(
        _fine_slices(sharpener.request, low, averaged, thick, place.axis(thick)), neighbours=True
    )


def _within(sharpener: VolumeSharpener, low: Voxels, high: Voxels, axis: int) -> list[Lesson]:
    """Return lessons from slices that are coarse in their plane."""
    plane = sharpener.plane_of(low, high, axis)
    shown = np.ones(len(plane.lows), bool)
    if sharpener.placement.thick_axis is None:
        shown = sharpener.placement.axis(axis).covered
    pairs = []
    for index, (target, guide) in enumerate(zip(plane.lows, plane.highs, strict=True)):
        known = np.isfinite(target)
        if shown[index] and known.any():
            valid = None if known.all() else known
            pairs.append(
                sharpener.request.pair(target[..., None], guide[..., None], valid, plane.placement)
            )
    if not pairs:
        raise TooLittleError("the guide shows no slice of the volume")
    return slice_lessons(pairs)


def _fine_slices(
    request: Request[VolumePair], low: Voxels, guide: Voxels, axis: int, thick: AxisPlacement
) -> list[Pair]:
    """Return thick slices as truths, reduced in their plane as much as they are thick.

    Along one of its axes as slices are, by the means of a box, and along the other as the finer
    axis of what the network sees is; from slice to slice in turn.
    """
    known, full = np.isfinite(low), filled(low)
    rows, columns = (each for each in _AXES if each != axis)
    lines = {
        each: AxisPlacement.centred(full.shape[each], 1 / thick.scale, thick.covers)
        for each in (rows, columns)
    }
    kinds = []
    for boxed, other in ((rows, columns), (columns, rows)):
        reduced = average_axis(full, boxed, lines[boxed])
        kinds.append(np.moveaxis(reduce_axis(reduced, other, lines[other]), axis, 0))
    truths, highs, seen = (np.moveaxis(each, axis, 0) for each in (full, guide, known))
    placement = in_plane(lines[rows], lines[columns])
    pairs = []
    for index, truth in enumerate(truths):
        if seen[index].any() and truth.min() < truth.max():
            pairs.append(
                Pair(
                    _one_band(kinds[index % 2][index]),
                    _one_band(highs[index]),
                    request.task,
                    placement,
                    "centre",
                    truth=_one_band(truth),
                    truth_valid=None if seen[index].all() else seen[index],
                    contrast=request.options.contrast,
                    guide_contrast=request.options.guide_contrast,
                )
            )
    if not pairs:
        raise TooLittleError("no slice of the volume has contrast")
    return chosen_slices(pairs)


def _one_band(image: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 1"]:
    return np.ascontiguousarray(image, np.float32)[..., None]
