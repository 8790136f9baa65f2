"""The frequencies that AdaIR calls low: its own networks are too small to show them."""

import pytest
import torch
from tests.baselines.parity.fill import fill, uniform
from tests.baselines.parity.golden import read_golden

from gisr.baselines.restoration.adair import FrequencyMining, FrequencyModule


def image() -> torch.Tensor:
    return torch.cat([uniform(1, 1, 4, 512, 640), uniform(2, 1, 3, 512, 640)], dim=1)


def test_low_frequencies_are_those_of_the_original() -> None:
    modules = read_golden("adair")["modules"]
    golden = next(entry for entry in modules.values() if "half_sizes_hw" in entry)
    mining = FrequencyMining(32, 7)
    fill(mining, "B")
    with torch.no_grad():
        feature = mining.project(image())
        low, high = mining(image(), feature.shape[2:])
        share = mining.threshold(feature.mean(dim=(2, 3), keepdim=True)).flatten()
        assert mining.half_sizes(feature).tolist() == [golden["half_sizes_hw"]]
    assert share.tolist() == pytest.approx(golden["thresholds_hw"], abs=2e-6)
    for part, expected in ((low, "low_mean_std"), (high, "high_mean_std")):
        spread = part.std(correction=0).item()
        assert [part.mean().item(), spread] == pytest.approx(golden[expected], rel=1e-4)


@pytest.mark.parametrize("size", [(256, 512), (257, 515)])
def test_low_frequencies_lie_around_zero_frequency(size: tuple[int, int]) -> None:
    mining = FrequencyMining(16, 3)
    torch.nn.init.zeros_(mining.threshold.get_parameter("2.weight"))  # a share of one half
    low = mining.low_frequencies(torch.rand(2, 16, *size))
    frequencies = [torch.fft.fftfreq(side) * side for side in size]
    expected = [
        (each >= -half) & (each < half) for each, half in zip(frequencies, (1, 2), strict=True)
    ]
    assert torch.equal(low, (expected[0][:, None] & expected[1]).expand(2, 1, -1, -1))


def test_without_low_frequencies_the_whole_image_is_high() -> None:
    mining = FrequencyMining(16, 3)
    picture = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        low, high = mining(picture, picture.shape[2:])
        torch.testing.assert_close(high, mining.project(picture).abs())
    assert not low.any()


def test_a_frequency_module_begins_as_the_identity() -> None:
    torch.manual_seed(0)
    module = FrequencyModule(16, 3)
    feature = torch.rand(2, 16, 12, 20)
    with torch.no_grad():
        assert torch.equal(module(torch.rand(2, 3, 24, 40), feature), feature)
