"""Parts of entries, for where a whole data set is too large to take along."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Float, Num

from gisr.datasets.entry import Entry, Frame, Scan, Scene
from gisr.errors import InputError

_MOST_FACTOR = 16
_MOST_LEVEL = 65535


def part_of(entry: Entry, share: float) -> Entry:
    """Return an entry with a share of its images, to be trained on.

    Scenes and frames keep their middle, volumes their middle slices, each whole, because k-space
    is cropped of whole slices. Pairs that others made stay as they are. Depth comes in levels: of a
    unit of its own, because training knows no units, and whole numbers take less room.

    Args:
        entry: Its images are read.
        share: Of the pixels, above 0 and at most 1.

    Raises:
        InputError: No such share.
        GisrError: An image cannot be read.
    """
    if not 0 < share <= 1:
        raise InputError(f"share {share:g} of {entry.name} must be above 0 and at most 1")
    if isinstance(entry, Scene):
        return _scene(entry, math.sqrt(share))
    if isinstance(entry, Scan):
        return _scan(entry, share)
    return _frame(entry, math.sqrt(share)) if isinstance(entry, Frame) else entry


def _scene(scene: Scene, share: float) -> Scene:
    low, high = np.asarray(scene.read_multispectral()), np.asarray(scene.read_panchromatic())
    native = round(high.shape[0] / low.shape[0])
    rows, columns = (_middle(side, share) for side in low.shape[:2])
    fine = tuple(slice(part.start * native, part.stop * native) for part in (rows, columns))
    return replace(
        scene,
        read_multispectral=partial(np.asarray, low[rows, columns]),
        read_panchromatic=partial(np.asarray, high[fine]),
    )


def _scan(scan: Scan, share: float) -> Scan:
    volumes = {name: np.asarray(read()) for name, read in scan.read_contrasts.items()}
    kept = _middle(next(iter(volumes.values())).shape[2], share)
    slices = scan.slices
    if slices is not None:
        slices = tuple(i - kept.start for i in slices if kept.start <= i < kept.stop)
    parts = {name: partial(np.asarray, volume[..., kept]) for name, volume in volumes.items()}
    return replace(scan, slices=slices, read_contrasts=parts)


def _frame(frame: Frame, share: float) -> Frame:
    values, valid = (np.asarray(image) for image in frame.read_depth())
    rows, columns = (_middle(side, share) for side in values.shape)
    known = valid[rows, columns]
    levels = _levels(np.where(known, values[rows, columns], 0))
    colour = np.asarray(frame.read_colour())[rows, columns]
    return replace(
        frame, read_depth=lambda: (levels, known), read_colour=partial(np.asarray, colour)
    )


def _middle(side: int, share: float) -> slice:
    kept = max(1, round(side * share))
    return slice((side - kept) // 2, (side - kept) // 2 + kept)


def _levels(values: Float[np.ndarray, "H W"]) -> Num[np.ndarray, "H W"]:
    """Return depth in whole levels; as it is where nothing is known or a value is below 0.

    Published maps are whole levels over a small number. Others get levels that are fine enough.
    """
    top = float(values.max())
    if values.min() < 0 or top == 0:
        return values
    for factor in range(1, _MOST_FACTOR + 1):
        scaled = values.astype(np.float64) * factor
        if top * factor <= _MOST_LEVEL and np.abs(scaled - np.rint(scaled)).max() < 1e-3:
            return np.rint(scaled).astype(np.uint16)
    return np.rint(values.astype(np.float64) * (_MOST_LEVEL / top)).astype(np.uint16)
