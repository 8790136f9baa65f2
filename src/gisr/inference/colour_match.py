"""Whether a picture's colours foretell the edges of a depth map: of another picture they do not.

At an edge, the neighbours of a pixel that have its colour mostly have its depth. Where colours from
elsewhere in the picture foretell edges as well as those in place, the two do not show one scene, or
not from one place: other frames, cameras side by side that nobody registered, other fields of view.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from gisr.inference.guided_interpolation import COLOUR, colours_at
from gisr.notes import Note, warning
from gisr.placement import Placement

_WEAKEST = 1e-2
"""Tie to a neighbour of any colour."""
_EDGES, _LARGEST = 90.0, 99.0
"""Percentiles of what neighbours do not foretell from which a pixel may lie at an edge, and at
which errors are cut."""
_NOISE, _STEP = 5.0, 0.05
"""How many times the median of that, and what share of the range, an edge is at least."""
_FEWEST = 250
"""Pixels at edges from which they say something."""
_MOST_PIXELS = 400_000
"""Of a depth map that are looked at: of larger ones every n-th row and column."""
_AWAY = ((1 / 3, 1 / 3), (1 / 2, 1 / 5), (1 / 5, 1 / 2))
"""Shares of the sides from which colours elsewhere are taken."""
_ALIKE, _UNSURE = 0.93, 3.0
"""Share of the error with colours from elsewhere that those in place must leave, and how many times
its standard error the mean gain must be at most."""

ColourImage = Float[np.ndarray, "h w 3"]


def colour_doubts(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
) -> tuple[Note, ...]:
    """Warn where a picture's colours in place foretell no more than those from elsewhere in it.

    Args:
        target: Depth or disparity; those that are not valid do not count.
        valid: Which were measured.
        guide: The picture, 1 or 3 channels, any range.
        placement: Where its pixels lie on the target.
    """
    if (guide == guide[:1, :1]).all():
        return ()  # which is told otherwise
    share = foretold_by_place(target, valid, colours_at(guide, placement, target.shape))
    if share is None:
        return ()
    text = (
        "the picture's colours say nothing of where the depth map has edges (those from elsewhere "
        "in it foretell the depth as well): is it the right picture, of the same field of view, "
        "and registered?"
    )
    return (warning(text),)


def foretold_by_place(
    target: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], colours: ColourImage
) -> float | None:
    """Return the error at edges with colours in place, as a share of that with others, if alike.

    Args:
        target: Depth or disparity.
        valid: Which of it counts.
        colours: In CIELAB, of its size.

    Returns:
        None where colours in place foretell better, or where there are too few edges to say so.
    """
    step = math.ceil(math.sqrt(target.size / _MOST_PIXELS))
    target, valid, colours = (image[::step, ::step] for image in (target, valid, colours))
    counted = all_around(valid)
    plain = unforetold(target, valid, None)[counted]
    if not plain.size:
        return None
    low, high = np.percentile(target[valid], (1, 99))
    least = max(np.percentile(plain, _EDGES), _NOISE * np.median(plain), _STEP * (high - low))
    edges = (plain >= least) & (plain > 0)
    if edges.sum() < _FEWEST:
        return None
    most = np.percentile(plain[edges], _LARGEST)

    def errors(placed: ColourImage) -> Float[np.ndarray, " edges"]:
        return np.minimum(unforetold(target, valid, placed)[counted][edges], most)

    here = errors(colours)
    away = np.mean([errors(_moved(colours, shares)) for shares in _AWAY], axis=0)
    gain = (away - here).astype(np.float64)
    share = float(here.mean() / away.mean())
    told = gain.mean() > _UNSURE * gain.std() / math.sqrt(gain.size)
    return None if share < _ALIKE or told else share


def _moved(colours: ColourImage, shares: Sequence[float]) -> ColourImage:
    steps = [round(share * side) for share, side in zip(shares, colours.shape, strict=False)]
    moved: ColourImage = np.roll(colours, steps, (0, 1))
    return moved


def all_around(valid: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Return which pixels are known with all of their eight neighbours."""
    wide = np.pad(valid, 1)
    rows, columns = valid.shape
    around = [wide[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    inner: Bool[np.ndarray, "h w"] = np.logical_and.reduce(around)
    return inner


def unforetold(
    target: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    colours: ColourImage | None,
) -> Float[np.ndarray, "h w"]:
    """Return by how much samples differ from the mean of their neighbours.

    Args:
        target: Samples.
        valid: Which are known.
        colours: Their colours, which weight the neighbours; None for all alike.
    """
    rows, columns = target.shape
    values, known = np.pad(np.where(valid, target, 0), 1), np.pad(valid, 1)
    tones = None if colours is None else np.pad(colours, ((1, 1), (1, 1), (0, 0)), mode="edge")
    total, weights = np.zeros((2, rows, columns), np.float32)
    for y, x in ((y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)):
        part = slice(y, y + rows), slice(x, x + columns)
        weight = known[part].astype(np.float32)
        if colours is not None and tones is not None:
            away = np.linalg.norm(colours - tones[part], axis=-1)
            weight *= np.maximum(np.exp(-away / COLOUR), _WEAKEST)
        total += weight * values[part]
        weights += weight
    left: Float[np.ndarray, "h w"] = np.abs(target - total / np.maximum(weights, _WEAKEST**2))
    return left.astype(np.float32)
