"""The Multi-modal Prompt Generation Module, MPGM (Section III-B, Eq. 1-5)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet import MAGNetConfig
from gisr.magnet.blocks import shallow_encoder


class PromptGenerator(nn.Module):
    """Turns a pair and its description into the multi-modal prompt P_mm, one vector per image.

    Two steps, because an image may come in tiles: :meth:`pool` what each tile contributes, then
    :meth:`compose` the prompt from their mean. The paper is silent on the channels of Eq. (3): its
    convolution gives N, so that Eq. (5) holds as printed.
    """

    def __init__(self, config: MAGNetConfig, target_channels: int, guide_channels: int) -> None:
        """Create the module for inputs with the given channels (after the pixel-unshuffle)."""
        super().__init__()
        width = config.width // 2
        self.sees_images = config.prompt_modality in ("both", "visual")
        self.reads_text = config.prompt_modality in ("both", "text")
        self.ratio_as_number = config.ratio_as_number
        self.atoms = config.atoms
        self.dictionary = nn.Parameter(torch.empty(config.atoms, config.atom_width))
        if not self.dictionary.is_meta:  # there it would load torch's compiler, three seconds
            nn.init.normal_(self.dictionary, std=0.5)
        if self.sees_images:
            self.guide_encoder = shallow_encoder(guide_channels, width)
            self.target_encoder = shallow_encoder(target_channels, width)
            self.guide_branch = nn.Sequential(nn.Conv2d(2 * width, width, 1), nn.ReLU())
            self.target_branch = nn.Sequential(nn.Conv2d(2 * width, width, 1), nn.ReLU())
            self.fuse = nn.Conv2d(2 * width, config.atoms, 1)
        if self.reads_text:
            description = config.text_width + config.ratio_as_number
            if self.sees_images:  # text alone has nothing to scale
                self.text_scale = nn.Linear(description, config.atoms)
            self.text_shift = nn.Linear(description, config.atoms)

    def forward(self, *inputs: Tensor) -> Float[Tensor, "b p"]:
        """Return P_mm of whole images; the inputs are those of :meth:`pool`."""
        return self.compose(self.pool(*inputs))

    def pool(
        self,
        target: Float[Tensor, "bg t h w"],
        guide: Float[Tensor, "bg g h w"],
        text: Float[Tensor, "b d"],
        ratio: Float[Tensor, " b"],
    ) -> Float[Tensor, "b n"]:
        """Return GAP(F_IT). It is a mean over pixels, so tiles of an image can be averaged.

        The groups of bands of one target stand side by side in the batch; they share one prompt.
        """
        batch = text.shape[0]
        image = target.new_zeros(batch, self.atoms)
        if self.sees_images:
            # F_T is the same at every pixel, so GAP of Eq. (4) is Eq. (4) of GAP(F_I).
            image = self._fused_image(target, guide).mean(dim=(2, 3))
            image = image.unflatten(0, (batch, -1)).mean(dim=1)
        if not self.reads_text:
            return image
        if self.ratio_as_number:  # sentence encoders barely tell "ratio 2" from "ratio 4"
            text = torch.cat([text, ratio.log2()[:, None] / 4], dim=1)
        shift: Tensor = self.text_shift(text)
        if not self.sees_images:
            return shift
        fused: Tensor = image + (image * self.text_scale(text) + shift)  # Eq. (4)
        return fused

    def compose(self, pooled: Float[Tensor, "b n"]) -> Float[Tensor, "b p"]:
        """Return the mixture of dictionary atoms, Eq. (5)."""
        return pooled.float().softmax(dim=1) @ self.dictionary.float()

    def _fused_image(
        self, target: Float[Tensor, "b t h w"], guide: Float[Tensor, "b g h w"]
    ) -> Float[Tensor, "b n h w"]:
        both = torch.cat([self.guide_encoder(guide), self.target_encoder(target)], dim=1)
        guide_feature = self.guide_branch(both)  # Eq. (1)
        target_feature = self.target_branch(both)  # Eq. (2)
        fused: Tensor = self.fuse(torch.cat([guide_feature, target_feature], dim=1))  # Eq. (3)
        return fused
