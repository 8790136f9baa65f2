"""Filling holes of a depth map from what is known around them, along the edges of the guide."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import sparse
from scipy.sparse import linalg

from gisr.data.degradations import fill_holes
from gisr.errors import InputError
from gisr.inference.guided_interpolation import COLOUR, colours_at
from gisr.placement import Placement

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""To half of a pixel's eight neighbours; the other half are these from the other side."""
_WEAKEST = 1e-3
"""Tie across any edge, so that a hole whose colours touch nothing known is filled too."""
_TOLERANCE = 1e-4


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
    nearest = fill_holes(values, valid)
    ties = _ties(colours_at(guide, placement, (values.shape[0], values.shape[1])), valid)
    laplacian = sparse.diags_array(ties.sum(axis=1)) - ties
    unknown = ~valid.reshape(-1)
    rows = laplacian.tocsr()[unknown]
    system, known = rows[:, unknown], rows[:, ~unknown]
    # Seen from the middle of the values, so that the tolerance is one of their differences.
    middle = float(values[valid].mean())
    solved, steps_left = linalg.cg(
        system,
        -(known @ (values[valid].astype(np.float64) - middle)),
        x0=nearest.reshape(-1)[unknown].astype(np.float64) - middle,
        rtol=_TOLERANCE,
        M=sparse.diags_array(1 / system.diagonal()),
    )
    if steps_left:
        raise InputError("holes of the depth map cannot be filled: crop to where more is known")
    low, high = values[valid].min(), values[valid].max()
    filled = nearest.copy()
    filled[~valid] = np.clip(solved + middle, low, high)
    return filled


def _ties(colours: Float[np.ndarray, "h w 3"], valid: Bool[np.ndarray, "h w"]) -> sparse.csr_array:
    """Return the symmetric matrix of how alike neighbours are of which one at least is unknown."""
    height, width = colours.shape[:2]
    numbers = np.arange(height * width, dtype=np.int64).reshape(height, width)
    ones, others, weights = [], [], []
    for down, right in _STEPS:
        here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
        there = slice(down, height), slice(max(0, right), width + min(0, right))
        counts = ~(valid[here] & valid[there])
        difference = np.linalg.norm(colours[here][counts] - colours[there][counts], axis=-1)
        ones.append(numbers[here][counts])
        others.append(numbers[there][counts])
        weights.append(np.maximum(np.exp(-difference / COLOUR), _WEAKEST))
    pairs = np.concatenate(ones), np.concatenate(others)
    half = sparse.coo_array(
        (np.concatenate(weights).astype(np.float64), pairs), shape=(numbers.size, numbers.size)
    ).tocsr()
    return half + half.T
