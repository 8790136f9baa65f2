"""Depth maps at the ratios that networks are trained at, whatever the picture's size.

A network that has learnt ratios 4, 8 and 16 takes the blur of another ratio for that of one of
them, and hardly sharpens: of bicubic reductions by 5 it has 0.88 of the error of linear
interpolation, of those by 4 at most 0.54 (benchmarks/depth_targets.py). So it answers on a grid
that is 4, 8 or 16 times as fine as the target, and that is resized.
"""

import math
import operator
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.data.resample import area_to_target, resize_pillow
from gisr.notes import Note
from gisr.placement import Placement, shows_all
from gisr.tasks import find_task

_LEAST = 1.4
"""Ratio from which that is done: below, nine times as many pixels and more go through a network."""
_MOST_PIXELS = 2**24
"""Of a grid that is finer than the picture: more take gigabytes of memory, and minutes."""


def at_trained_ratio(pair: Pair) -> Pair:
    """Return a pair of surfaces with its guide resized to the nearest ratio of its task.

    Other pairs are returned as they are, and so are pairs at such a ratio or below 1.4, guides that
    show another field of view or have gaps, and those that would grow beyond 16.8 megapixels.

    Args:
        pair: Its truth is left out where the guide is resized.
    """
    if (shape := _nearest_shape(pair)) is None or _is_too_large(shape, pair):
        return pair
    placed = Placement.from_grid("centre", (pair.target.shape[0], pair.target.shape[1]), shape)
    guide = resize_pillow(pair.guide, shape)
    return replace(pair, guide=guide, placement=placed, truth=None, truth_valid=None)


def ratio_notes(pair: Pair) -> list[Note]:
    """Return what to say of the grid on which a network answers for a pair."""
    if (shape := _nearest_shape(pair)) is None:
        return []
    by, sides = shape[0] // pair.target.shape[0], f"{shape[1]} x {shape[0]}"
    if _is_too_large(shape, pair):
        text = f"x{pair.ratio:.3g} is no ratio that was learnt, and x{by} ({sides}) takes too much"
        return [Note(f"{text} memory: edges stay softer than they would on crops of both images")]
    text = f"sharpened at x{by} ({sides}), the nearest"
    return [Note(f"{text} ratio that was learnt, and resized to the guide's x{pair.ratio:.3g}")]


def _nearest_shape(pair: Pair) -> tuple[int, int] | None:
    """Return the sides of a grid at the nearest ratio; None where the guide is to stay as it is."""
    task = find_task(pair.task)
    if not task.surfaces or pair.grid != "centre" or pair.guide_valid is not None:
        return None
    rows, columns = pair.target.shape[:2]
    ratio = min(task.paper_ratios, key=lambda each: abs(math.log(pair.ratio / each)))
    shape, sides = (rows * ratio, columns * ratio), (pair.guide.shape[0], pair.guide.shape[1])
    if shape == sides or pair.ratio < _LEAST:
        return None
    low = (rows, columns)
    return shape if shows_all(pair.placement, low, sides) else None


def _is_too_large(shape: tuple[int, int], pair: Pair) -> bool:
    return math.prod(shape) > max(_MOST_PIXELS, math.prod(pair.guide.shape[:2]))


def onto_guide(image: Float[np.ndarray, "H W bands"], pair: Pair) -> Float[np.ndarray, "H W bands"]:
    """Return what was made of :func:`at_trained_ratio` on the grid of the pair's own guide.

    Args:
        image: On either grid.
        pair: As it was before.
    """
    shape, sides = (pair.guide.shape[0], pair.guide.shape[1]), (image.shape[0], image.shape[1])
    if sides == shape:
        return image
    if all(map(operator.ge, sides, shape)):
        return area_to_target(image, shape, Placement.from_grid("centre", shape, sides, math.inf))
    return resize_pillow(image, shape)
