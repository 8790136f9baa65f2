"""GeoDSR: depth of any ratio from kernels that know the sampling.

Wang, Chen, Ni, Tong and Wang, "Learning continuous depth representation via geometric spatial
aggregator", AAAI 2023 (arXiv 2212.03499). Licence of the original code: MIT, with a remark that
restricts it to academic use; this module is written from a description. 5,524,001 parameters.

The original differs from its paper: of the geometry of the sampling only one number is used, the
mean distance between pixels (tau), and it scales one kernel for the whole image; each encoder has
one or two groups of four blocks. Its images are read as blue, green, red and then normalised by
constants for red, green, blue; here the order is red, green, blue.

Ours: any number of channels. All pairs of a batch have one ratio, so that tau is one number.
Targets below 15 x 15 pixels, too small for the pooling of the attention, are mirrored up to it.
"""

import math
from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution, residual_blocks
from gisr.baselines.buildable import require_buildable
from gisr.baselines.depth.given import cut, mirrored, standardised
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width
from gisr.magnet.blocks import ChannelNorm

_LEAST = 15
"""Rows and columns below which the attention has nothing left to pool."""


class ModulatedConvolution(nn.Module):
    """A 3x3 convolution; tau scales each input channel, each output channel has unit length."""

    def __init__(self, channels: int) -> None:
        """Create one that keeps the number of channels."""
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(channels, channels, 3, 3))
        nn.init.kaiming_normal_(self.kernel)
        self.modulation = nn.Linear(1, channels)

    def forward(self, x: Float[Tensor, "b c h w"], tau: float) -> Float[Tensor, "b c h w"]:
        """Filter with the kernel that belongs to ``tau``, one over the ratio."""
        scale = 1 + self.modulation(self.kernel.new_tensor([tau]))
        kernel = self.kernel * scale[:, None, None]
        length = (kernel.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        return F.conv2d(x, kernel / length, padding=1)


class GeometricAggregator(nn.Module):
    """1x1 convolution, GELU, modulated convolution, 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        """Create one that keeps the number of channels."""
        super().__init__()
        self.enter = convolution(channels, channels, 1)
        self.modulated = ModulatedConvolution(channels)
        self.leave = convolution(channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"], tau: float) -> Float[Tensor, "b c h w"]:
        """Aggregate neighbours with weights that depend on ``tau``."""
        aggregated: Tensor = self.leave(self.modulated(F.gelu(self.enter(x)), tau))
        return aggregated


class DepthwiseFeedForward(nn.Module):
    """Feed-forward network in which one half of the hidden channels gates the other."""

    def __init__(self, channels: int) -> None:
        """Create one with 2.66 times as many hidden channels."""
        super().__init__()
        hidden = int(2.66 * channels)
        self.enter = convolution(channels, 2 * hidden, 1, bias=False)
        self.local = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.leave = convolution(hidden, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine every pixel; the shape stays."""
        gate, content = self.local(self.enter(x)).chunk(2, dim=1)
        refined: Tensor = self.leave(F.gelu(gate) * content)
        return refined


class AggregatorBlock(nn.Module):
    """Aggregator and feed-forward network, each behind a normalisation and with a residual."""

    def __init__(self, channels: int) -> None:
        """Create one that keeps the number of channels."""
        super().__init__()
        self.aggregator_norm = ChannelNorm(channels)
        self.aggregator = GeometricAggregator(channels)
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = DepthwiseFeedForward(channels)

    def forward(self, x: Float[Tensor, "b c h w"], tau: float) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        x = x + self.aggregator(self.aggregator_norm(x), tau)
        refined: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return refined


class SpatialAttention(nn.Module):
    """ESA: weighs every pixel by what a strongly reduced copy of the feature shows around it."""

    def __init__(self, channels: int) -> None:
        """Create one that works on a quarter of the channels."""
        super().__init__()
        inner = channels // 4
        self.enter = convolution(channels, inner, 1)
        self.reduce = nn.Conv2d(inner, inner, 3, stride=2)
        self.wide = convolution(inner, inner)
        self.near = convolution(inner, inner, 1)
        self.leave = convolution(inner, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Weigh the feature, of at least 15 x 15 pixels; its shape stays."""
        entered = self.enter(x)
        wide = self.wide(F.max_pool2d(self.reduce(entered), kernel_size=7, stride=3))
        wide = F.interpolate(wide, size=x.shape[2:], mode="bilinear", align_corners=False)
        weights: Tensor = self.leave(wide + self.near(entered)).sigmoid()
        return x * weights


class AggregatorGroup(nn.Module):
    """Blocks in a row and a convolution, with a residual around them, then the attention."""

    def __init__(self, channels: int, blocks: int) -> None:
        """Create a group of ``blocks`` blocks."""
        super().__init__()
        self.blocks = nn.ModuleList(AggregatorBlock(channels) for _ in range(blocks))
        self.end = convolution(channels, channels)
        self.attention = SpatialAttention(channels)

    def forward(self, x: Float[Tensor, "b c h w"], tau: float) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        refined = x
        for block in self.blocks:
            refined = block(refined, tau)
        attended: Tensor = self.attention(x + self.end(refined))
        return attended


class GeometricEncoder(nn.Module):
    """A convolution and groups: the features of the depth map or of the colour image."""

    def __init__(self, inputs: int, channels: int, groups: int, blocks: int) -> None:
        """Create an encoder of images of ``inputs`` channels."""
        super().__init__()
        self.enter = convolution(inputs, channels)
        self.groups = nn.ModuleList(AggregatorGroup(channels, blocks) for _ in range(groups))

    def forward(self, image: Float[Tensor, "b i h w"], tau: float) -> Float[Tensor, "b c h w"]:
        """Return the features of an image, at its size."""
        feature: Tensor = self.enter(image)
        for group in self.groups:
            feature = group(feature, tau)
        return feature


class MixingStep(nn.Module):
    """Reads both features at the pixels of a finer grid, multiplies and refines them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create a step from ``inputs`` to ``outputs`` channels."""
        super().__init__()
        self.enter = convolution(inputs, inputs, 1)
        self.narrow = convolution(inputs, outputs)
        self.residual = residual_blocks(outputs, 2)
        self.leave = convolution(outputs, outputs)

    def forward(
        self,
        depth: Float[Tensor, "b i h w"],
        guide: Float[Tensor, "b i H W"],
        size: tuple[int, int],
    ) -> Float[Tensor, "b o y x"]:
        """Return the mixed feature on the grid of ``size`` rows and columns."""
        product = read_at(depth, size) * read_at(guide, size)
        product = F.leaky_relu(self.narrow(F.leaky_relu(self.enter(product))))
        return F.leaky_relu(self.leave(product + self.residual(product)))


class GeoDSR(ComparedNetwork):
    """Two encoders, two mixing steps, and the enlarged target added."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="GeoDSR",
        paper="Wang, Chen, Ni, Tong, Wang: Learning continuous depth representation via "
        "geometric spatial aggregator, AAAI 2023",
        year=2023,
        tasks=("depth",),
        licence="MIT",
    )

    def __init__(
        self,
        target_channels: int = 1,
        guide_channels: int = 3,
        *,
        width: int = 128,
        blocks: int = 4,
        guide_groups: int = 1,
        depth_groups: int = 2,
    ) -> None:
        """Create the network, the same for every ratio; ``width`` is a multiple of 4."""
        super().__init__()
        self.guide_encoder = GeometricEncoder(guide_channels, width, guide_groups, blocks)
        self.depth_encoder = GeometricEncoder(target_channels, width, depth_groups, blocks)
        self.half_way = MixingStep(width, width)
        self.all_the_way = MixingStep(width, width // 2)
        self.end = convolution(width // 2, target_channels)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size.

        Raises:
            ValueError: No channel, or a ratio that is not published.
        """
        require_buildable(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, guide_channels, width=scaled_width(128, width, 4))

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; the guide is normalised as the authors do."""
        padded = mirrored(given, least=_LEAST)
        sharpened = self(padded.target, standardised(padded.guide), padded.enlarged)
        return cut(sharpened, given)

    def forward(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g H W"],
        enlarged: Float[Tensor, "b c H W"],
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; it and the guide have at least 15 x 15 pixels."""
        (h, w), (height, width) = target.shape[2:], guide.shape[2:]
        tau = (h / height + w / width) / 2
        depth_feature = self.depth_encoder(target, tau)
        guide_feature = self.guide_encoder(guide, tau)
        # Both steps enlarge by the same factor, the square root of the ratio.
        between = int(h * math.sqrt(height / h)), int(w * math.sqrt(width / w))
        mixed = self.half_way(depth_feature, guide_feature, between)
        mixed = self.all_the_way(mixed, guide_feature, (height, width))
        sharpened: Tensor = self.end(mixed) + enlarged
        return sharpened


def read_at(feature: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c y x"]:
    """Read a feature at the pixel centres of another grid, bilinearly; beyond its edge lies zero.

    Plain reading, without smoothing, also where the grid is coarser. In float32: bfloat16 cannot
    tell neighbouring positions.
    """
    unmoved = torch.eye(2, 3, device=feature.device).expand(len(feature), 2, 3)
    centres = F.affine_grid(unmoved, [*feature.shape[:2], *size], align_corners=False)
    return F.grid_sample(feature.float(), centres, align_corners=False)
