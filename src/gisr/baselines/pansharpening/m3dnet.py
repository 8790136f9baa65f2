"""M3DNet: four unrolled stages that update a map of details and the image in turn.

Yan et al., "MD3Net: Integrating Model-Driven and Data-Driven Approaches for Pansharpening", IEEE
TGRS 2022, doi 10.1109/TGRS.2022.3196427; its code calls itself M3DNet. The original code has no
licence; this is written without it.

152,200 parameters with 4 bands (176,972 with 8), at any ratio; every layer is used.

What the original code leaves open: how the MS is enlarged. Here it is bicubic with the corners of
both images aligned, as in code of the same family; another choice changes the numbers, not the
parameters. The first sizes of the steps are random, so an untrained stage may step the wrong way.
Generalised by us: fewer than 4 bands (the attention keeps one channel), and a guide of several
channels, of which the mean is taken for PAN. Images are padded by reflection to multiples of 4 of
at least 16, after they are enlarged.
"""

from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width
from gisr.baselines.pansharpening.build_checks import check_build, check_width

_MULTIPLE = 4
"""Sides are halved twice."""
_LEAST = 16
"""The attention cannot pool sides under 15."""


class CoarseSpatialAttention(nn.Module):
    """Weights of all channels and pixels, worked out on a grid about six times as coarse."""

    def __init__(self, channels: int) -> None:
        """Create one that works on a quarter of the channels, on one at least."""
        super().__init__()
        reduced = max(1, channels // 4)
        self.reduce = convolution(channels, reduced, 1)
        self.stride = nn.Conv2d(reduced, reduced, 3, stride=2)
        self.coarse = nn.Sequential(
            nn.MaxPool2d(7, stride=3),
            convolution(reduced, reduced),
            nn.ReLU(),
            convolution(reduced, reduced),
            nn.ReLU(),
            convolution(reduced, reduced),
        )
        self.fine = convolution(reduced, reduced, 1)
        self.expand = convolution(reduced, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the weighted feature; sides are 15 at least."""
        reduced = self.reduce(x)
        coarse = _enlarged(self.coarse(self.stride(reduced)), x)
        weighted: Tensor = x * self.expand(coarse + self.fine(reduced)).sigmoid()
        return weighted


class DetailStep(nn.Module):
    """A gradient step of the details towards what the image has beyond the MS, then a U-net."""

    def __init__(self, bands: int, width: int) -> None:
        """Create a step with weights of its own."""
        super().__init__()
        half = width // 2
        self.to_bands = convolution(width, bands, bias=False)
        self.to_details = convolution(bands, width, bias=False)
        self.step = _step_size()
        self.encoder = _activated(width, width)
        self.middle = nn.Sequential(nn.MaxPool2d(2), *_activated(width, half))
        self.lowest = nn.Sequential(
            nn.MaxPool2d(2), *_activated(half, half), nn.ConvTranspose2d(half, half, 2, stride=2)
        )
        self.raised = nn.Sequential(
            *_activated(half, half), nn.ConvTranspose2d(half, width, 2, stride=2)
        )
        self.decoder = nn.Sequential(*_activated(width, width), convolution(width, width, 1))

    def forward(
        self,
        image: Float[Tensor, "b c H W"],
        enlarged: Float[Tensor, "b c H W"],
        details: Float[Tensor, "b n H W"],
    ) -> Float[Tensor, "b n H W"]:
        """Return the next details; sides are multiples of 4."""
        misfit = self.to_bands(details) - (image - enlarged)
        details = details - self.step * self.to_details(misfit)
        fine = self.encoder(details)
        middle = self.middle(fine)
        middle = self.lowest(middle) + middle
        refined: Tensor = self.decoder(self.raised(middle) + fine) + details
        return refined


class ImageStep(nn.Module):
    """A gradient step of the image towards MS and details, then an attended residual."""

    def __init__(self, bands: int, width: int) -> None:
        """Create a step with weights of its own."""
        super().__init__()
        self.to_bands = convolution(width, bands, bias=False)
        self.step = _step_size()
        self.residual = nn.Sequential(
            convolution(bands, width, bias=False),
            nn.PReLU(),
            convolution(width, bands, bias=False),
            CoarseSpatialAttention(bands),
        )

    def forward(
        self,
        image: Float[Tensor, "b c H W"],
        enlarged: Float[Tensor, "b c H W"],
        details: Float[Tensor, "b n H W"],
    ) -> Float[Tensor, "b c H W"]:
        """Return the next image."""
        image = image - self.step * (image - enlarged - self.to_bands(details))
        refined: Tensor = self.residual(image) + image
        return refined


class M3DNet(ComparedNetwork):
    """Details from PAN and MS, then stages of a detail step and an image step."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="M3DNet",
        paper='Yan et al., "MD3Net: Integrating Model-Driven and Data-Driven Approaches for '
        'Pansharpening", IEEE TGRS 2022',
        year=2022,
        tasks=("pansharpening",),
        licence="none",
    )

    def __init__(self, bands: int, *, width: int = 32, stages: int = 4) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            width: Channels of the details, a multiple of 2.
            stages: Unrolled stages, each with weights of its own.

        Raises:
            ValueError: It cannot be built so.
        """
        super().__init__()
        check_build(self.published, bands, 1, self.published.ratios[0])
        check_width(self.published, width, 2)
        self.first_details = convolution(bands, width)
        self.detail_steps = nn.ModuleList(DetailStep(bands, width) for _ in range(stages))
        self.image_steps = nn.ModuleList(ImageStep(bands, width) for _ in range(stages))

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network, its widths times a factor.

        Raises:
            ValueError: No bands, no guide, or another ratio than 2, 4, 8 or 16.
        """
        check_build(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, width=scaled_width(32, width, 2))

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened MS.

        Args:
            target: MS of any size.
            guide: PAN of any size; the mean of its channels is taken.
        """
        height, width = guide.shape[2:]
        enlarged = pad_to_multiple(_enlarged(target, guide), _MULTIPLE, _LEAST)
        pan = pad_to_multiple(guide.mean(dim=1, keepdim=True), _MULTIPLE, _LEAST)
        image, details = enlarged, self.first_details(pan - enlarged)
        for detail_step, image_step in zip(self.detail_steps, self.image_steps, strict=True):
            details = detail_step(image, enlarged, details)
            image = image_step(image, enlarged, details)
        return image[:, :, :height, :width]

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; the network enlarges it in its own way."""
        sharpened: Tensor = self(given.target, given.guide)
        return sharpened


def _enlarged(x: Float[Tensor, "b c h w"], like: Float[Tensor, "b d H W"]) -> Tensor:
    """Return an image at the size of another, bicubic, corner on corner."""
    return F.interpolate(x, like.shape[2:], mode="bicubic", align_corners=True)


def _step_size() -> nn.Parameter:
    return nn.Parameter(0.1 + 0.3 * torch.randn(1))


def _activated(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, outputs), nn.ReLU())
