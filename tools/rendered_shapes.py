"""Shapes of rendered frames as triangles, in metres: boxes, turned things, tubes, blobs, sheets.

Pure numpy, because Blender's Python has none of our packages. z is up; shapes stand on z = 0 around
the z axis unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles: (V, 3) corners in metres and (F, 3) numbers of corners."""

    corners: Floats
    triangles: NDArray[np.int64]

    def moved(self, offset: ArrayLike, turn: Floats | None = None, scale: float = 1.0) -> "Mesh":
        """Return it scaled, then turned by a (3, 3) matrix, then moved by (3,) metres."""
        corners = self.corners * scale
        if turn is not None:
            corners = corners @ turn.T
        return Mesh(corners + np.asarray(offset, dtype=float), self.triangles)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Return meshes as one."""
    starts = np.cumsum([0, *(len(mesh.corners) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate(
            [mesh.triangles + start for mesh, start in zip(meshes, starts[:-1], strict=True)]
        ),
    )


def turned(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """Return the (3, 3) rotation about y by roll, then x by pitch, then z by yaw, in radians."""
    (cz, cx, cy), (sz, sx, sy) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rotation: Floats = about_z @ about_x @ about_y
    return rotation


def box(width: float, length: float, height: float) -> Mesh:
    """Return a box of these sizes along x, y and z."""
    x, y, z = np.meshgrid([-width / 2, width / 2], [-length / 2, length / 2], [0, height])
    corners = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)  # z fastest, then x, then y
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return Mesh(corners, np.array([t for a, b, c, d in sides for t in ((a, b, c), (a, c, d))]))


def surface(points: Floats, *, round_first: bool = False, round_last: bool = False) -> Mesh:
    """Return the surface over a (U, V, 3) grid of points, closed around either axis or not."""
    first, last = points.shape[:2]
    number = np.arange(first * last).reshape(first, last)
    if round_first:
        number = np.concatenate([number, number[:1]], axis=0)
    if round_last:
        number = np.concatenate([number, number[:, :1]], axis=1)
    a, b, c, d = (
        n.ravel() for n in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:])
    )
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return Mesh(points.reshape(-1, 3), triangles)


def lathe(radii: ArrayLike, heights: ArrayLike, sides: int = 28) -> Mesh:
    """Return a thing turned about z from its outline; three to eight sides make a prism."""
    angles = np.arange(sides) * 2 * np.pi / sides
    radius, height = np.asarray(radii, dtype=float), np.asarray(heights, dtype=float)
    points = np.empty((len(radius), sides, 3))
    points[..., 0] = radius[:, None] * np.cos(angles)
    points[..., 1] = radius[:, None] * np.sin(angles)
    points[..., 2] = height[:, None]
    return surface(points, round_last=True)


def cylinder(radius: float, height: float, sides: int = 28, top: float | None = None) -> Mesh:
    """Return a closed cylinder, or a cone with another radius at its top."""
    upper = radius if top is None else top
    return lathe([0, radius, upper, 0], [0, 0, height, height], sides)


def vessel(rng: Generator, radius: float, height: float) -> Mesh:
    """Return a vase, bottle, bowl or cup: a smooth outline of a few random radii, open above."""
    knots = rng.uniform(0.35, 1.0, 5) * radius
    heights = np.linspace(0, height, 24)
    outline = np.interp(heights, np.linspace(0, height, 5), knots)
    outline = np.convolve(np.pad(outline, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
    inner = np.maximum(outline[::-1] - 0.06 * radius, 0.01 * radius)
    inside = np.maximum(heights[::-1], 0.04 * height)
    return lathe([0, *outline, *inner, 0], [0, *heights, *inside, 0.04 * height])


def tube(path: ArrayLike, radius: float, sides: int = 10, *, ring: bool = False) -> Mesh:
    """Return a tube along a (N, 3) path, with closed ends or joined to a ring."""
    line = np.asarray(path, dtype=float)
    if ring:
        along = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    else:
        along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # Any direction that the path does not take: its least one.
    aside = np.eye(3)[np.abs(along).max(axis=0).argmin()]
    across = np.cross(along, aside)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    other = np.cross(along, across)
    radii = np.full(len(line), radius)
    if not ring:
        line, across, other = (np.concatenate([a[:1], a, a[-1:]]) for a in (line, across, other))
        radii = np.concatenate([[0.0], radii, [0.0]])
    angles = np.arange(sides) * 2 * np.pi / sides
    circle = (
        np.cos(angles)[None, :, None] * across[:, None]
        + np.sin(angles)[None, :, None] * other[:, None]
    )
    points = line[:, None] + radii[:, None, None] * circle
    return surface(points, round_first=ring, round_last=True)


def rod(start: ArrayLike, end: ArrayLike, radius: float) -> Mesh:
    """Return a straight tube between two points."""
    return tube(np.array([start, end], dtype=float), radius, 8)


def torus(radius: float, thickness: float) -> Mesh:
    """Return a ring that lies around z at z = 0."""
    angles = np.arange(40) * 2 * np.pi / 40
    path = np.stack([np.cos(angles), np.sin(angles), np.zeros(40)], axis=1) * radius
    return tube(path, thickness, 14, ring=True)


def blob(rng: Generator, radius: float, roughness: float) -> Mesh:
    """Return a ball about the origin, displaced by waves of ever finer scale; 0 leaves a sphere."""
    up, round_it = np.linspace(0, np.pi, 49), np.arange(72) * 2 * np.pi / 72
    points = np.empty((49, 72, 3))
    points[..., 0] = np.sin(up)[:, None] * np.cos(round_it)
    points[..., 1] = np.sin(up)[:, None] * np.sin(round_it)
    points[..., 2] = np.cos(up)[:, None]
    raised = np.zeros(points.shape[:2])
    for octave in range(14):
        fine = 1.5 * 1.25**octave
        wave = np.sin(points @ rng.normal(size=3) * fine * 1.7 + rng.uniform(0, 6.3))
        raised += wave / fine
    stretched = points * rng.uniform(0.6, 1.0, 3) if roughness else points
    return surface(radius * (1 + roughness * raised)[..., None] * stretched, round_last=True)


def sheet(rng: Generator, width: float, height: float, folds: float) -> Mesh:
    """Return an upright cloth along x, with folds as deep as given, in metres."""
    across, up = np.meshgrid(np.linspace(-0.5, 0.5, 90), np.linspace(0, 1, 24), indexing="ij")
    depth = np.zeros_like(across)
    for count in rng.uniform(1, 9, 3):
        depth += np.sin(across * 2 * np.pi * count + rng.uniform(0, 6.3) + up * rng.normal())
    return surface(np.stack([across * width, depth * folds / 3, up * height], axis=-1))


def leaf(length: float, width: float, bend: float) -> Mesh:
    """Return a leaf from the origin along x, which hangs by ``bend`` of its length at the tip."""
    along, across = np.meshgrid(np.linspace(0, 1, 10), np.linspace(-1, 1, 5), indexing="ij")
    half = width / 2 * np.sin(np.pi * np.clip(along, 0.02, 0.99)) ** 0.8
    rise = length * (0.5 * along - (0.5 + bend) * along**2) + 0.25 * half * np.abs(across)
    return surface(np.stack([along * length, across * half, rise], axis=-1))


def lattice(width: float, height: float, columns: int, rows: int, thickness: float) -> Mesh:
    """Return an upright grid of bars along x, with a bar at every end."""
    bars = [
        box(thickness, thickness, height).moved((x, 0, 0))
        for x in np.linspace(-width / 2, width / 2, columns + 1)
    ]
    bars += [
        box(width + thickness, 0.7 * thickness, thickness).moved((0, 0, z))
        for z in np.linspace(0, height, rows + 1)
    ]
    return joined(bars)
