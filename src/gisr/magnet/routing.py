"""The Multi-Guidance Routing Module, MGRM (Section III-C, Eq. 6-9), and its balance loss.

The load balancing terms are those of Shazeer et al., "Outrageously Large Neural Networks",
arXiv:1701.06538, Section 4 and Appendix A, which the paper cites for its mixture of experts.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet import MAGNetConfig


class LevelRouting(NamedTuple):
    """How one level routed its pixels."""

    position: str
    """``encoder 1`` is the first level of the encoder."""
    weights: Float[Tensor, "b m h w"]
    """K(F_gate) of Eq. (9): sums to 1 over the experts, zero for those not chosen."""
    load: Float[Tensor, " m"]
    """Pixels per expert: their expected number (with a gradient) in training, else a count."""


class Router(nn.Module):
    """Top-K gating: keep the K largest logits of each pixel, softmax over the kept."""

    def __init__(self, channels: int, experts: int, active: int) -> None:
        """Create a gate from ``channels`` channels onto ``experts`` experts."""
        super().__init__()
        self.active = active
        self.draw: Callable[..., Tensor] = torch.randn
        """Draws the noise; processes that share a batch replace it by one that shares noise."""
        self.gate = nn.Conv2d(channels, experts, 1, bias=False)
        self.noise = nn.Conv2d(channels, experts, 1)
        # A noise that starts small (softplus(-3) = 0.05) and learns its size.
        nn.init.zeros_(self.noise.weight)
        nn.init.constant_(self.noise.get_parameter("bias"), -3.0)

    def forward(
        self, x: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b m h w"], Float[Tensor, " m"]]:
        """Return the expert weights of each pixel and the load of each expert."""
        clean = self.gate(x).float()
        if not self.training:
            weights = self._keep_largest(clean)
            return weights, (weights > 0).float().sum(dim=(0, 2, 3))
        spread = F.softplus(self.noise(x).float()) + 1e-2
        noisy = clean + spread * self.draw(clean.shape, device=clean.device)
        return self._keep_largest(noisy), self._expected_load(clean, noisy, spread)

    def _keep_largest(self, logits: Float[Tensor, "b m h w"]) -> Float[Tensor, "b m h w"]:
        values, chosen = logits.topk(self.active, dim=1)
        return torch.zeros_like(logits).scatter(1, chosen, values.softmax(dim=1))

    def _expected_load(
        self,
        clean: Float[Tensor, "b m h w"],
        noisy: Float[Tensor, "b m h w"],
        spread: Float[Tensor, "b m h w"],
    ) -> Float[Tensor, " m"]:
        """Sum the chance that each expert would be kept if only its own noise were drawn again."""
        if self.active == noisy.shape[1]:
            return torch.full((noisy.shape[1],), float(noisy[:, 0].numel()), device=noisy.device)
        ordered = noisy.topk(self.active + 1, dim=1).values
        last_kept, first_left = ordered[:, -2:-1], ordered[:, -1:]
        # A kept expert has to beat the first one left out; any other has to beat the last one kept.
        bar = torch.where(noisy > first_left, first_left, last_kept)
        load: Tensor = torch.special.ndtr((clean - bar) / spread).sum(dim=(0, 2, 3))
        return load


class Experts(nn.Module):
    """M small networks of two 1x1 convolutions with GELU; Eq. (9) sums them linearly.

    All experts live in two convolutions and see every pixel, weighted by zero where they are not
    chosen: gathering the chosen pixels first saves nothing that shows in the whole network. With
    ``portion="channels"`` expert j sees and writes only the j-th group of channels.
    """

    def __init__(self, channels: int, experts: int, portion: str) -> None:
        """Create ``experts`` experts."""
        super().__init__()
        self.experts = experts
        groups = experts if portion == "channels" else 1
        hidden = experts * (channels // groups)
        self.expand = nn.Conv2d(channels, hidden, 1, groups=groups)
        self.project = nn.Conv2d(hidden, channels, 1, groups=groups, bias=False)

    def forward(
        self, x: Float[Tensor, "b c h w"], weights: Float[Tensor, "b m h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the weighted sum of the experts' answers."""
        hidden = F.gelu(self.expand(x)).unflatten(1, (self.experts, -1))
        weighted = (hidden * weights.to(hidden.dtype).unsqueeze(2)).flatten(1, 2)
        answer: Tensor = self.project(weighted)
        return answer


class GuidedRouting(nn.Module):
    """One MGRM: prompt and guidance decide, pixel by pixel, which experts refine the feature."""

    def __init__(self, config: MAGNetConfig, channels: int, position: str) -> None:
        """Create the module of one level."""
        super().__init__()
        self.position = position
        self.residual = config.routing_residual
        self.fuse = nn.Conv2d(channels + config.width // 2, channels, 1)
        # Conv1x1([F'; P_mm]) of Eq. (8) with P_mm the same at every pixel: a convolution of F' and
        # a linear map of P_mm, added. Without MPGM only the former is left.
        self.modulate = nn.Conv2d(channels, channels, 1)
        prompt = nn.Linear(config.atom_width, channels, bias=False)
        self.prompt = prompt if config.prompt_module else None
        self.router = Router(channels, config.experts, config.active_experts)
        self.experts = Experts(channels, config.experts, config.expert_portion)

    def forward(
        self,
        feature: Float[Tensor, "b c h w"],
        guidance: Float[Tensor, "b g h w"],
        prompt: Float[Tensor, "b p"] | None,
    ) -> tuple[Float[Tensor, "b c h w"], LevelRouting]:
        """Return the routed feature and the record of its routing."""
        fused = self.fuse(torch.cat([feature, guidance], dim=1))  # Eq. (7)
        modulation = self.modulate(fused)
        if self.prompt is not None:
            modulation = modulation + self.prompt(prompt)[:, :, None, None]
        weights, load = self.router(fused * modulation)  # Eq. (8)
        refined = self.experts(feature, weights)  # Eq. (9)
        refined = feature + refined if self.residual else refined
        return refined, LevelRouting(self.position, weights, load)


def balance_loss(
    routing: Sequence[LevelRouting], total: Callable[[Tensor], Tensor] = lambda sums: sums
) -> Float[Tensor, ""]:
    """Return L_Balance of Eq. (10): squared variation of importance and load, summed over levels.

    It is zero when every expert is used alike. Computed in float32 whatever the network runs in.

    Args:
        routing: Records of the levels; none where nothing is routed.
        total: Sums a tensor over all processes that share a batch, and its gradient. Variation is
            not linear, so processes have to add up importance and load before it is taken.
    """
    if not routing:
        return torch.zeros(())
    sums = [(level.weights.float().sum(dim=(0, 2, 3)), level.load.float()) for level in routing]
    values = total(torch.stack([torch.stack(pair) for pair in sums]))  # (levels, 2, experts)
    return (values.var(dim=-1, correction=0) / (values.mean(dim=-1).square() + 1e-10)).sum()
