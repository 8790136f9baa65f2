"""Rooms of rendered frames as plain data: what stands where, its looks, lights and camera.

Drawn from a generator alone, without Blender. Metres, z up; the camera looks along +y or so.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.random import Generator
from rendered_shapes import Floats, Mesh, blob, box, joined, tube, turned
from rendered_things import THINGS, Thing

Pattern = Literal[
    "plain", "noise", "patches", "brick", "tiles", "checker", "stripes", "rings", "wood",
    "cells", "marble", "magic", "poster",
]  # fmt: skip
Axes = Literal["xyz", "xzy", "yzx"]
Kind = Literal["AREA", "POINT", "SUN"]

_PATTERNS = get_args(Pattern)
_SHARES = np.array([4, 2, 2, 1, 1, 1, 1.5, 0.7, 2, 1.2, 1, 0.5, 2.5])
SENSOR = 36.0  # mm, width of the film
_NEAREST = 0.35  # m, between the camera and a thing


@dataclass(frozen=True)
class Material:
    """Looks of a part. Colours are linear RGB from 0 to 1; ``size`` of the pattern in metres."""

    pattern: Pattern
    colours: tuple[tuple[float, float, float], ...]
    size: float
    seed: float
    axes: Axes
    roughness: float = 0.7
    metallic: float = 0.0
    clear: float = 0.0
    """Share of light that passes straight through."""
    bump: float = 0.0


@dataclass(frozen=True)
class Light:
    """A lamp; ``power`` in watts, for the sun in W/m2."""

    kind: Kind
    place: Floats
    towards: Floats
    size: float
    power: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """A pinhole or lens at ``place`` that looks at a point; millimetres of focal length."""

    place: Floats
    towards: Floats
    roll: float
    focal: float
    f_number: float | None
    """None: all is sharp."""
    focus: float


@dataclass(frozen=True)
class Room:
    """A scene: parts with their materials and the number of their thing (0: the room itself)."""

    camera: Camera
    parts: list[tuple[Mesh, Material, int]] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    sky: tuple[float, float, float] = (0.3, 0.3, 0.3)
    stops: float = 0.0
    """Over-exposure (under-, when negative) in stops."""


def draw_room(rng: Generator) -> Room:
    """Draw a scene. The same state of the generator gives the same one."""
    size = np.array([rng.uniform(2.5, 8), np.exp(rng.uniform(1.0, 2.5)), rng.uniform(2.2, 4.2)])
    kind = rng.choice(["closed", "window", "roofless", "open"], p=[0.5, 0.25, 0.12, 0.13])
    camera = _camera(rng, size)
    palette = _palette(rng)
    shell = _shell(rng, size, str(kind), palette)
    room = Room(
        camera,
        parts=[*shell, *_furnish(rng, size, camera, palette, shell)],
        lights=_lights(rng, size, str(kind)),
        sky=_tint(rng, rng.uniform(0.4, 1.2) if kind == "closed" else rng.uniform(0.8, 2.0)),
        stops=float(np.clip(rng.normal(scale=0.8), -2.2, 1.6)),
    )
    # A room in ten by three is a small one, seen from near, as on a table.
    return _shrunk(room, rng.uniform(0.2, 0.6)) if rng.random() < 0.3 else room


def _camera(rng: Generator, size: Floats) -> Camera:
    x, y = rng.uniform(-0.35, 0.35) * size[0], -size[1] / 2 + rng.uniform(0.2, 0.6)
    place = np.array([x, y, rng.uniform(0.35, min(2.0, size[2] - 0.3))])
    aim = np.array([rng.uniform(-0.4, 0.4) * size[0], size[1] / 2, rng.uniform(0.0, 0.6) * size[2]])
    if rng.random() < 0.3:  # down upon what is near
        aim = np.array([rng.uniform(-0.3, 0.3) * size[0], y + rng.uniform(1.2, 3.0), 0.3])
    blurred = rng.random() < 0.3
    return Camera(
        place,
        aim,
        roll=rng.normal(scale=0.05),
        focal=float(np.exp(rng.uniform(np.log(18), np.log(50)))),
        f_number=float(np.exp(rng.uniform(np.log(1.8), np.log(11)))) if blurred else None,
        focus=rng.uniform(1.2, 4.0),
    )


def _palette(rng: Generator) -> Floats:
    """Return (8, 3) linear colours of a few hues."""
    hues = rng.uniform(0, 1, int(rng.integers(3, 9)))
    vivid = rng.uniform(0.5, 1.0)
    hue = rng.choice(hues, 8) + rng.normal(scale=0.04, size=8)
    value = rng.uniform(0.05, 0.9, 8) ** 1.3
    saturation = vivid * rng.uniform(0, 1, 8) ** 0.4  # of linear light, which looks paler
    wheel = np.abs((hue[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    colours: Floats = value[:, None] * (1 - saturation[:, None] * (1 - np.clip(wheel, 0, 1)))
    return colours


def _tint(rng: Generator, strength: float) -> tuple[float, float, float]:
    warm = rng.uniform(-0.25, 0.25)
    return (strength * (1 + warm), strength, strength * (1 - warm))


def draw_material(rng: Generator, palette: Floats, axes: Axes | None = None) -> Material:
    """Draw looks from a palette: patterns without relief, and relief without a pattern."""
    if rng.random() < 0.25:  # colours of its own
        palette = _palette(rng)
    chosen = palette[rng.permutation(len(palette))[:4]]
    if rng.random() < 0.3:  # faint: tones of one colour
        chosen = chosen[:1] * rng.uniform(0.6, 1.3, (4, 1))
    shown = rng.random()
    return Material(
        pattern=_PATTERNS[rng.choice(len(_PATTERNS), p=_SHARES / _SHARES.sum())],
        colours=tuple((float(r), float(g), float(b)) for r, g, b in np.clip(chosen, 0.01, 0.95)),
        size=float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))),
        seed=float(rng.uniform(0, 100)),
        axes=axes or get_args(Axes)[rng.integers(3)],
        roughness=float(rng.uniform(0.08, 0.4) if shown < 0.35 else rng.uniform(0.4, 1.0)),
        metallic=1.0 if shown < 0.08 else 0.0,
        clear=float(rng.uniform(0.15, 0.5)) if rng.random() < 0.04 else 0.0,
        bump=float(rng.uniform(0.1, 0.6)) if rng.random() < 0.25 else 0.0,
    )


def _wall(width: float, height: float, hole: tuple[float, float, float, float] | None) -> Mesh:
    """Return a wall along x with a rectangular hole: its left, right, lower and upper edge."""
    if hole is None:
        return box(width, 0.1, height)
    left, right, low, high = hole
    pieces = [
        box(left + width / 2, 0.1, height).moved(((left - width / 2) / 2, 0, 0)),
        box(width / 2 - right, 0.1, height).moved(((right + width / 2) / 2, 0, 0)),
        box(right - left, 0.1, height - high).moved(((left + right) / 2, 0, high)),
    ]
    if low > 0:
        pieces.append(box(right - left, 0.1, low).moved(((left + right) / 2, 0, 0)))
    bar = box(0.04, 0.04, high - low).moved(((left + right) / 2, 0, low))
    return joined([*pieces, bar])


def _shell(
    rng: Generator, size: Floats, kind: str, palette: Floats
) -> list[tuple[Mesh, Material, int]]:
    """Return floor, walls and ceiling, and what is seen outside."""
    width, length, height = size
    looks = draw_material(rng, palette, "xzy")
    aside = replace(looks, axes="yzx")
    if rng.random() < 0.3:
        aside = draw_material(rng, palette, "yzx")
    hole = None
    if kind == "window":
        middle, half = rng.uniform(-0.2, 0.2) * width, rng.uniform(0.15, 0.28) * width
        low = rng.choice([0.0, rng.uniform(0.5, 1.0)])
        hole = (middle - half, middle + half, low, height * rng.uniform(0.7, 0.9))
    ground = width + (40 if kind != "closed" else 0)
    parts = [
        (box(ground, length + ground - width, 0.1).moved((0, 0, -0.1)), _floor(rng, palette), 0)
    ]
    if kind != "open":
        parts.append((_wall(width, height, hole).moved((0, length / 2 + 0.05, 0)), looks, 0))
    across = _wall(length, height, None)
    for side in (-1, 1):
        if kind != "open" or rng.random() < 0.5:
            where = (side * (width / 2 + 0.05), 0, 0)
            parts.append((across.moved(where, turned(np.pi / 2)), aside, 0))
    parts.append((_wall(width, height, None).moved((0, -length / 2 - 0.05, 0)), looks, 0))
    if kind in ("closed", "window"):
        lid = box(width + 0.2, length + 0.2, 0.1).moved((0, 0, height))
        parts.append((lid, draw_material(rng, np.sqrt(palette), "xyz"), 0))
    if kind != "closed":
        parts += _outside(rng, size, palette)
    return parts


def _floor(rng: Generator, palette: Floats) -> Material:
    material = draw_material(rng, palette, "xyz")
    if rng.random() < 0.5:
        pattern: Pattern = "wood" if rng.random() < 0.5 else "tiles"
        material = replace(material, pattern=pattern)
    return material


def _outside(rng: Generator, size: Floats, palette: Floats) -> list[tuple[Mesh, Material, int]]:
    """Return trees and blocks behind the far wall, up to 18 m from the middle."""
    parts = []
    for _ in range(int(rng.integers(3, 14))):
        x, y = rng.uniform(-10, 10), size[1] / 2 + rng.uniform(1, 12)
        if rng.random() < 0.5:
            shape = box(*rng.uniform(0.5, 4, 3))
        else:
            radius = rng.uniform(0.4, 1.6)
            shape = blob(rng, radius, 0.25).moved((0, 0, radius * rng.uniform(0.7, 1.6)))
        parts.append((shape.moved((x, y, 0)), draw_material(rng, palette), 0))
    return parts


def _furnish(
    rng: Generator,
    size: Floats,
    camera: Camera,
    palette: Floats,
    shell: list[tuple[Mesh, Material, int]],
) -> list[tuple[Mesh, Material, int]]:
    """Return things in view on the floor and in the air, pictures, a rug and wires."""
    names = list(THINGS)
    shares = np.array([share for _, share in THINGS.values()])
    parts: list[tuple[Mesh, Material, int]] = []
    for number in range(1, int(rng.integers(8, 24))):
        make, _ = THINGS[names[rng.choice(len(names), p=shares / shares.sum())]]
        where = _place(rng, size, camera)
        turn = turned(rng.uniform(0, 2 * np.pi))
        thing = [(mesh.moved(where, turn), kind) for mesh, kind in make(rng)]
        if _too_near(thing, camera):
            continue
        kinds = 1 + max(kind for _, kind in thing)
        looks = [draw_material(rng, palette) for _ in range(kinds)]
        if rng.random() < 0.12:  # looks like the room: steps in depth without one in colour
            looks[0] = shell[rng.integers(2)][1]
        parts += [(mesh, looks[kind], number) for mesh, kind in thing]
    return parts + _flat_things(rng, size, palette) + _wires(rng, size, palette)


def _place(rng: Generator, size: Floats, camera: Camera) -> Floats:
    """Return a place in the view, near ones as likely as far ones; one in eight in the air."""
    ahead = (camera.towards - camera.place)[:2]
    ahead /= np.linalg.norm(ahead)
    distance = np.exp(rng.uniform(np.log(0.9), np.log(size[1] - 0.5)))
    aside = rng.uniform(-0.55, 0.55) * distance * SENSOR / camera.focal
    flat = camera.place[:2] + distance * ahead + aside * np.array([ahead[1], -ahead[0]])
    limit = np.maximum(size[:2] / 2 - 0.3, 0.1)
    height = rng.uniform(0.1, 1.5) if rng.random() < 0.125 else 0.0
    return np.array([*np.clip(flat, -limit, limit), height])


def _too_near(thing: Thing, camera: Camera) -> bool:
    corners = np.concatenate([mesh.corners for mesh, _ in thing])
    low, high = corners.min(axis=0) - _NEAREST, corners.max(axis=0) + _NEAREST
    return bool(np.all(camera.place > low) and np.all(camera.place < high))


def _flat_things(rng: Generator, size: Floats, palette: Floats) -> list[tuple[Mesh, Material, int]]:
    """Return pictures on the walls and rugs: much colour, next to no depth."""
    parts = []
    for _ in range(int(rng.integers(0, 5))):
        wide, high = rng.uniform(0.3, 1.4, 2)
        frame = box(wide, rng.uniform(0.004, 0.03), high)
        x, z = rng.uniform(-0.4, 0.4) * size[0], rng.uniform(0.4, 0.6) * size[2]
        if rng.random() < 0.4:
            here = frame.moved((x, size[1] / 2, z))
        else:
            y, side = rng.uniform(-0.4, 0.5) * size[1], rng.choice([-1, 1])
            here = frame.moved((side * size[0] / 2, y, z), turned(np.pi / 2))
        axes: Axes = "xzy" if rng.random() < 0.5 else "yzx"
        looks = replace(draw_material(rng, palette, axes), pattern="poster")
        parts.append((here, looks, 0))
    for _ in range(int(rng.integers(0, 3))):
        rug = box(rng.uniform(0.6, 2.5), rng.uniform(0.6, 2.5), 0.006)
        where = (*(rng.uniform(-0.3, 0.3, 2) * size[:2]), 0)
        parts.append((rug.moved(where, turned(rng.uniform(0, 3))), draw_material(rng, palette), 0))
    return parts


def _wires(rng: Generator, size: Floats, palette: Floats) -> list[tuple[Mesh, Material, int]]:
    """Return cables that sag from wall to wall."""
    parts = []
    for _ in range(int(rng.choice([0, 0, 1, 2, 5]))):
        ends = rng.uniform([-0.5, -0.1, 0.4], [0.5, 0.5, 0.95], (2, 3)) * size
        ends[:, 0] = (-size[0] / 2, size[0] / 2)
        along = np.linspace(0, 1, 24)[:, None]
        path = ends[0] + along * (ends[1] - ends[0])
        path[:, 2] -= rng.uniform(0, 1.2) * (along * (1 - along))[:, 0] * 2
        wire = tube(path, rng.uniform(0.002, 0.012), 8)
        parts.append((wire, draw_material(rng, palette), 0))
    return parts


def _lights(rng: Generator, size: Floats, kind: str) -> list[Light]:
    """Return lamps below the ceiling, and the sun where it gets in."""
    lights = []
    for _ in range(int(rng.integers(1, 4))):
        place = rng.uniform([-0.45, -0.5, 0.7], [0.45, 0.45, 0.97], 3) * size
        towards = rng.uniform([-0.5, -0.2, 0], [0.5, 0.5, 0.5], 3) * size
        lamp: Kind = "AREA" if rng.random() < 0.7 else "POINT"
        wide = rng.uniform(0.2, 1.5) if lamp == "AREA" else rng.uniform(0.02, 0.15)
        lights.append(Light(lamp, place, towards, wide, rng.uniform(30, 200), _tint(rng, 1.0)))
    if kind != "closed":
        sun = rng.uniform([-1, -0.6, 0.4], [1, 1, 1.4], 3) * 10
        power = rng.choice([0.0, rng.uniform(1, 4)])
        lights.append(Light("SUN", sun, np.zeros(3), 0.01, float(power), _tint(rng, 1.0)))
    return lights


def _shrunk(room: Room, scale: float) -> Room:
    """Return the same picture of a smaller room."""
    camera = room.camera
    return replace(
        room,
        camera=replace(
            camera,
            place=camera.place * scale,
            towards=camera.towards * scale,
            focus=camera.focus * scale,
        ),
        parts=[
            (mesh.moved((0, 0, 0), scale=scale), replace(look, size=look.size * scale), thing)
            for mesh, look, thing in room.parts
        ],
        lights=[
            replace(
                light,
                place=light.place * scale,
                towards=light.towards * scale,
                size=light.size * (1 if light.kind == "SUN" else scale),
                power=light.power * (1 if light.kind == "SUN" else scale**2),
            )
            for light in room.lights
        ],
    )
