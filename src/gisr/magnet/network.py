"""MAG-Net (Fig. 3a): shared encoder-decoder, prompted by MPGM, routed by MGRM.

What differs from the paper, by the switch that undoes it (the preset ``magnet-paper`` does):

* ``ratio_as_number``: F_T of Eq. (4) has the ratio as a number too, not in the description alone.
* ``text_width``: the descriptions are embedded by MiniLM, not CLIP (``text_encoder`` of a recipe).
* ``routing_residual``: MGRM adds Eq. (9) to the feature it refines.
* ``residual_scale``: the head's answer counts a fifth, because steps of Adam shake small residuals.
* ``hidden_multiple``: hidden widths of feed-forward networks are multiples of 32, which is faster.
* ``guide_channels``: a guide is carried as 4 channels, not 3: bands guide bands, too.
* ``unshuffle``: every level of ``magnet-s`` works at half the resolution; 1 in the paper's size.

Where the paper is silent:

* One network for every task, with no layer of its own for any: targets and guides are carried as
  4 channels each. Fewer are repeated (and averaged back); more bands go through in groups.
* The target comes in already on the guide's grid and the network predicts what to add to it, so
  any ratio works.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet import MAGNetConfig
from gisr.magnet.blocks import (
    TARGET_CHANNELS,
    TransformerBlock,
    carry_guide,
    carry_target,
    restore,
    shallow_encoder,
)
from gisr.magnet.prompt import PromptGenerator
from gisr.magnet.routing import GuidedRouting, LevelRouting


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
        area = config.unshuffle**2
        low, high = TARGET_CHANNELS * area, config.guide_channels * area
        widths = [config.width << level for level in range(len(config.blocks))]
        routes = config.routing != "none"

        self.prompt_generator = PromptGenerator(config, low, high) if config.prompt_module else None
        self.guidance_encoder = shallow_encoder(high, config.width // 2) if routes else None
        conv3x3 = partial(nn.Conv2d, kernel_size=3, padding=1, bias=False)
        self.embed = conv3x3(low + high, config.width)
        self.encoder = nn.ModuleList(_level(config, level) for level in range(len(widths)))
        self.down = nn.ModuleList(conv3x3(width, width // 2) for width in widths[:-1])
        self.up = nn.ModuleList(conv3x3(width, 2 * width) for width in widths[1:])
        self.merge = nn.ModuleList(nn.Conv2d(2 * w, w, 1, bias=False) for w in widths[:-1])
        self.decoder = nn.ModuleList(_level(config, level) for level in range(len(widths) - 1))
        self.encoder_routing = _routings(config, "encoder", widths)
        self.decoder_routing = _routings(config, "decoder", widths[:-1])
        # Table III without MGRM: the prompt needs another way in, a shift of every encoder level.
        shifted = widths if config.prompt_module and not routes else []
        self.prompt_shift = nn.ModuleList(nn.Linear(config.atom_width, w) for w in shifted)
        self.head = nn.Conv2d(config.width, low, 3, padding=1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

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
            guide: Normalised guide of at most ``config.guide_channels`` channels, same sides.
            text: Embedding of each description, ``config.text_width`` long.
            ratio: How many times coarser the target was, above 0.
            prompt: P_mm of each image; computed from the inputs when not given.

        Raises:
            ValueError: Shapes do not fit.
        """
        low, high, groups = self._prepare(target, guide, text, ratio)
        if prompt is None and self.prompt_generator is not None:
            prompt = self.prompt_generator(low, high, text, ratio)
        if prompt is not None:
            prompt = _repeat(prompt, groups)

        guidance = None if self.guidance_encoder is None else self.guidance_encoder(high)  # Eq. (6)
        feature = self.embed(torch.cat([low, high], dim=1))
        del low, high
        routing: list[LevelRouting] = []
        skips: list[Tensor] = []

        for level, blocks in enumerate(self.encoder):
            if level > 0:
                skips.append(feature)
                feature = F.pixel_unshuffle(self.down[level - 1](feature), 2)
            if len(self.prompt_shift):
                feature = feature + self.prompt_shift[level](prompt)[:, :, None, None]
            feature = _route(self.encoder_routing, level, feature, guidance, prompt, routing)
            feature = blocks(feature)

        for level in reversed(range(len(self.decoder))):
            feature = F.pixel_shuffle(self.up[level](feature), 2)
            feature = self.merge[level](torch.cat([feature, skips[level]], dim=1))
            feature = _route(self.decoder_routing, level, feature, guidance, prompt, routing)
            feature = self.decoder[level](feature)

        residual = F.pixel_shuffle(self.head(feature), self.config.unshuffle)
        residual = restore(residual[..., : target.shape[2], : target.shape[3]], target.shape[1])
        return MAGNetOutput(target + self.config.residual_scale * residual, tuple(routing))

    def pool_prompt(
        self,
        target: Float[Tensor, "b c h w"],
        guide: Float[Tensor, "b g h w"],
        text: Float[Tensor, "b d"],
        ratio: Float[Tensor, " b"],
    ) -> Float[Tensor, "b n"] | None:
        """Return GAP(F_IT) of Eq. (5), or None for a network without MPGM.

        Average it over the tiles of an image, then compose its prompt with ``prompt_generator``.
        """
        if self.prompt_generator is None:
            return None
        low, high, _ = self._prepare(target, guide, text, ratio)
        return self.prompt_generator.pool(low, high, text, ratio)

    def _prepare(
        self, target: Tensor, guide: Tensor, text: Tensor, ratio: Tensor
    ) -> tuple[Tensor, Tensor, int]:
        """Check the inputs; carry images in fixed channels, pad and unshuffle them."""
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
        carried, groups = carry_target(target)
        side, multiple = self.config.unshuffle, self.config.size_multiple
        low = _pad(carried, multiple)
        high = _pad(_repeat(carry_guide(guide, self.config.guide_channels), groups), multiple)
        return F.pixel_unshuffle(low, side), F.pixel_unshuffle(high, side), groups


def _level(config: MAGNetConfig, level: int) -> nn.Sequential:
    return nn.Sequential(*(TransformerBlock(config, level) for _ in range(config.blocks[level])))


def _routings(config: MAGNetConfig, part: str, widths: Sequence[int]) -> nn.ModuleList:
    levels = enumerate(widths, 1) if config.routing in (part, "both") else ()
    return nn.ModuleList(GuidedRouting(config, w, f"{part} {level}") for level, w in levels)


def _route(
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
    guidance = F.avg_pool2d(guidance, 1 << level) if level else guidance
    feature, record = modules[level](feature, guidance, prompt)
    routing.append(record)
    return feature


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
