"""What a report says of a result: an overview, the regions that changed most, and numbers.

An overview is gathered window by window and a few windows are looked at closely, so that memory
does not depend on the size of the image.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import fft, ndimage

from gisr.errors import InputError
from gisr.estimation.no_reference import NoReferenceQuality
from gisr.inference.consistency.correction import Consistency, consistent_kspace, residual_of
from gisr.inference.tiling import TilePlan
from gisr.pipelines.report.views import ArraySubject, Look, Subject
from gisr.windows import Window

_OVERVIEW = 720
"""Longest side of the overview in pixels."""
_WINDOW = 512
"""Side of the windows of which it is gathered, about."""
CROP = 224
"""Side of what is shown pixel by pixel."""
_CROPS = 3
_JUDGED = 4
"""Windows on which quality and residual are measured."""
_REACH = 16
"""Guide pixels of the profile on either side of the edge."""
_PER_PIXEL = 4

Map = Float[np.ndarray, "h w"]
Image = Float[np.ndarray, "h w bands"]


@dataclass(frozen=True, eq=False)
class Overview:
    """The whole image at once, every pixel the mean of a square of guide pixels."""

    step: int
    """Side of these squares."""
    before: Image
    after: Image
    guide: Image
    change: Map
    """Mean absolute difference of after and before."""
    spread: Map | None
    known: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean power by spatial frequency."""

    frequency: Float[np.ndarray, " n"]
    """Cycles a guide pixel, up to 1/2."""
    power: dict[str, Float[np.ndarray, " n"]]
    """By name: before, after, guide (brought to the power of after at low frequencies)."""
    nyquist: float
    """Highest frequency that the target holds."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Values along a line across the strongest edge of a look."""

    place: Float[np.ndarray, " n"]
    """Guide pixels from the edge."""
    values: dict[str, Float[np.ndarray, " n"]]
    """By name, the guide brought to the range of after."""
    spread: Float[np.ndarray, " n"] | None
    ends: tuple[tuple[float, float], tuple[float, float]]
    """Row and column of both ends within the look."""


@dataclass(frozen=True)
class Quality:
    """No-reference indices, means over windows."""

    qnr: float
    hqnr: float
    d_lambda: float
    d_lambda_k: float
    d_s: float


def overview_of(subject: Subject) -> Overview:
    """Look at all of an image once, window by window.

    Raises:
        InputError: Nothing is known.
    """
    step = -(-max(subject.shape) // _OVERVIEW)
    side = step * max(1, round(_WINDOW / step))
    sizes = tuple(-(-size // step) for size in subject.shape)
    sheets: dict[str, Image] = {}
    known = np.zeros(sizes, bool)
    for look in _looks(subject, side):
        corner = [part.start // step for part in look.window]
        for name, image in _layers(look).items():
            reduced, seen = _means(image, look.known, step)
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


def _looks(subject: Subject, side: int) -> Iterator[Look]:
    for window in TilePlan(*subject.shape, side, 0, side).windows():
        look = subject.look(window)
        if look is not None:
            yield look


def _layers(look: Look) -> dict[str, Image]:
    layers = {"before": look.before, "after": look.after, "guide": look.pair.guide}
    layers["change"] = np.abs(look.after - look.before).mean(axis=2, keepdims=True)
    if look.spread is not None:
        layers["spread"] = look.spread.mean(axis=2, keepdims=True)
    return layers


def _means(
    image: Image, known: Bool[np.ndarray, "H W"], step: int
) -> tuple[Image, Bool[np.ndarray, "h w"]]:
    """Return means over squares of known pixels, and where there are any."""
    weight = known[..., None].astype(np.float32)
    sums, counts = (_box_sums(part, step) for part in (image * weight, weight))
    return sums / np.maximum(counts, 1), counts[..., 0] > 0


def _box_sums(image: Image, step: int) -> Image:
    rows = np.add.reduceat(image, np.arange(0, image.shape[0], step), axis=0)
    sums: Image = np.add.reduceat(rows, np.arange(0, image.shape[1], step), axis=1)
    return sums


def most_changed(overview: Overview, shape: tuple[int, int]) -> list[Window]:
    """Return up to three squares, apart from each other, where the result differs most.

    So nobody chooses them by taste.
    """
    side = max(1, CROP // overview.step)
    change = np.where(overview.known, overview.change, 0).astype(np.float64)
    score = ndimage.uniform_filter(change, min(side, min(change.shape)), mode="constant")
    windows = list[Window]()
    while len(windows) < _CROPS and score.max() > 0:
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        windows.append(_around((int(row), int(column)), overview.step, shape))
        reach = side + 1
        score[max(0, row - reach) : row + reach, max(0, column - reach) : column + reach] = 0
    if not windows:  # nothing changed anywhere: the middle will do
        windows.append(_around((change.shape[0] // 2, change.shape[1] // 2), overview.step, shape))
    return windows


def _around(cell: tuple[int, int], step: int, shape: tuple[int, int]) -> Window:
    parts = []
    for place, size in zip(cell, shape, strict=True):
        side = min(CROP, size)
        first = min(max(0, round((place + 0.5) * step) - side // 2), size - side)
        parts.append(slice(first, first + side))
    return parts[0], parts[1]


def spectrum_of(looks: list[Look], ratio: float) -> Spectrum:
    """Return the mean radial power of looks, all bands together."""
    names = ("before", "after", "guide")
    frequency = np.linspace(0, 0.5, 49)[1:]
    power = {name: np.zeros(len(frequency)) for name in names}
    for look in looks:
        images = (look.before, look.after, look.pair.guide)
        for name, image in zip(names, images, strict=True):
            power[name] += _radial_power(image.mean(axis=2), frequency) / len(looks)
    low = frequency <= 0.25 / ratio
    if low.any() and power["guide"][low].sum() > 0:
        power["guide"] *= power["after"][low].sum() / power["guide"][low].sum()
    return Spectrum(frequency, power, 0.5 / ratio)


def _radial_power(image: Map, frequency: Float[np.ndarray, " n"]) -> NDArray[np.float64]:
    """Return the mean power in rings that end at each frequency; a window hides the borders."""
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in image.shape))
    spectrum = np.abs(fft.fft2((image - image.mean()) * window)) ** 2
    radius = np.hypot(*np.meshgrid(*(fft.fftfreq(side) for side in image.shape), indexing="ij"))
    ring = np.searchsorted(frequency, radius).ravel()
    sums = np.bincount(ring, spectrum.ravel(), minlength=len(frequency) + 1)
    counts = np.bincount(ring, minlength=len(frequency) + 1)
    power: NDArray[np.float64] = (sums / np.maximum(counts, 1))[:-1] / (window**2).sum()
    return power


def profile_of(look: Look) -> Profile:
    """Return a profile across the strongest edge of the result in a look."""
    after = look.after.mean(axis=2)
    smooth = ndimage.gaussian_filter(after, 1.0)
    slope = np.stack([ndimage.sobel(smooth, axis) for axis in (0, 1)])
    strength = np.hypot(*slope)
    strength[~ndimage.binary_erosion(look.known, iterations=3, border_value=1)] = 0
    margin = [min(_REACH, (side - 1) // 2) for side in after.shape]
    inner = strength[margin[0] : -margin[0] or None, margin[1] : -margin[1] or None]
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    centre = np.array([top + margin[0], left + margin[1]], dtype=np.float64)
    direction = slope[:, int(centre[0]), int(centre[1])]
    length = float(np.hypot(*direction))
    direction = direction / length if length > 0 else np.array([0.0, 1.0])
    place = np.linspace(-_REACH, _REACH, 2 * _REACH * _PER_PIXEL + 1)
    line = centre[:, None] + direction[:, None] * place
    layers = {"before": look.before, "after": look.after, "guide": look.pair.guide}
    values = {name: _along(image.mean(axis=2), line) for name, image in layers.items()}
    values["guide"] = _fitted(values["guide"], values["after"])
    spread = None if look.spread is None else _along(look.spread.mean(axis=2), line)
    ends = [(float(line[0, end]), float(line[1, end])) for end in (0, -1)]
    return Profile(place, values, spread, (ends[0], ends[1]))


def _along(image: Map, line: Float[np.ndarray, "2 n"]) -> Float[np.ndarray, " n"]:
    values: NDArray[np.float32] = ndimage.map_coordinates(image, line, order=1, mode="nearest")
    return values


def _fitted(
    values: Float[np.ndarray, " n"], like: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return values times a factor plus a constant: as near to others as they come."""
    if np.ptp(values) == 0:
        return np.full_like(values, like.mean())
    factor, constant = np.polyfit(values.astype(np.float64), like.astype(np.float64), 1)
    return np.asarray(values * factor + constant)


def judged_windows(subject: Subject) -> list[Window]:
    """Return a few windows, spread over the image, that quality is measured on."""
    windows = [
        window
        for window in TilePlan(*subject.shape, _WINDOW, 0, 1).windows()
        if subject.source.may_hold(window)
    ]
    chosen = np.linspace(0, len(windows) - 1, min(_JUDGED, len(windows)))
    return [windows[index] for index in np.unique(chosen.round().astype(int))]


def quality_of(looks: list[Look]) -> dict[str, Quality]:
    """Return QNR and HQNR of before and after, empty where they are not defined."""
    found: dict[str, list[Quality]] = {"before": [], "after": []}
    for look in looks:
        target, guide = look.pair.target, look.pair.guide
        if look.pair.task != "pansharpening" or guide.shape[2] != 1 or target.shape[2] < 2:
            continue
        try:
            for name, image in (("before", look.before), ("after", look.after)):
                indices = NoReferenceQuality(image, look.pair)
                values = (indices.qnr, indices.hqnr, indices.d_lambda)
                found[name].append(Quality(*values, indices.d_lambda_k, indices.d_s))
        except InputError:  # no block of 32 x 32 is known as a whole: nothing to say
            continue
    return {name: _mean_quality(values) for name, values in found.items() if values}


def _mean_quality(values: list[Quality]) -> Quality:
    means = np.mean([[v.qnr, v.hqnr, v.d_lambda, v.d_lambda_k, v.d_s] for v in values], axis=0)
    return Quality(*map(float, means))


def residual_on(subject: Subject, looks: list[Look]) -> Consistency:
    """Return how far the degraded result is from the target (``before`` of what is returned)."""
    found = Consistency()
    if isinstance(subject, ArraySubject) and subject.pair.grid == "kspace":
        consistent_kspace(subject.image, subject.pair, found)
        return found
    for look in looks:
        image = np.where(look.known[..., None], look.after, np.float32(np.nan))
        residual_of(image, look.window, subject.source, found)
    return found
