"""What a system costs to run, counted and measured on a pair of noise."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from gisr.baselines.systems import TASK_CHANNELS
from gisr.data.pair import Pair
from gisr.experiments.system_variants import SYSTEM_ALONE
from gisr.inference.answers import Settings
from gisr.inference.fused import FUSES
from gisr.inference.system import PairSystem
from gisr.placement import Placement
from gisr.tasks import TaskName

_COUNTED, _TIMED = 128, 256
"""Guide pixels a side of what is counted, and of what is timed."""
_NETWORK_ALONE = Settings(align="off", consistent=SYSTEM_ALONE.consistent)


@dataclass(frozen=True)
class Cost:
    """Size and speed of a network."""

    parameters: int
    gmacs: float
    """10^9 multiplications and additions for 128 x 128 guide pixels."""
    seconds_per_megapixel: float
    """CPU time of a million guide pixels, measured on 256 x 256; the better of two runs."""

    @property
    def words(self) -> tuple[str, ...]:
        """The cells of a table: parameters in millions, GMACs, seconds."""
        return (
            f"{self.parameters / 1e6:.2f}",
            f"{self.gmacs:.1f}",
            f"{self.seconds_per_megapixel:.1f}",
        )


def measure_cost(system: PairSystem, task: TaskName, ratio: int) -> Cost:
    """Count and time a system on noise of a task at a ratio.

    Args:
        system: With a network.
        task: One of its tasks.
        ratio: One that it takes, a divisor of 128.
    """
    network = getattr(system, "network", None)
    assert isinstance(network, nn.Module)  # the tables compare networks
    with FlopCounterMode(display=False, custom_mapping=_counted_as()) as counter:
        system.answer(_noise(task, ratio, _COUNTED), _NETWORK_ALONE)
    pair, spent = _noise(task, ratio, _TIMED), []
    for _ in range(2):
        began = time.process_time()
        system.answer(pair, _NETWORK_ALONE)
        spent.append(time.process_time() - began)
    return Cost(
        sum(parameter.numel() for parameter in network.parameters()),
        counter.get_total_flops() / 2e9,
        min(spent) / (_TIMED**2 / 1e6),
    )


def _counted_as() -> dict[Any, Any]:
    """Return what the counter needs to know of a processor's fused convolutions."""
    return {torch.ops.mkldnn._convolution_pointwise: _operations} if FUSES else {}


def _operations(x: list[int], *given: Any, out_shape: list[int], **_: Any) -> int:  # noqa: ANN401
    """Count multiplications and additions of ``x, weight, bias``, or ``x, other, weight, bias``."""
    weight = given[1] if given[1] is not None and len(given[1]) == 4 else given[0]
    return conv_flop_count(x, weight, out_shape)


def _noise(task: TaskName, ratio: int, side: int) -> Pair:
    bands, channels = TASK_CHANNELS[task]
    rng, low = np.random.default_rng(0), side // ratio
    target = rng.uniform(1, 2, (low, low, bands)).astype(np.float32)
    guide = rng.uniform(1, 2, (side, side, channels)).astype(np.float32)
    placement = Placement.from_grid("centre", (low, low), (side, side))
    return Pair(target, guide, task, placement, "centre")


__all__ = ["Cost", "measure_cost"]
