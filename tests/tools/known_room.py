"""Run by Blender: a board, a ball and a wall at known places, their depth and their picture.

    blender --background --factory-startup --python tests/tools/known_room.py -- OUT.npz

The test beside it compares both with what geometry says.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from rendered_rooms import Camera, Material, Room
from rendered_shapes import blob, box

WIDTH, HEIGHT = 96, 72
EYE, TOWARDS, ROLL, FOCAL = np.array([0.0, 0.0, 1.0]), np.array([0.3, 2.0, 0.8]), 0.2, 26.0
BOARD_AT, WALL_AT = 2.0, 4.0
"""Along y, of the faces seen."""
BALL, RADIUS = np.array([0.7, 2.4, 0.6]), 0.3


def known_room() -> Room:
    """Return a white board and ball before a black wall, under an even sky."""
    looks = [
        Material("plain", ((level,) * 3,), 1.0, 0.0, "xyz", roughness=1.0) for level in (0.8, 0.0)
    ]
    ball = blob(np.random.default_rng(0), RADIUS, 0.0).moved(BALL)
    return Room(
        Camera(EYE, TOWARDS, ROLL, FOCAL, f_number=None, focus=1.0),
        parts=[
            (box(20, 0.1, 20).moved((0, WALL_AT + 0.05, -10)), looks[1], 0),
            (box(0.9, 0.1, 0.7).moved((-0.3, BOARD_AT + 0.05, 0.7)), looks[0], 1),
            (ball, looks[0], 2),
        ],
        sky=(1.0, 1.0, 1.0),
    )


if __name__ == "__main__":
    from rendered_frames import build, cast_depth, path_trace  # needs Blender's Python

    room = known_room()
    depth, seen = cast_depth(room, WIDTH, HEIGHT)
    build(room)
    linear = path_trace(WIDTH, HEIGHT, 64, 0)
    np.savez(sys.argv[-1], depth=depth, seen=seen, linear=linear)
