"""A guide that was enlarged from pixels as coarse as its target's is told from one that was not."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.phantoms import satellite_scene
from gisr.estimation.guide_detail import is_enlarged

SCENE = satellite_scene(192)
PAN = SCENE.panchromatic[..., 0].astype(np.float64)


def means(image: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    rows, columns = image.shape
    return image.reshape(rows // size, size, columns // size, size).mean(axis=(1, 3))


def enlarged(image: NDArray[np.float64], size: int, order: int) -> NDArray[np.float64]:
    """Return repeated pixels (0), straight lines (1) or cubics (3)."""
    found: NDArray[np.float64] = ndimage.zoom(
        image, size, order=order, grid_mode=True, mode="nearest"
    )
    return found


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_enlarged_guides_are_seen(ratio: int, order: int) -> None:
    guide = enlarged(means(PAN, ratio), ratio, order)
    assert is_enlarged(guide, (ratio, ratio))
    assert is_enlarged(guide.round(), (ratio, ratio))


@pytest.mark.parametrize("ratio", [1.0, 2.0, 2.5, 4.0])
def test_others_are_not(ratio: float) -> None:
    assert not is_enlarged(PAN, (ratio, ratio))
    assert not is_enlarged(np.full((64, 64), 7.0), (ratio, ratio))
    assert not is_enlarged(PAN[:16, :16], (ratio, ratio))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_half_the_detail_is_detail(order: int) -> None:
    assert not is_enlarged(enlarged(means(PAN, 2), 2, order), (4.0, 4.0))
