"""How far a colour picture is off its depth map, by their edges; for a report, nothing is moved.

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


def find_depth_shift(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> DepthShift | None:
    """Return the shift of a colour picture against its depth map; None where none is certain.

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
    curves = {
        (row, column): curve
        for row, rows in enumerate(_spans(shape[0]))
        for column, columns in enumerate(_spans(shape[1]))
        if (curve := _correlations(low[rows, columns], high[rows, columns], reach)) is not None
    }
    if not curves:
        return None
    whole = np.mean(list(curves.values()), axis=0)
    offset = _peak(whole, reach)
    before, after = float(whole[reach, reach]), float(whole.max())
    votes = [
        bool(np.abs(np.subtract(_peak(np.mean(part, axis=0), reach), offset)).max() <= _NEAR)
        for half in _HALVES
        if (part := [curve for place, curve in curves.items() if half(*place)])
    ]
    seen = (
        after >= _ALIKE
        and after >= _GAIN * before
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
