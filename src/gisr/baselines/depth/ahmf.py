"""AHMF: depth and colour fused at four levels on the target's grid, then passed on by GRUs.

Zhong, Liu, Jiang, Zhao, Chen and Ji, "High-resolution depth maps imaging via attention-based
hierarchical multi-modal fusion", IEEE TIP 31 (2022), arXiv 2104.01530. The original code has no
licence; this module is written from a description. Parameters: 2,538,922 for ratio 4, 3,358,444
for 8 and 5,750,830 for 16.

The original does what its paper does not say: kernels of the steps between the two grids grow with
the ratio (1, 3, 5); levels are fused from deep to shallow, which is the "forward" direction of the
GRUs; mean plus variance is what the channel attention sees. Its training code is not public.

Ours: any number of channels, and ratio 2. What is added to the result is the enlarged target as
given; the authors enlarge it by torch's bicubic, whose kernel is a little sharper (a = -0.75).
"""

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_buildable
from gisr.baselines.depth.activated import ActivatedResidual, activated
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width

_LEVELS = 4
_KERNELS = {2: 1, 4: 1, 8: 3, 16: 5}
"""Size of the kernels between the grids, by ratio."""


class FeatureGate(nn.Module):
    """A feature weighed by a gate of its own."""

    def __init__(self, width: int) -> None:
        """Create one that keeps ``width`` channels."""
        super().__init__()
        self.gate = convolution(width, width)
        self.content = activated(width, width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Gate; the shape stays."""
        gated: Tensor = self.gate(x).sigmoid() * self.content(x)
        return gated


class MultiModalFusion(nn.Module):
    """Gates both features, weighs the channels of both by common statistics, and adds them."""

    def __init__(self, width: int) -> None:
        """Create one for features of ``width`` channels, an even number."""
        super().__init__()
        self.depth_gate = FeatureGate(width)
        self.guide_gate = FeatureGate(width)
        self.squeeze = activated(2 * width, width // 2)
        self.depth_weights = convolution(width // 2, width, 1)
        self.guide_weights = convolution(width // 2, width, 1)
        self.refine = ActivatedResidual(width)

    def forward(
        self, depth: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the fused feature."""
        depth, guide = self.depth_gate(depth), self.guide_gate(guide)
        common = self.squeeze(torch.cat([depth, guide], dim=1))
        mean = common.mean(dim=(2, 3), keepdim=True)
        statistics = mean + common.var(dim=(2, 3), correction=0, keepdim=True)
        depth_weights = self.depth_weights(statistics).sigmoid()
        guide_weights = self.guide_weights(statistics).sigmoid()
        fused: Tensor = self.refine((depth_weights * depth + guide_weights * guide) / 2)
        return fused


class ConvolutionalGRUCell(nn.Module):
    """One step of a gated recurrent unit whose products are 3x3 convolutions."""

    def __init__(self, width: int) -> None:
        """Create one for inputs and a state of ``width`` channels."""
        super().__init__()
        self.update = convolution(2 * width, width)
        self.reset = convolution(2 * width, width)
        self.candidate = convolution(2 * width, width)

    def forward(
        self, x: Float[Tensor, "b c h w"], state: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the new state."""
        both = torch.cat([x, state], dim=1)
        update, reset = self.update(both).sigmoid(), self.reset(both).sigmoid()
        candidate = self.candidate(torch.cat([x, state * reset], dim=1)).tanh()
        new: Tensor = state * (1 - update) + candidate * update
        return new


class ConvolutionalGRU(nn.ModuleList):
    """Two cells, one upon the other, that pass over a sequence of features."""

    def __init__(self, width: int) -> None:
        """Create one for features of ``width`` channels."""
        super().__init__(ConvolutionalGRUCell(width) for _ in range(2))

    def forward(
        self, sequence: Sequence[Float[Tensor, "b c h w"]]
    ) -> list[Float[Tensor, "b c h w"]]:
        """Return the states of the upper cell; all states start at zero."""
        states = list(sequence)
        for cell in self:
            state = torch.zeros_like(states[0])
            for step, feature in enumerate(states):
                state = states[step] = cell(feature, state)
        return states


class AHMF(ComparedNetwork):
    """Features of both images on the target's grid, fused, passed on both ways and enlarged."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="AHMF",
        paper="Zhong, Liu, Jiang, Zhao, Chen, Ji: High-resolution depth maps imaging via "
        "attention-based hierarchical multi-modal fusion, IEEE TIP 2022",
        year=2022,
        tasks=("depth",),
        licence="none",
    )

    def __init__(
        self, target_channels: int = 1, guide_channels: int = 3, ratio: int = 4, *, width: int = 64
    ) -> None:
        """Create the network for a ratio of 2, 4, 8 or 16; ``width`` is an even number.

        Raises:
            ValueError: No channel, or another ratio.
        """
        super().__init__()
        require_buildable(self.published, target_channels, guide_channels, ratio)
        size, steps = _KERNELS[ratio], ratio.bit_length() - 1
        self.depth_entry = activated(target_channels, width)
        self.guide_entry = nn.Sequential(
            activated(guide_channels, width), *(_halving(width, size) for _ in range(steps))
        )
        self.depth_levels = nn.ModuleList(activated(width, width) for _ in range(_LEVELS - 1))
        self.guide_levels = nn.ModuleList(activated(width, width) for _ in range(_LEVELS - 1))
        self.fusions = nn.ModuleList(MultiModalFusion(width) for _ in range(_LEVELS))
        self.to_shallow = ConvolutionalGRU(width)
        self.to_deep = ConvolutionalGRU(width)
        self.refine = nn.ModuleList(ActivatedResidual(width) for _ in range(_LEVELS))
        self.enlarge = nn.Sequential(
            activated(_LEVELS * width, width, 1),
            *(_doubling(width, size) for _ in range(steps)),
            convolution(width, target_channels),
        )

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size for a ratio.

        Raises:
            ValueError: No channel, or a ratio other than 2, 4, 8 and 16.
        """
        return cls(target_channels, guide_channels, ratio, width=scaled_width(64, width, 2))

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target."""
        sharpened: Tensor = self(given.target, given.guide, given.enlarged)
        return sharpened

    def forward(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g H W"],
        enlarged: Float[Tensor, "b c H W"],
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; the guide is exactly ``ratio`` times as large."""
        depth = _levels(self.depth_entry(target), self.depth_levels)
        colour = _levels(self.guide_entry(guide), self.guide_levels)
        # The deepest level first: so are all lists from here on.
        fused = [
            fusion(*both)
            for fusion, *both in zip(self.fusions, depth[::-1], colour[::-1], strict=True)
        ]
        to_shallow = self.to_shallow(fused)
        to_deep = self.to_deep(fused[::-1])[::-1]
        refined = [
            refine(there + back)
            for refine, there, back in zip(self.refine, to_shallow, to_deep, strict=True)
        ]
        sharpened: Tensor = self.enlarge(torch.cat(refined, dim=1)) + enlarged
        return sharpened


def _halving(width: int, size: int) -> nn.Sequential:
    return nn.Sequential(nn.PixelUnshuffle(2), activated(4 * width, width, size))


def _doubling(width: int, size: int) -> nn.Sequential:
    return nn.Sequential(convolution(width, 4 * width, size), nn.PixelShuffle(2), nn.PReLU())


def _levels(
    first: Float[Tensor, "b c h w"], steps: nn.ModuleList
) -> list[Float[Tensor, "b c h w"]]:
    """Return a feature and what each step makes of the one before, the shallowest first."""
    levels = [first]
    for step in steps:
        levels.append(step(levels[-1]))
    return levels
