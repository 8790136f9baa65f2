"""What published systems cost: parameters, and multiplications for an output of 128 x 128.

``costs.json`` is written by ``tools/system_costs.py`` and checked by a test.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import torch
from torch.utils.flop_counter import FlopCounterMode

from gisr.baselines.network import NetworkInput
from gisr.baselines.systems import SystemName, SystemShape, find_system

COSTS_FILE = "costs.json"
_SIDE = 128


@dataclass(frozen=True)
class SystemCost:
    """Cost of a published system at its published size."""

    parameters: int
    gmacs: float
    """10^9 multiplications and additions for an output of 128 x 128, without Fourier transforms and
    sampling."""
    ratio: int
    """The ratio at which it is counted."""


@cache
def system_costs() -> dict[SystemName, SystemCost]:
    """Return the recorded cost of every published system, in the order of the tables."""
    content = json.loads((files("gisr.baselines") / COSTS_FILE).read_text(encoding="utf-8"))
    return {name: SystemCost(**cost) for name, cost in content.items()}


@cache
def system_cost(name: SystemName) -> SystemCost:
    """Return the cost of a published system; one that the file lacks is counted now."""
    if name in system_costs():
        return system_costs()[name]
    with torch.random.fork_rng(devices=[]):  # what is trained next starts from the same numbers
        return count_cost(published_shape(name))


def published_shape(name: SystemName) -> SystemShape:
    """Return the shape that a system is counted at: its task at ratio 4, or its nearest."""
    published = find_system(name).published
    ratio = min(published.ratios, key=lambda own: abs(own - 4))
    return SystemShape.of(name, [(task, ratio) for task in published.tasks])


def count_cost(shape: SystemShape) -> SystemCost:
    """Count the parameters of a system and the operations of one run."""
    network = shape.build().eval().requires_grad_(False)
    low, ratio = _SIDE // shape.ratio, shape.ratio
    given = NetworkInput(
        torch.rand(1, shape.target_channels, low, low),
        torch.rand(1, shape.target_channels, low * ratio, low * ratio),
        torch.rand(1, shape.guide_channels, low * ratio, low * ratio),
        ratio,
    )
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network.sharpen(given)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return SystemCost(parameters, counter.get_total_flops() / 2e9, shape.ratio)


__all__ = [
    "COSTS_FILE",
    "SystemCost",
    "count_cost",
    "published_shape",
    "system_cost",
    "system_costs",
]
