"""The configuration of MAG-Net: one dial (``width``), the paper's constants, ablation switches."""

from dataclasses import dataclass
from typing import Literal, get_args

PromptModality = Literal["both", "visual", "text", "neither"]
"""What the prompt is made from (Table VI of the paper)."""
RoutingPosition = Literal["encoder", "decoder", "both", "none"]
"""Where MGRM stands (Table VII); ``none`` removes it (Table III)."""
ExpertPortion = Literal["pixels", "channels"]
"""What "a portion of F_L" (Section III-C) is: the pixels routed to an expert, or its channels."""


@dataclass(frozen=True)
class MAGNetConfig:
    """Everything that fixes the shape of a network.

    Raises:
        ValueError: A value is out of range; the message names it.
    """

    width: int = 48
    """C, the channels of the first level; level l has ``C * 2**(l-1)``. The one dial of size."""
    unshuffle: int = 1
    """Side of the pixel-unshuffle in front: 2 makes every level work at half the resolution."""
    blocks: tuple[int, ...] = (3, 4, 4, 5)
    """Transformer blocks per level (Section IV-B); the decoder mirrors all but the last."""
    heads: tuple[int, ...] = (1, 2, 4, 8)
    """Attention heads per level."""
    expansion: float = 2.66
    """Hidden width of the feed-forward network over its input width."""
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
    """Length of a text embedding (384: MiniLM, 512: CLIP ViT-B/32)."""
    prompt_module: bool = True
    """False removes MPGM (Table III)."""
    prompt_modality: PromptModality = "both"
    routing: RoutingPosition = "encoder"

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        self._check_switches()
        self._check_sizes()
        self._check_divisions()

    def _check_switches(self) -> None:
        """A misspelt switch must not pass for the ablation it resembles."""
        for name, choices in (
            ("expert_portion", get_args(ExpertPortion)),
            ("prompt_modality", get_args(PromptModality)),
            ("routing", get_args(RoutingPosition)),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} {getattr(self, name)!r} must be one of {choices}")

    def _check_sizes(self) -> None:
        """Bound every number, so that a damaged configuration cannot ask for endless layers."""
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
        if not 0 < self.expansion <= 16:
            raise ValueError(f"expansion {self.expansion} must be above 0, at most 16")
        for name in ("experts", "atoms", "atom_width", "text_width"):
            if not 1 <= getattr(self, name) <= 8192:
                raise ValueError(f"{name} {getattr(self, name)} must lie between 1 and 8192")
        if not 1 <= self.active_experts <= self.experts:
            raise ValueError(
                f"active_experts {self.active_experts} must lie between 1 and "
                f"experts {self.experts}"
            )

    def _check_divisions(self) -> None:
        """Attention splits channels among heads, and experts may split them too."""
        for level, heads in enumerate(self.heads):
            if heads < 1 or (self.width << level) % heads:
                raise ValueError(
                    f"width {self.width << level} of level {level + 1} is no multiple of its "
                    f"{heads} heads"
                )
        if self.expert_portion == "channels" and self.width % self.experts:
            raise ValueError(
                f"width {self.width} cannot be split among {self.experts} experts: "
                "use expert_portion 'pixels'"
            )

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.blocks)

    @property
    def size_multiple(self) -> int:
        """Inputs are padded inside to a multiple of this many guide pixels."""
        return self.unshuffle << (self.levels - 1)

    @property
    def routes_encoder(self) -> bool:
        """Whether MGRM stands in the encoder."""
        return self.routing in ("encoder", "both")

    @property
    def routes_decoder(self) -> bool:
        """Whether MGRM stands in the decoder."""
        return self.routing in ("decoder", "both")


Preset = Literal["magnet", "magnet-s"]
"""The two published sizes."""
PRESETS: dict[Preset, MAGNetConfig] = {
    "magnet": MAGNetConfig(),
    "magnet-s": MAGNetConfig(width=32, unshuffle=2),
}
