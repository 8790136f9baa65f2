"""Registration that is right or silent: clouds, gaps and saturation beside a known shift."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import wald
from gisr.estimation.registration import Alignment, align_guide
from gisr.inference.array_pair import make_pair

SIDE, MARGIN = 256, 16
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
INNER = slice(MARGIN, MARGIN + SIDE)


def _ground() -> NDArray[np.float64]:
    """Return three bands of fields with texture, larger than what is used by a margin."""
    rng = np.random.default_rng(1)
    whole = SIDE + 2 * MARGIN
    fields = ndimage.gaussian_filter(rng.standard_normal((whole, whole)), 6) * 40
    texture = ndimage.gaussian_filter(rng.standard_normal((whole, whole, 3)), (1, 1, 0))
    colour = np.stack([np.floor(fields), np.floor(2 * fields), np.round(fields)], axis=-1)
    return 800 + 90 * ndimage.gaussian_filter(colour, (0.6, 0.6, 0)) + 120 * texture


GROUND = _ground()


def _pan(shift: tuple[float, float]) -> NDArray[np.float64]:
    return ndimage.shift(GROUND.mean(axis=2), shift, order=3)[INNER, INNER]


def _found(ms: NDArray[np.float64], pan: NDArray[np.float64], **known: object) -> Alignment:
    pair = make_pair(wald(ms, 4), pan, "pansharpening", **known)  # type: ignore[arg-type]
    return align_guide(pair)[1]


def _near(found: Alignment, shift: tuple[float, float]) -> bool:
    return max(abs(a - b) for a, b in zip(found.offset, shift, strict=True)) <= 0.25


@pytest.mark.parametrize("shift", [(3.0, -2.0), (1.0, 0.5), (-1.0, -1.0), (7.0, 6.0)])
@pytest.mark.parametrize("unknown", [0.0, 0.5, 0.7])
def test_shifts_beside_nodata_are_found(shift: tuple[float, float], unknown: float) -> None:
    lower = np.quantile(ROWS + 0.5 * COLUMNS, unknown) <= ROWS + 0.5 * COLUMNS
    pan = np.where(lower, _pan(shift), 0)
    found = _found(GROUND[INNER, INNER], pan, guide_valid=lower)
    assert found.applied
    assert _near(found, shift), found


@pytest.mark.parametrize("unknown", [0.0, 0.5])
def test_what_lies_right_stays(unknown: float) -> None:
    lower = np.quantile(ROWS + 0.5 * COLUMNS, unknown) <= ROWS + 0.5 * COLUMNS
    for shift in ((0.0, 0.0), (0.04, -0.03)):
        pan = np.where(lower, _pan(shift), 0)
        found = _found(GROUND[INNER, INNER], pan, guide_valid=lower)
        assert (found.applied, found.offset, found.level) == (False, (0.0, 0.0), "detail"), found


def test_gaps_as_of_landsat_7_do_not_vote() -> None:
    shift, gap = (2.0, -1.0), (ROWS + 0.3 * COLUMNS) % 48 < 12
    low_gap = gap[2::4, 2::4]
    found = _found(GROUND[INNER, INNER], np.where(gap, 0, _pan(shift)), guide_valid=~gap)
    assert found.applied
    assert _near(found, shift)
    target = np.where(low_gap[..., None], 0, wald(GROUND[INNER, INNER], 4))
    pair = make_pair(target, _pan((0, 0)), "pansharpening", valid=~low_gap)
    assert not align_guide(pair)[1].applied


@pytest.mark.parametrize(("share", "level"), [(0.15, 5000.0), (0.05, 5000.0), (0.15, 1500.0)])
def test_clouds_that_moved_do_not_move_the_ground(share: float, level: float) -> None:
    rng = np.random.default_rng(4)
    cover = ndimage.gaussian_filter(rng.standard_normal((SIDE + 32, SIDE + 32)), 12)
    cover = np.clip((cover - np.quantile(cover, 1 - share)) / cover.std() * 2, 0, 1)
    there, moved = cover[INNER, INNER], cover[MARGIN + 4 :, MARGIN - 3 :][:SIDE, :SIDE]
    ms = GROUND[INNER, INNER] * (1 - there[..., None]) + level * there[..., None]
    for shift in ((0.0, 0.0), (-2.0, 1.0)):
        pan = _pan(shift) * (1 - moved) + level * moved
        found = _found(ms, pan)
        assert _near(found, shift), found


def test_saturation_does_not_hold_a_shift_back() -> None:
    limit = np.quantile(GROUND, 0.7)
    found = _found(np.minimum(GROUND[INNER, INNER], limit), np.minimum(_pan((2, 2)), limit))
    assert found.applied
    assert _near(found, (2.0, 2.0)), found


def test_a_guide_of_something_else_is_told() -> None:
    ms, rng = GROUND[INNER, INNER], np.random.default_rng(9)
    other = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1.5)
    for name, pan in {
        "unrelated": 500 + 100 * other,
        "mirrored": _pan((0, 0))[:, ::-1],
        "constant": np.full((SIDE, SIDE), 500.0),
    }.items():
        found = _found(ms, pan)
        assert (found.applied, found.level) == (False, "warning"), (name, found)
