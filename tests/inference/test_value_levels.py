"""Content far outside the range of its image, and bounds of results."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.small_network import tiny_weights

from gisr.data.normalisation import Normalisation
from gisr.inference.array_pair import make_pair
from gisr.inference.survey import survey_of_pairs
from gisr.inference.upscaler import Upscaler
from gisr.inference.value_bounds import bounds_of
from gisr.inference.value_levels import WITHIN, levels_of, seen_at
from gisr.inference.windowed_pair import ArraySource
from gisr.magnet import MAGNet
from gisr.tasks import find_task

RNG = np.random.default_rng(2)


def _levels(image: NDArray[np.float32]) -> tuple[Normalisation, ...]:
    pixels = image.reshape(-1, image.shape[2])
    usual = Normalisation.of(image, image[..., :1], find_task("pansharpening"))
    return levels_of(usual, pixels, pixels[:, :1])


def test_ordinary_content_is_seen_once() -> None:
    image = RNG.gamma(4, 100, (64, 64, 4)).astype(np.float32)
    levels = _levels(image)
    (seen,) = seen_at(levels, image, image[..., :1], 4)
    assert len(levels) == 1
    assert seen.weight is None
    np.testing.assert_array_equal(seen.low, levels[0].target(image))
    np.testing.assert_array_equal(seen.high, levels[0].guide(image[..., :1]))


def test_rare_content_is_seen_in_a_range_of_its_own() -> None:
    image = RNG.normal((200, 40), (2, 0.4), (96, 96, 2)).astype(np.float32)
    image[60:66, 60:66] = RNG.normal((900, 700), 90, (6, 6, 2))
    levels = _levels(image)
    assert len(levels) > 2
    seen = list(seen_at(levels, image, image[..., :1], 4))
    weights = np.concatenate([each.weight for each in seen if each.weight is not None], axis=2)
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-6)
    assert weights[:30, :30, 0].min() == 1, "nothing changes far from it"
    assert weights[60:66, 60:66, 0].max() == 0
    assert weights[60:66, 60:66, -1].min() == 1
    last = seen[-1]
    assert last.low.max() <= 1.001, "its own range is that of all of the image"
    assert all(np.abs(each.low).max() <= WITHIN for each in seen)


def test_dark_land_in_snow_is_seen_as_bright_land_in_a_sea_is() -> None:
    """Between 0 and 1, where the network has learnt, and not between -1 and 0."""
    snow = RNG.normal((4300, 4200), 40, (96, 96, 2)).astype(np.float32)
    snow[60:66, 60:66] = RNG.uniform(300, 1500, (6, 6, 2))
    last = list(seen_at(_levels(snow), snow, snow[..., :1], 4))[-1]
    for side in (last.low, last.high):
        assert side.min() == pytest.approx(0, abs=0.02)
        assert side[60:66, 60:66].max() < 0.4 < 0.8 < side[:30, :30].min() < 1
    both = snow.copy()
    both[20:26, 20:26] = 12_000
    last = list(seen_at(_levels(both), both, both[..., :1], 4))[-1]
    assert (last.low.min(), last.low.max()) == pytest.approx((0, 1), abs=0.02)


def test_a_hot_pixel_of_a_small_image_is_no_range_of_its_own() -> None:
    """Each level costs a pass of the network: one value took four times as long as all others."""
    image = RNG.gamma(4, 100, (64, 64, 4)).astype(np.float32)
    ordinary = len(_levels(image))
    image[30, 20, 1], image[40, 50, 1] = 1000 * image.max(), 30 * image.max()
    assert len(_levels(image)) == ordinary == 1
    # A light is blurred by its optics: what lies around it tells it from a defect.
    image[29:32, 20], image[30, 19:22] = image[30, 20] / 8, image[30, 20] / 8
    assert len(_levels(image)) > 3


def test_a_speckle_changes_nothing_far_from_it() -> None:
    upscaler = Upscaler(tiny_weights(), "cpu")
    target, guide = RNG.random((64, 64, 3)) * 500 + 100, RNG.random((256, 256)) * 500 + 100
    plain = upscaler(target, guide, "pansharpening")
    target[50, 50] = 60_000
    hit = upscaler(target, guide, "pansharpening")
    far = np.s_[:64, :64]
    assert np.abs(hit[far] - plain[far]).max() < 5, "the prompt may move a little"


def test_the_network_never_sees_values_far_beyond_its_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[float] = []
    forward = MAGNet.forward

    def spy(self: MAGNet, target: torch.Tensor, *inputs: torch.Tensor) -> object:
        seen.append(float(target.abs().max()))
        return forward(self, target, *inputs)

    monkeypatch.setattr(MAGNet, "forward", spy)
    target, guide = RNG.normal(100, 1, (32, 32, 3)), RNG.normal(100, 1, (128, 128))
    target[10:13, 10:13], guide[40:52, 40:52] = RNG.normal(4e3, 99, (3, 3, 3)), 4000
    result = Upscaler(tiny_weights(), "cpu")(target, guide, "pansharpening")
    assert len(seen) > 1
    assert max(seen) <= WITHIN
    assert result.max() < 8000


def test_results_stay_near_the_target_around_them() -> None:
    target, guide = RNG.normal(100, 5, (24, 24, 2)), RNG.normal(100, 5, (96, 96))
    target[:12], guide[:48] = 2047, 2047
    pair = make_pair(target, guide, "pansharpening", valid=np.ones((24, 24)), guide_valid=guide > 0)
    cut = ArraySource(pair).cut((slice(0, 96), slice(0, 96)))
    assert cut is not None
    bounds = bounds_of(cut, survey_of_pairs([pair]).normalisation)
    assert bounds is not None
    np.testing.assert_array_equal(bounds.high[:36], 2047)
    np.testing.assert_array_equal(bounds.low[:36], 2047)
    wild = bounds.clip(np.full((96, 96, 2), 1e6, np.float32))
    assert wild[64:].max() < 300
    upscaler = Upscaler(tiny_weights(), "cpu")
    assert np.abs(upscaler.answer(pair).image[:30] - 2047).max() < 1e-3
