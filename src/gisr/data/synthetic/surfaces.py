"""Surfaces of a generated frame: which is seen at every pixel, and how near it is.

Objects of many sizes lie in front of a large slanted wall or floor. Each is a plane of its own
slant, or swells; where two meet, the nearer one is seen, pixel by pixel, so surfaces also cut into
each other without a step, as things do that stand on a table. Some outlines are printed on what
lies beneath: another look at the same depth.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.random import Generator

from gisr.data.synthetic.noise import SMOOTH, NoisePlane, random_field
from gisr.data.synthetic.shapes import REACH, random_outline

_SMALLEST = (2.5, 16.0)
"""Half the size in pixels of the smallest objects; between these, another in every frame."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What a camera sees: the surface at every pixel."""

    nearness: Float[np.ndarray, "H W"]
    """Proportional to disparity; about 0 for the wall and 1 for the nearest objects."""
    look: Int[np.ndarray, "H W"]
    """Number of the look at every pixel, from 0; equal for the parts of one material."""
    looks: int
    """How many there are."""


@dataclass(frozen=True)
class _Body:
    """Place, size and slant of one object."""

    row: float
    column: float
    half: tuple[float, float]
    """Half the size along and across its own axis, in pixels."""
    turn: float
    """Of that axis, in radians."""
    nearness: float
    slant: tuple[float, float]
    """Change of nearness a pixel down and to the right."""
    swelling: float
    """How much nearer the top of a round surface is."""


class _Canvas:
    """Surfaces being drawn."""

    def __init__(self, rng: Generator, side: int) -> None:
        self.rng, self.side = rng, side
        self.slant = float(np.exp(rng.uniform(np.log(1e-4), np.log(3e-3))))
        """How much nearness changes a pixel on the surfaces of this frame, typically."""
        self.looks = 1
        self.look = np.zeros((side, side), np.intp)
        self.nearness = self._wall()

    def _wall(self) -> NoisePlane:
        """Return the background: a plane, a room's corner of two, or a wavy cloth."""
        rng, side = self.rng, self.side
        places = np.arange(side, dtype=np.float32) - side / 2
        wall = self._plane(places, places, _slanted(rng, self.slant))
        kind = rng.random()
        if kind < 0.3:
            shifted = places - np.float32(rng.uniform(-0.4, 0.4) * side)
            other = self._plane(shifted, places, _slanted(rng, 2 * self.slant))
            wall = np.maximum(wall, other)
            if rng.random() < 0.7:
                self.look[wall == other] = self.new_look()
        elif kind < 0.5:
            wall = wall + np.float32(rng.uniform(0, 0.15)) * random_field(
                rng, slice(SMOOTH.stop - 1, SMOOTH.stop), (side, side)
            )
        return wall.astype(np.float32)

    def draw(self, body: _Body, *, look: int | None = None, printed: bool = False) -> None:
        """Draw an object where it is nearer than what is there, or print its outline on that."""
        rows, columns = self._box(body.row, body.half), self._box(body.column, body.half)
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return
        down = np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(body.row)
        right = np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(body.column)
        cosine, sine = np.float32(np.cos(body.turn)), np.float32(np.sin(body.turn))
        halves = np.asarray(body.half, np.float32)
        along = (down * (sine / halves[0]))[:, None] + right * (cosine / halves[0])
        across = (down * (cosine / halves[1]))[:, None] - right * (sine / halves[1])
        inside, swelling = random_outline(self.rng, along, across)
        looks = self.look[rows, columns]
        if printed:
            inside &= looks == looks[looks.shape[0] // 2, looks.shape[1] // 2]
        else:
            surface = self._plane(down, right, body.slant) + np.float32(body.nearness)
            if body.swelling:
                surface += np.float32(body.swelling) * swelling
            nearness = self.nearness[rows, columns]
            inside &= surface > nearness
            np.copyto(nearness, surface, where=inside)
        np.copyto(looks, self.new_look() if look is None else look, where=inside)

    def new_look(self) -> int:
        """Add a material and return its number."""
        self.looks += 1
        return self.looks - 1

    def _box(self, middle: float, half: tuple[float, float]) -> slice:
        reach = REACH * float(np.hypot(*half))
        return slice(max(0, int(middle - reach)), min(self.side, int(middle + reach) + 2))

    @staticmethod
    def _plane(down: NoisePlane, right: NoisePlane, slant: tuple[float, float]) -> NoisePlane:
        return (down * np.float32(slant[0]))[:, None] + right * np.float32(slant[1])


def random_surfaces(rng: Generator, side: int) -> Surfaces:
    """Draw the surfaces of a frame.

    Sizes of objects follow a power law, as in pictures of the world, whose exponent differs from
    frame to frame: some show two large things, others a heap of small ones.

    Args:
        rng: Source of randomness.
        side: Of the square frame in pixels.
    """
    canvas = _Canvas(rng, side)
    count = int(np.exp(rng.uniform(np.log(3), np.log(30))))
    smallest = float(np.exp(rng.uniform(*np.log(_SMALLEST))))
    exponent = float(rng.uniform(0.2, 2.0))
    while count > 0:  # things left to draw; a row of alike ones counts for less
        body = _random_body(rng, canvas, smallest, exponent)
        printed = rng.random() < 0.22
        # One in six looks like something that is there: an edge that only depth shows.
        look = int(rng.integers(canvas.looks)) if rng.random() < 0.17 else None
        repeats = int(rng.integers(3, 8)) if not printed and rng.random() < 0.15 else 1
        if repeats > 1 and look is None and rng.random() < 0.7:
            look = canvas.new_look()
        for copy in _row_of(rng, body, repeats):
            canvas.draw(copy, look=look, printed=printed)
        count -= 1 + repeats // 3
    return Surfaces(canvas.nearness, canvas.look, canvas.looks)


def _random_body(rng: Generator, canvas: _Canvas, smallest: float, exponent: float) -> _Body:
    """Return an object of a random place, size, slant and roundness.

    Args:
        rng: Source of randomness.
        canvas: Gives its side and the frame's slant.
        smallest: Half the size of the smallest objects.
        exponent: Of the power law of sizes.
    """
    largest = 0.9 * max(canvas.side, 128)
    # Inverse of the distribution function of a power law between two ends.
    power = 1 - exponent if abs(exponent - 1) > 1e-3 else 1e-3
    low, high = smallest**power, largest**power
    size = float((low + rng.random() * (high - low)) ** (1 / power))
    slender = float(np.exp(-rng.exponential(0.7)))
    half = (size, max(size * slender, 1.0))
    row, column = rng.uniform(-0.6 * size, canvas.side + 0.6 * size, 2)
    upright = rng.random() < 0.4
    turn = rng.normal(0, 0.1) + np.pi / 2 * rng.integers(2) if upright else rng.uniform(0, np.pi)
    swelling = 0.0
    if rng.random() < 0.4:
        swelling = min(0.5, half[1] * canvas.slant * rng.uniform(0.5, 8))
    return _Body(
        float(row),
        float(column),
        half,
        float(turn),
        # Large things stand further back, or little else would be seen.
        float(0.03 + rng.random() ** (1 + size / largest)),
        _slanted(rng, canvas.slant) if rng.random() < 0.8 else (0.0, 0.0),
        float(swelling),
    )


def _row_of(rng: Generator, body: _Body, count: int) -> list[_Body]:
    """Return an object, or a row or fan of alike ones: pencils, leaves, slats."""
    if count == 1:
        return [body]
    step = rng.uniform(1.2, 3.5) * min(body.half)
    direction, fan = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5)
    return [
        replace(
            body,
            row=body.row + number * float(step * np.sin(direction)),
            column=body.column + number * float(step * np.cos(direction)),
            turn=body.turn + number * fan,
            nearness=body.nearness + float(rng.normal(0, 0.08)),
        )
        for number in range(count)
    ]


def _slanted(rng: Generator, typical: float) -> tuple[float, float]:
    down, right = rng.laplace(0, typical, 2)
    return float(down), float(right)
