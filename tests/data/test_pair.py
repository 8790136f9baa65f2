"""What a pair refuses, and how it comes to the guide's grid."""

from typing import Any

import numpy as np
import pytest

from gisr.data.degradations import zero_fill
from gisr.data.pair import Pair
from gisr.errors import InputError, PairError
from gisr.placement import Placement

RNG = np.random.default_rng(8)


def pair(**changes: Any) -> Pair:
    values: dict[str, Any] = {
        "target": RNG.uniform(size=(4, 6, 2)).astype(np.float32),
        "guide": RNG.uniform(size=(8, 12, 3)).astype(np.float32),
        "task": "pansharpening",
        "grid": "centre",
    } | changes
    if "placement" not in values:
        sizes = (4, 6), (8, 12)
        values["placement"] = Placement.from_grid(values["grid"], *sizes)
    return Pair(**values)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"target": np.zeros((4, 6))}, InputError, "target of shape"),
        ({"target": np.zeros((4, 6, 0))}, InputError, "empty"),
        ({"guide": np.zeros((0, 12, 1))}, InputError, "guide of shape"),
        ({"guide": np.zeros((8, 12, 5))}, InputError, "5 channels, at most 4"),
        ({"task": "sharpening"}, InputError, "unknown task 'sharpening'"),
        ({"target": np.full((4, 6, 1), np.nan)}, InputError, "24 values that are NaN"),
        ({"guide": np.full((8, 12, 1), np.inf)}, InputError, "guide holds 96 values"),
        ({"valid": np.ones((6, 4), bool)}, PairError, "one shape"),
        ({"valid": np.zeros((4, 6), bool)}, InputError, "no known pixel"),
        ({"truth": np.zeros((8, 11, 2))}, PairError, "truth"),
        ({"truth": np.zeros((8, 12, 1))}, PairError, "2 bands"),
    ],
)
def test_refused(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pair(**change)


def test_a_shifted_kspace_grid_is_refused() -> None:
    shifted = Placement((0.5, 0.5), (-0.25, -0.25))
    with pytest.raises(PairError, match="'kspace'"):
        pair(grid="kspace", placement=shifted)


def test_unknown_pixels_may_be_nan_and_are_filled() -> None:
    target, valid = np.full((4, 6, 1), 3.0, np.float32), np.ones((4, 6), bool)
    target[1, 1], valid[1, 1] = np.nan, False
    np.testing.assert_allclose(pair(target=target, valid=valid).on_guide_grid(), 3.0, rtol=1e-6)


def test_kspace_targets_are_zero_filled_band_by_band() -> None:
    made = pair(grid="kspace")
    for band in range(2):
        expected = zero_fill(made.target[..., band], (8, 12))
        np.testing.assert_array_equal(made.on_guide_grid()[..., band], expected)


def test_ratio() -> None:
    assert pair().ratio == pytest.approx(2)
