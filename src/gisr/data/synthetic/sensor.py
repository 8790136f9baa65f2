"""Depth maps as a sensor and its hole filling leave them: not exact where the colours are.

Structured-light and time-of-flight cameras see from beside the colour camera, lose thin parts and
the rims of things, and what is lost is filled from the neighbourhood. Outlines then wander about
those of the photograph by a pixel or two, corners are round and steps are soft. A network that has
seen exact depth alone follows the photograph there, and errs.
"""

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, map_coordinates, median_filter

from gisr.data.synthetic.depth_frame import DepthFrame
from gisr.data.synthetic.noise import SMOOTH, NoisePlane, random_field


def seen_by_sensor(rng: Generator, frame: DepthFrame) -> DepthFrame:
    """Return a frame with depth as a sensor would give it, known everywhere; colours stay.

    Args:
        rng: Source of randomness.
        frame: Exact; at most :data:`gisr.data.synthetic.noise.SIDE` pixels a side.
    """
    depth = _wandering(rng, frame.depth)
    if rng.random() < 0.5:
        depth = median_filter(depth, size=int(rng.choice((3, 5))))
    if rng.random() < 0.7:
        depth = gaussian_filter(depth, np.exp(rng.uniform(np.log(0.3), np.log(1.2))))
    if rng.random() < 0.5:
        relief = np.ptp(depth) * np.exp(rng.uniform(np.log(0.001), np.log(0.01)))
        depth = depth + np.float32(relief) * random_field(rng, SMOOTH, depth.shape)
    depth = np.maximum(depth, 0)
    if frame.reduced_as == "uint8":
        depth = np.clip(np.rint(depth), 0, 255)
    return replace(frame, depth=depth.astype(np.float32), known=np.ones_like(frame.known))


def _wandering(rng: Generator, depth: NoisePlane) -> NoisePlane:
    """Move every part of a map by a little, near parts alike: a shift of all and a bent grid."""
    reach = np.float32(np.exp(rng.uniform(np.log(0.2), np.log(1.6))))
    places = np.indices(depth.shape, dtype=np.float32)
    for axis in range(2):
        bent = random_field(rng, SMOOTH, depth.shape)
        places[axis] += np.float32(rng.normal(0, 0.5)) + reach * bent
    moved: NoisePlane = map_coordinates(depth, places, order=1, mode="nearest")
    return moved
