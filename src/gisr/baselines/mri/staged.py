"""What MINet and SANet, of the same authors, share: two branches, fused after every stage.

The guide's branch restores the guide itself; the target's branch takes what each stage of the
guide's has found, and at its end all stages of both, weighed by a layer attention.
"""

from abc import abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.mri.kspace import kspace_reduced
from gisr.baselines.network import ComparedNetwork, NetworkInput, known_mean

LIMIT = 6.0
"""Standard deviations to which both images are clipped, in training and use."""
GUIDE_WEIGHT, TARGET_WEIGHT = 0.7, 0.3
"""Of the two outputs' errors; the larger weight is on the guide, as published."""


class StagedOutput(NamedTuple):
    """Both contrasts at full size."""

    target: Float[Tensor, "b c H W"]
    guide: Float[Tensor, "b g H W"]


class StagedNetwork(ComparedNetwork):
    """The skeleton; a network adds its stages and how it fuses their features."""

    def __init__(
        self,
        target_channels: int,
        guide_channels: int,
        ratio: int,
        width: int,
        stages: tuple[nn.ModuleList, nn.ModuleList],
    ) -> None:
        """Create everything but the fusions.

        Args:
            target_channels: Of the target and of the first output.
            guide_channels: Of the guide and of the second output.
            ratio: Scale factor, a power of two.
            width: Channels of all features.
            stages: Of the guide's branch and of the target's, equally many.
        """
        super().__init__()
        self.guide_head = convolution(guide_channels, width)
        self.target_head = nn.Sequential(
            convolution(target_channels, width), ShuffledEnlargement(width, ratio)
        )
        self.guide_stages, self.target_stages = stages
        self.guide_attention = VolumeAttention()
        self.target_attention = VolumeAttention()
        self.layer_attention = LayerAttention()
        maps = 2 * len(self.guide_stages)
        self.join_stages = convolution(maps * width, width)
        self.guide_last = convolution(width, width)
        self.target_last = convolution(2 * width, width)
        self.guide_end = convolution(width, guide_channels)
        self.target_end = convolution(width, target_channels)

    @abstractmethod
    def fuse(
        self, stage: int, guide: Float[Tensor, "b c H W"], target: Float[Tensor, "b c H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return what a stage adds to the target's feature, from both features."""

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> StagedOutput:
        """Return both contrasts at full size, from standardised images."""
        guide_shallow = guide_feature = self.guide_head(guide)
        target_shallow = target_feature = self.target_head(target)
        of_guide, of_target = [], []
        stages = zip(self.guide_stages, self.target_stages, strict=True)
        for index, (guide_stage, target_stage) in enumerate(stages):
            guide_feature, target_feature = guide_stage(guide_feature), target_stage(target_feature)
            of_guide.append(guide_feature)
            of_target.append(target_feature)
            target_feature = target_feature + self.fuse(index, guide_feature, target_feature)
        joined = self.join_stages(self.layer_attention(torch.stack(of_guide + of_target, dim=1)))
        guide_deep = self.guide_last(self.guide_attention(guide_feature))
        target_deep = self.target_last(
            torch.cat([self.target_attention(target_feature), joined], dim=1)
        )
        return StagedOutput(
            target=self.target_end(target_deep + target_shallow),
            guide=self.guide_end(guide_deep + guide_shallow),
        )

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, standardised for the network and back; any size.

        The layer attention compares whole images: a tile gives another result than its image.
        """
        of_target, of_guide = _standards(given)
        output = self(of_target.apply(given.target), of_guide.apply(given.guide))
        return of_target.undo(output.target)

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return 0.7 times the guide's and 0.3 times the target's error, standardised images."""
        of_target, of_guide = _standards(given)
        guide = of_guide.apply(given.guide)
        output = self(of_target.apply(given.target), guide)
        target_error = (output.target - of_target.apply(truth)).abs()
        guide_error = (output.guide - guide).abs()
        return GUIDE_WEIGHT * known_mean(guide_error, known) + TARGET_WEIGHT * known_mean(
            target_error, known
        )


class Standard(NamedTuple):
    """Mean and spread of a contrast: those of its own low-resolution image, over all channels."""

    mean: Float[Tensor, "b 1 1 1"]
    spread: Float[Tensor, "b 1 1 1"]

    def apply(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return an image of mean 0 and spread 1, clipped."""
        return ((image - self.mean) / self.spread).clamp(-LIMIT, LIMIT)

    def undo(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return an image in its own values."""
        return image * self.spread + self.mean


def _standards(given: NetworkInput) -> tuple[Standard, Standard]:
    """Return the standards of target and guide."""
    low = (given.target.shape[2], given.target.shape[3])
    target, guide = (
        Standard(
            image.mean(dim=(1, 2, 3), keepdim=True),
            image.std(dim=(1, 2, 3), correction=0, keepdim=True) + 1e-11,
        )
        for image in (given.target, kspace_reduced(given.guide, low))
    )
    return target, guide


class ShuffledEnlargement(nn.Sequential):
    """Tail: doubled by depth-to-space as often as the ratio takes, then a convolution."""

    def __init__(self, width: int, ratio: int) -> None:
        """Create it for a ratio that is a power of two."""
        layers: list[nn.Module] = []
        for _ in range(ratio.bit_length() - 1):
            layers += [convolution(width, 4 * width), nn.PixelShuffle(2)]
        super().__init__(*layers, convolution(width, width))


class LayerAttention(nn.Module):
    """LA: every stage's feature gets a share of those that are least like it."""

    def __init__(self) -> None:
        """Create it; it starts as identity."""
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, stages: Float[Tensor, "b n c h w"]) -> Float[Tensor, "b nc h w"]:
        """Return the features one behind the other."""
        maps = stages.flatten(2)
        likeness = maps @ maps.transpose(1, 2)
        unlikeness = likeness.amax(dim=2, keepdim=True) - likeness
        mixed = (unlikeness.softmax(dim=2) @ maps).view_as(stages)
        return (self.gain * mixed + stages).flatten(1, 2)


class VolumeAttention(nn.Module):
    """CSA: the feature weighed by a convolution that takes its channels for a third axis."""

    def __init__(self) -> None:
        """Create it; it starts as identity."""
        super().__init__()
        self.weigh = nn.Conv3d(1, 1, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Weigh a feature; its shape stays."""
        weights: Tensor = self.weigh(x[:, None])[:, 0].sigmoid()
        return x + x * (self.gain * weights)
