"""The universal quality index and Q2n: textbook algebra, torchmetrics, and what they promise."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gisr.errors import InputError
from gisr.metrics import q2n, uqi

quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.05, 50.0)


def images(
    seed: int, bands: int = 4, height: int = 64, width: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Return an 11-bit estimate and truth whose bands resemble each other and are not alike."""
    source = np.random.default_rng(seed)
    common = source.gamma(2.0, 150.0, (height, width, 1))
    truth = common * source.uniform(0.3, 1.5, bands) + source.normal(0, 60, (height, width, bands))
    mixing = np.eye(bands) + source.normal(0.0, 0.2, (bands, bands))
    return truth @ mixing + source.normal(0, 40, truth.shape), truth


def conjugate(x: list[float]) -> list[float]:
    return [x[0], *(-value for value in x[1:])]


def quaternion_product(p: list[float], q: list[float]) -> list[float]:
    """Hamilton 1843: i^2 = j^2 = k^2 = ijk = -1."""
    a, b, c, d = p
    e, f, g, h = q
    return [
        a * e - b * f - c * g - d * h,
        a * f + b * e + c * h - d * g,
        a * g - b * h + c * e + d * f,
        a * h + b * g - c * f + d * e,
    ]


def octonion_product(p: list[float], q: list[float]) -> list[float]:
    """Cayley 1845, as pairs of quaternions: (a, b)(c, d) = (a c - d* b, d a + b c*)."""
    a, b, c, d = p[:4], p[4:], q[:4], q[4:]
    first = zip(quaternion_product(a, c), quaternion_product(conjugate(d), b), strict=True)
    second = zip(quaternion_product(d, a), quaternion_product(b, conjugate(c)), strict=True)
    return [x - y for x, y in first] + [x + y for x, y in second]


PRODUCTS = {
    1: lambda p, q: [p[0] * q[0]],
    2: lambda p, q: [p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]],
    4: quaternion_product,
    8: octonion_product,
}


def mean(numbers: list[list[float]]) -> list[float]:
    return [math.fsum(component) / len(numbers) for component in zip(*numbers, strict=True)]


def q2n_of_a_block(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Garzelli and Nencini 2009, pixel by pixel with the standard library; no normalisation."""
    size = truth.shape[2]
    product = PRODUCTS[size]
    x, y = truth.reshape(-1, size).tolist(), estimate.reshape(-1, size).tolist()
    mean_x, mean_y = mean(x), mean(y)
    pairs = mean([product(p, conjugate(q)) for p, q in zip(x, y, strict=True)])
    of_means = product(mean_x, conjugate(mean_y))
    covariance = math.hypot(*(p - q for p, q in zip(pairs, of_means, strict=True)))
    length_x, length_y = math.hypot(*mean_x), math.hypot(*mean_y)
    variances = sum(
        math.fsum(math.dist(p, centre) ** 2 for p in numbers) / len(numbers)
        for numbers, centre in ((x, mean_x), (y, mean_y))
    )
    return (2 * covariance / variances) * (2 * length_x * length_y / (length_x**2 + length_y**2))


def normalised(estimate: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring the truth to mean 1 and deviation 1, band by band, and the estimate by the same map."""
    centre, deviation = truth.mean(axis=(0, 1)), truth.std(axis=(0, 1), ddof=1)
    return (estimate - centre) / deviation + 1, (truth - centre) / deviation + 1


@pytest.mark.parametrize("bands", [1, 2, 4, 8])
def test_q2n_is_the_textbook(bands: int) -> None:
    estimate, truth = images(bands, bands, 16, 24)
    plain, scaled = [], []
    for row in (0, 8):
        for column in (0, 8, 16):
            part = slice(row, row + 8), slice(column, column + 8)
            plain.append(q2n_of_a_block(estimate[part], truth[part]))
            scaled.append(q2n_of_a_block(*normalised(estimate[part], truth[part])))
    found = q2n(estimate, truth, block=8, normalise=False)
    assert found == pytest.approx(np.mean(plain), abs=1e-12)
    assert q2n(estimate, truth, block=8) == pytest.approx(np.mean(scaled), abs=1e-12)


def test_missing_bands_are_zero() -> None:
    estimate, truth = images(1, 3)
    fourth = np.zeros((64, 64, 1))
    padded = (np.concatenate([image, fourth], axis=2) for image in (estimate, truth))
    assert q2n(estimate, truth) == q2n(*padded)
    one, other = estimate[:32, :32], truth[:32, :32]
    with_ones = (np.concatenate([v, fourth[:32, :32] + 1], 2) for v in normalised(one, other))
    assert q2n(one, other) == pytest.approx(q2n_of_a_block(*with_ones), abs=1e-12)


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5, 8, 11, 16])
@pytest.mark.parametrize("normalise", [True, False])
def test_equal_images_have_index_one(bands: int, normalise: bool) -> None:
    _, truth = images(2, bands)
    assert q2n(truth, truth, normalise=normalise) == pytest.approx(1.0, abs=1e-12)
    assert uqi(truth, truth) == pytest.approx(1.0, abs=1e-12)


@quick
@given(seed=seeds)
def test_one_band_of_q2n_is_uqi(seed: int) -> None:
    estimate, truth = images(seed, 1, 32, 32)
    expected = abs(uqi(estimate, truth))
    assert q2n(estimate, truth, normalise=False) == pytest.approx(expected, abs=1e-12)
    expected = abs(uqi(*normalised(estimate, truth)))
    assert q2n(estimate, truth) == pytest.approx(expected, abs=1e-12)


@quick
@given(seed=seeds, bands=st.integers(1, 8))
def test_q2n_lies_between_zero_and_one(seed: int, bands: int) -> None:
    estimate, truth = images(seed, bands)
    for normalise in (True, False):
        assert 0.0 <= q2n(estimate, truth, normalise=normalise) <= 1.0
    assert -1.0 <= uqi(estimate - estimate.mean(), truth) <= 1.0


@quick
@given(seed=seeds, gain=st.lists(gains, min_size=4, max_size=4), offset=st.floats(-500, 500))
def test_q2n_is_free_of_the_unit_of_each_band(seed: int, gain: list[float], offset: float) -> None:
    estimate, truth = images(seed)
    moved = (image * np.array(gain) + offset for image in (estimate, truth))
    assert q2n(*moved) == pytest.approx(q2n(estimate, truth), abs=1e-9)


@quick
@given(seed=seeds, gain=gains)
def test_scale_and_order_do_not_count(seed: int, gain: float) -> None:
    estimate, truth = images(seed)
    for index in (uqi, lambda a, b: q2n(a, b, normalise=False)):
        expected = index(estimate, truth)
        assert index(truth, estimate) == pytest.approx(expected, abs=1e-12)
        assert index(estimate * gain, truth * gain) == pytest.approx(expected, abs=1e-12)


@quick
@given(seed=seeds, gain=gains)
def test_uqi_of_a_gain_is_its_closed_form(seed: int, gain: float) -> None:
    _, truth = images(seed, 2)
    expected = (2 * gain / (1 + gain**2)) ** 2
    assert uqi(gain * truth, truth) == pytest.approx(expected, abs=1e-12)
    assert q2n(gain * truth, truth, normalise=False) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("side", [11, 21])
def test_uqi_is_torchmetrics_with_a_flat_window_at_every_block(side: int) -> None:
    from torchmetrics.functional.image import universal_image_quality_index  # slow to import

    estimate, truth = images(4, 3, 2 * side, 3 * side)
    one, other = (torch.from_numpy(v.transpose(2, 0, 1)[None].copy()) for v in (estimate, truth))
    # So wide a Gaussian is flat; torchmetrics' own windows slide, ours are every side-th of them.
    sliding = universal_image_quality_index(
        one, other, kernel_size=(side, side), sigma=(1e6, 1e6), reduction="none"
    )
    expected = float(sliding[..., ::side, ::side].mean())
    assert uqi(estimate, truth, block=side) == pytest.approx(expected, abs=1e-8)


def test_images_are_continued_by_reflection_to_whole_blocks() -> None:
    estimate, truth = images(5, 4, 40, 71)
    whole = (np.pad(v, ((0, 24), (0, 25), (0, 0)), mode="symmetric") for v in (estimate, truth))
    one, other = whole
    assert q2n(estimate, truth) == pytest.approx(q2n(one, other), abs=1e-12)
    assert uqi(estimate, truth) == pytest.approx(uqi(one, other), abs=1e-12)
    assert q2n(truth[:3, :5], truth[:3, :5]) == pytest.approx(1.0)


def test_a_border_is_cut_before_blocks_are() -> None:
    estimate, truth = images(6, 4, 48, 48)
    inside = slice(8, -8)
    assert q2n(estimate, truth, border=8) == q2n(estimate[inside, inside], truth[inside, inside])
    assert uqi(estimate, truth, border=8) == uqi(estimate[inside, inside], truth[inside, inside])


def test_blocks_with_unknown_pixels_are_left_out() -> None:
    estimate, truth = images(7)
    valid = np.ones((64, 64), dtype=bool)
    valid[40, 3] = False
    estimate[40, 3] = np.nan
    kept = [
        q2n(estimate[rows, columns], truth[rows, columns])
        for rows, columns in (
            (slice(0, 32), slice(0, 32)),
            (slice(0, 32), slice(32, 64)),
            (slice(32, 64), slice(32, 64)),
        )
    ]
    assert q2n(estimate, truth, valid=valid) == pytest.approx(np.mean(kept), abs=1e-12)
    valid[::32, ::32] = False
    with pytest.raises(InputError, match="no block of 32 x 32"):
        q2n(estimate, truth, valid=valid)


@pytest.mark.parametrize("level", [0.0, 1.0, 1234.5])
def test_two_constants_have_the_index_of_their_means(level: float) -> None:
    flat = np.full((32, 32), level)
    other = flat + 3.0
    expected = 2 * level * (level + 3) / (level**2 + (level + 3) ** 2)
    assert uqi(flat, flat) == 1.0
    assert uqi(other, flat) == pytest.approx(expected, abs=1e-12)
    assert q2n(other, flat, normalise=False) == pytest.approx(expected, abs=1e-12)


def test_a_constant_against_an_image_has_index_zero() -> None:
    _, truth = images(8, 1)
    flat = np.full_like(truth, truth.mean())
    assert uqi(flat, truth) == uqi(truth, flat) == 0.0
    assert q2n(flat, truth) == q2n(truth, flat) == 0.0


def test_a_band_constant_in_the_truth_must_be_the_same_in_the_estimate() -> None:
    estimate, truth = images(9, 4, 32, 64)
    truth[:, :32, 2] = estimate[:, :32, 2] = 255.0
    before = q2n(estimate, truth)
    assert before > 0.5
    # What float32 arithmetic does to a constant is no difference.
    rounded = estimate.copy()
    rounded[:, :32, 2] *= 1 + 1e-7 * np.random.default_rng(0).uniform(-1, 1, (32, 32))
    assert q2n(rounded, truth) == pytest.approx(before, abs=1e-6)
    estimate[:, :32, 2] = 254.0
    right = q2n(estimate[:, 32:], truth[:, 32:])
    assert q2n(estimate, truth) == pytest.approx(right / 2, abs=1e-12)


def test_rounding_of_a_constant_is_no_texture() -> None:
    source = np.random.default_rng(0)
    flat, other = (255 * (1 + 1e-7 * source.uniform(-1, 1, (32, 32))) for _ in range(2))
    assert uqi(flat, other) == pytest.approx(1.0, abs=1e-6)


def test_blocks_need_two_pixels() -> None:
    with pytest.raises(InputError, match="side 1"):
        uqi(np.ones((4, 4)), np.ones((4, 4)), block=1)
