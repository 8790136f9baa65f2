"""Furniture-like and free things of rendered frames, each of a few meshes in metres.

A thing is a list of parts, (mesh, number of its material): parts of one number look alike. Things
stand on z = 0 around the z axis. Drawn from a generator alone, without Blender.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from rendered_shapes import (
    Mesh,
    blob,
    box,
    cylinder,
    joined,
    lathe,
    lattice,
    leaf,
    rod,
    sheet,
    torus,
    tube,
    turned,
    vessel,
)

Thing = list[tuple[Mesh, int]]
"""Parts with the numbers of their materials, from 0."""


def small_thing(rng: Generator, size: float) -> Mesh:
    """Return what may stand on a table: up to ``size`` metres wide."""
    half = size / 2 * rng.uniform(0.5, 1)
    kind = rng.integers(7)
    if kind == 0:
        shape = box(*(2 * half * rng.uniform(0.25, 1, 3)))
    elif kind == 1:
        shape = cylinder(half * rng.uniform(0.3, 1), 2 * half, int(rng.choice([3, 5, 6, 28])))
    elif kind == 2:
        shape = blob(rng, half, rng.choice([0.0, 0.1, 0.2])).moved((0, 0, half))
    elif kind == 3:
        shape = torus(half * 0.75, half * rng.uniform(0.08, 0.25))
        shape = shape.moved((0, 0, half), turned(0, rng.uniform(0, 1.6)))
    elif kind == 4:
        shape = cylinder(half, 2 * half * rng.uniform(0.5, 1.3), 28, top=half * rng.uniform(0, 0.6))
    else:
        shape = vessel(rng, half, 2 * half * rng.uniform(0.6, 2))
    return shape.moved((0, 0, 0), turned(rng.uniform(0, 6.3)))


def table(rng: Generator) -> Thing:
    """Return a top on thin legs, with small things on it."""
    width, length, height = rng.uniform(0.5, 1.8), rng.uniform(0.5, 1.1), rng.uniform(0.4, 1.0)
    thick = rng.uniform(0.015, 0.06)
    if rng.random() < 0.3:
        top = cylinder(width / 2, thick)
        length = width
    else:
        top = box(width, length, thick)
    leg, spread = rng.uniform(0.012, 0.05), rng.uniform(0.7, 0.95)
    feet = [(x * width / 2 * 0.7, y * length / 2 * 0.7) for x in (-1, 1) for y in (-1, 1)]
    legs = [rod((x, y, 0), (x * spread, y * spread, height), leg) for x, y in feet]
    parts: Thing = [(top.moved((0, 0, height)), 0), (joined(legs), 1)]
    for number in range(int(rng.integers(0, 7))):
        x, y = rng.uniform(-0.36, 0.36, 2) * (width, length)
        here = small_thing(rng, rng.uniform(0.08, 0.4)).moved((x, y, height + thick))
        parts.append((here, 2 + number % 4))
    return parts


def chair(rng: Generator) -> Thing:
    """Return a seat on four legs with a back of bars or a board."""
    side, height, back = rng.uniform(0.38, 0.5), rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.6)
    leg, half = rng.uniform(0.01, 0.025), side / 2
    frame = [
        rod((x * half, y * half, 0), (x * half, y * half, height + (back if y > 0 else 0)), leg)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    seat = box(side, side, rng.uniform(0.02, 0.08)).moved((0, 0, height))
    if rng.random() < 0.6:
        bars = lattice(
            side, back * 0.7, int(rng.integers(1, 7)), int(rng.integers(1, 4)), leg * 1.2
        )
    else:
        bars = box(side, 0.02, back * 0.6)
    frame.append(bars.moved((0, half, height + back * 0.3)))
    return [(seat, 0), (joined(frame), 1)]


def shelf(rng: Generator) -> Thing:
    """Return boards between sides, with rows of books and small things."""
    width, depth, height = rng.uniform(0.6, 1.6), rng.uniform(0.2, 0.4), rng.uniform(0.8, 2.2)
    thick, count = rng.uniform(0.015, 0.04), int(rng.integers(2, 6))
    levels = np.linspace(0.05, height - thick, count + 1)
    boards = [box(width, depth, thick).moved((0, 0, z)) for z in levels]
    boards += [box(thick, depth, height).moved((x * width / 2, 0, 0)) for x in (-1, 1)]
    if rng.random() < 0.5:
        boards.append(box(width, 0.01, height).moved((0, depth / 2, 0)))
    parts: Thing = [(joined(boards), 0)]
    room = levels[1] - levels[0] - thick
    for level in levels[:-1]:
        x = -width / 2 + 0.05
        while x < width / 2 - 0.1:
            if rng.random() < 0.7:
                wide = rng.uniform(0.015, 0.06)
                item = box(wide, depth * rng.uniform(0.4, 0.8), room * rng.uniform(0.5, 0.95))
            else:
                wide = rng.uniform(0.08, 0.2)
                item = small_thing(rng, min(wide, room / 2))
            item = item.moved((x + wide / 2, -0.05 * depth, level + thick))
            parts.append((item, 1 + int(rng.integers(5))))
            x += wide + (rng.uniform(0.05, 0.25) if rng.random() < 0.2 else 0.003)
    return parts


def lamp(rng: Generator) -> Thing:
    """Return a shade on a thin pole."""
    height, radius = rng.uniform(0.8, 1.9), rng.uniform(0.1, 0.3)
    pole = rod((0, 0, 0), (0, 0, height), rng.uniform(0.006, 0.02))
    foot = cylinder(radius * 0.6, 0.02)
    upper = radius * rng.uniform(0.4, 1)
    shade = lathe([radius, upper], [0, rng.uniform(0.15, 0.35)]).moved((0, 0, height - 0.1))
    return [(joined([pole, foot]), 0), (shade, 1)]


def plant(rng: Generator) -> Thing:
    """Return stems with many leaves in a pot."""
    pot, height = rng.uniform(0.08, 0.2), rng.uniform(0.3, 1.4)
    leaves, stems = [], []
    long, wide = rng.uniform(0.08, 0.4), rng.uniform(0.15, 0.6)
    for _ in range(int(rng.integers(4, 12))):
        lean = rng.normal(scale=0.25 * height, size=2)
        foot, tip = np.array([0, 0, pot]), np.array([*lean, pot + height * rng.uniform(0.4, 1)])
        bow = np.linspace(0, 1, 8)[:, None]
        path = foot + (tip - foot) * np.concatenate([bow**1.6, bow**1.6, bow], axis=1)
        stems.append(tube(path, 0.004, 6))
        for at in rng.integers(2, 8, int(rng.integers(3, 9))):
            turn = turned(rng.uniform(0, 6.3), rng.normal(scale=0.4), rng.uniform(-0.9, 0.5))
            here = leaf(long * rng.uniform(0.5, 1), long * wide, rng.uniform(0, 0.6))
            leaves.append(here.moved(path[at], turn))
    return [(cylinder(pot * 0.7, pot, top=pot), 0), (joined(leaves), 1), (joined(stems), 2)]


def fence(rng: Generator) -> Thing:
    """Return an upright lattice, blind or ladder of thin bars."""
    width, height = rng.uniform(0.4, 2.2), rng.uniform(0.5, 2.2)
    columns, rows = (int(n) for n in rng.integers(1, 15, 2))
    return [(lattice(width, height, columns, rows, rng.uniform(0.006, 0.045)), 0)]


def rods(rng: Generator) -> Thing:
    """Return poles that stand and lean anywhere."""
    poles = []
    for _ in range(int(rng.integers(2, 12))):
        x, y = rng.normal(scale=0.4, size=2)
        lean = rng.normal(scale=0.25, size=2)
        height = rng.uniform(0.5, 2.2)
        poles.append(rod((x, y, 0), (x + lean[0], y + lean[1], height), rng.uniform(0.004, 0.035)))
    return [(pole, number % 3) for number, pole in enumerate(poles)]


def stack(rng: Generator) -> Thing:
    """Return boxes on top of each other, each turned a little."""
    parts: Thing = []
    height, wide = 0.0, rng.uniform(0.25, 0.8)
    for number in range(int(rng.integers(1, 6))):
        size = wide * rng.uniform(0.5, 1, 3) * (1, 1, rng.uniform(0.15, 1))
        turn = turned(rng.normal(scale=0.3))
        parts.append((box(*size).moved((*rng.normal(scale=0.03, size=2), height), turn), number))
        height += size[2]
    return parts


def panel(rng: Generator) -> Thing:
    """Return a thin board that leans back: a print, a screen, a door."""
    board = box(rng.uniform(0.3, 1.3), rng.uniform(0.005, 0.04), rng.uniform(0.4, 1.8))
    return [(board.moved((0, 0, 0.01), turned(0, -rng.uniform(0, 0.4))), 0)]


def cloth(rng: Generator) -> Thing:
    """Return a hanging cloth with folds, on a rod."""
    width, height = rng.uniform(0.5, 1.6), rng.uniform(0.8, 2.0)
    low = rng.uniform(0, 0.5)
    hung = sheet(rng, width, height, rng.uniform(0.02, 0.15)).moved((0, 0, low))
    top = low + height
    return [(hung, 0), (rod((-width * 0.55, 0, top), (width * 0.55, 0, top), 0.012), 1)]


def sofa(rng: Generator) -> Thing:
    """Return a seat with arms, a back and cushions."""
    width, deep, seat = rng.uniform(0.8, 2.2), rng.uniform(0.7, 1.0), rng.uniform(0.3, 0.5)
    arm, back = rng.uniform(0.08, 0.25), rng.uniform(0.3, 0.6)
    body = [box(width, deep, seat), box(width, arm, seat + back).moved((0, deep / 2, 0))]
    body += [box(arm, deep, seat + 0.2).moved((x * width / 2, 0, 0)) for x in (-1, 1)]
    cushions = []
    for _ in range(int(rng.integers(1, 4))):
        x = rng.uniform(-0.35, 0.35) * width
        shape = blob(rng, 0.25, 0.06).moved((x, deep * 0.2, seat + 0.18))
        cushions.append(shape)
    return [(joined(body), 0)] + [(cushion, 1 + n) for n, cushion in enumerate(cushions)]


def heap(rng: Generator) -> Thing:
    """Return small and large free things near each other."""
    parts: Thing = []
    for number in range(int(rng.integers(1, 6))):
        x, y = rng.normal(scale=0.35, size=2)
        parts.append((small_thing(rng, rng.uniform(0.15, 0.9)).moved((x, y, 0)), number % 4))
    return parts


def mobile(rng: Generator) -> Thing:
    """Return things that hang on strings at several heights, from 3 m."""
    parts: Thing = []
    for number in range(int(rng.integers(1, 7))):
        x, y = rng.normal(scale=0.5, size=2)
        z = rng.uniform(0.4, 2.2)
        hung = small_thing(rng, rng.uniform(0.1, 0.5))
        hung = hung.moved((x, y, z), turned(*rng.uniform(0, 6.3, 3)))
        parts += [(hung, number % 3), (rod((x, y, z), (x, y, 3.0), 0.003), 3)]
    return parts


def column(rng: Generator) -> Thing:
    """Return a post from floor to beyond the ceiling, round or with corners."""
    sides = int(rng.choice([4, 6, 8, 28]))
    return [(cylinder(rng.uniform(0.04, 0.3), 5.0, sides), 0)]


THINGS: dict[str, tuple[Callable[[Generator], Thing], float]] = {
    "table": (table, 3),
    "chair": (chair, 3),
    "shelf": (shelf, 2),
    "lamp": (lamp, 1.5),
    "plant": (plant, 2.5),
    "fence": (fence, 1.5),
    "rods": (rods, 1),
    "stack": (stack, 2),
    "panel": (panel, 2),
    "cloth": (cloth, 1),
    "sofa": (sofa, 1),
    "heap": (heap, 3),
    "mobile": (mobile, 1),
    "column": (column, 0.5),
}
"""What draws a thing, and how often it is drawn, in parts of the sum."""
