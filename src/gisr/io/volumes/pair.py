"""Two MR volumes that belong together: both loaded, and how they lie."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from gisr.errors import InputError, PairError
from gisr.io.files import file_suffix
from gisr.io.limits import Limits
from gisr.io.volumes import dicom, nifti
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.placement import VolumePlacement, place_volumes


@dataclass(frozen=True, eq=False)
class VolumePair:
    """Two MR volumes; of a series the first volumes, the others are read one by one."""

    target: Volume
    guide: Volume
    placement: VolumePlacement


def read_volume_pair(
    target_path: str | PathLike[str], guide_path: str | PathLike[str], limits: Limits
) -> VolumePair:
    """Read two volumes, NIfTI files or DICOM series, and place them by their affines.

    Raises:
        InputError: A first volume has no finite voxel.
        PairError: The volumes do not fit together.
        FileFormatError: A file is missing, damaged or of the wrong kind.
        LimitError: A header claims more than the limits.
        MissingExtraError: The package that reads the format is not installed.
    """
    headers = [_volume_header(path, limits) for path in (target_path, guide_path)]
    placement = place_volumes(*headers)
    target, guide = headers
    if guide.count not in (1, target.count):
        raise PairError(
            f"{guide.path.name}: {guide.count} volumes for {target.count} of the target: give one "
            "guide for all, or one for each"
        )
    return VolumePair(_loaded(target), _loaded(guide), placement)


def _volume_header(path: str | PathLike[str], limits: Limits) -> VolumeHeader:
    if (file_suffix(path) not in nifti.SUFFIXES and dicom.is_dicom(path)) or Path(path).is_dir():
        return dicom.read_dicom_header(path, limits)
    return nifti.read_nifti_header(path, limits)


def _loaded(header: VolumeHeader) -> Volume:
    """Return a header with its first volume, which must hold something."""
    volume = header.load()
    if not volume.valid.any():
        raise InputError(f"{header.path}: no voxel is finite: there is nothing to sharpen")
    return volume
