"""Values of MR volumes that stand for unknown voxels, declared by nobody or by an option."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from gisr.data.fill import Fill, find_fill
from gisr.errors import InputError
from gisr.io.volumes.header import Volume
from gisr.io.volumes.nifti import scaling
from gisr.io.volumes.pair import VolumePair
from gisr.notes import Note, warning

_CODES = (-9999.0, -99999.0, -32768.0, -32767.0, -2147483648.0, 65535.0, 32767.0, 2147483647.0)
"""Values that programs write where nothing was imaged, whatever the rest holds."""
_NO_SIGNAL = 1e20
"""Larger values are no signal."""


def without_fill(files: VolumePair, nodata: float | str | None) -> VolumePair:
    """Return two volumes whose fill is NaN, as what is unknown is; integers get it back.

    Fill is looked for in the first volumes. In MR it is one of the usual codes, or a value below 0
    in an image that has none else: the air of standardised volumes is data.

    Args:
        files: As they were read.
        nodata: The value; ``none`` if there is none; None to look for it.

    Raises:
        InputError: Nothing else is in a volume.
    """
    target, said = _cleared(files.target, nodata)
    guide, also = _cleared(files.guide, nodata)
    notes = [*files.notes, *said, *also]
    if isinstance(nodata, float | int) and (target, guide) == (files.target, files.guide):
        names = f"{target.path.name} or {guide.path.name}"
        notes.append(Note(f"no voxel of {names} holds {nodata:.8g}: --nodata changes nothing"))
    return replace(files, target=target, guide=guide, notes=tuple(notes))


def _cleared(volume: Volume, nodata: float | str | None) -> tuple[Volume, list[Note]]:
    if isinstance(nodata, str):
        return volume, []
    if nodata is not None:
        return (_without(volume, nodata) if _may_hold(volume, nodata) else volume), []
    notes, result = list[Note](), volume
    for fill in find_fill(volume.voxels[..., None], magnitudes=True):
        if not _stands_for_nothing(volume.voxels, fill):
            continue
        option, name = f"--nodata {fill.value:.8g}", volume.path.name
        if fill.certainty == "certain":
            result = _without(result, fill.value)
            text = f"{fill.text.replace('pixels', 'voxels')} is taken for unknown"
            notes.append(Note(f"{name}: {text}: {option} says so, --nodata none makes it data"))
        else:
            text = f"{fill.text.replace('pixels', 'voxels')} may be unknown ones"
            notes.append(warning(f"{name}: {text}: {option} makes them so"))
    return result, notes


def _may_hold(volume: Volume, value: float) -> bool:
    """Return whether a volume holds a value, or a later one of its series may."""
    if (volume.voxels == np.float32(value)).any():
        return True
    if volume.count == 1 or volume.dtype.kind == "f":
        return volume.count > 1
    slope, intercept = scaling(volume.header)
    limits = np.iinfo(volume.dtype)
    return limits.min <= round((value - intercept) / slope) <= limits.max


def _stands_for_nothing(voxels: Float32[np.ndarray, "X Y Z"], fill: Fill) -> bool:
    if fill.value in _CODES or abs(fill.value) >= _NO_SIGNAL:
        return True
    others = voxels[np.isfinite(voxels) & (voxels != np.float32(fill.value))]
    return fill.value < 0 and bool(len(others)) and float(others.min()) >= 0


def _without(volume: Volume, value: float) -> Volume:
    """Return a volume with NaN for a value, in all volumes of a series."""
    single = np.float32(value)

    def clear(voxels: Float32[np.ndarray, "X Y Z"]) -> Float32[np.ndarray, "X Y Z"]:
        return np.where(voxels == single, np.float32(np.nan), voxels)

    def read() -> Iterator[Float32[np.ndarray, "X Y Z"]]:
        return map(clear, volume.read())

    voxels = clear(volume.voxels)
    if not np.isfinite(voxels).any():
        raise InputError(f"{volume.path}: every voxel is unknown: there is nothing to sharpen")
    slope, intercept = scaling(volume.header)
    stored = float(np.rint((value - intercept) / slope)) if volume.dtype.kind in "iu" else None
    padding = stored if volume.padding is None else volume.padding
    return replace(volume, voxels=voxels, read=read, padding=padding)
