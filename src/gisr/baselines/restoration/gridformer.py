"""GridFormer: residual dense transformer blocks in a grid of three sizes and six columns.

Wang, Zhang, Shao, Luo, Stenger, Lu, Kim, Liu, Li, "GridFormer: Residual Dense Transformer with
Grid Structure for Image Restoration in Adverse Weather Conditions", IJCV 2024, arXiv 2305.17863.
30.2 M parameters. The original has no licence; this is written from the description alone.

What the original does and its paper does not say: inside the dense blocks attention works on
every second pixel in all rows, and the feed-forward networks have 4, 2 and 2 times the channels by
row (its code hands over the one for the other); weights of fusion are kept for all 18 places of
the grid and 192 channels, of which 10 places and their own channels are used.

Generalised by us: the numbers of channels in and out (the original adds its input, here the first
channels of it), and the width. Its perceptual loss needs pictures of 3 channels and is left out.
"""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.restormer import (
    RestormerFeedForward,
    channel_attention,
    conv3x3,
    double,
    halve,
    local_projection,
)
from gisr.baselines.network import NetworkInput, PublishedSystem, known_mean, scaled_width
from gisr.baselines.restoration.all_in_one import GUIDE_CHANNELS, TARGET_CHANNELS, AllInOneNetwork
from gisr.magnet.blocks import ChannelNorm

ROWS = 3
COLUMNS = 6
HEADS = (2, 4, 8)
EXPANSIONS = (4.0, 2.0, 2.0)
STEPS = (4, 2)
"""Which pixels attention works on where images enter and leave the second and third row."""
CHARBONNIER = 1e-12

GridOutputs = tuple[
    Float[Tensor, "b d h w"],
    Float[Tensor, "b d half_h half_w"],
    Float[Tensor, "b d quarter_h quarter_w"],
]


class GridFormer(AllInOneNetwork):
    """Three rows at full, half and quarter size; three columns go down, three go up."""

    published: ClassVar = PublishedSystem(
        title="GridFormer",
        paper="Wang et al., GridFormer: Residual Dense Transformer with Grid Structure for Image "
        "Restoration in Adverse Weather Conditions, IJCV 2024",
        year=2024,
        tasks=("pansharpening", "mri", "depth"),
        licence="none",
    )
    multiple = 4

    @classmethod
    def scaled(cls, width: float) -> dict[str, Any]:
        """Return the arguments that multiply every published width by a factor."""
        return {"width": scaled_width(48, width, 4), "growth": scaled_width(16, width, 16)}

    def __init__(
        self,
        channels: int = TARGET_CHANNELS + GUIDE_CHANNELS,
        out_channels: int = TARGET_CHANNELS,
        *,
        width: int = 48,
        growth: int = 16,
        blocks: tuple[int, int, int] = (1, 2, 4),
    ) -> None:
        """Create the network.

        Args:
            channels: Of the image.
            out_channels: Of the restored image, the first of the image's channels.
            width: Channels of the first row, a multiple of 4; each row has twice as many as the
                one above.
            growth: Channels that each dense step adds, a multiple of 16.
            blocks: Transformer blocks of each dense step, by row.
        """
        super().__init__()
        widths = [width << row for row in range(ROWS)]
        self.stem = conv3x3(channels, width)
        self.enter = ResidualDenseBlock(width, blocks[0], 1, EXPANSIONS[0], growth)
        self.extract = nn.ModuleList(
            nn.Sequential(conv3x3(channels, below), _entrance(blocks[row], below, STEPS[row]))
            for row, below in enumerate(widths[1:])
        )
        self.first_down = nn.ModuleList(halve(above) for above in widths[:-1])
        self.columns = nn.ModuleList(
            GridColumn(widths, growth, blocks, downward=column < COLUMNS // 2)
            for column in range(1, COLUMNS)
        )
        self.fusion = nn.Parameter(torch.ones(ROWS, COLUMNS, 2, widths[-1]))
        self.leave = ResidualDenseBlock(width, blocks[0], 1, EXPANSIONS[0], growth)
        self.head = nn.Conv2d(width, out_channels, 3, padding=1)
        self.reconstruct = nn.ModuleList(
            nn.Sequential(
                _entrance(blocks[row], below, STEPS[row]),
                nn.Conv2d(below, out_channels, 3, padding=1),
            )
            for row, below in enumerate(widths[1:])
        )

    def forward(self, image: Float[Tensor, "b c h w"]) -> GridOutputs:
        """Return the restored image at full, half and quarter size; sides are multiples of 4."""
        images = [image, F.avg_pool2d(image, 2), F.avg_pool2d(image, 4)]
        rows = self.first_column(images)
        for column, weights in zip(self.columns, self.fusion.unbind(1)[1:], strict=True):
            rows = column(rows, weights)
        full = self.head(self.leave(rows[0]))
        half, quarter = (out(x) for out, x in zip(self.reconstruct, rows[1:], strict=True))
        own = slice(full.shape[1])
        return full + images[0][:, own], half + images[1][:, own], quarter + images[2][:, own]

    def first_column(self, images: list[Tensor]) -> list[Tensor]:
        """Return the features of all rows where the images enter."""
        rows = [self.enter(self.stem(images[0]))]
        for down, extract, image in zip(self.first_down, self.extract, images[1:], strict=True):
            rows.append(down(rows[-1]) + extract(image))
        return rows

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the restored target: the output at full size."""
        height, width = given.guide.shape[2:]
        full: Tensor = self(self.image_of(given))[0]
        return full[..., :height, :width]

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the sum of the Charbonnier errors of all three outputs, over known pixels.

        A pixel of half or quarter size is known where all that it covers are.
        """
        outputs = self(self.image_of(given))
        height, width = outputs[0].shape[2:]
        beyond = (0, width - known.shape[3], 0, height - known.shape[2])
        truth, known = pad_to_multiple(truth, self.multiple), F.pad(known, beyond)
        error = truth.new_zeros(len(truth))
        for output, side in zip(outputs, (1, 2, 4), strict=True):
            distance = (output - F.avg_pool2d(truth, side)).square().add(CHARBONNIER).sqrt()
            error = error + known_mean(distance, -F.max_pool2d(-known, side))
        return error


class GridColumn(nn.Module):
    """One column of the grid: all rows go on, and each gets from its neighbour."""

    def __init__(
        self, widths: list[int], growth: int, blocks: tuple[int, int, int], *, downward: bool
    ) -> None:
        """Create a column of the left half, ``downward``, or of the right half."""
        super().__init__()
        self.downward = downward
        self.along = nn.ModuleList(
            ResidualDenseBlock(width, blocks[row], HEADS[row], EXPANSIONS[row], growth)
            for row, width in enumerate(widths)
        )
        steps = map(halve, widths[:-1]) if downward else map(double, widths[1:])
        self.across = nn.ModuleList(steps)

    def forward(self, rows: list[Tensor], weights: Float[Tensor, "rows 2 c"]) -> list[Tensor]:
        """Return the features of all rows.

        Args:
            rows: Features of the column before.
            weights: By row and channel, of what goes along the row and of what comes across; a row
                with fewer channels uses the first.
        """
        ahead = [block(x) for block, x in zip(self.along, rows, strict=True)]
        for row, neighbour in ((1, 0), (2, 1)) if self.downward else ((1, 2), (0, 1)):
            across = self.across[min(row, neighbour)](ahead[neighbour])
            along_weight, across_weight = weights[row, :, : across.shape[1], None, None]
            ahead[row] = along_weight * ahead[row] + across_weight * across
        return ahead


class ResidualDenseBlock(nn.Module):
    """RDTB: each step of transformer blocks sees what all steps before it gave."""

    def __init__(
        self, channels: int, blocks: int, heads: int, expansion: float, growth: int = 16
    ) -> None:
        """Create three dense steps; half of their channels must divide into ``heads``."""
        super().__init__()
        widths = [channels + growth * step for step in range(4)]
        self.steps = nn.ModuleList(
            nn.Sequential(
                *(CompactBlock(width, heads, 2, expansion) for _ in range(blocks)),
                nn.Conv2d(width, growth, 1, bias=False),
                nn.ReLU(),
            )
            for width in widths[:3]
        )
        self.merge = nn.Sequential(nn.Conv2d(widths[3], channels, 1, bias=False), nn.ReLU())

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        dense = x
        for step in self.steps:
            dense = torch.cat([dense, step(dense)], dim=1)
        refined: Tensor = self.merge(dense) + x
        return refined


class CompactBlock(nn.Module):
    """Compact attention, then the gated feed-forward network, each with a residual."""

    def __init__(self, channels: int, heads: int, step: int, expansion: float) -> None:
        """Create a block; ``heads`` must divide half of the channels."""
        super().__init__()
        self.attention_norm = ChannelNorm(channels)
        self.attention = CompactAttention(channels, heads, step)
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = RestormerFeedForward(channels, expansion)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        x = x + self.attention(self.attention_norm(x))
        refined: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return refined


class CompactAttention(nn.Module):
    """Attention between the channels of two halves of every ``step``-th pixel.

    Each half weighs the values of the other.
    """

    def __init__(self, channels: int, heads: int, step: int) -> None:
        """Create an attention with the same weights for both halves."""
        super().__init__()
        self.step = step
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = local_projection(channels // 2, 3 * (channels // 2))
        self.enlarge = nn.ConvTranspose2d(
            channels, channels, step, stride=step, groups=channels, bias=False
        )
        self.project = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Mix channels; borders are reflected where the size is no multiple of the step."""
        height, width = x.shape[2:]
        reduced = pad_to_multiple(x, self.step)[:, :, :: self.step, :: self.step]
        (query1, key1, value1), (query2, key2, value2) = (
            self.qkv(half).chunk(3, dim=1) for half in reduced.chunk(2, dim=1)
        )
        crossed = [
            channel_attention(query1, key1, value2, self.temperature),
            channel_attention(query2, key2, value1, self.temperature),
        ]
        projected: Tensor = self.project(self.enlarge(torch.cat(crossed, dim=1)))
        return projected[:, :, :height, :width]


def _entrance(blocks: int, channels: int, step: int) -> nn.Sequential:
    """Return the blocks behind the entrance of an image into a row, or before its exit."""
    return nn.Sequential(*(CompactBlock(channels, 1, step, 2.66) for _ in range(blocks)))
