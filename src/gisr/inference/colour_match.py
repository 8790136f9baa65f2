"""Whether a picture's colours foretell the edges of a depth map: of another picture they do not.

At an edge, the neighbours of a pixel that have its colour mostly have its depth. Where colours from
elsewhere in the picture foretell edges as well as those in place, the two do not show one scene, or
not from one place: other frames, cameras side by side that nobody registered, other fields of view.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.estimation.depth_registration import FLIPS
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
_FEWEST, _FEWEST_ALIKE = 80, 250
"""Pixels at edges from which they say that a picture fits turned back, and that it does not at all.
"""
_MOST_PIXELS = 400_000
"""Of a depth map that are looked at: of larger ones every n-th row and column."""
_AWAY = ((1 / 3, 1 / 3), (1 / 2, 1 / 5), (1 / 5, 1 / 2))
"""Shares of the sides from which colours elsewhere are taken."""
_ALIKE, _UNSURE = 0.93, 3.0
"""Share of the error with colours from elsewhere that those in place must leave, and how many times
its standard error the mean gain must be at most."""

_FITS = 0.85
"""Share of the error below which colours fit, and that those of a picture turned back may leave of
it where they do not."""

_SURE = 4.5
"""Standard errors by which they must be better."""
_ZOOMS = tuple(1.07**n for n in (*range(-6, 0), *range(1, 7)))
"""Fields of view of the depth map that are looked at: up to 1.5 times as narrow, and as wide."""

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
    step = math.ceil(math.sqrt(target.size / _MOST_PIXELS))
    colours = colours_at(guide, placement, target.shape)[::step, ::step]
    edges = _DepthEdges.of(target[::step, ::step], valid[::step, ::step])
    if edges is None or (here := edges.share(colours)) < _FITS:
        return ()
    fits = {_flipped(how): colours[flip] for how, flip in FLIPS.items()}
    fits |= {_field_of_view(zoom): _zoomed(colours, zoom) for zoom in _ZOOMS}
    shares = {how: edges.share(each) for how, each in fits.items()}
    how = min(shares, key=lambda each: shares[each])
    if shares[how] <= _FITS * here and edges.gain(fits[how], colours) >= _SURE:
        return (warning(f"the picture's colours foretell the depth where {how}"),)
    if edges.places.sum() < _FEWEST_ALIKE or here < _ALIKE or edges.are_told(colours):
        return ()
    text = (
        "the picture's colours say nothing of where the depth map has edges (those from elsewhere "
        "in it foretell the depth as well): is it the right picture, of the same field of view, "
        "and registered?"
    )
    return (warning(text),)


@dataclass(frozen=True, eq=False)
class _DepthEdges:
    """A depth map, and where in it something is to be foretold."""

    target: Float[np.ndarray, "h w"]
    valid: Bool[np.ndarray, "h w"]
    places: Bool[np.ndarray, "h w"]
    """Pixels at edges, all of whose neighbours are known."""
    most: float
    """At which errors are cut."""

    @classmethod
    def of(
        cls, target: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
    ) -> "_DepthEdges | None":
        """Return the edges of a depth map; None where there are too few."""
        counted = all_around(valid)
        if not counted.any():
            return None
        plain = unforetold(target, valid, None)
        known = plain[counted]
        low, high = np.percentile(target[valid], (1, 99))
        least = max(np.percentile(known, _EDGES), _NOISE * np.median(known), _STEP * (high - low))
        places = counted & (plain >= least) & (plain > 0)
        if places.sum() < _FEWEST:
            return None
        return cls(target, valid, places, float(np.percentile(plain[places], _LARGEST)))

    def errors(self, colours: ColourImage) -> Float[np.ndarray, " edges"]:
        """Return by how much neighbours miss edges, weighted by these colours."""
        left = unforetold(self.target, self.valid, colours)[self.places]
        cut: Float[np.ndarray, " edges"] = np.minimum(left, self.most).astype(np.float64)
        return cut

    def away(self, colours: ColourImage) -> Float[np.ndarray, " edges"]:
        """Return the same with colours from elsewhere."""
        moved = [self.errors(_moved(colours, shares)) for shares in _AWAY]
        return np.asarray(np.mean(moved, axis=0))

    def share(self, colours: ColourImage) -> float:
        """Return the error with colours in place, as a share of that with those from elsewhere."""
        return float(self.errors(colours).mean() / self.away(colours).mean())

    def are_told(self, colours: ColourImage) -> bool:
        """Return whether colours in place surely foretell better than those from elsewhere."""
        return _surety(self.away(colours) - self.errors(colours)) > _UNSURE

    def gain(self, colours: ColourImage, others: ColourImage) -> float:
        """Return how surely colours foretell better than others, in standard errors."""
        return _surety(self.errors(others) - self.errors(colours))


def _surety(gain: Float[np.ndarray, " edges"]) -> float:
    """Return the mean of gains in standard errors of it."""
    return float(gain.mean() * math.sqrt(gain.size) / max(float(gain.std()), 1e-30))


def _flipped(how: str) -> str:
    """Return how a picture fits that lies the other way round."""
    return f"it is {how}, not as it lies: turn one of the two"


def _zoomed(colours: ColourImage, zoom: float) -> ColourImage:
    """Return the colours of a depth map whose field of view is so many times as narrow."""
    rows, columns = (
        np.clip((np.arange(side) - (side - 1) / 2) / zoom + (side - 1) / 2, 0, side - 1)
        for side in colours.shape[:2]
    )
    near: ColourImage = colours[np.rint(rows).astype(int)][:, np.rint(columns).astype(int)]
    return near


def _field_of_view(zoom: float) -> str:
    """Return how a picture fits that shows another field of view than the depth map."""
    which, times = ("wider", zoom) if zoom > 1 else ("narrower", 1 / zoom)
    return (
        f"its field of view is {times:.2g} times {which} than the depth map's: register the two, "
        "or crop both to one field of view"
    )


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
