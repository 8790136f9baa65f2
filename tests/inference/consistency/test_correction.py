"""Degrading a consistent result gives the target back, in one piece or in parts."""

from collections.abc import Callable

import numpy as np
import pytest

from gisr.data.degradations import kspace_centre, wald
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.data.resample import bicubic_to_target
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.consistency import correction as consistency
from gisr.inference.consistency.correction import (
    Consistency,
    consistent_kspace,
    consistent_rows,
)
from gisr.inference.tiling import Rows, gathered
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.placement import place_by_shape
from gisr.weights.store import Weights

RNG = np.random.default_rng(11)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Give each test the same numbers, whichever tests ran before it."""
    RNG.bit_generator.state = START


def smooth(shape: tuple[int, ...]) -> np.ndarray:
    noise = RNG.normal(size=shape)
    for axis in (0, 1):
        noise = np.cumsum(noise, axis=axis)
    scaled: np.ndarray = (1000 + 100 * noise / noise.std()).astype(np.float32)
    return scaled


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.parametrize("shape", [(16, 12), (15, 13), (16, 13), (32, 12), (32, 24)])
def test_kspace_is_exact_for_even_and_odd_sides(shape: tuple[int, int]) -> None:
    target, image = RNG.uniform(-450, 450, shape), RNG.uniform(-450, 450, (32, 36, 1))
    placement = place_by_shape(shape, (32, 36), "kspace", None)
    low = target[..., None].astype(np.float32)
    pair = Pair(low, image.astype(np.float32), "mri", placement, "kspace")
    found = Consistency()
    result = consistent_kspace(image.astype(np.float32), pair, found)
    np.testing.assert_allclose(kspace_centre(result[..., 0], shape), target, atol=1e-2)
    assert found.before > 100
    assert found.after < 1e-3
    # The nearest such image: doing it again changes nothing.
    again = consistent_kspace(result, pair, Consistency())
    np.testing.assert_allclose(again, result, atol=1e-2)


def test_magnitudes_are_consistent_and_not_negative() -> None:
    truth = smooth((64, 48)) - 900
    truth = np.where(truth < 60, 0, truth).astype(np.float32)  # with air around it
    pair = kspace_pair(truth, truth, 4)
    assert -0.2 * pair.target.max() < pair.target.min() < 0  # its ringing
    image, found = pair.on_guide_grid(), Consistency()
    result = consistent_kspace(0.9 * image + 5, pair, found)
    assert result.min() == 0
    assert found.after < 0.1 * found.before
    # Both sets hold the truth, so every turn comes nearer to it.
    assert rms(result[..., 0] - truth) < rms(np.maximum(image, 0)[..., 0] - truth)


def test_kspace_asks_nothing_of_unknown_pixels() -> None:
    target = RNG.uniform(-450, 450, (16, 12)).astype(np.float32)
    valid = np.ones((16, 12), bool)
    valid[3:6, 4:7] = False
    target[~valid] = np.nan
    guide = RNG.uniform(0, 900, (32, 24)).astype(np.float32)
    pair = make_pair(target, guide, "mri", valid=valid)
    image, found = np.full((32, 24, 1), 450, np.float32), Consistency()
    result = consistent_kspace(image, pair, found)
    low = kspace_centre(result[..., 0], (16, 12))
    np.testing.assert_allclose(low[valid], target[valid], atol=1e-2)
    np.testing.assert_allclose(low[~valid], 450, atol=1e-2)
    assert found.count == valid.sum()


@pytest.mark.parametrize("task", ["pansharpening", "depth"])
def test_a_wrong_result_is_made_consistent(task: str) -> None:
    truth = smooth((160, 128, 2 if task == "pansharpening" else 1))
    guide = smooth((160, 128, 1))
    if task == "pansharpening":
        pair = wald_pair(truth, guide, 4)
    else:
        pair = depth_pair(truth[..., 0], guide, 4)
    image = (0.9 * truth + 30 + RNG.normal(0, 5, truth.shape)).astype(np.float32)
    source, found = ArraySource(pair), Consistency()
    result = consistency.consistent_image(image, pair, source, found)
    if task == "pansharpening":
        left = wald(result, 4) - pair.target
    else:
        left = bicubic_to_target(result, pair.target.shape[:2], pair.placement) - pair.target
    assert found.before > 20
    assert rms(left) < 0.02 * found.before
    assert found.after == pytest.approx(rms(left), rel=0.05)
    assert found.count == pair.target.size
    assert rms(result - truth) < 0.3 * rms(image - truth)


def test_parts_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, guide = smooth((480, 400, 2)), smooth((480, 400, 1))
    pair = wald_pair(truth, guide, 4)
    image = (truth + RNG.normal(0, 30, truth.shape)).astype(np.float32)
    image[100:130, 50:90] = np.nan
    results = []
    for core, step in ((1000, 480), (24, 37)):
        monkeypatch.setattr(consistency, "_CORE", core)
        parts = (
            Rows(top, min(top + step, 480), image[top : top + step].copy())
            for top in range(0, 480, step)
        )
        source, found = ArraySource(pair), Consistency()
        rows = consistent_rows(parts, 2, source, found)
        results.append((gathered(rows, (480, 400), 2), found))
    (whole, first), (cut, second) = results
    known = ~np.isnan(image)
    np.testing.assert_array_equal(np.isnan(whole), ~known)
    moved = rms(whole[known] - image[known])
    assert moved > 1
    assert np.abs(cut[known] - whole[known]).max() < 0.02 * moved
    assert first.count == second.count
    assert second.after == pytest.approx(first.after, rel=0.05)


def test_unknown_target_pixels_pull_at_nothing() -> None:
    truth, guide = smooth((96, 96, 1)), smooth((96, 96, 1))
    pair = wald_pair(truth, guide, 4)
    valid = np.ones((24, 24), bool)
    valid[10:14, 10:14] = False
    target = np.where(valid[..., None], pair.target, np.float32(60000))
    spoilt = make_pair(target, guide, "pansharpening", valid=valid)
    found = Consistency()
    result = consistency.consistent_image(truth, spoilt, ArraySource(spoilt), found)
    assert rms(result - truth) < 1
    assert 0 < found.count < valid.sum()  # beside the hole, degrading would reach into it


def test_what_stands_in_for_unknown_pixels_pulls_at_nothing() -> None:
    """Results of arrays have values there, those of files have none: both agree where known."""
    truth, guide = smooth((96, 96, 2)), smooth((96, 96, 1))
    low = wald_pair(truth, guide, 4).target
    valid = np.ones((24, 24), bool)
    valid[10:14, 10:14] = False
    pair = make_pair(low, guide, "pansharpening", valid=valid)
    wide = np.kron(valid, np.ones((4, 4), bool))
    image = (0.9 * truth + 30).astype(np.float32)
    wrong = np.where(wide[..., None], image, image + np.float32(500))
    of_file = Rows(0, 96, np.where(wide[..., None], image, np.float32("nan")))
    source, found, again = ArraySource(pair), Consistency(), Consistency()
    expected = gathered(consistent_rows([of_file], 2, source, found), (96, 96), 2)
    result = consistency.consistent_image(wrong, pair, source, again)
    np.testing.assert_array_equal(result[wide], expected[wide])
    np.testing.assert_array_equal(result[~wide], wrong[~wide])
    assert rms(result[wide] - image[wide]) > 10
    assert again == found


def test_blocks_side_by_side_are_the_same_to_the_last_bit() -> None:
    pair = wald_pair(smooth((600, 700, 2)), smooth((600, 700, 2)), 4)
    image = smooth((600, 700, 2)) + np.random.default_rng(1).normal(0, 5, (600, 700, 2))
    image = image.astype(np.float32)
    image[:300, 400:] = np.nan
    results = []
    for at_once in (1, 4):
        found = Consistency()
        rows = consistent_rows([Rows(0, 600, image)], 2, ArraySource(pair), found, at_once)
        results.append((gathered(rows, (600, 700), 2), found))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
    assert results[0][1].before > 2 * results[0][1].after > 0


def test_rows_without_any_known_pixel_stay_unknown() -> None:
    pair = wald_pair(smooth((640, 32, 1)), smooth((640, 32, 1)), 4)
    image = smooth((640, 32, 1))
    parts = [Rows(0, 320, None), Rows(320, 640, image[320:])]
    rows = list(consistent_rows(parts, 1, ArraySource(pair), Consistency()))
    assert [(part.start, part.stop, part.image is None) for part in rows] == [
        (0, 256, True),
        (256, 512, False),
        (512, 640, False),
    ]


def test_the_upscaler_is_consistent_on_request_and_in_kspace(
    weights: Callable[..., Weights],
) -> None:
    upscaler = Upscaler(weights(), "cpu")
    pairs = [
        wald_pair(smooth((96, 96, 4)), smooth((96, 96, 1)), 4),
        kspace_pair(smooth((64, 48, 1))[..., 0], smooth((64, 48, 1))[..., 0], 4),
        depth_pair(smooth((96, 96, 1))[..., 0], smooth((96, 96, 1)), 8),
    ]
    for pair in pairs:
        plain = upscaler.answer(pair, Settings(align="off", consistent="never"))
        answer = upscaler.answer(pair, Settings(align="off", consistent="always"))
        assert plain.consistency is None and answer.consistency is not None
        assert answer.consistency.after < 0.1 * answer.consistency.before
        assert not np.array_equal(plain.image, answer.image)
        assert "% of its range" in answer.consistency.note
        expected = answer if pair.grid == "kspace" else plain
        np.testing.assert_array_equal(
            upscaler.answer(pair, Settings(align="off")).image, expected.image
        )
