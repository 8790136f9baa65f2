"""How noisy an image is, seen in the parts that show little else; and whether JPEG left its blocks.

Second differences along both axes keep the variance of white noise and little of an image; blocks
in which they are smallest hold noise alone.
"""

import numpy as np
from jaxtyping import Float, Shaped
from scipy import ndimage

from gisr.array_types import Voxels

DETAIL = np.outer((1, -2, 1), (1, -2, 1)) / 6.0
"""Second differences along both axes; of white noise it keeps the variance."""
QUIET = 10
"""Percentile of the blocks that are quiet."""
_BLOCK = 8
_STEEPEST = 95
"""Percentile of the steps above which they count no more: one in eight lies between blocks."""
_LEAST_SIDE = 4 * _BLOCK
"""Pixels along a side below which the steps between blocks are too few."""
_FEWEST = 16
"""Blocks of tissue from which the noise of a volume is judged."""
_DARK = 0.1
"""Share of the range above the darkest values up to which there is air, which scanners and programs
blank, and where magnitudes vary less than elsewhere."""
_MOST_SLICES = 8
"""Slices that are looked at, in the middle of a volume."""


def blocks(image: Shaped[np.ndarray, "h w"]) -> Shaped[np.ndarray, "blocks side side"]:
    """Return the whole blocks of an image."""
    rows, columns = (side // _BLOCK for side in image.shape)
    cut = image[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    found: Shaped[np.ndarray, "blocks side side"] = cut.swapaxes(1, 2).reshape(-1, _BLOCK, _BLOCK)
    return found


def volume_noise(volume: Voxels, across: int) -> float:
    """Return the standard deviation of a volume's noise in its tissue, 0 where it is not seen.

    Args:
        volume: Finite.
        across: The axis across which the slices lie that are looked at: of voxels as they were
            acquired, since interpolated noise is smooth.
    """
    slices = np.moveaxis(volume, across, 0)
    slices = slices[max(0, (len(slices) - _MOST_SLICES) // 2) :][:_MOST_SLICES]
    low, high = np.percentile(slices, (1, 99))
    levels: list[Float[np.ndarray, " blocks"]] = []
    for each in slices:
        detail = ndimage.convolve(each.astype(np.float64), DETAIL, mode="nearest")
        tissue = blocks(each).mean(axis=(1, 2)) > low + _DARK * (high - low)
        levels.append(blocks(np.square(detail)).mean(axis=(1, 2))[tissue])
    found = np.concatenate(levels)
    return float(np.sqrt(np.percentile(found, QUIET))) if len(found) >= _FEWEST else 0.0


def block_steps(
    image: Float[np.ndarray, "h w bands"], shown: Float[np.ndarray, "h w"] | None = None
) -> float:
    """Return how much larger steps between blocks of JPEG are than those within them; 1 if alike.

    Where the blocks begin is not known, in a part of an image: at each of eight places, or at none.

    Args:
        image: May have blocks.
        shown: What the guide shows of it. Steps that it has at the same places, in as far as it has
            them, are of fields and streets, not of JPEG.
    """
    if min(image.shape[:2]) < _LEAST_SIDE:
        return 1.0
    found = []
    for axis in (0, 1):
        places = _steps_at_places(np.moveaxis(image, axis, 0))
        most = int(places.argmax())
        steps = _over_usual(places, most)
        if shown is not None:
            steps /= max(1.0, _over_usual(_steps_at_places(np.moveaxis(shown, axis, 0)), most))
        found.append(steps)
    return min(found)


def _steps_at_places(image: Float[np.ndarray, "along *others"]) -> Float[np.ndarray, "places"]:
    """Return the mean of sudden steps along the first axis, at each place that blocks may begin."""
    steps = np.diff(image.astype(np.float64), axis=0)
    sudden = np.abs(steps[1:-1] - (steps[:-2] + steps[2:]) / 2)
    sudden = np.minimum(sudden, np.percentile(sudden, _STEEPEST))  # a hot pixel is no edge
    return np.array([sudden[first::_BLOCK].mean() for first in range(_BLOCK)])


def _over_usual(places: Float[np.ndarray, "places"], place: int) -> float:
    """Return the steps at one place over the usual ones."""
    # A sudden step counts in part at its neighbours; a picture enlarged by two has four alike.
    usual = float(np.sort(places)[-4])
    return float(places[place]) / usual if usual > 0 else 1.0
