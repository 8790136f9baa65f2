"""Turning images and turning answers back; the ensemble is the mean over turned pairs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gisr.data.pair import Pair
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.self_ensemble import SYMMETRIES, Moments, Symmetry
from gisr.inference.upscaler import Upscaler
from gisr.placement import Placement
from gisr.weights.store import Weights

ALIGNED, TURNED = Settings(align="off"), Settings(align="off", spread=True)
RNG = np.random.default_rng(5)


def satellite_pair() -> Pair:
    target = RNG.uniform(200, 1800, (24, 20, 3)).astype(np.float32)
    return make_pair(target, RNG.uniform(0, 2000, (96, 80)), "pansharpening")


def test_the_eight_symmetries_differ_and_are_undone() -> None:
    image = RNG.random((3, 5, 2))
    turned = [symmetry.apply(image) for symmetry in SYMMETRIES]
    for symmetry, result in zip(SYMMETRIES, turned, strict=True):
        np.testing.assert_array_equal(symmetry.undo(result), image)
    seen = {result.tobytes() for result in turned}
    assert len(seen) == 8


def test_moments_are_those_of_numpy() -> None:
    images = RNG.normal(1000, 3, (8, 4, 5, 2)).astype(np.float32)
    moments = Moments()
    for image in images:
        moments.add(image)
    np.testing.assert_allclose(moments.mean, images.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(moments.spread, images.std(axis=0), rtol=1e-3)


def turned_pair(pair: Pair, symmetry: Symmetry) -> Pair:
    """Turn both files and how they lie, as if the instrument had flown another way."""
    target, guide = symmetry.apply(pair.target), symmetry.apply(pair.guide)
    rows, columns = np.indices(pair.guide.shape[:2])
    lies = [
        axis * s + o
        for axis, s, o in zip(
            (rows, columns), pair.placement.scale, pair.placement.offset, strict=True
        )
    ]
    # Target index of the first turned guide pixels, found by turning the indices themselves.
    numbers = np.arange(pair.target[..., 0].size).reshape(pair.target.shape[:2])
    turned_numbers = symmetry.apply(numbers[..., None])[..., 0]
    down, across = (symmetry.apply(np.asarray(lie)[..., None])[..., 0] for lie in lies)
    origin = np.unravel_index(turned_numbers[0, 0], pair.target.shape[:2])
    step_down = np.subtract(np.unravel_index(turned_numbers[1, 0], pair.target.shape[:2]), origin)
    step_across = np.subtract(np.unravel_index(turned_numbers[0, 1], pair.target.shape[:2]), origin)
    away = np.array([down[0, 0] - origin[0], across[0, 0] - origin[1]])
    scale = pair.placement.scale if symmetry.turns % 2 == 0 else pair.placement.scale[::-1]
    placement = Placement(scale, (float(step_down @ away), float(step_across @ away)))
    return replace(pair, target=target, guide=guide, placement=placement)


@pytest.mark.parametrize("offset", [(-0.375, -0.375), (0.3, -0.9)])
def test_the_ensemble_is_the_mean_over_turned_pairs(
    weights: Callable[..., Weights], offset: tuple[float, float]
) -> None:
    upscaler = Upscaler(weights(), "cpu")
    pair = replace(satellite_pair(), placement=Placement((0.25, 0.25), offset))
    answers = [s.undo(upscaler.answer(turned_pair(pair, s), ALIGNED).image) for s in SYMMETRIES]
    answer = upscaler.answer(pair, TURNED)
    assert answer.spread is not None
    np.testing.assert_allclose(answer.image, np.mean(answers, axis=0), rtol=1e-4, atol=0.05)
    np.testing.assert_allclose(answer.spread, np.std(answers, axis=0), rtol=1e-2, atol=0.05)
    assert answer.spread.mean() > 1  # a network that was never trained is unsure


def test_a_kspace_pair_is_turned_on_the_guides_grid(weights: Callable[..., Weights]) -> None:
    upscaler = Upscaler(weights(), "cpu")
    pair = make_pair(RNG.uniform(0, 900, (16, 12)), RNG.uniform(0, 900, (64, 48)), "mri")
    filled = pair.on_guide_grid()
    # The file itself flipped would lie elsewhere: k-space grids are not symmetric.
    flipped = make_pair(np.flip(pair.target), np.flip(pair.guide), "mri").on_guide_grid()
    assert np.abs(np.flip(flipped) - filled).max() > 10
    answer, plain = (
        upscaler.answer(pair, TURNED),
        upscaler.answer(pair, ALIGNED),
    )
    assert answer.spread is not None and answer.spread.mean() > 1
    # Turned in place, the answers lie around one image: none is off by a part of a pixel.
    assert np.abs(answer.image - plain.image).mean() < 2 * answer.spread.mean()


def test_tiles_have_the_spread_too(weights: Callable[..., Weights]) -> None:
    made, pair = weights(), satellite_pair()
    whole = Upscaler(made, "cpu").answer(pair, TURNED)
    tiled = Upscaler(made, "cpu", tile=64, overlap=16).answer(pair, TURNED)
    assert whole.spread is not None and tiled.spread is not None
    # Attention sees less in a tile: alike, not equal.
    correlation = np.corrcoef(whole.spread.ravel(), tiled.spread.ravel())[0, 1]
    assert correlation > 0.8
    assert tiled.spread.mean() == pytest.approx(whole.spread.mean(), rel=0.1)
