"""Blocks of Restormer, which many restoration networks are built of.

Zamir et al., "Restormer: Efficient Transformer for High-Resolution Image Restoration", CVPR 2022,
Section 3: attention between channels (MDTA) and the gated feed-forward network (GDFN), with one
convolution for both branches, as its descendants count their parameters.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet.blocks import ChannelNorm


def channel_attention(
    query: Float[Tensor, "b c h w"],
    key: Float[Tensor, "b c h w"],
    value: Float[Tensor, "b c h w"],
    temperature: Float[Tensor, "heads 1 1"],
) -> Float[Tensor, "b c h w"]:
    """Mix the channels of ``value`` by the cosine between maps of ``query`` and ``key``.

    A head is a group of consecutive channels; there are as many as temperatures.
    """
    size, heads = value.shape[2:], len(temperature)
    query, key, value = (x.flatten(2).unflatten(1, (heads, -1)) for x in (query, key, value))
    cosine = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1)
    mixed = (cosine * temperature).softmax(dim=-1) @ value
    as_maps: Tensor = mixed.flatten(1, 2).unflatten(2, size)
    return as_maps


class RestormerAttention(nn.Module):
    """MDTA: attention between the channels of one feature."""

    def __init__(self, channels: int, heads: int) -> None:
        """Create an attention; ``heads`` must divide ``channels``."""
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = local_projection(channels, 3 * channels)
        self.project = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Mix channels over the whole image."""
        query, key, value = self.qkv(x).chunk(3, dim=1)
        projected: Tensor = self.project(channel_attention(query, key, value, self.temperature))
        return projected


class RestormerFeedForward(nn.Module):
    """GDFN: one half of the hidden channels gates the other."""

    def __init__(self, channels: int, expansion: float = 2.66) -> None:
        """Create one with ``floor(expansion * channels)`` hidden channels in each half."""
        super().__init__()
        hidden = int(channels * expansion)
        self.expand = local_projection(channels, 2 * hidden)
        self.project = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Let GELU of one half gate the other."""
        gate, content = self.expand(x).chunk(2, dim=1)
        projected: Tensor = self.project(F.gelu(gate) * content)
        return projected


class RestormerBlock(nn.Module):
    """Attention between channels, then the gated feed-forward network, each with a residual."""

    def __init__(self, channels: int, heads: int) -> None:
        """Create a block; ``heads`` must divide ``channels``."""
        super().__init__()
        self.attention_norm = ChannelNorm(channels)
        self.attention = RestormerAttention(channels, heads)
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = RestormerFeedForward(channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        x = x + self.attention(self.attention_norm(x))
        refined: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return refined


def restormer_blocks(count: int, channels: int, heads: int) -> nn.Sequential:
    """Return several blocks in a row."""
    return nn.Sequential(*(RestormerBlock(channels, heads) for _ in range(count)))


def local_projection(channels: int, out_channels: int, *, bias: bool = False) -> nn.Sequential:
    """Return a 1x1 convolution and a depth-wise 3x3 convolution that keep the size."""
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, 1, bias=bias),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, groups=out_channels, bias=bias),
    )


def conv3x3(channels: int, out_channels: int) -> nn.Conv2d:
    """Return a 3x3 convolution without bias that keeps the size."""
    return nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)


def halve(channels: int) -> nn.Sequential:
    """Return the step to half the size and twice the channels."""
    return nn.Sequential(conv3x3(channels, channels // 2), nn.PixelUnshuffle(2))


def double(channels: int) -> nn.Sequential:
    """Return the step to double the size and half the channels."""
    return nn.Sequential(conv3x3(channels, 2 * channels), nn.PixelShuffle(2))
