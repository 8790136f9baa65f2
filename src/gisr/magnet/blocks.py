"""The building blocks of the backbone (Section III-A): Restormer's MDTA and GDFN.

Written from the formulae of Zamir et al., "Restormer", CVPR 2022, Section 3.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


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
        """Mix channels by the similarity of their unit-length maps."""
        batch, channels, height, width = x.shape
        qkv = self.qkv_local(self.qkv(x))
        query, key, value = qkv.reshape(batch, 3, self.heads, channels // self.heads, -1).unbind(1)
        query, key = F.normalize(query, dim=-1), F.normalize(key, dim=-1)
        attention = (query @ key.transpose(-2, -1) * self.temperature).softmax(dim=-1)
        mixed = (attention @ value).reshape(batch, channels, height, width)
        projected: Tensor = self.project(mixed)
        return projected


class GatedFeedForward(nn.Module):
    """GDFN: two depth-wise branches, one gating the other."""

    def __init__(self, channels: int, expansion: float) -> None:
        """Create a feed-forward network with ``expansion`` times as many hidden channels."""
        super().__init__()
        hidden = int(channels * expansion)
        self.expand = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.local = _depthwise(2 * hidden)
        self.project = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Let GELU of one branch gate the other."""
        gate, content = self.local(self.expand(x)).chunk(2, dim=1)
        projected: Tensor = self.project(F.gelu(gate) * content)
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


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
