"""Networks for guides of more channels than they were trained with."""

from dataclasses import replace

import torch.nn.functional as F

from gisr.magnet import MAGNet


def widened_network(network: MAGNet, guide_channels: int) -> MAGNet:
    """Return the same network for guides of more channels, which it has to learn to use.

    What it answers to guides of as many channels as before stays the same, to the bit: the kernels
    of the new channels are 0.

    Raises:
        ValueError: It takes more already.
    """
    if guide_channels < network.config.guide_channels:
        raise ValueError(f"guide_channels {guide_channels}: the network takes more already")
    wide = MAGNet(replace(network.config, guide_channels=guide_channels))
    values = network.state_dict()
    for name, wanted in wide.state_dict().items():
        missing = wanted.shape[1] - values[name].shape[1] if wanted.ndim == 4 else 0
        if missing:  # a guide's channels come last
            values[name] = F.pad(values[name], (0, 0, 0, 0, 0, missing))
    wide.load_state_dict(values)
    return wide.train(network.training)
