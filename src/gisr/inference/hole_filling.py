"""Filling holes of a depth map from what is known around them, along the edges of the guide."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import sparse

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.guided_interpolation import COLOUR, STEPS, colours_at
from gisr.placement import Placement
from gisr.threads import with_one_blas_thread

_WEAKEST = 1e-3
"""Tie across any edge, so that a hole whose colours touch nothing known is filled too."""
_TOLERANCE = 1e-4


def without_holes(pair: Pair) -> Pair:
    """Return a pair of a depth map whose holes are filled band by band; what was measured is noted.

    Beside filled holes the network errs less than with the nearest known values, also where they
    stay holes in the result.

    Raises:
        InputError: The solver gave up.
    """
    if pair.valid is None or pair.valid.all():
        return replace(pair, valid=None)
    guide, known = pair.filled_guide, pair.valid
    filled = [
        fill_by_guide(pair.target[..., band], known, guide, pair.placement)
        for band in range(pair.target.shape[2])
    ]
    measured = known if pair.measured is None else pair.measured
    return replace(pair, target=np.stack(filled, axis=-1), valid=None, measured=measured)


@with_one_blas_thread
def fill_by_guide(
    values: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> Float[np.ndarray, "h w"]:
    """Give unknown pixels the harmonic interpolation of the known ones, weighted by the guide.

    Each unknown pixel becomes the mean of its eight neighbours, weighted by how alike they are in
    colour: the quadratic problem of Levin et al. (Colorization using optimization, 2004), which the
    toolbox of NYU Depth fills its frames by, solved by scipy's conjugate gradients. No value leaves
    the range of the known ones. Against other fillings: benchmarks/fill_holes.py.

    Args:
        values: Depth or disparity, in any unit.
        valid: Which are known; those are returned unchanged.
        guide: Picture, 1 or 3 channels, any range.
        placement: Where the guide's pixels lie on the depth map.

    Returns:
        float32 or float64, as the values.

    Raises:
        InputError: No pixel is known, or the solver gave up.
    """
    if valid.all():
        return values
    from scipy.sparse import linalg  # a tenth of a second to load, for maps with holes alone

    nearest = fill_holes(values, valid)
    unknown = ~valid
    # Seen from the middle of the values, so that the tolerance is one of their differences.
    middle = float(values[valid].mean())
    seen = np.where(valid, values.astype(np.float64) - middle, 0.0)
    colours = colours_at(guide, placement, (values.shape[0], values.shape[1]))
    half, diagonal, wanted = _equations(colours, unknown, seen)
    solved, steps_left = linalg.cg(
        linalg.LinearOperator(half.shape, lambda x: diagonal * x - half @ x - half.T @ x),
        wanted,
        x0=nearest[unknown].astype(np.float64) - middle,
        rtol=_TOLERANCE,
        M=linalg.LinearOperator(half.shape, lambda x: x / diagonal),
    )
    if steps_left:
        raise InputError("holes of the depth map cannot be filled: crop to where more is known")
    low, high = values[valid].min(), values[valid].max()
    filled = nearest.copy()
    filled[unknown] = np.clip(solved + middle, low, high)
    return filled


def _equations(
    colours: Float[np.ndarray, "h w 3"],
    unknown: Bool[np.ndarray, "h w"],
    seen: Float[np.ndarray, "h w"],
) -> tuple[sparse.csr_array, Float[np.ndarray, " holes"], Float[np.ndarray, " holes"]]:
    """Return the equations of the unknown pixels, row by row: (D - T - T') x = b.

    Pixels that are known take no row, and half of the symmetric ties T stands for all: a map that
    is unknown almost everywhere takes some 200 bytes a pixel.

    Returns:
        T, the diagonal D, and b.
    """
    height, width = unknown.shape
    count = int(unknown.sum())
    numbers = np.full((height, width), -1, np.int32)
    numbers[unknown] = np.arange(count, dtype=np.int32)
    half = sparse.csr_array((count, count), dtype=np.float64)
    diagonal, wanted = np.zeros(count), np.zeros(count)
    for down, right in STEPS:
        here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
        there = slice(down, height), slice(max(0, right), width + min(0, right))
        counts = unknown[here] | unknown[there]
        away = np.linalg.norm(colours[here][counts] - colours[there][counts], axis=-1)
        weights = np.maximum(np.exp(-away / COLOUR), _WEAKEST).astype(np.float64)
        one, other = numbers[here][counts], numbers[there][counts]
        for mine, value in ((one, seen[there][counts]), (other, seen[here][counts])):
            rows = mine >= 0
            diagonal += np.bincount(mine[rows], weights[rows], count)
            wanted += np.bincount(mine[rows], (weights * value)[rows], count)
        both = (one >= 0) & (other >= 0)
        tied = one[both], other[both]
        half = half + sparse.coo_array((weights[both], tied), shape=half.shape).tocsr()
    return half, diagonal, wanted
