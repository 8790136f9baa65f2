import re

import cv2
import numpy as np
import pytest

from gisr.inference.colour_match import colour_doubts
from gisr.placement import Placement

SHAPE, LOW = (320, 400), (80, 100)
PLACEMENT = Placement.from_grid("centre", LOW, SHAPE)


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a depth map reduced by 4 and a picture of boxes with textures, on one another."""
    random = np.random.default_rng(seed)
    depth, colours = np.full(SHAPE, 4.0, np.float32), np.full((*SHAPE, 3), 120, np.float32)
    for _ in range(40):
        top, left = random.integers(0, SHAPE[0] - 30), random.integers(0, SHAPE[1] - 30)
        box = slice(top, top + 45), slice(left, left + 60)
        depth[box] = random.uniform(1, 3)
        colours[box] = random.uniform(0, 255, 3)
    colours += random.normal(0, 8, colours.shape).astype(np.float32)
    return depth.reshape(80, 4, 100, 4).mean((1, 3)), colours


def doubts(target: np.ndarray, colours: np.ndarray) -> list[str]:
    notes = colour_doubts(target, target > 0, colours, PLACEMENT)
    assert all(note.level == "warning" for note in notes)
    return [note.text for note in notes]


def test_a_picture_of_something_else_is_doubted() -> None:
    target, colours = scene(0)
    assert doubts(target, colours) == []
    assert doubts(target, colours.mean(axis=2, keepdims=True)) == []
    (text,) = doubts(target, scene(1)[1])
    assert "is it the right picture, of the same field of view, and registered?" in text


@pytest.mark.parametrize("zoom", [1.2, 1.4])
def test_another_field_of_view_is_told(zoom: float) -> None:
    target, colours = scene(0)
    rows, columns = (round(side / zoom) for side in SHAPE)
    top, left = (SHAPE[0] - rows) // 2, (SHAPE[1] - columns) // 2
    narrow = colours[top : top + rows, left : left + columns]
    (text,) = doubts(target, cv2.resize(narrow, SHAPE[::-1]))
    found = re.search(r"field of view is (\S+) times narrower than the depth map's", text)
    assert found is not None
    assert float(found[1]) == pytest.approx(zoom, abs=0.1)


@pytest.mark.parametrize(
    ("axes", "how"),
    [((1,), "mirrored left to right"), ((0,), "upside down"), ((0, 1), "turned by 180 degrees")],
)
def test_a_picture_that_fits_turned_back_is_told_so(axes: tuple[int, ...], how: str) -> None:
    target, colours = scene(0)
    (text,) = doubts(target, np.flip(colours, axes).copy())
    assert how in text and "turn one of the two" in text


def test_what_has_no_edges_says_nothing() -> None:
    target, colours = scene(0)
    assert doubts(target, np.full_like(colours, 90)) == []  # which is told otherwise
    wall = np.random.default_rng(0).normal(3, 0.01, LOW).astype(np.float32)
    assert doubts(wall, colours) == []
    assert doubts(np.full(LOW, 2, np.float32), colours) == []
    holes = np.where(np.random.default_rng(0).random(LOW) < 0.9, 0, target)
    assert doubts(holes, scene(1)[1]) == []  # single points
