"""Two MR volumes that belong together: both loaded, and how they lie."""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from gisr.errors import InputError, PairError
from gisr.io.files import file_suffix
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.volumes import dicom, nifti, picture
from gisr.io.volumes.dicom_files import is_dicom
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.nifti_affine import sizeless, unlike_units
from gisr.io.volumes.nifti_extensions import extension_notes
from gisr.io.volumes.placement import VolumePlacement, place_volumes
from gisr.notes import Note, warning

_TEMPLATES = {3: "Talairach space", 4: "MNI space", 5: "a template's space"}
"""By code of the sform, or of the qform where that is not set."""


@dataclass(frozen=True, eq=False)
class VolumePair:
    """Two MR volumes; of a series the first volumes, the others are read one by one."""

    target: Volume
    guide: Volume
    placement: VolumePlacement
    notes: tuple[Note, ...] = ()
    """What a user should know of the headers."""


def read_volume_pair(
    target_path: str | PathLike[str], guide_path: str | PathLike[str], limits: Limits
) -> VolumePair:
    """Read two volumes, NIfTI files or DICOM series, and place them by their affines.

    Two pictures are volumes of one slice and one field of view.

    Raises:
        InputError: A first volume has no finite voxel.
        PairError: The volumes do not fit together.
        FileFormatError: A file is missing, damaged or of the wrong kind.
        LimitError: A header claims more than the limits.
        MissingExtraError: The package that reads the format is not installed.
    """
    target, guide, assumed = _headers(target_path, guide_path, limits)
    placement = _placed(target, guide)
    if guide.count not in (1, target.count):
        raise PairError(
            f"{guide.path.name}: {guide.count} volumes for {target.count} of the target: give one "
            "guide for all (nibabel: image.slicer[..., 0] is the first volume), or one for each"
        )
    lost = extension_notes(target.path, target.extensions)
    notes = (*target.notes, *guide.notes, *lost, *assumed, *_spaces(target, guide))
    return VolumePair(_loaded(target), _loaded(guide), placement, notes)


def read_placement(
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
) -> VolumePlacement:
    """Return how two volumes lie, from their headers; no voxel is read.

    Raises:
        GisrError: As :func:`read_volume_pair`, for faults of the headers.
    """
    target, guide, _ = _headers(target_path, guide_path, limits)
    return _placed(target, guide)


def _placed(target: VolumeHeader, guide: VolumeHeader) -> VolumePlacement:
    """Return how two volumes lie; what does not fit may be their units, or no voxel size."""
    try:
        return place_volumes(target, guide)
    except PairError as error:
        pictures = any(picture.is_picture(volume.path) for volume in (target, guide))
        if words := unlike_units(target, guide) or (not pictures and sizeless(target, guide)):
            raise PairError(f"{words}; else: {error}") from error
        raise


def read_image(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Volume:
    """Read a NIfTI file of one volume, or a picture.

    Raises:
        GisrError: As :func:`gisr.io.volumes.nifti.read_nifti`.
    """
    if picture.is_picture(path):
        return picture.read_picture(path, limits)
    return nifti.read_nifti(path, limits)


def _headers(
    target_path: str | PathLike[str], guide_path: str | PathLike[str], limits: Limits
) -> tuple[VolumeHeader, VolumeHeader, list[Note]]:
    """Return both headers, and what was assumed of those that do not say where they lie."""
    read = [_volume_header(path, limits) for path in (target_path, guide_path)]
    pictures = any(picture.is_picture(volume.path) for volume in read)
    return (picture.with_places if pictures else _with_places)(*read)


def _with_places(
    target: VolumeHeader, guide: VolumeHeader
) -> tuple[VolumeHeader, VolumeHeader, list[Note]]:
    """Return two headers that say where they lie, and what was assumed for those that do not.

    A volume whose qform and sform codes are both 0 is taken to show the field of view of the
    other, if that is as large (or, where both have no voxel sizes either, is all there is to go
    by); otherwise it is centred at the world's origin, as its voxel sizes say.
    """
    lost = [volume for volume in (target, guide) if not volume.stated]
    if not lost:
        return target, guide, []
    names = " and ".join(volume.path.name for volume in lost)
    say = "do not say where they lie" if len(lost) > 1 else "does not say where it lies"
    remedy = "copy the codes and the affine of the original images into it to be sure"
    unsized = len(lost) > 1 and all(np.allclose(volume.zooms, 1) for volume in lost)
    alike = _same_extent(target, guide)
    if alike or unsized:
        if target.stated:
            guide = _covering(guide, target)
        else:
            target = _covering(target, guide)
        assumed = "target and guide are taken to show the same field of view"
    else:
        assumed = "taken as centred at the origin"
    text = f"{names} {say} (qform and sform codes are 0): {assumed}; {remedy}"
    return target, guide, [warning(text)]


def _spaces(target: VolumeHeader, guide: VolumeHeader) -> list[Note]:
    """Return what to say of two volumes whose places need not be those of one space.

    That is where DICOM states two frames of reference, or one lies in the space of a template.

    Scanner and aligned (1 and 2) are mixed by programs that mean one place; a template's place is
    another one than the scanner's.
    """
    if target.frame and guide.frame and target.frame != guide.frame:
        text = "their places need not agree, check that they are registered"
        both = f"{target.path.name} and {guide.path.name}"
        return [Note(f"{both} have different frames of reference (DICOM): {text}")]
    headers = (target.header, guide.header)
    codes = [int(each["sform_code"]) or int(each["qform_code"]) for each in headers]
    if 0 in codes or len({code in _TEMPLATES for code in codes}) == 1:
        return []
    names = (target.path.name, guide.path.name)
    places = [
        f"{name} lies in {_TEMPLATES.get(code, 'the space of a scan')}"
        for name, code in zip(names, codes, strict=True)
    ]
    text = "taken for one space, check that they are registered"
    return [
        Note(f"by their headers {' and '.join(places)} (codes {codes[0]} and {codes[1]}): {text}")
    ]


def _same_extent(first: VolumeHeader, second: VolumeHeader) -> bool:
    """Return whether two volumes are equally large along each axis, to one of their voxels."""
    sizes = [np.multiply(volume.shape, volume.zooms) for volume in (first, second)]
    voxel = np.maximum(first.zooms, second.zooms)
    return bool((np.abs(sizes[0] - sizes[1]) < voxel).all())


def _covering(volume: VolumeHeader, other: VolumeHeader) -> VolumeHeader:
    """Return a volume that lies so that it covers another one's field of view."""
    factors = np.divide(other.shape, volume.shape)
    affine = other.affine @ np.diag([*factors, 1.0])
    affine[:3, 3] = (other.affine @ [*((factors - 1) / 2), 1.0])[:3]
    return replace(volume, affine=affine)


def _volume_header(path: str | PathLike[str], limits: Limits) -> VolumeHeader:
    if (file_suffix(path) not in nifti.SUFFIXES and is_dicom(path)) or Path(path).is_dir():
        return dicom.read_dicom_header(path, limits)
    if picture.is_picture(path):
        return picture.read_picture(path, limits)
    return nifti.read_nifti_header(path, limits)


def _loaded(header: VolumeHeader) -> Volume:
    """Return a header with its first volume, which must hold something."""
    volume = header if isinstance(header, Volume) else header.load()
    if not volume.valid.any():
        raise InputError(f"{header.path}: no voxel is finite: there is nothing to sharpen")
    return volume
