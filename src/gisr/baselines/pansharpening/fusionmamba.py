"""FusionMamba: two U-nets, of PAN and MS, that exchange what they see through state spaces.

Peng, Zhu, Deng, Deng, Lei, "FusionMamba: Efficient Remote Sensing Image Fusion with State Space
Model", IEEE TGRS 62, 2024, doi 10.1109/TGRS.2024.3496073. The original code has no licence; this is
written without it.

726,181 parameters with 4 bands at ratio 4 (735,401 with the 8 of the original); every layer is
used.

What the original code does beyond its paper: where one stream selects what the state space of the
other keeps, its tokens are projected and otherwise raw; both streams share what makes maps small
and large between levels; the attention over bands starts from the largest value of each band of the
MS at its own size. The original builds a model for one image size and needs a compiled scan; here
any size is taken (PAN and enlarged MS are padded by reflection to multiples of 4) and the scan is
plain torch. Generalised by us: any number of bands and guide channels.
"""

from typing import ClassVar, Self

from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width
from gisr.baselines.pansharpening.build_checks import check_build
from gisr.baselines.pansharpening.state_space import StateSpaceMixer

_MULTIPLE = 4
"""Sides are halved twice."""


class StateSpaceResidual(nn.Module):
    """What state spaces make of a normalised stream, added to it; perhaps selected by another."""

    def __init__(self, width: int, *, guided: bool = False) -> None:
        """Create one over ``width`` channels, with or without a second input."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.source_norm = nn.LayerNorm(width) if guided else None
        self.mixer = StateSpaceMixer(width, guided=guided)

    def forward(
        self, x: Float[Tensor, "h w b c"], source: Float[Tensor, "h w b c"] | None = None
    ) -> Float[Tensor, "h w b c"]:
        """Return the refined stream; ``source`` is the second input of a guided one."""
        if self.source_norm is not None:
            source = self.source_norm(source)
        refined: Tensor = x + self.mixer(self.norm(x), source)
        return refined


class FusionMambaBlock(nn.Module):
    """Each stream is refined by itself, then by the other; what they share is mixed into both."""

    def __init__(self, width: int) -> None:
        """Create a block over ``width`` channels."""
        super().__init__()
        self.guide_alone = StateSpaceResidual(width)
        self.target_alone = StateSpaceResidual(width)
        self.guide_with_target = StateSpaceResidual(width, guided=True)
        self.target_with_guide = StateSpaceResidual(width, guided=True)
        self.shared = nn.Linear(width, width)

    def forward(
        self, guide: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return both streams, and what they share, in the shape they came in."""
        pan, ms = self.guide_alone(_tokens(guide)), self.target_alone(_tokens(target))
        fused = (self.guide_with_target(pan, ms) + self.target_with_guide(ms, pan)) / 2
        shared = self.shared(fused)
        return _image((pan + shared) / 2), _image((ms + shared) / 2), _image(shared)


class Halving(nn.Sequential):
    """Half the size, twice the channels; the same for both streams."""

    def __init__(self, width: int) -> None:
        """Create one from ``width`` channels."""
        super().__init__(nn.Conv2d(width, 2 * width, 2, stride=2), nn.LeakyReLU())


class Doubling(nn.Module):
    """Twice the size, half the channels, and what the encoder had there; for both streams."""

    def __init__(self, width: int) -> None:
        """Create one from ``width`` channels."""
        super().__init__()
        half = width // 2
        self.enlarge = nn.Sequential(nn.ConvTranspose2d(width, half, 2, stride=2), nn.LeakyReLU())
        self.merge = nn.Sequential(
            nn.Conv2d(half, half, 3, padding=1, groups=half),
            convolution(half, half, 1),
            nn.LeakyReLU(),
        )

    def forward(
        self, x: Float[Tensor, "b c h w"], encoded: Float[Tensor, "b d H W"]
    ) -> Float[Tensor, "b d H W"]:
        """Return the stream at the size of ``encoded``."""
        merged: Tensor = self.merge(self.enlarge(x) + encoded)
        return merged


class BandAttention(nn.Module):
    """A weight in (0, 1) a band, from the largest value of every band read one after another."""

    def __init__(self, width: int) -> None:
        """Create one that works in ``width`` channels, for any number of bands."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, width),
            nn.LayerNorm(width),
            StateSpaceMixer(width, directions=2),
            nn.Linear(width, 1),
            nn.Sigmoid(),
        )

    def forward(self, target: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 1 1"]:
        """Return the weights of the bands of MS images."""
        largest = target.amax(dim=(2, 3)).T
        weights: Tensor = self.layers(largest[:, None, :, None]).squeeze(-1).squeeze(1)
        return weights.T[..., None, None]


class FusionMamba(ComparedNetwork):
    """Two U-nets of three levels with a fusion block at every place, and weighted bands."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="FusionMamba",
        paper='Peng et al., "FusionMamba: Efficient Remote Sensing Image Fusion with State '
        'Space Model", IEEE TGRS 62, 2024',
        year=2024,
        tasks=("pansharpening",),
        licence="none",
    )

    def __init__(self, bands: int, guide_channels: int, ratio: int, *, width: int = 32) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            guide_channels: Channels of the guide, 1 for PAN.
            ratio: 2, 4, 8 or 16.
            width: Channels of the first level, any number; two and four times as many below.

        Raises:
            ValueError: It cannot be built so.
        """
        super().__init__()
        check_build(self.published, bands, guide_channels, ratio)
        self.enlarge = nn.Sequential(
            convolution(bands, bands * ratio**2, bias=False), nn.PixelShuffle(ratio)
        )
        self.guide_stem = nn.Sequential(convolution(guide_channels, width), nn.LeakyReLU())
        self.target_stem = nn.Sequential(convolution(bands, width), nn.LeakyReLU())
        self.encoder = nn.ModuleList(FusionMambaBlock(width * scale) for scale in (1, 2))
        self.down = nn.ModuleList(Halving(width * scale) for scale in (1, 2))
        self.bottom = FusionMambaBlock(4 * width)
        self.up = nn.ModuleList(Doubling(width * scale) for scale in (4, 2))
        self.decoder = nn.ModuleList(FusionMambaBlock(width * scale) for scale in (2, 1))
        self.head = nn.Sequential(
            convolution(width, width), nn.LeakyReLU(), convolution(width, bands)
        )
        self.band_attention = BandAttention(width)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network, its widths times a factor; see the class for what it raises."""
        return cls(target_channels, guide_channels, ratio, width=scaled_width(32, width, 1))

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened MS, of any size that is ``ratio`` times the target's."""
        enlarged = self.enlarge(target)
        pan = self.guide_stem(pad_to_multiple(guide, _MULTIPLE))
        ms = self.target_stem(pad_to_multiple(enlarged, _MULTIPLE))
        encoded: list[tuple[Tensor, Tensor]] = []
        for block, down in zip(self.encoder, self.down, strict=True):
            pan, ms, _ = block(pan, ms)
            encoded.append((pan, ms))
            pan, ms = down(pan), down(ms)
        pan, ms, shared = self.bottom(pan, ms)
        for up, block in zip(self.up, self.decoder, strict=True):
            pan_encoded, ms_encoded = encoded.pop()
            pan, ms, shared = block(up(pan, pan_encoded), up(ms, ms_encoded))
        height, width = guide.shape[2:]
        detail = self.head(shared)[:, :, :height, :width]
        sharpened: Tensor = self.band_attention(target) * detail + enlarged
        return sharpened

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; the network enlarges it in its own way."""
        sharpened: Tensor = self(given.target, given.guide)
        return sharpened


def _tokens(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "h w b c"]:
    return image.permute(2, 3, 0, 1)


def _image(tokens: Float[Tensor, "h w b c"]) -> Float[Tensor, "b c h w"]:
    return tokens.permute(2, 3, 0, 1)
