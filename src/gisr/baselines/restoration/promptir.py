"""PromptIR: learned prompts in the decoder of a Restormer.

Potlapalli, Zamir, Khan, Khan, "PromptIR: Prompting for All-in-One Blind Image Restoration",
NeurIPS 2023, arXiv 2306.13090. 35.4 M parameters. The original's licence is
academic and non-commercial; this is written from the description alone.

What the original does and its paper does not say: a prompt acts on the decoder's feature before
that is enlarged; the step up from the deepest level begins with as many channels as the third
level has; all blocks behind a prompt have 4 heads; six 1x1 convolutions (215,296 parameters) are
built and never used, and left out here.

Generalised by us: the numbers of channels in and out (the original adds its input, here the first
channels of it), and the width.
"""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.restormer import (
    RestormerBlock,
    conv3x3,
    double,
    halve,
    restormer_blocks,
)
from gisr.baselines.network import PublishedSystem, scaled_width
from gisr.baselines.restoration.all_in_one import GUIDE_CHANNELS, TARGET_CHANNELS, AllInOneNetwork

PROMPT_HEADS = 4


class PromptIR(AllInOneNetwork):
    """Four levels of Restormer blocks, and three prompts on the way up."""

    published: ClassVar = PublishedSystem(
        title="PromptIR",
        paper="Potlapalli et al., PromptIR: Prompting for All-in-One Blind Image Restoration, "
        "NeurIPS 2023",
        year=2023,
        tasks=("pansharpening", "mri", "depth"),
        licence="academic, non-commercial",
    )
    multiple = 8

    @classmethod
    def scaled(cls, width: float) -> dict[str, Any]:
        """Return the arguments that multiply every published width by a factor."""
        prompts = tuple(scaled_width(own, width, 4) for own in (64, 128, 320))
        return {"width": scaled_width(48, width, 4), "prompt_channels": prompts}

    def __init__(
        self,
        channels: int = TARGET_CHANNELS + GUIDE_CHANNELS,
        out_channels: int = TARGET_CHANNELS,
        *,
        width: int = 48,
        blocks: tuple[int, int, int, int] = (4, 6, 6, 8),
        refinements: int = 4,
        prompt_channels: tuple[int, int, int] = (64, 128, 320),
        prompt_sizes: tuple[int, int, int] = (64, 32, 16),
    ) -> None:
        """Create the network.

        Args:
            channels: Of the image.
            out_channels: Of the restored image, the first of the image's channels.
            width: Channels of the first level, even; each level has twice as many as the one above.
            blocks: Transformer blocks of each level.
            refinements: Transformer blocks behind the decoder.
            prompt_channels: Of the prompts, the finest first, multiples of 4 minus the feature's.
            prompt_sizes: Height and width of the prompts as they are learned.
        """
        super().__init__()
        one, two, three, four = (width << level for level in range(4))
        self.stem = conv3x3(channels, one)
        self.encoder1 = restormer_blocks(blocks[0], one, 1)
        self.encoder2 = nn.Sequential(halve(one), restormer_blocks(blocks[1], two, 2))
        self.encoder3 = nn.Sequential(halve(two), restormer_blocks(blocks[2], three, 4))
        self.latent = nn.Sequential(halve(three), restormer_blocks(blocks[3], four, 8))

        self.prompt3 = PromptInteraction(four, three, prompt_channels[2], prompt_sizes[2])
        self.up3 = double(three)
        self.merge3 = nn.Conv2d(two + three, three, 1, bias=False)
        self.decoder3 = restormer_blocks(blocks[2], three, 4)
        self.prompt2 = PromptInteraction(three, three, prompt_channels[1], prompt_sizes[1])
        self.up2 = double(three)
        self.merge2 = nn.Conv2d(two + two, two, 1, bias=False)
        self.decoder2 = restormer_blocks(blocks[1], two, 2)
        self.prompt1 = PromptInteraction(two, two, prompt_channels[0], prompt_sizes[0])
        self.up1 = double(two)
        self.decoder1 = restormer_blocks(blocks[0], two, 1)
        self.refinement = restormer_blocks(refinements, two, 1)
        self.head = conv3x3(two, out_channels)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the restored image; height and width are multiples of 8."""
        first = self.encoder1(self.stem(image))
        second = self.encoder2(first)
        third = self.encoder3(second)
        deepest = self.latent(third)

        x = self.up3(self.prompt3(deepest))
        x = self.decoder3(self.merge3(torch.cat([x, third], dim=1)))
        x = self.up2(self.prompt2(x))
        x = self.decoder2(self.merge2(torch.cat([x, second], dim=1)))
        x = self.up1(self.prompt1(x))
        x = self.decoder1(torch.cat([x, first], dim=1))
        residual: Tensor = self.head(self.refinement(x))
        return residual + image[:, : residual.shape[1]]


class PromptGeneration(nn.Module):
    """PGM: a sum of learned maps, weighted by what the feature holds on average."""

    def __init__(self, channels: int, prompt_channels: int, size: int, count: int = 5) -> None:
        """Create ``count`` maps of ``size`` x ``size``, uniform in [0, 1)."""
        super().__init__()
        self.prompts = nn.Parameter(torch.rand(1, count, prompt_channels, size, size))
        self.weigh = nn.Linear(channels, count)
        self.refine = conv3x3(prompt_channels, prompt_channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b p h w"]:
        """Return the prompt for a feature, at the feature's size."""
        weights = self.weigh(x.mean(dim=(2, 3))).softmax(dim=1)
        prompt = torch.einsum("bn,npij->bpij", weights, self.prompts[0])
        resized = F.interpolate(prompt, x.shape[2:], mode="bilinear", align_corners=False)
        refined: Tensor = self.refine(resized)
        return refined


class PromptInteraction(nn.Module):
    """PIM: a feature and its prompt, mixed by a transformer block."""

    def __init__(self, channels: int, out_channels: int, prompt_channels: int, size: int) -> None:
        """Create the prompt of a feature and the way back to ``out_channels``."""
        super().__init__()
        self.generate = PromptGeneration(channels, prompt_channels, size)
        self.mix = RestormerBlock(channels + prompt_channels, PROMPT_HEADS)
        self.reduce = nn.Conv2d(channels + prompt_channels, out_channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the prompted feature."""
        reduced: Tensor = self.reduce(self.mix(torch.cat([x, self.generate(x)], dim=1)))
        return reduced
