"""The slice of a volume that a report shows: the one with the largest variation."""

import numpy as np

from gisr.array_types import Voxels
from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.data.volume_resample import filled, onto_guide
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement
from gisr.pipelines.report.windowed_result import ArrayResult
from gisr.pipelines.request import Request
from gisr.placement import Placement

_SAME = Placement((1.0, 1.0), (0.0, 0.0))


def volume_result(
    request: Request[VolumePair],
    placement: VolumePlacement,
    target: Voxels,
    guide: Voxels,
    sharp: Voxels,
    spread: Voxels | None,
) -> ArrayResult:
    """Return the slice of a volume with the largest standard deviation, and its pair.

    Slices are those that the network saw. The target of thick or rotated slices is shown as it was
    brought to the guide's grid, in a plane that contains the thick axis.

    Args:
        request: With contrasts.
        placement: How the guide's voxels map to the target's.
        target: Voxels of the target as in its file.
        guide: Voxels of the guide, finite.
        sharp: The result on the guide's grid.
        spread: On the same grid, if it was requested.
    """
    thick, plain = placement.thick_axis, placement.thick_axis is None and not placement.angle
    axis = placement.slice_axis if thick is None else (thick + 1) % 3
    slices = np.nan_to_num(np.moveaxis(sharp, axis, 0))
    index = int(slices.std(axis=(1, 2)).argmax())
    low = placement.turned(target)
    where = Placement(*_in_plane(placement, axis)) if plain else _SAME
    if plain:
        line = placement.axis(axis)
        number = round(index * line.scale + line.offset)
        flat = low.take(min(max(number, 0), low.shape[axis] - 1), axis=axis)
    else:
        flat = onto_guide(filled(low), placement.to_target, placement.guide_shape)
        flat = flat.take(index, axis=axis)
    known, high = np.isfinite(flat), guide.take(index, axis=axis)
    flat = fill_holes(flat, known)[..., None]
    valid = None if known.all() else known
    if plain:
        where = where.snapped(flat.shape[:2], high.shape)
        pair = request.pair(flat, high[..., None], valid, where)
    else:
        pair = Pair(flat, high[..., None], request.task, where, "centre", valid=valid)
    image, spreads = (
        None if volume is None else volume.take(index, axis=axis)[..., None]
        for volume in (sharp, spread)
    )
    assert image is not None
    name = f"slice {index + 1} of {sharp.shape[axis]} across axis {axis + 1}"
    return ArrayResult(pair, image, spreads, name, ratio=placement.ratio)


def _in_plane(
    placement: VolumePlacement, slice_axis: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    rows, columns = (placement.axis(axis) for axis in range(3) if axis != slice_axis)
    # A guide may be a per cent coarser than the target along an axis and count as the same there.
    scale = min(rows.scale, 1.0), min(columns.scale, 1.0)
    return scale, (rows.offset, columns.offset)
