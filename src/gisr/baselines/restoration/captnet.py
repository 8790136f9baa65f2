"""CAPTNet: convolution blocks at fine levels, transformer blocks with learned prompts at coarse.

Gao, Yang, Zhang, Wang, Yang, Dang, "Prompt-based Ingredient-Oriented All-in-One Image
Restoration", IEEE TCSVT 2024, arXiv 2309.03063. 24.4 M parameters. The original's licence is
academic and non-commercial; this is written from the description alone.

What the original does and its paper does not say: a prompt is one learned vector, the same for
all tasks, that is added to queries, keys and values; only the decoder's attentions use theirs (the
others, 7,808 parameters, are left out here); the decoder has 4 heads at 256 channels and 8 at 128,
the encoder the reverse. The code of its training is not published: it is trained here by the mean
absolute error.

Generalised by us: the numbers of channels in and out (the original adds its input, here the first
channels of it), and the width. Sizes that are no multiples of 16 are reflected, not filled with
zeros, and cut again.
"""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.restormer import channel_attention, local_projection
from gisr.baselines.network import PublishedSystem, scaled_width
from gisr.baselines.restoration.all_in_one import GUIDE_CHANNELS, TARGET_CHANNELS, AllInOneNetwork
from gisr.magnet.blocks import ChannelNorm

EPSILON = 1e-6


class CAPTNet(AllInOneNetwork):
    """Five levels; what comes up is added to what went down."""

    published: ClassVar = PublishedSystem(
        title="CAPTNet",
        paper="Gao et al., Prompt-based Ingredient-Oriented All-in-One Image Restoration, IEEE "
        "TCSVT 2024",
        year=2024,
        tasks=("pansharpening", "mri", "depth"),
        licence="academic, non-commercial",
    )
    multiple = 16

    @classmethod
    def scaled(cls, width: float) -> dict[str, Any]:
        """Return the arguments that multiply every published width by a factor."""
        return {"width": scaled_width(32, width, 2)}

    def __init__(
        self,
        channels: int = TARGET_CHANNELS + GUIDE_CHANNELS,
        out_channels: int = TARGET_CHANNELS,
        *,
        width: int = 32,
        blocks: tuple[int, int, int, int, int] = (1, 1, 1, 28, 1),
    ) -> None:
        """Create the network.

        Args:
            channels: Of the image.
            out_channels: Of the restored image, the first of the image's channels.
            width: Channels of the first level, even; each level has twice as many as the one above.
            blocks: Blocks of each level of the encoder, the coarsest being the middle.
        """
        super().__init__()
        one, two, three, four, five = (width << level for level in range(5))
        self.stem = nn.Conv2d(channels, one, 3, padding=1)
        self.encoder1 = _repeat(blocks[0], GatedConvolutionBlock, one)
        self.encoder2 = nn.Sequential(_down(one), _repeat(blocks[1], GatedConvolutionBlock, two))
        self.encoder3 = nn.Sequential(_down(two), _repeat(blocks[2], GatedChannelBlock, three, 4))
        self.encoder4 = nn.Sequential(_down(three), _repeat(blocks[3], GatedChannelBlock, four, 8))
        self.middle = nn.Sequential(_down(four), _repeat(blocks[4], GatedChannelBlock, five, 16))

        self.fusion_up = _up(four)
        self.fusion = GatedConvolutionBlock(three)
        self.up4 = _up(five)
        self.decoder4 = GatedChannelBlock(four, 4, prompted=True)
        self.up3 = _up(four)
        self.decoder3 = GatedChannelBlock(three, 8, prompted=True)
        self.up2 = _up(three)
        self.decoder2 = GatedConvolutionBlock(two)
        self.up1 = _up(two)
        self.decoder1 = GatedConvolutionBlock(one)
        self.head = nn.Conv2d(one, out_channels, 3, padding=1)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the restored image; height and width are multiples of 16."""
        first = self.encoder1(self.stem(image))
        second = self.encoder2(first)
        third = self.encoder3(second)
        fourth = self.encoder4(third)
        third = self.fusion(third + self.fusion_up(fourth))

        x = self.decoder4(self.up4(self.middle(fourth)) + fourth)
        x = self.decoder3(self.up3(x) + third)
        x = self.decoder2(self.up2(x) + second)
        x = self.decoder1(self.up1(x) + first)
        residual: Tensor = self.head(x)
        return residual + image[:, : residual.shape[1]]


class GatedConvolutionBlock(nn.Module):
    """The block of NAFNet: convolutions and products, no activation. It begins as the identity."""

    def __init__(self, channels: int) -> None:
        """Create a block."""
        super().__init__()
        self.local_norm = ChannelNorm(channels, eps=EPSILON)
        self.local = local_projection(channels, 2 * channels, bias=True)
        self.channel = nn.Conv2d(channels, channels, 1)
        self.local_project = nn.Conv2d(channels, channels, 1)
        self.local_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.point_norm = ChannelNorm(channels, eps=EPSILON)
        self.point = nn.Conv2d(channels, 2 * channels, 1)
        self.point_project = nn.Conv2d(channels, channels, 1)
        self.point_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        local = _gated(self.local(self.local_norm(x)))
        local = local * self.channel(local.mean(dim=(2, 3), keepdim=True))
        x = x + self.local_project(local) * self.local_scale
        point = _gated(self.point(self.point_norm(x)))
        refined: Tensor = x + self.point_project(point) * self.point_scale
        return refined


class GatedChannelBlock(nn.Module):
    """Attention between channels, then a gated feed-forward network, each with a residual."""

    def __init__(self, channels: int, heads: int, *, prompted: bool = False) -> None:
        """Create a block; ``heads`` must divide ``channels``."""
        super().__init__()
        self.attention_norm = ChannelNorm(channels, eps=EPSILON)
        self.attention = PromptedAttention(channels, heads, prompted=prompted)
        self.feed_forward_norm = ChannelNorm(channels, eps=EPSILON)
        self.expand = local_projection(channels, 4 * channels, bias=True)
        self.project = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        x = x + self.attention(self.attention_norm(x))
        refined: Tensor = x + self.project(_gated(self.expand(self.feed_forward_norm(x))))
        return refined


class PromptedAttention(nn.Module):
    """Attention between channels whose queries, keys and values are moved by a learned vector."""

    def __init__(self, channels: int, heads: int, *, prompted: bool) -> None:
        """Create an attention, without the vector where it is not ``prompted``."""
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        shape = (heads, channels // heads, 1)
        self.prompt = nn.Parameter(torch.ones(shape)) if prompted else None
        self.qkv = local_projection(channels, 3 * channels, bias=True)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Mix channels over the whole image."""
        query, key, value = self.qkv(x).chunk(3, dim=1)
        if self.prompt is not None:
            prompt = self.prompt.view(1, -1, 1, 1)
            query, key, value = query + prompt, key + prompt, value + prompt
        projected: Tensor = self.project(channel_attention(query, key, value, self.temperature))
        return projected


def _gated(x: Float[Tensor, "b twice_c h w"]) -> Float[Tensor, "b c h w"]:
    """Return the product of both halves of the channels."""
    first, second = x.chunk(2, dim=1)
    return first * second


def _repeat(count: int, block: type[nn.Module], *sizes: int) -> nn.Sequential:
    return nn.Sequential(*(block(*sizes) for _ in range(count)))


def _down(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, 2 * channels, 2, stride=2)


def _up(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.PixelShuffle(2))
