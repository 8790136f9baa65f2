"""Gradient tables (.bval, .bvec) beside a diffusion series: whether they hold for its result."""

import numpy as np

from gisr.io.files import file_suffix
from gisr.io.volumes.nifti import SUFFIXES
from gisr.io.volumes.pair import VolumePair
from gisr.notes import Note, warning

_SAME_AXES = ((0, 1), (1, 1), (2, 1))
"""nibabel's orientation of axes that run alike."""


def gradient_notes(files: VolumePair) -> list[Note]:
    """Return what to do with the gradient table of a target: its directions are along its axes.

    FSL's directions are those of the axes of the stored image, and a result has those of its guide.
    """
    target, place = files.target, files.placement
    if target.count == 1 or file_suffix(target.path) not in SUFFIXES:
        return []
    stem = target.path.name[: -len(file_suffix(target.path))]
    names = [f"{stem}{end}" for end in (".bval", ".bvec")]
    names = [name for name in names if target.path.with_name(name).is_file()]
    if not names:
        return []
    alike = not place.angle and np.array_equal(place.turn, _SAME_AXES)
    if alike or not names[-1].endswith(".bvec"):
        return [
            Note(f"{' and '.join(names)} {_hold(names)} for the result too: copy {_them(names)}")
        ]
    turned = (
        f"turned by {place.angle:.1f} degrees" if place.angle else "in another order or flipped"
    )
    return [
        warning(
            f"{names[-1]} states directions along the axes of {target.path.name}, and the result "
            f"has the guide's, {turned}: do not copy it, but give the guide on the target's axes "
            "(nibabel: image.as_reoriented; resample it if it is rotated), or turn the directions"
        )
    ]


def _hold(names: list[str]) -> str:
    return "holds" if len(names) == 1 else "hold"


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
