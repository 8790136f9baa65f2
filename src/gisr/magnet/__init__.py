"""MAG-Net, the network of the paper, in plain PyTorch: its configuration and its public names.

Read :mod:`gisr.magnet.network` next. torch is imported with the first use of the network; the
configuration (one dial, ``width``; the paper's constants; switches) needs none.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from gisr.magnet.network import MAGNet, MAGNetOutput
    from gisr.magnet.routing import LevelRouting, balance_loss

PromptModality = Literal["both", "visual", "text", "neither"]
"""What the prompt is made from (Table VI of the paper)."""
RoutingPosition = Literal["encoder", "decoder", "both", "none"]
"""Where MGRM stands (Table VII); ``none`` removes it (Table III)."""
ExpertPortion = Literal["pixels", "channels"]
"""What "a portion of F_L" (Section III-C) is: the pixels routed to an expert, or its channels."""


@dataclass(frozen=True)
class MAGNetConfig:
    """Everything that fixes a network.

    Raises:
        ValueError: A value is out of range; the message names it.
    """

    width: int = 48
    """C, the channels of the first level; level l has ``C * 2**(l-1)``. The one dial of size."""
    guide_channels: int = 4
    """Channels that a guide is carried in. The paper: 3, a colour picture."""
    unshuffle: int = 1
    """Side of the pixel-unshuffle in front: 2 makes every level work at half the resolution."""
    blocks: tuple[int, ...] = (3, 4, 4, 5)
    """Transformer blocks per level (Section IV-B); the decoder mirrors all but the last."""
    heads: tuple[int, ...] = (1, 2, 4, 8)
    """Attention heads per level."""
    expansion: float = 2.66
    """Hidden width of the feed-forward network over its input width."""
    hidden_multiple: int = 32
    """Hidden widths are rounded up to a multiple of it (32: a vector in bfloat16). The paper: 1."""
    experts: int = 4
    """M of Eq. (9)."""
    active_experts: int = 2
    """K of Eq. (9)."""
    expert_portion: ExpertPortion = "pixels"
    atoms: int = 32
    """N of Eq. (5), the size of the dictionary."""
    atom_width: int = 256
    """Values per atom, so the length of the prompt."""
    text_width: int = 384
    """Length of a text embedding (384: MiniLM; the paper: 512, CLIP ViT-B/32)."""
    prompt_module: bool = True
    """False removes MPGM (Table III)."""
    prompt_modality: PromptModality = "both"
    ratio_as_number: bool = True
    """Whether F_T of Eq. (4) ends with log2(ratio) / 4. The paper: False, it is in the text."""
    routing: RoutingPosition = "encoder"
    routing_residual: bool = True
    """Whether MGRM adds Eq. (9) to the feature it refines. The paper: False, it is replaced."""
    residual_scale: float = 0.2
    """What the head's answer counts. The paper: 1."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, or would be endless: configurations come from files."""
        # A misspelt switch must not pass for the ablation it resembles.
        for name, choices in (
            ("expert_portion", get_args(ExpertPortion)),
            ("prompt_modality", get_args(PromptModality)),
            ("routing", get_args(RoutingPosition)),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} {getattr(self, name)!r} must be one of {choices}")
        self._check_sizes()
        self._check_divisions()

    def _check_sizes(self) -> None:
        if len(self.blocks) != len(self.heads) or len(self.blocks) < 2:
            raise ValueError(
                f"blocks {self.blocks} and heads {self.heads} must have the same length, "
                "two levels at least"
            )
        if len(self.blocks) > 6 or not all(0 <= number <= 64 for number in self.blocks):
            raise ValueError(f"blocks {self.blocks} must be at most 6 numbers from 0 to 64")
        if self.width % 2 or not 4 <= self.width <= 1024:
            raise ValueError(f"width {self.width} must be even, from 4 to 1024")
        if self.unshuffle not in (1, 2, 4):
            raise ValueError(f"unshuffle {self.unshuffle} must be 1, 2 or 4")
        for name in ("expansion", "residual_scale"):
            if not 0 < getattr(self, name) <= 16:
                raise ValueError(f"{name} {getattr(self, name)} must be above 0, at most 16")
        counts = ("guide_channels", "hidden_multiple", "experts", "atoms")
        for name in (*counts, "atom_width", "text_width"):
            if not 1 <= getattr(self, name) <= 8192:
                raise ValueError(f"{name} {getattr(self, name)} must lie between 1 and 8192")
        if not 1 <= self.active_experts <= self.experts:
            raise ValueError(f"active_experts {self.active_experts} must be 1 to {self.experts}")

    def _check_divisions(self) -> None:
        """Attention splits channels among heads, and experts may split them too."""
        for level, heads in enumerate(self.heads):
            width = self.width << level
            if heads < 1 or width % heads:
                raise ValueError(
                    f"width {width} of level {level + 1}: no multiple of {heads} heads"
                )
        if self.expert_portion == "channels" and self.width % self.experts:
            raise ValueError(
                f"width {self.width} cannot be split among {self.experts} experts: "
                "use expert_portion 'pixels'"
            )

    @property
    def size_multiple(self) -> int:
        """Inputs are padded inside to a multiple of this many guide pixels."""
        return self.unshuffle << (len(self.blocks) - 1)


Preset = Literal["magnet", "magnet-s", "magnet-paper"]
PRESETS: dict[Preset, MAGNetConfig] = {
    "magnet": MAGNetConfig(),
    "magnet-s": MAGNetConfig(width=32, unshuffle=2),
    "magnet-paper": MAGNetConfig(
        guide_channels=3,
        hidden_multiple=1,
        text_width=512,
        ratio_as_number=False,
        routing_residual=False,
        residual_scale=1.0,
    ),
}
"""Two sizes of ours, and the paper to the letter."""

_HOMES = {"network": ("MAGNet", "MAGNetOutput"), "routing": ("LevelRouting", "balance_loss")}


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first used (PEP 562)."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["PRESETS", "LevelRouting", "MAGNet", "MAGNetConfig", "MAGNetOutput", "balance_loss"]
