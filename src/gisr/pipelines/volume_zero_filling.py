"""MR targets whose matrix scanners filled up with zeros of k-space: taken as they were acquired.

A target of 256 x 256 voxels from 128 x 128 samples of k-space shows nothing finer than twice its
voxels, which its header does not say. The network would take its blur for that of the tissue.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float32, Float64

from gisr.io.volumes.header import ORDINALS, Shape, Volume
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import place_volumes
from gisr.notes import Note
from gisr.pipelines.mri_slices import Storage
from gisr.placement import LARGEST_RATIO

_FEWEST = 32
"""Voxels along an axis from which its spectrum is judged."""
_SLICES = 8
"""Slices in the middle that are looked at."""
_DROP = 30.0
"""How many times the power of a spectrum falls within three bins where k-space ends: in volumes of
heads and in means over their voxels it falls by four times at most."""
_KEPT = 10.0
"""How many times less power a bin has that still belongs to those before it: a Hann window leaks a
quarter to the next bin, and less than a hundredth beyond."""
_BINS = 4
"""Bins before the end in which power must fall far less: that of blurred images falls evenly."""
_LARGEST_SHARE = 0.75
"""Share of the voxels along both axes above which a target is taken as it is: scanners often
leave out a little of one direction, which costs little detail."""
_TOLD_SHARE = 0.6
"""Share up to which a single axis is told: most scans fill up one to square pixels, by less."""


def without_zero_filling(files: VolumePair) -> VolumePair:
    """Return two volumes, the target in the voxels in which it was acquired.

    Args:
        files: As they were read, unknown voxels NaN.
    """
    target = files.target
    sizes = [_acquired(target, axis) for axis in range(3)]
    coarse = [
        axis for axis in range(3) if int(files.placement.turn[axis, 0]) in files.placement.coarse
    ]
    plane = [axis for axis in coarse if axis != target.slice_axis]
    if len(plane) == 2 and all(_can_be_cropped(files, axis, sizes[axis]) for axis in plane):
        return _as_acquired(files, (plane[0], plane[1]), (sizes[plane[0]], sizes[plane[1]]))
    notes = [
        Note(
            f"{target.path.name} was zero-filled along its {ORDINALS[axis]} axis: of its "
            f"{target.shape[axis]} samples k-space holds {sizes[axis]}; it is taken as it is "
            "stored, as it was acquired it would gain more"
        )
        for axis in coarse
        if sizes[axis] <= _TOLD_SHARE * target.shape[axis]
    ]
    return replace(files, notes=(*files.notes, *notes)) if notes else files


def _can_be_cropped(files: VolumePair, axis: int, size: int) -> bool:
    steps = files.target.shape[axis] / size
    ratio = files.placement.ratios[int(files.placement.turn[axis, 0])]
    return steps * _LARGEST_SHARE >= 1 and steps * ratio <= LARGEST_RATIO


def _as_acquired(files: VolumePair, axes: tuple[int, int], sizes: tuple[int, int]) -> VolumePair:
    """Return two volumes, the target cropped in k-space along two axes, and say so."""
    target = files.target
    cropped = _cropped(target, axes, sizes, _starts(files, axes, sizes))
    stored = " x ".join(str(target.shape[axis]) for axis in axes)
    voxel = " x ".join(f"{cropped.zooms[axis]:.3g}" for axis in axes)
    note = Note(
        f"{target.path.name} was zero-filled: of its {stored} samples in the plane k-space holds "
        f"{sizes[0]} x {sizes[1]}, so it was taken as these, {voxel} mm each"
    )
    return replace(
        files,
        target=cropped,
        placement=place_volumes(cropped, files.guide),
        notes=(*files.notes, note),
    )


def _acquired(volume: Volume, axis: int) -> int:
    """Return how many samples of k-space an axis holds; all where they do not end sharply."""
    size = volume.shape[axis]
    across = volume.slice_axis if axis != volume.slice_axis else (axis + 1) % 3
    first = max(0, (volume.shape[across] - _SLICES) // 2)
    looked_at = range(first, min(volume.shape[across], first + _SLICES))
    slices = np.moveaxis(volume.voxels.take(looked_at, axis=across), axis, -1)
    if size < _FEWEST or not np.isfinite(slices).all():
        return size
    power = np.maximum(_power(slices), np.finfo(np.float32).tiny)
    for at in range(_BINS, len(power) - 3):
        inside, before = power[at], power[at - _BINS]
        drop = inside / power[at + 3 :].max()
        if drop > _DROP and drop > (before / inside) ** 3:
            return 2 * int(np.flatnonzero(power[: at + 3] >= inside / _KEPT)[-1])
    return size


def _power(slices: Float32[np.ndarray, "a b n"]) -> Float64[np.ndarray, " bins"]:
    """Return the mean power along the last axis; a window hides that the ends do not meet."""
    window = np.hanning(slices.shape[-1] + 2)[1:-1]
    spectrum = np.fft.rfft((slices - slices.mean(dtype=np.float64)) * window, axis=-1)
    power: np.ndarray = (np.abs(spectrum) ** 2).mean(axis=(0, 1))
    return power


def _starts(
    files: VolumePair, axes: tuple[int, int], sizes: tuple[int, int]
) -> tuple[float, float]:
    """Return where the first acquired sample lies along both axes, in samples as they are stored.

    Where the affines say that samples are those of k-space, the sample that coincides with one of
    the guide stays; else the field of view does.
    """
    place, shape = files.placement, files.target.shape
    steps = [shape[axis] / size for axis, size in zip(axes, sizes, strict=True)]
    first, second = (place.axis(int(place.turn[axis, 0])) for axis in axes)
    stored = Storage.of((first, second), None)
    if place.angle or stored.grid != "kspace":
        return (steps[0] - 1) / 2, (steps[1] - 1) / 2
    flipped = [bool(place.turn[axis, 1] < 0) for axis in axes]
    kept = [turned != flip for turned, flip in zip(stored.turned, flipped, strict=True)]
    return (steps[0] - 1) * kept[0], (steps[1] - 1) * kept[1]


def _cropped(
    volume: Volume, axes: tuple[int, int], sizes: tuple[int, int], starts: tuple[float, float]
) -> Volume:
    """Return a volume of the middle of its k-space, sampled from some places on."""
    shape, to_old = list(volume.shape), np.eye(4)
    for axis, size, start in zip(axes, sizes, starts, strict=True):
        to_old[axis, axis], to_old[axis, 3] = shape[axis] / size, start
        shape[axis] = size
    x, y, z = shape

    def crop(voxels: Float32[np.ndarray, "X Y Z"]) -> Float32[np.ndarray, "x y z"]:
        return _middle(voxels, axes, (x, y, z), starts)

    def read() -> Iterator[Float32[np.ndarray, "x y z"]]:
        return map(crop, volume.read())

    return replace(
        volume,
        shape=(x, y, z),
        affine=volume.affine @ to_old,
        read=read,
        voxels=crop(volume.voxels),
    )


def _middle(
    voxels: Float[np.ndarray, "X Y Z"],
    axes: tuple[int, int],
    shape: Shape,
    starts: tuple[float, float],
) -> Float32[np.ndarray, "x y z"]:
    middle = np.fft.fftshift(np.fft.fft2(voxels, axes=axes), axes=axes)
    share = np.prod(shape) / voxels.size
    for axis, start in zip(axes, starts, strict=True):
        size, kept = voxels.shape[axis], shape[axis]
        middle = middle.take(range(size // 2 - kept // 2, size // 2 - kept // 2 + kept), axis=axis)
        turns = (np.arange(kept) - kept // 2) * (start / size)
        sides = [1, 1, 1]
        sides[axis] = kept
        middle = middle * np.exp(2j * np.pi * turns).reshape(sides)
    result = np.fft.ifft2(np.fft.ifftshift(middle, axes=axes), axes=axes).real
    return (result * share).astype(np.float32)
