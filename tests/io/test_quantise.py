import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from gisr.errors import InputError
from gisr.io.quantise import holds, quantise, value_range

INTEGERS = [np.dtype(name) for name in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")]


def test_rounds_half_to_even_and_clips() -> None:
    values = np.array([-3, 0.5, 1.5, 254.6, 1e9], dtype=np.float32)
    stored = quantise(values, np.dtype("u1"), valid=np.ones(5, bool), marker=7)
    assert stored.tolist() == [0, 0, 2, 255, 255]


def test_clips_to_the_bits_in_use() -> None:
    values = np.array([-5000.0, 5000.0], dtype=np.float32)
    every = np.ones(2, bool)
    assert quantise(
        values, np.dtype("u2"), valid=every, marker=0, reserved=False, bits=11
    ).tolist() == [0, 2047]
    assert quantise(values, np.dtype("i2"), valid=every, marker=0, bits=12).tolist() == [
        -2048,
        2047,
    ]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_the_ends_of_every_integer_type_do_not_wrap(dtype: np.dtype) -> None:
    values = np.array([-1e30, 1e30], dtype=np.float32)
    low, high = quantise(values, dtype, valid=np.ones(2, bool), marker=3).tolist()
    whole = np.iinfo(dtype)
    assert low == whole.min
    assert whole.max * (1 - 1e-15) <= high <= whole.max


@given(
    values=arrays.arrays(np.float32, 20, elements=st.floats(-300, 300, width=32)),
    valid=arrays.arrays(bool, 20),
    marker=st.sampled_from([0, 1, 100, 127]),
    dtype=st.sampled_from([np.dtype("u1"), np.dtype("i1"), np.dtype("f4"), np.dtype("f2")]),
)
def test_valid_never_becomes_unknown_and_unknown_is_always_marked(
    values: np.ndarray, valid: np.ndarray, marker: int, dtype: np.dtype
) -> None:
    stored = quantise(values, dtype, valid=valid, marker=marker)
    assert np.array_equal(stored != marker, valid)
    limits = value_range(dtype)
    if limits is not None:
        nearest = np.clip(values, *limits)
        assert (np.abs(stored.astype(float) - nearest)[valid] <= 1.5).all()


@pytest.mark.parametrize(("marker", "expected"), [(0, 1), (255, 254), (10, 11)])
def test_a_value_equal_to_the_marker_moves_one_step(marker: int, expected: int) -> None:
    values = np.array([float(marker)], dtype=np.float32)
    assert quantise(values, np.dtype("u1"), valid=np.ones(1, bool), marker=marker) == expected


def test_a_value_moves_to_its_own_side_of_the_marker() -> None:
    values = np.array([9.6, 10.4], dtype=np.float32)
    stored = quantise(values, np.dtype("u1"), valid=np.ones(2, bool), marker=10)
    assert stored.tolist() == [9, 11]


def test_a_float_marker_at_the_end_of_the_range_is_left_inwards() -> None:
    lowest = float(np.finfo(np.float32).min)
    values = np.array([lowest, 1.0], dtype=np.float32)
    stored = quantise(values, np.dtype("f4"), valid=np.ones(2, bool), marker=lowest)
    assert stored[0] > lowest
    assert np.isfinite(stored).all()


def test_values_beyond_half_precision_stay_finite() -> None:
    stored = quantise(
        np.array([1e6], np.float32), np.dtype("f2"), valid=np.ones(1, bool), marker=np.nan
    )
    assert stored == np.finfo(np.float16).max


def test_nan_that_counts_as_valid_is_an_error() -> None:
    values = np.array([1, np.nan, np.inf], dtype=np.float32)
    with pytest.raises(InputError, match=r"out\.tif: 2 of 3 valid values"):
        quantise(values, np.dtype("u1"), valid=np.ones(3, bool), marker=0, path="out.tif")
    kept = quantise(values, np.dtype("f4"), valid=np.isfinite(values), marker=np.nan)
    assert np.array_equal(kept, [1, np.nan, np.nan], equal_nan=True)


def test_what_a_type_holds() -> None:
    assert holds(np.dtype("u1"), 255)
    assert not holds(np.dtype("u1"), -9999)
    assert not holds(np.dtype("u1"), 0.5)
    assert not holds(np.dtype("i4"), float("nan"))
    assert holds(np.dtype("f4"), float("nan"))


def test_floats_that_gdal_takes_for_the_marker_are_moved_too() -> None:
    values = np.array([1 - 1e-7, 1, 1 + 2e-7, 1 + 1e-5], dtype=np.float32)
    stored = quantise(values, np.dtype("f4"), valid=np.ones(4, bool), marker=1)
    assert (np.abs(stored - 1) > 4 * np.finfo(np.float32).eps).all()
    assert (np.sign(stored - 1) == [-1, 1, 1, 1]).all()
    assert stored[3] == values[3]
