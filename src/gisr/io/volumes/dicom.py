"""DICOM series in, through pydicom: images of one series become one volume.

Classic series of single images are read: one file a slice, parallel and evenly spaced. What is
anything else (several series, positions that repeat, gaps, enhanced multi-frame files, mosaics) is
refused with the remedy, because a volume made of it would be wrong without notice.
"""

import math
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64
from numpy.typing import NDArray

from gisr.errors import FileFormatError, MissingExtraError, listed
from gisr.io.files import typed_errors
from gisr.io.limits import Limits, check_volume
from gisr.io.volumes.dicom_files import DicomImage, has_preamble, quiet, read_images
from gisr.io.volumes.dicom_slice import DicomSlice, description_of, parse_slice
from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.notes import Note, warning

_PARALLEL = 1e-3
"""Largest difference of direction cosines between images of one volume: headers are rounded."""
_EVEN = 0.05
"""Share of the slice distance by which distances may differ and be even."""
_OFF_LINE = 0.1
"""Share of it by which a slice may lie off its place among even ones: more is a gap, or a slice
missing."""
_SAME_ECHO = 0.1
"""Share by which echo times of one volume may differ."""
_STRAIGHT = 0.3
"""Pixels by which a slice may lie aside of the line of the others: an edge moves by less."""


def read_dicom_header(path: str | PathLike[str], limits: Limits) -> VolumeHeader:
    """Read the headers of a series, in the order of the images' positions; no pixels yet.

    Args:
        path: A folder with one series, or any file of a series among others.
        limits: What the series may claim.

    Raises:
        FileFormatError: No DICOM image, several series, images that do not form one evenly spaced
            volume, or one that is damaged.
        LimitError: The series claims more than the limits.
        MissingExtraError: pydicom is not installed.
    """
    name = Path(path)
    images, left_out = read_images(name)
    slices = _sorted(name, _chosen(name, images))
    first = slices[0]
    shape = first.columns, first.rows, len(slices)
    check_volume(name, limits, shape, first.bits // 8)
    affine, dtype = _affine(name, slices), _dtype(slices)
    header = _header(slices, shape, affine, dtype)

    def read() -> Iterator[Float32[np.ndarray, "X Y Z"]]:
        yield _read_voxels(slices, shape)

    return VolumeHeader(
        shape=shape,
        affine=affine,
        header=header,
        dtype=dtype,
        path=name,
        count=1,
        read=read,
        thickness=first.thickness or None,
        padding=first.padding,
        frame=first.frame,
        notes=(
            *left_out,
            *_notes(name, first),
            *_mixed_notes(name, slices),
            *_uneven_notes(name, slices),
        ),
    )


def _notes(name: Path, image: DicomSlice) -> tuple[Note, ...]:
    """Return what a user should know of the header of a series."""
    notes = [warning(f"{name.name}: {words}") for words in image.doubts]
    if image.padding is not None:
        notes.append(
            Note(
                f"{name.name}: {image.padding:g} stands for pixels outside the image, as its "
                "header says (PixelPaddingValue): they are unknown"
            )
        )
    return tuple(notes)


def _mixed_notes(name: Path, images: Sequence[DicomSlice]) -> list[Note]:
    """Warn of slices of several echoes in one stack: a volume has one contrast."""
    times = [_number(dict(image.volume).get("EchoTime", "")) for image in images]
    shortest, longest = min(times), max(times)
    if not shortest > 0 or longest - shortest <= _SAME_ECHO * longest:
        return []
    first, last = (images[times.index(time)].path.name for time in (shortest, longest))
    return [
        warning(
            f"{name.name}: its slices are of several echoes (EchoTime {shortest:g} as in {first}, "
            f"{longest:g} as in {last}): if these are two volumes, put the files of one into a "
            "folder of its own"
        )
    ]


def _number(text: str) -> float:
    """Return a number as a header states it; 0 for what is none."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _chosen(name: Path, images: Sequence[DicomImage]) -> list[DicomSlice]:
    """Return the images of the one series that is meant."""
    if name.is_dir():
        with typed_errors(name, "cannot be read as DICOM"), quiet():
            names: dict[str, str] = {}
            for image in images:
                name_of = description_of(image.about) or "unnamed"
                names.setdefault(image.series, f"{name_of}, such as {image.path.name}")
        if len(names) > 1:
            raise FileFormatError(
                f"{name}: holds {len(names)} series ({listed(names.values())}): "
                "name one file of the series you mean"
            )
        return [_parsed(image) for image in images]
    whole = name.resolve()
    series = next((image.series for image in images if image.path.resolve() == whole), None)
    if series is None:
        raise FileFormatError(f"{name}: holds no image")
    return [_parsed(image) for image in images if image.series == series]


def _parsed(image: DicomImage) -> DicomSlice:
    with typed_errors(image.path, "cannot be read as DICOM"), quiet():  # values are read late
        return parse_slice(image.path, image.about)


def _sorted(name: Path, images: list[DicomSlice]) -> list[DicomSlice]:
    """Return images by position along their normal, checked to form one volume."""
    first = images[0]
    for image in images:
        if image.alike != first.alike:
            raise FileFormatError(
                f"{image.path}: another size, spacing or type than {first.path.name}: the series "
                "is mixed, take what does not belong to it out of the folder"
            )
        if np.abs(image.directions - first.directions).max() > _PARALLEL:
            raise FileFormatError(
                f"{image.path}: not parallel to {first.path.name}: a localiser or a radial series "
                "is no volume, choose another"
            )
    normal = np.cross(*first.directions)
    ordered = sorted(images, key=lambda image: float(image.position @ normal))
    places = _places(ordered)
    steps = np.diff(places)
    if len(steps) and steps.min() < _EVEN * steps.max() + 1e-6:
        raise FileFormatError(f"{name}: several images at one position: {_apart(ordered)}")
    off = np.abs(places - np.linspace(places[0], places[-1], len(places))).max()
    if len(steps) and _uneven(steps) and off > _OFF_LINE * np.median(steps):
        widest = int(steps.argmax())
        raise FileFormatError(
            f"{name}: slices are {steps.min():.3g} to {steps.max():.3g} mm apart (widest after "
            f"{ordered[widest].path.name}): a slice is missing, or the series is no volume: get it "
            "again, or resample it to even distances (dcm2niix does)"
        )
    _check_line(name, ordered)
    return ordered


def _places(images: Sequence[DicomSlice]) -> Float64[np.ndarray, " slices"]:
    """Return where images lie along their common normal, mm."""
    normal = np.cross(*images[0].directions)
    return np.array([image.position @ normal for image in images])


def _uneven(steps: Float64[np.ndarray, " steps"]) -> bool:
    return bool(steps.max() - steps.min() > _EVEN * np.median(steps))


def _uneven_notes(name: Path, ordered: Sequence[DicomSlice]) -> list[Note]:
    """Say that positions that jitter a little are taken for even ones."""
    steps = np.diff(_places(ordered))
    if not len(steps) or not _uneven(steps):
        return []
    text = f"slices are {steps.min():.3g} to {steps.max():.3g} mm apart"
    return [Note(f"{name.name}: its {text}, taken for {steps.mean():.4g} mm each")]


def _apart(images: Sequence[DicomSlice]) -> str:
    """Return by what the volumes of a series can be told apart, and what to do with them."""
    for element in dict.fromkeys(name for image in images for name, _ in image.volume):
        values: dict[str, DicomSlice] = {}
        for image in images:
            values.setdefault(dict(image.volume).get(element, "none"), image)
        if 1 < len(values) <= len(images) / 2:
            each = [f"{value} as in {image.path.name}" for value, image in values.items()]
            return (
                f"{len(values)} volumes in one series, which differ by {element} "
                f"({listed(each)}): put the files of one into a folder of its own"
            )
    return (
        "a time series or several echoes in one series; put one volume of it into a folder of its "
        "own"
    )


def _check_line(name: Path, ordered: Sequence[DicomSlice]) -> None:
    """Refuse slices that do not lie in one straight line: one affine cannot place them.

    The line is that of most steps (their median), so that it is the slices that jump aside which
    are named. A slant that all steps share is a line, too.
    """
    if len(ordered) < 3:
        return
    places = np.array([image.position for image in ordered])
    step = np.median(np.diff(places, axis=0), axis=0)
    rest = places - np.arange(len(places))[:, None] * step
    aside = np.linalg.norm(rest - np.median(rest, axis=0), axis=1)
    if aside.max() > _STRAIGHT * float(ordered[0].spacing.min()):
        worst = int(aside.argmax())
        raise FileFormatError(
            f"{name}: its slices are not in one straight line: {ordered[worst].path.name} (slice "
            f"{worst + 1}) lies {aside[worst]:.3g} mm aside of most: the patient or the table "
            "moved, or two stacks are mixed: put each stack into a folder of its own"
        )


def _affine(name: Path, slices: Sequence[DicomSlice]) -> Float64[np.ndarray, "4 4"]:
    """Return voxel index (column, row, slice) to world, RAS+ as NIfTI has it."""
    first, last = slices[0], slices[-1]
    along_row, along_column = first.directions
    between_rows, between_columns = first.spacing
    affine = np.eye(4)
    affine[:3, 0] = along_row * between_columns
    affine[:3, 1] = along_column * between_rows
    if len(slices) > 1:
        affine[:3, 2] = (last.position - first.position) / (len(slices) - 1)
    else:
        if not first.distance > 0:
            raise FileFormatError(f"{name}: one slice without a thickness in its header")
        affine[:3, 2] = np.cross(along_row, along_column) * first.distance
    affine[:3, 3] = first.position
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _dtype(slices: Sequence[DicomSlice]) -> np.dtype:
    """Return the type that holds the values: the pixels' own where one scale suits all slices."""
    if len({image.scaling for image in slices}) > 1:
        return np.dtype(np.float32)
    return np.dtype(f"{'i' if slices[0].signed else 'u'}{slices[0].bits // 8}")


def _header(
    slices: Sequence[DicomSlice],
    shape: tuple[int, int, int],
    affine: Float64[np.ndarray, "4 4"],
    dtype: np.dtype,
) -> Any:
    nibabel = volume_library("nibabel")
    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_xyzt_units("mm", "sec")
    header.set_qform(affine, code="scanner")
    header.set_sform(affine, code="scanner")
    header["descrip"] = slices[0].description.encode("ascii", "replace")[:79]
    if dtype.kind != "f":
        header.set_slope_inter(*slices[0].scaling)
    return header


def _read_voxels(
    slices: Sequence[DicomSlice], shape: tuple[int, int, int]
) -> Float32[np.ndarray, "X Y Z"]:
    voxels = np.empty(shape, dtype=np.float32)
    for index, image in enumerate(slices):
        slope, intercept = image.scaling
        stored = _read_pixels(image.path, shape).T
        voxels[..., index] = stored * slope + intercept
        if image.padding is not None:
            voxels[..., index][stored == image.padding] = np.nan
    return voxels


def _read_pixels(path: Path, shape: tuple[int, int, int]) -> NDArray[Any]:
    pydicom, pixels = volume_library("pydicom"), volume_library("pydicom.pixels")
    with typed_errors(path, "cannot be read as DICOM"), quiet():
        dataset = pydicom.dcmread(path, force=not has_preamble(path))
        if "TransferSyntaxUID" not in dataset.file_meta:  # a raw export, which is not compressed
            explicit = not dataset.original_encoding[0]
            plain = (pydicom.uid.ImplicitVRLittleEndian, pydicom.uid.ExplicitVRLittleEndian)
            dataset.file_meta.TransferSyntaxUID = plain[explicit]
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_compressed:
            decoder = pixels.get_decoder(syntax)
            if not decoder.is_available:
                needed = "; or ".join(decoder.missing_dependencies)
                raise MissingExtraError(
                    f"{path}: compressed as {syntax.name}: install what pydicom decodes it with "
                    f"({needed}), or convert it to an uncompressed one"
                )
        image: NDArray[Any] = dataset.pixel_array
    if image.shape != (shape[1], shape[0]):
        raise FileFormatError(f"{path}: changed while it was read: start again")
    return image
