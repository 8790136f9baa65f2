"""Lessons from a satellite scene of any size: windows of it, reduced once more by its sensor."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gisr.adaptation.lesson import LEAST_SIDE, Lesson, NoLessonsError, lessons_of
from gisr.data.degradations import fill_holes, mtf_reduced
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_target
from gisr.inference.windowed_pair import PairSource
from gisr.placement import Placement
from gisr.windows import Window, widened, within

_SIDE, _MOST_WINDOWS = 256, 40
"""About the side of windows in target pixels, and how many of a scene are read, evenly spread."""
_MARGIN = 3
"""Target pixels around a window that are read too, for the kernels."""
_AS_SHARP = 0.7
"""Share of its sensor's gain that the blur of a target must have. Of 36 pairs 31 have 0.8 or more;
of the others, GaoFen-2 reduced by 2 with half the gain, three lost 1.0 to 2.1 dB by learning from
themselves although parts kept back gained (docs/results/adapt.md)."""
_LARGEST_RATIO = 3.5
"""Ratio up to which lessons hold at full resolution: at 2 and 3 test scenes gained up to 1.3 dB, at
4 three of five lost 0.3 to 2.4 dB, after 40 steps as after 160 and at a fifth of the rate, although
parts kept back gained (docs/results/adapt.md)."""
_ALL = 0.99
"""Share of what a target pixel sees of the guide that must be known."""


def scene_lessons(source: PairSource) -> list[Lesson]:
    """Return lessons from a scene: its target is the truth, and is reduced by its own ratio.

    The blur is the one that was measured on the pair, or its sensor's where that is weaker; a
    bicubic kernel where the target went through one.

    Args:
        source: The scene, its guide aligned already.

    Raises:
        NoLessonsError: The scene is too small, too little of it is known, its target is less sharp
            than its sensor makes it, or its guide is more than 3 times finer.
    """
    _check_ratio(source.ratio)
    _check_blur(source.sensor_model.reductions)
    shown = _shown_target(source)
    rows, columns = (part.stop - part.start for part in shown)
    least = [math.ceil(LEAST_SIDE / r) * math.ceil(r) for r in source.about.placement.ratios]
    if rows < least[0] or columns < least[1]:
        raise NoLessonsError(
            f"a target of {columns} x {rows} pixels is too small to be its own truth: "
            f"{least[1]} x {least[0]} are needed"
        )
    # The least blur it can be. A truth that is less sharp than its guide makes the measured one too
    # strong, and what is learnt from it then invents detail.
    gain = source.sensor_model.reductions[-1]
    found = [_lesson_pair(source, window, gain) for window in _windows(source, shown)]
    return lessons_of([pair for pair in found if pair is not None], neighbours=False)


def _check_ratio(ratio: float) -> None:
    """Refuse ratios at which a scene reduced once more misleads.

    Raises:
        NoLessonsError: It is too high.
    """
    if ratio > _LARGEST_RATIO:
        raise NoLessonsError(
            f"at ratio {ratio:.3g} what a scene tells of itself does not hold at full resolution "
            "(it does at 2 and 3): leave adapt out"
        )


def _check_blur(reductions: tuple[float | None, ...]) -> None:
    """Refuse a target whose blur is not its sensor's: its own sharpness misleads.

    Raises:
        NoLessonsError: It is blurred much more than that.
    """
    least, most = reductions[0], reductions[-1]
    if least is not None and most is not None and least < _AS_SHARP * most:
        raise NoLessonsError(
            f"the target is less sharp than its sensor makes it (a gain of {least:.2f} at the "
            f"Nyquist frequency, not {most:.2f}), so what it tells of itself may not hold at full "
            "resolution: leave adapt out"
        )


def _shown_target(source: PairSource) -> Window:
    """Return the part of the target that the guide shows, in whole target pixels."""
    parts = []
    for axis, size in enumerate(source.target_shape):
        scale, offset = source.about.placement.scale[axis], source.about.placement.offset[axis]
        first = math.ceil(offset - 0.5 * scale - 1e-6)
        last = math.floor(offset + (source.shape[axis] - 0.5) * scale + 1e-6)
        first = min(max(0, first), size)
        parts.append(slice(first, max(first, min(size, last + 1))))
    return parts[0], parts[1]


def _windows(source: PairSource, shown: Window) -> list[Window]:
    """Return windows of the target that may hold something, in target pixels."""
    rows, columns = (_cut_evenly(part) for part in shown)
    windows = [
        (down, across)
        for down in rows
        for across in columns
        if source.may_hold(_on_guide(source, (down, across)))
    ]
    chosen = np.linspace(0, len(windows) - 1, min(len(windows), _MOST_WINDOWS))
    return [windows[index] for index in np.unique(chosen.round().astype(int))]


def _cut_evenly(part: slice) -> list[slice]:
    """Return a side in parts that do not overlap: what one keeps back no other learns."""
    count = max(1, round((part.stop - part.start) / _SIDE))
    ends = np.linspace(part.start, part.stop, count + 1).round().astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(ends)]


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
    wide = _on_guide(source, widened(window, margins, source.target_shape))
    cut = source.cut(wide)
    if cut is None:
        return None
    seen, area = cut.pair, source.target_area(wide)[0]
    shape = (seen.target.shape[0], seen.target.shape[1])
    # By the target's own blur, not by a sharper kernel: what is blurred alike is still related as
    # guide and truth are at full resolution.
    guide = (
        bicubic_to_target(seen.guide, shape, seen.placement)
        if gain is None
        else mtf_reduced(seen.guide, shape, seen.placement, gain)
    )
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
    low = (coarse[0], coarse[1])
    target = (
        bicubic_to_target(truth, low, placement)
        if gain is None
        else mtf_reduced(truth, low, placement, gain)
    )
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
