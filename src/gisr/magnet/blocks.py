"""The building blocks of the backbone (Section III-A), and how bands are carried in and out of it.

MDTA and GDFN are written from the formulae of Zamir et al., "Restormer", CVPR 2022, Section 3.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet import MAGNetConfig

TARGET_CHANNELS = 4


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise every pixel to zero mean and unit variance over its channels."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


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
        """Mix channels by the cosine between their maps."""
        projected: Tensor = self.project(self.mixed(self.qkv_local(self.qkv(x))))
        return projected

    def mixed(self, qkv: Float[Tensor, "b c3 h w"]) -> Float[Tensor, "b c h w"]:
        """Mix values by cosines of queries and keys: not maps are divided, but the few cosines."""
        query, key, value = map(self._by_head, qkv.chunk(3, dim=1))
        product = (query.transpose(-2, -1) @ key).float()
        cosine = product * _inverse_length(query)[..., :, None] * _inverse_length(key)[..., None, :]
        attention = (cosine * self.temperature).softmax(dim=-1).to(value.dtype)
        by_head = (value @ attention.transpose(-2, -1)).transpose(1, 2)
        mixed: Tensor = by_head.flatten(2).unflatten(1, qkv.shape[2:]).permute(0, 3, 1, 2)
        return mixed

    def _by_head(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b heads n d"]:
        """Lay pixels out in rows: the order that channels-last images have in memory anyway."""
        rows = x.permute(0, 2, 3, 1).flatten(1, 2)
        by_head: Tensor = rows.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return by_head


class GatedFeedForward(nn.Module):
    """GDFN: two depth-wise branches, one gating the other.

    One convolution for both, cut in the middle, is slower on a CPU (benchmarks/README.md).
    """

    def __init__(self, channels: int, expansion: float, multiple: int) -> None:
        """Create one with ``expansion`` times as many hidden channels, up to the next multiple."""
        super().__init__()
        hidden = -(-max(1, int(channels * expansion)) // multiple) * multiple
        self.gate, self.content = (
            nn.Sequential(nn.Conv2d(channels, hidden, 1, bias=False), _depthwise(hidden))
            for _ in range(2)
        )
        self.project = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Let GELU of one branch gate the other."""
        projected: Tensor = self.project(F.gelu(self.gate(x)) * self.content(x))
        return projected


class TransformerBlock(nn.Module):
    """Attention between channels, then the gated feed-forward network, each with a residual."""

    def __init__(self, config: MAGNetConfig, level: int) -> None:
        """Create one block of a level, 0 the first."""
        super().__init__()
        channels, multiple = config.width << level, config.hidden_multiple
        self.attention_norm = ChannelNorm(channels)
        self.attention = TransposedAttention(channels, config.heads[level])
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = GatedFeedForward(channels, config.expansion, multiple)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        x = x + self.attention(self.attention_norm(x))
        refined: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return refined


def shallow_encoder(channels: int, width: int) -> nn.Sequential:
    """Return three 3x3 convolutions with ReLU between: E_H, E_L and E_G of Eq. (1), (2) and (6)."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
    )


def _inverse_length(maps: Float[Tensor, "b heads n d"]) -> Float[Tensor, "b heads d"]:
    """Return one over the length of each channel's map, in float32 whatever the maps are in."""
    return maps.float().square().sum(dim=-2).clamp_min(1e-24).rsqrt()


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def carry_target(target: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "bg 4 h w"], int]:
    """Repeat or group the bands of targets into 4 channels; return them and the number of groups.

    Up to 4 bands are repeated cyclically (1: aaaa, 2: abab, 3: abca). More are dealt to as few
    groups of at most 4 neighbouring bands as possible, sizes as equal as possible, each carried
    like a target of its own; groups of one target stand side by side in the batch.
    """
    if target.shape[1] < 1:
        raise ValueError(f"target {tuple(target.shape)} has no band")
    carried = target[:, _carried(target.shape[1])].unflatten(1, (-1, TARGET_CHANNELS))
    return carried.flatten(0, 1), carried.shape[1]


def restore(carried: Float[Tensor, "bg 4 h w"], bands: int) -> Float[Tensor, "b c h w"]:
    """Undo :func:`carry_target`: average the channels that carried the same band."""
    order = _carried(bands)
    channels = carried.unflatten(0, (-1, len(order) // TARGET_CHANNELS)).flatten(1, 2)
    carriers = ([i for i, own in enumerate(order) if own == band] for band in range(bands))
    return torch.stack([channels[:, own].mean(dim=1) for own in carriers], dim=1)


def carry_guide(guide: Float[Tensor, "b g h w"], channels: int) -> Float[Tensor, "b c h w"]:
    """Repeat the channels of guides cyclically to a number; ValueError for none, or for more."""
    given = guide.shape[1]
    if not 1 <= given <= channels:
        raise ValueError(f"guide {tuple(guide.shape)} must have 1 to {channels} channels")
    return guide[:, [channel % given for channel in range(channels)]]


def _carried(bands: int) -> list[int]:
    """Return which band each channel of each group carries."""
    groups = -(-bands // TARGET_CHANNELS)
    edges = pairwise(bands * group // groups for group in range(groups + 1))
    return [first + c % (last - first) for first, last in edges for c in range(TARGET_CHANNELS)]
