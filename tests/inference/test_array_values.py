"""What of arrays counts: masks, declared pixels, and fill that nobody declared."""

import warnings

import numpy as np
import pytest
from tests.small_network import tiny_weights

from gisr.errors import InputError
from gisr.inference.array_pair import make_pair
from gisr.inference.upscaler import Upscaler

RNG = np.random.default_rng(6)
TARGET = RNG.uniform(100, 900, (40, 40, 3)).astype(np.float32)
GUIDE = RNG.uniform(100, 900, (160, 160)).astype(np.float32)
HOLE = np.add.outer(np.arange(40), np.arange(40)) < 14
WIDE = np.kron(HOLE, np.ones((4, 4), bool))


def test_masks_count() -> None:
    target = np.ma.masked_array(
        np.where(HOLE[..., None], -9999, TARGET), HOLE[..., None] & [True] * 3
    )
    guide = np.ma.masked_array(np.where(WIDE, 65535, GUIDE), WIDE)
    pair = make_pair(target, guide, "pansharpening")
    assert pair.valid is not None
    assert pair.guide_valid is not None
    np.testing.assert_array_equal(pair.valid, ~HOLE)
    np.testing.assert_array_equal(pair.guide_valid, ~WIDE)
    upscaler = Upscaler(tiny_weights(), "cpu")
    declared = upscaler(TARGET, GUIDE, "pansharpening", valid=~HOLE, guide_valid=~WIDE)
    result = upscaler(target, guide, "pansharpening")
    assert isinstance(result, np.ma.MaskedArray)
    np.testing.assert_array_equal(np.ma.getmaskarray(result)[..., 0], WIDE)
    np.testing.assert_allclose(result.data[~WIDE], declared[~WIDE], atol=1e-3)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_few_slices_in_one_array_are_told(count: int) -> None:
    low, high = RNG.random((16, 16, count)), RNG.random((64, 64, count))
    text = f"taken for one slice of {count} bands and {count} channels: .*upscaler.share"
    with pytest.warns(UserWarning, match=text):
        make_pair(low, high, "mri")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_pair(low[..., 0], high, "mri")  # several contrasts guide
        make_pair(low[..., :1], high[..., :1], "mri")
        grey_low, grey_high = (np.repeat(each[..., :1], count, 2) for each in (low, high))
        make_pair(grey_low, grey_high, "mri")  # grey pictures in colours
        if count == 3:
            make_pair(low, high, "pansharpening")


def test_fill_in_one_band_is_unknown_in_all() -> None:
    target = TARGET.copy()
    target[:3, :3, 1] = -9999
    text = r"target: -9999 in \d\.\d% of the pixels of band 2 is taken for unknown, and so are"
    with pytest.warns(UserWarning, match=text):
        pair = make_pair(target, GUIDE, "pansharpening")
    assert pair.valid is not None and pair.fill == -9999
    np.testing.assert_array_equal(pair.valid, target[..., 1] != -9999)


def test_other_values_of_one_band_are_told_and_stay_data() -> None:
    target = TARGET.copy()
    target[:8, :8, 1] = 9 * target.max()
    text = r"target: \d+.* of band 2 may be unknown: mark them with valid="
    with pytest.warns(UserWarning, match=text):
        pair = make_pair(target, GUIDE, "pansharpening")
    assert pair.valid is None or pair.valid.all()


def test_a_mask_of_one_band_is_told() -> None:
    mask = np.zeros(TARGET.shape, bool)
    mask[:3, :3, 1] = True
    with pytest.warns(UserWarning, match="masked in some bands"):
        pair = make_pair(np.ma.masked_array(TARGET, mask), GUIDE, "pansharpening")
    assert pair.valid is not None
    np.testing.assert_array_equal(pair.valid, ~mask.any(axis=2))


@pytest.mark.parametrize("task", ["pansharpening", "mri", "depth"])
def test_far_fill_is_unknown_in_every_task(task: str) -> None:
    target = np.where(HOLE, np.float32(-9999), TARGET[..., 0])
    upscaler = Upscaler(tiny_weights(), "cpu")
    depth = task == "depth"  # its unknown pixels are holes: the nearest known values stand in
    said = "hold -9999, .* are taken" if depth else r"-9999 in 6\.6% of the pixels is taken"
    with pytest.warns(UserWarning, match=f"{said} for unknown"):
        result = upscaler(target, GUIDE, task, grid="centre")  # type: ignore[arg-type]
    assert (result[WIDE] > 0).all() if depth else (result[WIDE] == -9999).all()
    assert result[~WIDE].min() > -500
    whole = upscaler(target, GUIDE, task, grid="centre", valid=np.ones((40, 40)))  # type: ignore[arg-type]
    assert whole[WIDE].min() < -5000, "what is said to be known is"


def test_bands_first_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"target of shape .* has its bands first"):
        make_pair(np.moveaxis(TARGET, -1, 0), GUIDE, "pansharpening")
    with pytest.raises(InputError, match=r"guide of shape .* has its bands first"):
        make_pair(TARGET, GUIDE[None], "pansharpening")
    make_pair(TARGET[:3, :30], GUIDE[:12, :120, None], "pansharpening")  # few rows, bands last


def test_masks_of_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="guide_valid"):
        make_pair(TARGET, GUIDE, "pansharpening", guide_valid=np.ones((40, 40)))
