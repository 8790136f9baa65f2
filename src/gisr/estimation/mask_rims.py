"""Whether a motion of an MR guide is one of masks: skulls stripped from each contrast on its own.

The rim of a mask is the strongest edge of what it leaves, and two masks of one head often differ by
a voxel or two. A motion that is true improves what lies within both as well.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Shaped
from numpy.typing import NDArray
from scipy import ndimage

from gisr.array_types import Voxels
from gisr.estimation.local_fit import LocalFit, Move

_FEWEST = 300
"""Target voxels within both masks from which they are asked."""
_WITHIN = 0.8
"""Share of what the guide leaves unexplained within both that a true motion may leave. Of four
subjects whose contrasts were masked apart, guides that were moved left up to 0.74 of it, motions
that were not there 0.85 to 1.24."""
_BESIDE = 3
"""Voxels: a side of the areas of one value that are masked."""


def only_of_masks(fit: LocalFit, guide: Voxels, move: Move) -> bool:
    """Return whether a motion lays rims of masks on each other, and nothing within them.

    False where nothing is masked, or where masks leave too little.

    Args:
        fit: Of the target and the guide.
        guide: As it came, not blurred.
        move: The motion that would be undone.
    """
    masked = replace(fit, guide=_areas(guide).astype(np.float32), origin=(0, 0, 0))
    shown = fit.known & ~_areas(fit.target) & (masked.sampled() + masked.sampled(move) == 0)
    if np.array_equal(shown, fit.known):
        return False
    shown = ndimage.binary_erosion(shown, np.ones(_around(shown.shape)), border_value=1)
    if np.count_nonzero(shown) < _FEWEST:
        return False
    inner = replace(fit, known=shown)
    return inner.unexplained(move) > _WITHIN * inner.unexplained()


def _areas(volume: Shaped[np.ndarray, "X Y Z"]) -> Bool[np.ndarray, "X Y Z"]:
    """Return which voxels lie in areas of exactly one value, as masks leave them."""
    sides = _around(volume.shape)
    least, most = ndimage.minimum_filter(volume, sides), ndimage.maximum_filter(volume, sides)
    areas: NDArray[np.bool_] = ndimage.maximum_filter(least == most, sides)
    return areas


def _around(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(side, _BESIDE) for side in shape)
