import numpy as np
import pytest

from gisr.estimation.depth_doubts import names_alone, single_points, zero_as_depth


def test_values_that_run_down_to_zero_are_told_from_holes() -> None:
    slope = np.round(np.linspace(0, 255, 60))[:, None] + np.zeros(40)
    zero = slope == 0
    text = zero_as_depth(slope, zero, ~zero)
    assert text is not None
    assert text.startswith("1.7% of the pixels are 0 and taken for unknown")
    assert "(4, of 255)" in text
    hole = 100 + slope
    hole[20:30, 10:20] = 0
    assert zero_as_depth(hole, hole == 0, hole > 0) is None
    assert zero_as_depth(hole, np.zeros_like(zero), hole > 0) is None
    assert zero_as_depth(-slope, zero, ~zero) is None
    # Inverse depth of a floor that ends at a wall at 0, and of a box before it.
    room = np.maximum(np.arange(48)[:, None] - 30.0, 0) * 15 + np.zeros(64)
    room[5:28, 10:40] = 200
    room[30:34] *= 0.1
    text = zero_as_depth(room, room == 0, room > 0)
    assert text is not None
    assert "(1.5, of 255)" in text


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ([2, 2, 1, 2], "from 1 to 2, as in a map of confidence or labels"),
        ([3, 3, 3], "from 3 to 3"),
        ([255, 255], "255, as in a mask"),
        ([2, 1, 11], None),
        ([-1, 2], None),
        ([100, 255], None),
        ([2000, 3500], None),
    ],
)
def test_small_whole_numbers_alone_are_no_depth(known: list[float], word: str | None) -> None:
    text = names_alone(np.array(known, np.float32))
    assert (text is None) == (word is None)
    assert word is None or word in str(text)


def test_single_points_are_told_from_surfaces_with_holes() -> None:
    points = np.random.default_rng(0).random((96, 128)) < 0.3
    scans = np.zeros((96, 128), bool)
    scans[::6] = True
    for sparse in (points, scans):
        text = single_points(sparse)
        assert text is not None
        assert f"{1 - sparse.mean():.1%} of the pixels are unknown" in text
        assert "--fill-holes" in text
    cut_out = np.zeros((96, 128), bool)
    cut_out[30:60, 40:70] = True
    few = np.zeros((96, 128), bool)
    few[::48, ::48] = True
    dense = np.random.default_rng(0).random((96, 128)) < 0.6
    for other in (cut_out, few, dense, np.ones_like(few), np.zeros_like(few)):
        assert single_points(other) is None
