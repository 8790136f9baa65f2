"""What a user should know of how the grids of a target and its guide lie to each other."""

import numpy as np

from gisr.errors import percentage
from gisr.io.geotiff import GeoHeader, Turn, Warp
from gisr.io.geotiff.pair import RasterPair
from gisr.notes import Note
from gisr.pipelines.request import Request
from gisr.placement import Placement
from gisr.tasks import find_task

_NOTED_LOSS = 0.02
"""Share of the target that the result may leave out without a note: borders of scenes differ."""


def outside_notes(request: Request[RasterPair], placement: Placement) -> list[Note]:
    """Return how much of the guide lies outside the target, and of the target outside the guide."""
    target, guide, notes = request.files.target, request.files.guide, list[Note]()
    task = find_task(request.task)
    if isinstance(target.regrid, Warp):
        # What was interpolated onto the guide's grid was cut to it before.
        outside, lost = target.regrid.outside, 0.0
    else:
        covered = placement.covered_axes(target.shape, guide.shape)
        outside = 1 - np.prod([axis.mean() for axis in covered])
        lost = 1 - placement.shown(target.shape, guide.shape)
    if outside > 0:
        notes.append(
            Note(
                f"{percentage(outside)} of the {task.guide_word} lies outside the "
                f"{task.target_word}: unknown there"
            )
        )
    if lost > _NOTED_LOSS:
        notes.append(
            Note(
                f"{percentage(lost)} of the {task.target_word} lies outside the {task.guide_word} "
                f"and is not in the result, which has the pixels of {guide.path.name}: give a "
                "guide that covers it"
            )
        )
    return notes


def grid_notes(target: GeoHeader, guide: GeoHeader) -> list[Note]:
    """Return what was done with a target that does not lie along the guide's axes."""
    name, regrid = target.path.name, target.regrid
    if isinstance(regrid, Turn):
        return [
            Note(
                f"{name} is mirrored or turned by right angles against {guide.path.name}: its "
                "pixels were reordered, none was changed"
            )
        ]
    if isinstance(regrid, Warp):
        return [
            Note(
                f"{name} ({regrid.own.crs_name}) does not run along the axes of {guide.path.name} "
                f"({guide.crs_name}): it was interpolated onto them"
            )
        ]
    if target.crs != guide.crs:
        return [
            Note(
                f"{name} ({target.crs_name}) runs along the axes of {guide.path.name} "
                f"({guide.crs_name}) to a tenth of its pixels: placed by both, nothing was warped"
            )
        ]
    return []
