"""The blocks of SGNet: projection between grids, invertible mixing, fusion of spectra, the bridge.

See :mod:`gisr.baselines.depth.sgnet`.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.channel_attention import ChannelAttentionGroup
from gisr.baselines.blocks.residual import convolution


class LeakyResidual(nn.Module):
    """RB: two 3x3 convolutions with a leaky ReLU between, and the input added."""

    def __init__(self, width: int) -> None:
        """Create one of ``width`` channels."""
        super().__init__()
        self.first = convolution(width, width)
        self.second = convolution(width, width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine a feature; its shape stays."""
        refined: Tensor = x + self.second(F.leaky_relu(self.first(x), 0.2))
        return refined


def attention_group(width: int, blocks: int, reduction: int) -> ChannelAttentionGroup:
    """Return RG: the squeezed channels are one at least, so that narrow networks can be built."""
    return ChannelAttentionGroup(width, blocks, min(reduction, width), slope=0.2)


class BackProjection(nn.Module):
    """DP: to another grid, with what the way there and back loses projected, too."""

    def __init__(self, channels: int, ratio: int, *, up: bool) -> None:
        """Create one that keeps ``channels`` channels; ``up`` enlarges by ``ratio``."""
        super().__init__()
        self.there = _projection(channels, ratio, up=up)
        self.back = _projection(channels, ratio, up=not up)
        self.loss_there = _projection(channels, ratio, up=up)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c H W"]:
        """Return the feature on the other grid."""
        there = self.there(x)
        projected: Tensor = there + self.loss_there(self.back(there) - x)
        return projected


class ShortcutUnit(nn.Module):
    """U: two activated 3x3 convolutions beside a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create one from ``inputs`` to ``outputs`` channels."""
        super().__init__()
        self.first = convolution(inputs, outputs)
        self.second = convolution(outputs, outputs)
        self.shortcut = convolution(inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """Return the refined feature."""
        hidden = F.leaky_relu(self.first(x), 0.1)
        refined: Tensor = F.leaky_relu(self.second(hidden), 0.1) + self.shortcut(x)
        return refined


class DenseUnit(nn.Module):
    """DB: two narrow units, and a convolution of everything before."""

    GROWTH = 8

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create one whose weights start a tenth as large as usual."""
        super().__init__()
        self.first = ShortcutUnit(inputs, self.GROWTH)
        self.second = ShortcutUnit(self.GROWTH, self.GROWTH)
        self.last = convolution(inputs + 2 * self.GROWTH, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.xavier_normal_(module.weight, gain=0.1)
                nn.init.zeros_(module.bias)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """Return the refined feature."""
        first = F.leaky_relu(self.first(x), 0.2)
        second = F.leaky_relu(self.second(first), 0.2)
        return F.leaky_relu(self.last(torch.cat([x, first, second], dim=1)), 0.2)


class InvertibleMixing(nn.Module):
    """A 1x1 convolution that can be undone: P (lower + 1) (upper + diagonal).

    Starts as a random rotation; the permutation and the signs of the diagonal stay as drawn and
    are kept with the weights.
    """

    permutation: Tensor
    signs: Tensor

    def __init__(self, channels: int) -> None:
        """Create one that keeps ``channels`` channels."""
        super().__init__()
        rotation = nn.init.orthogonal_(torch.empty(channels, channels))
        permutation, lower, upper = torch.linalg.lu(rotation)
        diagonal = upper.diagonal()
        self.lower = nn.Parameter(lower)
        self.upper = nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(diagonal.abs().log())
        self.register_buffer("permutation", permutation)
        self.register_buffer("signs", diagonal.sign())

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Mix the channels of each pixel."""
        lower = self.lower.tril(-1) + torch.eye(len(self.signs), device=x.device)
        upper = self.upper.triu(1) + torch.diag(self.signs * self.log_diagonal.exp())
        return F.conv2d(x, (self.permutation @ lower @ upper)[:, :, None, None])


class InvertibleBlock(nn.Module):
    """IB: mixes channels, then lets each of two parts change the other."""

    def __init__(self, channels: int, first: int) -> None:
        """Create one for ``channels`` channels, the first part having ``first`` of them."""
        super().__init__()
        second = channels - first
        self.split = (first, second)
        self.mixing = InvertibleMixing(channels)
        self.to_first = DenseUnit(second, first)
        self.scale = DenseUnit(first, second)
        self.to_second = DenseUnit(first, second)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the changed parts, side by side."""
        first, second = self.mixing(x).split(self.split, dim=1)
        first = first + self.to_first(second)
        scale = 0.8 * (2 * self.scale(first).sigmoid() - 1)
        return torch.cat([first, second * scale.exp() + self.to_second(first)], dim=1)


class DifferenceFusion(nn.Module):
    """FD: a part of depth's spectrum, and how far the guide's is from it."""

    def __init__(self, channels: int, guide_channels: int) -> None:
        """Create one that returns ``channels`` channels."""
        super().__init__()
        self.depth_entry = convolution(channels, channels, 1)
        self.guide_entry = convolution(guide_channels, channels, 1)
        self.depth_refine = _pointwise(channels)
        self.difference_refine = _pointwise(channels)
        self.fuse = convolution(2 * channels, channels, 1)

    def forward(
        self, depth: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the fused part."""
        depth, guide = self.depth_entry(depth), self.guide_entry(guide)
        refined = self.depth_refine(depth), self.difference_refine((guide - depth).abs())
        fused: Tensor = self.fuse(torch.cat(refined, dim=1))
        return fused


class SpectrumFusion(nn.Module):
    """FQ: amplitudes and phases of both features fused apart. Fourier transforms in float32."""

    def __init__(self, channels: int, guide_channels: int) -> None:
        """Create one that returns ``channels`` channels."""
        super().__init__()
        self.depth_entry = convolution(channels, channels, 1)
        self.guide_entry = convolution(guide_channels, guide_channels, 1)
        self.amplitude = DifferenceFusion(channels, guide_channels)
        self.phase = DifferenceFusion(channels, guide_channels)
        self.leave = convolution(channels, channels, 1)

    def forward(
        self, depth: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the fused feature."""
        spectrum = torch.fft.rfft2(self.depth_entry(depth).float() + 1e-8)
        guide_spectrum = torch.fft.rfft2(self.guide_entry(guide).float() + 1e-8)
        amplitude = self.amplitude(spectrum.abs(), guide_spectrum.abs()).float()
        phase = self.phase(spectrum.angle(), guide_spectrum.angle()).float()
        fused = torch.complex(amplitude * phase.cos() + 2e-8, amplitude * phase.sin() + 1e-8)
        image = torch.fft.irfft2(fused, s=depth.shape[2:])
        left: Tensor = self.leave(image.abs())
        return left


class StructureBridge(nn.Module):
    """SD: lifts depth to the guide's grid, mixes both in space and spectrum, and brings it back."""

    def __init__(self, channels: int, guide_channels: int, ratio: int) -> None:
        """Create one for features of depth and guide."""
        super().__init__()
        both = channels + guide_channels
        self.up = BackProjection(channels, ratio, up=True)
        self.guide_refine = convolution(guide_channels, guide_channels)
        self.guide_entry = convolution(guide_channels, guide_channels, 1)
        self.in_space = nn.Sequential(
            InvertibleBlock(both, channels), convolution(both, channels, 1)
        )
        self.in_spectrum = SpectrumFusion(channels, guide_channels)
        self.fuse = nn.Sequential(
            InvertibleBlock(2 * channels, channels), convolution(2 * channels, channels, 1)
        )
        self.weights = nn.Sequential(
            convolution(channels, channels // 2, 1),
            nn.LeakyReLU(0.1),
            convolution(channels // 2, channels, 1),
            nn.Sigmoid(),
        )
        self.down = BackProjection(channels, ratio, up=False)

    def forward(
        self, depth: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b g H W"]]:
        """Return depth's feature, and the guide's for the next stage."""
        depth = self.up(depth)
        guide = self.guide_refine(guide)
        entered = self.guide_entry(guide)
        in_space = self.in_space(torch.cat([depth, entered], dim=1))
        in_spectrum = self.in_spectrum(depth, entered)
        fused = self.fuse(torch.cat([in_space, in_spectrum], dim=1))
        spread = fused.std(dim=(2, 3), correction=0, keepdim=True)
        weights = self.weights(spread + fused.mean(dim=(2, 3), keepdim=True))
        return self.down(weights * fused + depth), guide


def gradient_size(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Return the length of the central difference at each pixel, 0 being read beyond the edge."""
    around = F.pad(x, (1, 1, 1, 1))
    down = around[:, :, 2:, 1:-1] - around[:, :, :-2, 1:-1]
    right = around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :-2]
    return (down.square() + right.square() + 1e-6).sqrt()


def _projection(channels: int, ratio: int, *, up: bool) -> nn.Sequential:
    kind = nn.ConvTranspose2d if up else nn.Conv2d
    return nn.Sequential(
        kind(channels, channels, ratio + 4, stride=ratio, padding=2), nn.PReLU(channels)
    )


def _pointwise(channels: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, channels, 1), nn.LeakyReLU(0.1), convolution(channels, channels, 1)
    )
