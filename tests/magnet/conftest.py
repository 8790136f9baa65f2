"""Small networks in which nothing is zero, and inputs for them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gisr.magnet import MAGNet, MAGNetConfig


@pytest.fixture
def tiny() -> Callable[..., MAGNet]:
    """Build a seeded network of one block a level that does something at once."""

    def build(**changes: Any) -> MAGNet:
        torch.manual_seed(3)
        settings = {"width": 8, "blocks": (1, 1, 1, 1), "text_width": 6, **changes}
        network = MAGNet(MAGNetConfig(**settings)).eval()
        for parameter in network.parameters():
            if not parameter.any():  # whatever starts at zero would hide what is behind it
                torch.nn.init.normal_(parameter, std=0.1)
        return network

    return build


@pytest.fixture
def pair() -> Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Draw target, guide, text and ratio."""

    def draw(
        bands: int = 4, height: int = 24, width: int = 32, channels: int = 3, batch: int = 1
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rng = torch.Generator().manual_seed(5)
        return (
            torch.rand(batch, bands, height, width, generator=rng),
            torch.rand(batch, channels, height, width, generator=rng),
            torch.randn(batch, 6, generator=rng),
            torch.full((batch,), 4.0),
        )

    return draw
