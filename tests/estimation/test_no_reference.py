"""No-reference indices of a pair: the right images on the right grids."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gisr.baselines.classical import CLASSICAL, Bicubic
from gisr.data.degradations import wald
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_guide, bicubic_to_target, resize_pillow
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.errors import InputError
from gisr.estimation.no_reference import NoReferenceQuality
from gisr.metrics import d_lambda, d_lambda_k, d_s, hqnr, qnr
from gisr.placement import Placement


def truth_and_pair(ratio: int = 2, side: int = 96) -> tuple[np.ndarray, Pair]:
    """Return a smooth four-band image and the pair of QuickBird that it would have given."""
    source = np.random.default_rng(0)
    noise = source.normal(0, 1, (side, side, 4)).cumsum(axis=0).cumsum(axis=1)
    truth = (500 + noise + source.normal(0, 20, (side, side, 1))).astype(np.float32)
    target = wald(truth, ratio, 0.31)
    guide = truth.mean(axis=2, keepdims=True)
    placement = Placement.from_grid("centre", target.shape[:2], guide.shape[:2])
    return truth, Pair(target, guide, "pansharpening", placement, "centre", sensor="QuickBird")


def test_the_indices_are_the_metrics_of_images_on_their_grids() -> None:
    _, pair = truth_and_pair()
    estimate = CLASSICAL["gsa"].answer(pair).image
    quality = NoReferenceQuality(estimate, pair)
    enlarged = bicubic_to_guide(pair.target, (96, 96), pair.placement)
    low = bicubic_to_guide(resize_pillow(pair.guide, (48, 48)), (96, 96), pair.placement)
    assert quality.d_lambda == d_lambda(estimate, enlarged)
    assert quality.d_s == pytest.approx(d_s(estimate, pair.guide, enlarged, low), abs=1e-6)
    reduced = wald(estimate, 2, 0.31)
    assert quality.d_lambda_k == pytest.approx(d_lambda_k(reduced, pair.target), abs=1e-6)
    assert quality.qnr == qnr(quality.d_lambda, quality.d_s)
    assert quality.hqnr == hqnr(quality.d_lambda_k, quality.d_s)
    assert min(quality.d_lambda, quality.d_s, quality.d_lambda_k) > 1e-4


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_the_truth_is_consistent_with_its_target(ratio: int) -> None:
    truth, pair = truth_and_pair(ratio)
    assert NoReferenceQuality(truth, pair).d_lambda_k == pytest.approx(0.0, abs=1e-6)


def test_bicubic_keeps_the_relations_of_bands() -> None:
    _, pair = truth_and_pair()
    quality = NoReferenceQuality(Bicubic().answer(pair).image, pair)
    assert quality.d_lambda == pytest.approx(0.0, abs=1e-6)
    assert quality.qnr == pytest.approx(1 - quality.d_s, abs=1e-6)
    assert quality.d_lambda_k > 1e-4


@pytest.mark.parametrize("shape", [(24, 31), (48, 62), (36, 47)])
def test_guides_are_reduced_as_pillow_does(shape: tuple[int, int]) -> None:
    guide = np.random.default_rng(1).uniform(0, 2047, (96, 124, 1)).astype(np.float32)
    placement = Placement.from_grid("centre", shape, guide.shape[:2])
    found = bicubic_to_target(guide, shape, placement)
    np.testing.assert_allclose(found, resize_pillow(guide, shape), atol=2e-3)


def test_unknown_target_pixels_are_not_counted() -> None:
    truth, pair = truth_and_pair(2, 128)
    target, valid = pair.target.copy(), np.ones((64, 64), dtype=bool)
    target[40:, 40:], valid[40:, 40:] = np.nan, False
    holed = replace(pair, target=target, valid=valid)
    other = truth.copy()
    other[80:, 80:] = 0.0  # what a system may write where nothing is known
    found, expected = (NoReferenceQuality(estimate, holed) for estimate in (other, truth))
    assert found.d_lambda == expected.d_lambda
    assert found.d_s == expected.d_s
    # Of the four blocks of the target one is left out; the others see the edge of the zeros.
    assert found.d_lambda_k == pytest.approx(0.0, abs=1e-3)
    assert NoReferenceQuality(other, pair).d_lambda_k > 0.1


def part(pair: Pair, rows: slice, guide_rows: slice) -> Pair:
    target, guide = pair.target[rows], pair.guide[guide_rows]
    placement = Placement.from_grid("centre", target.shape[:2], guide.shape[:2])
    return replace(pair, target=target, guide=guide, placement=placement)


def test_a_target_beyond_its_guide_is_not_counted_there() -> None:
    truth, pair = truth_and_pair(2, 128)
    covered = part(pair, slice(0, 32), slice(0, 64))
    beyond = replace(covered, target=pair.target)  # 64 rows, the guide shows 32 of them
    one, other = (NoReferenceQuality(truth[:64], each).d_lambda_k for each in (covered, beyond))
    assert one == pytest.approx(other, abs=1e-9)


def test_a_guide_beyond_its_target_is_not_counted_there() -> None:
    truth, pair = truth_and_pair(2, 128)
    estimate = truth.copy()
    estimate[64:] = 0.0
    found = NoReferenceQuality(estimate, replace(pair, target=pair.target[:32]))
    expected = NoReferenceQuality(truth[:64], part(pair, slice(0, 32), slice(0, 64)))
    assert found.d_lambda == pytest.approx(expected.d_lambda, abs=1e-9)


def test_what_has_no_such_index_is_refused() -> None:
    truth, pair = truth_and_pair()
    with pytest.raises(InputError, match=r"estimate has shape \(48, 48, 4\)"):
        NoReferenceQuality(pair.target, pair)
    with pytest.raises(InputError, match="pansharpening with 3"):
        NoReferenceQuality(truth, replace(pair, guide=np.repeat(pair.guide, 3, axis=2)))
    with pytest.raises(InputError, match="not for depth"):
        NoReferenceQuality(truth, replace(pair, task="depth"))


def test_detail_of_a_misregistered_guide_is_inconsistent_with_the_target(
    data_folder: Path,
) -> None:
    """Every Landsat-7 pair is off by one panchromatic pixel: aligned, the result fits better."""
    (entry,) = (entry for entry in read_open_pairs(data_folder) if entry.name == "l7_19")
    assert isinstance(entry, Scene)
    target, guide = entry.multispectral[:128, :128], entry.panchromatic[:256, :256]
    placement = Placement.from_grid("centre", (128, 128), (256, 256))
    pair = Pair(target, guide, "pansharpening", placement, "centre", sensor=entry.sensor)
    raw, aligned = (
        NoReferenceQuality(CLASSICAL[name].answer(pair).image, pair)
        for name in ("gsa", "gsa-aligned")
    )
    assert aligned.d_lambda_k < raw.d_lambda_k
    assert aligned.hqnr > raw.hqnr
