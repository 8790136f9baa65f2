"""A network that runs in no time."""

import torch

from gisr.magnet import MAGNet, MAGNetConfig


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
