"""Masks that differ: their rims are no motion of a head."""

import numpy as np
import pytest
from scipy import ndimage
from tests.volume_grids import placed

from gisr.estimation.volume_registration import find_volume_motion

SHAPE = 64, 64, 20


def head(offset: float) -> np.ndarray:
    """Return tissue, the middle of which lies off."""
    noise = np.random.default_rng(0).normal(size=SHAPE)
    smooth = ndimage.gaussian_filter(noise, (2.5, 2.5, 1.2), mode="wrap")
    tissue = 500 + 60 * smooth / smooth.std()
    return ndimage.shift(tissue, (0, offset, 0), order=3, mode="grid-wrap")


def disc(radius: float, offset: float) -> np.ndarray:
    x, y, _ = np.indices(SHAPE)
    return np.hypot(x - 31.5, y - 31.5 - offset) < radius


def found(offset: float, mask: np.ndarray) -> tuple[bool, tuple[float, float, float]]:
    """Look for the motion of a guide that a mask of its own cut."""
    target = np.where(disc(24, 0), 1000 - head(0), 0)
    low = target.reshape(64, 64, 10, 2).mean(3).astype(np.float32)
    guide = np.where(mask, head(offset), 0).astype(np.float32)
    motion = find_volume_motion(low, guide, placed(low.shape, guide.shape, (1, 1, 1)))
    return motion.applied, motion.offset


def test_a_mask_that_lies_off_is_no_motion() -> None:
    """The rims of both masks fit on each other two voxels aside, the tissue does not."""
    applied, _ = found(0, disc(24, 2))
    assert not applied


def test_a_masked_head_that_lies_off_is() -> None:
    applied, offset = found(2, disc(24, 2))
    assert applied
    assert offset == pytest.approx((0, 2, 0), abs=0.15)
