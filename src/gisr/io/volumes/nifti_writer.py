"""NIfTI out: on the guide's grid, in the target's type, one volume at a time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Float

from gisr.errors import FileFormatError, InputError
from gisr.io.files import check_not_input, file_suffix, typed_errors
from gisr.io.quantise import value_range
from gisr.io.volumes.clipping import Clipping
from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.io.volumes.nifti import SUFFIXES, scaling
from gisr.io.volumes.slope import Scaling, wider
from gisr.notes import Note
from gisr.sizes import volume_size


@dataclass(eq=False)
class NiftiWriter:
    """An output that takes its volumes one after the other."""

    path: Path
    stream: IO[bytes]
    shape: tuple[int, ...]
    """Voxels along each axis of a volume."""
    dtype: np.dtype
    """Type on disk."""
    header: Any
    """Written before the first volume, which may need a wider slope."""
    padding: float | None
    """What is stored for NaN in an integer file; None where the target has no such value."""
    clipping: Clipping
    _scale: Scaling | None = None
    _moved: tuple[Note, ...] = ()
    """What is to say of a padding whose value could not be kept."""

    def write(self, voxels: Float[np.ndarray, "X Y Z"]) -> None:
        """Write the next volume.

        Integers that have a slope get one that holds the first volume. What a type cannot hold is
        clipped and counted.

        Raises:
            InputError: The shape is not the guide's, or NaN for an integer file.
            FileFormatError: The disk refuses it.
        """
        if voxels.shape != self.shape:
            found, wanted = volume_size(voxels.shape), volume_size(self.shape)
            raise InputError(f"{self.path}: a volume of {found}, the guide has {wanted}")
        if self._scale is None:
            self._scale = self._begin(voxels[np.isfinite(voxels)])
        stored = self.clipping(voxels, self._scale, self.padding)
        volumeutils = volume_library("nibabel.volumeutils")
        with _errors(self.path):
            volumeutils.array_to_file(
                stored,
                self.stream,
                self.dtype.newbyteorder(self.header.endianness),
                offset=None,
                order="F",
            )

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a user should know of values that the type could not hold."""
        return (*self._moved, *self.clipping.notes)

    def _begin(self, known: Float[np.ndarray, " voxels"]) -> Scaling:
        """Write the header with a slope that holds a volume; return slope and intercept."""
        scale, limits = scaling(self.header), value_range(self.dtype)
        if limits is not None and known.size:
            fill = None if self.padding is None else _value(self.padding, scale)
            series = len(self.header.get_data_shape()) > 3
            low, high = float(known.min()), float(known.max())
            found = wider(scale, limits, low, high, fill=fill, whole=series)
            self.header.set_slope_inter(*found)
            if found != scale and fill is not None:
                self._keep_padding(fill, found)
            scale = scaling(self.header)  # as rounded to the header's type
        with _errors(self.path):
            self.header.write_to(self.stream)
        return scale

    def _keep_padding(self, fill: float, scale: Scaling) -> None:
        """Store what stands for unknown voxels so that it has the same value with a new slope."""
        self.padding = float(np.rint((fill - scale[1]) / scale[0]))
        now = _value(self.padding, scale)
        if now != fill:
            self._moved = (
                Note(
                    f"{self.path.name}: unknown voxels hold {now:.8g} in place of {fill:.8g}: the "
                    "slope that its values need does not hold that number: store the target as "
                    "float32 to have NaN there"
                ),
            )


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
    and times. Integer files keep the target's slope and intercept; where these do not hold the
    first volume, and are not 1 and 0, the intercept is moved or the slope widened. Header
    extensions are left out: they describe the grid of the file they came from.

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
    with _errors(path):
        stream = openers.ImageOpener(fspath(temporary), "wb")
    # What fails between two volumes is no fault of the file, so it is not reported as one.
    try:
        padding = target.padding if dtype is None else None
        clipping = Clipping(Path(path), on_disk)
        yield NiftiWriter(Path(path), stream, guide.shape, on_disk, header, padding, clipping)
    finally:
        with _errors(path):
            stream.close()


def _value(stored: float, scale: Scaling) -> float:
    """Return what a stored number stands for, as it is read: a float32."""
    return float(np.float32(stored * scale[0] + scale[1]))


def _errors(path: str | PathLike[str]) -> AbstractContextManager[None]:
    return typed_errors(path, "cannot be written as NIfTI")


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
        # As bits: nibabel has no names for codes that are not of the standard.
        space, time = int(header["xyzt_units"]) & 0x07, int(target.header["xyzt_units"]) & 0xF8
        header["xyzt_units"] = space | time
    zooms = header["pixdim"].copy()
    header.set_data_shape(plain)
    header["pixdim"] = zooms
    header["vox_offset"] = 0  # nibabel sets it; the extensions it made room for are not written
    return header
