"""Two pictures of MR slices, which have no affine: placed as the target seems to be reduced."""

from dataclasses import replace

from gisr.data.volume_resample import finite_guide
from gisr.estimation.slice_grid import reduced_as_picture
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.picture import as_reduced_pictures, is_picture
from gisr.io.volumes.placement import place_volumes


def with_picture_grid(files: VolumePair, grid: str | None) -> VolumePair:
    """Return two pictures with the target placed as a reduced picture, if the guide says it is one.

    Args:
        files: As they were read: of two pictures the target placed as a crop of k-space.
        grid: The grid that the user named; then nothing is judged.
    """
    target, guide = files.target, files.guide
    if grid is not None or not (is_picture(target.path) and is_picture(guide.path)):
        return files
    if not reduced_as_picture(target.voxels[..., 0], finite_guide(guide.voxels, 2)[..., 0]):
        return files
    target, notes = as_reduced_pictures(target, guide, files.notes)
    return replace(files, target=target, placement=place_volumes(target, guide), notes=notes)
