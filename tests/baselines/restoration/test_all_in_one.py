"""All-in-one networks restore each image of a batch alone, and each in its own range of values."""

import pytest
import torch
from tests.baselines.parity.systems import SYSTEMS

from gisr.baselines.network import NetworkInput
from gisr.baselines.restoration import AdaIR, CAPTNet, GridFormer, PromptIR, TransWeather
from gisr.baselines.restoration.all_in_one import AllInOneNetwork
from gisr.baselines.restoration.gridformer import CHARBONNIER

NAMES = ("adair", "captnet", "gridformer", "promptir", "transweather")


def pair(height: int, width: int, batch: int = 2) -> NetworkInput:
    torch.manual_seed(1)
    image = torch.rand(batch, 7, height, width)
    return NetworkInput(image[:, :4, ::2, ::2], image[:, :4], image[:, 4:], 2)


def small(name: str) -> AllInOneNetwork:
    torch.manual_seed(0)
    network = SYSTEMS[name].small(4, 3, 2).eval()
    assert isinstance(network, AllInOneNetwork)
    return network


@pytest.mark.parametrize("name", NAMES)
def test_images_of_a_batch_do_not_see_each_other(name: str) -> None:
    network, given = small(name), pair(22, 34)
    second = NetworkInput(given.target[1:], given.enlarged[1:], given.guide[1:], 2)
    with torch.no_grad():
        alone, together = network.sharpen(second), network.sharpen(given)[1:]
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [AdaIR, CAPTNet, GridFormer, PromptIR, TransWeather])
def test_the_published_size_is_built_for_every_ratio(kind: type[AllInOneNetwork]) -> None:
    with torch.device("meta"):
        sizes = {sum(p.numel() for p in kind.build(4, 3, r).parameters()) for r in (2, 4, 8, 16)}
    assert len(sizes) == 1
    with pytest.raises(ValueError, match=r"takes 4 target and 3 guide channels, not 1 and 3"):
        kind.build(1, 3, 4)


@pytest.mark.parametrize("name", ["adair", "captnet", "gridformer", "promptir"])
def test_networks_predict_what_is_missing_in_the_target(name: str) -> None:
    network, given = small(name), pair(16, 16)
    head = network.get_submodule("head")
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
        assert torch.equal(network.sharpen(given), given.enlarged)


def test_transweather_sees_values_around_zero_and_adds_nothing() -> None:
    network, given = small("transweather"), pair(48, 48)
    image = torch.cat([given.enlarged, given.guide], dim=1)
    torch.testing.assert_close(network.image_of(given), (image - 0.5) / 0.5)
    with torch.no_grad():
        for parameter in network.get_submodule("head").parameters():
            parameter.zero_()
        assert not network.sharpen(given).any()


def test_transweather_counts_small_errors_by_their_square() -> None:
    network, given = small("transweather"), pair(48, 48)
    known = torch.ones_like(given.guide[:, :1])
    with torch.no_grad():
        sharpened = network.sharpen(given)
        errors = network.errors(given, sharpened + 0.2, known)
    torch.testing.assert_close(errors, torch.full((2,), 0.02), rtol=1e-3, atol=0)


def test_gridformer_sums_the_errors_of_its_three_outputs() -> None:
    network, given = small("gridformer"), pair(16, 24)
    truth, known = torch.rand_like(given.enlarged), torch.ones_like(given.guide[:, :1])
    with torch.no_grad():
        outputs = network(network.image_of(given))
        errors = network.errors(given, truth, known)
    expected = torch.zeros(2)
    for output, side in zip(outputs, (1, 2, 4), strict=True):
        # Bilinear halving of even sizes, once and again, is the mean of what a pixel covers.
        reduced = torch.nn.functional.interpolate(truth, scale_factor=1 / side, mode="area")
        expected += ((output - reduced) ** 2 + CHARBONNIER).sqrt().mean(dim=(1, 2, 3))
    torch.testing.assert_close(errors, expected)


def test_gridformer_does_not_count_unknown_pixels_at_any_size() -> None:
    network, given = small("gridformer"), pair(15, 22)
    truth, known = torch.rand_like(given.enlarged), torch.ones_like(given.guide[:, :1])
    known[0, 0, 5, 7] = 0
    spoilt = truth.clone()
    spoilt[0, :, 5, 7] = 1e6
    with torch.no_grad():
        errors, of_spoilt = (network.errors(given, each, known) for each in (truth, spoilt))
    torch.testing.assert_close(of_spoilt, errors)
