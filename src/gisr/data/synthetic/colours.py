"""The colour image of generated surfaces: textures, light, shadows, lens and sensor.

Colours are found for all pixels at once, from tables with a row for every look, so that a frame of
forty objects costs what a frame of two does.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator
from numpy.typing import NDArray

from gisr.data.synthetic.noise import (
    ROUGH,
    SIDE,
    SMOOTH,
    WHITE,
    NoisePlane,
    field_at,
    field_window,
    random_field,
)
from gisr.data.synthetic.surfaces import Surfaces

_PLAIN, _MOTIF, _STRIPES, _CHECKS, _TEXT, _WAVES, _SPOTS = range(7)
_PATTERN_SHARES = np.cumsum((0.30, 0.20, 0.11, 0.10, 0.14, 0.08, 0.07))
_PATTERN_SHARES[-1] = 1.0
_CREASE = 0.02
"""Change of nearness from pixel to pixel above which it is a step, not a slope to be shaded."""


@dataclass(frozen=True, eq=False)
class _Looks:
    """Materials, a row for each look."""

    colour: Float[np.ndarray, "looks 3"]
    """Linear, 0 to 1."""
    second: Float[np.ndarray, "looks 3"]
    """Colour that the pattern adds, fully."""
    grain: Float[np.ndarray, "looks 3"]
    """Strength of the fine texture in each channel, relative."""
    clouds: Float[np.ndarray, " looks"]
    """Strength of the coarse texture, relative."""
    pattern: NDArray[np.intp]
    period: Float[np.ndarray, " looks"]
    """Of the pattern, in pixels."""
    threshold: Float[np.ndarray, " looks"]
    turn: Float[np.ndarray, " looks"]
    scale: Float[np.ndarray, "looks 2"]
    """Steps through the field of the fine texture for a pixel along and across."""
    place: Float[np.ndarray, "looks 2"]
    field: NDArray[np.intp]


def _random_looks(rng: Generator, count: int) -> _Looks:
    """Draw materials; those of a frame share a few colours, as things in a room do."""
    palette = _palette(rng, int(rng.integers(2, 8)))
    colour = palette[rng.integers(len(palette), size=count)]
    colour = colour * np.exp(rng.normal(0, 0.25, (count, 1))) + rng.normal(0, 0.02, (count, 3))
    other = palette[rng.integers(len(palette), size=count)] * rng.uniform(0.1, 1.6, (count, 1))
    strength = rng.beta(0.9, 1.2, (count, 1))
    # Most texture is brighter or darker, not of another hue.
    grain = np.exp(rng.normal(-2.4, 0.9, (count, 1))) * (1 + rng.normal(0, 0.15, (count, 3)))
    stretch = np.exp(np.abs(rng.normal(0, 0.7, count)) * rng.integers(0, 2, count))
    size = np.exp(rng.uniform(np.log(0.6), np.log(2.5), count))
    return _Looks(
        colour=np.clip(colour, 0.01, 1.2).astype(np.float32),
        second=((np.clip(other, 0.005, 1.2) - colour) * strength).astype(np.float32),
        grain=grain.astype(np.float32),
        clouds=np.exp(rng.normal(-3.0, 0.9, count)).astype(np.float32),
        pattern=np.searchsorted(_PATTERN_SHARES, rng.random(count), side="right"),
        period=np.exp(rng.uniform(np.log(4), np.log(60), count)).astype(np.float32),
        threshold=rng.uniform(-0.6, 1.0, count).astype(np.float32),
        turn=(rng.normal(0, 0.15, count) + rng.integers(0, 4, count) * (np.pi / 4)).astype(
            np.float32
        ),
        scale=np.stack([size / stretch, size * stretch], axis=-1).astype(np.float32),
        place=rng.uniform(0, SIDE, (count, 2)).astype(np.float32),
        field=rng.integers(ROUGH.start, ROUGH.stop, count),
    )


def _palette(rng: Generator, count: int) -> NDArray[np.float64]:
    """Return linear colours, from nearly black to white: of any hue, or around one."""
    hue = rng.uniform(0, 1, count)
    if rng.random() < 0.4:
        hue = hue[0] + 0.15 * (hue - 0.5)
    vivid = rng.beta(1.0, 1.6, (count, 1)) * (rng.random() > 0.05)
    bright = np.exp(rng.uniform(np.log(0.03), 0, (count, 1)))
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hue[:, None] - np.arange(3) / 3))
    mixed: NDArray[np.float64] = bright * (1 - vivid + vivid * wheel)
    return mixed


def draw_colours(rng: Generator, surfaces: Surfaces) -> Float[np.ndarray, "H W 3"]:
    """Return the photograph of surfaces: float32, whole levels from 0 to 255.

    Args:
        rng: Source of randomness.
        surfaces: A square frame.
    """
    looks = _random_looks(rng, surfaces.looks)
    image = _materials(rng, looks, surfaces.look)
    light = _shading(rng, surfaces)
    if rng.random() < 0.7:
        light *= _shadows(rng, surfaces.nearness)
    image *= light[..., None]
    return _photograph(rng, image)


def _materials(rng: Generator, looks: _Looks, look: NDArray[np.intp]) -> NoisePlane:
    """Return the colour of every pixel under even light."""
    side = look.shape[0]
    places = np.arange(side, dtype=np.float32)
    cosine, sine = np.cos(looks.turn)[look], np.sin(looks.turn)[look]
    along = places[:, None] * sine + places * cosine
    across = places[:, None] * cosine - places * sine
    clouds = random_field(rng, slice(5, 7), look.shape)
    grain = field_at(
        looks.field[look],
        along * looks.scale[:, 0][look] + looks.place[:, 0][look],
        across * looks.scale[:, 1][look] + looks.place[:, 1][look],
    )
    pattern = _patterns(rng, looks, look, along, across)
    image = looks.colour.take(look, axis=0)
    image += pattern[..., None] * looks.second.take(look, axis=0)
    relief = grain[..., None] * looks.grain.take(look, axis=0)
    relief += (clouds * looks.clouds[look])[..., None]
    np.maximum(relief, -0.85, out=relief)
    image *= 1 + relief
    return image


def _patterns(
    rng: Generator, looks: _Looks, look: NDArray[np.intp], along: NoisePlane, across: NoisePlane
) -> NoisePlane:
    """Return how much of the second colour every pixel has, 0 to 1."""
    result = np.zeros(look.shape, np.float32)
    kinds = looks.pattern[look]
    motif = random_field(rng, SMOOTH, look.shape)
    values: NDArray[np.bool_] | NDArray[np.floating]
    for kind in np.unique(looks.pattern):
        where = np.nonzero(kinds == kind)
        if kind == _PLAIN or not where[0].size:
            continue
        own, u, v = look[where], along[where], across[where]
        period, threshold = looks.period[own], looks.threshold[own]
        if kind == _MOTIF:
            values = motif[where] > threshold
        elif kind == _STRIPES:
            values = np.sin(u * (2 * np.pi / period)) > threshold
        elif kind == _CHECKS:
            values = np.sin(u * (np.pi / period)) * np.sin(v * (np.pi / period)) > threshold * 0.3
        elif kind == _TEXT:
            values = _strokes(looks, own, u, v)
        elif kind == _WAVES:
            values = 0.5 + 0.5 * np.sin(u * (2 * np.pi / period) + 2 * motif[where])
        else:
            rows, columns = np.mod(u / period, 1) - 0.5, np.mod(v / period, 1) - 0.5
            values = rows * rows + columns * columns < 0.06 + 0.06 * threshold
        result[where] = values
    return result


def _strokes(
    looks: _Looks, own: NDArray[np.intp], u: NoisePlane, v: NoisePlane
) -> Bool[np.ndarray, " n"]:
    """Return ink: lines of strokes with gaps between words and paragraphs, like print."""
    height = 4 + 0.25 * looks.period[own]
    line = np.floor(v / height)
    letter = v - line * height < 0.62 * height
    pen = 6.0 / height
    ink = field_at(looks.field[own], v * pen + line * 37, u * pen + looks.place[:, 0][own])
    words = field_at(np.full_like(own, 4), line * 41, u * (0.5 * pen))
    inked: NDArray[np.bool_] = letter & (ink > 0.1) & (words > -0.8)
    return inked


def _shading(rng: Generator, surfaces: Surfaces) -> NoisePlane:
    """Return the light that surfaces get by their slant, and a slow change over the frame."""
    nearness = surfaces.nearness
    down, right = np.zeros_like(nearness), np.zeros_like(nearness)
    down[1:], right[:, 1:] = np.diff(nearness, axis=0), np.diff(nearness, axis=1)
    for slope in (down, right):
        np.copyto(slope, 0, where=np.abs(slope) > _CREASE)
    angle, strength = rng.uniform(0, 2 * np.pi), np.float32(np.exp(rng.uniform(2.0, 4.5)))
    tilt = down * np.float32(np.sin(angle)) + right * np.float32(np.cos(angle))
    light = 1 + np.float32(0.5) * np.tanh(strength * tilt)
    places = np.linspace(-0.5, 0.5, nearness.shape[0], dtype=np.float32)
    fall = rng.normal(0, 0.25, 2).astype(np.float32)
    light *= np.exp(places[:, None] * fall[0] + places * fall[1])
    return light


def _shadows(rng: Generator, nearness: NoisePlane) -> NoisePlane:
    """Return what shadows leave of the light: soft, cast by what is nearer onto what lies behind.

    A point is in shadow where something towards the lamp stands out by more than the ray has risen.
    """
    side, angle = nearness.shape[0], rng.uniform(0, 2 * np.pi)
    rise = float(np.exp(rng.uniform(np.log(0.004), np.log(0.05))))
    dark = np.zeros_like(nearness)
    steps = np.exp(rng.uniform(np.log(1.5), np.log(24), 5))
    for step in steps:
        down, right = round(step * np.sin(angle)), round(step * np.cos(angle))
        ahead = nearness[
            np.clip(np.arange(side) + down, 0, side - 1)[:, None],
            np.clip(np.arange(side) + right, 0, side - 1),
        ]
        dark += np.clip((ahead - nearness - np.float32(rise * step)) * 20, 0, 1)
    dark = _box_blurred(dark / np.float32(len(steps)), int(rng.integers(1, 6)))
    left: NoisePlane = 1 - np.float32(rng.uniform(0.2, 0.8)) * dark
    return left


def _photograph(rng: Generator, image: NoisePlane) -> NoisePlane:
    """Return what a camera makes of linear light: blur, exposure, white balance, gamma, noise."""
    image = _softened(image, np.float32(rng.uniform(0.06, 0.25)))
    if rng.random() < 0.35:
        image = _softened(image, np.float32(rng.uniform(0.1, 0.25)))
    bright = float(np.quantile(image[::4, ::4, 1], 0.98))
    exposure = rng.uniform(0.45, 1.15) / max(bright, 1e-3)
    balance = np.exp(rng.normal(0, 0.08, 3)) * exposure
    image = np.maximum(image * balance.astype(np.float32), 0)
    gamma = np.float32(1 / rng.uniform(1.6, 2.4))
    image = np.power(np.minimum(image, 1), gamma) * 255
    strength = np.exp(rng.uniform(np.log(0.3), np.log(5.0)))
    noise = np.stack([field_window(rng, WHITE, image.shape[:2]) for _ in range(3)], axis=-1)
    image += noise * np.float32(strength)
    return np.clip(np.rint(image), 0, 255)


def _softened(image: NoisePlane, share: np.float32) -> NoisePlane:
    """Give both neighbours along each axis a share of every pixel."""
    for axis in (0, 1):
        moved = np.moveaxis(image, axis, 0)
        result = moved * (1 - 2 * share)
        result[1:] += share * moved[:-1]
        result[:-1] += share * moved[1:]
        result[0] += share * moved[0]
        result[-1] += share * moved[-1]
        image = np.moveaxis(result, 0, axis)
    return image


def _box_blurred(image: NoisePlane, reach: int) -> NoisePlane:
    """Return means over ``2 * reach + 1`` pixels a side, the border repeated."""
    size = 2 * reach + 1
    for axis in (0, 1):
        widths = [(0, 0), (0, 0)]
        widths[axis] = (reach + 1, reach)
        sums = np.cumsum(np.pad(image, widths, mode="edge"), axis=axis, dtype=np.float32)
        high = np.take(sums, range(size, sums.shape[axis]), axis=axis)
        low = np.take(sums, range(0, sums.shape[axis] - size), axis=axis)
        image = (high - low) / np.float32(size)
    return image
