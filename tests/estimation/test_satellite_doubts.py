"""What a satellite pair's own measurements say against its result, and what they do not."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.estimation.noise import block_steps
from gisr.inference.array_pair import make_pair
from gisr.inference.pair_doubts import pair_doubts
from gisr.inference.windowed_pair import ArraySource

SCENE = satellite_scene(256)
PAIR = wald_pair(SCENE.multispectral, SCENE.panchromatic, 4)


def said(pair: Pair) -> list[str]:
    return [note.text for note in pair_doubts(ArraySource(pair), "warning")]


def noisy(share: float) -> Pair:
    """The pair with white noise of a share of the contrast of each band of its target."""
    target = PAIR.target
    noise = np.random.default_rng(5).standard_normal(target.shape) * target.std(axis=(0, 1))
    return replace(PAIR, target=(target + share * noise).astype(np.float32))


def test_a_guide_in_negative_is_told() -> None:
    negative = replace(PAIR, guide=PAIR.guide.max() - PAIR.guide)
    (text,) = said(negative)
    assert text.startswith(
        "the PAN image is dark where the MS image is bright (correlation -1.00)"
    ), text
    assert "invert it first" in text
    assert ArraySource(negative).sensor_model.signs.likeness == pytest.approx(
        -ArraySource(PAIR).sensor_model.signs.likeness, abs=0.01
    )


def test_guides_that_are_right_are_no_negatives() -> None:
    assert said(PAIR) == []
    assert PAIR.truth is not None
    infrared = replace(PAIR, target=PAIR.target[..., :3], guide=PAIR.truth[..., 3:], truth=None)
    assert said(infrared) == []
    # Bare ground that is bright is cool: a thermal band may be dark where its guide is bright.
    rng = np.random.default_rng(2)
    own = PAIR.target[..., :1].std() * rng.standard_normal(PAIR.target[..., :1].shape)
    thermal = 4000 - PAIR.target[..., :1] + own.astype(np.float32)
    assert said(replace(PAIR, target=thermal, truth=None)) == []


@pytest.mark.parametrize(("size", "order"), [(2, 0), (3, 1), (4, 0), (4, 1), (4, 3)])
def test_a_target_that_was_enlarged_is_told(size: int, order: int) -> None:
    """To the grid of its guide by 4, or by some of it; as the guide's is, whatever the kernel."""
    zoom = (size, size, 1)
    large = ndimage.zoom(PAIR.target, zoom, order=order, grid_mode=True, mode="nearest")
    side = min(large.shape[0], PAIR.guide.shape[0])
    pair = make_pair(large[:side, :side], PAIR.guide, "pansharpening")
    (text,) = [text for text in said(pair) if "pixels two to four times as large" in text]
    assert (
        text.startswith("the MS image shows nothing finer than") and "as it was delivered" in text
    )


@pytest.mark.parametrize("height", [300.0, 3000.0])
def test_an_island_in_the_sea_is_not_enlarged(height: float) -> None:
    """Its edge has nearly all the contrast, and is smooth."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:80, :80]
    sea = 200 + 2 * rng.standard_normal((80, 80, 3))
    island = ndimage.gaussian_filter((np.hypot(y - 40, x - 42) < 4).astype(float), 1)
    whole = sea + height * island[..., None]
    calm = np.rint(200 + (whole - 200) * np.where(island[..., None] > 0.01, 1, 0.3))  # few levels
    for low in (whole, calm):
        pair = make_pair(low.astype(np.float32), rng.random((320, 320)), "pansharpening")
        assert not [text for text in said(pair) if "times as large" in text]


def test_a_guide_without_detail_of_its_own_is_told() -> None:
    own = PAIR.on_guide_grid().mean(axis=2, keepdims=True)
    (text,) = said(replace(PAIR, guide=own))
    assert text.startswith("the PAN image shows nothing finer than the MS image does"), text
    known = np.ones(PAIR.guide.shape[:2], bool)
    known[:9] = False
    (text,) = said(replace(PAIR, guide=own, guide_valid=known))
    assert text.startswith("the PAN image shows nothing finer"), text
    assert said(replace(PAIR, guide_valid=known)) == []


@pytest.mark.parametrize(
    ("share", "told"), [(0.0, False), (0.05, False), (0.15, True), (0.3, True)]
)
def test_strong_noise_is_told(share: float, told: bool) -> None:
    texts = said(noisy(share))
    assert len(texts) == told
    if told:
        assert texts[0].startswith("the MS image is noisy (by "), texts
        assert "denoise it first" in texts[0]
        found = ArraySource(noisy(share)).sensor_model.signs.noise_share
        assert 0.7 * share < found < 1.1 * share


def test_noise_of_one_band_alone_is_not_judged() -> None:
    one = noisy(0.3)
    assert said(replace(one, target=one.target[..., :1], truth=None)) == []


@pytest.mark.parametrize("quality", [None, 95, 20])
def test_blocks_of_strong_jpeg_are_told(quality: int | None) -> None:
    levels = np.clip(PAIR.target[..., :3] * (255 / PAIR.target.max()), 0, 255).astype(np.uint8)
    if quality is not None:
        stored = BytesIO()
        Image.fromarray(levels).save(stored, "JPEG", quality=quality)
        levels = np.asarray(Image.open(stored))
    texts = said(replace(PAIR, target=levels.astype(np.float32), truth=None))
    assert len(texts) == (quality == 20)
    if texts:
        assert texts[0].startswith("the MS image shows blocks of 8 x 8 pixels"), texts
    hot = PAIR.target.copy()
    hot[30, 30] = 1000 * hot.max()
    assert block_steps(hot) < 1.2
    enlarged = PAIR.target.repeat(2, 0).repeat(2, 1)
    assert block_steps(enlarged) < 1.2


@pytest.mark.parametrize("offset", [0, 3])
def test_fields_of_eight_pixels_are_no_blocks_of_jpeg(offset: int) -> None:
    rng = np.random.default_rng(3)
    fields = np.kron(rng.uniform(200, 1000, (9, 9)), np.ones((32, 32)))
    fields = fields[4 * offset :, 4 * offset :][:256, :256] + rng.normal(0, 10, (256, 256))
    truth = fields[..., None] * np.array([1.0, 1.1, 0.9, 2.0])
    pair = wald_pair(truth.astype(np.float32), fields[..., None].astype(np.float32), 4)
    assert block_steps(pair.target) > 2  # what the guide explains
    assert said(pair) == []
