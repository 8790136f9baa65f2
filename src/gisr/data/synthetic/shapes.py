"""Outlines of generated objects, each in coordinates in which it lies around the origin.

An outline takes two coordinates that run from -1 to 1 over the object (a little more where its
border is wavy) and gives where the object is, and how far its surface swells towards the viewer.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator

from gisr.data.synthetic.noise import SMOOTH, NoisePlane, random_field

Outline = tuple[Bool[np.ndarray, "h w"], Float[np.ndarray, "h w"]]
"""Where the object is, and its swelling, 0 at the border and 1 at the top of a round one."""

REACH = 1.3
"""No outline reaches further from the origin along either coordinate."""


def random_outline(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    """Draw one of the outlines, sometimes with a hole.

    Args:
        rng: Source of randomness.
        along: First coordinate of every pixel, float32.
        across: Second one.
    """
    kind = int(np.searchsorted(_SHARES, rng.random(), side="right"))
    inside, swelling = _OUTLINES[kind](rng, along, across)
    if rng.random() < 0.12:
        middle, radius = rng.uniform(-0.2, 0.2, 2), rng.uniform(0.25, 0.8)
        inner = np.square(along - middle[0]) + np.square(across - middle[1])
        inside &= inner > radius**2
    return inside, swelling


def _ellipse(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    square = along * along + across * across
    return square < 1, np.sqrt(np.maximum(1 - square, 0))


def _box(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    inside = (np.abs(along) < 1) & (np.abs(across) < 1)
    return inside, np.sqrt(np.maximum(1 - across * across, 0))  # a roll, where it swells


def _rounded_box(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    fourth = np.square(along * along) + np.square(across * across)
    return fourth < 1, np.sqrt(np.maximum(1 - fourth, 0))


def _polygon(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    corners = int(rng.integers(3, 7))
    turns = (np.arange(corners) + rng.uniform(-0.35, 0.35, corners)) * (2 * np.pi / corners)
    farthest = np.full(along.shape, -np.inf, np.float32)
    for turn, distance in zip(turns, rng.uniform(0.45, 0.9, corners), strict=True):
        side = along * np.float32(np.cos(turn) / distance)
        side += across * np.float32(np.sin(turn) / distance)
        np.maximum(farthest, side, out=farthest)
    square = np.maximum(np.abs(along), np.abs(across))
    return (farthest < 1) & (square < REACH), np.maximum(1 - farthest, 0)


def _blob(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    wave = random_field(rng, SMOOTH, along.shape[:2])
    height = 1 - along * along - across * across + np.float32(rng.uniform(0.1, 0.6)) * wave
    inside = (height > 0) & (np.maximum(np.abs(along), np.abs(across)) < REACH)
    return inside, np.sqrt(np.clip(height, 0, 1))


def _turned(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    """Bottles, pots and pins: a width that changes along an axis."""
    waves, phases = rng.uniform(1, 5, 2), rng.uniform(0, 2 * np.pi, 2)
    width = np.float32(0.6)
    for wave, phase, share in zip(waves, phases, (0.28, 0.12), strict=True):
        width = width + np.float32(share) * np.sin(along * np.float32(wave) + np.float32(phase))
    part = across / width
    round_side = np.maximum(1 - part * part, 0)
    return (np.abs(along) < 1) & (np.abs(part) < 1), np.sqrt(round_side)


def _blade(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    """Leaves and fingers: bent, and pointed at one end or both."""
    bent = across + np.float32(rng.uniform(-0.6, 0.6)) * (along * along - np.float32(0.5))
    tail = np.float32(rng.uniform(0, 1))
    width = np.float32(0.6) * np.maximum((1 - along) * (1 + tail * along), 0)
    part = bent / (width + np.float32(1e-3))
    inside = (np.abs(along) < 1) & (np.abs(part) < 1)
    return inside, np.maximum(1 - part * part, 0)


def _grid(rng: Generator, along: NoisePlane, across: NoisePlane) -> Outline:
    """Fences, combs and baskets."""
    counts, open_share = rng.integers(1, 7, 2), np.float32(rng.uniform(0.3, 0.8))
    slats = np.mod(along * np.float32(counts[0]), 1) > open_share
    if rng.random() < 0.6:
        slats |= np.mod(across * np.float32(counts[1]), 1) > open_share
    slats &= (np.abs(along) < 1) & (np.abs(across) < 1)
    return slats, np.zeros(along.shape, np.float32)


_OUTLINES: tuple[Callable[[Generator, NoisePlane, NoisePlane], Outline], ...] = (
    _ellipse,
    _box,
    _rounded_box,
    _polygon,
    _blob,
    _turned,
    _blade,
    _grid,
)
_SHARES = np.cumsum((0.14, 0.18, 0.08, 0.18, 0.16, 0.11, 0.11, 0.04))
_SHARES[-1] = 1.0
