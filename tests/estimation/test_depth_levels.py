import numpy as np
import pytest

from gisr.estimation.depth_levels import few_levels, level_step

SLOPE = np.linspace(0.4, 4.0, 48 * 64, dtype=np.float32).reshape(48, 64)
KNOWN = np.ones(SLOPE.shape, bool)


@pytest.mark.parametrize("step", [0.1, 0.25, 1 / 16])
def test_the_step_of_a_rounded_map_is_found(step: float) -> None:
    rounded = (np.rint(SLOPE / step) * step).astype(np.float32)
    assert level_step(rounded, KNOWN) == pytest.approx(step, rel=1e-4)
    odd = np.where(np.arange(64) == 3, np.float32(3.333), rounded)  # unknown
    assert level_step(odd, KNOWN & (np.arange(64) != 3)) == pytest.approx(step, rel=1e-4)


def test_bytes_of_a_room_are_told() -> None:
    stored = np.rint(SLOPE * 10).astype(np.uint8).astype(np.float32)
    text = few_levels(stored, KNOWN)
    assert text is not None
    assert text.startswith("it is quantised to 37 levels, 1 apart, so slopes come in stairs: ")


def test_what_is_not_rounded_has_no_levels() -> None:
    surfaces = np.where(SLOPE > 2, np.float32(3.5), np.float32(2.0))  # and what means make of them
    surfaces[:, :5] = np.arange(5) * 0.375 + 2
    for values in (SLOPE, np.rint(SLOPE * 1000), np.rint(SLOPE * 64), surfaces, SLOPE * 0):
        assert level_step(values.astype(np.float32), KNOWN) == 0
        assert few_levels(values.astype(np.float32), KNOWN) is None
    assert level_step(SLOPE, ~KNOWN) == 0
