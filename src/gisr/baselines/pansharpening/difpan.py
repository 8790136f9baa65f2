"""Dif-PAN: a diffusion model of what the enlarged MS lacks.

Cao, Cao, Deng, Wu, Hou, Vivone, "Diffusion model with disentangled modulations for sharpening
multispectral and hyperspectral images", Information Fusion 104, 2024, 102158, arXiv 2304.04774. The
original code has no licence; this is written without it.

10,250,324 parameters with 4 bands (10,397,208 with 8), at any ratio; every layer is used, and 25
times for one image.

What the original code does beyond its paper: in sampling it gives the network the number of the
taken step, 0 to 24, where it was trained on the original steps 0 to 499; ``counted_steps`` does
that, the default gives the original steps. It never feeds an earlier answer back in sampling,
though half of the training does. It clips the answer to [0, 1]; that is not done here, where 0 and
1 are percentiles and images go beyond them. Generalised by us: any number of bands and channels of
the guide, and any size (enlarged MS and PAN are padded by reflection to multiples of 8).

Sampling starts from noise of a fixed seed, the same for every image of a batch, so results repeat;
normalisation and attention see the whole image, so tiles differ from it.
"""

from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.network import (
    ComparedNetwork,
    NetworkInput,
    PublishedSystem,
    known_mean,
    scaled_width,
)
from gisr.baselines.pansharpening.build_checks import check_build, check_width
from gisr.baselines.pansharpening.diffusion import (
    cosine_schedule,
    implicit_step,
    kept_steps,
    noised,
)
from gisr.baselines.pansharpening.difpan_denoiser import HEADS, DifPANDenoiser

_MULTIPLE = 8
"""Sides are halved three times."""
_TRAINED_STEPS = 500
_FED_BACK = 0.5
"""How often training feeds an earlier answer back."""


class DifPAN(ComparedNetwork):
    """A denoiser of residuals, and the steps that take all noise away."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="Dif-PAN",
        paper='Cao et al., "Diffusion model with disentangled modulations for sharpening '
        'multispectral and hyperspectral images", Information Fusion 104, 2024',
        year=2024,
        tasks=("pansharpening",),
        licence="none",
    )
    samples = True

    def __init__(
        self,
        bands: int,
        guide_channels: int = 1,
        *,
        width: int = 32,
        units: int = 3,
        steps: int = 25,
        seed: int = 0,
        counted_steps: bool = False,
    ) -> None:
        """Create the network with random weights.

        Args:
            bands: MS bands.
            guide_channels: Channels of the guide, 1 for PAN.
            width: Channels of the first level, a multiple of 8.
            units: Units of a level on the way down; one more on the way up.
            steps: Steps of sampling, 1 to 500.
            seed: Of the noise that sampling starts from.
            counted_steps: Tell the denoiser which of the taken steps it is at, as the original
                does, instead of which of the 500 that it was trained on.

        Raises:
            ValueError: It cannot be built so.
        """
        super().__init__()
        check_build(self.published, bands, guide_channels, self.published.ratios[0])
        check_width(self.published, width, HEADS)
        self.taken = kept_steps(_TRAINED_STEPS, steps)
        self.seed = seed
        self.counted_steps = counted_steps
        self.denoiser = DifPANDenoiser(bands, guide_channels, width, units)

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network, its widths times a factor.

        Raises:
            ValueError: No bands, no guide, or another ratio than 2, 4, 8 or 16.
        """
        check_build(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, guide_channels, width=scaled_width(32, width, HEADS))

    def forward(
        self, enlarged: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened MS, of any size."""
        height, width = enlarged.shape[2:]
        padded = pad_to_multiple(enlarged, _MULTIPLE)
        condition = condition_of(padded, pad_to_multiple(guide, _MULTIPLE))
        noise = torch.randn(padded.shape[1:], generator=torch.Generator().manual_seed(self.seed))
        residual = noise.to(padded).expand_as(padded)
        for index in reversed(range(len(self.taken))):
            residual = self.step(residual, index, condition)
        return enlarged + residual[:, :, :height, :width]

    def step(
        self, noisy: Float[Tensor, "b c H W"], index: int, condition: Float[Tensor, "b k H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return a residual with the noise of the step before; before step 0 there is none."""
        left = cosine_schedule(_TRAINED_STEPS)[self.taken].tolist()
        told = index if self.counted_steps else self.taken[index]
        steps = torch.full((len(noisy),), told, device=noisy.device)
        clean = self.denoiser(noisy, steps, condition)
        return implicit_step(noisy, clean, left[index], left[index - 1] if index else 1.0)

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, the same whenever it is asked for."""
        sharpened: Tensor = self(given.enlarged, given.guide)
        return sharpened

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the error of each sample's residual, denoised at a random step, as its authors do.

        Steps and noise are drawn from torch's own generator: training that is seeded repeats.
        """
        height, width = truth.shape[2:]
        enlarged = pad_to_multiple(given.enlarged, _MULTIPLE)
        condition = condition_of(enlarged, pad_to_multiple(given.guide, _MULTIPLE))
        clean = pad_to_multiple(truth - given.enlarged, _MULTIPLE)
        steps = torch.randint(_TRAINED_STEPS, (len(clean),), device=clean.device)
        left = cosine_schedule(_TRAINED_STEPS).to(clean)[steps]
        noisy = noised(clean, torch.randn_like(clean), left)
        earlier = None
        if torch.rand(()) < _FED_BACK:
            with torch.no_grad():
                earlier = self.denoiser(noisy, steps, condition)
        error = (self.denoiser(noisy, steps, condition, earlier) - clean).abs()
        return known_mean(error[:, :, :height, :width], known)


def condition_of(
    enlarged: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
) -> Float[Tensor, "b k H W"]:
    """Return MS, PAN, the coarse sub-band of MS and the fine ones of PAN; sides are even."""
    coarse = haar(enlarged)[0]
    _, horizontal, vertical, diagonal = haar(guide)
    bands = torch.cat([coarse, horizontal, diagonal, vertical], dim=1)
    resized = F.interpolate(bands, enlarged.shape[2:], mode="bilinear")
    return torch.cat([enlarged, guide, resized], dim=1)


def haar(image: Float[Tensor, "b c H W"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the orthonormal sub-bands of blocks of 2x2 pixels, at half the size.

    Sums, differences between rows, between columns, and between the diagonals.
    """
    blocks = F.pixel_unshuffle(image, 2).unflatten(1, (-1, 4))
    top_left, top_right, left, right = blocks.unbind(dim=2)
    return (
        (top_left + top_right + left + right) / 2,
        (top_left + top_right - left - right) / 2,
        (top_left - top_right + left - right) / 2,
        (top_left - top_right - left + right) / 2,
    )
