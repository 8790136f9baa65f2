"""A tiny network behind an upscaler, with no weight at zero so that it does something."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import Weights


def tiny_weights(**changes: Any) -> Weights:
    torch.manual_seed(7)
    settings = {"width": 4, "blocks": (1, 1), "heads": (1, 2), "unshuffle": 2, **changes}
    network = MAGNet(MAGNetConfig(**settings))
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return Weights("tiny", network, built_in_table())


@pytest.fixture(scope="session")
def weights() -> Callable[..., Weights]:
    """Build weights of a small network."""
    return tiny_weights


@pytest.fixture
def upscaler() -> Upscaler:
    """Return an upscaler on the CPU whose tiles are large enough for the tests' images."""
    return Upscaler(tiny_weights(), "cpu")
