"""DuDoNet, unrolled between k-space and image (MR; MAG-Net's reference [4], MC-DuDoNet).

Lei, Hu, Fang and Zhang, "Joint under-sampling pattern and dual-domain reconstruction for
accelerating multi-contrast MRI", IEEE Transactions on Image Processing, 2024.
Original code: lpcccc-cv/MC-DuDoNet, without a licence; ours is written from the paper.
1,465,133 parameters at every ratio. The learned sampling mask, one number more for each pixel of
k-space, is not built: super-resolution measures the central block.

What the original code does and its paper does not say: the learned step sizes of the paper are
never trained and stay 1; the measured spectrum is that of the zero-filled *magnitude*,
unmasked; the magnitude is taken after every inverse transform, on features too.

Ours: ratio 8, and sizes that are no multiple of 4 (mirrored, with a mask of that size).
The network is for magnitudes: one channel of either contrast.
"""

from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.residual import ResidualBlock, convolution, residual_blocks
from gisr.baselines.buildable import require_ratio
from gisr.baselines.mri.deformable_alignment import DeformableAlignment
from gisr.baselines.mri.kspace import (
    at_least_float32,
    centre_mask,
    centred_image,
    centred_spectrum,
)
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width


class DuDoNet(ComparedNetwork):
    """Four alternations of a network on the spectrum and one on the image."""

    published = PublishedSystem(
        title="DuDoNet",
        paper="Lei et al., Joint under-sampling pattern and dual-domain reconstruction for "
        "accelerating multi-contrast MRI, IEEE Transactions on Image Processing, 2024",
        year=2024,
        tasks=("mri",),
        licence="none",
        ratios=(2, 4, 8),
    )

    def __init__(
        self, *, width: int = 32, iterations: int = 4, entry_blocks: int = 10, blocks: int = 12
    ) -> None:
        """Create the network; the ratio is in the mask alone.

        Args:
            width: Channels, a multiple of 4.
            iterations: Unrolled steps, with the same weights.
            entry_blocks: Residual blocks at the entries and of each step of the guide.
            blocks: Residual blocks of each step on image and spectrum.
        """
        super().__init__()
        self.width = width
        self.iterations = iterations
        self.enter_target = residual_blocks(width, entry_blocks)
        self.enter_guide = residual_blocks(width, entry_blocks)
        self.refine_guide = residual_blocks(width, entry_blocks)
        self.refine_real = residual_blocks(width, blocks)
        self.refine_imaginary = residual_blocks(width, blocks)
        self.refine_image = residual_blocks(width, blocks)
        self.align = DeformableAlignment(width)
        self.of_target = _three_convolutions(width)
        self.of_guide = _three_convolutions(width)
        self.difference = _three_convolutions(width)
        self.end = convolution(2 * width, 1)
        for module in self.modules():
            if isinstance(module, ResidualBlock):
                _start_small(module.first)
                _start_small(module.second)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size, for one channel of either contrast."""
        require_ratio(cls.published, ratio)
        if (target_channels, guide_channels) != (1, 1):
            raise ValueError(
                f"{cls.published.title} works on magnitudes and cannot take {target_channels} "
                f"target and {guide_channels} guide channels: use one channel of each"
            )
        return cls(width=scaled_width(32, width, 4))

    def forward(
        self,
        target: Float[Tensor, "b 1 H W"],
        guide: Float[Tensor, "b 1 H W"],
        mask: Float[Tensor, "1 1 H W"],
    ) -> Float[Tensor, "b 1 H W"]:
        """Return the sharpened target.

        Args:
            target: Zero-filled magnitude; sides are multiples of 4.
            guide: Magnitude of the other contrast.
            mask: 1 where k-space was measured, frequency zero in the middle.
        """
        image = target.expand(-1, self.width, -1, -1)
        measured = spectrum_parts(image)
        image = self.enter_target(image)
        reference = self.enter_guide(guide.expand(-1, self.width, -1, -1))
        for _ in range(self.iterations):
            parts = spectrum_parts(image)
            real, imaginary = parts.chunk(2, dim=1)
            refined = torch.cat([self.refine_real(real), self.refine_imaginary(imaginary)], dim=1)
            from_spectrum = magnitude(refined)
            consistent = magnitude(measured + parts * (1 - mask))
            aligned = self.of_guide(self.align(image, reference))
            by_image = -self.difference(self.of_target(image) - aligned)
            by_spectrum = from_spectrum - image
            image = self.refine_image(consistent + by_image + by_spectrum)
            reference = self.refine_guide(reference)
        result: Tensor = self.end(torch.cat([image, from_spectrum], dim=1))
        return result

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b 1 H W"]:
        """Return the sharpened target, mirrored to sides that are multiples of 4 and cut again."""
        height, width = given.guide.shape[2:]
        target = pad_to_multiple(given.enlarged.abs(), 4)
        size = (target.shape[2], target.shape[3])
        block = (size[0] // given.ratio, size[1] // given.ratio)
        guide, mask = pad_to_multiple(given.guide, 4), centre_mask(size, block, target)
        output: Tensor = self(target, guide, mask)
        return output[:, :, :height, :width]


def spectrum_parts(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h w"]:
    """Return the real parts of all channels' centred spectra, then the imaginary parts."""
    spectrum = centred_spectrum(image)
    return torch.cat([spectrum.real, spectrum.imag], dim=1)


def magnitude(parts: Float[Tensor, "b c2 h w"]) -> Float[Tensor, "b c h w"]:
    """Return the magnitudes of the images of spectra that are given in parts."""
    real, imaginary = at_least_float32(parts).chunk(2, dim=1)
    image: Tensor = centred_image(torch.complex(real, imaginary)).abs()
    return image


def _three_convolutions(width: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(width, width),
        nn.ReLU(),
        convolution(width, width),
        nn.ReLU(),
        convolution(width, width),
    )


def _start_small(layer: nn.Conv2d) -> None:
    """Start a convolution with a tenth of the usual weights, so that its block changes little."""
    assert layer.bias is not None
    nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    with torch.no_grad():
        layer.weight.mul_(0.1)
