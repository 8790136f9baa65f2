"""MASA, which searches the guide for what each patch of the target shows (reference [45]).

Lu, Li, Tao, Lu and Jia, "MASA-SR: matching acceleration and spatial adaptation for reference-based
image super-resolution", CVPR 2021: a network for photographs, which MAG-Net's paper applies to MR.
Original code: dvlab-research/MASA-SR, without a licence; ours is written from the paper.
4,025,985 parameters with one channel at ratios 4 and 8 (4,028,291 with the original's three),
3,509,057 at ratio 2, which does without the last step.

What the original code does and its paper does not say: the number of patches follows the size
of the target; in the aggregation the target's feature is added to its residual once more.

Ours: ratio 2 (the last scale is left out) and ratio 8 (encoder and decoder apply their last
stage twice, with the same weights); the original has ratio 4 alone. Target and guide share the
encoder, so they need equally many channels: one channel is repeated. The guide is reduced by the
central block of its k-space, as the target is; edges are repeated until both sides of the target
are multiples of 8 and at least 16.
"""

import math
from typing import Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import ResidualBlock, convolution, residual_blocks
from gisr.baselines.buildable import require_ratio
from gisr.baselines.mri.aggregation import DualResidualAggregation, SpatialAdaptation, doubled
from gisr.baselines.mri.given import averaged, common_channels, repeated
from gisr.baselines.mri.kspace import kspace_reduced
from gisr.baselines.mri.matching import LEAST, MULTIPLE, match, transfer
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width


class MASA(ComparedNetwork):
    """Encoder, search without parameters, decoder that takes in what was found, scale by scale."""

    published = PublishedSystem(
        title="MASA",
        paper="Lu et al., MASA-SR: matching acceleration and spatial adaptation for "
        "reference-based image super-resolution, CVPR 2021",
        year=2021,
        tasks=("mri",),
        licence="none",
        ratios=(2, 4, 8),
    )

    def __init__(
        self,
        channels: int,
        ratio: int,
        *,
        width: int = 64,
        encoder_blocks: int = 4,
        entry_blocks: int = 2,
        blocks: tuple[int, int, int] = (12, 8, 4),
    ) -> None:
        """Create the network.

        Args:
            channels: Of target and guide.
            ratio: 2, 4 or 8.
            width: Channels of all features.
            encoder_blocks: Residual blocks at each size of the encoder.
            entry_blocks: Residual blocks at each size of the target before the search.
            blocks: Residual blocks after the guide is taken in, at scales 1, 2 and above.
        """
        super().__init__()
        self.channels = channels
        self.ratio = ratio
        self.encoder = nn.ModuleList(
            _stage(convolution(inputs, width, stride=stride), encoder_blocks)
            for inputs, stride in ((channels, 1), (width, 2), (width, 2))
        )
        self.entry = nn.ModuleList(
            _stage(convolution(inputs, width), entry_blocks)
            for inputs in (width, 2 * width, 2 * width)
        )
        self.adapt = SpatialAdaptation(width)
        self.merge = _stage(convolution(2 * width, width), blocks[0])
        finer = blocks[1:2] if ratio == 2 else blocks[1:]
        self.aggregate = nn.ModuleList(DualResidualAggregation(width) for _ in finer)
        self.refine = nn.ModuleList(residual_blocks(width, count) for count in finer)
        self.end = convolution(width, channels)
        self._start()

    def _start(self) -> None:
        """Draw the published first weights; the adaptation keeps its zeros."""
        zeros = {self.adapt.gain, self.adapt.offset}
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module not in zeros:
                assert module.bias is not None
                spread = 0.5 * math.sqrt(2 / (module.weight[0, 0].numel() * module.out_channels))
                nn.init.normal_(module.weight, std=spread)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, ResidualBlock):
                    module.first.weight.mul_(0.1)
                    module.second.weight.mul_(0.1)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size; an image of one channel is repeated."""
        require_ratio(cls.published, ratio)
        return cls(
            common_channels(cls.published, target_channels, guide_channels),
            ratio,
            width=scaled_width(64, width, 1),
        )

    def forward(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b c H W"],
        reduced: Float[Tensor, "b c h w"],
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target.

        Args:
            target: Sides are multiples of 8 and at least 16.
            guide: ``ratio`` times as large.
            reduced: The guide on the target's grid.
        """
        of_target = self._encode(target, 3)
        of_guide = self._encode(guide, self.ratio.bit_length())[::-1]
        matches = match(of_target[0], self._encode(reduced, 1)[0])
        found = [
            transfer(matches, feature, 2**level, align_corners=False)
            for level, feature in enumerate(of_guide)
        ]
        feature = self.entry[0](of_target[2])
        for entry, skip in zip(self.entry[1:], of_target[1::-1], strict=True):
            feature = entry(torch.cat([doubled(feature), skip], dim=1))
        feature = self.merge(torch.cat([self.adapt(feature, found[0]), feature], dim=1))
        for level, finer in enumerate(found[1:]):
            step = min(level, len(self.aggregate) - 1)
            adapted = self.adapt(doubled(feature), finer)
            feature = self.refine[step](self.aggregate[step](feature, adapted))
        enlarged = F.interpolate(target, scale_factor=self.ratio, mode="bicubic")
        result: Tensor = self.end(feature) + enlarged
        return result

    def _encode(self, image: Float[Tensor, "b c h w"], levels: int) -> list[Tensor]:
        """Return features at so many sizes, each half of the one before."""
        features = [self.encoder[0](image)]
        while len(features) < levels:
            stage = self.encoder[min(len(features), len(self.encoder) - 1)]
            features.append(stage(features[-1]))
        return features

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, its edges repeated to the sizes above and cut again."""
        height, width = given.target.shape[2:]
        reduced = kspace_reduced(given.guide, (height, width))
        target, guide, reduced = (
            _edges_repeated(repeated(image, self.channels), scale)
            for image, scale in ((given.target, 1), (given.guide, self.ratio), (reduced, 1))
        )
        output = self(target, guide, reduced)[:, :, : height * self.ratio, : width * self.ratio]
        return averaged(output, given.target.shape[1])


def _stage(entry: nn.Conv2d, blocks: int) -> nn.Sequential:
    return nn.Sequential(entry, nn.ReLU(), residual_blocks(entry.out_channels, blocks))


def _edges_repeated(image: Float[Tensor, "b c h w"], scale: int) -> Float[Tensor, "b c H W"]:
    """Repeat the last row and column until the target's grid fits the search."""
    down, right = (
        -(-max(side, LEAST * scale) // (MULTIPLE * scale)) * MULTIPLE * scale - side
        for side in image.shape[2:]
    )
    return F.pad(image, (0, right, 0, down), mode="replicate")
