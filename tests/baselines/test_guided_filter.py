"""The guided filter against He's equations in float64, and on edges it should keep."""

import numpy as np
import pytest
from scipy import ndimage

from gisr.baselines.classical import Bicubic, GuidedFilter
from gisr.data.degradations import pillow_reduce
from gisr.errors import InputError
from gisr.metrics import rmse


def guided_filter_by_equations(
    guide: np.ndarray, image: np.ndarray, radius: int, eps: float
) -> np.ndarray:
    """Equations 14 to 16 of He, Sun and Tang (2013), one matrix a pixel."""

    def mean(values: np.ndarray) -> np.ndarray:
        side = 2 * radius + 1
        return ndimage.uniform_filter(values, (side, side) + (0,) * (values.ndim - 2))

    guide, image = guide.astype(float), image.astype(float)
    guide_mean, image_mean = mean(guide), mean(image)
    products = guide[..., :, None] * guide[..., None, :]
    moments = mean(products) - guide_mean[..., :, None] * guide_mean[..., None, :]
    covariance = mean(guide * image[..., None]) - guide_mean * image_mean[..., None]
    ridge = moments + eps * np.eye(guide.shape[2])
    a = np.linalg.solve(ridge, covariance[..., None])[..., 0]
    b = image_mean - (a * guide_mean).sum(axis=2)
    return (mean(a) * guide).sum(axis=2) + mean(b)


@pytest.fixture(scope="module")
def disc() -> tuple[np.ndarray, np.ndarray]:
    """Return a depth map of a disc on a slope, and a noisy picture of it in 8-bit colour."""
    source = np.random.default_rng(2)
    rows, columns = np.mgrid[0:96, 0:80]
    inside = (rows - 50) ** 2 + (columns - 38) ** 2 < 24**2
    depth = np.where(inside, 1200.0, 2000.0 + 3.0 * columns).astype(np.float32)
    colour = np.where(inside[..., None], [200.0, 120.0, 40.0], [60.0, 90.0, 160.0])
    picture = colour + source.normal(0.0, 4.0, colour.shape)
    return depth, picture.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("eps", [1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_it_is_the_equations(
    disc: tuple[np.ndarray, np.ndarray], channels: int, eps: float, scale: float
) -> None:
    """Also at small eps and for a guide in 0 to 1, where OpenCV by itself goes wrong."""
    depth, picture = disc
    guide = picture[..., :channels] * np.float32(scale)
    target = pillow_reduce(depth, 4)
    result = GuidedFilter(radius=0.75, eps=eps)(target, guide, "depth")
    upsampled = Bicubic()(target, guide, "depth")
    spread = float(guide.max() - guide.min())
    expected = guided_filter_by_equations(guide, upsampled, 3, eps * spread**2)
    inside = slice(8, -8)  # borders are mirrored differently
    difference = (result - expected)[inside, inside]
    assert np.abs(difference).max() < 0.01 * np.ptp(depth)
    assert np.sqrt(np.mean(difference**2)) < 1e-4 * np.ptp(depth)


@pytest.mark.parametrize("ratio", [4, 8])
def test_it_sharpens_an_edge_that_the_picture_shows(
    disc: tuple[np.ndarray, np.ndarray], ratio: int
) -> None:
    depth, picture = disc
    target = pillow_reduce(depth, ratio)
    plain, sharp = (
        rmse(baseline(target, picture, "depth"), depth, border=6)
        for baseline in (Bicubic(), GuidedFilter())
    )
    assert sharp < 0.8 * plain


def test_the_window_grows_with_the_ratio(disc: tuple[np.ndarray, np.ndarray]) -> None:
    depth, picture = disc
    target = pillow_reduce(depth, 8)
    wide = GuidedFilter(radius=1.0, eps=1.0)(target, picture, "depth")
    narrow = GuidedFilter(radius=0.01, eps=1.0)(target, picture, "depth")
    upsampled = Bicubic()(target, picture, "depth")
    assert np.abs(narrow - upsampled).mean() < 0.5 * np.abs(wide - upsampled).mean()


@pytest.mark.parametrize("wrong", [{"radius": 0.0}, {"eps": 0.0}, {"eps": float("nan")}])
def test_parameters_must_be_above_zero(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="above 0"):
        GuidedFilter(**wrong)
