"""Enlarging samples along the edges of a guide, without a network.

Samples that are points, not means of areas, do not say where between them an edge lies; colours do.
The quadratic problem of Levin et al. (Colorization using optimization, 2004) on the guide's grid:
every pixel becomes the mean of its neighbours, weighted by how alike they are in colour, and those
next to a sample are held to it.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.resample import bicubic_to_target, linear_to_guide, samples_at_target
from gisr.placement import Placement
from gisr.threads import with_one_blas_thread

COLOUR = 3.0
"""Difference in CIELAB over which two neighbours' tie falls to 1/e: just seen side by side."""
_WEAKEST = 1e-2
"""Tie across any edge, so that a region whose colours touch no sample is reached too."""
_HELD = 10.0
"""How strongly a pixel on a sample is held to it; the strongest tie to a neighbour is 1."""
_BETWEEN = 0.25
"""Guide pixels from a pixel's middle from which a sample may be that of the next one."""
_UNSURE_HOLD = 0.5
"""Share of its hold that such a sample keeps where the two pixels' colours differ: pictures have
textures, too."""
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""To half of a pixel's eight neighbours; the other half are these from the other side."""
_ROUNDS, _TOLERANCE = 200, 1e-3
"""Of conjugate gradients: most rounds, and the residual, as a share of the first, that ends them.
What is left then is below a thousandth of an edge."""
_BESIDE = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)
"""The four samples next to a sample."""
_NO_BELIEF, _BELIEF = 0.7, 1.0
"""What colours foretell of samples that were left out, as :func:`belief_in_colours` has it, up to
which they are not believed more than others, and from which they are wholly (19 frames)."""

GuidePlane = Float[np.ndarray, "H W"]
PixelPart = tuple[slice, slice]


@with_one_blas_thread
def interpolate_by_guide(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
    start: GuidePlane,
) -> GuidePlane:
    """Return samples interpolated along the edges of a guide.

    Args:
        target: Any values; those that are not valid do not count.
        valid: Which are known.
        guide: 1 or 3 channels, any range.
        placement: Where the guide's pixels lie on the target.
        start: A first answer, such as the bilinear one.

    Returns:
        float32, within the range of the samples but for the solver's tolerance.
    """
    shape = (guide.shape[0], guide.shape[1])
    middle, unit = _middle_and_unit(target, valid)
    colours = colours_at(guide, None, shape)
    values = np.where(valid, (target - middle) / unit, 0)
    held, samples = _held(values, valid, placement, colours)
    ties = [_tie(colours, step) for step in STEPS]
    answer = _solved(ties, held, held * samples, ((start - middle) / unit).astype(np.float32))
    return (answer * unit + middle).astype(np.float32)


def belief_in_colours(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> float:
    """Return how far to believe that a depth map's edges run where the picture's colours change.

    Samples are left out like the black squares of a chessboard, then like the white ones, and each
    time foretold by the rest: linearly, and along colours. What the latter adds to the former is
    compared with what the samples have beyond it; the less favourable board counts. A picture that
    is not registered, or whose textures are stronger than its edges, foretells nothing.

    Args:
        target: Samples; those that are not valid do not count.
        valid: Which are known.
        guide: As of :func:`interpolate_by_guide`.
        placement: Where the guide's pixels lie on the target.

    Returns:
        From 0 (not at all) to 1.
    """
    rows, columns = np.indices(target.shape)
    boards = [
        _foretold(target, valid, (rows + columns) % 2 == side, guide, placement) for side in (0, 1)
    ]
    return float(np.clip((min(boards) - _NO_BELIEF) / (_BELIEF - _NO_BELIEF), 0, 1))


def _foretold(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    kept: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> float:
    """Return the share of what colours add to linear interpolation that the samples confirm."""
    known = valid & kept
    beside = _around(known)
    left_out = valid & ~kept & (beside == len(STEPS))
    if not left_out.any():
        return 0.0
    linear = np.where(kept, target, _around(np.where(known, target, 0)) / np.maximum(beside, 1))
    start = linear_to_guide(linear.astype(np.float32), guide.shape[:2], placement)
    coloured = interpolate_by_guide(target, known, guide, placement, start)
    # Squares of large values need float64.
    added = (samples_at_target(coloured, target.shape, placement) - linear)[left_out].astype(float)
    beyond = (target - linear)[left_out].astype(float)
    power = float(added @ added)
    return float(added @ beyond) / power if power > 0 else 0.0


def _around(values: Float[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]) -> GuidePlane:
    total: GuidePlane = ndimage.convolve(values.astype(np.float32), _BESIDE, mode="constant")
    return total


def colours_at(
    guide: Float[np.ndarray, "H W channels"], placement: Placement | None, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a guide of 1 or 3 channels in CIELAB, stretched to the range of photos.

    Args:
        guide: Any range.
        placement: Where it lies on the grid that it is reduced to; None for its own.
        shape: Rows and columns of that grid.
    """
    low, high = np.percentile(guide, (0.5, 99.5))
    image = guide if placement is None else bicubic_to_target(guide, shape, placement)
    levels = np.clip((image - low) / max(float(high - low), 1e-6), 0, 1).astype(np.float32)
    rgb = np.ascontiguousarray(np.broadcast_to(levels[..., :3], (*shape, 3)))
    import cv2  # for depth maps made of samples alone

    lab: NDArray[np.float32] = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    return lab


def _middle_and_unit(
    target: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> tuple[float, float]:
    """Return what values are counted from and in, so that float32 solves for any of them."""
    low, high = float(target[valid].min()), float(target[valid].max())
    return (low + high) / 2, max(high - low, 1e-30)


def _held(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    placement: Placement,
    colours: NDArray[np.float32],
) -> tuple[GuidePlane, GuidePlane]:
    """Return how strongly each pixel is held, and to which sample: those around a sample.

    A sample between two pixels may be the one or the other: where their colours differ, it holds
    both but weakly.
    """
    near, weights = [], []
    alike = np.ones(colours.shape[:2], np.float32)
    for axis in (0, 1):
        count = colours.shape[axis]
        place = np.arange(count) * placement.scale[axis] + placement.offset[axis]
        sample = np.clip(np.rint(place), 0, target.shape[axis] - 1).astype(np.int64)
        away = (sample - place) / placement.scale[axis]  # in guide pixels
        near.append(sample)
        weights.append(np.maximum(0, 1 - np.abs(away)))
        between = np.abs(away) > _BETWEEN
        towards = np.where(between, np.sign(away), 0).astype(np.int64)
        other = np.clip(np.arange(count) + towards, 0, count - 1)
        change = np.linalg.norm(colours - np.take(colours, other, axis), axis=-1)
        alike *= np.maximum(np.exp(-change / COLOUR), _UNSURE_HOLD)
    picked = np.ix_(*near)
    held = _HELD * np.outer(*weights) * valid[picked] * alike
    return held.astype(np.float32), target[picked].astype(np.float32)


def _tie(colours: NDArray[np.float32], step: tuple[int, int]) -> GuidePlane:
    """Return how alike pixels and their neighbours at a step are."""
    here, there = _neighbours(colours.shape[:2], step)
    away = np.linalg.norm(colours[here] - colours[there], axis=-1)
    tie: GuidePlane = np.maximum(np.exp(-away / COLOUR), _WEAKEST).astype(np.float32)
    return tie


def _neighbours(shape: tuple[int, ...], step: tuple[int, int]) -> tuple[PixelPart, PixelPart]:
    (height, width), (down, right) = shape, step
    here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
    there = slice(down, height), slice(max(0, right), width + min(0, right))
    return here, there


def _solved(
    ties: list[GuidePlane], held: GuidePlane, wanted: GuidePlane, start: GuidePlane
) -> GuidePlane:
    """Solve (ties' Laplacian + held) x = wanted by conjugate gradients, by their diagonal."""
    parts = [_neighbours(held.shape, step) for step in STEPS]
    diagonal = held.copy()
    for tie, (here, there) in zip(ties, parts, strict=True):
        diagonal[here] += tie
        diagonal[there] += tie

    def apply(x: GuidePlane) -> GuidePlane:
        result: GuidePlane = diagonal * x
        for tie, (here, there) in zip(ties, parts, strict=True):
            result[here] -= tie * x[there]
            result[there] -= tie * x[here]
        return result

    answer = start.copy()
    left = wanted - apply(answer)
    ahead = left / diagonal
    energy = first = float(np.vdot(left, ahead))
    for _ in range(_ROUNDS):
        if energy <= _TOLERANCE**2 * first or energy == 0:
            break
        image = apply(ahead)
        step = np.float32(energy / float(np.vdot(ahead, image)))
        answer += step * ahead
        left -= step * image
        scaled = left / diagonal
        before, energy = energy, float(np.vdot(left, scaled))
        ahead = scaled + np.float32(energy / before) * ahead
    return answer
