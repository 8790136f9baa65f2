"""Where a NIfTI header says its voxels lie: sform or qform, in millimetres.

The sform goes before the qform, as in nibabel, SPM and FSL. Where both are set and disagree, or
neither is, the user is told: the header alone does not show which is right.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from gisr.errors import FileFormatError
from gisr.io.volumes.header import ORDINALS, Shape, VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.notes import Note, warning

_METRES, _MICROMETRES = 1, 3
_MILLIMETRES_IN = {_METRES: 1e3, _MICROMETRES: 1e-3}
"""By the lowest three bits of ``xyzt_units``; 2 is millimetres, 0 unknown, which means them too."""
_NAMES = {_METRES: "metres", _MICROMETRES: "micrometres"}
_APART = 0.1
"""Voxels by which sform and qform may differ anywhere in the volume: a qform holds no shear and
fewer digits."""
_OTHER_UNIT = 9.0
"""Times that one volume is as wide as the other from which they are not in one unit."""
_FLAT = 1e-4
"""Volume that three axes of length 1 span, below which they lie in one plane."""
_RESTORE = "restore it from the original images"
_OTHER_SIZE = 0.05
"""Share by which voxel sizes may differ from the length of an axis: more is no slant of slices."""


@dataclass(frozen=True, eq=False)
class HeaderAffine:
    """What a header says of the place of its voxels."""

    affine: Float64[np.ndarray, "4 4"]
    """Voxel index to world (RAS+), mm."""
    stated: bool
    """False where both codes are 0: then the volume is taken as centred at the world's origin."""
    notes: tuple[Note, ...]


def header_affine(
    path: Path, header: Any, shape: Shape, sizes: tuple[float, float, float]
) -> HeaderAffine:
    """Return the affine of a header in millimetres, and what a user should know of it.

    Args:
        path: The file, for messages.
        header: nibabel's header.
        shape: Voxels along each axis.
        sizes: Of a voxel, as stored: nibabel takes 0 for 1.

    Raises:
        FileFormatError: Not finite, a voxel size of 0, no rotation, or axes in one plane.
    """
    _check_sizes(path, header, shape, sizes)
    affine = _best_affine(path, header)
    _check(path, header, affine)
    unit = _unit(header)
    millimetres = np.diag([*[_MILLIMETRES_IN.get(unit, 1.0)] * 3, 1.0])
    notes = []
    if unit in _NAMES:
        notes.append(
            Note(f"{path.name}: its affine is in {_NAMES[unit]}, as its header says (xyzt_units)")
        )
    both = int(header["sform_code"]) > 0 and int(header["qform_code"]) > 0
    other = _qform(header) if both else None
    if other is not None:
        apart = _largest_distance(affine, other, shape)
        if apart > _APART * np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min():
            apart *= millimetres[0, 0]
            notes.append(
                warning(
                    f"{path.name}: its sform and its qform lie up to {apart:.3g} mm apart: the "
                    "sform is taken; if the qform is right, copy it over the sform first "
                    "(fslorient -copyqform2sform)"
                )
            )
    notes += _other_sizes(path, header, affine, sizes)
    stated = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    return HeaderAffine(millimetres @ affine, stated, tuple(notes))


def _check_sizes(path: Path, header: Any, shape: Shape, sizes: tuple[float, float, float]) -> None:
    """Refuse voxel sizes of 0 that the affine is made of: an sform has its own.

    A file without codes may have no sizes at all: then it shows what the other one does. Of a
    single slice no thickness is needed.
    """
    if int(header["sform_code"]) > 0:
        return
    long = [axis for axis in range(3) if shape[axis] > 1]
    empty = [axis for axis in long if not sizes[axis]]
    if int(header["qform_code"]) > 0 or empty != long:
        _refuse_empty(path, empty)


def _other_sizes(
    path: Path,
    header: Any,
    affine: Float64[np.ndarray, "4 4"],
    sizes: tuple[float, float, float],
) -> list[Note]:
    """Return a warning of voxel sizes that are not those of an sform that stands alone.

    Beside a qform, which is made of them, the two forms are compared.
    """
    alone = int(header["sform_code"]) > 0 and int(header["qform_code"]) <= 0
    lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    stated = [size > 0 for size in sizes]  # 0 and no number say nothing
    if not alone or np.allclose(lengths[stated], np.abs(sizes)[stated], rtol=_OTHER_SIZE):
        return []
    own, other = (" x ".join(f"{size:.4g}" for size in each) for each in (lengths, sizes))
    return [
        warning(
            f"{path.name}: its sform says voxels of {own}, its pixdim {other}: the sform is taken; "
            "if pixdim is right, save it with its true affine "
            "(nibabel.Nifti1Image(image.dataobj, affine))"
        )
    ]


def _refuse_empty(path: Path, axes: list[int], restore: str = _RESTORE) -> None:
    if axes:
        names = " and ".join(f"{ORDINALS[axis]} axis" for axis in axes)
        raise FileFormatError(
            f"{path}: voxel size 0 along its {names}: save it with its true affine (nibabel: "
            f"nibabel.Nifti1Image(image.dataobj, affine)), or {restore}"
        )


def _best_affine(path: Path, header: Any) -> Float64[np.ndarray, "4 4"]:
    spatial = volume_library("nibabel.spatialimages")
    try:
        return np.asarray(header.get_best_affine(), dtype=np.float64)
    except (spatial.HeaderDataError, ValueError) as error:
        turn = ", ".join(f"{float(header[f'quatern_{each}']):.4g}" for each in "bcd")
        raise FileFormatError(
            f"{path}: its qform is no rotation (quaternion {turn}), so the place of its voxels is "
            "unknown: restore it from the original images"
        ) from error


def _check(path: Path, header: Any, affine: Float64[np.ndarray, "4 4"]) -> None:
    """Refuse an affine that gives voxels no place."""
    restore = _RESTORE
    if int(header["sform_code"]) > 0 and int(header["qform_code"]) > 0 and _places(_qform(header)):
        # The file may be whole but for its sform: a program that writes one form forgets the other.
        restore = f"copy its sound qform over the sform (fslorient -copyqform2sform), or {_RESTORE}"
    if not np.isfinite(affine).all():
        raise FileFormatError(
            f"{path}: its affine is not finite, so the place of its voxels is unknown: {restore}"
        )
    lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    _refuse_empty(path, [axis for axis in range(3) if not lengths[axis]], restore)
    if not _places(affine):
        raise FileFormatError(f"{path}: its affine has axes in one plane: {restore}")


def _places(affine: Float64[np.ndarray, "4 4"] | None) -> bool:
    """Return whether an affine gives each voxel a place of its own."""
    if affine is None:
        return False
    lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    return bool((lengths > 0).all() and abs(np.linalg.det(affine[:3, :3] / lengths)) >= _FLAT)


def _unit(header: Any) -> int:
    return int(header["xyzt_units"]) & 7


def _qform(header: Any) -> Float64[np.ndarray, "4 4"] | None:
    """Return the qform, None where its numbers are none: the sform is set and counts."""
    spatial = volume_library("nibabel.spatialimages")
    try:
        found = np.asarray(header.get_qform(), dtype=np.float64)
    except (spatial.HeaderDataError, ValueError):
        return None
    return found if np.isfinite(found).all() else None


def _largest_distance(
    first: Float64[np.ndarray, "4 4"], second: Float64[np.ndarray, "4 4"], shape: Shape
) -> float:
    """Return how far apart two affines put a voxel of a volume at most: it is a corner's."""
    ends = [(0.0, size - 1.0) for size in shape]
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*ends)]).T
    return float(np.linalg.norm(((first - second) @ corners)[:3], axis=0).max())


def unlike_units(target: VolumeHeader, guide: VolumeHeader) -> str | None:
    """Return what units may have to do with two volumes that do not fit together, if anything.

    Their headers state different ones, or they are as differently wide as no two heads are.
    """
    both = (target, guide)
    units = [_NAMES.get(_unit(volume.header), "millimetres") for volume in both]
    spans = [float(np.median(np.multiply(each.shape, each.zooms))) for each in both]
    if units[0] == units[1] and max(spans) < _OTHER_UNIT * min(spans):
        return None
    say = " and ".join(
        f"{volume.path.name} is taken to be in {unit} and {span:.3g} mm wide"
        for volume, unit, span in zip(both, units, spans, strict=True)
    )
    return (
        f"{say}, which does not fit together: if the unit of one is not true (xyzt_units), correct "
        "it (nibabel: image.header.set_xyzt_units('mm', 'meter' or 'micron')), or its affine and "
        "voxel sizes"
    )


def sizeless(target: VolumeHeader, guide: VolumeHeader) -> str | None:
    """Return which of two volumes that do not fit together state no voxel size, if any does.

    Arrays that are saved without an affine have the identity, or codes of 0 and voxels of 1 mm. Of
    two volumes of one shape that is no reason.
    """
    found = [volume.path.name for volume in (target, guide) if _is_sizeless(volume)]
    if not found or target.shape == guide.shape:
        return None
    have = "have" if len(found) > 1 else "has"
    return (
        f"{' and '.join(found)} {have} the affine of an array that was saved without one (voxels "
        "of 1 x 1 x 1 mm, the identity or codes of 0): if that is not true, save it with its true "
        "affine (nibabel.Nifti1Image(image.dataobj, affine))"
    )


def _is_sizeless(volume: VolumeHeader) -> bool:
    identity = np.allclose(volume.affine, np.eye(4), atol=1e-6)
    return bool(identity or (not volume.stated and np.allclose(volume.zooms, 1)))
