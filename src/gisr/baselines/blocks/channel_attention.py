"""Residual blocks whose channels are weighed, and groups of them.

Zhang et al., "Image super-resolution using very deep residual channel attention networks",
ECCV 2018; built into MINet, SANet and others.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution


class ChannelAttentionBlock(nn.Module):
    """RCAB: two convolutions, each channel weighed by the means of all channels, a residual."""

    def __init__(self, width: int, reduction: int, slope: float = 0.0) -> None:
        """Create one.

        Args:
            width: Channels, a multiple of ``reduction``.
            reduction: How many times fewer channels the weights are worked out in.
            slope: Of the activation between the convolutions, for negative values; 0 is ReLU.
        """
        super().__init__()
        self.slope = slope
        self.first = convolution(width, width)
        self.second = convolution(width, width)
        self.squeeze = convolution(width, width // reduction, 1)
        self.excite = convolution(width // reduction, width, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine a feature; its shape stays."""
        feature: Tensor = self.second(F.leaky_relu(self.first(x), self.slope))
        means = feature.mean(dim=(2, 3), keepdim=True)
        weights: Tensor = self.excite(self.squeeze(means).relu()).sigmoid()
        return x + feature * weights


class ChannelAttentionGroup(nn.Sequential):
    """RG: such blocks in a row, a convolution, a residual around all."""

    def __init__(self, width: int, blocks: int, reduction: int, slope: float = 0.0) -> None:
        """Create a group of ``blocks`` blocks (see :class:`ChannelAttentionBlock`)."""
        super().__init__(
            *(ChannelAttentionBlock(width, reduction, slope) for _ in range(blocks)),
            convolution(width, width),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine a feature; its shape stays."""
        feature = x
        for layer in self:
            feature = layer(feature)
        return x + feature
