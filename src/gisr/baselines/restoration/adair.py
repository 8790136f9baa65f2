"""AdaIR: a Restormer whose decoder looks at the low and the high frequencies of its input.

Cui, Zamir, Khan, Knoll, Shah, Khan, "AdaIR: Adaptive All-in-One Image Restoration via Frequency
Mining and Modulation", ICLR 2025, arXiv 2403.14614. 28.8 M parameters. The original's licence is
MIT; this is written from the description alone.

What the original does and its paper does not say, and which is kept since it was compared so:
the low frequencies are empty wherever a feature has fewer than 256 samples on a side, thus at the
size of its training, and the whole input passes as high frequencies; which frequencies are low is
rounded to whole numbers and can therefore not be learned. Two layers of each frequency module are
built and never used; they are left out here.

Generalised by us: the numbers of channels in and out (the original adds its input, here the first
channels of it; its frequency modules take 3 channels whatever the input has), and the width.
"""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gisr.baselines.blocks.restormer import (
    channel_attention,
    conv3x3,
    double,
    halve,
    local_projection,
    restormer_blocks,
)
from gisr.baselines.network import PublishedSystem, scaled_width
from gisr.baselines.restoration.all_in_one import GUIDE_CHANNELS, TARGET_CHANNELS, AllInOneNetwork

FREQUENCY_HEADS = 4
LOWEST = 128
"""A threshold of one stands for one part in so many of the spectrum, to either side of zero."""


class AdaIR(AllInOneNetwork):
    """Four levels of Restormer blocks, and three frequency modules on the way up."""

    published: ClassVar = PublishedSystem(
        title="AdaIR",
        paper="Cui et al., AdaIR: Adaptive All-in-One Image Restoration via Frequency Mining and "
        "Modulation, ICLR 2025",
        year=2025,
        tasks=("pansharpening", "mri", "depth"),
        licence="MIT",
    )
    multiple = 8

    @classmethod
    def scaled(cls, width: float) -> dict[str, Any]:
        """Return the arguments that multiply every published width by a factor."""
        return {"width": scaled_width(48, width, 8)}

    def __init__(
        self,
        channels: int = TARGET_CHANNELS + GUIDE_CHANNELS,
        out_channels: int = TARGET_CHANNELS,
        *,
        width: int = 48,
        blocks: tuple[int, int, int, int] = (4, 6, 6, 8),
        refinements: int = 4,
    ) -> None:
        """Create the network.

        Args:
            channels: Of the image.
            out_channels: Of the restored image, the first of the image's channels.
            width: Channels of the first level, a multiple of 8; each level has twice as many as
                the one above.
            blocks: Transformer blocks of each level.
            refinements: Transformer blocks behind the decoder.
        """
        super().__init__()
        one, two, three, four = (width << level for level in range(4))
        self.stem = conv3x3(channels, one)
        self.encoder1 = restormer_blocks(blocks[0], one, 1)
        self.encoder2 = nn.Sequential(halve(one), restormer_blocks(blocks[1], two, 2))
        self.encoder3 = nn.Sequential(halve(two), restormer_blocks(blocks[2], three, 4))
        self.latent = nn.Sequential(halve(three), restormer_blocks(blocks[3], four, 8))
        self.frequency4 = FrequencyModule(four, channels)

        self.up3 = double(four)
        self.merge3 = nn.Conv2d(2 * three, three, 1, bias=False)
        self.decoder3 = restormer_blocks(blocks[2], three, 4)
        self.frequency3 = FrequencyModule(three, channels)
        self.up2 = double(three)
        self.merge2 = nn.Conv2d(2 * two, two, 1, bias=False)
        self.decoder2 = restormer_blocks(blocks[1], two, 2)
        self.frequency2 = FrequencyModule(two, channels)
        self.up1 = double(two)
        self.decoder1 = restormer_blocks(blocks[0], two, 1)
        self.refinement = restormer_blocks(refinements, two, 1)
        self.head = conv3x3(two, out_channels)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the restored image; height and width are multiples of 8."""
        first = self.encoder1(self.stem(image))
        second = self.encoder2(first)
        third = self.encoder3(second)
        deepest = self.frequency4(image, self.latent(third))

        x = self.decoder3(self.merge3(torch.cat([self.up3(deepest), third], dim=1)))
        x = self.up2(self.frequency3(image, x))
        x = self.decoder2(self.merge2(torch.cat([x, second], dim=1)))
        x = self.up1(self.frequency2(image, x))
        x = self.decoder1(torch.cat([x, first], dim=1))
        residual: Tensor = self.head(self.refinement(x))
        return residual + image[:, : residual.shape[1]]


class FrequencyModule(nn.Module):
    """AFLB: a feature attends to the frequencies of the image, mined (FMiM) and mixed (FMoM).

    It begins as the identity.
    """

    def __init__(self, channels: int, image_channels: int, heads: int = FREQUENCY_HEADS) -> None:
        """Create a module for features of ``channels``, a multiple of 16."""
        super().__init__()
        self.mine = FrequencyMining(channels, image_channels)
        self.attend_high = CrossChannelAttention(channels, heads)
        self.attend_low = CrossChannelAttention(channels, heads)
        self.modulate = FrequencyModulation(channels)
        self.attend = CrossChannelAttention(channels, heads)
        self.attended_scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.feature_scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(
        self, image: Float[Tensor, "b i H W"], feature: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Refine the feature by the frequencies of the image."""
        low, high = self.mine(image, feature.shape[2:])
        high = self.attend_high(high, feature)
        low = self.attend_low(low, feature)
        attended = self.attend(feature, self.modulate(low, high))
        refined: Tensor = attended * self.attended_scale + feature * self.feature_scale
        return refined


class FrequencyMining(nn.Module):
    """FMiM: an image in two parts, by a rectangle of low frequencies in its spectrum."""

    def __init__(self, channels: int, image_channels: int) -> None:
        """Create the projection of the image and the thresholds."""
        super().__init__()
        self.project = conv3x3(image_channels, channels)
        self.threshold = nn.Sequential(
            nn.Conv2d(channels, channels // 8, 1, bias=False),
            nn.GELU(),
            nn.Conv2d(channels // 8, 2, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(
        self, image: Float[Tensor, "b i H W"], size: torch.Size
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """Return the magnitudes of low and high frequencies, at the size of a feature."""
        resized = F.interpolate(image, size, mode="bilinear", align_corners=False)
        feature = self.project(resized)
        low = self.low_frequencies(feature)
        # Half precision has too few digits for a spectrum.
        spectrum = torch.fft.fft2(feature.float(), norm="forward")
        parts = (torch.fft.ifft2(spectrum * part, norm="forward") for part in (low, ~low))
        magnitudes = [part.abs().to(feature.dtype) for part in parts]
        return magnitudes[0], magnitudes[1]

    def half_sizes(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 2"]:
        """Return to how many samples beside zero the low frequencies reach: rows, columns."""
        share: Tensor = self.threshold(feature.mean(dim=(2, 3), keepdim=True)).flatten(1).detach()
        whole = share.new_tensor([side // LOWEST for side in feature.shape[2:]])
        return (whole * share).trunc()

    def low_frequencies(self, feature: Float[Tensor, "b c h w"]) -> Bool[Tensor, "b 1 h w"]:
        """Return where the spectrum of each image counts as low, zero frequency first."""
        reach = self.half_sizes(feature)
        axes = []
        for axis, side in enumerate(feature.shape[2:]):
            place = torch.arange(side, device=feature.device) - side // 2
            half = reach[:, axis, None]
            axes.append(torch.fft.ifftshift((place >= -half) & (place < half), dim=1))
        low: Tensor = (axes[0][:, :, None] & axes[1][:, None, :])[:, None]
        return low


class FrequencyModulation(nn.Module):
    """FMoM: where high frequencies are weighs low ones, and which channels are low weighs high."""

    def __init__(self, channels: int) -> None:
        """Create the two gates and the projection of their sum."""
        super().__init__()
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.channel = nn.Sequential(
            nn.Conv2d(channels, channels // 16, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(channels // 16, channels, 1, bias=False),
        )
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(
        self, low: Float[Tensor, "b c h w"], high: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return one feature of both."""
        described = torch.cat([high.amax(1, keepdim=True), high.mean(1, keepdim=True)], dim=1)
        places = self.spatial(described).sigmoid()
        average, largest = low.mean((2, 3), keepdim=True), low.amax((2, 3), keepdim=True)
        channels = (self.channel(average) + self.channel(largest)).sigmoid()
        projected: Tensor = self.project(low * places + high * channels)
        return projected


class CrossChannelAttention(nn.Module):
    """Attention between the channels of two features: one asks, the other answers."""

    def __init__(self, channels: int, heads: int) -> None:
        """Create an attention; ``heads`` must divide ``channels``."""
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.query = local_projection(channels, channels)
        self.key_value = local_projection(channels, 2 * channels)
        self.project = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(
        self, asking: Float[Tensor, "b c h w"], answering: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return what the answering feature holds for the channels of the asking one."""
        key, value = self.key_value(answering).chunk(2, dim=1)
        mixed = channel_attention(self.query(asking), key, value, self.temperature)
        projected: Tensor = self.project(mixed)
        return projected
