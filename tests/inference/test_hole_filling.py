import tracemalloc

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gisr.data.degradations import fill_holes
from gisr.errors import InputError
from gisr.inference.hole_filling import fill_by_guide
from gisr.placement import Placement


def placed(low: tuple[int, int], high: tuple[int, int]) -> Placement:
    return Placement.from_grid("centre", low, high)


def test_an_edge_of_the_guide_is_where_a_hole_changes() -> None:
    depth = np.full((40, 40), 2.0, np.float32)
    depth[:, 22:] = 5.0
    guide = np.zeros((160, 160, 3), np.float32)
    guide[:, 88:] = (200, 120, 40)
    valid = np.ones((40, 40), bool)
    valid[10:30, 12:28] = False  # the nearest known pixel would put the edge at column 20
    filled = fill_by_guide(np.where(valid, depth, 0), valid, guide, placed((40, 40), (160, 160)))
    np.testing.assert_array_equal(filled[valid], depth[valid])
    assert np.abs(filled - depth).max() < 0.35
    nearest = fill_holes(np.where(valid, depth, 0), valid)
    assert np.abs(nearest - depth).max() == 3


def test_a_slope_without_colours_is_continued() -> None:
    depth = np.add.outer(np.linspace(1, 2, 30), np.linspace(0, 3, 30)).astype(np.float32)
    valid = np.ones((30, 30), bool)
    valid[8:20, 10:22] = False
    guide = np.full((30, 30, 1), 7.0, np.float32)
    filled = fill_by_guide(np.where(valid, depth, 0), valid, guide, placed((30, 30), (30, 30)))
    assert np.abs(filled - depth).max() < 0.01


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.02, 0.98),
    offset=st.sampled_from([0.0, 1e6]),
    ratio=st.sampled_from([1.0, 1.5, 3.7]),
)
def test_no_value_leaves_the_range_of_the_known(
    seed: int, share: float, offset: float, ratio: float
) -> None:
    random = np.random.default_rng(seed)
    values = offset + random.random((13, 17))
    valid = random.random((13, 17)) < share
    valid[5, 5] = True
    high = (round(13 * ratio), round(17 * ratio))
    guide = random.random((*high, 3)) * 65535
    filled = fill_by_guide(np.where(valid, values, np.nan), valid, guide, placed((13, 17), high))
    np.testing.assert_array_equal(filled[valid], values[valid])
    known = values[valid]
    assert filled.min() >= known.min() and filled.max() <= known.max()


def test_nothing_known_is_refused() -> None:
    with pytest.raises(InputError, match="every pixel is unknown"):
        fill_by_guide(
            np.ones((4, 4)), np.zeros((4, 4), bool), np.ones((4, 4, 1)), placed((4, 4), (4, 4))
        )


def test_a_map_of_holes_takes_little_memory() -> None:
    side = 160
    smooth = np.add.outer(np.linspace(1, 2, side), np.linspace(0, 3, side)).astype(np.float32)
    valid = np.zeros((side, side), bool)
    valid[[0, -1]] = valid[:, [0, -1]] = True
    guide, places = np.full((side, side, 3), 9.0, np.float32), placed((side, side), (side, side))
    fill_by_guide(smooth, valid, guide, places)  # what is loaded and kept does not count
    tracemalloc.start()
    try:
        fill_by_guide(smooth, valid, guide, places)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 250 * side**2  # bytes a pixel; once it was 680
