"""SGNet: a depth trunk that meets colour three times at full size, in space and in spectrum.

Wang, Yan and Yang, "SGNet: structure guided network via gradient-frequency awareness for depth map
super-resolution", AAAI 2024 (arXiv 2312.05799). Licence of the original code: Apache-2.0; this
module is written from a description. Parameters that take part: 35,812,280 for ratio 4 with 48
features, 39,520,380 for 8 and 86,215,548 for 16 with 40; the original builds 36,394,521,
39,924,941 and 86,620,109.

The original does what its paper does not say: "invertible" blocks are never inverted; their fixed
permutations are drawn at random and must be kept with the weights; phases of real coefficients
jump between 0 and pi by rounding, so results differ a little between machines; spectra, means and
spreads are those of the whole image. The enlarged target that is added is torch's bicubic
(a = -0.75), made by the network itself.

Ours: any number of channels, ratio 2 (48 features), and narrower builds, in which the attention
squeezes to one channel at least.
"""

from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.channel_attention import ChannelAttentionGroup
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_buildable
from gisr.baselines.depth.sgnet_blocks import (
    BackProjection,
    LeakyResidual,
    StructureBridge,
    attention_group,
    gradient_size,
)
from gisr.baselines.network import (
    ComparedNetwork,
    NetworkInput,
    PublishedSystem,
    known_mean,
    scaled_width,
)

_WIDTHS = {2: 48, 4: 48, 8: 40, 16: 40}
"""Features by ratio."""
_SPECTRUM_WEIGHT = 0.002
_GRADIENT_WEIGHT = 0.001


class GradientBranch(nn.Module):
    """GC: the gradient of the depth map at full size, and its features on the target's grid."""

    def __init__(
        self, target_channels: int, guide_channels: int, width: int, ratio: int, blocks: int
    ) -> None:
        """Create one; groups have ``blocks`` blocks, the longest twice as many."""
        super().__init__()
        self.enlarge = BackProjection(target_channels, ratio, up=True)
        self.guide_entry = convolution(guide_channels, width)
        self.guide_refine = LeakyResidual(width)
        self.depth_entry = convolution(target_channels, width)
        self.depth_refine = attention_group(width, blocks, 16)
        self.fuse = nn.Sequential(
            convolution(2 * width, width, 1),
            attention_group(width, blocks, 8),
            attention_group(width, blocks, 8),
        )
        self.weights = nn.Sequential(
            convolution(width, max(1, width // 4), 1),
            nn.ReLU(),
            convolution(max(1, width // 4), width, 1),
            nn.Sigmoid(),
        )
        self.to_gradient = nn.Sequential(
            convolution(width, width), convolution(width, target_channels)
        )
        self.from_gradient = nn.Sequential(
            convolution(target_channels, width), nn.LeakyReLU(0.2), convolution(width, width)
        )
        self.from_depth = nn.Sequential(
            convolution(target_channels, width), attention_group(width, 2 * blocks, 8)
        )
        self.refine = nn.Sequential(
            attention_group(width, blocks, 8),
            attention_group(width, blocks, 8),
            BackProjection(width, ratio, up=False),
        )

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> tuple[Float[Tensor, "b c H W"], Float[Tensor, "b f h w"]]:
        """Return the estimated gradient and its features."""
        enlarged = self.enlarge(target)
        of_guide = self.guide_refine(self.guide_entry(gradient_size(guide)))
        of_depth = self.depth_entry(gradient_size(enlarged))
        fused = self.fuse(torch.cat([of_guide, self.depth_refine(of_depth)], dim=1))
        weighted = fused * self.weights(fused.mean(dim=(2, 3), keepdim=True))
        gradient = self.to_gradient(of_depth + weighted)
        feature = self.from_gradient(gradient) + self.from_depth(enlarged)
        return gradient, self.refine(feature)


class SGNet(ComparedNetwork):
    """The gradient branch, four groups of the trunk with three bridges between, and the tail."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="SGNet",
        paper="Wang, Yan, Yang: SGNet: structure guided network via gradient-frequency awareness "
        "for depth map super-resolution, AAAI 2024",
        year=2024,
        tasks=("depth",),
        licence="Apache-2.0",
    )

    def __init__(
        self,
        target_channels: int = 1,
        guide_channels: int = 3,
        ratio: int = 4,
        *,
        width: int | None = None,
        gradient_blocks: int = 4,
        trunk_blocks: int = 6,
        tail_blocks: int = 8,
    ) -> None:
        """Create the network for one ratio.

        Args:
            target_channels: Channels of the target.
            guide_channels: Channels of the guide.
            ratio: 2, 4, 8 or 16.
            width: Features, 2 at least; None for the published number: 48, from ratio 8 on 40.
            gradient_blocks: Blocks of a group of the gradient branch.
            trunk_blocks: Blocks of a group of the trunk.
            tail_blocks: Blocks of a group of the tail.

        Raises:
            ValueError: No channel, or another ratio.
        """
        super().__init__()
        require_buildable(self.published, target_channels, guide_channels, ratio)
        self.ratio = ratio
        width = _WIDTHS[ratio] if width is None else width
        self.gradient = GradientBranch(
            target_channels, guide_channels, width, ratio, gradient_blocks
        )
        self.depth_entry = convolution(target_channels, width)
        self.depth_widen = convolution(width, 2 * width)
        self.guide_entry = convolution(guide_channels, width)
        self.guide_refine = nn.ModuleList(LeakyResidual(width) for _ in range(3))
        widths = (width, 2 * width, 3 * width)
        self.bridges = nn.ModuleList(StructureBridge(wide, width, ratio) for wide in widths)
        # The gradient's features join the trunk's before each bridge.
        self.joins = nn.ModuleList(
            convolution(trunk + width, wide, 1)
            for trunk, wide in zip((width, 2 * width, 2 * width), widths, strict=True)
        )
        self.first = _trunk(width, trunk_blocks)
        self.second = _trunk(2 * width, trunk_blocks)
        self.third = nn.Sequential(
            convolution(4 * width, 2 * width, 1), _trunk(2 * width, trunk_blocks)
        )
        self.fourth = nn.Sequential(
            convolution(8 * width, 3 * width, 1), _trunk(3 * width, trunk_blocks)
        )
        self.tail = nn.Sequential(
            BackProjection(3 * width, ratio, up=True),
            *(attention_group(3 * width, tail_blocks, 16) for _ in range(3)),
            convolution(3 * width, width),
            nn.LeakyReLU(0.2),
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
        return cls(
            target_channels,
            guide_channels,
            ratio,
            width=scaled_width(48 if ratio < 8 else 40, width, 2),
        )

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target."""
        sharpened: Tensor = self(given.target, given.guide)[0]
        return sharpened

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the authors' loss of each sample.

        The mean absolute errors of depth, of amplitudes and phases of its spectrum and of the
        gradient map, weighted. A spectrum has no known pixels: unknown ones of the truth are taken
        from the result, so that they add nothing. The gradient counts where all neighbours are
        known.
        """
        sharpened, gradient = self(given.target, given.guide)
        of_depth = known_mean((sharpened - truth).abs(), known)
        completed = torch.where(known > 0, truth, sharpened.detach())
        spectrum = torch.fft.rfft2(sharpened.float())
        true_spectrum = torch.fft.rfft2(completed.float())
        of_amplitude = (spectrum.abs() - true_spectrum.abs()).abs().mean(dim=(1, 2, 3))
        of_phase = (spectrum.angle() - true_spectrum.angle()).abs().mean(dim=(1, 2, 3))
        around_known = -F.max_pool2d(-known, kernel_size=3, stride=1, padding=1)
        of_gradient = known_mean((gradient - gradient_size(completed)).abs(), around_known)
        of_spectrum: Tensor = (of_amplitude + of_phase) / 2
        return of_depth + _SPECTRUM_WEIGHT * of_spectrum + _GRADIENT_WEIGHT * of_gradient

    def forward(
        self, target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b g H W"]
    ) -> tuple[Float[Tensor, "b c H W"], Float[Tensor, "b c H W"]]:
        """Return the sharpened target and the estimated size of its gradient."""
        gradient, of_gradient = self.gradient(target, guide)
        depth = F.leaky_relu(self.depth_entry(target), 0.2)
        colour = F.leaky_relu(self.guide_entry(guide), 0.2)

        first = self.first(depth)
        bridged, colour = self._bridge(0, first, of_gradient, colour)
        second = self.second(torch.cat([first, bridged + depth], dim=1))
        bridged, colour = self._bridge(1, second, of_gradient, colour)
        third = self.third(torch.cat([second, bridged + self.depth_widen(depth)], dim=1))
        bridged, _ = self._bridge(2, third, of_gradient, colour)
        fourth = self.fourth(torch.cat([first, second, third, bridged], dim=1))

        enlarged = F.interpolate(target, size=guide.shape[2:], mode="bicubic", align_corners=False)
        return self.tail(fourth) + enlarged, gradient

    def _bridge(
        self,
        number: int,
        trunk: Float[Tensor, "b t h w"],
        of_gradient: Float[Tensor, "b f h w"],
        colour: Float[Tensor, "b f H W"],
    ) -> tuple[Float[Tensor, "b o h w"], Float[Tensor, "b f H W"]]:
        """Return depth's feature after a bridge, and the guide's for the next one."""
        joined = self.joins[number](torch.cat([trunk, of_gradient], dim=1))
        bridged: tuple[Tensor, Tensor] = self.bridges[number](
            joined, self.guide_refine[number](colour)
        )
        return bridged


def _trunk(width: int, blocks: int) -> ChannelAttentionGroup:
    return attention_group(width, blocks, 16)
