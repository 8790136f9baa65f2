"""The nearest image of magnitudes with a given k-space centre, against SciPy's L-BFGS-B."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gisr.data.degradations import kspace_centre, kspace_crop
from gisr.inference.consistency.kspace_projection import (
    Floor,
    kspace_up,
    missing_kspace,
    nearest_image,
    noise_to_error_ratio,
)

SHAPES = [((24, 20), (12, 10)), ((25, 21), (12, 11)), ((32, 32), (8, 8))]


def head(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a disc of tissue in air, and something dark in it."""
    rows, columns = np.meshgrid(*(np.linspace(-1.3, 1.3, side) for side in shape), indexing="ij")
    inside = rows**2 + columns**2 < 1
    tissue = 500 + 200 * np.sin(3 * rows) + rng.normal(0, 30, shape)
    tissue[np.hypot(rows - 0.3, columns) < 0.25] = 20
    values: np.ndarray = np.where(inside, tissue, 0).astype(np.float32)
    return values


def guessed(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a network might make of it: wrong in the tissue at all frequencies, air dark."""
    wrong = truth * (1 + 0.1 * rng.normal(size=truth.shape)) + rng.normal(0, 4, truth.shape)
    result: np.ndarray = wrong.astype(np.float32)
    return result


def minimised(image: np.ndarray, target: np.ndarray, noise_to_error: float) -> np.ndarray:
    """Return what the module's objective is smallest at, by a general bounded minimiser."""
    known = np.ones(target.shape, bool)

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        away = values.reshape(image.shape) - image
        missing = kspace_up(missing_kspace(image + away, target, known), image.shape)
        gradient = away - missing / noise_to_error
        return float((away**2).sum() + (missing**2).sum() / noise_to_error) / 2, gradient.ravel()

    found = minimize(
        objective,
        np.maximum(image, 0).ravel().astype(np.float64),
        jac=True,
        bounds=[(0, None)] * image.size,
        options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-6},
    )
    result: np.ndarray = found.x.reshape(image.shape)
    return result


@pytest.mark.parametrize("noise_to_error", [0.1, 1.0])
@pytest.mark.parametrize(("shape", "small"), SHAPES)
def test_it_is_the_best_image_of_magnitudes(
    shape: tuple[int, int], small: tuple[int, int], noise_to_error: float
) -> None:
    rng = np.random.default_rng(0)
    truth = head(shape, rng)
    image, target = guessed(truth, rng), kspace_centre(truth, small)
    assert Floor.of(target.ravel()) == Floor(0.0)
    known = np.ones(small, bool)
    found = nearest_image(image, target, known, floor=Floor(0.0), noise_to_error=noise_to_error)
    assert found.min() >= 0 and (image < 0).any()
    # Of values up to 700, of which the image is moved by up to 100.
    np.testing.assert_allclose(found, minimised(image, target, noise_to_error), atol=0.5)
    assert np.sqrt(np.mean((found - truth) ** 2)) < np.sqrt(np.mean((image - truth) ** 2))


def test_a_positive_image_becomes_exact_at_once() -> None:
    rng = np.random.default_rng(1)
    truth = 500 + 50 * rng.normal(size=(24, 20)).astype(np.float32)
    target = kspace_centre(truth, (12, 10))
    found = nearest_image(truth + 30, target, np.ones((12, 10), bool), floor=Floor(0.0))
    np.testing.assert_allclose(found, truth, atol=1e-2)


def test_an_image_of_either_sign_becomes_exact() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 300, (24, 20)).astype(np.float32)
    target = kspace_centre(truth, (12, 10))
    assert Floor.of(target.ravel()) == Floor(None)
    found = nearest_image(truth * 0.5, target, np.ones((12, 10), bool), floor=Floor(None))
    np.testing.assert_allclose(kspace_centre(found, (12, 10)), target, atol=1e-2)


def test_noise_is_told_from_what_the_network_got_wrong() -> None:
    rng = np.random.default_rng(3)
    truth = head((128, 128), rng)
    image, clean = guessed(truth, rng), kspace_crop(truth, 2)
    known, ratios = np.ones(clean.shape, bool), []
    for sigma in (0.0, 5.0, 20.0, 60.0):
        noisy = clean + rng.normal(0, sigma, clean.shape).astype(np.float32)
        ratios.append(noise_to_error_ratio(image, noisy, known))
    assert ratios[0] < 0.02
    assert ratios == sorted(ratios)
    assert ratios[1] < 0.1 and 0.3 < ratios[-1] < 60
    # An offset of the result is no noise.
    assert noise_to_error_ratio(image + 10, clean, known) < 0.05


def test_without_air_no_noise_is_seen() -> None:
    rng = np.random.default_rng(4)
    target = (500 + rng.normal(0, 50, (32, 32))).astype(np.float32)
    assert (
        noise_to_error_ratio(np.full((64, 64), 500, np.float32), target, np.ones((32, 32), bool))
        == 0
    )


@pytest.mark.parametrize("sigma", [0.0, 5.0, 10.0, 30.0])
def test_a_noisy_target_is_not_taken_to_the_letter(sigma: float) -> None:
    rng = np.random.default_rng(5)
    truth = head((128, 128), rng)
    image, target = guessed(truth, rng), kspace_crop(truth, 2)
    target = target + rng.normal(0, sigma, target.shape).astype(np.float32)
    known = np.ones(target.shape, bool)

    def error(result: np.ndarray) -> float:
        return float(np.sqrt(np.mean((result - truth) ** 2)))

    ours = error(nearest_image(image, target, known, floor=Floor(0.0)))
    letter = error(nearest_image(image, target, known, floor=Floor(0.0), noise_to_error=0.0))
    assert ours <= letter + 0.1
    if sigma <= 10:
        assert ours < error(image)
    if sigma == 30:  # 4 % of the range: the letter costs more than it brings
        assert letter > 1.2 * error(image) > 1.1 * ours


@pytest.mark.parametrize("unit", [2.0**110, 2.0**-60, 2.0**-110])
def test_the_unit_of_the_values_does_not_matter(unit: float) -> None:
    rng = np.random.default_rng(6)
    truth = head((64, 64), rng)
    image, target = guessed(truth, rng), kspace_crop(truth, 2)
    target = target + rng.normal(0, 10, target.shape).astype(np.float32)
    known = np.ones(target.shape, bool)
    scaled_image, scaled_target = image * np.float32(unit), target * np.float32(unit)
    assert noise_to_error_ratio(image, target, known) > 0.01
    assert noise_to_error_ratio(scaled_image, scaled_target, known) == noise_to_error_ratio(
        image, target, known
    )
    found = nearest_image(scaled_image, scaled_target, known, floor=Floor(0.0))
    expected = nearest_image(image, target, known, floor=Floor(0.0))
    np.testing.assert_allclose(found / np.float32(unit), expected, rtol=1e-5, atol=1e-3)


def crop_of_head(air: float, scale: float = 1.0) -> np.ndarray:
    """Return a k-space crop of a disc of tissues in air."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((64, 64)) - 31.5
    inside = rows**2 + columns**2 < 22**2
    tissue = 400 + 120 * random.normal(size=(64, 64))
    truth = np.where(inside, np.clip(tissue, 60, None), 0)
    return kspace_crop((truth * scale + air).astype(np.float32), 2)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (crop_of_head(0), 0.0),
        (crop_of_head(0) + np.random.default_rng(1).normal(0, 8, (32, 32)).astype(np.float32), 0.0),
        (np.abs(crop_of_head(0)), 0.0),
        (np.random.default_rng(1).normal(size=(32, 32)).astype(np.float32), None),
    ],
)
def test_magnitudes_are_nowhere_below_0(values: np.ndarray, expected: float | None) -> None:
    assert Floor.of(values.ravel()).value == expected


def test_the_floor_of_a_standardised_head_is_its_air() -> None:
    standardised = crop_of_head(-0.41, 1 / 200)
    found = Floor.of(standardised.ravel()).value
    assert found is not None and -0.55 < found < -0.4
    image = np.full((64, 64), -1.0, np.float32)
    known = np.ones((32, 32), bool)
    result = nearest_image(image, standardised, known, floor=Floor(found))
    assert result.min() == pytest.approx(found)
    shifted = nearest_image(image - found, standardised - found, known, floor=Floor(0.0))
    np.testing.assert_allclose(result, shifted + found, atol=1e-5)
