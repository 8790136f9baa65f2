"""Where samples of a depth map lie in its picture: in the middles of areas, or at first pixels.

``depth[::4, ::4]``, OpenCV's ``INTER_NEAREST`` and torch's ``nearest`` take the first pixel of
every four; a pixel of a sensor stands for the area around its middle. The sizes are the same, the
places 1.5 pixels apart, and edges come out as far off.
"""

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.resample import samples_at_target
from gisr.estimation.depth_reduction import unmixed_share
from gisr.inference.colour_match import all_around, unforetold
from gisr.inference.guided_interpolation import colours_at
from gisr.placement import Placement, shows_all, whole_ratio

_LEAST_RATIO = 1.9
"""Below, the two places are less than half a pixel apart."""
_EDGES, _LARGEST = 90.0, 99.0
"""Percentiles of what neighbours do not foretell from which a sample lies at an edge, and at which
errors are cut."""
_FEWEST = 50
"""Samples at edges from which they say something."""
_UNMIXED = 0.5
"""Share of unmixed pixels at edges from which a map may be one of samples."""
_BETTER, _SURE = 0.88, 4.0
"""Share of the error that may be left with the colours at first pixels, and how many times its
standard error the mean difference must be. Of 500 reductions of 50 real frames that were not
sampled so, one passes, whose picture is off by as much; of 369 that were, 260 do."""


def at_first_pixels(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> Placement | None:
    """Return where samples lie that were taken at the first pixel of every area; None of others.

    Every sample at an edge is foretold by its eight neighbours, weighted by how alike the picture's
    colours are at their places. Colours at the right places foretell better.

    Args:
        target: Samples; those that are not valid do not count.
        valid: Which are known.
        guide: The picture, 1 or 3 channels, any range.
        placement: Where its pixels lie on the target by the sizes of both, areas aligned.
    """
    shape, sides = (target.shape[0], target.shape[1]), (guide.shape[0], guide.shape[1])
    if placement.ratio < _LEAST_RATIO or min(shape) < 3 or not shows_all(placement, shape, sides):
        return None
    if unmixed_share(target, valid) < _UNMIXED:
        return None
    first = _first_pixels(shape, sides)
    colours = colours_at(guide, None, sides)
    counted = all_around(valid)
    plain = unforetold(target, valid, None)[counted]
    if not plain.size or not plain.any():
        return None
    edges = plain >= max(np.percentile(plain, _EDGES), 1e-6 * plain.max())
    most = np.percentile(plain, _LARGEST)
    middle_errors, first_errors = (
        np.minimum(
            unforetold(target, valid, samples_at_target(colours, shape, place))[counted][edges],
            most,
        )
        for place in (placement, first)
    )
    gain = (middle_errors - first_errors).astype(np.float64)
    sure = gain.mean() > _SURE * gain.std() / np.sqrt(gain.size)
    better = first_errors.mean() <= _BETTER * middle_errors.mean()
    return first if edges.sum() >= _FEWEST and better and sure else None


def first_pixels_text(placement: Placement) -> str:
    """Return what a user should know of samples that were placed at first pixels."""
    ratio = f"{placement.ratio:.3g}"
    step = ratio if ratio.isdecimal() else "n"
    return (
        f"by the picture's colours, its samples lie at the first pixel of every {ratio} x {ratio} "
        f"(depth[::{step}, ::{step}], INTER_NEAREST), not in the middle: placed so"
    )


def _first_pixels(shape: tuple[int, int], sides: tuple[int, int]) -> Placement:
    """Return the placement of samples at first pixels; of a rest below 4, ``[::4]`` takes one."""
    ratio = whole_ratio(shape, sides)
    if ratio is not None and all(
        low == -(-high // ratio) for low, high in zip(shape, sides, strict=True)
    ):
        return Placement((1 / ratio, 1 / ratio), (0.0, 0.0))
    return Placement.from_grid("kspace", shape, sides)
