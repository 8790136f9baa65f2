"""SANet, two branches that meet in a separable attention after every stage (MR, reference [46]).

Feng, Yan, Yu, Xu, Fu, Yang and Shao, "Exploring separable attention for multi-contrast MR image
super-resolution", IEEE Transactions on Neural Networks and Learning Systems, 2024.
Original code: chunmeifeng/SANet, without a licence; ours is written from the paper.
4,637,057 parameters at ratio 2, 4,784,769 at 4, 4,932,481 at 8. The published code counts
11,413,707 at ratio 2: the others take no part and are not built here.

What the original code does and its paper does not say: only 4 of its 7 stages run, as it has
four attention blocks, where the paper has attention at every stage; the map that parts foreground
from background comes from the guide's feature alone. As it stands the code cannot run (a colour
mean and plotting functions are missing); none of the repairs changes the network.

Ours: any number of channels. The number of stages is an argument.
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


class SANet(StagedNetwork):
    """Four groups in each branch, fused by a separable attention after each."""

    published = PublishedSystem(
        title="SANet",
        paper="Feng et al., Exploring separable attention for multi-contrast MR image "
        "super-resolution, IEEE Transactions on Neural Networks and Learning Systems, 2024",
        year=2024,
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
        groups: int = 4,
        blocks: int = 6,
    ) -> None:
        """Create the network.

        Args:
            target_channels: Of the target.
            guide_channels: Of the guide.
            ratio: Scale factor, a power of two.
            width: Channels of all features, a multiple of 16.
            groups: Groups in each branch, each a stage with its attention.
            blocks: Channel-attention blocks in each group.
        """
        guide_stages, target_stages = (
            nn.ModuleList(ChannelAttentionGroup(width, blocks, REDUCTION) for _ in range(groups))
            for _ in range(2)
        )
        stages = (guide_stages, target_stages)
        super().__init__(target_channels, guide_channels, ratio, width, stages)
        self.maps = nn.ModuleList(convolution(width, 1) for _ in range(groups))
        self.attentions = nn.ModuleList(SeparableAttention(width) for _ in range(groups))

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
        """Attend to both features, parted by a map of the guide's."""
        fused: Tensor = self.attentions[stage](guide, target, self.maps[stage](guide))
        return fused


class SeparableAttention(nn.Module):
    """Foreground and background of the joint feature, each with a convolution of its own."""

    def __init__(self, width: int) -> None:
        """Create it for features of ``width`` channels, an even number."""
        super().__init__()
        half = width // 2
        self.join = convolution(2 * width, half, 1)
        self.foreground = _normalised(half, half)
        self.background = _normalised(half, half)
        self.merge = nn.Sequential(*_normalised(width, half), convolution(half, width, 1))

    def forward(
        self,
        guide: Float[Tensor, "b c H W"],
        target: Float[Tensor, "b c H W"],
        parting: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, "b c H W"]:
        """Return what is added to the target's feature.

        Args:
            guide: The guide's feature.
            target: The target's feature.
            parting: Foreground where it is positive.
        """
        joint = self.join(torch.cat([guide, target], dim=1))
        share = parting.sigmoid()
        foreground = self.foreground(joint * share)
        background = self.background(joint * (1 - share))
        merged: Tensor = self.merge(torch.cat([foreground, background], dim=1))
        return merged


def _normalised(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU())
