"""How a colour picture is off its depth map, by their edges; for a report, nothing is moved.

Colours have more edges than depth, but where depth has one, colours mostly have one, too. So the
strengths of edges are correlated, part by part, and a shift counts where most parts see the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import fft, ndimage

from gisr.data.resample import linear_to_guide
from gisr.estimation.peaks import vertex
from gisr.notes import Note, warning
from gisr.placement import Placement

_PARTS = 4
"""Parts along each axis."""
_FURTHEST = 3.0
"""Target pixels to which shifts are looked for, and at least so many guide pixels:"""
_LEAST_REACH = 8
_BLUR = 0.4
"""Standard deviation, in target pixels, of the Gaussian that brings colours to the depth's
sharpness."""
_STRONGEST = 98.0
"""Percentile at which strengths of edges are cut: one edge must not outvote all others."""
_ALIKE = 0.15
"""Least correlation of edges, mean of all parts."""
_HALVES: tuple[Callable[[int, int], bool], ...] = (
    lambda row, column: row < _PARTS // 2,
    lambda row, column: row >= _PARTS // 2,
    lambda row, column: column < _PARTS // 2,
    lambda row, column: column >= _PARTS // 2,
    lambda row, column: (row + column) % 2 == 0,
    lambda row, column: (row + column) % 2 == 1,
)
"""Halves of the parts, each of which has a vote."""
_AGREED, _NEAR = 5, 1.5
"""Votes that must be given, and guide pixels by which they may differ from the shift of all."""
_GAIN = 1.1
"""Factor by which the shift must raise the correlation. Of 45 registered frames none passes all."""
_SMALLEST = 1.0
"""Guide pixels: less is not told from what edges of depth and colours differ by anyway."""

FLIPS: dict[str, tuple[slice, slice]] = {
    "mirrored left to right": (slice(None), slice(None, None, -1)),
    "mirrored upside down": (slice(None, None, -1), slice(None)),
    "turned by 180 degrees": (slice(None, None, -1), slice(None, None, -1)),
}
"""How a picture may lie whose camera or program flips it."""
_FLIPPED, _MORE_ALIKE = 0.2, 3.0
"""Least correlation of edges of a picture turned back, and how many times that as they come it must
be. Of 127 registered frames at ratios 4 and 8 none passes, of the same mirrored 28 % do."""

EdgeMap = Float[np.ndarray, "H W"]


@dataclass(frozen=True)
class DepthShift:
    """The shift that was seen."""

    offset: tuple[float, float]
    """(dy, dx) in guide pixels: what the depth map shows at (y, x), the picture has at
    (y + dy, x + dx)."""
    before: float
    """Correlation of the strengths of edges as they come."""
    after: float
    """The same with the picture shifted."""
    votes: tuple[int, int]
    """Halves of the picture that agree, and that voted."""

    @property
    def note(self) -> Note:
        """A line for the user."""
        down, right = self.offset
        return warning(
            f"the colour picture seems off the depth map by ({down:+.1f}, {right:+.1f}) pixels "
            f"(down, right; {self.votes[0]} of {self.votes[1]} halves agree): it is left "
            "as it is, register the two first if that is so"
        )


@dataclass(frozen=True)
class DepthFlip:
    """The picture lies the other way round."""

    how: str
    """How it lies, for messages."""
    before: float
    """Correlation of the strengths of edges as they come."""
    after: float
    """The same with the picture turned back."""

    @property
    def note(self) -> Note:
        """A line for the user."""
        return warning(
            f"the colour picture seems {self.how} against the depth map (edges correlate by "
            f"{self.after:.2f} then, by {self.before:.2f} as they are): it is left as it is, turn "
            "one of the two if that is so"
        )


def find_depth_misfit(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> DepthShift | DepthFlip | None:
    """Return how a colour picture is off its depth map; None where nothing is certain.

    Args:
        target: Depth or disparity without holes.
        valid: Which of it was measured: edges of what was filled do not count.
        guide: The picture, any range.
        placement: Where the guide's pixels lie on the target.
    """
    shape = (guide.shape[0], guide.shape[1])
    ratio = placement.ratio
    reach = max(_LEAST_REACH, round(_FURTHEST * ratio))
    if min(shape) < 8 * reach:
        return None
    known = linear_to_guide(valid.astype(np.float32), shape, placement) > 0.999
    low = _edges(linear_to_guide(target, shape, placement), 0.5, known)
    high = _edges(guide.mean(axis=2), max(0.5, _BLUR * ratio), np.ones(shape, bool))
    curves = _curves(low, high, reach)
    if not curves:
        return None
    whole = np.mean(list(curves.values()), axis=0)
    if whole.max() < _ALIKE:
        return _flip(low, high, reach, float(whole.max()))
    return _shift(curves, reach)


def _curves(low: EdgeMap, high: EdgeMap, reach: int) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Return the correlation by shift of every part that has edges."""
    return {
        (row, column): curve
        for row, rows in enumerate(_spans(low.shape[0]))
        for column, columns in enumerate(_spans(low.shape[1]))
        if (curve := _correlations(low[rows, columns], high[rows, columns], reach)) is not None
    }


def _flip(low: EdgeMap, high: EdgeMap, reach: int, before: float) -> DepthFlip | None:
    """Return how the picture lies, if its edges are alike in one other way."""
    found = {
        how: float(np.mean(list(_curves(low, high[flip], reach).values()), axis=0).max())
        for how, flip in FLIPS.items()
    }
    how, after = max(found.items(), key=lambda each: each[1])
    seen = after >= max(_FLIPPED, _MORE_ALIKE * before)
    return DepthFlip(how, before, after) if seen else None


def _shift(curves: dict[tuple[int, int], NDArray[np.float64]], reach: int) -> DepthShift | None:
    """Return the shift on which halves of the picture agree."""
    whole = np.mean(list(curves.values()), axis=0)
    offset = _peak(whole, reach)
    before, after = float(whole[reach, reach]), float(whole.max())
    votes = [
        bool(np.abs(np.subtract(_peak(np.mean(part, axis=0), reach), offset)).max() <= _NEAR)
        for half in _HALVES
        if (part := [curve for place, curve in curves.items() if half(*place)])
    ]
    seen = (
        after >= _GAIN * before
        and _SMALLEST <= max(map(abs, offset)) < reach
        and len(votes) == len(_HALVES)
        and sum(votes) >= _AGREED
    )
    return DepthShift(offset, before, after, (sum(votes), len(votes))) if seen else None


def _edges(image: EdgeMap, blur: float, known: Bool[np.ndarray, "H W"]) -> EdgeMap:
    """Return how strong edges are, 0 beside what is not known."""
    strength = ndimage.gaussian_gradient_magnitude(image.astype(np.float32), blur)
    counted = ndimage.binary_erosion(known, iterations=2, border_value=1)
    if not counted.any():
        return np.zeros_like(strength)
    edges: EdgeMap = np.where(
        counted, np.minimum(strength, np.percentile(strength[counted], _STRONGEST)), 0
    )
    return edges


def _spans(length: int) -> list[slice]:
    ends = np.linspace(0, length, _PARTS + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def _correlations(low: EdgeMap, high: EdgeMap, reach: int) -> NDArray[np.float64] | None:
    """Return the correlation by shift, from -reach to reach along both axes; None without edges."""
    inner = (slice(reach, -reach), slice(reach, -reach))
    if min(low.shape) <= 3 * reach or low[inner].std() <= 0:
        return None
    template = low[inner].astype(np.float64) - low[inner].mean()
    count = template.size
    wide = high.astype(np.float64)
    spectrum = np.conj(fft.rfft2(template, wide.shape))
    products = fft.irfft2(fft.rfft2(wide) * spectrum, wide.shape)
    ones = np.conj(fft.rfft2(np.ones(template.shape), wide.shape))
    sums, squares = (fft.irfft2(fft.rfft2(image) * ones, wide.shape) for image in (wide, wide**2))
    kept = (slice(0, 2 * reach + 1), slice(0, 2 * reach + 1))
    spread = np.sqrt(np.maximum(squares - sums**2 / count, 0))[kept]
    scale = spread * np.sqrt(np.sum(template**2))
    found: NDArray[np.float64] = np.divide(
        products[kept], scale, out=np.zeros_like(scale), where=scale > 1e-9 * scale.max()
    )
    return found


def _peak(curve: NDArray[np.float64], reach: int) -> tuple[float, float]:
    """Return the shift of the largest correlation, by a parabola through it along each axis."""
    row, column = np.unravel_index(int(curve.argmax()), curve.shape)
    found = []
    for line, place in ((curve[:, column], int(row)), (curve[row], int(column))):
        inside = 0 < place < len(line) - 1
        step = vertex(*line[place - 1 : place + 2]) if inside else 0.0
        found.append(round(place - reach + step, 1))
    return found[0], found[1]
