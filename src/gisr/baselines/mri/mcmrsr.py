"""McMRSR, window transformers and a search at several scales (MR; MAG-Net's reference [7]).

Li, Lv, Tian, Dou, Wang, Xu and Qin, "Transformer-empowered multi-scale contextual matching and
aggregation for multi-contrast MRI super-resolution", CVPR 2022.
Original code: XAIMI-Lab/McMRSR, without a licence; ours is written from the paper.
3,175,741 parameters with one channel at ratios 4 and 8 (3,177,362 with the two of complex images),
292,140 fewer at ratio 2, which does without the last step and the smallest guide.

What the original code does and its paper does not say: adaptation and aggregation have one set of
weights for all scales; its loss mixes measured k-space into the output's, which we keep, whereas
the image that it scores is the mixed one. Ours is the network's own: the measured k-space of
magnitudes is not known, and an upscaler's consistency step serves all systems alike.

Ours: ratio 8 (the last stage once more, with the same weights), magnitudes in one channel,
spectra channel by channel. Target and guide share layers, so they need equally many channels:
one channel is repeated. The guide is reduced by the central block of its k-space, as the
target is; sides are mirrored until the target's are multiples of 8 and at least 16.
"""

from typing import Self

from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.residual import convolution, residual_blocks
from gisr.baselines.buildable import require_ratio
from gisr.baselines.mri.aggregation import DualResidualAggregation, SpatialAdaptation, doubled
from gisr.baselines.mri.given import averaged, common_channels, repeated
from gisr.baselines.mri.kspace import centre_mask, centred_spectrum, kspace_reduced
from gisr.baselines.mri.matching import LEAST, MULTIPLE, match, transfer
from gisr.baselines.mri.shifted_windows import ShiftedWindowExtractor
from gisr.baselines.network import (
    ComparedNetwork,
    NetworkInput,
    PublishedSystem,
    known_mean,
    scaled_width,
)

SPECTRUM_WEIGHT = 1e-4
"""Of the squared error of k-space outside the measured block, FFT not scaled."""


class McMRSR(ComparedNetwork):
    """Deep features of both images, a search, and an aggregation that serves every scale."""

    published = PublishedSystem(
        title="McMRSR",
        paper="Li et al., Transformer-empowered multi-scale contextual matching and aggregation "
        "for multi-contrast MRI super-resolution, CVPR 2022",
        year=2022,
        tasks=("mri",),
        licence="none",
        ratios=(2, 4, 8),
    )

    def __init__(
        self,
        channels: int,
        ratio: int,
        *,
        width: int = 60,
        heads: int = 6,
        groups: int = 4,
        group_blocks: int = 6,
        blocks: tuple[int, int, int] = (12, 8, 4),
    ) -> None:
        """Create the network.

        Args:
            channels: Of target and guide: 1 for magnitudes, 2 for complex images.
            ratio: 2, 4 or 8.
            width: Channels of all features, a multiple of ``heads``.
            heads: Heads of the attentions.
            groups: Groups of window blocks.
            group_blocks: Window blocks in a group.
            blocks: Residual blocks after the guide is taken in, at scales 1, 2 and above.
        """
        super().__init__()
        self.channels = channels
        self.ratio = ratio
        self.shallow = nn.Sequential(
            convolution(channels, width), nn.ReLU(), residual_blocks(width, 2)
        )
        self.guide_entry = convolution(channels, width)
        self.halve = nn.ModuleList(
            convolution(width, width, stride=2) for _ in range(1 if ratio == 2 else 2)
        )
        self.extract = ShiftedWindowExtractor(width, heads, groups, group_blocks, dropped=0.1)
        self.close = convolution(width, width)
        self.adapt = SpatialAdaptation(width)
        self.aggregate_same = DualResidualAggregation(width, same_size=True)
        self.aggregate_finer = DualResidualAggregation(width)
        self.refine = nn.ModuleList(
            residual_blocks(width, count) for count in (blocks[:2] if ratio == 2 else blocks)
        )
        self.end = convolution(width, channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size; an image of one channel is repeated."""
        require_ratio(cls.published, ratio)
        return cls(
            common_channels(cls.published, target_channels, guide_channels),
            ratio,
            width=scaled_width(60, width, 6),
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
        feature = self._deep(self.shallow(target))
        matches = match(feature, self._deep(self.shallow(reduced)))
        found = [
            transfer(matches, each, 2**level, align_corners=True)
            for level, each in enumerate(self._pyramid(guide)[::-1])
        ]
        feature = self.aggregate_same(feature, self.adapt(feature, found[0]))
        feature = self.refine[0](feature)
        for level, finer in enumerate(found[1:], start=1):
            adapted = self.adapt(doubled(feature), finer)
            feature = self.aggregate_finer(feature, adapted)
            feature = self.refine[min(level, len(self.refine) - 1)](feature)
        result: Tensor = self.end(feature)
        return result

    def _deep(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        deep: Tensor = self.close(self.extract(feature)) + feature
        return deep

    def _pyramid(self, guide: Float[Tensor, "b c H W"]) -> list[Tensor]:
        """Return the guide's features from its own size to the target's."""
        features = [self._deep(self.guide_entry(guide))]
        while len(features) < self.ratio.bit_length():
            halve = self.halve[min(len(features), len(self.halve)) - 1]
            features.append(self._deep(halve(features[-1])))
        return features

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, mirrored to the sizes above and cut again."""
        height, width = given.target.shape[2:]
        reduced = kspace_reduced(given.guide, (height, width))
        target, guide, reduced = (
            pad_to_multiple(repeated(image, self.channels), MULTIPLE * scale, LEAST * scale)
            for image, scale in ((given.target, 1), (given.guide, self.ratio), (reduced, 1))
        )
        output = self(target, guide, reduced)[:, :, : height * self.ratio, : width * self.ratio]
        return averaged(output, given.target.shape[1])

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the mean absolute error, and a little of the squared one of k-space.

        Inside the measured block k-space is that of the truth: only the rest can be wrong.
        """
        difference = self.sharpen(given) - truth
        full = (truth.shape[2], truth.shape[3])
        low = (given.target.shape[2], given.target.shape[3])
        spectrum = centred_spectrum(difference * known) * (1 - centre_mask(full, low, truth))
        # The mean is over real and imaginary parts, as two channels.
        squared = spectrum.abs().square().mean(dim=(1, 2, 3)) / 2
        return known_mean(difference.abs(), known) + SPECTRUM_WEIGHT * squared
