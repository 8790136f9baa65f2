"""LAGConv: a plain residual network of convolutions that adapt to every pixel and to the image.

Jin, Zhang, Jiang, Vivone, Deng, "LAGConv: Local-Context Adaptive Convolution Kernels with Global
Harmonic Bias for Pansharpening", AAAI 2022, 36(1):1113-1121. The original code has no licence; this
is written without it.

148,457 parameters with 4 bands (151,397 with the 8 of the original); every layer is used.

The original takes an MS image that a 23-tap polynomial has interpolated; here it is enlarged as for
every other system (bicubic). The bias follows the mean of the whole image, so tiles of one scene
differ slightly. Generalised by us: any number of bands, guides with more channels than PAN (they
join the first layer). The ratio does not enter.
"""

from typing import ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.network import (
    ComparedNetwork,
    NetworkInput,
    PublishedSystem,
    known_mean,
    scaled_width,
)
from gisr.baselines.pansharpening.build_checks import check_build
from gisr.baselines.pansharpening.weighted_convolution import POSITIONS, PixelWeightedConvolution


class LocalAdaptiveConvolution(nn.Module):
    """A 3x3 convolution weighted by pixel, with a bias from the mean of its input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create one from a number of channels to another."""
        super().__init__()
        self.weights = nn.Sequential(
            convolution(inputs, POSITIONS),
            nn.ReLU(),
            convolution(POSITIONS, POSITIONS, 1),
            nn.ReLU(),
            convolution(POSITIONS, POSITIONS, 1),
            nn.Sigmoid(),
        )
        self.convolution = PixelWeightedConvolution(inputs, outputs)
        self.harmonic_bias = nn.Sequential(
            convolution(inputs, outputs, 1), nn.ReLU(), convolution(outputs, outputs, 1)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o h w"]:
        """Convolve every pixel with its own weighting of the kernel; add one bias a channel."""
        bias = self.harmonic_bias(x.mean(dim=(2, 3), keepdim=True))
        convolved: Tensor = self.convolution(x, self.weights(x)) + bias
        return convolved


class LocalAdaptiveResidual(nn.Module):
    """Two adaptive convolutions with a ReLU between, and a residual without one."""

    def __init__(self, channels: int) -> None:
        """Create one that keeps the number of channels."""
        super().__init__()
        self.layers = nn.Sequential(
            LocalAdaptiveConvolution(channels, channels),
            nn.ReLU(),
            LocalAdaptiveConvolution(channels, channels),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        refined: Tensor = x + self.layers(x)
        return refined


class LAGConv(ComparedNetwork):
    """Head, residual blocks and tail of adaptive convolutions; a correction of the enlarged MS."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="LAGConv",
        paper='Jin et al., "LAGConv: Local-Context Adaptive Convolution Kernels with Global '
        'Harmonic Bias for Pansharpening", AAAI 2022',
        year=2022,
        tasks=("pansharpening",),
        licence="none",
    )

    def __init__(
        self, bands: int, guide_channels: int = 1, *, width: int = 32, blocks: int = 5
    ) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            guide_channels: Channels of the guide, 1 for PAN.
            width: Channels of every layer between head and tail, any number.
            blocks: Residual blocks.

        Raises:
            ValueError: It cannot be built so.
        """
        super().__init__()
        check_build(self.published, bands, guide_channels, self.published.ratios[0])
        self.head = nn.Sequential(
            LocalAdaptiveConvolution(guide_channels + bands, width), nn.ReLU()
        )
        self.body = nn.Sequential(*(LocalAdaptiveResidual(width) for _ in range(blocks)))
        self.tail = LocalAdaptiveConvolution(width, bands)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network, its widths times a factor.

        Raises:
            ValueError: No bands, no guide, or another ratio than 2, 4, 8 or 16.
        """
        check_build(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, guide_channels, width=scaled_width(32, width, 1))

    def forward(
        self, guide: Float[Tensor, "b g H W"], enlarged: Float[Tensor, "b c H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened MS, of any size."""
        feature = self.body(self.head(torch.cat([guide, enlarged], dim=1)))
        sharpened: Tensor = enlarged + self.tail(feature)
        return sharpened

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; no size needs padding."""
        sharpened: Tensor = self(given.guide, given.enlarged)
        return sharpened

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the mean squared error of each sample over known pixels, as its authors do."""
        return known_mean((self.sharpen(given) - truth).square(), known)
