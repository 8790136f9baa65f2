"""DAGF: filter kernels of each pixel, from depth and colour, applied from coarse to fine.

Zhong, Liu, Jiang, Zhao and Ji, "Deep attentional guided image filtering", IEEE TNNLS 2023
(arXiv 2112.06401). The original code has no licence; this module is written from a description.
2,392,130 parameters take part; the original builds 2,440,207.

The original differs from its paper: the map that blends the two kernels is not bounded, so a blend
may lie beyond both; a tanh and an affinity normalisation follow the softmax; the target enters
reduced or repeated to an eighth, a quarter and half of the guide's size whatever the ratio is; the
result passes a PReLU before the enlarged target is added. The running statistics of its batch
normalisation are practically those of the last batch (momentum 0.999).

Ours: any number of channels; sizes are mirrored up to multiples of 16.
"""

from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_buildable
from gisr.baselines.depth.activated import ActivatedResidual, activated
from gisr.baselines.depth.given import cut, mirrored
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width

_LEVELS = 3
_TAPS = 9
_MULTIPLE = 16


class AdaptiveNorm(nn.Module):
    """AN: a learned blend of a feature and its batch normalisation; the feature at the start."""

    def __init__(self, channels: int) -> None:
        """Create one for ``channels`` channels."""
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.999)
        self.keep = nn.Parameter(torch.ones(1))
        self.normalise = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Blend; the shape stays."""
        blended: Tensor = self.keep * x + self.normalise * self.norm(x)
        return blended


def normalised(inputs: int, outputs: int) -> nn.Sequential:
    """Return CAP: a 3x3 convolution, the adaptive normalisation and a PReLU."""
    return nn.Sequential(convolution(inputs, outputs), AdaptiveNorm(outputs), nn.PReLU())


class SmallUNet(nn.Module):
    """A U-net of two levels; every change of size moves pixels into channels or back."""

    def __init__(self, width: int) -> None:
        """Create one that keeps ``width`` channels, an even number."""
        super().__init__()
        self.first = normalised(width, width // 2)
        self.second = normalised(2 * width, width)
        self.deepest = nn.Sequential(
            normalised(4 * width, 4 * width), normalised(4 * width, 4 * width)
        )
        self.up_second = normalised(4 * width, 8 * width)
        self.up_first = normalised(2 * width, 4 * width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine a feature whose sides are multiples of 4; its shape stays."""
        first = F.pixel_unshuffle(self.first(x), 2)
        second = F.pixel_unshuffle(self.second(first), 2)
        second = self.deepest(second) + second
        up = F.pixel_shuffle(self.up_second(second), 2)
        refined: Tensor = F.pixel_shuffle(self.up_first(up + first), 2) + x
        return refined


def weight_map(width: int) -> nn.Sequential:
    """Return the network from both features to the share of the target's kernel."""
    return nn.Sequential(normalised(2 * width, width), SmallUNet(width), normalised(width, 1))


class KernelPredictor(nn.Module):
    """Nine weights for each pixel, their sum 1."""

    def __init__(self, width: int) -> None:
        """Create one for a feature of ``width`` channels."""
        super().__init__()
        self.refine = activated(width, width, 1)
        self.end = convolution(width, _TAPS, 1)

    def forward(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 9 h w"]:
        """Return the weights, row by row of the kernel."""
        kernel: Tensor = self.end(self.refine(feature)).softmax(dim=1)
        return kernel


class AttentionalFilter(nn.Module):
    """FB: kernels from the features of target and guide, blended, bounded and applied."""

    def __init__(self, width: int) -> None:
        """Create one for features of ``width`` channels."""
        super().__init__()
        self.share = weight_map(width)
        self.depth_kernel = KernelPredictor(width)
        self.guide_kernel = KernelPredictor(width)
        self.softness = nn.Parameter(torch.full((1,), 4.5))
        self.refine = nn.Sequential(ActivatedResidual(width), ActivatedResidual(width))

    def forward(
        self,
        depth: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b c h w"],
        coarse: Float[Tensor, "b c h/2 w/2"],
    ) -> Float[Tensor, "b c h w"]:
        """Enlarge the coarse feature by 2 and filter it."""
        share = self.share(torch.cat([depth, guide], dim=1))
        kernel = share * self.depth_kernel(depth) + (1 - share) * self.guide_kernel(guide)
        enlarged = F.interpolate(self.refine(coarse), scale_factor=2, mode="nearest")
        return dilated_filter(enlarged, self._bounded(kernel))

    def _bounded(self, kernel: Float[Tensor, "b 9 h w"]) -> Float[Tensor, "b 9 h w"]:
        """Squash the weights and bring the sum of their sizes to 1 where it is above."""
        kernel = torch.tanh(kernel) / (self.softness + 1e-8)
        size = kernel.abs().sum(dim=1, keepdim=True) + 1e-4
        return kernel / size.clamp(min=1)


class DAGF(ComparedNetwork):
    """Two pyramids of features, a filter at each of three levels, and a way from coarse to fine."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="DAGF",
        paper="Zhong, Liu, Jiang, Zhao, Ji: Deep attentional guided image filtering, IEEE TNNLS "
        "2023",
        year=2023,
        tasks=("depth",),
        licence="none",
    )

    def __init__(
        self,
        target_channels: int = 1,
        guide_channels: int = 3,
        *,
        width: int = 32,
        coarse_outputs: bool = False,
    ) -> None:
        """Create the network, the same for every ratio.

        Args:
            target_channels: Channels of the target.
            guide_channels: Channels of the guide.
            width: Channels of all features, an even number.
            coarse_outputs: Also build the outputs of the two coarser levels, which only a loss on
                the whole pyramid needs; the authors trained without.
        """
        super().__init__()
        self.depth_head = _head(target_channels, width)
        self.guide_head = _head(guide_channels, width)
        self.depth_pyramid = nn.ModuleList(halving(width) for _ in range(_LEVELS - 1))
        self.guide_pyramid = nn.ModuleList(halving(width) for _ in range(_LEVELS - 1))
        self.entries = nn.ModuleList(activated(target_channels, width) for _ in range(_LEVELS))
        self.joins = nn.ModuleList(
            convolution(width * (1 if level == 0 else 2), width) for level in range(_LEVELS)
        )
        self.filters = nn.ModuleList(AttentionalFilter(width) for _ in range(_LEVELS))
        self.own = nn.ModuleList(activated(width, width) for _ in range(_LEVELS))
        self.handed_down = nn.ModuleList(activated(width, width) for _ in range(_LEVELS - 1))
        self.gains = nn.ParameterList(torch.zeros(1) for _ in range(_LEVELS - 1))
        self.output_levels = range(_LEVELS) if coarse_outputs else (_LEVELS - 1,)
        self.outputs = nn.ModuleList(activated(width, target_channels) for _ in self.output_levels)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size.

        Raises:
            ValueError: No channel, or a ratio that is not published.
        """
        require_buildable(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, guide_channels, width=scaled_width(32, width, 2))

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target."""
        padded = mirrored(given, fine_multiple=_MULTIPLE)
        return cut(self(padded.target, padded.guide, padded.enlarged)[-1], given)

    def forward(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g H W"],
        enlarged: Float[Tensor, "b c H W"],
    ) -> list[Float[Tensor, "b c H W"]]:
        """Return the results, the finest last; sides of the guide are multiples of 16."""
        depth = _pyramid(self.depth_head(enlarged), self.depth_pyramid)
        colour = _pyramid(self.guide_head(guide), self.guide_pyramid)
        filtered = self._filtered(target, depth, colour)
        handed = self._handed_down(filtered)
        return [
            enlarged
            + F.interpolate(
                output(handed[level]), size=guide.shape[2:], mode="bilinear", align_corners=False
            )
            for level, output in zip(self.output_levels, self.outputs, strict=True)
        ]

    def _filtered(
        self,
        target: Float[Tensor, "b c h w"],
        depth: list[Float[Tensor, "b f _ _"]],
        guide: list[Float[Tensor, "b f _ _"]],
    ) -> list[Float[Tensor, "b f _ _"]]:
        """Return the filtered feature of each level, the coarsest first."""
        filtered: list[Tensor] = []
        for level in range(_LEVELS):
            half = [size // 2 for size in depth[level].shape[2:]]
            entered = self.entries[level](F.interpolate(target, size=half, mode="nearest"))
            joined = self.joins[level](torch.cat([entered, *filtered[-1:]], dim=1))
            filtered.append(self.filters[level](depth[level], guide[level], joined))
        return filtered

    def _handed_down(
        self, filtered: list[Float[Tensor, "b f _ _"]]
    ) -> list[Float[Tensor, "b f _ _"]]:
        """Return each level's feature with what the coarser one hands down."""
        handed: list[Tensor] = [self.own[0](filtered[0])]
        for own, hand_down, gain, feature in zip(
            self.own[1:], self.handed_down, self.gains, filtered[1:], strict=True
        ):
            coarser = F.interpolate(handed[-1], scale_factor=2, mode="nearest")
            handed.append(hand_down(gain * coarser + own(feature)))
        return handed


def halving(width: int) -> nn.Sequential:
    """Return a step of a pyramid: half the size, the same number of channels."""
    return nn.Sequential(
        activated(width, width), nn.PixelUnshuffle(2), activated(4 * width, width, 1)
    )


def dilated_filter(
    x: Float[Tensor, "b c h w"], kernel: Float[Tensor, "b 9 h w"]
) -> Float[Tensor, "b c h w"]:
    """Filter each pixel with its own 3x3 kernel, taps two pixels apart; zero beyond the edge."""
    height, width = x.shape[2:]
    around = F.pad(x, (2, 2, 2, 2))
    filtered = torch.zeros_like(x)
    for tap in range(_TAPS):
        row, column = 2 * (tap // 3), 2 * (tap % 3)
        shifted = around[:, :, row : row + height, column : column + width]
        filtered = filtered + kernel[:, tap : tap + 1] * shifted
    return filtered


def _head(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, width), activated(width, width, 1))


def _pyramid(
    feature: Float[Tensor, "b f H W"], steps: nn.ModuleList
) -> list[Float[Tensor, "b f _ _"]]:
    """Return a feature at all levels, the coarsest first."""
    levels = [feature]
    for step in steps:
        levels.append(step(levels[-1]))
    return levels[::-1]
