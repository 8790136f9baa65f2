"""How what a guide lends is given to a target's feature: MASA's blocks, which McMRSR takes over.

Lu, Li, Tao, Lu and Jia, "MASA-SR", CVPR 2021, Sections 3.3 and 3.4.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution


class SpatialAdaptation(nn.Module):
    """SAM: the guide's feature gets mean and spread of the target's, and what both say of them."""

    def __init__(self, width: int) -> None:
        """Create it for features of ``width`` channels; it starts with the target's own."""
        super().__init__()
        self.join = convolution(2 * width, width)
        self.gain = convolution(width, width)
        self.offset = convolution(width, width)
        for layer in (self.gain, self.offset):
            assert layer.bias is not None
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the guide's feature in the target's style."""
        style = self.join(torch.cat([target, guide], dim=1)).relu()
        gain = self.gain(style) + target.std(dim=(2, 3), keepdim=True)
        offset = self.offset(style) + target.mean(dim=(2, 3), keepdim=True)
        adapted: Tensor = F.instance_norm(guide) * gain + offset
        return adapted


class DualResidualAggregation(nn.Module):
    """DRAM: each image's feature is refined by what it does not share with the other."""

    def __init__(self, width: int, *, same_size: bool = False) -> None:
        """Create it for features of ``width`` channels.

        Args:
            width: Channels.
            same_size: Both features have one size; otherwise the guide's is twice as large.
        """
        super().__init__()
        stride = 1 if same_size else 2
        self.guide_down = convolution(width, width, stride=stride)
        self.guide_down_again = convolution(width, width, stride=stride)
        self.for_guide, self.for_target = (
            convolution(width, width)
            if same_size
            else nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1)
            for _ in range(2)
        )
        self.merge = convolution(2 * width, width)

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the feature of both, at the guide's size."""
        missing = self.guide_down(guide).relu() - target
        own = target - self.guide_down_again(guide).relu()
        guide = self.for_guide(missing).relu() + guide
        target = self.for_target(own + target).relu()
        merged: Tensor = self.merge(torch.cat([guide, target], dim=1)).relu()
        return merged


def doubled(feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Return a feature at twice its size, bilinearly."""
    return F.interpolate(feature, scale_factor=2, mode="bilinear")
