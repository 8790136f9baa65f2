"""The building blocks of the backbone (Section III-A): Restormer's MDTA and GDFN.

Written from the formulae of Zamir et al., "Restormer", CVPR 2022, Section 3.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

_VECTOR = 32
"""Channels that a vector unit takes at once, in bfloat16: the hidden width is a multiple of it."""


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int) -> None:
        """Create scale and shift for ``channels`` channels."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise every pixel to zero mean and unit variance over its channels."""
        last = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias)
        return last.permute(0, 3, 1, 2)


class TransposedAttention(nn.Module):
    """MDTA: attention between channels, so its cost is linear in the number of pixels."""

    def __init__(self, channels: int, heads: int) -> None:
        """Create an attention over ``channels`` channels in ``heads`` groups."""
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.qkv_local = _depthwise(3 * channels)
        self.project = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Mix channels by the cosine between their maps.

        The maps are not brought to unit length: dividing the few cosines by their lengths is the
        same, and reads the maps once instead of five times.
        """
        height, width = x.shape[2:]
        query, key, value = map(self._by_head, self.qkv_local(self.qkv(x)).chunk(3, dim=1))
        product = (query.transpose(-2, -1) @ key).float()
        cosine = product * _inverse_length(query)[..., :, None] * _inverse_length(key)[..., None, :]
        attention = (cosine * self.temperature).softmax(dim=-1).to(value.dtype)
        mixed = (value @ attention.transpose(-2, -1)).transpose(1, 2).flatten(2)
        projected: Tensor = self.project(mixed.unflatten(1, (height, width)).permute(0, 3, 1, 2))
        return projected

    def _by_head(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b heads n d"]:
        """Lay pixels out in rows: the order that channels-last images have in memory anyway."""
        rows = x.permute(0, 2, 3, 1).flatten(1, 2)
        by_head: Tensor = rows.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return by_head


class GatedFeedForward(nn.Module):
    """GDFN: two depth-wise branches, one gating the other.

    Two branches of their own and hidden channels in whole vectors: one convolution for both, cut
    in the middle, computes the same and is slower on a CPU (benchmarks/README.md).
    """

    def __init__(self, channels: int, expansion: float) -> None:
        """Create a feed-forward network with about ``expansion`` times as many hidden channels."""
        super().__init__()
        hidden = math.ceil(channels * expansion / _VECTOR) * _VECTOR
        self.gate = _branch(channels, hidden)
        self.content = _branch(channels, hidden)
        self.project = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Let GELU of one branch gate the other."""
        projected: Tensor = self.project(F.gelu(self.gate(x)) * self.content(x))
        return projected


class TransformerBlock(nn.Module):
    """Attention between channels, then the gated feed-forward network, each with a residual."""

    def __init__(self, channels: int, heads: int, expansion: float) -> None:
        """Create one block."""
        super().__init__()
        self.attention_norm = ChannelNorm(channels)
        self.attention = TransposedAttention(channels, heads)
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = GatedFeedForward(channels, expansion)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        x = x + self.attention(self.attention_norm(x))
        refined: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return refined


class Downsample(nn.Module):
    """Halve height and width, double the channels, losing no value."""

    def __init__(self, channels: int) -> None:
        """Create the step down from ``channels`` channels."""
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        """Return the feature of the next level."""
        return F.pixel_unshuffle(self.reduce(x), 2)


class Upsample(nn.Module):
    """Double height and width, halve the channels."""

    def __init__(self, channels: int) -> None:
        """Create the step up from ``channels`` channels."""
        super().__init__()
        self.expand = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        """Return the feature of the level above."""
        return F.pixel_shuffle(self.expand(x), 2)


def shallow_encoder(channels: int, width: int) -> nn.Sequential:
    """Return three 3x3 convolutions with ReLU between: E_H, E_L and E_G of Eq. (1), (2) and (6)."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
    )


def _branch(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, hidden, 1, bias=False), _depthwise(hidden))


def _inverse_length(maps: Float[Tensor, "b heads n d"]) -> Float[Tensor, "b heads d"]:
    """Return one over the length of each channel's map, in float32 whatever the maps are in."""
    return maps.float().square().sum(dim=-2).clamp_min(1e-24).rsqrt()


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
