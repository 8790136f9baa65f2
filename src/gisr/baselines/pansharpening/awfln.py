"""AWFLN: a light network of 3x3 convolutions whose positions are weighted by pixel.

Lu, Yang, Huang, Chen, Chi, Liu, Tu, "AWFLN: An Adaptive Weighted Feature Learning Network for
Pansharpening", IEEE TGRS 61, 2023, doi 10.1109/TGRS.2023.3241643. The original code has no licence;
this is written without it.

161,826 parameters with 4 bands at ratio 4 (172,046 with 8 bands). The original also builds an
upsampler for ratio 2 that it never uses (593 parameters with 4 bands), left out here.

What the original code does beyond its paper: the weights of the nine positions depend on a feature
through its two gates only, not on the feature itself, and the gate of channels takes the maximum of
each map where efficient channel attention takes the mean.

Generalised by us: any number of bands (the original has one file for 4 and one for 8), guides with
more channels than PAN (they join the first layer of their branch) and other ratios than 4 (the
sub-pixel layer makes ``ratio`` squared maps a band).
"""

from typing import ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width
from gisr.baselines.pansharpening.build_checks import check_build, check_width
from gisr.baselines.pansharpening.weighted_convolution import POSITIONS, PixelWeightedConvolution


class PositionWeights(nn.Module):
    """Weights in [0.5, 1) of the nine kernel positions at every pixel, from two gates."""

    def __init__(self, channels: int) -> None:
        """Create weights that are computed from ``channels`` channels."""
        super().__init__()
        self.feature = convolution(channels, POSITIONS)
        self.spatial_gate = convolution(2, 1, 7, bias=False)
        self.channel_gate = nn.Conv1d(1, 1, 7, padding=3, bias=False)
        self.mix = convolution(POSITIONS, POSITIONS)
        self.norm = nn.BatchNorm2d(POSITIONS)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 9 h w"]:
        """Return one weight a position and pixel."""
        feature = self.feature(x)
        summary = torch.cat([feature.mean(1, keepdim=True), feature.amax(1, keepdim=True)], dim=1)
        by_pixel = self.spatial_gate(summary).sigmoid()
        by_channel = self.channel_gate(feature.amax(dim=(2, 3))[:, None]).sigmoid()
        gates = by_pixel * by_channel.squeeze(1)[..., None, None]
        # The ReLU keeps the weights at a half or more.
        weights: Tensor = self.norm(self.mix(gates)).relu().sigmoid()
        return weights


class AdaptiveFeatureLearning(nn.Module):
    """A 3x3 convolution weighted by pixel, with weights from its own input."""

    def __init__(self, channels: int) -> None:
        """Create one that keeps the number of channels."""
        super().__init__()
        self.weights = PositionWeights(channels)
        self.convolution = PixelWeightedConvolution(channels, channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Convolve every pixel with its own weighting of the kernel."""
        convolved: Tensor = self.convolution(x, self.weights(x))
        return convolved


class MultiReceptiveField(nn.Module):
    """Three dilations side by side, two adaptive convolutions, and a residual."""

    def __init__(self, channels: int) -> None:
        """Create one over a number of channels that 3 divides."""
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(channels, channels // 3, 3, padding=dilation, dilation=dilation)
            for dilation in (1, 2, 3)
        )
        self.learning = nn.Sequential(
            AdaptiveFeatureLearning(channels), AdaptiveFeatureLearning(channels)
        )
        self._draw()

    def _draw(self) -> None:
        """Draw the weights as published; kernels that are weighted by pixel keep torch's draw."""
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d) and not name.endswith("kernel"):
                fan_out = layer.out_channels * layer.weight[0, 0].numel()
                nn.init.normal_(layer.weight, std=(2 / fan_out) ** 0.5)
        for branch in self.branches:
            if isinstance(branch, nn.Conv2d) and branch.bias is not None:
                nn.init.zeros_(branch.bias)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        fields = torch.cat([branch(x) for branch in self.branches], dim=1)
        refined: Tensor = (self.learning(fields) + x).relu()
        return refined


class AWFLN(ComparedNetwork):
    """Two shallow branches, two multi-receptive-field blocks, and a detail added to the MS."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="AWFLN",
        paper='Lu et al., "AWFLN: An Adaptive Weighted Feature Learning Network for '
        'Pansharpening", IEEE TGRS 61, 2023',
        year=2023,
        tasks=("pansharpening",),
        licence="none",
    )

    def __init__(self, bands: int, guide_channels: int, ratio: int, *, width: int = 30) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            guide_channels: Channels of the guide, 1 for PAN.
            ratio: 2, 4, 8 or 16.
            width: Channels of each branch, a multiple of 3; twice as many where they have joined.

        Raises:
            ValueError: It cannot be built so.
        """
        super().__init__()
        check_build(self.published, bands, guide_channels, ratio)
        check_width(self.published, width, 3)
        self.upsampler = nn.Sequential(
            convolution(bands, bands * ratio**2), nn.PixelShuffle(ratio), nn.PReLU()
        )
        self.guide_branch = _activated(bands + guide_channels, width)
        self.target_branch = _activated(bands, width)
        self.joined = MultiReceptiveField(2 * width)
        self.reduction = _activated(2 * width, width)
        self.reduced = MultiReceptiveField(width)
        self.head = convolution(width, bands)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network, its widths times a factor; see the class for what it raises."""
        return cls(target_channels, guide_channels, ratio, width=scaled_width(30, width, 3))

    def forward(
        self,
        enlarged: Float[Tensor, "b c H W"],
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g H W"],
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened MS, of any size that is ``ratio`` times the target's."""
        details = self.guide_branch(torch.cat([self.upsampler(target), guide], dim=1))
        feature = self.joined(torch.cat([self.target_branch(enlarged), details], dim=1))
        sharpened: Tensor = self.head(self.reduced(self.reduction(feature))) + enlarged
        return sharpened

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; no size needs padding."""
        sharpened: Tensor = self(given.enlarged, given.target, given.guide)
        return sharpened


def _activated(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, outputs), nn.PReLU())
