"""Results that give their target back: degraded as the target was, they are the target.

A target is ``D(truth)``, D being the instrument's blur and sampling. A result need not obey that;
what D misses in it is added here, and nothing else.

* k-space grids: D keeps the centre of k-space, so the measured block replaces the result's. Of
  magnitudes, which are never negative, that and clipping at 0 take turns (projection onto convex
  sets: Youla and Webb, IEEE TMI 1, 1982).
* pansharpening: D is the sensor's Gaussian MTF and the target's pixel grid (Wald's protocol).
* depth and other centre grids: D is the bicubic reduction of the literature (Pillow, antialiased).

The latter two by iterative back-projection (Irani and Peleg, CVGIP 53, 1991): what is missing at
the target's pixels is interpolated to the guide's grid and added, again and again. D and the
interpolation work on rows and columns apart, so both are small matrices, and all rounds happen on
the target's grid.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import fft

from gisr.data.degradations import fill_holes, kspace_centre, mtf_samples, zero_fill
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_guide, bicubic_to_target
from gisr.inference.source import PairSource
from gisr.inference.tiles import Rows, Window, gathered
from gisr.io.placement import Placement
from gisr.tasks.sensors import find_sensor

_ROUNDS = 10
"""Rounds of back-projection. Each leaves half of the residual or less; more than ten only bring the
target's noise into the result (benchmarks/more_than_an_answer.py --rounds)."""
_TURNS = 10
"""Turns of k-space and clipping at 0 (the same script; more gain with clean targets and lose with
noisy ones)."""
_RINGING = 0.2
"""How far below 0 truncated k-space takes magnitudes, as a share of their largest: 9 % along each
axis. Images that go further are of both signs."""
_CORE, _MARGIN = 64, 16
"""Target pixels: side of the blocks corrected at a time, and of what is looked at around them. A
correction fades within a few target pixels."""
_REACH = 2.5
"""Target pixels beyond which D does not look, whichever it is."""
_CONTRIBUTES = 1e-6
"""Smallest weight by which a result's pixel counts in a target's."""

Image = Float[np.ndarray, "H W bands"]
Samples = Float[np.ndarray, "h w bands"]
Matrix = Float[np.ndarray, "to from"]


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
        """One sentence for people."""
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


def consistent_image(image: Image, pair: Pair, source: PairSource, found: Consistency) -> Image:
    """Return the consistent image of a pair in memory.

    Args:
        image: The network's result, known everywhere.
        pair: What it was made from.
        source: The same pair as it is cut into windows.
        found: Gets what was missing before and after.
    """
    if pair.grid == "kspace":
        return consistent_kspace(image, pair, found)
    rows = consistent_rows([Rows(0, len(image), image)], source.bands, source, found)
    return gathered(rows, source.shape, source.bands)


def consistent_kspace(image: Image, pair: Pair, found: Consistency) -> Image:
    """Return the nearest image whose k-space holds the target's, for a pair on a k-space grid.

    Both are real. Along an even side the target has one sample at its Nyquist frequency and the
    image two, one for each sign; the target holds their mean, so both get what is missing in it.
    For an image of either sign what remains is rounding. Magnitudes are clipped at 0 in turns with
    this, and at the end, which leaves a little. Theirs is the k-space of the magnitudes, which no
    scanner measures.

    Args:
        image: The network's result.
        pair: What it was made from; nothing is asked of its unknown pixels.
        found: Gets what was missing before and after.
    """
    known = np.ones(pair.target.shape[:2], bool) if pair.valid is None else pair.valid
    target = fill_holes(pair.target, known)
    magnitudes = target.min() >= -_RINGING * target.max()
    result = np.empty_like(image)
    for band in range(image.shape[2]):
        wanted, plane = target[..., band], image[..., band]
        before = missing = _missing_kspace(plane, wanted, known)
        for _ in range(_TURNS if magnitudes else 1):
            plane = plane + _kspace_up(missing, image.shape[:2])
            plane = np.maximum(plane, 0) if magnitudes else plane
            missing = _missing_kspace(plane, wanted, known)
        result[..., band] = plane
        found.add(before[known][:, None], missing[known][:, None])
    found.widen(float(target.min()), float(target.max()))
    return result


def _missing_kspace(
    image: Float[np.ndarray, "H W"],
    target: Float[np.ndarray, "h w"],
    known: Bool[np.ndarray, "h w"],
) -> Float[np.ndarray, "h w"]:
    low = kspace_centre(image, (target.shape[0], target.shape[1]))
    return np.where(known, target - low, np.float32(0))


def _kspace_up(small: Float[np.ndarray, "h w"], shape: tuple[int, ...]) -> Float[np.ndarray, "H W"]:
    """Return the smallest image that adds ``small`` to the k-space centre of another."""
    spectrum = fft.fft2(small)
    height, width = small.shape
    # Zero-filling gives each sign of the Nyquist frequency half of what the target has there.
    rows, columns = np.ones(height), np.ones(width)
    if height % 2 == 0 and height < shape[0]:
        rows[height // 2] = 2
    if width % 2 == 0 and width < shape[1]:
        columns[width // 2] = 2
    doubled = np.maximum(rows[:, None], columns[None, :])
    return zero_fill(fft.ifft2(spectrum * doubled).real, (shape[0], shape[1]))


def consistent_rows(
    rows: Iterable[Rows], bands: int, source: PairSource, found: Consistency
) -> Iterator[Rows]:
    """Correct the rows of a result as they come; about a hundred target rows of it are held.

    Args:
        rows: From top to bottom.
        bands: Bands of the rows; those beyond the source's go through as they are.
        source: What they were made from, on a ``centre`` grid.
        found: Gets what was missing before and after; complete when the last row was taken.
    """
    found.widen(source.survey.lowest, source.survey.highest)
    cores, margins = _block_sides(source)
    height, width = source.shape
    feed = _Feed(rows, width, bands)
    for top in range(0, height, cores[0]):
        bottom = min(top + cores[0], height)
        first, last = max(0, top - margins[0]), min(height, bottom + margins[0])
        held = feed.rows(first, last)
        result = held[top - first : bottom - first].copy()
        if np.isnan(result[..., 0]).all():
            yield Rows(top, bottom, None)
            continue
        for left in range(0, width, cores[1]):
            right = min(left + cores[1], width)
            start, stop = max(0, left - margins[1]), min(width, right + margins[1])
            result[:, left:right, : source.bands] = _consistent_block(
                held[:, start:stop, : source.bands],
                (slice(first, last), slice(start, stop)),
                (slice(top, bottom), slice(left, right)),
                source,
                found,
            )
        yield Rows(top, bottom, result)


def residual_of(image: Image, window: Window, source: PairSource, found: Consistency) -> None:
    """Count what is missing in a window of a result, NaN where it is unknown, as it is."""
    found.widen(source.survey.lowest, source.survey.highest)
    _consistent_block(image, window, window, source, found)


def consistency_bytes(source: PairSource) -> int:
    """Return about how much memory :func:`consistent_rows` takes."""
    cores, margins = _block_sides(source)
    held = (2 * cores[0] + 2 * margins[0]) * source.shape[1]
    block = (cores[0] + 2 * margins[0]) * (cores[1] + 2 * margins[1])
    total: int = 4 * source.bands * (2 * held + 4 * block)
    return total


def _block_sides(source: PairSource) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the sides of blocks and of their margins, in guide pixels."""
    down, across = source.about.placement.ratios
    return (
        (round(_CORE * down), round(_CORE * across)),
        (math.ceil(_MARGIN * down), math.ceil(_MARGIN * across)),
    )


class _Feed:
    """Rows of a result by number; those before the ones asked for last are forgotten."""

    def __init__(self, rows: Iterable[Rows], width: int, bands: int) -> None:
        self._rows = iter(rows)
        self._current: Rows | None = None
        self._held: Image = np.zeros((0, width, bands), np.float32)
        self._first = 0

    def rows(self, first: int, last: int) -> Image:
        """Return rows, NaN where nothing is known."""
        reached = self._first + len(self._held)
        held = np.full((last - first, *self._held.shape[1:]), np.nan, np.float32)
        held[: reached - first] = self._held[first - self._first :]
        while reached < last:
            if self._current is None or self._current.stop <= reached:
                self._current = next(self._rows)
            part = self._current
            stop = min(last, part.stop)
            if part.image is not None:
                held[reached - first : stop - first] = part.image[
                    reached - part.start : stop - part.start
                ]
            reached = stop
        self._held, self._first = held, first
        return held


def _consistent_block(
    image: Image, window: Window, core: Window, source: PairSource, found: Consistency
) -> Image:
    """Return the core of a window, consistent with the target's pixels in all of the window."""
    area, placement = source.target_area(window)
    target, valid = source.read_target(*area)
    known = ~np.isnan(image[..., 0])
    filled = np.where(known[..., None], image, np.float32(0))
    sampling = _Sampling.of(source, target.shape, filled.shape, placement)
    ends = [
        (part.start == 0, part.stop == side)
        for part, side in zip(window, source.shape, strict=True)
    ]
    counted = valid & sampling.complete(known, ends)
    target = np.where(counted[..., None], target, np.float32(0))
    before = np.where(counted[..., None], target - sampling.down(filled), np.float32(0))
    result = image + sampling.up(sampling.solve(before, counted))
    result = source.survey.clip(result, source.about.bits)
    after = target - sampling.down(np.where(known[..., None], result, np.float32(0)))
    rows, columns = (
        slice(part.start - wide.start, part.stop - wide.start)
        for part, wide in zip(core, window, strict=True)
    )
    inner = rows, columns
    own = counted & sampling.centred(inner)
    found.add(before[own], after[own])
    return result[inner]


@dataclass(frozen=True, eq=False)
class _Sampling:
    """How a window of the target is made from a window of the result, and brought back to it."""

    rows: Matrix
    """Target rows from result rows: D along the first axis."""
    columns: Matrix
    up_rows: Matrix
    """Result rows from target rows: bicubic interpolation."""
    up_columns: Matrix
    ratios: tuple[float, float]
    centres: tuple[Float[np.ndarray, " h"], Float[np.ndarray, " w"]]
    """Where target rows and columns lie, in result pixels of the window."""

    @classmethod
    def of(
        cls,
        source: PairSource,
        target: tuple[int, ...],
        image: tuple[int, ...],
        placement: Placement,
    ) -> "_Sampling":
        """Take D from the task: the sensor's MTF for satellites, else bicubic reduction."""
        gain = None
        if source.about.task == "pansharpening":
            gain = find_sensor(source.about.sensor).mtf_gain
        centres = [
            (np.arange(target[axis]) - placement.offset[axis]) / placement.scale[axis]
            for axis in (0, 1)
        ]
        down = [_down(placement, axis, target[axis], image[axis], gain) for axis in (0, 1)]
        up = [_up(placement, axis, target[axis], image[axis]) for axis in (0, 1)]
        axes = (down[0], down[1], up[0], up[1])
        return cls(*axes, placement.ratios, (centres[0], centres[1]))

    def down(self, image: Image) -> Samples:
        """Return D of a result."""
        return _along_both(self.rows, self.columns, image)

    def up(self, samples: Samples) -> Image:
        """Return samples interpolated to the guide's grid."""
        return _along_both(self.up_rows, self.up_columns, samples)

    def solve(self, missing: Samples, counted: Bool[np.ndarray, "h w"]) -> Samples:
        """Return what to interpolate and add so that nothing is missing where it counts."""
        rows, columns = self.rows @ self.up_rows, self.columns @ self.up_columns
        answer, left = np.zeros_like(missing), missing
        for _ in range(_ROUNDS):
            answer = answer + left
            seen = _along_both(rows, columns, answer)
            left = np.where(counted[..., None], missing - seen, np.float32(0))
        return answer

    def complete(
        self, known: Bool[np.ndarray, "H W"], ends: list[tuple[bool, bool]]
    ) -> Bool[np.ndarray, "h w"]:
        """Return which target pixels are made of known result pixels of the window alone.

        Args:
            known: Known result pixels.
            ends: By axis, whether the window begins and ends where the result does: there D takes
                what there is.
        """
        unknown = (~known).astype(np.float32)
        used = [np.abs(matrix) > _CONTRIBUTES for matrix in (self.rows, self.columns)]
        spoilt = used[0].astype(np.float32) @ unknown @ used[1].astype(np.float32).T
        inside = []
        for axis, place in enumerate(self.centres):
            reach = _REACH * self.ratios[axis]
            begin, end = ends[axis]
            first = -0.5 if begin else reach
            last = known.shape[axis] - (0.5 if end else 1 + reach)
            inside.append((place >= first) & (place <= last))
        whole: Bool[np.ndarray, "h w"] = (spoilt == 0) & inside[0][:, None] & inside[1][None, :]
        return whole

    def centred(self, part: Window) -> Bool[np.ndarray, "h w"]:
        """Return which target pixels have their centre in a part of the window."""
        inside = [
            (place >= span.start - 0.5) & (place < span.stop - 0.5)
            for place, span in zip(self.centres, part, strict=True)
        ]
        both: Bool[np.ndarray, "h w"] = inside[0][:, None] & inside[1][None, :]
        return both


def _down(placement: Placement, axis: int, small: int, large: int, gain: float | None) -> Matrix:
    """Return D along one axis: the Gaussian MTF of a gain, the bicubic reduction without one."""
    scale, offset = placement.scale[axis], placement.offset[axis]
    every = np.eye(large, dtype=np.float32)
    if gain is None:
        along = Placement((scale, 1.0), (offset, 0.0))
        return bicubic_to_target(every, (small, large), along)
    return mtf_samples(every, (np.arange(small) - offset) / scale, 1 / scale, gain, 0)


def _up(placement: Placement, axis: int, small: int, large: int) -> Matrix:
    """Return bicubic interpolation along one axis."""
    along = Placement((placement.scale[axis], 1.0), (placement.offset[axis], 0.0))
    return bicubic_to_guide(np.eye(small, dtype=np.float32), (large, small), along)


def _along_both(rows: Matrix, columns: Matrix, image: Image) -> Image:
    """Apply one matrix down the rows of an image and one across its columns."""
    bands = [rows @ image[..., band] @ columns.T for band in range(image.shape[2])]
    return np.stack(bands, axis=-1)
