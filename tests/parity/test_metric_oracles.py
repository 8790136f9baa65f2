"""Metrics against independent oracles: other libraries, plain loops, and published numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.metrics import ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang

skimage_metrics = pytest.importorskip("skimage.metrics")


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Return a seeded 11-bit four-band estimate and truth with some black pixels."""
    source = np.random.default_rng(11)
    truth = np.rint(source.gamma(2.0, 150.0, (37, 41, 4))).clip(0, 2047)
    estimate = (truth + source.normal(0.0, 25.0, truth.shape)).clip(0, 2047)
    truth[3:5, 7] = 0.0
    estimate[20, 1:4] = 0.0
    return estimate, truth


@pytest.fixture(scope="module")
def camera() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-image's camera picture, noisy as in that project's tests, and clean."""
    data = pytest.importorskip("skimage.data")
    clean = data.camera()
    # The published values were computed with NumPy's legacy generator and this seed.
    noise = np.random.RandomState(5).randn(*clean.shape)
    return np.clip(clean + 20.0 * noise, 0, 255).astype(np.uint8), clean


def sam_by_loops(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Yuhas et al. 1992, pixel by pixel with the standard library."""
    angles = []
    for a, b in zip(estimate.reshape(-1, 4).tolist(), truth.reshape(-1, 4).tolist(), strict=True):
        length = math.hypot(*a) * math.hypot(*b)
        if length > 0:
            cosine = math.fsum(x * y for x, y in zip(a, b, strict=True)) / length
            angles.append(math.degrees(math.acos(min(1.0, cosine))))
    return math.fsum(angles) / len(angles)


def ergas_by_loops(estimate: np.ndarray, truth: np.ndarray, ratio: float) -> float:
    """Wald 2000, band by band with the standard library."""
    terms = []
    for band in range(truth.shape[2]):
        a, b = estimate[..., band].ravel().tolist(), truth[..., band].ravel().tolist()
        error = math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / len(a)
        terms.append(error / (math.fsum(b) / len(b)) ** 2)
    return 100.0 / ratio * math.sqrt(math.fsum(terms) / len(terms))


def ssim_by_windows(
    estimate: np.ndarray, truth: np.ndarray, weights: np.ndarray, peak: float, sample: float
) -> float:
    """Wang et al. 2004, window by window: weighted moments, `sample` scales the covariances."""
    size = len(weights)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    values = []
    for y in range(truth.shape[0] - size + 1):
        for x in range(truth.shape[1] - size + 1):
            a = estimate[y : y + size, x : x + size]
            b = truth[y : y + size, x : x + size]
            mean_a, mean_b = float((weights * a).sum()), float((weights * b).sum())
            var_a = sample * float((weights * (a - mean_a) ** 2).sum())
            var_b = sample * float((weights * (b - mean_b) ** 2).sum())
            cov = sample * float((weights * (a - mean_a) * (b - mean_b)).sum())
            above = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
            values.append(above / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    return math.fsum(values) / len(values)


def test_psnr_is_scikit_images(pair: tuple[np.ndarray, np.ndarray]) -> None:
    estimate, truth = pair
    expected = skimage_metrics.peak_signal_noise_ratio(truth, estimate, data_range=2047)
    assert psnr(estimate, truth, peak=2047) == pytest.approx(expected, abs=1e-12)


def test_ssim_wang_is_scikit_images_with_wangs_options(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    estimate, truth = pair
    expected = skimage_metrics.structural_similarity(
        truth,
        estimate,
        data_range=2047,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
    )
    assert ssim_wang(estimate, truth, peak=2047) == pytest.approx(expected, abs=1e-12)


def test_ssim_wang_is_the_paper_window_by_window(pair: tuple[np.ndarray, np.ndarray]) -> None:
    estimate, truth = (values[:, :, 0] for values in pair)
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(line, line) / line.sum() ** 2
    expected = ssim_by_windows(estimate, truth, weights, 2047.0, 1.0)
    assert ssim_wang(estimate, truth, peak=2047) == pytest.approx(expected, abs=1e-12)


def test_ssim_skimage7_is_the_definition_window_by_window(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    estimate, truth = (values[:, :, 1] for values in pair)
    expected = ssim_by_windows(estimate, truth, np.full((7, 7), 1 / 49), 2047.0, 49 / 48)
    assert ssim_skimage7(estimate, truth, peak=2047) == pytest.approx(expected, abs=1e-12)


def test_sam_is_the_loop(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert sam(*pair) == pytest.approx(sam_by_loops(*pair), abs=1e-12)


@pytest.mark.parametrize("ratio", [2, 4])
def test_ergas_is_the_loop(pair: tuple[np.ndarray, np.ndarray], ratio: float) -> None:
    assert ergas(*pair, ratio=ratio) == pytest.approx(ergas_by_loops(*pair, ratio), rel=1e-13)


def test_values_published_for_the_camera_picture(
    camera: tuple[np.ndarray, np.ndarray],
) -> None:
    """IPOL's imdiff (scikit-image pull 4913, September 2020) and scikit-image 0.17 itself."""
    noisy, clean = camera
    assert psnr(noisy, clean, peak=255) == pytest.approx(22.409353363576034, abs=1e-5)
    assert ssim_wang(noisy, clean, peak=255) == pytest.approx(0.357959091663361, abs=1e-5)
    assert ssim_skimage7(noisy, clean, peak=255) == pytest.approx(0.3674518327910367, abs=1e-9)


def pil_bicubic_there_and_back(depth: np.ndarray, ratio: int) -> np.ndarray:
    """Reduce and enlarge with PIL's bicubic, the degradation of the depth literature."""
    height, width = depth.shape
    picture = Image.fromarray(depth)
    small = picture.resize((width // ratio, height // ratio), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


# reference/peers.md B.1, measured there with code of its own: mean RMSE with 6 pixels cut, uncut.
PUBLISHED_DEPTH = [
    ("lu", 4, 2.47, 2.42),
    ("lu", 8, 4.64, 4.54),
    ("lu", 16, 7.52, 7.38),
    ("nyu", 4, 3.42, 3.43),
    ("nyu", 8, 5.64, 5.63),
    ("nyu", 16, 9.36, 9.53),
]


@pytest.mark.parametrize(("collection", "ratio", "cut", "uncut"), PUBLISHED_DEPTH)
def test_bicubic_rows_of_the_depth_literature(
    data_folder: Path, collection: str, ratio: int, cut: float, uncut: float
) -> None:
    depths = standard_depths(data_folder / "standard" / collection)
    measured: dict[int, list[float]] = {0: [], 6: []}
    for depth in depths:
        height, width = (side // ratio * ratio for side in depth.shape)
        truth = depth[:height, :width].astype(np.float32)
        estimate = pil_bicubic_there_and_back(truth, ratio)
        for border, values in measured.items():
            values.append(rmse(estimate, truth, border=border))
    assert np.mean(measured[6]) == pytest.approx(cut, abs=0.01)
    assert np.mean(measured[0]) == pytest.approx(uncut, abs=0.01)


def standard_depths(folder: Path) -> list[np.ndarray]:
    """Return the depth maps of a published test folder: 8-bit levels (Lu), centimetres (NYU)."""
    pictures = sorted(folder.glob("*_output_depth.png"))
    if pictures:
        return [np.asarray(Image.open(path)) for path in pictures]
    arrays = sorted(folder.glob("*.npy"))
    if not arrays:
        pytest.skip(f"no depth maps in {folder}")
    return [np.load(path) * 100.0 for path in arrays]
