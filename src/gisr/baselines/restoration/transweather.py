"""TransWeather: a pyramid of transformers, and a decoder that asks by learned queries.

Valanarasu, Yasarla, Patel, "TransWeather: Transformer-based Restoration of Images Degraded by
Adverse Weather Conditions", CVPR 2022, arXiv 2111.14813. 37.8 M parameters. The original's
licence is MIT; this is written from the description alone.

What the original does and its paper does not say: queries are spread over the places of the
coarsest feature by the nearest neighbour, so that a query belongs to a place and the answer depends
on the size of the image; inputs are mapped to [-1, 1], the answer passes a hyperbolic tangent but
is compared with images in [0, 1]; nothing of the input is added to the answer. Two layers (296,667
parameters) are built and never used, and left out here.

Generalised by us: the numbers of channels in and out, and the widths. Its perceptual loss needs
pictures of 3 channels and is left out.
"""

import math
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.stochastic_depth import StochasticDepth
from gisr.baselines.network import NetworkInput, PublishedSystem, known_mean, scaled_width
from gisr.baselines.restoration.all_in_one import GUIDE_CHANNELS, TARGET_CHANNELS, AllInOneNetwork

STAGE_HEADS = (1, 2, 4, 4)
PATCH_HEADS = (1, 2, 2)
REDUCTIONS = (4, 2, 2, 1)
"""By how much keys and values of a stage are smaller than its queries."""
QUERY_HEADS = 8
DROPPED = 0.1
"""Share of the branches that the last block leaves out while it is trained; none in the first."""
EPSILON = 1e-6

FeatureMap = Float[Tensor, "b c h w"]
TokenMap = Float[Tensor, "b h w c"]


class TransWeather(AllInOneNetwork):
    """A transformer encoder at four sizes, learned queries, and convolutions up."""

    published: ClassVar = PublishedSystem(
        title="TransWeather",
        paper="Valanarasu et al., TransWeather: Transformer-based Restoration of Images Degraded "
        "by Adverse Weather Conditions, CVPR 2022",
        year=2022,
        tasks=("pansharpening", "mri", "depth"),
        licence="MIT",
    )
    multiple = 16
    least = 48

    @classmethod
    def scaled(cls, width: float) -> dict[str, Any]:
        """Return the arguments that multiply every published width by a factor."""
        stages = zip((64, 128, 320, 512), (1, 2, 4, 8), strict=True)
        return {
            "widths": tuple(scaled_width(own, width, multiple) for own, multiple in stages),
            "tail_widths": tuple(scaled_width(own, width, 1) for own in (16, 8)),
        }

    def __init__(
        self,
        channels: int = TARGET_CHANNELS + GUIDE_CHANNELS,
        out_channels: int = TARGET_CHANNELS,
        *,
        widths: tuple[int, int, int, int] = (64, 128, 320, 512),
        tail_widths: tuple[int, int] = (16, 8),
        queries: int = 48,
    ) -> None:
        """Create the network.

        Args:
            channels: Of the image.
            out_channels: Of the restored image.
            widths: Channels of the stages of the encoder; the second is even, the third a multiple
                of 4, the last one of 8.
            tail_widths: Channels at half and at full size.
            queries: Learned vectors of each block of the decoder.
        """
        super().__init__()
        rates = [DROPPED * block / 7 for block in range(8)]
        inputs = (channels, *widths[:3])
        self.stages = nn.ModuleList(
            PyramidStage(inputs[stage], widths, stage, rates[2 * stage : 2 * stage + 2])
            for stage in range(4)
        )
        coarsest = widths[3]
        self.deepen = StridedEmbedding(coarsest, coarsest, 3, 2)
        self.ask = nn.Sequential(
            *(
                PyramidBlock(
                    TaskQueryAttention(coarsest, QUERY_HEADS, queries),
                    coarsest,
                    expansion=4,
                    rate=DROPPED * block / 15,
                )
                for block in range(3)
            ),
            nn.LayerNorm(coarsest, eps=EPSILON),
        )
        for module in (self.stages, self.deepen, self.ask):
            module.apply(_initialise)

        steps = (coarsest, *reversed(widths), *tail_widths)
        self.enlarge = nn.ModuleList(_double(i, o) for i, o in pairwise(steps))
        self.refine = nn.ModuleList(ResidualConvolutions(width) for width in steps[2:-1])
        self.head = nn.Conv2d(tail_widths[1], out_channels, 3, padding=1)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the restored image, in (-1, 1), of an image in [-1, 1].

        Height and width are multiples of 16 and at least 48.
        """
        features, x, across = list[Tensor](), image, None
        for stage in self.stages:
            x, across = stage(x, across)
            features.append(x)
        asked = _as_map(self.ask(self.deepen(x)))

        x = _crop(self.enlarge[0](asked), features[3]) + features[3]
        for level, feature in enumerate(reversed(features[:3])):
            x = self.refine[level](_crop(self.enlarge[level + 1](x), feature)) + feature
        x = self.enlarge[5](self.refine[3](self.enlarge[4](x)))
        restored: Tensor = self.head(x).tanh()
        return restored

    def image_of(self, given: NetworkInput) -> Float[Tensor, "b c h w"]:
        """Return a pair as one image in [-1, 1]."""
        return 2 * super().image_of(given) - 1

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the smooth L1 error of each sample, over known pixels."""
        error = F.smooth_l1_loss(self.sharpen(given), truth, reduction="none")
        return known_mean(error, known)


class PyramidStage(nn.Module):
    """Two blocks at one size, and one between the patches for the next stage."""

    def __init__(
        self, channels: int, widths: tuple[int, int, int, int], stage: int, rates: list[float]
    ) -> None:
        """Create a stage, 0 the first, whose blocks are left out with ``rates`` in training."""
        super().__init__()
        width, reduction = widths[stage], REDUCTIONS[stage]
        kernel, step = (7, 4) if stage == 0 else (3, 2)
        self.embed = StridedEmbedding(channels, width, kernel, step)
        blocks = (
            PyramidBlock(ReducedAttention(width, STAGE_HEADS[stage], reduction), width, rate=rate)
            for rate in rates
        )
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width, eps=EPSILON))
        self.between: nn.Sequential | None = None
        if stage < 3:
            following = widths[stage + 1]
            attention = ReducedAttention(following, PATCH_HEADS[stage], reduction)
            self.between = nn.Sequential(
                StridedEmbedding(width, following, 3, 2),
                PyramidBlock(attention, following, rate=rates[0]),
                nn.LayerNorm(following, eps=EPSILON),
            )

    def forward(self, x: FeatureMap, across: TokenMap | None) -> tuple[FeatureMap, TokenMap | None]:
        """Return the feature of this stage, and what is added to that of the next.

        Args:
            x: Feature of the stage before, or the image.
            across: What the stage before gave for this one.
        """
        tokens = self.embed(x)
        if across is not None:
            tokens = tokens + across
        between = None if self.between is None else self.between(_as_map(tokens))
        return _as_map(self.blocks(tokens)), between


class StridedEmbedding(nn.Module):
    """Overlapping patches as tokens."""

    def __init__(self, channels: int, out_channels: int, kernel: int, step: int) -> None:
        """Create one for patches of ``kernel`` x ``kernel``, one every ``step`` pixels."""
        super().__init__()
        self.project = nn.Conv2d(channels, out_channels, kernel, step, padding=kernel // 2)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: FeatureMap) -> TokenMap:
        """Return ceil(size / step) tokens along each side."""
        tokens: Tensor = self.norm(self.project(x).permute(0, 2, 3, 1))
        return tokens


class PyramidBlock(nn.Module):
    """Attention between tokens, then the feed-forward network, each with a residual."""

    def __init__(
        self, attention: nn.Module, channels: int, *, expansion: int = 2, rate: float
    ) -> None:
        """Create a block around an attention; branches are left out at ``rate`` in training."""
        super().__init__()
        self.attention_norm = nn.LayerNorm(channels, eps=EPSILON)
        self.attention = attention
        self.feed_forward_norm = nn.LayerNorm(channels, eps=EPSILON)
        self.feed_forward = LocalFeedForward(channels, expansion)
        self.drop = StochasticDepth(rate)

    def forward(self, x: TokenMap) -> TokenMap:
        """Refine the tokens; their shape stays."""
        x = x + self.drop(self.attention(self.attention_norm(x)))
        refined: Tensor = x + self.drop(self.feed_forward(self.feed_forward_norm(x)))
        return refined


class ReducedAttention(nn.Module):
    """Attention whose keys and values come from a smaller map (PVT)."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        """Create an attention; ``heads`` must divide ``channels``."""
        super().__init__()
        self.heads = heads
        self.reduce: nn.Conv2d | None = None
        if reduction > 1:
            self.reduce = nn.Conv2d(channels, channels, reduction, reduction)
            self.reduced_norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(channels, channels)

    def forward(self, x: TokenMap) -> TokenMap:
        """Mix tokens over the whole image."""
        context = x
        if self.reduce is not None:
            context = self.reduced_norm(self.reduce(_as_map(x)).permute(0, 2, 3, 1))
        key, value = self.key_value(context.flatten(1, 2)).chunk(2, dim=-1)
        mixed = _attend(self.query(x.flatten(1, 2)), key, value, self.heads)
        projected: Tensor = self.project(mixed)
        return projected.view_as(x)


class TaskQueryAttention(nn.Module):
    """Attention whose queries are learned, and laid over the tokens in their order."""

    def __init__(self, channels: int, heads: int, queries: int) -> None:
        """Create an attention with normally distributed queries."""
        super().__init__()
        self.heads = heads
        self.queries = nn.Parameter(torch.randn(1, queries, channels))
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(channels, channels)

    def forward(self, x: TokenMap) -> TokenMap:
        """Ask the tokens of the whole image."""
        tokens = x.flatten(1, 2)
        count, queries = tokens.shape[1], self.queries.shape[1]
        nearest = torch.arange(count, device=x.device) * queries // count
        query = self.query(self.queries)[:, nearest].expand(len(x), -1, -1)
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        projected: Tensor = self.project(_attend(query, key, value, self.heads))
        return projected.view_as(x)


class LocalFeedForward(nn.Module):
    """Two linear layers with a depth-wise convolution between, so that places are told apart."""

    def __init__(self, channels: int, expansion: int) -> None:
        """Create one with ``expansion`` times as many hidden channels."""
        super().__init__()
        hidden = channels * expansion
        self.expand = nn.Linear(channels, hidden)
        self.local = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.project = nn.Linear(hidden, channels)

    def forward(self, x: TokenMap) -> TokenMap:
        """Refine each token and its neighbours."""
        local = self.local(_as_map(self.expand(x))).permute(0, 2, 3, 1)
        projected: Tensor = self.project(F.gelu(local))
        return projected


class ResidualConvolutions(nn.Module):
    """Two convolutions, of which a tenth is added."""

    def __init__(self, channels: int) -> None:
        """Create a block."""
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: FeatureMap) -> FeatureMap:
        """Refine the feature; its shape stays."""
        refined: Tensor = x + 0.1 * self.second(F.relu(self.first(x)))
        return refined


def _attend(
    query: Float[Tensor, "b n c"],
    key: Float[Tensor, "b m c"],
    value: Float[Tensor, "b m c"],
    heads: int,
) -> Float[Tensor, "b n c"]:
    """Return the values that fit the queries; a head is a group of consecutive channels."""
    by_head = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    return F.scaled_dot_product_attention(*by_head).transpose(1, 2).flatten(2)


def _as_map(x: TokenMap) -> FeatureMap:
    return x.permute(0, 3, 1, 2)


def _crop(x: FeatureMap, like: FeatureMap) -> FeatureMap:
    return x[:, :, : like.shape[2], : like.shape[3]]


def _double(channels: int, out_channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, out_channels, 4, stride=2, padding=1)


def _initialise(module: nn.Module) -> None:
    """Draw the weights of a layer as vision transformers do."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    else:
        return
    assert module.bias is not None
    nn.init.zeros_(module.bias)
