"""Deformable alignment: features of one contrast warped towards those of another.

A pyramid of three sizes, as in DuDoNet; the modulated deformable convolution (Zhu et al.,
"Deformable ConvNets v2", CVPR 2019) reads through ``torch.nn.functional.grid_sample``.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.mri.kspace import at_least_float32

TAPS = 9


class DeformableAlignment(nn.Module):
    """Warp one feature towards another; both have sides that are multiples of 4."""

    def __init__(self, width: int, groups: int = 4) -> None:
        """Create it for ``width`` channels, a multiple of ``groups``, each with own offsets."""
        super().__init__()
        self.groups = groups
        self.joined = _activated(convolution(2 * width, width), convolution(width, width))
        self.to_half = _activated(convolution(width, width, stride=2), convolution(width, width))
        self.to_quarter = _activated(convolution(width, width, stride=2), convolution(width, width))
        self.mix_half = _activated(convolution(2 * width, width), convolution(width, width))
        self.mix_full = _activated(convolution(2 * width, width))
        self.base = convolution(width, width)
        self.offsets = convolution(width, 3 * groups * TAPS)
        nn.init.zeros_(self.offsets.weight)
        _zero_bias(self.offsets)
        self.kernel = convolution(width, width)
        bound = (TAPS * width) ** -0.5
        nn.init.uniform_(self.kernel.weight, -bound, bound)
        _zero_bias(self.kernel)

    def forward(
        self, towards: Float[Tensor, "b c h w"], moved: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return ``moved`` where ``towards`` has its structures."""
        full = self.joined(torch.cat([towards, moved], dim=1))
        half = self.to_half(full)
        quarter = self.to_quarter(half)
        half = self.mix_half(torch.cat([_doubled(quarter), half], dim=1))
        full = self.mix_full(torch.cat([_doubled(half), full], dim=1))
        predicted = self.offsets(self.base(full))
        shifts, weights = predicted.split([2 * self.groups * TAPS, self.groups * TAPS], dim=1)
        return deformable_convolution(moved, shifts, weights.sigmoid(), self.kernel, self.groups)


def deformable_convolution(
    image: Float[Tensor, "b c h w"],
    shifts: Float[Tensor, "b s h w"],
    weights: Float[Tensor, "b t h w"],
    kernel: nn.Conv2d,
    groups: int,
) -> Float[Tensor, "b d h w"]:
    """Convolve with a 3x3 kernel whose taps are moved and weighed at every pixel.

    Args:
        image: What is read, bilinearly; zero outside.
        shifts: Row and column shift in pixels of each tap of each group, in this order: 18 a group.
        weights: Weight of each tap of each group: 9 a group.
        kernel: Layer with the weights and the bias.
        groups: Groups of neighbouring channels that are moved alike.
    """
    height, width = image.shape[2:]
    image, shifts = at_least_float32(image), at_least_float32(shifts)
    down, right = shifts.unflatten(1, (groups, TAPS, 2)).unbind(dim=3)
    rows = torch.arange(height, device=image.device)[:, None] + down
    columns = torch.arange(width, device=image.device) + right
    tap = torch.arange(TAPS, device=image.device)[:, None, None]
    rows, columns = rows + tap // 3 - 1, columns + tap % 3 - 1
    # grid_sample counts from -1 to 1 between the outer borders of the outermost pixels.
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)
    read = F.grid_sample(
        image.unflatten(1, (groups, -1)).flatten(0, 1),
        grid.flatten(0, 1).flatten(1, 2),
        align_corners=False,
    )
    read = read.unflatten(2, (TAPS, height)).unflatten(0, (-1, groups))
    weighed = (read * weights.unflatten(1, (groups, 1, TAPS))).flatten(1, 3)
    return F.conv2d(weighed, kernel.weight.flatten(1)[:, :, None, None], kernel.bias)


def _activated(*layers: nn.Conv2d) -> nn.Sequential:
    """Return convolutions, each followed by a leaky ReLU."""
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.1))))


def _doubled(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(image, scale_factor=2, mode="bilinear")


def _zero_bias(layer: nn.Conv2d) -> None:
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
