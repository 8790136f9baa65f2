"""The denoiser of Dif-PAN: a U-net whose way down MS and PAN modulate, whose way up wavelets do."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.blocks.stochastic_depth import StochasticDepth

HEADS = 8
_SCALES = (1, 2, 2, 4)
"""Widths of the levels, in that of the first."""
_DROPPED = 0.2
"""Share of values, and of samples' branches, that are left out in training."""


class StepEmbedding(nn.Module):
    """Sines and cosines of the number of a step, and two layers."""

    def __init__(self, width: int) -> None:
        """Create an embedding of an even width."""
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(
            nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width)
        )

    def forward(self, step: Int[Tensor, " b"]) -> Float[Tensor, "b c"]:
        """Return one vector a sample."""
        half = self.width // 2
        exponents = torch.arange(half, device=step.device) / half
        angles = step[:, None] * torch.exp(-math.log(10_000) * exponents)
        embedded: Tensor = self.layers(torch.cat([angles.sin(), angles.cos()], dim=1))
        return embedded


class StepResidual(nn.Module):
    """Two normalised convolutions with a residual; the step shifts every channel between them."""

    def __init__(self, channels: int, step_width: int) -> None:
        """Create one that keeps the number of channels."""
        super().__init__()
        self.before = nn.Sequential(*_normed(channels), convolution(channels, channels))
        self.shift = nn.Linear(step_width, channels)
        self.after = nn.Sequential(
            *_normed(channels), nn.Dropout(_DROPPED), convolution(channels, channels)
        )

    def forward(
        self, x: Float[Tensor, "b c h w"], step: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        shifted = self.before(x) + self.shift(step)[..., None, None]
        refined: Tensor = self.after(shifted) + x
        return refined


class PixelAttention(nn.Module):
    """Attention between all pixels; scores are scaled by all channels, not by those of a head."""

    def __init__(self, channels: int) -> None:
        """Create one over a number of channels that the heads divide."""
        super().__init__()
        self.norm = _norm(channels)
        self.enter = convolution(channels, 3 * channels, 1, bias=False)
        self.leave = convolution(channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        # A head's query, key and value follow one another in its own part of the channels.
        by_head = self.enter(self.norm(x)).unflatten(1, (HEADS, -1)).flatten(3).transpose(2, 3)
        query, key, value = by_head.chunk(3, dim=-1)
        scale = 1 / math.sqrt(x.shape[1])
        mixed = F.scaled_dot_product_attention(query, key, value, scale=scale)
        refined: Tensor = self.leave(mixed.transpose(2, 3).reshape(x.shape)) + x
        return refined


class StyleModulation(nn.Module):
    """Every channel and pixel scaled and shifted by what MS and PAN show there."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        """Create one that changes nothing but the number of channels yet."""
        super().__init__()
        self.style = nn.Sequential(
            convolution(condition, 4 * outputs, bias=False),
            *_normed(4 * outputs),
            convolution(4 * outputs, 2 * outputs, 1),
        )
        self.content = convolution(inputs, outputs, 1)
        for parameter in self.style[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, x: Float[Tensor, "b i h w"], condition: Float[Tensor, "b k h w"]
    ) -> Float[Tensor, "b o h w"]:
        """Return the modulated feature."""
        scale, shift = self.style(condition).chunk(2, dim=1)
        modulated: Tensor = self.content(x) * (1 + scale) + shift
        return modulated


class WaveletModulation(nn.Module):
    """Linear attention of a feature to the sub-bands of MS and PAN, then a convolved residual."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        """Create one; the heads divide the number of inputs."""
        super().__init__()
        self.norm = _norm(inputs)
        self.query = nn.Sequential(_depthwise(inputs), convolution(inputs, inputs, 1))
        self.key_value = nn.Sequential(_depthwise(condition), convolution(condition, 2 * inputs, 1))
        self.leave = convolution(inputs, outputs, 1)
        self.shortcut = convolution(inputs, outputs, 1)
        self.feed_forward = nn.Sequential(
            convolution(outputs, 2 * outputs, bias=False),
            nn.SiLU(),
            convolution(2 * outputs, outputs, bias=False),
            convolution(outputs, outputs, 1),
            StochasticDepth(_DROPPED),
        )

    def forward(
        self, x: Float[Tensor, "b i h w"], condition: Float[Tensor, "b k h w"]
    ) -> Float[Tensor, "b o h w"]:
        """Return the modulated feature."""
        x = self.norm(x)
        key, value = self.key_value(condition).chunk(2, dim=1)
        # Down each column for the query, along each row for the key.
        query, key = self.query(x).softmax(dim=2), key.softmax(dim=3)
        query, key, value = (_by_head(each) for each in (query, key, value))
        seen = key @ value.transpose(2, 3) / math.sqrt(query.shape[2])
        mixed = (seen.transpose(2, 3) @ query).flatten(1, 2).unflatten(2, x.shape[2:])
        answer = self.leave(mixed) + self.shortcut(x)
        modulated: Tensor = answer + self.feed_forward(answer)
        return modulated


class DenoisingUnit(nn.Module):
    """A modulation, a residual unit, and at the lowest level an attention."""

    def __init__(
        self, modulation: nn.Module, channels: int, step_width: int, *, attends: bool
    ) -> None:
        """Create a unit around a modulation that gives ``channels`` channels."""
        super().__init__()
        self.modulation = modulation
        self.residual = StepResidual(channels, step_width)
        self.attention = PixelAttention(channels) if attends else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor, step: Float[Tensor, "b d"]) -> Tensor:
        """Return the feature after the unit."""
        refined: Tensor = self.attention(self.residual(self.modulation(x, condition), step))
        return refined


class DifPANDenoiser(nn.Module):
    """What a residual is without its noise, given MS, PAN, their sub-bands and the step."""

    def __init__(self, bands: int, guide_channels: int, width: int, units: int) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            guide_channels: Channels of PAN.
            width: Channels of the first level, a multiple of 8.
            units: Units of a level on the way down; one more on the way up.
        """
        super().__init__()
        self.style_channels = bands + guide_channels
        self.wavelet_channels = bands + 3 * guide_channels
        widths = [width * scale for scale in _SCALES]
        self.step = StepEmbedding(width)
        self.stem = convolution(2 * bands, width)
        self.encoder, self.down = nn.ModuleList(), nn.ModuleList()
        kept, last = [width], len(widths) - 1
        for level, channels in enumerate(widths):
            attends = level == last
            for _ in range(units):
                style = StyleModulation(kept[-1], channels, self.style_channels)
                self.encoder.append(DenoisingUnit(style, channels, width, attends=attends))
                kept.append(channels)
            if not attends:
                self.down.append(convolution(channels, channels, stride=2))
                kept.append(channels)
        self.middle = nn.ModuleList(StepResidual(widths[-1], width) for _ in range(2))
        self.middle_attention = PixelAttention(widths[-1])
        self.decoder, self.up = nn.ModuleList(), nn.ModuleList()
        before = widths[-1]
        for level in range(last, -1, -1):
            for _ in range(units + 1):
                wavelet = WaveletModulation(
                    before + kept.pop(), widths[level], self.wavelet_channels
                )
                unit = DenoisingUnit(wavelet, widths[level], width, attends=level == last)
                self.decoder.append(unit)
                before = widths[level]
            if level:
                self.up.append(
                    nn.Sequential(nn.Upsample(scale_factor=2), convolution(before, before))
                )
        self.head = nn.Sequential(*_normed(width), convolution(width, bands))
        self.units = units

    def forward(
        self,
        noisy: Float[Tensor, "b c h w"],
        step: Int[Tensor, " b"],
        condition: Float[Tensor, "b k h w"],
        earlier: Float[Tensor, "b c h w"] | None = None,
    ) -> Float[Tensor, "b c h w"]:
        """Return the residual without noise; sides are multiples of 8.

        Args:
            noisy: The residual with noise.
            step: Of the noise, by sample.
            condition: Enlarged MS, PAN, and their sub-bands at the same size.
            earlier: An earlier answer to the same question, if there is one.
        """
        embedded = self.step(step)
        styles = _pyramid(condition[:, : self.style_channels])
        wavelets = _pyramid(condition[:, -self.wavelet_channels :])
        x = self.stem(torch.cat([noisy if earlier is None else earlier, noisy], dim=1))
        kept = [x]
        for number, unit in enumerate(self.encoder):
            level, place = divmod(number, self.units)
            if level and not place:
                x = self.down[level - 1](x)
                kept.append(x)
            x = unit(x, styles[level], embedded)
            kept.append(x)
        x = self.middle[0](x, embedded)
        x = self.middle[1](self.middle_attention(x), embedded)
        for number, unit in enumerate(self.decoder):
            above, place = divmod(number, self.units + 1)
            if above and not place:
                x = self.up[above - 1](x)
            x = unit(torch.cat([x, kept.pop()], dim=1), wavelets[-1 - above], embedded)
        clean: Tensor = self.head(x)
        return clean


def _pyramid(condition: Float[Tensor, "b k h w"]) -> Sequence[Tensor]:
    """Return a condition at the size of every level."""
    height, width = condition.shape[2:]
    sizes = ((height >> level, width >> level) for level in range(len(_SCALES)))
    return [F.interpolate(condition, size, mode="bilinear") for size in sizes]


def _by_head(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b heads d n"]:
    heads: Tensor = x.flatten(2).unflatten(1, (HEADS, -1))
    return heads


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(1, channels)


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return _norm(channels), nn.SiLU()


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
