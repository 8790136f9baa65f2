"""Networks for guides of more channels than before."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gisr.magnet import MAGNet
from gisr.weights.widening import widened_network

Build = Callable[..., MAGNet]
Draw = Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]]


@pytest.mark.parametrize("unshuffle", [1, 2])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_widened_network_answers_as_before_to_the_bit(
    tiny: Build, pair: Draw, channels: int, unshuffle: int
) -> None:
    inputs = pair(5, 24, 20, channels=channels)
    with torch.inference_mode():
        narrow = tiny(guide_channels=3, unshuffle=unshuffle)
        wide = widened_network(narrow, 4)
        before, after = narrow(*inputs), wide(*inputs)
    assert (narrow.config.guide_channels, wide.config.guide_channels) == (3, 4)
    assert torch.equal(before.image, after.image)
    assert all(
        torch.equal(a.weights, b.weights)
        for a, b in zip(before.routing, after.routing, strict=True)
    )
    with pytest.raises(ValueError, match="takes more already"):
        widened_network(wide, 3)


def test_a_widened_network_learns_to_use_the_new_channel(tiny: Build, pair: Draw) -> None:
    target, guide, text, ratio = pair(4, 16, 16, channels=4)
    wide = widened_network(tiny(guide_channels=3), 4)
    wide(target, guide, text, ratio).image.square().mean().backward()
    assert wide.embed.weight.grad is not None
    assert wide.embed.weight.grad[:, -1].any() and not wide.embed.weight[:, -1].any()
