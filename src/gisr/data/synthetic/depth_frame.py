"""Generated depth frames: exact depth with a photograph of textured surfaces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator
from numpy.typing import NDArray

from gisr.data.degradations import ReducedAs
from gisr.data.synthetic.colours import draw_colours
from gisr.data.synthetic.noise import SIDE, NoisePlane
from gisr.data.synthetic.surfaces import random_surfaces
from gisr.errors import InputError

_LEVELS = 255.0


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """A depth or disparity map, exact at every pixel, with its colour image."""

    depth: Float[np.ndarray, "H W"]
    """float32: disparity in pixels, depth in metres, or whole 8-bit levels."""
    known: Bool[np.ndarray, "H W"]
    """Not where a second camera would not see, in some frames, as stereo data sets leave out."""
    colour: Float[np.ndarray, "H W 3"]
    """float32, whole levels from 0 to 255."""
    reduced_as: ReducedAs
    """``uint8`` for whole levels, as the 8-bit test sets are reduced, else ``float32``."""


def generated_depth_frame(rng: Generator, side: int) -> DepthFrame:
    """Draw a frame. The same state of the generator gives the same frame.

    Steps of depth lie exactly where the outlines of the colour image do, between the same pixels;
    the lens then blurs the colours a little. Some steps have no contrast in colour and many colour
    edges no step, as in the world.

    Args:
        rng: Source of randomness.
        side: Of the square frame in pixels.

    Raises:
        InputError: The frame is larger than the noise that its textures are cut from.
    """
    if side > SIDE:
        raise InputError(
            f"a generated frame of {side} pixels a side is larger than {SIDE}: use a smaller "
            "patch or ratio"
        )
    surfaces = random_surfaces(rng, side)
    colour = draw_colours(rng, surfaces)
    nearness = surfaces.nearness - np.float32(min(0.0, float(surfaces.nearness.min())))
    shown = np.exp(rng.uniform(np.log(4), np.log(120)))  # pixels of disparity a unit of nearness
    known = np.ones((side, side), dtype=bool)
    if rng.random() < 0.25:
        known = _seen_twice(nearness * np.float32(shown))
    kind = rng.random()
    if kind < 0.35:
        return DepthFrame(_as_levels(rng, nearness), known, colour, "uint8")
    depth = _as_disparity(rng, nearness, shown) if kind < 0.7 else _as_metres(rng, nearness)
    return DepthFrame(depth, known, colour, "float32")


def _as_levels(rng: Generator, nearness: NoisePlane) -> NoisePlane:
    """Return whole levels within 0 to 255, of a picture that shows a part of the range or all."""
    low, high = np.sort(rng.uniform(0, _LEVELS, 2))
    spread = max(float(nearness.max() - nearness.min()), 0.3)
    scale = max(high - low, 24.0) / spread
    levels = np.rint(low + (nearness - nearness.min()) * scale)
    clipped: NoisePlane = np.clip(levels, 0, _LEVELS).astype(np.float32)
    return clipped


def _as_disparity(rng: Generator, nearness: NoisePlane, shown: float) -> NoisePlane:
    """Return disparity in pixels, exact or in the steps of a matcher."""
    disparity = nearness * np.float32(shown) + np.float32(rng.uniform(1, 20))
    steps = np.float32((0, 3, 8, 16)[rng.integers(4)])
    return np.rint(disparity * steps) / steps if steps else disparity


def _as_metres(rng: Generator, nearness: NoisePlane) -> NoisePlane:
    """Return depth in whole millimetres, the inverse of nearness."""
    farthest = np.exp(rng.uniform(np.log(1), np.log(10)))
    closeness = np.float32(np.exp(rng.uniform(np.log(0.2), np.log(4))))
    metres = np.float32(farthest) / (1 + closeness * nearness)
    rounded: NoisePlane = np.rint(metres * 1000) / np.float32(1000)
    return rounded


def _seen_twice(disparity: NoisePlane) -> Bool[np.ndarray, "H W"]:
    """Return what a camera to the right sees too: nothing nearer slides in front of it there."""
    columns = np.arange(disparity.shape[1], dtype=np.float32)
    place = columns - disparity  # column in the other image
    # From the right: the leftmost place of anything further right in this image.
    nearest = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    seen: NDArray[np.bool_] = place <= nearest + 1.5
    return seen
