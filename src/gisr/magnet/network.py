"""MAG-Net (Fig. 3a): shared encoder-decoder, prompted by MPGM, routed by MGRM.

What is unusual, and where the paper is silent:

* One network for every task, with no layer of its own for any: a target is carried as 4 channels
  and a guide as 3. Fewer are repeated (and averaged back); more bands go through in groups.
* The target comes in already on the guide's grid and the network predicts what to add to it, so
  any ratio works.
* With ``unshuffle=2`` (``magnet-s``) every level works at half the resolution.
* The prompt can be computed once for an image and given to all its tiles.

A look at it, on any machine: ``python -c "import torch; from gisr.magnet import *;
print(MAGNet(PRESETS['magnet-s']))"``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet.blocks import Downsample, TransformerBlock, Upsample, shallow_encoder
from gisr.magnet.channel_packing import (
    GUIDE_CHANNELS,
    TARGET_CHANNELS,
    carry_guide,
    carry_target,
    restore,
)
from gisr.magnet.config import MAGNetConfig
from gisr.magnet.prompt import PromptGenerator
from gisr.magnet.routing import GuidedRouting, LevelRouting

_RESIDUAL_SCALE = 0.2
"""What the head's answer counts: residuals are small, and with a full head the steps of Adam shake
the image by more than there is to learn in depth maps and MR images."""


class MAGNetOutput(NamedTuple):
    """What a forward pass gives."""

    image: Float[Tensor, "b c h w"]
    """The sharpened target, with the bands and value range of the target given."""
    routing: tuple[LevelRouting, ...]
    """Which experts refined which pixels, level by level; groups of bands stand in the batch."""


class MAGNet(nn.Module):
    """The network of the paper. Its forward pass reads like Fig. 3(a)."""

    def __init__(self, config: MAGNetConfig) -> None:
        """Create a network with random weights that starts as the identity on the target."""
        super().__init__()
        self.config = config
        self.sparse = False
        """Whether experts run only on the pixels routed to them; same result, no export."""
        area = config.unshuffle**2
        target_channels, guide_channels = TARGET_CHANNELS * area, GUIDE_CHANNELS * area
        widths = [config.width << level for level in range(config.levels)]

        self.prompt_generator = (
            PromptGenerator(config, target_channels, guide_channels)
            if config.prompt_module
            else None
        )
        self.guidance_encoder = (
            shallow_encoder(guide_channels, config.width // 2) if config.routing != "none" else None
        )
        self.embed = nn.Conv2d(
            target_channels + guide_channels, config.width, 3, padding=1, bias=False
        )
        self.encoder = nn.ModuleList(_level(config, level) for level in range(config.levels))
        self.down = nn.ModuleList(Downsample(width) for width in widths[:-1])
        self.up = nn.ModuleList(Upsample(width) for width in widths[1:])
        self.merge = nn.ModuleList(nn.Conv2d(2 * w, w, 1, bias=False) for w in widths[:-1])
        self.decoder = nn.ModuleList(_level(config, level) for level in range(config.levels - 1))
        self.encoder_routing = nn.ModuleList(
            GuidedRouting(config, width, f"encoder {level + 1}")
            for level, width in enumerate(widths if config.routes_encoder else [])
        )
        self.decoder_routing = nn.ModuleList(
            GuidedRouting(config, width, f"decoder {level + 1}")
            for level, width in enumerate(widths[:-1] if config.routes_decoder else [])
        )
        # Table III without MGRM: the prompt needs another way in, a shift of every encoder level.
        self.prompt_shift = nn.ModuleList(
            nn.Linear(config.atom_width, width)
            for width in (widths if config.prompt_module and config.routing == "none" else [])
        )
        self.head = nn.Conv2d(config.width, target_channels, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None  # built with one
        nn.init.zeros_(self.head.bias)

    def forward(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g h w"],
        text: Float[Tensor, "b d"],
        ratio: Float[Tensor, " b"],
        prompt: Float[Tensor, "b p"] | None = None,
    ) -> MAGNetOutput:
        """Sharpen targets that are already on their guides' grids.

        Args:
            target: Normalised target (values about 0 to 1) of any number of bands, any size.
            guide: Normalised guide of 1 to 3 channels, same height and width.
            text: Embedding of each description, ``config.text_width`` long.
            ratio: How many times coarser the target was, above 0.
            prompt: P_mm from :meth:`generate_prompt`; computed from the inputs when not given.

        Raises:
            ValueError: Shapes do not fit.
        """
        self._check(target, guide, text, ratio)
        bands, (height, width) = target.shape[1], target.shape[2:]
        low, high, groups = self._prepare(target, guide)
        if prompt is None and self.prompt_generator is not None:
            prompt = self.prompt_generator(low, high, text, ratio)
        if prompt is not None:
            prompt = _repeat(prompt, groups)

        guidance = self._guidance(high)  # F_G, Eq. (6)
        feature = self.embed(torch.cat([low, high], dim=1))
        routing: list[LevelRouting] = []

        skips: list[Tensor] = []
        for level, blocks in enumerate(self.encoder):
            if level > 0:
                skips.append(feature)
                feature = self.down[level - 1](feature)
            if len(self.prompt_shift):
                feature = feature + self.prompt_shift[level](prompt)[:, :, None, None]
            feature = self._route(self.encoder_routing, level, feature, guidance, prompt, routing)
            feature = blocks(feature)

        for level in reversed(range(self.config.levels - 1)):
            feature = torch.cat([self.up[level](feature), skips[level]], dim=1)
            feature = self.merge[level](feature)
            feature = self._route(self.decoder_routing, level, feature, guidance, prompt, routing)
            feature = self.decoder[level](feature)

        residual = F.pixel_shuffle(self.head(feature), self.config.unshuffle)
        residual = residual[..., :height, :width]
        image = target + _RESIDUAL_SCALE * restore(residual, bands)
        return MAGNetOutput(image, tuple(routing))

    def generate_prompt(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g h w"],
        text: Float[Tensor, "b d"],
        ratio: Float[Tensor, " b"],
    ) -> Float[Tensor, "b p"] | None:
        """Return P_mm of each image, or None for a network without MPGM.

        All bands of a target share one prompt: groups of bands are averaged before Eq. (5).
        """
        pooled = self.pool_prompt(target, guide, text, ratio)
        return None if pooled is None else self.compose_prompt(pooled)

    def pool_prompt(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g h w"],
        text: Float[Tensor, "b d"],
        ratio: Float[Tensor, " b"],
    ) -> Float[Tensor, "b n"] | None:
        """Return GAP(F_IT) of Eq. (5), a mean over pixels: average it over tiles of an image."""
        if self.prompt_generator is None:
            return None
        self._check(target, guide, text, ratio)
        low, high, _ = self._prepare(target, guide)
        return self.prompt_generator.pooled(low, high, text, ratio)

    def compose_prompt(self, pooled: Float[Tensor, "b n"]) -> Float[Tensor, "b p"]:
        """Return P_mm from a pooled feature, Eq. (5)."""
        assert self.prompt_generator is not None  # pool_prompt gave None otherwise
        return self.prompt_generator.compose(pooled)

    def _prepare(self, target: Tensor, guide: Tensor) -> tuple[Tensor, Tensor, int]:
        """Carry both inputs in fixed channels, pad them to the network's multiple, unshuffle."""
        carried, groups = carry_target(target)
        low = _pad(carried, self.config.size_multiple)
        high = _pad(_repeat(carry_guide(guide), groups), self.config.size_multiple)
        side = self.config.unshuffle
        return F.pixel_unshuffle(low, side), F.pixel_unshuffle(high, side), groups

    def _guidance(self, high: Tensor) -> Tensor | None:
        if self.guidance_encoder is None:
            return None
        guidance: Tensor = self.guidance_encoder(high)
        return guidance

    def _route(
        self,
        modules: nn.ModuleList,
        level: int,
        feature: Tensor,
        guidance: Tensor | None,
        prompt: Tensor | None,
        routing: list[LevelRouting],
    ) -> Tensor:
        """Let the level's MGRM refine the feature and keep its record; nothing where it is off."""
        if not len(modules):
            return feature
        assert guidance is not None  # built together with the modules
        pooled = F.avg_pool2d(guidance, 1 << level) if level else guidance
        refined: Tensor
        refined, record = modules[level](feature, pooled, prompt, sparse=self.sparse)
        routing.append(record)
        return refined

    def _check(self, target: Tensor, guide: Tensor, text: Tensor, ratio: Tensor) -> None:
        if target.shape[0] != guide.shape[0] or target.shape[2:] != guide.shape[2:]:
            raise ValueError(
                f"target {tuple(target.shape)} and guide {tuple(guide.shape)} must agree in batch, "
                "height and width: bring the target to the guide's grid first"
            )
        expected = (target.shape[0], self.config.text_width)
        if tuple(text.shape) != expected or ratio.shape != text.shape[:1]:
            raise ValueError(
                f"text {tuple(text.shape)} and ratio {tuple(ratio.shape)} must be {expected} "
                f"and {expected[:1]}"
            )


def _level(config: MAGNetConfig, level: int) -> nn.Sequential:
    return nn.Sequential(
        *(
            TransformerBlock(config.width << level, config.heads[level], config.expansion)
            for _ in range(config.blocks[level])
        )
    )


def _repeat(x: Tensor, groups: int) -> Tensor:
    return x if groups == 1 else x.repeat_interleave(groups, dim=0)


def _pad(x: Tensor, multiple: int) -> Tensor:
    """Pad below and to the right to a multiple, by reflection where the image is large enough."""
    height, width = x.shape[2:]
    bottom, right = -height % multiple, -width % multiple
    if not bottom and not right:
        return x
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(x, (0, right, 0, bottom), mode=mode)


__all__: Sequence[str] = ["MAGNet", "MAGNetOutput"]
