"""Files that do not say where they lie: the target placed as it seems to be reduced.

Pictures have no affine and are read as a crop of k-space and its guide; volumes whose codes are 0
are read with their areas on each other. The guide tells which of the two it is.
"""

from dataclasses import replace

import numpy as np

from gisr.data.volume_resample import finite_guide
from gisr.estimation.slice_grid import cropped_in_kspace, reduced_as_picture
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.picture import as_reduced_pictures, is_picture
from gisr.io.volumes.placement import place_volumes
from gisr.notes import Note


def with_assumed_grid(files: VolumePair, grid: str | None) -> VolumePair:
    """Return two volumes with the target placed as the guide says, where no header says it.

    Args:
        files: As they were read.
        grid: The grid that the user named; then nothing is judged.
    """
    pictures = all(is_picture(volume.path) for volume in (files.target, files.guide))
    if grid is not None or (files.target.stated and files.guide.stated):
        return files
    return _pictures(files) if pictures else _volumes(files)


def _pictures(files: VolumePair) -> VolumePair:
    target, guide = files.target, files.guide
    if not reduced_as_picture(target.voxels[..., 0], finite_guide(guide.voxels, 2)[..., 0]):
        return files
    target, notes = as_reduced_pictures(target, guide, files.notes)
    return replace(files, target=target, placement=place_volumes(target, guide), notes=notes)


def _volumes(files: VolumePair) -> VolumePair:
    """Place volumes of one field of view and as many slices, the middle one of which is judged."""
    target, guide, place = files.target, files.guide, files.placement
    axis = place.slice_axis
    lines = [place.axis(each) for each in place.coarse]
    areas = [line.drift(0.5 * line.natural_scale - 0.5) <= line.tolerance for line in lines]
    if len(lines) != 2 or axis in place.coarse or not all(areas) or not place.axis(axis).same:
        return files
    if target.shape[axis] != guide.shape[axis] or not np.array_equal(place.turn[:, 1], [1, 1, 1]):
        return files
    middle = guide.shape[axis] // 2
    low = place.turned(target.voxels).take(middle, axis)
    if not cropped_in_kspace(low, finite_guide(guide.voxels, axis).take(middle, axis)):
        return files
    affine = target.affine.copy()
    affine[:3, 3] = guide.affine[:3, 3]
    target = replace(target, affine=affine)
    note = Note(
        f"{guide.path.name} explains most of {target.path.name} as a crop of k-space: it is placed "
        "so (--grid centre if it was reduced as pictures are)"
    )
    placement, notes = place_volumes(target, guide), (*files.notes, note)
    return replace(files, target=target, placement=placement, notes=notes)
