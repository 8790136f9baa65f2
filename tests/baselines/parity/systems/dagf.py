from collections.abc import Mapping

import torch
import torch.nn.functional as F
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.depth import DAGF
from gisr.baselines.depth.activated import activated
from gisr.baselines.depth.dagf import AttentionalFilter, halving, weight_map


def left_out() -> nn.ModuleList:
    """Return a second entry at each level, a second tail, and a way down to the coarsest level."""
    entries = (nn.Sequential(activated(1, 32), convolution(32, 32)) for _ in range(3))
    tail = nn.Sequential(activated(32, 32), activated(32, 1))
    gains = nn.ParameterList(torch.zeros(1) for _ in range(2))
    return nn.ModuleList([*entries, tail, activated(32, 32), gains])


def left_out_with_coarse_outputs() -> nn.ModuleList:
    return nn.ModuleList([left_out(), activated(32, 1), activated(32, 1)])


def run(network: DAGF, entry: Entry) -> Mapping[str, Tensor]:
    ratio = int(entry.configuration[1:])
    target = uniform(1, 1, 1, entry.height // ratio, entry.width // ratio)
    enlarged = F.interpolate(target, scale_factor=ratio, mode="bicubic")
    results = network(target, uniform(2, 1, 3, entry.height, entry.width), enlarged)
    return {
        "output level 3 of 3 (final)": results[-1],
        "network part only (final output minus upsampled depth)": results[-1] - enlarged,
        # As the authors train: what a coarse output alone needs gets no gradient.
        "output level 1 of 3": results[0].detach(),
    }


DAGF_SYSTEM = ParitySystem(
    kind=DAGF,
    sheet="B",
    configurations={
        "x4": Configuration(
            lambda: DAGF(coarse_outputs=True),
            left_out,
            params="all ratios",
            idle=("outputs.0.*", "outputs.1.*"),
        ),
        "x8": Configuration(DAGF, left_out_with_coarse_outputs, params="all ratios"),
        "x16": Configuration(DAGF, left_out_with_coarse_outputs, params="all ratios"),
    },
    run=run,
    blocks={
        "attentional kernel filter block, fill B, inputs depth rng3 (1,32,32,48), guide rng4 "
        "(1,32,32,48), filtered feature rng5 (1,32,16,24)": Block(
            build=lambda: AttentionalFilter(32),
            call=lambda block: block(
                uniform(3, 1, 32, 32, 48), uniform(4, 1, 32, 32, 48), uniform(5, 1, 32, 16, 24)
            ),
        ),
        "weight map network alone, fill B, input rng3 (1,64,32,48)": Block(
            build=lambda: weight_map(32), call=lambda block: block(uniform(3, 1, 64, 32, 48))
        ),
        "downsampling block, fill B, input rng3 (1,32,32,48)": Block(
            build=lambda: halving(32), call=lambda block: block(uniform(3, 1, 32, 32, 48))
        ),
    },
    small=lambda target, guide, ratio: DAGF(target, guide, width=4),
    channels=((1, 3), (4, 1)),
    gradient_size=(32, 32),
    on_meta=False,
)
