"""Generated land seen from above: fields, towns, wild country, water and roads.

Everything is drawn for all pixels at once from coordinates along and across a street grid, so that
a town of a hundred houses costs what a field does.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.random import Generator
from numpy.typing import NDArray

from gisr.data.synthetic.noise import ROUGH, SMOOTH, WHITE, NoisePlane, field_window, random_field

_TABLE = 64
"""Parcels are numbered modulo this along each axis."""
_FIELDS = ("soil", "crop", "straw", "grass", "crop", "wood", "soil", "sand")
_WILD = ("grass", "wood", "conifer", "rock", "soil", "sand", "grass", "wood")
_YARDS = ("grass", "concrete", "soil", "grass", "asphalt", "wood")
_ROOFS = ("red roof", "grey roof", "white roof", "blue roof", "concrete", "grey roof", "red roof")


@dataclass(frozen=True, eq=False)
class Land:
    """What lies where, and how much light it gets."""

    look: Int[np.ndarray, "H W"]
    """Number of the material at every pixel."""
    covers: list[str]
    """Cover of every material."""
    light: Float[np.ndarray, "H W"]
    """Share of the sunlight, by slopes, roofs and shadows."""


@dataclass(eq=False)
class _Map:
    """Land being drawn."""

    rng: Generator
    side: int
    covers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with nothing."""
        self.shape = (self.side, self.side)
        self.look = np.zeros(self.shape, np.intp)
        self.light = np.ones(self.shape, np.float32)

    def material(self, covers: tuple[str, ...]) -> int:
        """Add a material of one of some covers and return its number."""
        self.covers.append(covers[self.rng.integers(len(covers))])
        return len(self.covers) - 1

    def materials(self, covers: tuple[str, ...], count: int) -> NDArray[np.intp]:
        """Add several materials and return their numbers."""
        return np.array([self.material(covers) for _ in range(count)], dtype=np.intp)

    def put(self, where: Bool[np.ndarray, "H W"], *covers: str) -> None:
        """Cover a part with one material."""
        np.copyto(self.look, self.material(covers), where=where)

    def waves(self, part: slice = SMOOTH) -> NoisePlane:
        """Return a window of smooth noise."""
        return random_field(self.rng, part, self.shape)


@dataclass(frozen=True, eq=False)
class _Parcels:
    """Land divided by a grid of lines: bent, turned, and shifted from column to column."""

    number: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Column and row of the parcel of every pixel, modulo ``_TABLE``."""
    place: tuple[NoisePlane, NoisePlane]
    """Place within the parcel along both axes, -0.5 to 0.5."""
    border: NoisePlane
    """Distance to the nearest side of the parcel, in pixels."""


def random_land(rng: Generator, side: int) -> Land:
    """Draw land: mostly farmland or town, with water, woods and roads on it.

    Args:
        rng: Source of randomness.
        side: Of the square in pixels.
    """
    land, kind = _Map(rng, side), rng.random()
    along, across = _axes(land)
    if kind < 0.4:
        _farmland(land, along, across)
    elif kind < 0.8:
        _town(land, along, across)
    else:
        _wild(land)
    if rng.random() < 0.35:
        land.put(land.waves() > rng.uniform(0.3, 1.6), "wood", "conifer", "grass")
    if rng.random() < 0.3:
        _water(land)
    for _ in range(int(rng.integers(0, 3))):
        _road(land)
    if rng.random() < 0.5:
        _small_things(land)
    _relief(land, strong=kind >= 0.8)
    return Land(land.look, land.covers, land.light)


def _axes(land: _Map) -> tuple[NoisePlane, NoisePlane]:
    """Return coordinates in pixels along and across the land's main direction, a little bent."""
    angle = land.rng.uniform(0, np.pi)
    places = np.arange(land.side, dtype=np.float32)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = places[:, None] * sine + places * cosine + 1000
    across = places[:, None] * cosine - places * sine + 1000
    if land.rng.random() < 0.6:
        bend = np.float32(np.exp(land.rng.uniform(np.log(1), np.log(12))))
        smoothest = slice(SMOOTH.stop - 1, SMOOTH.stop)
        along, across = along + bend * land.waves(smoothest), across + bend * land.waves(smoothest)
    return along, across


def _parcels(land: _Map, along: NoisePlane, across: NoisePlane, size: float) -> _Parcels:
    """Divide the land into parcels of about a size, in pixels."""
    rng = land.rng
    width = np.float32(size * np.exp(rng.normal(0, 0.3)))
    heights = (size * np.exp(rng.normal(0, 0.5, _TABLE))).astype(np.float32)
    starts = rng.uniform(0, 1000, _TABLE).astype(np.float32)
    first = along / width
    column = first.astype(np.intp)
    first = first - column.astype(np.float32)
    column &= _TABLE - 1
    height = heights[column]
    second = (across + starts[column]) / height
    row = second.astype(np.intp)
    second = second - row.astype(np.float32)
    first, second = first - np.float32(0.5), second - np.float32(0.5)
    border = np.minimum(
        (np.float32(0.5) - np.abs(first)) * width, (np.float32(0.5) - np.abs(second)) * height
    )
    return _Parcels((column, row & (_TABLE - 1)), (first, second), border)


def _farmland(land: _Map, along: NoisePlane, across: NoisePlane) -> None:
    """Fields with hedges, ditches or tracks between them, and some houses."""
    rng = land.rng
    parcels = _parcels(land, along, across, float(np.exp(rng.uniform(np.log(16), np.log(120)))))
    materials = land.materials(_FIELDS, int(rng.integers(6, 24)))
    land.look[:] = materials[rng.integers(len(materials), size=(_TABLE, _TABLE))][parcels.number]
    if rng.random() < 0.7:
        line = parcels.border < rng.uniform(0.7, 3)
        if rng.random() < 0.5:
            line &= land.waves() > rng.uniform(-1, 0.5)
        land.put(line, "wood", "asphalt", "soil", "grass", "water", "concrete")
    if rng.random() < 0.4:
        _houses(land, along, across, size=rng.uniform(12, 40), share=rng.uniform(0.01, 0.08))


def _town(land: _Map, along: NoisePlane, across: NoisePlane) -> None:
    """Blocks between streets, with trees and houses."""
    rng = land.rng
    blocks = _parcels(land, along, across, float(np.exp(rng.uniform(np.log(50), np.log(200)))))
    materials = land.materials(_YARDS, int(rng.integers(3, 10)))
    land.look[:] = materials[rng.integers(len(materials), size=(_TABLE, _TABLE))][blocks.number]
    if rng.random() < 0.7:
        land.put(land.waves() > rng.uniform(0.2, 1.5), "wood", "grass")
    size = float(np.exp(rng.uniform(np.log(9), np.log(70))))
    _houses(land, along, across, size=size, share=rng.uniform(0.4, 1.0))
    land.put(blocks.border < rng.uniform(2, 8), "asphalt", "concrete", "asphalt", "grey roof")
    if rng.random() < 0.4:
        trees = (blocks.border < 12) & (random_field(rng, ROUGH, land.shape) > 0.8)
        land.put(trees, "wood")


def _houses(
    land: _Map, along: NoisePlane, across: NoisePlane, *, size: float, share: float
) -> None:
    """Draw a house on a share of lots: two slopes of roof, and a shadow beside it."""
    rng, table = land.rng, (_TABLE, _TABLE)
    lots = _parcels(land, along, across, size)
    taken = rng.random(table) < share
    # One table for both sides and the choice of lots: a lot without a house has sides of 0.
    halves = (rng.uniform(0.18, 0.49, (2, *table)) * taken).astype(np.float32)
    house = (np.abs(lots.place[0]) < halves[0][lots.number]) & (
        np.abs(lots.place[1]) < halves[1][lots.number]
    )
    angle, length = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(1), np.log(9)))
    down, right = round(length * np.sin(angle)), round(length * np.cos(angle))
    shadow = np.zeros(land.shape, dtype=bool)
    for part in (1.0, 0.5):
        shadow |= _moved(house, round(down * part), round(right * part))
    land.light[shadow & ~house] *= np.float32(rng.uniform(0.15, 0.6))
    materials = land.materials(_ROOFS, int(rng.integers(2, 9)))
    roofs = materials[rng.integers(len(materials), size=table)][lots.number]
    np.copyto(land.look, roofs, where=house)
    if rng.random() < 0.6:
        gable = np.float32(rng.uniform(0, 0.3)) * np.sign(lots.place[int(rng.integers(2))])
        land.light[house] *= (1 + gable)[house]


def _wild(land: _Map) -> None:
    """Country without lines: covers that follow smooth noise, and streams."""
    rng = land.rng
    land.look[:] = land.material(_WILD)
    for _ in range(int(rng.integers(2, 7))):
        part = SMOOTH if rng.random() < 0.8 else ROUGH
        land.put(land.waves(part) > rng.uniform(-0.3, 1.5), *_WILD)
    if rng.random() < 0.4:
        land.put(np.abs(land.waves()) < rng.uniform(0.02, 0.12), "water", "wood", "sand", "soil")


def _water(land: _Map) -> None:
    """A lake, a river or a shore, with its bank."""
    rng = land.rng
    height = land.waves(slice(SMOOTH.stop - 3, SMOOTH.stop))
    if rng.random() < 0.5:
        height = np.float32(rng.uniform(1.0, 1.8)) - np.abs(height - rng.normal(0, 0.5)) * 8
    level = rng.uniform(0.2, 1.5)
    if rng.random() < 0.6:
        land.put(height > level - rng.uniform(0.05, 0.3), "sand", "wood", "grass", "mud")
    wet = height > level
    land.put(wet, "water", "water", "mud")
    land.light[wet] = 1


def _road(land: _Map) -> None:
    """A road, canal or railway across the scene, straight or bent."""
    rng, side = land.rng, land.side
    along, across = _axes(land)
    middle = across.mean() + rng.uniform(-0.5, 0.5) * side
    bent = across + np.float32(rng.uniform(0, 0.1) * side) * np.sin(along * np.float32(3 / side))
    distance = np.abs(bent - np.float32(middle))
    width = np.exp(rng.uniform(np.log(0.8), np.log(8)))
    if rng.random() < 0.4:
        land.put(distance < width + rng.uniform(1, 4), "grass", "soil", "concrete")
    here = distance < width
    land.put(here, "asphalt", "concrete", "soil", "water", "asphalt")
    land.light[here] = np.maximum(land.light[here], 0.9)
    if width > 4 and rng.random() < 0.5:
        land.put(distance < 0.7, "white roof", "grass", "soil")


def _small_things(land: _Map) -> None:
    """Cars, bushes and huts: points of a pixel or a few, some with a shadow."""
    rng = land.rng
    spots = field_window(rng, WHITE, land.shape) > rng.uniform(2.4, 3.4)
    if rng.random() < 0.6:
        spots = spots | _moved(spots, 0, 1) | _moved(spots, 1, 0) | _moved(spots, 1, 1)
    land.light[_moved(spots, 1, 2) & ~spots] *= np.float32(0.6)
    land.put(spots, "white roof", "wood", "grey roof", "red roof", "concrete", "rock")


def _relief(land: _Map, *, strong: bool) -> None:
    """Hills lit from one side."""
    rng = land.rng
    if not strong and rng.random() < 0.5:
        return
    # Light of a slope is the change of height towards the sun, a few pixels on.
    ground = land.waves(slice(SMOOTH.start, SMOOTH.stop - 1))
    angle = rng.uniform(0, 2 * np.pi)
    down, right = round(3 * np.sin(angle)), round(3 * np.cos(angle))
    rows = np.clip(np.arange(land.side) + down, 0, land.side - 1)
    columns = np.clip(np.arange(land.side) + right, 0, land.side - 1)
    tilt = ground[rows[:, None], columns] - ground
    strength = rng.uniform(0.3, 1.2) if strong else rng.uniform(0, 0.15)
    land.light *= np.clip(1 + np.float32(strength) * tilt, 0.25, 1.6)


def _moved(mask: Bool[np.ndarray, "H W"], down: int, right: int) -> Bool[np.ndarray, "H W"]:
    """Return a mask moved by whole pixels; what comes from outside is not set."""
    rows, columns = mask.shape
    moved = np.zeros_like(mask)
    moved[max(down, 0) : rows + min(down, 0), max(right, 0) : columns + min(right, 0)] = mask[
        max(-down, 0) : rows + min(-down, 0), max(-right, 0) : columns + min(-right, 0)
    ]
    return moved
