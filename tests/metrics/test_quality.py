"""What each metric promises: properties, hand-computed values, and clear refusals."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gisr.errors import InputError
from gisr.metrics import ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang

quick = settings(max_examples=25, deadline=None)
level = st.floats(1.0, 2047.0, width=32)


def image(bands: int = 3) -> st.SearchStrategy[np.ndarray]:
    """Return positive float images of a few pixels, one spectrum a pixel."""
    shapes = st.tuples(st.integers(5, 8), st.integers(5, 8), st.just(bands))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=level))


def noisy(truth: np.ndarray, sigma: float = 9.0) -> np.ndarray:
    """Return the image with seeded Gaussian noise."""
    return truth + np.random.default_rng(7).normal(0.0, sigma, truth.shape)


TRUTH = np.random.default_rng(3).uniform(50.0, 200.0, (24, 20, 4))
ALL: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "psnr": lambda a, b: psnr(a, b, peak=255.0),
    "rmse": rmse,
    "sam": sam,
    "ergas": lambda a, b: ergas(a, b, ratio=4),
    "ssim_wang": lambda a, b: ssim_wang(a, b, peak=255.0),
    "ssim_skimage7": lambda a, b: ssim_skimage7(a, b, peak=255.0),
}
BEST = {
    "psnr": math.inf,
    "rmse": 0.0,
    "sam": 0.0,
    "ergas": 0.0,
    "ssim_wang": 1.0,
    "ssim_skimage7": 1.0,
}
BORDERED: dict[str, Callable[..., float]] = {
    "psnr": lambda a, b, **options: psnr(a, b, peak=255.0, **options),
    "rmse": rmse,
    "sam": sam,
    "ergas": lambda a, b, **options: ergas(a, b, ratio=4, **options),
}


@pytest.mark.parametrize("name", ALL)
def test_equal_images_are_perfect(name: str) -> None:
    assert ALL[name](TRUTH, TRUTH.copy()) == pytest.approx(BEST[name], abs=2e-6)


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_a_python_float(name: str) -> None:
    assert type(ALL[name](noisy(TRUTH), TRUTH)) is float


@pytest.mark.parametrize("name", ALL)
def test_input_is_left_alone_and_its_dtype_does_not_matter(name: str) -> None:
    whole = np.rint(TRUTH).astype(np.uint8)
    other = np.rint(noisy(TRUTH)).clip(0, 255).astype(np.uint8)
    before = whole.copy()
    # Unsigned differences would wrap if anything were computed in the input's own type.
    assert ALL[name](other, whole) == ALL[name](other.astype(np.float64), whole.astype(np.float64))
    np.testing.assert_array_equal(whole, before)


@pytest.mark.parametrize("name", BORDERED)
@pytest.mark.parametrize("border", [1, 8])
def test_border_equals_a_manual_crop(name: str, border: int) -> None:
    metric, estimate = BORDERED[name], noisy(TRUTH)
    inside = slice(border, -border)
    expected = metric(estimate[inside, inside], TRUTH[inside, inside])
    assert metric(estimate, TRUTH, border=border) == expected
    assert metric(estimate, TRUTH) != expected


@quick
@given(truth=image(), offset=st.floats(0.5, 100.0), gain=st.floats(0.25, 8.0))
def test_psnr_falls_by_the_gain_of_the_error(truth: np.ndarray, offset: float, gain: float) -> None:
    one = psnr(truth + offset, truth, peak=2047.0)
    assert one == pytest.approx(20 * math.log10(2047.0 / offset), abs=1e-6)
    louder = psnr(truth + gain * offset, truth, peak=2047.0)
    assert louder == pytest.approx(one - 20 * math.log10(gain), abs=1e-6)


@quick
@given(truth=image(), factor=st.floats(0.1, 10.0))
def test_psnr_does_not_change_when_images_and_peak_are_scaled(
    truth: np.ndarray, factor: float
) -> None:
    estimate = noisy(truth)
    assert psnr(estimate * factor, truth * factor, peak=255.0 * factor) == pytest.approx(
        psnr(estimate, truth, peak=255.0), abs=1e-9
    )


def test_psnr_is_joint_over_bands_not_the_mean_of_bands() -> None:
    truth = np.zeros((4, 4, 2))
    estimate = truth + np.array([1.0, 7.0])
    assert psnr(estimate, truth, peak=100.0) == pytest.approx(10 * math.log10(1e4 / 25.0))
    bands = [psnr(estimate[..., band], truth[..., band], peak=100.0) for band in (0, 1)]
    assert np.mean(bands) == pytest.approx(10 * math.log10(1e4 / 7.0))


def test_rmse_of_a_right_angle() -> None:
    assert rmse(np.array([[3.0, 4.0]]), np.zeros((1, 2))) == pytest.approx(math.sqrt(12.5))


@quick
@given(truth=image(4), factor=arrays(np.float64, (5, 5), elements=st.floats(0.01, 100.0)))
def test_sam_ignores_the_brightness_of_each_pixel(truth: np.ndarray, factor: np.ndarray) -> None:
    truth = truth[:5, :5]
    estimate = np.abs(noisy(truth)) + 1.0
    expected = sam(estimate, truth)
    assert sam(estimate * factor[..., None], truth) == pytest.approx(expected, abs=1e-5)
    assert sam(truth, estimate) == pytest.approx(expected, abs=1e-9)


def test_sam_is_in_degrees_and_drops_zero_spectra() -> None:
    truth = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]])
    estimate = np.array([[[0.0, 5.0], [2.0, 2.0], [3.0, 1.0], [0.0, 0.0]]])
    assert sam(estimate, truth) == pytest.approx((90.0 + 45.0) / 2, abs=1e-12)
    assert sam(-truth[:, :2], truth[:, :2]) == pytest.approx(180.0)


def test_sam_clips_a_cosine_that_rounds_above_one() -> None:
    spectra = np.random.default_rng(0).uniform(1.0, 2000.0, (40, 40, 4))
    unit = spectra / np.linalg.norm(spectra, axis=2, keepdims=True)
    norms = np.linalg.norm(unit, axis=2)
    cosine = np.sum(unit * unit, axis=2) / (norms * norms)
    assert cosine.max() > 1.0  # else this test shows nothing
    assert 0.0 <= sam(unit, unit) < 2e-6


@quick
@given(truth=image(), ratio=st.sampled_from([2, 2.5, 4, 8]))
def test_ergas_is_inverse_in_ratio_and_free_of_band_gains(truth: np.ndarray, ratio: float) -> None:
    estimate = noisy(truth)
    one = ergas(estimate, truth, ratio=1)
    assert ergas(estimate, truth, ratio=ratio) == pytest.approx(one / ratio)
    gains = np.array([0.5, 1.0, 40.0])
    assert ergas(estimate * gains, truth * gains, ratio=1) == pytest.approx(one)
    assert ergas(truth, truth, ratio=ratio) == 0.0


def test_ergas_divides_by_the_mean_of_the_truth() -> None:
    truth = np.stack([np.full((3, 3), 10.0), np.full((3, 3), 20.0)], axis=2)
    estimate = truth + np.array([1.0, 4.0])
    expected = 25.0 * math.sqrt((1 / 100 + 16 / 400) / 2)
    assert ergas(estimate, truth, ratio=4) == pytest.approx(expected)
    swapped = 25.0 * math.sqrt((1 / 121 + 16 / 576) / 2)
    assert ergas(truth, estimate, ratio=4) == pytest.approx(swapped)


@pytest.mark.parametrize("metric", [ssim_wang, ssim_skimage7])
def test_ssim_is_symmetric_and_the_mean_over_bands(metric: Callable[..., float]) -> None:
    estimate = noisy(TRUTH)
    joint = metric(estimate, TRUTH, peak=255.0)
    assert metric(TRUTH, estimate, peak=255.0) == pytest.approx(joint, abs=1e-12)
    bands = [metric(estimate[..., band], TRUTH[..., band], peak=255.0) for band in range(4)]
    assert joint == pytest.approx(np.mean(bands), abs=1e-12)


@pytest.mark.parametrize("metric", [ssim_wang, ssim_skimage7])
def test_ssim_is_free_of_scale_when_the_peak_follows(metric: Callable[..., float]) -> None:
    estimate = noisy(TRUTH)
    assert metric(estimate / 255, TRUTH / 255, peak=1.0) == pytest.approx(
        metric(estimate, TRUTH, peak=255.0), abs=1e-12
    )
    assert metric(estimate, TRUTH, peak=510.0) > metric(estimate, TRUTH, peak=255.0)


@quick
@given(data=st.data(), truth=image(1))
def test_valid_counts_exactly_the_true_pixels(data: st.DataObject, truth: np.ndarray) -> None:
    valid = data.draw(arrays(np.bool_, truth.shape[:2]))
    assume(valid.any())
    estimate = noisy(truth)
    chosen = (estimate[valid] - truth[valid]).ravel()
    expected = math.sqrt(sum(float(value) ** 2 for value in chosen) / len(chosen))
    assert rmse(estimate, truth, valid=valid) == pytest.approx(expected)
    unknown = np.where(valid[..., None], truth, np.nan)
    assert rmse(estimate, unknown, valid=valid) == pytest.approx(expected)
    assert psnr(estimate, unknown, peak=99.0, valid=valid) == pytest.approx(
        20 * math.log10(99.0 / expected)
    )


def test_border_and_valid_cut_together() -> None:
    truth = np.zeros((5, 5))
    estimate = np.full((5, 5), 100.0)
    estimate[2, 2] = 3.0
    valid = np.zeros((5, 5), dtype=bool)
    valid[2, 2] = valid[0, 0] = True
    assert rmse(estimate, truth, border=1, valid=valid) == pytest.approx(3.0)
    valid[2, 2] = False
    with pytest.raises(InputError, match="no pixel is left"):
        rmse(estimate, truth, border=1, valid=valid)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("estimate", "truth", "message"),
    [
        (TRUTH[:-1], TRUTH, "estimate has shape"),
        (TRUTH[..., 0], TRUTH[..., :1], "estimate has shape"),
        (TRUTH[0, 0], TRUTH[0, 0], r"expected \(H, W\)"),
        (TRUTH[None], TRUTH[None], r"expected \(H, W\)"),
        (TRUTH[:0], TRUTH[:0], "none of them 0"),
        (TRUTH * 1j, TRUTH, "complex128"),
        (TRUTH > 0, TRUTH, "bool"),
    ],
)
def test_what_is_not_a_pair_of_images_is_refused(
    name: str, estimate: np.ndarray, truth: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ALL[name](estimate, truth)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("which", ["estimate", "truth"])
def test_masked_pixels_are_refused(name: str, which: str) -> None:
    """As rasterio reads nodata: the fill value below the mask was compared, without a word."""
    images = {"estimate": noisy(TRUTH), "truth": TRUTH.copy()}
    images[which] = np.ma.MaskedArray(images[which], mask=np.zeros_like(TRUTH, bool))
    same = ALL[name](images["estimate"], images["truth"])
    assert same == ALL[name](noisy(TRUTH), TRUTH)
    images[which][0, 0, 1] = np.ma.masked
    with pytest.raises(InputError, match=f"{which} has NaN, infinity or a mask at 1 of"):
        ALL[name](images["estimate"], images["truth"])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", ["estimate", "truth"])
def test_non_finite_pixels_are_refused(name: str, value: float, which: str) -> None:
    images = {"estimate": noisy(TRUTH), "truth": TRUTH.copy()}
    images[which][0, 0, 1] = value
    with pytest.raises(InputError, match=f"{which} has NaN, infinity or a mask at 1 of"):
        ALL[name](images["estimate"], images["truth"])


@pytest.mark.parametrize("name", BORDERED)
def test_a_border_does_not_hide_non_finite_pixels(name: str) -> None:
    estimate = TRUTH.copy()
    estimate[0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        BORDERED[name](estimate, TRUTH, border=2)


@pytest.mark.parametrize("name", BORDERED)
@pytest.mark.parametrize("border", [-1, 10, 99])
def test_a_border_that_leaves_nothing_is_refused(name: str, border: int) -> None:
    with pytest.raises(InputError, match="use 0 to 9"):
        BORDERED[name](TRUTH, TRUTH, border=border)


@pytest.mark.parametrize("peak", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("metric", [psnr, ssim_wang, ssim_skimage7])
def test_a_peak_that_is_no_peak_is_refused(metric: Callable[..., float], peak: float) -> None:
    with pytest.raises(InputError, match="peak is"):
        metric(TRUTH, TRUTH, peak=peak)


def test_images_smaller_than_the_window_are_refused() -> None:
    with pytest.raises(InputError, match="11 x 11"):
        ssim_wang(TRUTH[:10], TRUTH[:10], peak=255.0)
    with pytest.raises(InputError, match="7 x 7"):
        ssim_skimage7(TRUTH[:, :6], TRUTH[:, :6], peak=255.0)
    assert ssim_wang(TRUTH[:11, :11], TRUTH[:11, :11], peak=255.0) == pytest.approx(1.0)
    assert ssim_skimage7(TRUTH[:7, :7], TRUTH[:7, :7], peak=255.0) == pytest.approx(1.0)


@pytest.mark.parametrize("ratio", [0.25, 0.0, -4.0, math.nan, math.inf])
def test_ergas_refuses_an_inverted_ratio(ratio: float) -> None:
    with pytest.raises(InputError, match="pass 4 for 4 x 4"):
        ergas(TRUTH, TRUTH, ratio=ratio)


def test_ergas_explains_a_band_of_mean_zero() -> None:
    truth = TRUTH.copy()
    truth[..., 2] = 0.0
    with pytest.raises(InputError, match="band 2 "):
        ergas(TRUTH, truth, ratio=4)


def test_sam_needs_spectra() -> None:
    with pytest.raises(InputError, match="two bands"):
        sam(TRUTH[..., 0], TRUTH[..., 0])
    with pytest.raises(InputError, match="undefined"):
        sam(np.zeros((3, 3, 2)), np.ones((3, 3, 2)))


@pytest.mark.parametrize(
    "valid", [np.ones((24, 20), dtype=np.uint8), np.ones((24, 20, 4), dtype=bool)]
)
def test_a_mask_of_another_kind_is_refused(valid: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"expected bool of shape \(24, 20\)"):
        rmse(TRUTH, TRUTH, valid=valid)
