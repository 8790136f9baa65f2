from typing import get_args

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from gisr.errors import PairError
from gisr.placement import Placement, check_overlap
from gisr.tasks import Grid


def test_centre_grid_aligns_pixel_areas() -> None:
    placement = Placement.from_grid("centre", (10, 20), (40, 80))
    assert placement.scale == (0.25, 0.25)
    assert placement.offset == (-0.375, -0.375)
    # The centre of guide pixels 0 to 3 is the centre of target pixel 0.
    assert np.mean(np.arange(4) * 0.25 - 0.375) == 0
    assert placement.ratio == 4
    assert placement.ratios == (4, 4)


def test_kspace_grid_keeps_sample_zero() -> None:
    placement = Placement.from_grid("kspace", (10, 20), (40, 20))
    assert placement == Placement((0.25, 1.0), (0.0, 0.0))
    assert placement.ratio == 2


@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    ratio=st.integers(1, 64),
    grid=st.sampled_from(get_args(Grid)),
)
def test_whole_ratios_cover_the_guide_and_are_recognised(
    shape: tuple[int, int], ratio: int, grid: Grid
) -> None:
    guide = (shape[0] * ratio, shape[1] * ratio)
    placement = Placement.from_grid(grid, shape, guide)
    assert placement.ratio == pytest.approx(ratio)
    assert placement.grid(shape, guide) == ("centre" if ratio == 1 else grid)
    if grid == "centre":
        assert placement.covered(shape, guide).all()


def test_header_rounding_is_snapped_away_but_a_real_shift_is_not() -> None:
    exact = Placement.from_grid("centre", (100, 100), (400, 400))
    rounded = Placement((0.25 + 1e-7, 0.25), (-0.375, -0.375 + 1e-5))
    assert rounded.snapped((100, 100), (400, 400)) == exact
    shifted = Placement((0.25, 0.25), (-0.375, -0.125))
    assert shifted.snapped((100, 100), (400, 400)) == shifted
    assert shifted.grid((100, 100), (400, 400)) is None
    assert shifted.drift(exact, (400, 400)) == 0.25


@pytest.mark.parametrize(
    ("scale", "offset", "reason"),
    [
        ((2.0, 2.0), (0.0, 0.0), r"coarser.*rows.*ratio 0\.5"),
        ((0.5, 1.01), (0.0, 0.0), "coarser.*columns"),
        ((1 / 65, 1 / 65), (0.0, 0.0), "above 64"),
        ((-0.5, 0.5), (0.0, 0.0), "opposite"),
        ((float("nan"), 0.5), (0.0, 0.0), "not finite"),
        ((0.5, 0.5), (0.0, float("inf")), "not finite"),
    ],
)
def test_impossible_placements_are_refused(
    scale: tuple[float, float], offset: tuple[float, float], reason: str
) -> None:
    with pytest.raises(PairError, match=reason):
        Placement(scale, offset)


def test_ratio_one_may_be_rounded() -> None:
    assert Placement((1 + 5e-7, 1.0), (0.0, 0.0)).ratio == pytest.approx(1)


@pytest.mark.parametrize(
    ("target", "guide", "reason"),
    [
        ((48, 64), (640, 480), r"different proportions .*: turn one by 90 .*, or crop them"),
        ((48, 64), (500, 480), r"different proportions \(ratios 7.5 and 10.42\): crop them"),
        ((100, 100), (50, 50), "coarser"),
        ((0, 10), (10, 10), "empty"),
        ((1, 1), (100, 100), "above 64"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    target: tuple[int, int], guide: tuple[int, int], reason: str
) -> None:
    with pytest.raises(PairError, match=reason):
        Placement.from_grid("centre", target, guide)


def test_sizes_rounded_to_whole_pixels_fit() -> None:
    assert Placement.from_grid("centre", (46, 61), (370, 493)).ratio == pytest.approx(8.06, abs=0.1)


def test_covered_marks_guide_pixels_on_the_target() -> None:
    placement = Placement((0.5, 0.5), (-1.25, -0.25))  # the guide starts one target row above
    covered = placement.covered((2, 2), (6, 4))
    assert covered.tolist() == [[False] * 4] * 2 + [[True] * 4] * 4


def test_pictures_of_different_places_are_refused() -> None:
    far = Placement((0.5, 0.5), (100.0, 0.0))
    with pytest.raises(PairError, match="a and b: the two do not overlap"):
        check_overlap(far, (10, 10), (20, 20), "a and b")
    check_overlap(far, (200, 10), (20, 20), "a and b")


def test_what_two_grids_share_has_a_margin_of_target_pixels() -> None:
    inner = Placement((0.25, 0.25), (19.625, 9.625))  # begins at row 20 and column 10
    assert inner.shared((64, 64), (96, 48), 2) == (np.s_[17:47, 7:25], np.s_[0:96, 0:48])
    outer = Placement((0.25, 0.25), (-10.375, -0.375))
    assert outer.shared((8, 8), (200, 32), 2) == (np.s_[0:8, 0:8], np.s_[32:80, 0:32])
    whole = Placement.from_grid("centre", (10, 20), (40, 80))
    assert whole.shared((10, 20), (40, 80), 2) == (np.s_[0:10, 0:20], np.s_[0:40, 0:80])
    assert Placement((0.25, 0.25), (90, 0)).shared((64, 64), (96, 96), 2) is None
