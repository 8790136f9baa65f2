"""Windows of entries as training takes them: float32, cut before anything is converted or resized.

Nothing else of an entry is read, so the images of a prepared store stay on disk and a scene that is
larger than memory trains like a patch. A window of a guide is the same as the guide of the whole
image would have there: enough is read around it for every kernel.
"""

import math

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.resample import resize_pillow, shift
from gisr.datasets.entry import Frame, MadePair, Pixels, Scan, Scene
from gisr.windows import Window

_REACH = 2
"""Samples to each side that the bicubic kernel looks at, and a shift beyond its own length."""


def scene_window(
    scene: Scene, window: Window
) -> tuple[Float[np.ndarray, "h w bands"], Float[np.ndarray, "h w 1"]]:
    """Return a window of both images of a scene on the multispectral grid, the guide aligned.

    Args:
        scene: With any ratio of its two images; it need not be whole.
        window: In multispectral pixels.
    """
    multispectral = _cut(scene.stored_multispectral, window)
    whole = scene.stored_panchromatic
    parts, boxes = [], []
    for axis, side in enumerate(window):
        scale = whole.shape[axis] / scene.stored_multispectral.shape[axis]
        first, last = side.start * scale, side.stop * scale
        reach = math.ceil(_REACH * max(scale, 1.0)) + math.ceil(abs(scene.guide_offset[axis]))
        low = max(math.floor(first) - reach - _REACH, 0)
        high = min(math.ceil(last) + reach + _REACH, whole.shape[axis])
        parts.append(slice(low, high))
        boxes.append((first - low, last - low))
    guide = _cut(whole, (parts[0], parts[1]))
    if any(scene.guide_offset):
        guide = shift(guide, scene.guide_offset)
    shape = multispectral.shape[:2]
    return multispectral, resize_pillow(guide, shape, box=(boxes[0], boxes[1]))


def frame_window(
    frame: Frame, window: Window
) -> tuple[Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"], Float[np.ndarray, "h w channels"]]:
    """Return a window of depth, of where it is known, and of the colour image."""
    values, valid = frame.stored_depth
    colour = _cut(frame.stored_colour, window)
    return _cut(values, window), np.asarray(valid[window], dtype=bool), colour


def scan_slice(
    scan: Scan, contrast: str, index: int, axis: int = 2
) -> Float[np.ndarray, "rows columns"]:
    """Return a slice of a volume.

    Args:
        scan: Any.
        contrast: One of its contrasts.
        index: Position along the axis.
        axis: Axis that the slice is across; slices across the last one are the fastest to read.
    """
    place: list[slice | int] = [slice(None)] * 3
    place[axis] = index
    return np.asarray(scan.stored_volume(contrast)[tuple(place)], dtype=np.float32)


def pair_window(
    pair: MadePair, window: Window
) -> tuple[
    Float[np.ndarray, "h w bands"],
    Float[np.ndarray, "H W channels"],
    Float[np.ndarray, "H W bands"] | None,
]:
    """Return a window of target, guide and truth (None where there is none).

    Args:
        pair: Any.
        window: In target pixels.
    """
    rows, columns = (slice(s.start * pair.ratio, s.stop * pair.ratio) for s in window)
    truth = None if pair.stored_truth is None else _cut(pair.stored_truth, (rows, columns))
    return _cut(pair.stored_target, window), _cut(pair.stored_guide, (rows, columns)), truth


def _cut(image: Pixels, window: Window) -> Float[np.ndarray, "h w *bands"]:
    return np.asarray(image[window], dtype=np.float32)
