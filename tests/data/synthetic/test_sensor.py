"""Generated depth as a sensor gives it: near the exact map, without holes, with softer steps."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from gisr.data.synthetic.depth_frame import DepthFrame, generated_depth_frame
from gisr.data.synthetic.sensor import seen_by_sensor

PAIRS = 40


@pytest.fixture(scope="module")
def pairs() -> list[tuple[DepthFrame, DepthFrame]]:
    """Return exact frames, and the same as sensors see them."""
    made = []
    for number in range(PAIRS):
        rng = default_rng((3, number))
        exact = generated_depth_frame(rng, 128)
        made.append((exact, seen_by_sensor(rng, exact)))
    return made


def test_colours_stay_and_holes_are_filled(pairs: list[tuple[DepthFrame, DepthFrame]]) -> None:
    assert not all(exact.known.all() for exact, _ in pairs)
    for exact, seen in pairs:
        assert seen.colour is exact.colour and seen.reduced_as == exact.reduced_as
        assert seen.known.all() and seen.known.shape == exact.known.shape
        assert seen.depth.dtype == np.float32 and np.isfinite(seen.depth).all()
        assert seen.depth.min() >= 0
        if seen.reduced_as == "uint8":
            np.testing.assert_array_equal(seen.depth, np.rint(seen.depth))
            assert seen.depth.max() <= 255


def test_most_pixels_stay_where_they_were(pairs: list[tuple[DepthFrame, DepthFrame]]) -> None:
    away = [
        float(np.median(np.abs(seen.depth - exact.depth)) / np.ptp(exact.depth))
        for exact, seen in pairs
    ]
    assert max(away) < 0.05
    assert min(float(np.abs(seen.depth - exact.depth).max()) for exact, seen in pairs) > 0


def test_steps_are_softer(pairs: list[tuple[DepthFrame, DepthFrame]]) -> None:
    """The steepest pixel-to-pixel changes shrink, in most frames."""

    def steepest(frame: DepthFrame) -> float:
        return float(np.quantile(np.abs(np.diff(frame.depth, axis=1)), 0.995))

    softer = [steepest(seen) < steepest(exact) for exact, seen in pairs]
    assert sum(softer) > 0.7 * PAIRS


def test_a_flat_wall_stays_a_flat_wall() -> None:
    frame = generated_depth_frame(default_rng(0), 64)
    wall = replace(frame, depth=np.full_like(frame.depth, 7), reduced_as="float32")
    for seed in range(10):
        np.testing.assert_allclose(seen_by_sensor(default_rng(seed), wall).depth, 7, rtol=1e-6)
