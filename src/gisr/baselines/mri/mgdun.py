"""MGDUN, an unrolled gradient descent between two contrasts (MR; MAG-Net's reference [3]).

Yang, Zhang, Liu, Fu, Chen and Wang, "MGDUN: an interpretable network for multi-contrast MRI image
super-resolution reconstruction", Computers in Biology and Medicine 167, 2023; first "Model-guided
multi-contrast deep unfolding network for MRI super-resolution reconstruction", ACM MM 2022.
Original code: yggame/MGDUN, without a licence; ours is written from the paper.
122,976 parameters with one channel at every ratio, 194,379 with the U-Net as prior (one of which,
a slope that nothing uses, is left out here).

What the original code does and its paper does not say: enlargement is nearest neighbour and
reduction max-pooling, where the paper has deconvolutions for each ratio; the invertible map
works on the four phases of one image; operators and priors are shared by all iterations. The
repository holds two networks that run, with separate small priors ("V1", ours by default) and
with one U-Net for both ("V3"); which one was compared in the paper is not known.

Ours: ratio 8 (the original has 2, 3 and 4), more than one channel in the U-Net.
"""

from typing import Literal, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_ratio
from gisr.baselines.mri.given import averaged, common_channels, repeated
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width

PriorKind = Literal["convolutions", "unet"]
"""The learned priors: two pairs of convolutions (V1), or one U-Net that serves as both (V3)."""


class MGDUN(ComparedNetwork):
    """Four steps down the gradient of a data term, a cross-contrast term and two learned priors."""

    published = PublishedSystem(
        title="MGDUN",
        paper="Yang et al., MGDUN: an interpretable network for multi-contrast MRI image "
        "super-resolution reconstruction, Computers in Biology and Medicine 167, 2023",
        year=2023,
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
        iterations: int = 4,
        prior: PriorKind = "convolutions",
        prior_width: int = 16,
    ) -> None:
        """Create the network.

        Args:
            channels: Of target and guide.
            ratio: Scale factor; an even one, as the map between the contrasts halves the image.
            width: Channels inside operators, map and small priors; even.
            iterations: Unrolled steps.
            prior: Which learned priors.
            prior_width: Channels of the U-Net.
        """
        super().__init__()
        self.channels = channels
        self.ratio = ratio
        self.down = ReductionOperator(channels, width, ratio)
        self.up = EnlargementOperator(channels, width, ratio)
        self.between = ContrastCoupling(2 * channels, width)
        self.priors = nn.ModuleList(
            [UNetPrior(channels, prior_width)]
            if prior == "unet"
            else [_small_prior(channels, width) for _ in range(2)]
        )
        self.steps = nn.ModuleList(DescentStep() for _ in range(iterations))

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the first version at its published size; an image of one channel is repeated."""
        require_ratio(cls.published, ratio)
        return cls(
            common_channels(cls.published, target_channels, guide_channels),
            ratio,
            width=scaled_width(64, width, 2),
            prior_width=scaled_width(16, width, 1),
        )

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, from both images with the channels of the network."""
        image = F.interpolate(target, scale_factor=self.ratio, mode="bilinear")
        first = second = torch.zeros_like(image)
        for step in self.steps:
            assert isinstance(step, DescentStep)
            first = self.priors[0](first + step.into_first * image)
            second = self.priors[-1](second + step.into_second * image)
            gradient = (
                self.up(self.down(image) - target)
                + step.contrast * self._difference(image, guide)
                + step.pull_of_first * (image - first)
                + step.pull_of_second * (image - second)
            )
            image = image - step.size * gradient
        return image

    def _difference(
        self, image: Float[Tensor, "b c H W"], guide: Float[Tensor, "b c H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the image's difference from the guide, taken in the guide's contrast."""
        mapped = F.pixel_shuffle(self.between(F.pixel_unshuffle(image, 2)), 2)
        back = self.between.inverse(F.pixel_unshuffle(mapped - guide, 2))
        return F.pixel_shuffle(back, 2)

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; every size fits, as the ratios are even."""
        target = repeated(given.target, self.channels)
        output = self(target, repeated(given.guide, self.channels))
        return averaged(output, given.target.shape[1])


class DescentStep(nn.Module):
    """The learned numbers of one iteration."""

    def __init__(self) -> None:
        """Create them with the published start values."""
        super().__init__()
        self.into_first = nn.Parameter(torch.tensor(0.5))
        self.into_second = nn.Parameter(torch.tensor(0.5))
        self.contrast = nn.Parameter(torch.tensor(0.5))
        self.pull_of_first = nn.Parameter(torch.tensor(0.5))
        self.pull_of_second = nn.Parameter(torch.tensor(0.5))
        self.size = nn.Parameter(torch.tensor(0.1))


class ReductionOperator(nn.Sequential):
    """D: from a full image to the target's grid."""

    def __init__(self, channels: int, width: int, ratio: int) -> None:
        """Create the operator for a ratio."""
        super().__init__(
            convolution(channels, width),
            nn.ReLU(),
            nn.MaxPool2d(ratio),
            convolution(width, channels),
            convolution(channels, channels),
        )


class EnlargementOperator(nn.Sequential):
    """U: from the target's grid to the full one."""

    def __init__(self, channels: int, width: int, ratio: int) -> None:
        """Create the operator for a ratio."""
        super().__init__(
            convolution(channels, width),
            nn.ReLU(),
            nn.Upsample(scale_factor=ratio, mode="nearest"),
            convolution(width, channels),
            convolution(channels, channels),
        )


class ContrastCoupling(nn.Module):
    """The invertible map between the contrasts, on the four phases of an image."""

    def __init__(self, half: int, width: int) -> None:
        """Create it for twice ``half`` channels."""
        super().__init__()
        self.shift_of_first = HalfNormalisedUnit(half, width)
        self.shift_of_second = HalfNormalisedUnit(half, width)
        self.scale_of_second = HalfNormalisedUnit(half, width)

    def forward(self, image: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        """Map an image to the guide's contrast."""
        first, second = image.chunk(2, dim=1)
        first = first + self.shift_of_first(second)
        second = second * self._scale(first) + self.shift_of_second(first)
        return torch.cat([first, second], dim=1)

    def inverse(self, image: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        """Map an image from the guide's contrast."""
        first, second = image.chunk(2, dim=1)
        second = (second - self.shift_of_second(first)) / self._scale(first)
        first = first - self.shift_of_first(second)
        return torch.cat([first, second], dim=1)

    def _scale(self, first: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        """Return a factor between exp(-0.8) and exp(0.8)."""
        bounded: Tensor = 0.8 * (2 * self.scale_of_second(first).sigmoid() - 1)
        return bounded.exp()


class HalfNormalisedUnit(nn.Module):
    """HIN: two convolutions, the first half of the channels normalised by image in between."""

    def __init__(self, channels: int, width: int) -> None:
        """Create a unit that keeps ``channels``, with ``width`` inside."""
        super().__init__()
        self.first = convolution(channels, width)
        self.norm = nn.InstanceNorm2d(width // 2, affine=True)
        self.second = convolution(width, width)
        self.last = convolution(channels + width, channels)

    def forward(self, image: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        """Return a feature of the image's shape."""
        half, other = F.leaky_relu(self.first(image), 0.2).chunk(2, dim=1)
        feature = torch.cat([self.norm(half), other], dim=1)
        feature = F.leaky_relu(self.second(feature), 0.2)
        result: Tensor = self.last(torch.cat([image, feature], dim=1))
        return result


def _small_prior(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, width, bias=False),
        nn.ReLU(),
        convolution(width, channels, bias=False),
    )


class UNetPrior(nn.Module):
    """The prior of the third version: a U-Net of four levels around a residual."""

    LEVELS = 4

    def __init__(self, channels: int, width: int) -> None:
        """Create it; its convolutions start with Xavier-normal weights, as published."""
        super().__init__()
        last = self.LEVELS - 1
        self.encoders = nn.ModuleList(
            UNetEncoder(width if level else channels, width) for level in range(self.LEVELS)
        )
        self.middle = nn.Sequential(
            convolution(width, width), nn.PReLU(), convolution(width, width)
        )
        self.decoders = nn.ModuleList(
            UNetDecoder(width, width if level == last else 2 * width)
            for level in range(self.LEVELS)
        )
        self.ends = nn.ModuleList(
            convolution(width, channels) if level == last else convolution(2 * width, width, 1)
            for level in range(self.LEVELS)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_normal_(module.weight)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the image that the prior prefers; any size."""
        skips = []
        feature = image
        for encoder in self.encoders:
            skip, feature = encoder(feature)
            skips.append(skip)
        feature = self.middle(feature)
        for decoder, end, skip in zip(self.decoders, self.ends, reversed(skips), strict=True):
            feature = end(decoder(feature, skip))
        refined: Tensor = image + feature
        return refined


class UNetEncoder(nn.Module):
    """One level on the way down; both activations have the same slope."""

    def __init__(self, inputs: int, width: int) -> None:
        """Create a level."""
        super().__init__()
        self.first = convolution(inputs, width)
        self.second = convolution(width, width)
        self.halve = convolution(width, width, stride=2)
        self.activate = nn.PReLU()

    def forward(
        self, feature: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b d h w"], Float[Tensor, "b d h2 w2"]]:
        """Return the feature at this size, not activated, and at half of it, rounded up."""
        skip = self.second(self.activate(self.first(feature)))
        return skip, self.activate(self.halve(skip))


class UNetDecoder(nn.Module):
    """One level on the way up, but for its last convolution."""

    def __init__(self, width: int, outputs: int) -> None:
        """Create a level."""
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(width, width, 3, stride=2, padding=1)
        self.mix = convolution(2 * width, outputs)
        self.activate = nn.PReLU()

    def forward(
        self, feature: Float[Tensor, "b c h2 w2"], skip: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b d h w"]:
        """Return the feature at the size of the skip."""
        enlarged = self.enlarge(feature, output_size=skip.shape[2:])
        result: Tensor = self.activate(self.mix(torch.cat([enlarged, skip], dim=1)))
        return result
