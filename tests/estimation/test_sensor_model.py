"""Blur and noise of a satellite target, found from the pair; and what they decide."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gisr.data.degradations import wald
from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.data.resample import bicubic_to_target
from gisr.estimation.sensor_model import SensorModel
from gisr.inference.answers import Settings
from gisr.inference.consistency import correction as consistency
from gisr.inference.consistency.back_projection import above_noise, smaller
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.weights.store import Weights

SCENE = satellite_scene(256)
RNG = np.random.default_rng(5)


def seen_through(gain: float) -> Pair:
    """A pair whose target was blurred by a gain, while its sensor is unknown: 0.3 is tabled."""
    pair = wald_pair(SCENE.multispectral, SCENE.panchromatic, 4)
    return replace(pair, target=wald(SCENE.multispectral, 4, gain))


def error_with(sensor_model: SensorModel, image: np.ndarray, pair: Pair) -> float:
    """The mean error of an image that was made consistent with a pair's target."""
    source = ArraySource(pair)
    source.sensor_model = sensor_model
    result = consistency.consistent_image(image, pair, source, consistency.Consistency())
    assert pair.truth is not None
    return float(np.abs(result - pair.truth).mean())


@pytest.mark.parametrize("gain", [0.15, 0.3, 0.45])
def test_the_gain_is_found(gain: float) -> None:
    found = ArraySource(seen_through(gain)).sensor_model
    assert found.measured
    measured, largest = found.gains
    assert measured == pytest.approx(gain, abs=0.05)
    # A larger one replaces the tabled one, a smaller one stands beside it.
    assert largest == max(measured, 0.3)
    assert f"a gain of {measured:.2f}" in found.note("MS image")
    assert ("up to 0.30" in found.note("MS image")) == (measured < 0.3)


def test_gaps_and_saturation_do_not_blur() -> None:
    """Half of the guide is unknown, filled by whatever, or the brightest are saturated."""
    pair = seen_through(0.4)
    guide_valid = np.add.outer(np.arange(256), np.arange(256)) > 256
    half = replace(
        pair,
        guide=np.where(guide_valid[..., None], pair.guide, np.float32(9e4)),
        guide_valid=guide_valid,
    )
    limits = (np.float32(np.quantile(image, 0.97)) for image in (pair.target, pair.guide))
    low, high = (np.minimum(i, m) for i, m in zip((pair.target, pair.guide), limits, strict=True))
    for name, each in {"half": half, "limit": replace(pair, target=low, guide=high)}.items():
        found = ArraySource(each).sensor_model
        assert found.measured, name
        assert found.gains[0] == pytest.approx(0.4, abs=0.06), name


def reduced_by_bicubic() -> Pair:
    pair = wald_pair(SCENE.multispectral, SCENE.panchromatic, 4)
    assert pair.truth is not None
    shape = pair.target.shape[0], pair.target.shape[1]
    return replace(pair, target=bicubic_to_target(pair.truth, shape, pair.placement))


def test_a_bicubic_kernel_is_told_from_an_mtf() -> None:
    found = ArraySource(reduced_by_bicubic()).sensor_model
    assert found.bicubic and found.measured
    assert found.reductions == (None,)
    assert found.note("MS image") == "the MS image looks reduced by a bicubic kernel"
    # This MTF comes nearest to it.
    nearest = ArraySource(seen_through(found.gains[0])).sensor_model
    assert not nearest.bicubic
    assert nearest.reductions == (nearest.gains[0],)


def test_a_perfect_result_is_not_spoilt_by_the_wrong_kernel() -> None:
    pair = reduced_by_bicubic()
    assert pair.truth is not None
    recognised = ArraySource(pair).sensor_model
    mistaken = replace(recognised, bicubic=False)
    wrong, right = (error_with(each, pair.truth, pair) for each in (mistaken, recognised))
    assert right < 0.01 * wrong


def test_the_noise_is_found() -> None:
    pair = seen_through(0.3)
    clean = ArraySource(pair).sensor_model.noise
    level = 4 * clean.max()
    noise = RNG.normal(0, level, pair.target.shape).astype(np.float32)
    found = ArraySource(replace(pair, target=pair.target + noise)).sensor_model.noise
    assert found.shape == (4,)
    np.testing.assert_allclose(found, level, rtol=0.3)


def test_unknown_pixels_and_what_the_guide_does_not_show_count_for_nothing() -> None:
    pair = seen_through(0.45)
    valid = np.ones(pair.target.shape[:2], bool)
    valid[:20, 30:50] = False
    spoilt = np.where(valid[..., None], pair.target, np.float32(60000))
    found = ArraySource(replace(pair, target=spoilt, valid=valid)).sensor_model
    assert found.gains[0] == pytest.approx(0.45, abs=0.07)


@pytest.mark.parametrize("case", ["unlike", "small", "flat", "bands"])
def test_what_cannot_be_measured_is_left_as_the_network_gives_it(
    weights: Callable[..., Weights], case: str
) -> None:
    pair = seen_through(0.45)
    if case == "unlike":
        pair = replace(pair, guide=RNG.uniform(0, 900, pair.guide.shape).astype(np.float32))
    elif case == "flat":
        pair = replace(pair, guide=np.full_like(pair.guide, 7))
    elif case == "bands":  # so many that they explain a guide that shows something else
        pair = replace(
            wald_pair(SCENE.multispectral[:104, :104], SCENE.panchromatic[:104, :104], 4),
            target=RNG.uniform(0, 900, (26, 26, 100)).astype(np.float32),
            truth=None,
        )
    else:
        pair = wald_pair(SCENE.multispectral[:48, :48], SCENE.panchromatic[:48, :48], 4)
    found = ArraySource(pair).sensor_model
    assert not found.measured and found.gains == (0.3, 0.3)
    assert "cannot be estimated" in found.note("MS image")
    upscaler = Upscaler(weights(), "cpu")
    answer = upscaler.answer(pair, Settings(align="off"))
    assert answer.consistency is None
    np.testing.assert_array_equal(
        answer.image, upscaler.answer(pair, Settings(align="off", consistent="never")).image
    )
    assert upscaler.answer(pair, Settings(align="off", consistent="always")).consistency is not None


def test_satellite_results_are_consistent_by_default(weights: Callable[..., Weights]) -> None:
    upscaler, pair = Upscaler(weights(), "cpu"), seen_through(0.45)
    answer = upscaler.answer(pair, Settings(align="off"))
    assert answer.consistency is not None
    assert answer.consistency.after < 0.5 * answer.consistency.before
    asked = upscaler.answer(pair, Settings(align="off", consistent="always"))
    np.testing.assert_array_equal(answer.image, asked.image)


def test_the_measured_gain_brings_a_result_nearer_to_the_truth() -> None:
    pair, image = seen_through(0.5), seen_through(0.5).on_guide_grid()
    tabled, measured = (ArraySource(each).sensor_model for each in (seen_through(0.3), pair))
    assert error_with(measured, image, pair) < 0.99 * error_with(tabled, image, pair)


def test_noise_is_not_made_consistent_with() -> None:
    counted = np.ones((40, 40), bool)
    noise = np.array([3.0, 3.0], np.float32)
    missing = RNG.normal(0, 0.8 * noise, (40, 40, 2)).astype(np.float32)
    missing[10:20, 10:20, 1] += 50
    shrunk = above_noise(missing, counted, noise)
    assert np.abs(shrunk[..., 0]).mean() < 0.1 * np.abs(missing[..., 0]).mean()
    np.testing.assert_allclose(shrunk[12:18, 12:18, 1], missing[12:18, 12:18, 1], rtol=0.02)
    np.testing.assert_array_equal(above_noise(missing, counted, np.zeros(2)), missing)


def test_of_two_residuals_the_smaller_counts_where_they_agree() -> None:
    first, second = np.array([1.0, -2, 3, 0]), np.array([2.0, -1, -3, 4])
    np.testing.assert_array_equal(smaller(first, second), [1, -1, 0, 0])
