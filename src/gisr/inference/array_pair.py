"""Pairs from arrays or tensors: shapes, types and values checked, placed by their shapes."""

import warnings
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.choices import check_number, check_text
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.estimation.slice_grid import reduced_as_picture
from gisr.inference.array_values import (
    ArrayOrTensor,
    as_image,
    check_axes,
    check_slice,
    plain_array,
    read_array,
)
from gisr.inference.depth_array import check_said, known_depths
from gisr.inference.sample_places import at_first_pixels, first_pixels_text
from gisr.inference.windowed_pair import nearest_pixels
from gisr.placement import Placement, place_by_shape, place_scene
from gisr.tasks import TASKS, Grid, Task, TaskName, check_subject, find_task
from gisr.tasks.sensors import unlisted_note


def make_pair(
    target: ArrayOrTensor,
    guide: ArrayOrTensor,
    task: TaskName,
    *,
    ratio: float | None = None,
    valid: ArrayOrTensor | None = None,
    guide_valid: ArrayOrTensor | None = None,
    grid: Grid | None = None,
    sensor: str | None = None,
    mtf: float | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    placement: Placement | None = None,
) -> Pair:
    """Build a pair from arrays or tensors that show the same field of view.

    Target (h, w) or (h, w, bands), guide (H, W) or (H, W, channels), 1 to 4 channels, both in their
    own units and of any real type; of a tensor the values count, wherever it lies. An MR array is
    one slice (H, W): of two volumes the slices are given one by one, as ``upscaler.share`` shows.
    With a placement they need not: it says where the guide lies on the target. An MR slice is taken
    for a crop of k-space unless ``grid`` is ``centre``; a warning says where the guide explains
    more of it as a picture that was reduced. Depth samples lie in the middles of their areas, with
    ``kspace`` at first pixels (``depth[::4, ::4]``), which is told where colours alone say so. A
    masked array's mask counts. Where neither a mask nor ``valid`` says what is known, values that
    look like fill are taken for unknown, and of a depth map 0, NaN and infinity too. That, and a
    sensor that is not listed, is reported by a warning.
    Sensor and MTF are those of satellite images, contrasts those of MR images: for other tasks they
    are refused.

    Raises:
        InputError: An image or an argument cannot be used.
        PairError: Target and guide do not fit together.
    """
    record = find_task(task)
    check_facts(record, sensor, mtf, contrast, guide_contrast)
    check_number("ratio", ratio)
    target, guide = as_image("target", target), as_image("guide", guide)
    if (note := unlisted_note(sensor)) is not None:
        warnings.warn(note, stacklevel=3)
    if record.volumes:
        check_slice(target, guide)
    check_axes(target, guide)
    said = record.surfaces and valid is not None
    if record.surfaces and valid is None and not np.ma.is_masked(target):
        target, valid = known_depths(target)
    low = read_array("target", target, valid, blank=record.blank)
    high = read_array("guide", guide, guide_valid, blank=record.blank)
    if said:
        known = np.ones(low.planes.shape[:2], bool) if low.known is None else low.known
        check_said(np.atleast_3d(plain_array(target)), known)
    bits = checked_bits(bits)
    where = grid or record.grid
    if where not in ("centre", "kspace"):
        raise InputError(f"grid {where!r} must be 'centre' or 'kspace'")
    pair = Pair(
        low.planes,
        high.planes,
        task,
        placement or place_arrays(record, low.planes.shape, high.planes.shape, ratio, grid),
        # Samples of surfaces have no k-space: there, the grid says where they lie alone.
        "centre" if record.surfaces else where,
        valid=low.known,
        guide_valid=high.known,
        fill=low.fill,
        sensor=sensor,
        mtf=mtf,
        bits=bits,
        contrast=contrast,
        guide_contrast=guide_contrast,
    )
    if record.volumes and grid is None and placement is None:
        _warn_of_reduced_picture(pair)
    if record.surfaces and grid is None and placement is None:
        pair = _at_first_pixels(pair)
    known = pair.target if pair.valid is None else pair.target[pair.valid]
    if bits is not None and known.max() > 2**bits - 1:
        raise InputError(
            f"target holds {known.max():g}, which {bits} bits cannot: correct bits or leave it out"
        )
    return pair


def place_arrays(
    task: Task,
    target: tuple[int, ...],
    guide: tuple[int, ...],
    ratio: float | None,
    grid: Grid | None,
) -> Placement:
    """Place two arrays by their shapes, as files without a georeference are; that is told.

    Raises:
        InputError: An image is empty.
        PairError: The shapes do not fit each other, or not the ratio.
    """
    low, high = (target[0], target[1]), (guide[0], guide[1])
    if task.reduction != "sensor" or grid is not None or ratio is not None:
        return place_by_shape(low, high, grid or task.grid, ratio, task.stretch)
    placement, assumed = place_scene(low, high)
    if assumed:
        otherwise = "ratio=, grid='centre' (the same edges) or placement= says otherwise"
        warnings.warn(f"guide of {assumed}: {otherwise}", stacklevel=4)
    return placement


def _warn_of_reduced_picture(pair: Pair) -> None:
    """Warn where a slice that is taken for a crop of k-space seems to be none."""
    target = pair.target.mean(axis=2)
    if pair.valid is not None:
        target = np.where(pair.valid, target, np.float32(np.nan))
    if pair.grid == "kspace" and reduced_as_picture(target, pair.guide.mean(axis=2)):
        warnings.warn(
            "target is taken for a crop of k-space, but the guide explains more of it as a picture "
            "that was reduced (means, bicubic): give grid='centre' if it was, grid='kspace' if not",
            stacklevel=4,
        )


def _at_first_pixels(pair: Pair) -> Pair:
    """Return a pair of surfaces with its samples where the guide's colours say that they lie."""
    if pair.target.shape[2] > 1 or pair.guide.shape[2] not in (1, 3):
        return pair  # no picture: who sharpens it takes or refuses it
    target = pair.target[..., 0]
    valid = np.ones(target.shape, bool) if pair.valid is None else pair.valid
    first = at_first_pixels(target, valid, pair.guide, pair.placement)
    if first is None:
        return pair
    told = f"target: {first_pixels_text(first)}: give grid='centre' if not"
    warnings.warn(told, stacklevel=4)
    return replace(pair, placement=first)


def checked_bits(bits: int | None) -> int | None:
    """Return bits as a number of Python: powers of two overflow numpy's small ones.

    Raises:
        InputError: They are no whole number between 1 and 32.
    """
    check_number("bits", bits, whole=True)
    if bits is not None and not 1 <= bits <= 32:
        raise InputError(f"bits {bits} must lie between 1 and 32")
    return None if bits is None else int(bits)


def check_facts(
    task: Task,
    sensor: str | None,
    mtf: float | None,
    contrast: str | None,
    guide_contrast: str | None,
) -> None:
    """Refuse what cannot be said of images, or not of a task's.

    Raises:
        InputError: It is of another type, or of another task.
    """
    names = {"sensor": sensor, "contrast": contrast, "guide_contrast": guide_contrast}
    for name, value in names.items():
        check_text(name, value)
    check_number("mtf", mtf)
    _check_subject(task, "sensors", sensor=sensor, mtf=mtf)
    _check_subject(task, "contrasts", contrast=contrast, guide_contrast=guide_contrast)


def _check_subject(task: Task, kind: str, **given: object) -> None:
    """Refuse what is said of images of another kind, which would be ignored.

    Raises:
        InputError: Something is said.
    """
    for name, value in given.items():
        if value is not None:
            own = [each.name for each in TASKS.values() if kind in each.vocabulary]
            remedy = "leave it out, or name another task"
            check_subject(f"{name} {value!r}", task.name, own, remedy)


def as_given(
    image: Float[np.ndarray, "H W bands"], pair: Pair, target: ArrayOrTensor
) -> NDArray[np.float32]:
    """Return a result with the axes of the target that was given, and what was unknown in it."""
    result: NDArray[np.float32] = image
    if pair.valid is not None and (pair.fill is not None or np.ma.isMaskedArray(target)):
        unknown = ~nearest_pixels(pair.valid, image.shape[:2], pair.placement)
        if pair.fill is not None:
            result = np.where(unknown[..., None], np.float32(pair.fill), image)
        else:
            mask = np.broadcast_to(unknown[..., None], image.shape)
            result = np.ma.masked_array(image, mask)
    return result[..., 0] if np.ndim(target) == 2 else result


__all__ = ["ArrayOrTensor", "as_given", "make_pair"]
