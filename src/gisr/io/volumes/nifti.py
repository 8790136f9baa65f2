"""NIfTI in, through nibabel: headers are checked before voxels are read."""

import gzip
import logging
import math
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from jaxtyping import Float32, Float64

from gisr.errors import FileFormatError, LimitError
from gisr.io.files import check_readable, file_suffix, typed_errors
from gisr.io.foreign import foreign_file
from gisr.io.limits import DEFAULT_LIMITS, Limits, check_bytes, check_volume
from gisr.io.volumes.header import Shape, Volume, VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.io.volumes.nifti_affine import HeaderAffine, header_affine
from gisr.io.volumes.nifti_extensions import extension_names
from gisr.io.volumes.sidecar import sidecar_thickness
from gisr.notes import Note, warning
from gisr.sizes import volume_size

SUFFIXES = (".nii", ".nii.gz")
"""What a NIfTI file may be called here; pairs of .hdr and .img are not read."""

Sizes = tuple[int, int, int, int]
"""Voxels along the three axes, and the number of volumes."""

_GZIP = b"\x1f\x8b"
"""First bytes of a compressed file."""
_ROUNDING = 2.0**-22
"""Share of an intercept that the float32 of slope and intercept in a header is off by, at most."""
_NO_NIFTI = (
    "not a NIfTI file: its first bytes are not a NIfTI header: copy or download it again, or "
    "convert it to NIfTI if it is of another format (dcm2niix, nib-convert)"
)
_SAVED = "nibabel.Nifti1Image({voxels}, image.affine)"
"""The Python of a volume made of another image."""
_SQUARE = 0.01
"""Share by which two sides of a voxel may differ that are the same."""
_TRAILING_BYTES = 2**20
"""Decompressed bytes after the voxels that are read to reach the checksum at the stream's end."""


def read_nifti(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Volume:
    """Read a NIfTI-1 or NIfTI-2 file (``.nii`` or ``.nii.gz``) of one volume.

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
    header = read_nifti_header(path, limits)
    if header.count > 1:
        raise FileFormatError(
            f"{header.path}: {volume_size(header.shape)} x {header.count} holds several "
            "volumes: give one of them (for example nibabel.four_to_three, or fslsplit)"
        )
    return header.load()


def read_nifti_header(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> VolumeHeader:
    """Read and check the header of a NIfTI file; the voxels of a series stay on disk.

    The limits are for one volume: a series is read one volume at a time.

    Raises:
        GisrError: As :func:`read_nifti`; several volumes are no error here.
    """
    name = Path(path)
    with _open_checked(name, limits) as (stream, header, sizes, dtype, place):
        extensions = extension_names(stream, header)

    def read() -> Iterator[Float32[np.ndarray, "X Y Z"]]:
        with _open_checked(name, limits) as (stream, again, found, _, _):
            if found != sizes:
                raise FileFormatError(f"{name}: changed while it was read: start again")
            yield from _read_voxels(name, stream, again, sizes, dtype)

    thickness, unread = sidecar_thickness(name)
    return VolumeHeader(
        shape=sizes[:3],
        affine=place.affine,
        header=header,
        dtype=dtype,
        path=name,
        count=sizes[3],
        read=read,
        stated=place.stated,
        slice_axis=_slice_axis(header, place),
        thickness=thickness,
        extensions=extensions,
        notes=(*place.notes, *_unscaled(name, header), *unread),
    )


def read_nifti_grid(
    path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS
) -> tuple[Shape, Float64[np.ndarray, "4 4"]]:
    """Return shape and affine of a NIfTI file of one volume; its voxels are not read.

    Raises:
        GisrError: As :func:`read_nifti`, for faults of the header.
    """
    header = read_nifti_header(path, limits)
    return header.shape, header.affine


@contextmanager
def _open_checked(
    path: Path, limits: Limits
) -> Iterator[tuple[IO[bytes], Any, Sizes, np.dtype, HeaderAffine]]:
    """Open a file and give its stream, header, shape with count, type and affine, all checked."""
    nibabel = volume_library("nibabel")
    found = check_readable(path)
    if file_suffix(path) not in SUFFIXES:
        way = foreign_file(path) or "not a NIfTI name: convert it to one file .nii or .nii.gz first"
        raise FileFormatError(f"{path}: {way}")
    with typed_errors(path, "cannot be read as NIfTI"), _open_stream(found) as stream:
        # nibabel warns, and logs to the terminal, of oddities that are checked here.
        logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header, voxel = _read_header(nibabel, path, stream)
            sizes, dtype = _check_header(path, header, limits)
            place = header_affine(path, header, sizes[:3], voxel)
        yield stream, header, sizes, dtype, place


@contextmanager
def _open_stream(path: Path) -> Iterator[IO[bytes]]:
    opener = gzip.open if _is_packed(path) else open
    try:
        with opener(path, "rb") as stream:
            yield cast(IO[bytes], stream)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(
            f"{path}: cannot be read: its compression is damaged, or it was cut short ({error}): "
            "copy or download it again (gunzip --test says whether it is sound)"
        ) from error


def _is_packed(path: Path) -> bool:
    """Return whether a file is compressed: by its content, whatever its name says."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def _read_header(
    nibabel: Any, path: Path, stream: IO[bytes]
) -> tuple[Any, tuple[float, float, float]]:
    """Parse the fixed header only: extensions may claim any size and are never read.

    Returns:
        nibabel's header, repaired as nibabel does, and the voxel sizes as stored: it makes 0 to 1.
    """
    header = _parsed_header(nibabel, path, stream)
    x, y, z = (float(size) for size in header["pixdim"][1:4])
    header.check_fix()
    return header, (x, y, z)


def _parsed_header(nibabel: Any, path: Path, stream: IO[bytes]) -> Any:
    first = stream.read(348)
    for order in ("little", "big"):
        size = int.from_bytes(first[:4], cast(Any, order))
        if size == 348 and first[344:348] == b"n+1\0":
            return nibabel.Nifti1Header.from_fileobj(BytesIO(first), check=False)
        if size == 540 and first[4:8] == b"n+2\0":
            first += stream.read(540 - 348)
            return nibabel.Nifti2Header.from_fileobj(BytesIO(first), check=False)
    if first[344:348] == b"ni1\0":
        raise FileFormatError(f"{path}: half of a .hdr/.img pair: convert it to one .nii file")
    raise FileFormatError(f"{path}: {foreign_file(path) or _NO_NIFTI}")


def _check_header(path: Path, header: Any, limits: Limits) -> tuple[Sizes, np.dtype]:
    shape = tuple(int(size) for size in header.get_data_shape())
    dtype = np.dtype(header.get_data_dtype())
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise FileFormatError(f"{path}: {_no_magnitudes(dtype)}")
    if any(size > 1 for size in shape[4:]):
        first = ", ".join([":"] * 3 + ["0"] * (len(shape) - 3))
        raise FileFormatError(
            f"{path}: {volume_size(shape)} has more than four axes: give a volume or a series of "
            f"volumes ({_SAVED.format(voxels=f'image.dataobj[{first}]')} is the first)"
        )
    no_size = tuple(size for size in shape[3:] if size < 1)
    check_volume(path, limits, (*shape[:3], *no_size), dtype.itemsize)
    if len(shape) < 2:
        raise FileFormatError(f"{path}: {len(shape)}-dimensional: give an image or a volume")
    x, y, z, count = (*shape, 1, 1)[:4]
    # nibabel ignores a slope that is 0 or no number, and refuses an intercept beside a slope.
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope and math.isfinite(slope) and not math.isfinite(intercept):
        raise FileFormatError(
            f"{path}: scales its values by {slope:g} and adds {intercept:g} (scl_slope, "
            "scl_inter), which is impossible: correct its header (nibabel: "
            "image.header.set_slope_inter(slope, 0)), or copy it again"
        )
    voxels = x * y * z
    offset = int(header["vox_offset"]) if np.isfinite(header["vox_offset"]) else -1
    if offset < int(header["sizeof_hdr"]):
        raise FileFormatError(f"{path}: damaged: its voxels start inside the header: copy it again")
    check_bytes(path, limits, offset + voxels * dtype.itemsize, "header and voxels")
    return (x, y, z, count), dtype


def _unscaled(path: Path, header: Any) -> tuple[Note, ...]:
    """Say that an infinite slope is left out; NaN is how programs write that there is none."""
    slope = float(header["scl_slope"])
    if not math.isinf(slope):
        return ()
    way = "nibabel: image.header.set_slope_inter(slope, intercept)"
    return (
        warning(
            f"{path.name}: scales its values by {slope:g} (scl_slope), which is impossible: they "
            f"are taken as they are stored; if they have to be scaled, correct its header ({way})"
        ),
    )


def _no_magnitudes(dtype: np.dtype) -> str:
    """Return what voxels are that are no integers or floats of 64 bits, and the way out."""
    voxels = "numpy.asarray(image.dataobj)"
    if dtype.names:  # a volume of colours, as viewers make for display
        kind = f"colour ({', '.join(dtype.names)})"
        way = f"give the volume it was made of, or one channel ({voxels}['{dtype.names[0]}'])"
    elif dtype.kind == "c":
        kind, way = f"complex ({dtype})", f"give magnitudes (abs({voxels}))"
    else:
        kind, way = f"{dtype}", f"give 64-bit floats ({voxels}.astype('f8'))"
    return f"voxels of type {kind}: {way}, saved with {_SAVED.format(voxels='VOXELS')}"


def _read_voxels(
    path: Path, stream: IO[bytes], header: Any, sizes: Sizes, dtype: np.dtype
) -> Iterator[Float32[np.ndarray, "X Y Z"]]:
    """Yield the volumes of an open file one after the other."""
    slope, intercept = scaling(header)
    offset, count = int(header["vox_offset"]), sizes[3]
    size = math.prod(sizes[:3]) * dtype.itemsize
    needed, packed = offset + count * size, _is_packed(path)
    if not packed:  # before memory is taken for a claim the file does not fill
        found = path.stat().st_size
        if found < needed:
            raise FileFormatError(
                f"{path}: cut short: {found} bytes of the {needed} its header announces: "
                "copy or download it again"
            )
    for index in range(count):
        spec = sizes[:3], dtype, offset + index * size, slope, intercept
        voxels = _as_float32(path, stream, spec)
        last = index == count - 1
        if packed and last and len(stream.read(_TRAILING_BYTES)) == _TRAILING_BYTES:
            raise LimitError(
                f"{path}: decompresses to more than the {needed} bytes its header announces: "
                "not a sound file, download or copy it again"
            )
        yield voxels


def _as_float32(
    path: Path, stream: IO[bytes], spec: tuple[Shape, np.dtype, int, float, float]
) -> Float32[np.ndarray, "X Y Z"]:
    proxy = volume_library("nibabel.arrayproxy").ArrayProxy(stream, spec, mmap=False)
    try:
        with np.errstate(over="raise"):
            voxels: np.ndarray = np.asarray(proxy, dtype=np.float32)
    except FloatingPointError as error:
        with np.errstate(over="ignore"):
            values = np.asarray(proxy, dtype=np.float64)
        raise FileFormatError(
            f"{path}: holds {np.abs(values[np.isfinite(values)]).max():.4g}, too large for "
            "float32: rescale its values"
        ) from error
    slope, intercept = spec[3:]
    if intercept and spec[1].kind in "iu":
        # 2000 x 0.01 - 20 is air, not a value below 0 that stands for something.
        near = min(abs(intercept) * _ROUNDING, abs(slope) / 4)
        return np.where(np.abs(voxels) <= near, np.float32(0), voxels)
    return voxels


def _slice_axis(header: Any, place: HeaderAffine) -> int:
    """Return the axis that slices follow, as ``dim_info`` says.

    Else that of the side of a voxel that differs from two equal ones, for tools that turn a volume
    forget the slices; else the third, as usual.
    """
    stated = header.get_dim_info()[2]
    if stated is not None:
        return int(stated)
    volume = len(header.get_data_shape()) > 2
    sides = np.sqrt((place.affine[:3, :3] ** 2).sum(axis=0))
    for axis in (2, 0, 1) if volume else ():
        one, other = (side for each, side in enumerate(sides) if each != axis)
        square = math.isclose(one, other, rel_tol=_SQUARE)
        if square and not math.isclose(one, sides[axis], rel_tol=_SQUARE):
            return axis
    return 2


def scaling(header: Any) -> tuple[float, float]:
    """Return slope and intercept as nibabel applies them: 1 and 0 when the header sets none."""
    slope, intercept = header.get_slope_inter()
    return (1.0 if slope is None else float(slope)), (
        0.0 if intercept is None else float(intercept)
    )
