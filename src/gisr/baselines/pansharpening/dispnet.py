"""DISPNet: four unrolled steps of an optimisation, supervised by what light and surface should be.

Wang, Gong, Mei, Zhang, Ma, "Deep Unfolded Network with Intrinsic Supervision for Pan-Sharpening",
AAAI 2024, 38(6):5419-5426. The original code is under the MIT licence; this is written without it.

1,566,892 parameters with 4 bands (1,755,740 with 8, 1,427,146 with one) at any ratio; every layer
is used.

What the original code does beyond its paper: of the split of MS and PAN into reflectance and
illumination only the illumination of PAN enters the image, the rest serves training alone; it has
no early exit. It is written for 4 bands and ratios up to 4. Generalised by us: any number of bands,
any ratio (pooling and repetition by it), and a guide of several channels, of which the mean is
taken for PAN.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.network import (
    ComparedNetwork,
    NetworkInput,
    PublishedSystem,
    known_mean,
    scaled_width,
)
from gisr.baselines.pansharpening.build_checks import check_build

_INTRINSIC_WEIGHT = 0.1
"""Of the intrinsic loss beside the error of the images."""
_CROSSED_WEIGHT = 0.001
"""Of the reflectance of one image under the light of the other."""
_SMOOTH_WEIGHT = 0.1
_SAME_LIGHT_WEIGHT = 0.01
_EDGE_SHARPNESS = 10.0
"""How fast edges of the illumination lift the penalty on edges of the reflectance."""


@dataclass(frozen=True, eq=False)
class IntrinsicParts:
    """An image as light on a surface: their product should be the image."""

    reflectance: Float[Tensor, "b c H W"]
    illumination: Float[Tensor, "b 1 H W"]


@dataclass(frozen=True, eq=False)
class UnfoldedStage:
    """What one stage of DISPNet gives; the losses of its authors see every stage."""

    image: Float[Tensor, "b c H W"]
    """The MS image after the stage."""
    target: IntrinsicParts
    """Parts of the MS image before the stage."""
    guide: IntrinsicParts
    """Parts of PAN."""


class IntrinsicUnfolding(nn.Module):
    """One stage: two priors of the image, and a gradient step towards them and the measured MS."""

    def __init__(self, bands: int, ratio: int, width: int) -> None:
        """Create a stage with weights of its own."""
        super().__init__()
        self.light_prior = _refinement(bands, bands, width)
        self.light = _refinement(bands, bands, width)
        self.split = _refinement(bands + 1, bands + 1, width)
        self.light_back = _refinement(bands, bands, width)
        self.light_residual = _refinement(bands, bands, width)
        self.detail_prior = _refinement(bands, bands, width)
        self.detail_down = _down(bands, ratio, width)
        self.guide_down = nn.Sequential(_down(1, ratio, width), _refinement(1, bands, width))
        self.detail_up = _up(bands, ratio, width)
        self.detail_residual = _refinement(bands, bands, width)
        self.step = nn.Parameter(torch.tensor(0.1))
        self.light_step = nn.Parameter(torch.tensor(0.1))
        self.detail_step = nn.Parameter(torch.tensor(0.1))

    def forward(
        self,
        image: Float[Tensor, "b c H W"],
        pan: Float[Tensor, "b 1 H W"],
        misfit: Float[Tensor, "b c H W"],
    ) -> UnfoldedStage:
        """Return the next image and the intrinsic parts.

        Args:
            image: The MS image so far.
            pan: PAN.
            misfit: What the image, made small, misses of the measured MS, made large again.
        """
        bands = image.shape[1]
        target_parts = self._parts(torch.cat([image.amax(dim=1, keepdim=True), image], dim=1))
        guide_parts = self._parts(pan.expand(-1, bands + 1, -1, -1))
        prior = self.light_prior(image)
        unlit = self.light_back(self.light(prior) - guide_parts.illumination)
        lit = self.light_residual(unlit + prior - image) + prior
        prior = self.detail_prior(image)
        detail = self.detail_up(self.detail_down(prior) - self.guide_down(pan))
        detailed = self.detail_residual(detail + prior - image) + prior
        towards_light = misfit + self.light_step * (image - lit)
        image = image - self.step * towards_light - self.detail_step * (image - detailed)
        return UnfoldedStage(image, target_parts, guide_parts)

    def _parts(self, image: Float[Tensor, "b c1 H W"]) -> IntrinsicParts:
        parts = self.split(image).sigmoid()
        return IntrinsicParts(parts[:, :-1], parts[:, -1:])


class DISPNet(ComparedNetwork):
    """Unrolled stages that share how an image is made small and large."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="DISPNet",
        paper='Wang et al., "Deep Unfolded Network with Intrinsic Supervision for '
        'Pan-Sharpening", AAAI 2024',
        year=2024,
        tasks=("pansharpening",),
        licence="MIT",
    )

    def __init__(self, bands: int, ratio: int, *, width: int = 64, stages: int = 4) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            ratio: 2, 4, 8 or 16.
            width: Channels between the layers, any number.
            stages: Unrolled stages, each with weights of its own.

        Raises:
            ValueError: It cannot be built so.
        """
        super().__init__()
        check_build(self.published, bands, 1, ratio)
        self.ratio = ratio
        self.down = _down(bands, ratio, width)
        self.up = _up(bands, ratio, width)
        self.stages = nn.ModuleList(IntrinsicUnfolding(bands, ratio, width) for _ in range(stages))

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network, its widths times a factor.

        Raises:
            ValueError: No bands, no guide, or another ratio than 2, 4, 8 or 16.
        """
        check_build(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, ratio, width=scaled_width(64, width, 1))

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> tuple[UnfoldedStage, ...]:
        """Return every stage; the image of the last is the sharpened MS.

        Args:
            target: MS of any size.
            guide: PAN, ``ratio`` times as large; the mean of its channels is taken.
        """
        pan = guide.mean(dim=1, keepdim=True)
        image = F.interpolate(target, scale_factor=self.ratio, mode="bilinear", align_corners=False)
        done: list[UnfoldedStage] = []
        for stage in self.stages:
            done.append(stage(image, pan, self.up(self.down(image) - target)))
            image = done[-1].image
        return tuple(done)

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; no size needs padding."""
        stages: tuple[UnfoldedStage, ...] = self(given.target, given.guide)
        return stages[-1].image

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the squared error of every stage and a tenth of its intrinsic loss, averaged."""
        pan = given.guide.mean(dim=1, keepdim=True)
        stages: tuple[UnfoldedStage, ...] = self(given.target, given.guide)
        losses = [
            known_mean((stage.image - truth).square(), known)
            + _INTRINSIC_WEIGHT * intrinsic_loss(stage, truth, pan, known)
            for stage in stages
        ]
        return torch.stack(losses).mean(dim=0)


def intrinsic_loss(
    stage: UnfoldedStage,
    truth: Float[Tensor, "b c H W"],
    pan: Float[Tensor, "b 1 H W"],
    known: Float[Tensor, "b 1 H W"],
) -> Float[Tensor, " b"]:
    """Return how badly the parts of MS and PAN explain the images, over known pixels.

    Either reflectance under its own light, a little under the other's, should be its image; a
    reflectance should change where its illumination does; and both should be lit alike.
    """
    target, guide = stage.target, stage.guide

    def misfit(surface: Tensor, light: Tensor, image: Tensor) -> Tensor:
        return known_mean((surface * light - image).abs(), known)

    own = misfit(target.reflectance, target.illumination, truth)
    own = own + misfit(guide.reflectance, guide.illumination, pan)
    crossed = misfit(guide.reflectance, target.illumination, pan)
    crossed = crossed + misfit(target.reflectance, guide.illumination, truth)
    rough = _roughness(target, known) + _roughness(guide, known)
    light = known_mean((target.illumination - guide.illumination.detach()).abs(), known)
    return own + _CROSSED_WEIGHT * crossed + _SMOOTH_WEIGHT * rough + _SAME_LIGHT_WEIGHT * light


def _roughness(parts: IntrinsicParts, known: Float[Tensor, "b 1 H W"]) -> Float[Tensor, " b"]:
    """Return the edges of the mean reflectance, where the illumination has none."""
    surface = parts.reflectance.mean(dim=1, keepdim=True)
    edges = torch.zeros_like(F.pad(surface, (0, 1, 0, 1)))
    for axis in (2, 3):
        light = F.avg_pool2d(_edges(parts.illumination, axis), 3, stride=1, padding=1)
        edges = edges + _edges(surface, axis) * (-_EDGE_SHARPNESS * light).exp()
    return known_mean(edges, F.pad(known, (0, 1, 0, 1), mode="replicate"))


def _edges(image: Float[Tensor, "b 1 H W"], axis: int) -> Float[Tensor, "b 1 H1 W1"]:
    """Return the absolute differences along an axis of an image with zeros around it.

    One larger than the image in both directions, as the original's filter leaves it.
    """
    padded = F.pad(image, (0, 1, 1, 1) if axis == 2 else (1, 1, 0, 1))
    return padded.diff(dim=axis).abs()


def _refinement(inputs: int, outputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(inputs, width),
        nn.PReLU(),
        convolution(width, width),
        nn.PReLU(),
        convolution(width, outputs),
    )


def _down(channels: int, ratio: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, width),
        nn.ReLU(),
        nn.MaxPool2d(ratio),
        convolution(width, channels),
        convolution(channels, channels),
    )


def _up(channels: int, ratio: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, width),
        nn.ReLU(),
        nn.Upsample(scale_factor=ratio),
        convolution(width, width),
        convolution(width, channels),
        convolution(channels, channels),
    )
