"""NIfTI in and out through nibabel, and how two volumes lie together.

A guide on the same slices as the target, finer within them, is what this release sharpens; finer
slices (through-plane) come later and are refused with a message that says so.
"""

import gzip
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from gisr.errors import FileFormatError, InputError, LimitError, PairError
from gisr.io.extras import load_extra
from gisr.io.files import atomic_output, check_not_input, check_readable, file_suffix, typed_errors
from gisr.io.limits import DEFAULT_LIMITS, Limits, check_bytes, check_volume
from gisr.io.placement import Placement, check_overlap
from gisr.io.quantise import quantise

SUFFIXES = (".nii", ".nii.gz")
"""What a NIfTI file may be called here; pairs of .hdr and .img are not read."""

_TRAILING_BYTES = 2**20
"""Decompressed bytes after the voxels that are read to reach the checksum at the stream's end."""
_TOLERANCE = 0.1
"""Target voxels by which grids may differ across the volume and still count as the same there."""


@dataclass(frozen=True, eq=False)
class Volume:
    """One three-dimensional NIfTI image and all that its output must keep."""

    voxels: Float32[np.ndarray, "X Y Z"]
    """Values with the header's slope and intercept applied, always three axes."""
    affine: Float64[np.ndarray, "4 4"]
    """Voxel index to world (RAS+, usually mm)."""
    header: Any
    """Copy of the nibabel header, as it was on disk."""
    dtype: np.dtype
    """Type on disk, before slope and intercept."""
    path: Path
    """Where it came from."""

    @property
    def zooms(self) -> tuple[float, float, float]:
        """Size of a voxel along each axis, from the affine."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(x), float(y), float(z)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        return cast(tuple[int, int, int], self.voxels.shape)

    @property
    def valid(self) -> Bool[np.ndarray, "X Y Z"]:
        """Which voxels are finite."""
        finite: np.ndarray = np.isfinite(self.voxels)
        return finite


@dataclass(frozen=True)
class VolumePlacement:
    """How the guide's voxels map to the target's: slice to slice, and within each slice."""

    slice_axis: int
    """The axis along which both grids coincide: slice k of one is slice k of the other."""
    in_plane: Placement
    """Rows are the first of the two other axes, columns the second."""

    def slices(
        self, voxels: Float[np.ndarray, "X Y Z"]
    ) -> Float[np.ndarray, "slices rows columns"]:
        """Return a view of a volume as a stack of slices."""
        return np.moveaxis(voxels, self.slice_axis, 0)

    def volume(
        self, slices: Float[np.ndarray, "slices rows columns"]
    ) -> Float[np.ndarray, "X Y Z"]:
        """Return a view of a stack of slices as a volume: the inverse of :meth:`slices`."""
        return np.moveaxis(slices, 0, self.slice_axis)


def read_nifti(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Volume:
    """Read a NIfTI-1 or NIfTI-2 file (``.nii`` or ``.nii.gz``).

    A 2-D image becomes a volume of one slice; a 4-D file is read when it holds one volume.

    Args:
        path: The file.
        limits: What its header may claim; the decompressed stream is held to that claim.

    Raises:
        FileFormatError: Missing, damaged, not NIfTI, complex or colour voxels, an affine that is
            not usable, or several volumes in one file.
        LimitError: The header claims, or the stream holds, more than the limits.
        MissingExtraError: nibabel is not installed.
    """
    with _open_checked(path, limits) as (stream, header, shape, dtype, affine):
        voxels = _read_voxels(Path(path), stream, header, shape, dtype)
    return Volume(voxels=voxels, affine=affine, header=header, dtype=dtype, path=Path(path))


def read_nifti_grid(
    path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS
) -> tuple[tuple[int, ...], Float64[np.ndarray, "4 4"]]:
    """Return shape and affine of a NIfTI file; its voxels are not read.

    Raises:
        GisrError: As :func:`read_nifti`, for what the header tells.
    """
    with _open_checked(path, limits) as (_, _, shape, _, affine):
        return shape, affine


def write_nifti(
    path: str | PathLike[str],
    voxels: Float[np.ndarray, "X Y Z"],
    *,
    target: Volume,
    guide: Volume,
    overwrite: bool = False,
) -> None:
    """Write a sharpened volume: the guide's grid, the target's type, scaling and description.

    Integer files keep the target's slope and intercept; values are rounded to that scale and
    clipped. Header extensions are left out: they describe the grid of the file they came from.

    Args:
        path: Output, ``.nii`` or ``.nii.gz``.
        voxels: Values on the guide's grid in the target's unit. NaN is allowed in float files only.
        target: The low-resolution volume.
        guide: The high-resolution volume: shape, affine, codes, units.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: The shape is not the guide's, or NaN for an integer file.
        FileFormatError: The name is not NIfTI's, or the output exists, is an input, or cannot be
            written.
        MissingExtraError: nibabel is not installed.
    """
    nibabel = load_extra("nibabel", "mri")
    if file_suffix(path) not in SUFFIXES:
        raise FileFormatError(f"{fspath(path)}: name the output .nii or .nii.gz")
    if voxels.shape != guide.shape:
        raise InputError(f"{fspath(path)}: volume {voxels.shape} is not the guide's {guide.shape}")
    check_not_input(path, target.path, guide.path)
    slope, intercept = _scaling(target.header)
    stored = _to_disk(voxels, target.dtype, slope, intercept, Path(path))
    header = _output_header(target, guide)
    two = isinstance(header, nibabel.Nifti2Header)
    image_class = nibabel.Nifti2Image if two else nibabel.Nifti1Image
    on_disk = stored.reshape(_plain_shape(guide.header))
    with (
        atomic_output(path, overwrite) as temporary,
        typed_errors(path, "cannot be written as NIfTI"),
    ):
        image = image_class(on_disk, None, header)
        image.header.set_data_dtype(target.dtype)
        # A slope that is set is kept and the voxels are stored as they are.
        image.header.set_slope_inter(slope, intercept)
        nibabel.save(image, temporary)


def nifti_placement(target: Volume, guide: Volume) -> VolumePlacement:
    """Return how the guide's voxels map to the target's, from the two affines.

    ``inv(A_target) @ A_guide`` takes guide indices to target indices. It has to be diagonal (same
    orientation), with one axis on which the grids coincide: the slices.

    Raises:
        PairError: Other orientation, no overlap, slices that differ, both already on one grid, or
            an impossible ratio.
    """
    names = f"{target.path.name} and {guide.path.name}"
    to_target = np.linalg.inv(target.affine) @ guide.affine
    last = np.array(guide.shape) - 1
    mixing = np.abs(to_target[:3, :3] * last)
    np.fill_diagonal(mixing, 0)
    # An axis of one voxel has no direction of its own.
    reversed_axes = (np.diag(to_target)[:3] <= 0) & (last > 0)
    if mixing.max() > _TOLERANCE or reversed_axes.any():
        raise PairError(
            f"{names}: other orientations ({_orientation(target)} at {_zooms(target)} and "
            f"{_orientation(guide)} at {_zooms(guide)}): resample the guide to the target's axes "
            "first, keeping its voxel size (for example nibabel.processing.resample_from_to)"
        )
    same = [axis for axis in range(3) if _coincide(to_target, target, guide, axis)]
    _check_slices(same, target, guide, names)
    slice_axis = max(same, key=lambda axis: (guide.zooms[axis], axis))
    rows, columns = (axis for axis in range(3) if axis != slice_axis)
    try:
        placement = Placement(
            _pair(1.0 if axis in same else to_target[axis, axis] for axis in (rows, columns)),
            _pair(0.0 if axis in same else to_target[axis, 3] for axis in (rows, columns)),
        )
    except PairError as error:
        raise PairError(f"{names}: {error}") from error
    small = (target.shape[rows], target.shape[columns])
    large = (guide.shape[rows], guide.shape[columns])
    check_overlap(placement, small, large, names)
    return VolumePlacement(slice_axis, placement.snapped(small, large))


def _check_slices(same: list[int], target: Volume, guide: Volume, names: str) -> None:
    grids = f"{target.shape} voxels of {_zooms(target)} and {guide.shape} voxels of {_zooms(guide)}"
    if len(same) == 3:
        raise PairError(
            f"{names}: both are on one grid already ({grids}), nothing says how much detail is "
            "missing: give the target as it was acquired, before it was resampled to the guide"
        )
    if not same:
        raise PairError(
            f"{names}: no axis on which the slices coincide ({grids}): sharpening through the "
            "slices is not supported yet; resample the guide's slices to the target's first, "
            "keeping its voxel size within the slice"
        )


def _coincide(
    to_target: Float64[np.ndarray, "4 4"], target: Volume, guide: Volume, axis: int
) -> bool:
    if target.shape[axis] != guide.shape[axis]:
        return False
    start = to_target[axis, 3]
    end = start + (to_target[axis, axis] - 1) * (guide.shape[axis] - 1)
    return bool(max(abs(start), abs(end)) <= _TOLERANCE)


def _pair(numbers: Iterator[Any]) -> tuple[float, float]:
    first, second = numbers
    return float(first), float(second)


def _orientation(volume: Volume) -> str:
    return "".join(load_extra("nibabel", "mri").aff2axcodes(volume.affine))


def _zooms(volume: Volume) -> str:
    return " x ".join(f"{zoom:.4g}" for zoom in volume.zooms)


@contextmanager
def _open_checked(
    path: str | PathLike[str], limits: Limits
) -> Iterator[tuple[IO[bytes], Any, tuple[int, ...], np.dtype, Float64[np.ndarray, "4 4"]]]:
    """Open a file and give its stream, header, shape, type and affine, all checked."""
    nibabel = load_extra("nibabel", "mri")
    name = Path(path)
    found = check_readable(name)
    if file_suffix(name) not in SUFFIXES:
        raise FileFormatError(
            f"{name}: not a NIfTI name: convert it to one file .nii or .nii.gz first"
        )
    with typed_errors(name, "cannot be read as NIfTI"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nibabel warns of oddities that are checked here
        with _open_stream(found) as stream:
            header = _read_header(nibabel, name, stream)
            shape, dtype = _check_header(name, header, limits)
            yield stream, header, shape, dtype, _check_affine(name, header)


@contextmanager
def _open_stream(path: Path) -> Iterator[IO[bytes]]:
    opener = gzip.open if file_suffix(path) == ".nii.gz" else open
    with opener(path, "rb") as stream:
        yield cast(IO[bytes], stream)


def _read_header(nibabel: Any, path: Path, stream: IO[bytes]) -> Any:
    """Parse the fixed header only: extensions may claim any size and are never read."""
    first = stream.read(348)
    for order in ("little", "big"):
        size = int.from_bytes(first[:4], cast(Any, order))
        if size == 348 and first[344:348] == b"n+1\0":
            return nibabel.Nifti1Header.from_fileobj(BytesIO(first))
        if size == 540 and first[4:8] == b"n+2\0":
            first += stream.read(540 - 348)
            return nibabel.Nifti2Header.from_fileobj(BytesIO(first))
    if first[344:348] == b"ni1\0":
        raise FileFormatError(f"{path}: half of a .hdr/.img pair: convert it to one .nii file")
    raise FileFormatError(f"{path}: not a NIfTI file: its first bytes are not a NIfTI header")


def _check_header(path: Path, header: Any, limits: Limits) -> tuple[tuple[int, ...], np.dtype]:
    shape = tuple(int(size) for size in header.get_data_shape())
    dtype = np.dtype(header.get_data_dtype())
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise FileFormatError(
            f"{path}: voxels of type {dtype} (complex, colour or 128-bit): give magnitudes as "
            "integers or floats"
        )
    if any(size > 1 for size in shape[3:]):
        raise FileFormatError(
            f"{path}: {' x '.join(map(str, shape))} holds several volumes: give one of them "
            "(for example nibabel.four_to_three, or fslsplit)"
        )
    check_volume(path, limits, shape, dtype.itemsize)
    if len(shape) < 2:
        raise FileFormatError(f"{path}: {len(shape)}-dimensional: give an image or a volume")
    voxels = int(np.prod(shape[:3], dtype=np.int64))
    offset = int(header["vox_offset"]) if np.isfinite(header["vox_offset"]) else -1
    if offset < int(header["sizeof_hdr"]):
        raise FileFormatError(f"{path}: damaged: its voxels start inside the header")
    check_bytes(path, limits, offset + voxels * dtype.itemsize, "header and voxels")
    return (*shape, 1)[:3], dtype


def _check_affine(path: Path, header: Any) -> Float64[np.ndarray, "4 4"]:
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    if not np.isfinite(affine).all():
        raise FileFormatError(
            f"{path}: its affine is not finite, so nobody knows where its voxels are: restore it "
            "from the original images"
        )
    lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if not lengths.all() or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-4:
        raise FileFormatError(
            f"{path}: its affine has axes of no length or in one plane: restore it from the "
            "original images"
        )
    return affine


def _read_voxels(
    path: Path, stream: IO[bytes], header: Any, shape: tuple[int, ...], dtype: np.dtype
) -> Float32[np.ndarray, "X Y Z"]:
    offset, (slope, intercept) = int(header["vox_offset"]), _scaling(header)
    if not (np.isfinite(slope) and np.isfinite(intercept)):
        raise FileFormatError(f"{path}: damaged: slope {slope}, intercept {intercept}")
    if file_suffix(path) == ".nii":  # before memory is taken for a claim the file does not fill
        needed, found = offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize, path.stat()
        if found.st_size < needed:
            raise FileFormatError(
                f"{path}: cut short: {found.st_size} bytes of the {needed} its header announces"
            )
    proxies = load_extra("nibabel.arrayproxy", "mri")
    proxy = proxies.ArrayProxy(stream, (shape, dtype, offset, slope, intercept), mmap=False)
    voxels: np.ndarray = np.asarray(proxy, dtype=np.float32)
    if file_suffix(path) == ".nii.gz" and len(stream.read(_TRAILING_BYTES)) == _TRAILING_BYTES:
        raise LimitError(
            f"{path}: decompresses to more than the {voxels.nbytes} bytes of voxels its header "
            "announces: not a sound file, ask for it again"
        )
    return voxels


def _scaling(header: Any) -> tuple[float, float]:
    """Return slope and intercept as nibabel applies them: 1 and 0 when the header sets none."""
    slope, intercept = header.get_slope_inter()
    return (1.0 if slope is None else float(slope)), (
        0.0 if intercept is None else float(intercept)
    )


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


def _plain_shape(header: Any) -> tuple[int, ...]:
    """Return the shape on disk: two axes for an image, three for a volume."""
    return tuple(int(size) for size in header.get_data_shape()[:3])


def _output_header(target: Volume, guide: Volume) -> Any:
    """Return the guide's header (its grid, codes and units) with the target's meaning of values."""
    header = guide.header.copy()
    for field in ("descrip", "aux_file", "intent_code", "intent_name", "cal_min", "cal_max"):
        header[field] = target.header[field]
    for field in ("intent_p1", "intent_p2", "intent_p3"):
        header[field] = target.header[field]
    header.set_data_shape(_plain_shape(guide.header))
    header["vox_offset"] = 0  # nibabel sets it; the extensions it made room for are not written
    return header
