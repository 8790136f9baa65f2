"""MAG-Net, the network of the paper, in plain PyTorch. Read :mod:`gisr.magnet.network` first.

torch is imported with the first use of the network; its configuration needs none.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from gisr.magnet.config import PRESETS, MAGNetConfig, Preset

if TYPE_CHECKING:
    from gisr.magnet.network import MAGNet, MAGNetOutput
    from gisr.magnet.routing import LevelRouting, balance_loss

_HOMES = {
    "LevelRouting": "gisr.magnet.routing",
    "MAGNet": "gisr.magnet.network",
    "MAGNetOutput": "gisr.magnet.network",
    "balance_loss": "gisr.magnet.routing",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


__all__ = [
    "PRESETS",
    "LevelRouting",
    "MAGNet",
    "MAGNetConfig",
    "MAGNetOutput",
    "Preset",
    "balance_loss",
]
