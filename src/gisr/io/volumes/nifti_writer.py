"""NIfTI out: on the guide's grid, in the target's type, one volume at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Float

from gisr.errors import FileFormatError, InputError
from gisr.io.files import check_not_input, file_suffix, typed_errors
from gisr.io.quantise import quantise
from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.io.volumes.nifti import SUFFIXES, scaling


@dataclass(frozen=True, eq=False)
class NiftiWriter:
    """An output that takes its volumes one after the other."""

    path: Path
    stream: IO[bytes]
    shape: tuple[int, ...]
    """Voxels along each axis of a volume."""
    dtype: np.dtype
    scaling: tuple[float, float]
    """Slope and intercept."""

    def write(self, voxels: Float[np.ndarray, "X Y Z"]) -> None:
        """Write the next volume.

        Raises:
            InputError: The shape is not the guide's, or NaN for an integer file.
            FileFormatError: The disk refuses it.
        """
        if voxels.shape != self.shape:
            raise InputError(f"{self.path}: volume {voxels.shape} is not the guide's {self.shape}")
        stored = _to_disk(voxels, self.dtype, *self.scaling, self.path)
        volumeutils = volume_library("nibabel.volumeutils")
        volumeutils.array_to_file(stored, self.stream, self.dtype, offset=None, order="F")


@contextmanager
def nifti_writer(
    path: str | PathLike[str],
    temporary: Path,
    *,
    target: VolumeHeader,
    guide: VolumeHeader,
    dtype: np.dtype | None = None,
) -> Iterator[NiftiWriter]:
    """Open an output for as many volumes as the target has.

    It has the guide's grid, codes and units of space, and the target's type, scaling, description
    and times. Integer files keep the target's slope and intercept; values are rounded to that scale
    and clipped. Header extensions are left out: they describe the grid of the file they came from.

    Args:
        path: Output, ``.nii`` or ``.nii.gz``.
        temporary: Path to write to, which becomes ``path``
            (:func:`gisr.io.files.atomic_outputs`).
        target: The low-resolution volume or series.
        guide: The high-resolution volume: shape, affine, codes, units.
        dtype: Type on disk without slope and intercept, in place of the target's.

    Raises:
        FileFormatError: The name is not NIfTI's, or the output is an input or cannot be written.
        MissingExtraError: nibabel is not installed.
    """
    openers = volume_library("nibabel.openers")
    if file_suffix(path) not in SUFFIXES:
        raise FileFormatError(f"{fspath(path)}: name the output .nii or .nii.gz")
    check_not_input(path, target.path, guide.path)
    scale = scaling(target.header) if dtype is None else (1.0, 0.0)
    on_disk = target.dtype if dtype is None else dtype
    header = _output_header(target, guide)
    header.set_data_dtype(on_disk)
    header.set_slope_inter(*scale)
    with (
        typed_errors(path, "cannot be written as NIfTI"),
        openers.ImageOpener(fspath(temporary), "wb") as stream,
    ):
        header.write_to(stream)
        byte_order = on_disk.newbyteorder(header.endianness)
        yield NiftiWriter(Path(path), stream, guide.shape, byte_order, scale)


def _to_disk(
    voxels: Float[np.ndarray, "X Y Z"],
    dtype: np.dtype,
    slope: float,
    intercept: float,
    path: Path,
) -> np.ndarray:
    raw = voxels if (slope, intercept) == (1.0, 0.0) else (voxels - np.float64(intercept)) / slope
    native = dtype.newbyteorder("=")
    integer = native.kind in "iu"
    return quantise(
        raw,
        native,
        valid=np.ones(1, dtype=bool) if integer else np.isfinite(raw),
        marker=0 if integer else float("nan"),
        reserved=False,
        path=path,
    )


def _output_header(target: VolumeHeader, guide: VolumeHeader) -> Any:
    """Return the guide's header (its grid, codes and units) with the target's meaning of values."""
    header = guide.header.copy()
    for field in ("descrip", "aux_file", "intent_code", "intent_name", "cal_min", "cal_max"):
        header[field] = target.header[field]
    for field in ("intent_p1", "intent_p2", "intent_p3"):
        header[field] = target.header[field]
    # Two axes for an image, three for a volume, four for a series.
    plain = tuple(int(size) for size in guide.header.get_data_shape()[:3])
    if target.count > 1:
        plain = (*guide.shape, target.count)
        header["pixdim"][4], header["toffset"] = (
            target.header["pixdim"][4],
            target.header["toffset"],
        )
        header.set_xyzt_units(header.get_xyzt_units()[0], target.header.get_xyzt_units()[1])
    zooms = header["pixdim"].copy()
    header.set_data_shape(plain)
    header["pixdim"] = zooms
    header["vox_offset"] = 0  # nibabel sets it; the extensions it made room for are not written
    return header
