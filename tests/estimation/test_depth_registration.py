import numpy as np
import pytest

from gisr.data.resample import bicubic_to_target
from gisr.estimation.depth_registration import DepthFlip, DepthShift, find_depth_misfit
from gisr.placement import Placement

SHAPE, LOW = (320, 400), (80, 100)
PLACEMENT = Placement.from_grid("centre", LOW, SHAPE)


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a depth map reduced by 4 and a picture of boxes with textures, on one another."""
    random = np.random.default_rng(seed)
    depth, colours = np.full(SHAPE, 4.0), np.full((*SHAPE, 3), 120.0)
    for _ in range(40):
        top, left = random.integers(0, SHAPE[0] - 30), random.integers(0, SHAPE[1] - 30)
        part = (
            slice(top, top + random.integers(20, 70)),
            slice(left, left + random.integers(20, 70)),
        )
        depth[part] = random.uniform(1, 3)
        colours[part] = random.uniform(0, 255, 3)
    colours += random.normal(0, 8, colours.shape)
    return bicubic_to_target(depth.astype(np.float32), LOW, PLACEMENT), colours.astype(np.float32)


@pytest.mark.parametrize("shift", [(3, -2), (0, 6), (-5, 5)])
def test_a_shifted_picture_is_seen(shift: tuple[int, int]) -> None:
    target, colours = scene(0)
    moved = np.roll(colours, shift, (0, 1))
    found = find_depth_misfit(target, np.ones(LOW, bool), moved, PLACEMENT)
    assert isinstance(found, DepthShift)
    assert found.offset == pytest.approx(shift, abs=0.7)
    assert found.after > found.before
    assert found.note.level == "warning"
    assert "register the two" in found.note.text


@pytest.mark.parametrize(
    ("axes", "how"),
    [
        ((1,), "mirrored left to right"),
        ((0,), "mirrored upside down"),
        ((0, 1), "turned by 180 degrees"),
    ],
)
def test_a_flipped_picture_is_seen(axes: tuple[int, ...], how: str) -> None:
    target, colours = scene(0)
    moved = np.roll(np.flip(colours, axes), (2, 3), (0, 1))
    found = find_depth_misfit(target, np.ones(LOW, bool), moved, PLACEMENT)
    assert isinstance(found, DepthFlip)
    assert found.how == how
    assert found.after > 0.3 > 0.15 > found.before
    assert f"seems {how} against the depth map" in found.note.text
    assert found.note.level == "warning"


def test_registered_unrelated_and_flat_pictures_say_nothing() -> None:
    target, colours = scene(1)
    everywhere = np.ones(LOW, bool)
    assert find_depth_misfit(target, everywhere, colours, PLACEMENT) is None
    assert find_depth_misfit(target, everywhere, scene(2)[1], PLACEMENT) is None
    assert find_depth_misfit(target, everywhere, np.ones_like(colours), PLACEMENT) is None
    flat = np.ones_like(target)
    assert find_depth_misfit(flat, everywhere, colours, PLACEMENT) is None
    assert find_depth_misfit(target, ~everywhere, colours, PLACEMENT) is None
