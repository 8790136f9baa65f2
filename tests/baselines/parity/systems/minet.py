from collections.abc import Mapping

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.blocks.channel_attention import ChannelAttentionBlock, ChannelAttentionGroup
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.mri import MINet
from gisr.baselines.mri.staged import (
    LayerAttention,
    ShuffledEnlargement,
    StagedNetwork,
    VolumeAttention,
)


def unused_by_both(ratio: int, maps: int) -> nn.ModuleList:
    """Return what neither MINet nor SANet uses of what their originals build."""
    third_branch = [
        *(ChannelAttentionGroup(64, 6, 16) for _ in range(6)),
        convolution(64, 64),
        VolumeAttention(),
        LayerAttention(),
        convolution(64 * maps, 64),
        convolution(128, 64),
        convolution(64, 64),
    ]
    guide_branch = [
        ShuffledEnlargement(64, ratio),
        LayerAttention(),
        convolution(64 * maps, 64),
        convolution(128, 64),
    ]
    target_branch = [ShuffledEnlargement(64, ratio), convolution(64, 64)]
    colour_means = [convolution(3, 3, 1) for _ in range(2)]
    beside = [
        convolution(128, 64),
        convolution(64, 32),
        nn.BatchNorm2d(32),
        convolution(32, 64, 1),
    ]
    return nn.ModuleList([*third_branch, *guide_branch, *target_branch, *colour_means, *beside])


def left_out(ratio: int) -> nn.Module:
    layers = unused_by_both(ratio, maps=7)
    layers.extend(convolution(64, 32, 1) for _ in range(14))
    layers.extend(convolution(64, 1) for _ in range(7))
    return layers


def run(network: StagedNetwork, entry: Entry) -> Mapping[str, Tensor]:
    ratio = int(entry.configuration[-1])
    target = uniform(1, 1, 1, entry.height // ratio, entry.width // ratio)
    output = network(target, uniform(2, 1, 1, entry.height, entry.width))
    return {"target SR": output.target, "guide reconstruction": output.guide}


MINET = ParitySystem(
    kind=MINet,
    sheet="B",
    configurations={
        "repaired x2": Configuration(lambda: MINet(ratio=2), lambda: left_out(2)),
        "repaired x4": Configuration(lambda: MINet(ratio=4), lambda: left_out(4)),
        "repaired x8": Configuration(lambda: MINet(ratio=8), lambda: left_out(8)),
    },
    run=run,
    blocks={
        "residual channel-attention block, 64 ch, reduction 16, fill B, "
        "input rng3 (1,64,16,24)": Block(
            build=lambda: ChannelAttentionBlock(64, 16),
            call=lambda block: block(uniform(3, 1, 64, 16, 24)),
        ),
        "channel-spatial attention (3-D convolution), fill B, input rng3 (1,64,16,24)": Block(
            build=VolumeAttention,
            call=lambda block: block(uniform(3, 1, 64, 16, 24)),
        ),
        "layer attention, fill B, input rng3 (1,14,64,16,24)*0.02, output (1,896,16,24)": Block(
            build=LayerAttention,
            call=lambda block: block(uniform(3, 1, 14, 64, 16, 24) * 0.02),
        ),
    },
    small=lambda target, guide, ratio: MINet(target, guide, ratio, width=16, groups=1, blocks=1),
    channels=((1, 1), (2, 2), (4, 1)),
    quick=("repaired x2 | fill AS", "residual", "channel-spatial", "layer"),
    gradient_size=(16, 16),
)
