from tests.baselines.parity.fill import uniform
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from tests.baselines.parity.systems.minet import run, unused_by_both
from torch import nn

from gisr.baselines.blocks.channel_attention import ChannelAttentionGroup
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.mri import SANet
from gisr.baselines.mri.sanet import SeparableAttention


def left_out(ratio: int) -> nn.Module:
    layers = unused_by_both(ratio, maps=8)
    layers.extend(convolution(32, 32) for _ in range(4))
    for _ in range(2):
        layers.extend(ChannelAttentionGroup(64, 6, 16) for _ in range(2))
        layers.append(convolution(64, 64))
    layers.extend(convolution(128, 64) for _ in range(7))
    layers.extend(convolution(64, 1) for _ in range(3))
    return layers


SANET = ParitySystem(
    kind=SANet,
    sheet="B",
    configurations={
        "repaired x2": Configuration(lambda: SANet(ratio=2), lambda: left_out(2)),
        "repaired x4": Configuration(lambda: SANet(ratio=4), lambda: left_out(4)),
        "repaired x8": Configuration(lambda: SANet(ratio=8), lambda: left_out(8)),
    },
    run=run,
    blocks={
        "separable attention block, fill B, inputs guide rng3 (1,64,16,24), "
        "target rng4 (1,64,16,24), map rng5 (1,1,16,24)": Block(
            build=lambda: SeparableAttention(64),
            call=lambda block: block(
                uniform(3, 1, 64, 16, 24), uniform(4, 1, 64, 16, 24), uniform(5, 1, 1, 16, 24)
            ),
        ),
    },
    small=lambda target, guide, ratio: SANet(target, guide, ratio, width=16, groups=1, blocks=1),
    channels=((1, 1), (2, 2), (4, 1)),
    quick=("repaired x2 | fill AS", "separable"),
    gradient_size=(16, 16),
    on_meta=False,
)
