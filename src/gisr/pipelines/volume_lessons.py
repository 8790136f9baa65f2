"""What a network can learn of an MR volume: the plane in which thick slices are fine."""

import numpy as np
from jaxtyping import Float

from gisr.adaptation.lesson import Lesson, NoLessonsError, lessons_of
from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.data.volume_resample import (
    average_axis,
    filled,
    finite_guide,
    on_guide_axis,
    reduce_axis,
)
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.io.volumes.pair import VolumePair
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.mri_slices import in_plane
from gisr.pipelines.request import Request

_AXES = (0, 1, 2)
_MOST_SLICES = 60
"""Slices that are learnt from and judged by, evenly spread over those with contrast."""


def volume_lessons(sharpener: VolumeSharpener, target: Voxels, guide: Voxels) -> list[Lesson]:
    """Return lessons from thick slices, in their order.

    They are as fine as the guide in their plane, so the slices themselves are truths: at the
    guide's resolution, with the guide averaged over their thickness.

    Slices that are coarse in their own plane teach nothing of a finer one. With the centre of their
    k-space as targets of slices as they are, 60 seconds gained 0.8 to 2.7 dB on slices kept back
    and lost 0.4 to 1.3 dB at full resolution (docs/results/adapt.md): what is kept back cannot
    judge them.

    Args:
        sharpener: Placement and contrasts.
        target: Voxels as the file has them.
        guide: Voxels of the guide.

    Raises:
        NoLessonsError: The volume has no finer plane, or is too small.
    """
    place, thick = sharpener.placement, sharpener.placement.thick_axis
    if place.angle:
        raise NoLessonsError("the volume's axes are turned against the guide's")
    if thick is None or len(place.coarse) != 1:
        raise NoLessonsError(
            "the volume is coarse in the plane of its slices, so it has no finer plane to learn "
            "from (only thick slices have)"
        )
    low, high = place.turned(target), finite_guide(guide, place.slice_axis)
    for axis in _AXES:
        if axis != thick:
            low = on_guide_axis(low, axis, place.axis(axis))
    averaged = average_axis(high, thick, place.axis(thick))
    pairs = _fine_slices(sharpener.request, low, averaged, thick, place.axis(thick))
    return lessons_of(pairs, neighbours=True)


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
        raise NoLessonsError("no slice of the volume has contrast")
    chosen = np.linspace(0, len(pairs) - 1, min(len(pairs), _MOST_SLICES))
    return [pairs[index] for index in np.unique(chosen.round().astype(int))]


def _one_band(image: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 1"]:
    return np.ascontiguousarray(image, np.float32)[..., None]
