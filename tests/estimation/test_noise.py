"""The noise of volumes, beside their tissue and their air."""

import numpy as np
import pytest
from scipy import ndimage

from gisr.estimation.noise import DETAIL, volume_noise

RNG = np.random.default_rng(0)
SHAPE = 96, 80, 12


def anatomy() -> np.ndarray:
    tissue = 300 + 100 * np.sign(ndimage.gaussian_filter(RNG.normal(size=SHAPE), (6, 6, 2)))
    tissue[:24] = 0
    return tissue.astype(np.float32)


@pytest.mark.parametrize("across", [0, 1, 2])
@pytest.mark.parametrize("offset", [0.0, -250.0])
def test_noise_is_found_in_tissue(across: int, offset: float) -> None:
    """Magnitudes and standardised values; the air is blank, which is no noise."""
    volume = anatomy()
    noisy = volume + np.where(volume > 0, RNG.normal(scale=8, size=SHAPE), 0)
    assert volume_noise((noisy + offset).astype(np.float32), across) == pytest.approx(8, rel=0.2)
    assert volume_noise(volume + np.float32(offset), across) < 1


def test_second_differences_keep_the_variance_of_white_noise() -> None:
    noise = RNG.normal(scale=3, size=(400, 400))
    assert ndimage.convolve(noise, DETAIL, mode="wrap").std() == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("shape", [(5, 96, 4), (12, 12, 1), (96, 7, 4)])
def test_volumes_without_blocks_enough_tell_nothing(shape: tuple[int, int, int]) -> None:
    noise = RNG.normal(scale=3, size=shape).astype(np.float32)
    assert volume_noise(noise, 2) == 0
