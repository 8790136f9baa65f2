import numpy as np
import pytest

import gisr
from gisr.estimation.depth_bytes import byte_doubts


def slope() -> np.ndarray:
    """Return millimetres of a floor with a box on it."""
    depth = np.linspace(600, 3900, 120)[:, None] + np.linspace(0, 300, 160)
    depth[40:80, 60:100] = 900
    return np.rint(depth)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_values_that_were_cut_to_fewer_bits_are_told(dtype: str) -> None:
    factor = 1 if dtype.endswith("8") else 40
    cut = (factor * slope()).astype(np.int64).astype(dtype)
    text = byte_doubts(cut, np.ones(cut.shape, bool))
    assert text is not None and f"cut to {8 * cut.itemsize} bits" in text
    assert f"run up to {np.iinfo(dtype).max} and go on at {np.iinfo(dtype).min}" in text


def test_bytes_in_the_other_order_are_told() -> None:
    right = slope().astype(np.uint16)
    known = np.ones(right.shape, bool)
    known[:10, :10] = False
    assert "exchange them" in str(byte_doubts(right.byteswap(), known))
    assert byte_doubts(right, known) is None
    assert byte_doubts(right.astype(">u2"), known) is None  # which numpy knows of


def test_near_things_before_far_ones_are_nothing_odd() -> None:
    rows, columns = np.mgrid[:200, :200]
    near = np.hypot(rows - 100, columns - 90) < 60
    disparity = np.where(near, 250 + rows // 50, 3 + columns // 40).astype(np.uint8)
    assert byte_doubts(disparity, np.ones(disparity.shape, bool)) is None
    noise = np.random.default_rng(0).integers(0, 2**16, (60, 80)).astype(np.uint16)
    assert byte_doubts(noise, np.ones(noise.shape, bool)) is None
    assert byte_doubts((257 * disparity.astype(np.uint16)), near) is None
    assert byte_doubts(slope().astype(np.float32), near[:120, :160]) is None
    assert byte_doubts(disparity[:2, :3], near[:2, :3]) is None
    assert byte_doubts(np.full((8, 8), 900, np.uint16), np.ones((8, 8), bool)) is None


def test_arrays_are_asked_for_as_files_are() -> None:
    guide = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    with pytest.warns(UserWarning, match="cut to 8 bits"):
        gisr.make_pair(np.maximum(slope().astype(np.uint8), 1), guide, "depth")
