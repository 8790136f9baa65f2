"""What a report measures: an overview, the regions with the largest changes, and numbers.

An overview is gathered window by window and only a few windows are read as a whole, so that memory
does not depend on the size of the image.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import fft, ndimage

from gisr.array_types import Map, Values
from gisr.errors import InputError
from gisr.estimation.no_reference import NoReferenceQuality
from gisr.inference.consistency.correction import Consistency, consistent_kspace, residual_of
from gisr.inference.tiling import TilePlan
from gisr.pipelines.report.windowed_result import ArrayResult, ResultWindow, WindowedResult
from gisr.tasks import find_task
from gisr.windows import Window

_OVERVIEW = 720
"""Longest side of the overview in pixels."""
_WINDOW = 512
"""Approximate side of the windows from which it is gathered."""
CROP = 224
"""Side of the regions shown pixel by pixel."""
_CROPS = 3
_SAMPLED = 4
"""Windows on which quality and residual are measured."""
_REACH = 16
"""Guide pixels of the profile on either side of the edge."""
_PER_PIXEL = 4
"""Samples of the profile per guide pixel."""


@dataclass(frozen=True, eq=False)
class Overview:
    """The whole image, every pixel the mean of a square of guide pixels."""

    step: int
    """Side of these squares."""
    before: Values
    after: Values
    guide: Values
    change: Map
    """Mean absolute difference of after and before."""
    spread: Map | None
    known: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean power by spatial frequency."""

    frequency: Float[np.ndarray, " n"]
    """Cycles per guide pixel, up to 1/2."""
    power: dict[str, Float[np.ndarray, " n"]]
    """By name: before, after, guide (scaled to the power of after at low frequencies)."""
    nyquist: float
    """Nyquist frequency of the target."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Values along a line across the strongest edge of a window."""

    distance: Float[np.ndarray, " n"]
    """Guide pixels from the edge."""
    values: dict[str, Float[np.ndarray, " n"]]
    """By name, the guide scaled to the range of after."""
    spread: Float[np.ndarray, " n"] | None
    ends: tuple[tuple[float, float], tuple[float, float]]
    """Row and column of both ends within the window."""


@dataclass(frozen=True)
class Quality:
    """No-reference indices, means over windows."""

    qnr: float
    hqnr: float
    d_lambda: float
    d_lambda_k: float
    d_s: float


def overview_of(result: WindowedResult) -> Overview:
    """Read all of an image once, window by window.

    Raises:
        InputError: Nothing is known.
    """
    step = -(-max(result.shape) // _OVERVIEW)
    side = step * max(1, round(_WINDOW / step))
    sizes = tuple(-(-size // step) for size in result.shape)
    sheets: dict[str, Values] = {}
    known = np.zeros(sizes, bool)
    for part in _known_windows(result, side):
        corner = [axis.start // step for axis in part.window]
        for name, image in _layers(part).items():
            reduced, seen = _means(image, part.known, step)
            place = (
                slice(corner[0], corner[0] + len(seen)),
                slice(corner[1], corner[1] + seen.shape[1]),
            )
            sheet = sheets.setdefault(name, np.zeros((*sizes, image.shape[2]), np.float32))
            sheet[place], known[place] = reduced, seen
    if not sheets:
        raise InputError("no pixel of the result is known: there is nothing to report on")
    return Overview(
        step,
        sheets["before"],
        sheets["after"],
        sheets["guide"],
        sheets["change"][..., 0],
        sheets["spread"][..., 0] if "spread" in sheets else None,
        known,
    )


def _known_windows(result: WindowedResult, side: int) -> Iterator[ResultWindow]:
    for window in TilePlan(*result.shape, side, 0, side).windows():
        part = result.read(window)
        if part is not None:
            yield part


def _layers(part: ResultWindow) -> dict[str, Values]:
    layers = {"before": part.before, "after": part.after, "guide": part.pair.guide}
    layers["change"] = np.abs(part.after - part.before).mean(axis=2, keepdims=True)
    if part.spread is not None:
        layers["spread"] = part.spread.mean(axis=2, keepdims=True)
    return layers


def _means(
    image: Values, known: Bool[np.ndarray, "H W"], step: int
) -> tuple[Values, Bool[np.ndarray, "h w"]]:
    """Return means over squares of known pixels, and where there are any."""
    weight = known[..., None].astype(np.float32)
    sums, counts = (_box_sums(part, step) for part in (image * weight, weight))
    return sums / np.maximum(counts, 1), counts[..., 0] > 0


def _box_sums(image: Values, step: int) -> Values:
    rows = np.add.reduceat(image, np.arange(0, image.shape[0], step), axis=0)
    sums: Values = np.add.reduceat(rows, np.arange(0, image.shape[1], step), axis=1)
    return sums


def most_changed(overview: Overview, shape: tuple[int, int]) -> list[Window]:
    """Return up to three separate squares with the largest mean change, in descending order."""
    side = max(1, CROP // overview.step)
    change = np.where(overview.known, overview.change, 0).astype(np.float64)
    score = ndimage.uniform_filter(change, min(side, min(change.shape)), mode="constant")
    windows = list[Window]()
    while len(windows) < _CROPS and score.max() > 0:
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        windows.append(_around((int(row), int(column)), overview.step, shape))
        reach = side + 1
        score[max(0, row - reach) : row + reach, max(0, column - reach) : column + reach] = 0
    if not windows:  # nothing changed anywhere: the middle
        windows.append(_around((change.shape[0] // 2, change.shape[1] // 2), overview.step, shape))
    return windows


def _around(cell: tuple[int, int], step: int, shape: tuple[int, int]) -> Window:
    parts = []
    for place, size in zip(cell, shape, strict=True):
        side = min(CROP, size)
        first = min(max(0, round((place + 0.5) * step) - side // 2), size - side)
        parts.append(slice(first, first + side))
    return parts[0], parts[1]


def spectrum_of(parts: list[ResultWindow], ratio: float) -> Spectrum:
    """Return the mean radial power of windows, all bands together."""
    names = ("before", "after", "guide")
    frequency = np.linspace(0, 0.5, 49)[1:]
    power = {name: np.zeros(len(frequency)) for name in names}
    for part in parts:
        images = (part.before, part.after, part.pair.guide)
        for name, image in zip(names, images, strict=True):
            power[name] += _radial_power(image.mean(axis=2), frequency) / len(parts)
    low = frequency <= 0.25 / ratio
    if low.any() and power["guide"][low].sum() > 0:
        power["guide"] *= power["after"][low].sum() / power["guide"][low].sum()
    return Spectrum(frequency, power, 0.5 / ratio)


def _radial_power(image: Map, frequency: Float[np.ndarray, " n"]) -> NDArray[np.float64]:
    """Return the mean power in rings that end at each frequency, under a Hann window."""
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in image.shape))
    spectrum = np.abs(fft.fft2((image - image.mean(dtype=np.float64)) * window)) ** 2
    radius = np.hypot(*np.meshgrid(*(fft.fftfreq(side) for side in image.shape), indexing="ij"))
    ring = np.searchsorted(frequency, radius).ravel()
    sums = np.bincount(ring, spectrum.ravel(), minlength=len(frequency) + 1)
    counts = np.bincount(ring, minlength=len(frequency) + 1)
    power: NDArray[np.float64] = (sums / np.maximum(counts, 1))[:-1] / (window**2).sum()
    return power


def profile_of(part: ResultWindow) -> Profile:
    """Return a profile across the strongest edge of the result in a part."""
    after = part.after.mean(axis=2)
    smooth = ndimage.gaussian_filter(after, 1.0)
    slope = np.stack([ndimage.sobel(smooth, axis) for axis in (0, 1)])
    strength = np.hypot(*slope)
    strength[~ndimage.binary_erosion(part.known, iterations=3, border_value=1)] = 0
    margin = [min(_REACH, (side - 1) // 2) for side in after.shape]
    inner = strength[margin[0] : -margin[0] or None, margin[1] : -margin[1] or None]
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    centre = np.array([top + margin[0], left + margin[1]], dtype=np.float64)
    direction = slope[:, int(centre[0]), int(centre[1])]
    length = float(np.hypot(*direction))
    direction = direction / length if length > 0 else np.array([0.0, 1.0])
    distance = np.linspace(-_REACH, _REACH, 2 * _REACH * _PER_PIXEL + 1)
    line = centre[:, None] + direction[:, None] * distance
    layers = {"before": part.before, "after": part.after, "guide": part.pair.guide}
    values = {name: _along(image.mean(axis=2), line) for name, image in layers.items()}
    values["guide"] = _fitted(values["guide"], values["after"])
    spread = None if part.spread is None else _along(part.spread.mean(axis=2), line)
    ends = [(float(line[0, end]), float(line[1, end])) for end in (0, -1)]
    return Profile(distance, values, spread, (ends[0], ends[1]))


def _along(image: Map, line: Float[np.ndarray, "2 n"]) -> Float[np.ndarray, " n"]:
    values: NDArray[np.float32] = ndimage.map_coordinates(image, line, order=1, mode="nearest")
    return values


def _fitted(
    values: Float[np.ndarray, " n"], like: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return values times a factor plus a constant: the least-squares fit to others."""
    if np.ptp(values) == 0:
        return np.full_like(values, like.mean())
    factor, constant = np.polyfit(values.astype(np.float64), like.astype(np.float64), 1)
    return np.asarray(values * factor + constant)


def sample_windows(result: WindowedResult) -> list[Window]:
    """Return up to four windows, spread evenly over the image, for measuring quality."""
    windows = [
        window
        for window in TilePlan(*result.shape, _WINDOW, 0, 1).windows()
        if result.source.may_hold(window)
    ]
    chosen = np.linspace(0, len(windows) - 1, min(_SAMPLED, len(windows)))
    return [windows[index] for index in np.unique(chosen.round().astype(int))]


def quality_of(parts: list[ResultWindow]) -> dict[str, Quality]:
    """Return QNR and HQNR of before and after; empty where they are not defined."""
    found: dict[str, list[Quality]] = {"before": [], "after": []}
    for part in parts:
        target, guide = part.pair.target, part.pair.guide
        if not find_task(part.pair.task).no_reference or guide.shape[2] != 1 or target.shape[2] < 2:
            continue
        try:
            for name, image in (("before", part.before), ("after", part.after)):
                indices = NoReferenceQuality(image, part.pair)
                values = (indices.qnr, indices.hqnr, indices.d_lambda)
                found[name].append(Quality(*values, indices.d_lambda_k, indices.d_s))
        except InputError:  # no block of 32 x 32 is known as a whole
            continue
    return {name: _mean_quality(values) for name, values in found.items() if values}


def _mean_quality(values: list[Quality]) -> Quality:
    means = np.mean([[v.qnr, v.hqnr, v.d_lambda, v.d_lambda_k, v.d_s] for v in values], axis=0)
    return Quality(*map(float, means))


def residual_on(result: WindowedResult, parts: list[ResultWindow]) -> Consistency:
    """Return the residual of the degraded result against the target, as ``before``."""
    found = Consistency()
    if isinstance(result, ArrayResult) and result.pair.grid == "kspace":
        consistent_kspace(result.image, result.pair, found)
        return found
    for part in parts:
        image = np.where(part.known[..., None], part.after, np.float32(np.nan))
        residual_of(image, part.window, result.source, found)
    return found
