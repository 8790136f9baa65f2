"""Whether images show what their pixels could: what was enlarged shows nothing that is finer."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

_COARSE, _FINER = 0.5, 1.25
"""Nyquist frequencies of the target: an octave that it shows begins, and what it cannot show."""
_NOTHING = 0.04
"""Power of what the target cannot show, over that of this octave, below which it is nothing. Of 55
real guides none has less than 0.1; enlarged by cubics they have 0.003 at most."""
_SMALLEST = 32
"""Guide pixels along a side below which nothing is measured."""
_LEAST_RATIO = 1.5
"""Below it hardly anything lies between what a target and what a guide can show."""
_KNOTS = 0.5
"""Bends of a guide at the phase of its grid that has least of them, over the one with most, below
which it is straight in between. Of 55 real guides none has less than 0.99."""
_REPEATED = 0.1
"""The same below which a target repeats its pixels, or goes straight between them. Of 854 windows
of 100 real targets none has less than 0.65."""
_BOTH = (np.median, np.mean)
_SMOOTH = 0.045
"""As ``_NOTHING``, of a target, in the median of its cells. Of 355 windows of real targets none has
less than 0.069, of islands in the sea 1.7; enlarged by cubics they have 0.031 at most."""


def is_enlarged(guide: Float[np.ndarray, "H W"], ratios: tuple[float, float]) -> bool:
    """Return whether a guide was enlarged from pixels as coarse as its target's.

    By repeating them, by straight lines between them, or by a smooth kernel.

    Args:
        guide: One window, without holes, as it is stored.
        ratios: How many times finer than the target, down and across.
    """
    if min(guide.shape) < _SMALLEST or min(ratios) < _LEAST_RATIO or not np.ptp(guide):
        return False
    guide = guide.astype(np.float64)
    if all(knots(np.moveaxis(guide, each, 0), ratios[each]) < _KNOTS for each in (0, 1)):
        return True
    return beyond_target(guide, ratios) < _NOTHING


def all_enlarged(guides: Iterator[Float[np.ndarray, "H W"]], ratios: tuple[float, float]) -> bool:
    """Return whether all windows of a guide were enlarged; False where there is none.

    Most guides show detail in the first window, and no other is asked for.
    """
    found = (is_enlarged(guide, ratios) for guide in guides)
    return next(found, False) and all(found)


def all_blown_up(images: Iterator[Float[np.ndarray, "h w"]]) -> bool:
    """Return whether all windows of a target were enlarged; False where there is none.

    By 3 or 4, or by repeating pixels twice. Enlarged by 2 with a smooth kernel it looks as the
    images of soft optics do.

    Args:
        images: Windows without holes, as they are stored, the mean over their bands.
    """
    found = (_is_blown_up(image) for image in images)
    return next(found, False) and all(found)


def _is_blown_up(image: Float[np.ndarray, "h w"]) -> bool:
    if min(image.shape) < _SMALLEST or not np.ptp(image):
        return False
    image = image.astype(np.float64)
    for factor in (2, 3, 4):
        turned = (image, image.T)
        # Blocks of JPEG, and fields of eight pixels, hold something between their borders.
        if all(knots(each, factor, how) < _REPEATED for each in turned for how in _BOTH):
            return True
    return any(_beyond_in_cells(image, factor) < _SMOOTH for factor in (3, 4))


def _beyond_in_cells(image: Float[np.ndarray, "h w"], factor: int) -> float:
    """Return the power of what pixels so many times as large cannot show, in the median of cells.

    In cells, lest the edge of an island count for all of its sea.
    """
    side = (_SMALLEST, _SMALLEST)
    cells = sliding_window_view(image, side)[:: side[0] // 2, :: side[0] // 2].reshape(-1, *side)
    cells = cells - cells.mean(axis=(1, 2), keepdims=True)
    taper = np.hanning(side[0])
    power = np.square(np.abs(np.fft.rfft2(cells * taper[:, None] * taper)))
    frequency = np.maximum(
        np.abs(np.fft.fftfreq(side[0]))[:, None], np.fft.rfftfreq(side[0])[None]
    ) * (2 * factor)
    shown = power[:, (frequency > _COARSE) & (frequency <= 1)].sum(axis=1)
    beyond = power[:, frequency > _FINER].sum(axis=1)
    return float(np.median(np.divide(beyond, shown, out=np.ones_like(shown), where=shown > 0)))


def beyond_target(guide: Float[np.ndarray, "H W"], ratios: tuple[float, float]) -> float:
    """Return the power of what a target cannot show, over that of the finest octave it shows."""
    rows, columns = guide.shape
    window = np.hanning(rows)[:, None] * np.hanning(columns)[None]
    power = np.square(np.abs(np.fft.rfft2((guide - guide.mean()) * window)))
    down = np.abs(np.fft.fftfreq(rows)) * 2 * ratios[0]
    across = np.fft.rfftfreq(columns) * 2 * ratios[1]
    frequency = np.maximum(down[:, None], across[None])
    shown = float(power[(frequency > _COARSE) & (frequency <= 1)].sum())
    return float(power[frequency > _FINER].sum()) / shown if shown > 0 else 1.0


def knots(
    guide: Float[np.ndarray, "H W"], ratio: float, usual: Callable[..., Any] = np.median
) -> float:
    """Return how much less an image bends along its rows where it bends least in every period.

    Steps between neighbours count for a period of two, which straight lines have none to bend in.

    Args:
        guide: Any image.
        ratio: The period, rounded.
        usual: What stands for the bends of a phase. Medians: a few strong edges, as of fields, may
            lie at one phase by chance. Of an image that hardly varies these are 0 or 1 step.

    Returns:
        0 of an image that repeats, or goes straight, in between; about 1 of any other.
    """
    period = round(ratio)
    bends = np.abs(np.diff(guide, n=2 if period > 2 else 1, axis=0))
    phases = [float(usual(bends[phase::period])) for phase in range(period)]
    return min(phases) / max(phases) if max(phases) > 0 else 1.0
