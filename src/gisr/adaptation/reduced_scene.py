"""Lessons from a satellite scene of any size: windows of it, reduced once more by its sensor."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gisr.adaptation.lesson import LEAST_SIDE, Lesson, lessons_of
from gisr.data.degradations import fill_holes, mtf_samples
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_target
from gisr.errors import InputError
from gisr.estimation.registration import guide_at_target
from gisr.inference.tiling import TilePlan
from gisr.inference.windowed_pair import PairSource
from gisr.placement import Placement
from gisr.windows import Window, widened, within

_SIDE, _MOST_WINDOWS = 256, 40
"""Side of the windows in target pixels, and how many of a scene are read at most, evenly spread."""
_MARGIN = 3
GUIDE = 'mtf'
"""Target pixels around a window that are read too, for the kernels."""
_ALL = 0.99
"""Share of what a target pixel sees of the guide that must be known."""


def scene_lessons(source: PairSource) -> list[Lesson]:
    """Return lessons from a scene: its target is the truth, and is reduced by its own ratio.

    The blur is the one that was measured on the pair, or its sensor's; a bicubic kernel where the
    target went through one.

    Args:
        source: The scene, its guide aligned already.

    Raises:
        InputError: The scene is too small, or too little of it is known.
    """
    rows, columns = source.target_shape
    ratio = max(source.about.placement.ratios)
    least = int(np.ceil(LEAST_SIDE / ratio)) * int(np.ceil(ratio))
    if min(rows, columns) < least:
        raise InputError(
            f"adapt: a target of {columns} x {rows} pixels is too small to be its own truth: "
            f"{least} x {least} pixels are needed; leave adapt out"
        )
    gain = source.sensor_model.reductions[0]
    found = [_lesson_pair(source, window, gain) for window in _windows(source)]
    return lessons_of([pair for pair in found if pair is not None], neighbours=False)


def _windows(source: PairSource) -> list[Window]:
    """Return windows of the target that may hold something, in target pixels."""
    plan = TilePlan(*source.target_shape, min(_SIDE, max(source.target_shape)), 0)
    windows = [each for each in plan.windows() if source.may_hold(_on_guide(source, each))]
    chosen = np.linspace(0, len(windows) - 1, min(len(windows), _MOST_WINDOWS))
    return [windows[index] for index in np.unique(chosen.round().astype(int))]


def _on_guide(source: PairSource, window: Window) -> Window:
    """Return the guide pixels of a window of the target."""
    parts = []
    for axis, part in enumerate(window):
        scale, offset = source.about.placement.scale[axis], source.about.placement.offset[axis]
        first = int(np.floor((part.start - 0.5 - offset) / scale))
        last = int(np.ceil((part.stop - 0.5 - offset) / scale))
        size = source.shape[axis]
        first = min(max(0, first), size - 1)
        parts.append(slice(first, max(first + 1, min(size, last))))
    return parts[0], parts[1]


def _lesson_pair(source: PairSource, window: Window, gain: float | None) -> Pair | None:
    """Return one window with its truth; None where too little of it is known."""
    margins = (_MARGIN, _MARGIN)
    cut = source.cut(_on_guide(source, widened(window, margins, source.target_shape)))
    if cut is None:
        return None
    seen, area = cut.pair, source.target_area(_on_guide(source, widened(window, margins, source.target_shape)))[0]
    shape = (seen.target.shape[0], seen.target.shape[1])
    guide = bicubic_to_target(seen.guide, shape, seen.placement) if gain is None or GUIDE == "bicubic" else guide_at_target(seen, seen.guide, gain)
    shown = bicubic_to_target(cut.known.astype(np.float32), shape, seen.placement)
    valid = np.ones(shape, bool) if seen.valid is None else seen.valid
    known = valid & (shown > _ALL) & _covered(seen)
    inner = within(area, window)
    if not known[inner].any():
        return None
    return _reduced(source, fill_holes(seen.target, valid)[inner], guide[inner], known[inner], gain)


def _covered(pair: Pair) -> Bool[np.ndarray, "h w"]:
    """Return the target pixels whose middle lies on the guide."""
    inside = []
    for axis in (0, 1):
        scale, offset = pair.placement.scale[axis], pair.placement.offset[axis]
        place = (np.arange(pair.target.shape[axis]) - offset) / scale
        inside.append((place > -0.5) & (place < pair.guide.shape[axis] - 0.5))
    both: Bool[np.ndarray, "h w"] = inside[0][:, None] & inside[1][None, :]
    return both


def _reduced(
    source: PairSource,
    truth: Float[np.ndarray, "H W bands"],
    guide: Float[np.ndarray, "H W channels"],
    known: Bool[np.ndarray, "H W"],
    gain: float | None,
) -> Pair | None:
    """Return a pair whose target is a truth that was reduced as the scene's target was."""
    about = source.about
    offsets, coarse = [], []
    for axis, scale in enumerate(about.placement.scale):
        nested = 0.5 * scale - 0.5
        beside = about.placement.offset[axis] - nested
        offsets.append(nested + beside - round(beside))
        coarse.append(int(truth.shape[axis] * scale + 1e-6))
    if min(coarse) < 2 or min(truth.shape[:2]) < LEAST_SIDE // 2:
        return None
    placement = Placement(about.placement.scale, (offsets[0], offsets[1]))
    target = truth
    if gain is None:
        target = bicubic_to_target(truth, (coarse[0], coarse[1]), placement)
    else:
        for axis, scale in enumerate(placement.scale):
            centres = (np.arange(coarse[axis]) - placement.offset[axis]) / scale
            target = mtf_samples(target, centres, 1 / scale, gain, axis)
    reach = int(np.ceil(max(placement.ratios)))
    sure = known if known.all() else ndimage.binary_erosion(known, iterations=reach, border_value=1)
    return replace(
        about,
        target=target,
        guide=guide,
        placement=placement,
        grid="centre",
        valid=None,
        guide_valid=None,
        measured=None,
        fill=None,
        truth=truth,
        truth_valid=None if sure.all() else sure,
    )
