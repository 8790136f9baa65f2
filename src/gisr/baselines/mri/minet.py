"""MINet, two branches whose features meet after every stage (MR).

Feng, Fu, Yuan and Xu, "Multi-contrast MRI super-resolution via a multi-stage integration network",
MICCAI 2021. (MAG-Net's reference [44] names another network of this name, for salient objects.)
Original code: chunmeifeng/MINet, without a licence; ours is written from the paper.
6,748,189 parameters at ratio 2, 6,895,901 at 4, 7,043,613 at 8. The published code counts
10,920,971 at ratio 2: 4.2 million of them, a third branch above all, take no part and are
not built here.

What the original code does and its paper does not say: as it stands it cannot run, since the
convolution that joins the stages expects 7 of them and is given 14; ours takes the 14, as the
paper's text and SANet do. Features of the target are recorded before the guide is fused into them.
Its low-resolution images are made ``ratio`` times too bright; ours keep the grey level.

Ours: ratios 4 and 8 (the number in the code), any number of channels.
"""

from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.channel_attention import ChannelAttentionGroup
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_channels, require_ratio
from gisr.baselines.mri.staged import StagedNetwork
from gisr.baselines.network import PublishedSystem, scaled_width

REDUCTION = 16


class MINet(StagedNetwork):
    """Six groups and a convolution in each branch, fused by a 1x1 convolution after each."""

    published = PublishedSystem(
        title="MINet",
        paper="Feng et al., Multi-contrast MRI super-resolution via a multi-stage integration "
        "network, MICCAI 2021",
        year=2021,
        tasks=("mri",),
        licence="none",
        ratios=(2, 4, 8),
    )

    def __init__(
        self,
        target_channels: int = 1,
        guide_channels: int = 1,
        ratio: int = 2,
        *,
        width: int = 64,
        groups: int = 6,
        blocks: int = 6,
    ) -> None:
        """Create the network.

        Args:
            target_channels: Of the target.
            guide_channels: Of the guide.
            ratio: Scale factor, a power of two.
            width: Channels of all features, a multiple of 16.
            groups: Groups in each branch; a convolution is one stage more.
            blocks: Channel-attention blocks in each group.
        """
        stages = (_stages(width, groups, blocks), _stages(width, groups, blocks))
        super().__init__(target_channels, guide_channels, ratio, width, stages)
        self.fusions = nn.ModuleList(
            convolution(2 * width, width, 1) for _ in range(len(stages[0]))
        )

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size, without the layers that take no part."""
        require_ratio(cls.published, ratio)
        require_channels(cls.published, target_channels, guide_channels)
        return cls(target_channels, guide_channels, ratio, width=scaled_width(64, width, 16))

    def fuse(
        self, stage: int, guide: Float[Tensor, "b c H W"], target: Float[Tensor, "b c H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Mix the channels of both features."""
        fused: Tensor = self.fusions[stage](torch.cat([guide, target], dim=1))
        return fused


def _stages(width: int, groups: int, blocks: int) -> nn.ModuleList:
    return nn.ModuleList(
        [
            *(ChannelAttentionGroup(width, blocks, REDUCTION) for _ in range(groups)),
            convolution(width, width),
        ]
    )
