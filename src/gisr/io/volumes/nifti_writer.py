"""NIfTI out: on the guide's grid, in the target's type, one volume at a time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Bool, Float

from gisr.errors import FileFormatError, InputError
from gisr.io.files import check_not_input, file_suffix, typed_errors
from gisr.io.quantise import quantise, value_range
from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.io.volumes.nifti import SUFFIXES, scaling
from gisr.notes import Note, warning

_MANY = 1e-3
"""Share of the voxels above which clipping them is a fault of the result."""


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
    clipped: int = 0
    """Voxels so far whose value the type could not hold, by more than rounding."""
    count: int = 0
    """Voxels so far."""
    largest: float = 0.0
    """Largest of those values."""
    _scale: tuple[float, float] | None = None

    def write(self, voxels: Float[np.ndarray, "X Y Z"]) -> None:
        """Write the next volume.

        Integers that have a slope get one that holds the first volume. What a type cannot hold is
        clipped and counted.

        Raises:
            InputError: The shape is not the guide's, or NaN for an integer file.
            FileFormatError: The disk refuses it.
        """
        if voxels.shape != self.shape:
            raise InputError(f"{self.path}: volume {voxels.shape} is not the guide's {self.shape}")
        known = np.isfinite(voxels)
        if self._scale is None:
            self._scale = self._begin(voxels[known])
        stored = self._stored(voxels, known, self._scale)
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
        if not self.clipped:
            return ()
        share = self.clipped / self.count
        say = warning if share > _MANY else Note
        return (
            say(
                f"{self.path.name}: {share:.2g} of its voxels did not fit into the target's type "
                f"{self.dtype.name} and were clipped (the result reaches {self.largest:.4g}): "
                "store the target as float32 to keep them"
            ),
        )

    def _begin(self, known: Float[np.ndarray, " voxels"]) -> tuple[float, float]:
        """Write the header with a slope that holds a volume; return slope and intercept."""
        scale, limits = scaling(self.header), value_range(self.dtype)
        if limits is not None and known.size:
            wider = _wider(scale, limits, float(known.min()), float(known.max()))
            self.header.set_slope_inter(*wider)
            scale = scaling(self.header)  # as rounded to the header's type
        with _errors(self.path):
            self.header.write_to(self.stream)
        return scale

    def _stored(
        self,
        voxels: Float[np.ndarray, "X Y Z"],
        known: Bool[np.ndarray, "X Y Z"],
        scale: tuple[float, float],
    ) -> np.ndarray:
        raw, limits = _raw(voxels, scale), value_range(self.dtype)
        if limits is not None:
            beyond = known & ((raw < limits[0] - 0.5) | (raw > limits[1] + 0.5))
            if beyond.any():
                self.clipped += int(beyond.sum())
                self.largest = max(self.largest, float(voxels[beyond].max()), key=abs)
            self.count += raw.size
        whole = limits is not None and self.padding is None
        return quantise(
            raw,
            self.dtype.newbyteorder("="),
            valid=np.ones(1, dtype=bool) if whole else known,
            marker=float("nan") if limits is None else self.padding or 0,
            reserved=limits is not None and not whole,
            path=self.path,
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
    and times. Integer files keep the target's slope and intercept; a slope that is not 1 is widened
    where it does not hold the first volume. Header extensions are left out: they describe the grid
    of the file they came from.

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
        yield NiftiWriter(Path(path), stream, guide.shape, on_disk, header, padding)
    finally:
        with _errors(path):
            stream.close()


def _errors(path: str | PathLike[str]) -> AbstractContextManager[None]:
    return typed_errors(path, "cannot be written as NIfTI")


def _raw(voxels: Float[np.ndarray, "X Y Z"], scale: tuple[float, float]) -> np.ndarray:
    """Return what is stored for values by slope and intercept, before rounding."""
    slope, intercept = scale
    return voxels if scale == (1.0, 0.0) else (voxels - np.float64(intercept)) / slope


def _wider(
    scale: tuple[float, float], limits: tuple[int, int], low: float, high: float
) -> tuple[float, float]:
    """Return slope and intercept with which a type holds values and all it held before.

    Files of one slope for their full range (nibabel's way of storing floats as integers) have no
    room for a result's sharper peaks. Whole numbers without a slope are kept as they are.
    """
    slope, intercept = scale
    ends = [limit * slope + intercept for limit in limits]
    low, high = min(low, *ends), max(high, *ends)
    if scale == (1.0, 0.0) or (low, high) == (min(ends), max(ends)):
        return scale
    # float32, as headers store them; half a step less on each side leaves room for the rounding.
    step = float(np.float32((high - low) / (limits[1] - limits[0] - 1)))
    return step, float(np.float32(low - (limits[0] + 0.5) * step))


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
