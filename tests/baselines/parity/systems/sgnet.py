from collections.abc import Mapping

import torch
import torch.nn.functional as F
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.depth import SGNet
from gisr.baselines.depth.sgnet_blocks import (
    BackProjection,
    InvertibleBlock,
    InvertibleMixing,
    SpectrumFusion,
    StructureBridge,
    gradient_size,
)

MIXING = ("*.lower", "*.upper", "*.log_diagonal")


def left_out(width: int) -> nn.ModuleList:
    """Return three convolutions of each bridge, and two of the gradient branch."""
    pairs = [(width, 1), (1, width)]
    for wide in (width, 2 * width, 3 * width):
        pairs += [(wide, wide // 2), (wide // 2, wide), (wide, wide)]
    return nn.ModuleList(convolution(inputs, outputs) for inputs, outputs in pairs)


def prepare(module: object) -> None:
    """Take away what is drawn at random and kept beside the weights."""
    for mixing in module.modules() if isinstance(module, nn.Module) else ():
        if isinstance(mixing, InvertibleMixing):
            mixing.permutation.copy_(torch.eye(len(mixing.signs)))
            mixing.signs.fill_(1)


def run(network: SGNet, entry: Entry) -> Mapping[str, Tensor]:
    target = uniform(1, 1, 1, entry.height // network.ratio, entry.width // network.ratio)
    sharpened, gradient = network(target, uniform(2, 1, 3, entry.height, entry.width))
    enlarged = F.interpolate(target, scale_factor=network.ratio, mode="bicubic")
    return {
        "depth": sharpened,
        "network part only (depth minus bicubic upsampling)": sharpened - enlarged,
        "gradient map": gradient,
    }


SGNET = ParitySystem(
    kind=SGNet,
    sheet="B",
    configurations={
        "x4 nf48": Configuration(SGNet, lambda: left_out(48)),
        "x8 nf40": Configuration(lambda: SGNet(ratio=8), lambda: left_out(40)),
        "x16 nf40": Configuration(lambda: SGNet(ratio=16), lambda: left_out(40)),
    },
    run=run,
    blocks={
        "structure-detail bridge (48 ch, x4), first output, fill BS, inputs depth rng3 "
        "(1,48,8,12), RGB rng4 (1,48,32,48)": Block(
            build=lambda: StructureBridge(48, 48, 4),
            call=lambda block: block(uniform(3, 1, 48, 8, 12), uniform(4, 1, 48, 32, 48))[0],
            fill="BS",
            not_free=MIXING,
        ),
        "frequency fusion block (48 ch), fill BS, inputs depth rng3 (1,48,16,24), RGB rng4 "
        "(1,48,16,24)": Block(
            build=lambda: SpectrumFusion(48, 48),
            call=lambda block: block(uniform(3, 1, 48, 16, 24), uniform(4, 1, 48, 16, 24)),
            fill="BS",
        ),
        "invertible block 96 = 48+48, fill BS, input rng3 (1,96,16,24)": Block(
            build=lambda: InvertibleBlock(96, 48),
            call=lambda block: block(uniform(3, 1, 96, 16, 24)),
            fill="BS",
            not_free=MIXING,
        ),
        "up-projection unit x4 (48 ch), fill BS, input rng3 (1,48,8,12)": Block(
            build=lambda: BackProjection(48, 4, up=True),
            call=lambda block: block(uniform(3, 1, 48, 8, 12)),
            fill="BS",
        ),
        "gradient magnitude of rng3 (1,1,16,24) (output without channel axis, shown as one "
        "channel)": Block(call=lambda _: gradient_size(uniform(3, 1, 1, 16, 24))),
    },
    small=lambda target, guide, ratio: SGNet(
        target, guide, ratio, width=4, gradient_blocks=1, trunk_blocks=1, tail_blocks=1
    ),
    channels=((1, 3), (4, 1)),
    not_free=MIXING,
    quick=("x4 nf48 | fill AS", *("structure", "frequency", "invertible", "up-proj", "gradient")),
    prepare=prepare,
    gradient_size=(16, 16),
    target=(5, 7),
)
