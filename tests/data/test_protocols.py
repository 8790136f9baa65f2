"""Reduced-resolution pairs: shapes, truths and what they are made of."""

import numpy as np
import pytest

from gisr.data.degradations import kspace_crop, wald
from gisr.data.protocols import depth_pair, kspace_pair, mean_pair, wald_pair
from gisr.data.resample import resize_pillow
from gisr.errors import InputError

RNG = np.random.default_rng(6)


def draw(*shape: int) -> np.ndarray:
    return RNG.uniform(1, 200, shape).astype(np.float32)


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_wald(ratio: int) -> None:
    multispectral, panchromatic = draw(50, 43, 4), draw(100, 86, 1)
    pair = wald_pair(multispectral, panchromatic, ratio, sensor="QuickBird", bits=11)
    rows, columns = 50 // ratio * ratio, 43 // ratio * ratio
    assert pair.target.shape == (rows // ratio, columns // ratio, 4)
    assert pair.guide.shape == (rows, columns, 1)
    assert pair.truth is not None
    np.testing.assert_array_equal(pair.truth, multispectral[:rows, :columns])
    np.testing.assert_array_equal(pair.target, wald(pair.truth, ratio, 0.31))
    reduced = resize_pillow(panchromatic, (50, 43))
    np.testing.assert_array_equal(pair.guide, reduced[:rows, :columns])
    assert (pair.ratio, pair.peak, pair.grid) == (pytest.approx(ratio), 2047, "centre")


@pytest.mark.parametrize("offset", [(1.0, -1.0), (0.4, 0.7), (-1.5, 0.0)])
def test_a_target_that_begins_elsewhere_lies_where_its_placement_says(
    offset: tuple[float, float],
) -> None:
    rows, columns = np.mgrid[:64, :64].astype(np.float32)
    slope = (3 * rows + 5 * columns)[..., None]
    pair = wald_pair(slope, draw(64, 64, 1), 4, offset=offset)
    inside = np.s_[12:-12, 12:-12]
    # A plane is neither blurred nor bent by the kernels: on the guide's grid it is itself again.
    np.testing.assert_allclose(pair.on_guide_grid()[inside], slope[inside], atol=0.02)
    nested = wald_pair(slope, draw(64, 64, 1), 4)
    moved = pair.target[4:-4, 4:-4] - nested.target[4:-4, 4:-4]
    np.testing.assert_allclose(moved, 3 * offset[0] + 5 * offset[1], atol=0.02)
    np.testing.assert_array_equal(pair.truth, nested.truth)


def test_a_panchromatic_image_on_the_grid_already_is_left_alone() -> None:
    guide = draw(16, 16, 1)
    np.testing.assert_array_equal(wald_pair(draw(16, 16, 3), guide, 2).guide, guide)


@pytest.mark.parametrize("ratio", [2, 4, 8])
def test_kspace(ratio: int) -> None:
    truth, guide = draw(48, 50), draw(48, 50)
    pair = kspace_pair(truth, guide, ratio, contrast="T2", guide_contrast="T1")
    np.testing.assert_array_equal(pair.target[..., 0], kspace_crop(truth, ratio))
    assert pair.truth is not None
    np.testing.assert_array_equal(pair.truth[..., 0], truth)
    assert (pair.grid, pair.contrast, pair.guide_contrast) == ("kspace", "T2", "T1")
    assert pair.peak == pytest.approx(truth.max())
    assert pair.on_guide_grid().shape == (48, 50, 1)


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_means_of_blocks(ratio: int) -> None:
    truth, guide = draw(50, 43), draw(50, 43)
    pair = mean_pair(truth, guide, ratio, contrast="T2", guide_contrast="T1")
    rows, columns = (side // ratio * ratio for side in truth.shape)
    assert pair.truth is not None
    np.testing.assert_array_equal(pair.truth[..., 0], truth[:rows, :columns])
    np.testing.assert_array_equal(pair.guide[..., 0], guide[:rows, :columns])
    assert pair.target.shape == (rows // ratio, columns // ratio, 1)
    assert pair.target[0, 1, 0] == pytest.approx(truth[:ratio, ratio : 2 * ratio].mean())
    assert (pair.grid, pair.contrast, pair.guide_contrast) == ("centre", "T2", "T1")
    assert (pair.ratio, pair.peak) == pytest.approx((ratio, truth[:rows, :columns].max()))


@pytest.mark.parametrize("ratio", [4, 8, 16])
def test_depth(ratio: int) -> None:
    truth, colour = draw(50, 67), draw(50, 67, 3)
    pair = depth_pair(truth, colour, ratio)
    rows, columns = 50 // ratio * ratio, 67 // ratio * ratio
    assert pair.target.shape == (rows // ratio, columns // ratio, 1)
    assert pair.truth is not None and pair.truth_valid is None
    np.testing.assert_array_equal(pair.truth[..., 0], truth[:rows, :columns])
    np.testing.assert_array_equal(pair.guide, colour[:rows, :columns])


def test_holes_do_not_leak_into_the_reduced_depth() -> None:
    truth, valid = np.full((16, 16), 5.0, np.float32), np.ones((16, 16), bool)
    truth[3:6, 3:6], valid[3:6, 3:6] = 0, False
    pair = depth_pair(truth, draw(16, 16, 3), 4, valid=valid)
    np.testing.assert_allclose(pair.target, 5.0, rtol=1e-6)
    np.testing.assert_array_equal(pair.truth_valid, valid)


def test_images_smaller_than_the_ratio_are_refused() -> None:
    with pytest.raises(InputError, match="smaller than the ratio"):
        wald_pair(draw(3, 9, 4), draw(3, 9, 1), 4)
    with pytest.raises(InputError, match="smaller than the ratio"):
        depth_pair(draw(9, 12), draw(9, 12, 3), 16)
