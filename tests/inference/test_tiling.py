"""Tiles cover, overlap, keep their alignment, and blend without a trace."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gisr.errors import InputError
from gisr.inference.tiling import Rows, TilePlan, blended
from gisr.windows import Window


@st.composite
def plans(draw: st.DrawFn) -> TilePlan:
    align = draw(st.sampled_from([1, 2, 4, 8]))
    tile = align * draw(st.integers(1, 6))
    overlap = draw(st.integers(0, tile // 2))
    assume(-(-overlap // align) <= tile // align // 2)
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    return TilePlan(height, width, tile, overlap, align, draw(st.booleans()))


def joined(rows: Iterable[Rows], shape: tuple[int, ...]) -> np.ndarray:
    """Put rows together as they come: the next ones overwrite them. They must leave no gap."""
    result, reached = np.full(shape, np.nan, np.float32), 0
    for part in rows:
        assert part.start == reached
        reached = part.stop
        if part.image is not None:
            result[part.start : part.stop] = part.image
    assert reached == shape[0]
    return result


@given(plan=plans())
def test_every_pixel_is_covered(plan: TilePlan) -> None:
    covered = np.zeros((plan.height, plan.width), int)
    for window in plan.windows():
        covered[window] += 1
    assert covered.min() >= 1
    assert len(list(plan.windows())) == len(plan)


@given(plan=plans())
def test_tiles_are_aligned_of_one_size_and_overlap(plan: TilePlan) -> None:
    for axis, size in ((0, plan.height), (1, plan.width)):
        spans = sorted({(window[axis].start, window[axis].stop) for window in plan.windows()})
        assert all(start % plan.align == 0 for start, _ in spans)
        side = spans[0][1] - spans[0][0]
        assert side <= plan.tile and (plan.fitted or side == min(plan.tile, size))
        assert all(stop - start == side for start, stop in spans[:-1])
        assert side - plan.align < spans[-1][1] - spans[-1][0] <= side
        assert spans[-1][1] == size
        assert all(left[1] - right[0] >= plan.overlap for left, right in pairwise(spans))


@given(plan=plans())
def test_fitted_tiles_are_as_many_and_as_small_as_they_can_be(plan: TilePlan) -> None:
    fitted, other = replace(plan, fitted=True), replace(plan, fitted=False)
    assert len(fitted) == len(other)
    for spans, size in ((fitted.rows(), plan.height), (fitted.columns(), plan.width)):
        shared = -(-plan.overlap // plan.align) * plan.align
        smaller = spans[0][1] - spans[0][0] - plan.align
        assert len(spans) * smaller - (len(spans) - 1) * shared < size


@given(plan=plans())
def test_there_are_no_more_tiles_than_needed(plan: TilePlan) -> None:
    shared = -(-plan.overlap // plan.align) * plan.align
    rows, columns = (
        max(1, -(-(size - shared) // (plan.tile - shared))) for size in (plan.height, plan.width)
    )
    assert len(plan) <= (rows + 1) * (columns + 1)
    if plan.align == 1:
        assert len(plan) == rows * columns


@given(plan=plans(), seed=st.integers(0, 99))
def test_blending_what_was_cut_gives_it_back(plan: TilePlan, seed: int) -> None:
    shape = (plan.height, plan.width, 2)
    image = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
    result = joined(blended(plan, 2, lambda window: image[window]), shape)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, image, atol=1e-6)


@given(plan=plans(), seed=st.integers(0, 99))
def test_tiles_left_out_leave_nan_and_disturb_no_other(plan: TilePlan, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (plan.height, plan.width, 1)).astype(np.float32)
    kept, covered = set(), np.zeros((plan.height, plan.width), bool)
    for window in plan.windows():
        if rng.random() < 0.5:
            kept.add((window[0].start, window[1].start))
            covered[window] = True

    def compute(window: Window) -> np.ndarray | None:
        return image[window] if (window[0].start, window[1].start) in kept else None

    result = joined(blended(plan, 1, compute), image.shape)
    np.testing.assert_array_equal(np.isnan(result[..., 0]), ~covered)
    np.testing.assert_allclose(result[covered], image[covered], atol=1e-6)


def test_a_step_between_tiles_becomes_a_ramp() -> None:
    plan = TilePlan(1, 12, tile=8, overlap=4)
    values = iter(range(9))

    def compute(window: Window) -> np.ndarray:
        height, width = (part.stop - part.start for part in window)
        return np.full((height, width, 1), next(values), np.float32)

    ramp = joined(blended(plan, 1, compute), (1, 12, 1))[0, :, 0]
    np.testing.assert_allclose(ramp[:4], 0)
    np.testing.assert_allclose(ramp[4:8], [0.125, 0.375, 0.625, 0.875], rtol=1e-6)
    np.testing.assert_allclose(ramp[8:], 1)


def test_an_image_of_one_tile_is_not_cut() -> None:
    assert list(TilePlan(20, 30, 64, 8, 16).windows()) == [(slice(0, 20), slice(0, 30))]


@pytest.mark.parametrize(
    ("tile", "overlap", "align"),
    [(0, 0, 1), (8, 5, 1), (8, -1, 1), (100, 10, 16), (16, 1, 16), (32, 17, 16)],
)
def test_plans_that_cannot_cut_are_refused(tile: int, overlap: int, align: int) -> None:
    with pytest.raises(InputError, match="multiple"):
        TilePlan(100, 100, tile, overlap, align)
