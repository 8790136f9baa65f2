"""Networks that run in no time."""

from typing import Any

import torch

from gisr.magnet import MAGNet, MAGNetConfig
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import Weights


def small_network(seed: int = 0, *, width: int = 8, moved: bool = False) -> MAGNet:
    """Return a network of random weights.

    Args:
        seed: Of the weights.
        width: Channels of the first level.
        moved: Add noise to every weight: as it begins, a network adds nothing to its target.
    """
    torch.manual_seed(seed)
    network = MAGNet(MAGNetConfig(width=width, unshuffle=2, blocks=(1, 1), heads=(1, 2)))
    if moved:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def tiny_weights(**changes: Any) -> Weights:
    """Return weights of a tiny network, no weight at zero so that it does something."""
    torch.manual_seed(7)
    settings = {"width": 4, "blocks": (1, 1), "heads": (1, 2), "unshuffle": 2, **changes}
    network = MAGNet(MAGNetConfig(**settings))
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return Weights("tiny", network, built_in_table())
