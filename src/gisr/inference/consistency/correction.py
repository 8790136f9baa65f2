"""Results that give their target back: degraded as the target was, they are the target.

A target is ``D(truth)``, D being the sensor's or scanner's blur and sampling. A result need not
obey that; what D misses in it is added here, and nothing else.

* k-space grids: D keeps the centre of k-space, so the measured block replaces the result's. Of
  magnitudes, which are never negative, the nearest such image is computed, as far as the target's
  noise allows (:mod:`gisr.inference.consistency.kspace_projection`).
* pansharpening: D is a Gaussian MTF and the target's pixel grid (Wald's protocol). The MTF is
  measured on the pair (:mod:`gisr.estimation.sensor_model`): where it lies below the sensor's, only
  that is added which both agree on. A bicubic kernel is recognised. Nothing is added that the
  target's noise explains.
* other centre grids: D is the bicubic reduction of the literature (Pillow, antialiased); for depth
  maps what the pair shows: that, means of areas, or samples.

The latter two by iterative back-projection (Irani and Peleg, CVGIP 53, 1991): what is missing at
the target's pixels is interpolated to the guide's grid and added, again and again.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.array_types import ImageArray
from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.inference.consistency.back_projection import Kernel, Sampling, above_noise, smaller
from gisr.inference.consistency.kspace_projection import (
    Floor,
    missing_kspace,
    nearest_image,
)
from gisr.inference.consistency.row_feed import RowFeed
from gisr.inference.survey import sides_of
from gisr.inference.tiling import Rows, gathered
from gisr.inference.value_bounds import target_bounds
from gisr.inference.windowed_pair import PairSource
from gisr.tasks import find_task
from gisr.threads import in_order, one_blas_thread, with_one_blas_thread
from gisr.windows import Window, within

_ROUNDS = 10
"""Rounds of back-projection. Each leaves half of the residual or less; more bring little but noise
(benchmarks/more_than_an_answer.py --rounds, benchmarks/wrong_degradation.py)."""
_CORE, _MARGIN = 64, 16
"""Target pixels: side of the blocks corrected at a time, and of the margin around them. A
correction fades within a few target pixels."""
_WIDE = 4096
"""Guide pixels: of a wider scene, blocks have fewer rows, down to the margin's, to save memory."""

Corrected = Literal["default", "always", "kspace", "never"]
"""When results are made consistent; ``kspace``: on k-space grids only."""


def is_corrected(corrected: Corrected, pair: Pair, source: PairSource) -> bool:
    """Return whether a result is made consistent.

    By default on k-space grids, whose measurement is known exactly, and for satellite images whose
    blur can be measured and that JPEG has not changed, which are no measurement any more. How a
    depth map was made is not known (docs/results/consistency.md has what assumptions cost).

    Args:
        corrected: As requested.
        pair: What is sharpened.
        source: The same as it is cut into windows, its guide aligned.
    """
    match corrected:
        case "always":
            return True
        case "never":
            return False
        case "kspace":
            return pair.grid == "kspace"
        case "default":
            by_sensor = find_task(pair.task).reduction == "sensor"
            if not by_sensor:
                return pair.grid == "kspace"
            model = source.sensor_model
            return model.measured and not (source.changed_by_codec or model.signs.blocky)


@dataclass
class Consistency:
    """How far degraded results are from their target: root mean squares over known pixels."""

    low: float = math.inf
    """Smallest known value of the target."""
    high: float = -math.inf
    """Largest known value of the target."""
    count: int = 0
    """Samples counted: pixels times bands."""
    before_squares: float = 0.0
    """Sum of squares before the projection."""
    after_squares: float = 0.0
    """Sum of squares after it."""

    @property
    def before(self) -> float:
        """Residual of the network's result, in the target's unit."""
        return math.sqrt(self.before_squares / max(1, self.count))

    @property
    def after(self) -> float:
        """Residual of the consistent result, in the target's unit."""
        return math.sqrt(self.after_squares / max(1, self.count))

    @property
    def note(self) -> str:
        """One sentence for the user."""
        return (
            "degraded, the result differs from the target by "
            f"{self.shown(self.before)} before and {self.shown(self.after)} after the projection "
            "(root mean square)"
        )

    def shown(self, value: float) -> str:
        """Return a residual in the target's unit and in per cent of the target's range."""
        spread = self.high - self.low
        share = 100 * value / spread if spread > 0 else 0.0
        return f"{value:.3g} ({share:.2g} % of its range)"

    def add(
        self, before: Float[np.ndarray, "n bands"], after: Float[np.ndarray, "n bands"]
    ) -> None:
        """Count pixels with what was missing in them."""
        self.count += before.size
        self.before_squares += float(np.square(before, dtype=np.float64).sum())
        self.after_squares += float(np.square(after, dtype=np.float64).sum())

    def take_in(self, other: "Consistency") -> None:
        """Count what another one counted: a further slice of a volume."""
        self.count += other.count
        self.before_squares += other.before_squares
        self.after_squares += other.after_squares
        self.widen(other.low, other.high)

    def widen(self, low: float, high: float) -> None:
        """Let the range take in more values."""
        self.low, self.high = min(self.low, low), max(self.high, high)


def kspace_floor(pairs: Sequence[Pair]) -> Floor | None:
    """Return the floor of pairs that belong together; None where none is on a k-space grid."""
    targets = [
        pair.target.ravel() if pair.valid is None else pair.target[pair.valid].ravel()
        for pair in pairs
        if pair.grid == "kspace"
    ]
    return Floor.of(np.concatenate(targets)) if targets else None


def consistent_image(
    image: ImageArray,
    pair: Pair,
    source: PairSource,
    found: Consistency,
    floor: Floor | None = None,
) -> ImageArray:
    """Return the consistent image of a pair in memory.

    Args:
        image: The network's result, with values that stand in where nothing is known.
        pair: What it was made from.
        source: The same pair as it is cut into windows.
        found: Gets what was missing before and after.
        floor: Of all that the pair belongs to (:func:`kspace_floor`); its own where None.
    """
    if pair.grid == "kspace":
        return consistent_kspace(image, pair, found, floor)
    rows = [Rows(0, len(image), only_known(image, pair, source))]
    result = gathered(
        consistent_rows(rows, source.bands, source, found), source.shape, source.bands
    )
    consistent: ImageArray = np.where(np.isnan(result), image, result)
    return consistent


def only_known(image: ImageArray, pair: Pair, source: PairSource) -> ImageArray:
    """Return a result with NaN where it is unknown, as results of files are.

    Nothing measured is to agree with values that only stand in for others. What was filled
    beforehand (``measured``) counts as known: a result is to have it.
    """
    if pair.measured is not None:
        return image
    known = source.known((slice(0, source.shape[0]), slice(0, source.shape[1])))
    seen: ImageArray = np.where(known[..., None], image, np.float32("nan"))
    return seen


def consistent_kspace(
    image: ImageArray, pair: Pair, found: Consistency, floor: Floor | None = None
) -> ImageArray:
    """Return the nearest image whose k-space holds the target's, for a pair on a k-space grid.

    For an image of either sign what remains is rounding. Magnitudes stay above 0, which leaves a
    little, and so does the noise of their target. Theirs is the k-space of the magnitudes, which no
    scanner measures.

    Args:
        image: The network's result.
        pair: What it was made from; its unknown pixels do not count.
        found: Gets what was missing before and after.
        floor: As of :func:`consistent_image`.
    """
    known = np.ones(pair.target.shape[:2], bool) if pair.valid is None else pair.valid
    target = fill_holes(pair.target, known)
    floor = floor or Floor.of(pair.target[known].ravel())
    result = np.empty_like(image)
    for band in range(image.shape[2]):
        wanted, plane = target[..., band], image[..., band]
        result[..., band] = nearest_image(plane, wanted, known, floor=floor)
        missing = (missing_kspace(each[..., band], wanted, known) for each in (image, result))
        found.add(*(each[known][:, None] for each in missing))
    found.widen(float(target.min()), float(target.max()))
    return result


def consistent_rows(
    rows: Iterable[Rows], bands: int, source: PairSource, found: Consistency, at_once: int = 1
) -> Iterator[Rows]:
    """Correct the rows of a result as they come; about a hundred target rows of it are held.

    Args:
        rows: From top to bottom.
        bands: Bands of the rows; those beyond the source's go through as they are.
        source: What they were made from, on a ``centre`` grid.
        found: Gets what was missing before and after; complete when the last row was taken.
        at_once: Blocks corrected side by side, in threads; nothing depends on how many.
    """
    found.widen(source.survey.lowest, source.survey.highest)
    cores, margins = block_sides(source)
    height, width = source.shape
    feed = RowFeed(rows, width, bands)
    for top in range(0, height, cores[0]):
        bottom = min(top + cores[0], height)
        first, last = max(0, top - margins[0]), min(height, bottom + margins[0])
        held = feed.rows(first, last)
        unknown = np.isnan(held[top - first : bottom - first, :, 0])
        if unknown.all():
            yield Rows(top, bottom, None)
            continue

        def corrected(across: slice) -> tuple[ImageArray, Consistency]:
            start, stop = max(0, across.start - margins[1]), min(width, across.stop + margins[1])
            own = Consistency()
            block = consistent_block(
                held[:, start:stop, : source.bands],  # noqa: B023 - done before the next rows
                (slice(first, last), slice(start, stop)),  # noqa: B023
                (slice(top, bottom), across),  # noqa: B023
                source,
                own,
            )
            return block, own

        result = held[top - first : bottom - first].copy()
        every = (slice(left, min(left + cores[1], width)) for left in range(0, width, cores[1]))
        some_known = [across for across in every if not unknown[:, across].all()]
        with one_blas_thread():
            blocks = in_order(corrected, some_known, at_once)
            for across, (block, own) in zip(some_known, blocks, strict=True):
                result[:, across, : source.bands] = block
                found.take_in(own)
        yield Rows(top, bottom, result)


def residual_of(image: ImageArray, window: Window, source: PairSource, found: Consistency) -> None:
    """Count what is missing in a window of a result, NaN where it is unknown, as it is."""
    found.widen(source.survey.lowest, source.survey.highest)
    consistent_block(image, window, window, source, found)


def consistency_bytes(source: PairSource) -> int:
    """Return about how much memory :func:`consistent_rows` takes."""
    cores, margins = block_sides(source)
    held = (cores[0] + 2 * margins[0] + max(cores[0], 2 * margins[0])) * source.shape[1]
    block = (cores[0] + 2 * margins[0]) * (cores[1] + 2 * margins[1])
    total: int = 4 * source.bands * (held + 6 * block)
    return total


def block_sides(source: PairSource) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the sides of blocks and of their margins, in guide pixels."""
    down, across = source.about.placement.ratios
    rows = max(min(_CORE, _MARGIN), _CORE * min(1.0, _WIDE / source.shape[1]))
    return (
        (round(rows * down), round(_CORE * across)),
        (math.ceil(_MARGIN * down), math.ceil(_MARGIN * across)),
    )


@with_one_blas_thread
def consistent_block(
    image: ImageArray, window: Window, core: Window, source: PairSource, found: Consistency
) -> ImageArray:
    """Return the core of a window, consistent with the target's pixels in all of the window."""
    area, placement = source.target_area(window)
    target, valid = source.read_target(*area)
    known = ~np.isnan(image[..., 0])
    filled = image if known.all() else np.where(known[..., None], image, np.float32(0))
    samplings = [
        Sampling.of(target.shape, filled.shape, placement, gain) for gain in _gains(source)
    ]
    ends = [
        (part.start == 0, part.stop == side)
        for part, side in zip(window, source.shape, strict=True)
    ]
    # The first blurs most and so looks furthest; the last is the one whose residual is reported.
    counted, sampling = valid & samplings[0].complete(known, ends), samplings[-1]
    residuals = [
        np.where(counted[..., None], target - each.down(filled), np.float32(0))
        for each in samplings
    ]
    missing = smaller(residuals[0], residuals[-1])
    if find_task(source.about.task).reduction == "sensor":
        missing = above_noise(missing, counted, source.sensor_model.noise)
    inner = within(window, core)
    near = sampling.around(inner, sides_of(image))  # what lies further out is in no residual of it
    part = sampling.part(near)
    result = image[near] + part.up(sampling.solve(missing, counted, _ROUNDS))
    overshoot = find_task(source.about.task).overshoot
    if overshoot is not None:
        bounds = target_bounds(target, valid, placement.of(near), sides_of(result), overshoot)
        result = bounds.widened(image[near]).clip(result)
    result = source.survey.clip(result, source.about.bits)
    after = target - part.down(np.where(known[near][..., None], result, np.float32(0)))
    own = counted & sampling.centred(inner)
    found.add(residuals[-1][own], after[own])
    return result[within(near, inner)]


def _gains(source: PairSource) -> tuple[Kernel, ...]:
    """Return what D can be: gains from least to largest, None for bicubic, or another by name."""
    by_sensor = find_task(source.about.task).reduction == "sensor"
    return source.sensor_model.reductions if by_sensor else (source.reduction,)
