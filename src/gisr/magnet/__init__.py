"""MAG-Net, the network of the paper, in plain PyTorch. Read :mod:`gisr.magnet.network` first."""

from gisr.magnet.config import PRESETS, MAGNetConfig, Preset
from gisr.magnet.network import MAGNet, MAGNetOutput
from gisr.magnet.routing import LevelRouting, balance_loss

__all__ = [
    "PRESETS",
    "LevelRouting",
    "MAGNet",
    "MAGNetConfig",
    "MAGNetOutput",
    "Preset",
    "balance_loss",
]
