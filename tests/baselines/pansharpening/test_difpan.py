"""What Dif-PAN does around its denoiser: schedule, sub-bands, and noise that repeats."""

import pytest
import torch
from tests.baselines.parity.golden import read_golden

from gisr.baselines.network import NetworkInput
from gisr.baselines.pansharpening import DifPAN
from gisr.baselines.pansharpening.diffusion import (
    cosine_schedule,
    implicit_step,
    kept_steps,
    noised,
)
from gisr.baselines.pansharpening.difpan import condition_of, haar


@pytest.mark.parametrize("steps", [500, 25])
def test_schedule_is_that_of_the_original(steps: int) -> None:
    golden = read_golden("difpan")["schedule"][f"cosine {steps} steps"]
    left = cosine_schedule(steps)[golden["index"]]
    torch.testing.assert_close(left, torch.tensor(golden["alpha_bar"]).double(), rtol=1e-5, atol=0)


def test_sampling_takes_the_steps_of_the_original() -> None:
    golden = read_golden("difpan")["schedule"]
    taken = kept_steps(500, 25)
    assert taken == golden["ddim25 of 500: original timesteps kept"]
    left = torch.tensor(golden["ddim25 of 500: alpha_bar after respacing"]).double()
    torch.testing.assert_close(cosine_schedule(500)[taken], left, rtol=1e-5, atol=0)
    with pytest.raises(ValueError, match="501 steps of 500 cannot be taken: use 1 to 500"):
        kept_steps(500, 501)


def test_sub_bands_are_those_of_the_original() -> None:
    golden = read_golden("difpan")["haar_example"]
    image = torch.arange(16.0).pow(1.5).reshape(1, 1, 4, 4)
    for name, band in zip("AHVD", haar(image), strict=True):
        torch.testing.assert_close(band[0, 0], torch.tensor(golden[name]), rtol=1e-4, atol=1e-4)


def test_condition_holds_sub_bands_in_the_order_of_the_original() -> None:
    ramp = torch.arange(8.0)
    down, across = ramp[:, None].expand(8, 8), ramp[None].expand(8, 8)
    enlarged, pan = torch.ones(1, 2, 8, 8), (down + 3 * across)[None, None]
    means = condition_of(enlarged, pan).mean(dim=(0, 2, 3))
    # MS, PAN, sums of MS, differences of PAN: between rows, diagonals, columns.
    torch.testing.assert_close(means, torch.tensor([1.0, 1.0, 14.0, 2.0, 2.0, -1.0, 0.0, -3.0]))


def test_a_step_with_the_true_image_takes_away_its_noise() -> None:
    clean, noise = torch.rand(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    noisy = noised(clean, noise, torch.tensor([0.3, 0.3]))
    after = implicit_step(noisy, clean, 0.3, 0.8)
    torch.testing.assert_close(after, noised(clean, noise, torch.tensor([0.8, 0.8])))
    torch.testing.assert_close(implicit_step(noisy, clean, 0.3, 1.0), clean)


def test_results_repeat_whatever_stands_beside_them_in_the_batch() -> None:
    torch.manual_seed(0)
    network = DifPAN(1, width=8, units=1, steps=2).eval()
    other_seed = DifPAN(1, width=8, units=1, steps=2, seed=1).eval()
    other_seed.load_state_dict(network.state_dict())
    target, guide = torch.rand(2, 1, 6, 7), torch.rand(2, 1, 12, 14)
    enlarged = torch.rand(2, 1, 12, 14)
    with torch.no_grad():
        both = network.sharpen(NetworkInput(target, enlarged, guide, 2))
        alone = NetworkInput(target[1:], enlarged[1:], guide[1:], 2)
        torch.testing.assert_close(network.sharpen(alone), both[1:], rtol=1e-4, atol=1e-5)
        assert not torch.allclose(other_seed.sharpen(alone), both[1:], atol=1e-3)


def test_the_denoiser_is_told_the_steps_it_was_trained_on_unless_asked() -> None:
    torch.manual_seed(0)
    honest = DifPAN(1, width=8, units=1).eval()
    counted = DifPAN(1, width=8, units=1, counted_steps=True).eval()
    counted.load_state_dict(honest.state_dict())
    told: list[int] = []
    for network in (honest, counted):
        network.denoiser.step.register_forward_pre_hook(lambda _, args: told.append(int(args[0])))
        with torch.no_grad():
            network.step(torch.randn(1, 1, 8, 8), 24, torch.rand(1, 6, 8, 8))
    assert told == [480, 24]
