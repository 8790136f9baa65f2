"""D_lambda, D_s and what is made of them: plain loops, torchmetrics, closed forms, refusals."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gisr.errors import InputError
from gisr.metrics import d_lambda, d_lambda_k, d_s, hqnr, q2n, qnr, uqi

quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def scene(seed: int, bands: int = 4, side: int = 64) -> dict[str, Any]:
    """Return an estimate, a guide and both at the target's resolution; none is made of another."""
    source = np.random.default_rng(seed)
    guide = source.gamma(2.0, 150.0, (side, side))
    low = guide + source.normal(0, 50, guide.shape)
    weights = source.uniform(0.3, 1.5, bands)
    return {
        "estimate": guide[..., None] * weights + source.normal(0, 60, (side, side, bands)),
        "guide": guide,
        "enlarged": low[..., None] * weights + source.normal(0, 20, (side, side, bands)),
        "low_guide": low,
    }


def quality_by_blocks(x: np.ndarray, y: np.ndarray) -> float:
    """Wang and Bovik 2002 in blocks of 32 x 32, one after the other."""
    values = []
    for row in range(0, x.shape[0], 32):
        for column in range(0, x.shape[1], 32):
            a = x[row : row + 32, column : column + 32].ravel()
            b = y[row : row + 32, column : column + 32].ravel()
            c = np.cov(a, b)
            above = 4 * c[0, 1] * a.mean() * b.mean()
            values.append(above / ((c[0, 0] + c[1, 1]) * (a.mean() ** 2 + b.mean() ** 2)))
    return float(np.mean(values))


def test_d_lambda_is_the_double_sum_of_the_paper() -> None:
    images = scene(1)
    estimate, enlarged = images["estimate"], images["enlarged"]
    terms = [
        abs(
            quality_by_blocks(estimate[..., i], estimate[..., j])
            - quality_by_blocks(enlarged[..., i], enlarged[..., j])
        )
        for i in range(4)
        for j in range(4)
        if i != j
    ]
    assert d_lambda(estimate, enlarged) == pytest.approx(sum(terms) / (4 * 3), abs=1e-12)


def test_d_s_is_the_sum_of_the_paper() -> None:
    images = scene(2)
    terms = [
        abs(
            quality_by_blocks(images["estimate"][..., band], images["guide"])
            - quality_by_blocks(images["enlarged"][..., band], images["low_guide"])
        )
        for band in range(4)
    ]
    assert d_s(**images) == pytest.approx(np.mean(terms), abs=1e-12)


def test_d_lambda_k_is_one_minus_q2n() -> None:
    images = scene(3)
    reduced, target = images["estimate"], images["enlarged"]
    assert d_lambda_k(reduced, target) == 1 - q2n(reduced, target)


def test_gains_agree_with_torchmetrics_and_the_closed_form() -> None:
    """Where each band is the guide times a gain, Q is the same in every window of any weights."""
    from torchmetrics.functional.image import (  # slow to import
        quality_with_no_reference,
        spectral_distortion_index,
    )

    source = np.random.default_rng(4)
    guide, low = source.uniform(50, 200, (64, 64)), source.uniform(50, 200, (32, 32))
    high_gains, low_gains = np.array([0.5, 0.8, 1.6]), np.array([0.6, 1.2, 1.3])
    estimate, target = guide[..., None] * high_gains, low[..., None] * low_gains

    def tensor(image: np.ndarray) -> torch.Tensor:
        planes = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        return torch.from_numpy(planes.transpose(2, 0, 1)[None].copy())

    def quality(gain: np.ndarray) -> np.ndarray:
        index: np.ndarray = np.square(2 * gain / (1 + gain**2))
        return index

    spectral = d_lambda(estimate, np.kron(target, np.ones((2, 2, 1))))
    between = [(0, 1), (0, 2), (1, 2)]
    closed = [
        abs(quality(high_gains[i] / high_gains[j]) - quality(low_gains[i] / low_gains[j]))
        for i, j in between
    ]
    assert spectral == pytest.approx(np.mean(closed), abs=1e-12)
    theirs = float(spectral_distortion_index(tensor(target), tensor(estimate)))
    assert spectral == pytest.approx(theirs, abs=1e-6)

    enlarged, low_guide = np.kron(target, np.ones((2, 2, 1))), np.kron(low, np.ones((2, 2)))
    spatial = d_s(estimate, guide, enlarged, low_guide)
    closed = np.abs(quality(high_gains) - quality(low_gains))
    assert spatial == pytest.approx(closed.mean(), abs=1e-12)
    joint = quality_with_no_reference(
        tensor(estimate), tensor(target), tensor(guide), tensor(low), window_size=7
    )
    assert qnr(spectral, spatial) == pytest.approx(float(joint), abs=1e-6)


@quick
@given(seed=seeds, gain=st.floats(0.05, 50.0))
def test_the_unit_of_the_images_does_not_count(seed: int, gain: float) -> None:
    images = scene(seed)
    scaled = {name: image * gain for name, image in images.items()}
    assert d_s(**scaled) == pytest.approx(d_s(**images), abs=1e-9)
    spectral = d_lambda(images["estimate"], images["enlarged"])
    assert d_lambda(scaled["estimate"], scaled["enlarged"]) == pytest.approx(spectral, abs=1e-9)
    assert 0 <= spectral <= 2
    assert 0 <= d_s(**images) <= 2
    assert 0 <= d_lambda_k(images["estimate"], images["enlarged"]) <= 1


@quick
@given(seed=seeds, order=st.permutations(range(4)))
def test_the_order_of_bands_does_not_count_for_q(seed: int, order: list[int]) -> None:
    images = scene(seed)
    turned = images | {name: images[name][..., order] for name in ("estimate", "enlarged")}
    assert d_s(**turned) == pytest.approx(d_s(**images), abs=1e-12)
    spectral = d_lambda(images["estimate"], images["enlarged"])
    assert d_lambda(turned["estimate"], turned["enlarged"]) == pytest.approx(spectral, abs=1e-12)


def test_the_target_itself_has_no_spectral_distortion() -> None:
    images = scene(5)
    assert d_lambda(images["enlarged"], images["enlarged"]) == 0.0
    assert d_lambda_k(images["enlarged"], images["enlarged"]) == pytest.approx(0.0, abs=1e-12)
    alike = images | {"estimate": images["enlarged"], "guide": images["low_guide"]}
    assert d_s(**alike) == 0.0


def test_one_band_has_d_s_only() -> None:
    images = scene(6, bands=1)
    expected = abs(
        uqi(images["estimate"][..., 0], images["guide"])
        - uqi(images["enlarged"][..., 0], images["low_guide"])
    )
    assert d_s(**images) == pytest.approx(expected, abs=1e-12)
    with_axis = images | {"guide": images["guide"][..., None]}
    assert d_s(**with_axis) == d_s(**images)
    with pytest.raises(InputError, match="at least two"):
        d_lambda(images["estimate"], images["enlarged"])


def test_blocks_with_unknown_pixels_are_left_out() -> None:
    images = scene(7)
    valid = np.ones((64, 64), dtype=bool)
    valid[:, 33] = False
    left = {name: image[:, :32] for name, image in images.items()}
    for image in images.values():
        image[:, 33] = np.nan
    assert d_s(**images, valid=valid) == pytest.approx(d_s(**left), abs=1e-12)
    expected = d_lambda(left["estimate"], left["enlarged"])
    found = d_lambda(images["estimate"], images["enlarged"], valid=valid)
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_saturated_corner_does_not_spoil_the_indices() -> None:
    """DLPan-Toolbox divides 0 by 0 there and gives NaN for the whole scene."""
    images = scene(8)
    for image in images.values():
        image[:32, :32] = 2047.0
    assert d_lambda(images["estimate"], images["enlarged"]) > 0
    assert np.isfinite(d_s(**images))


def test_guides_that_do_not_fit_are_refused() -> None:
    images = scene(9)
    three = np.repeat(images["guide"][..., None], 3, axis=2)
    with pytest.raises(InputError, match="one channel"):
        d_s(**images | {"guide": three, "low_guide": three})
    half = images["guide"][:32]
    with pytest.raises(InputError, match="one channel on the estimate's grid"):
        d_s(**images | {"guide": half, "low_guide": half})


def test_qualities_are_products() -> None:
    assert qnr(0.1, 0.2) == pytest.approx(0.72)
    assert hqnr(0.0, 0.25) == pytest.approx(0.75)
    for quality in (qnr, hqnr):
        for wrong in (-0.1, 2.1, np.nan):
            with pytest.raises(InputError, match="no distortion"):
                quality(0.1, wrong)
