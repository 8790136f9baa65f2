"""A transformer on shifted windows, in the layout of SwinIR, as McMRSR uses it.

Liu et al., "Swin Transformer", ICCV 2021, and Liang et al., "SwinIR", ICCV Workshops 2021.
"""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.blocks.stochastic_depth import StochasticDepth

WINDOW = 8
"""Rows and columns of a window."""
SHIFT = WINDOW // 2
OTHER_REGION = -100.0
"""Added to scores between pixels that are neighbours only because the map was moved."""


class ShiftedWindowBlock(nn.Module):
    """Attention within windows, then a network on each pixel, each with a residual."""

    def __init__(self, width: int, heads: int, *, shifted: bool, dropped: float = 0.0) -> None:
        """Create a block.

        Args:
            width: Channels, a multiple of ``heads``.
            heads: Heads of the attention.
            shifted: Whether windows lie half a window further down and right.
            dropped: How often either residual is left out of a sample in training.
        """
        super().__init__()
        self.shift = SHIFT if shifted else 0
        self.leave_out = StochasticDepth(dropped)
        self.attention_norm = nn.LayerNorm(width)
        self.attention = BiasedWindowAttention(width, heads)
        self.pixel_norm = nn.LayerNorm(width)
        self.pixel = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Refine a feature whose sides are multiples of 8; its shape stays."""
        x = x + self.leave_out(self._attend(self.attention_norm(x)))
        refined: Tensor = x + self.leave_out(self.pixel(self.pixel_norm(x)))
        return refined

    def _attend(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        if not self.shift:
            return _joined(self.attention(_windows(x)), x.shape[2])
        regions = _regions((x.shape[1], x.shape[2]), x.device)
        regions = _windows(regions[None, :, :, None])[0, :, :, 0]
        apart = regions[:, :, None] != regions[:, None, :]
        forbidden = OTHER_REGION * apart.to(x.dtype)
        moved = _windows(x.roll((-self.shift, -self.shift), dims=(1, 2)))
        attended = _joined(self.attention(moved, forbidden), x.shape[2])
        return attended.roll((self.shift, self.shift), dims=(1, 2))


class BiasedWindowAttention(nn.Module):
    """Attention between the pixels of a window, with a learned bias for where they lie."""

    def __init__(self, width: int, heads: int) -> None:
        """Create it for ``width`` channels."""
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.bias = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, heads))
        nn.init.trunc_normal_(self.bias, std=0.02)
        self.project = nn.Linear(width, width)

    def forward(
        self,
        windows: Float[Tensor, "b n 64 c"],
        forbidden: Float[Tensor, "n 64 64"] | None = None,
    ) -> Float[Tensor, "b n 64 c"]:
        """Mix the pixels of each window; ``forbidden`` is added to their scores."""
        parts = self.query_key_value(windows).unflatten(3, (3, self.heads, -1))
        query, key, value = parts.permute(3, 0, 1, 4, 2, 5)
        bias = self.bias[_relative_places(windows.device)].permute(2, 0, 1)
        # torch's own attention has no fast path for a learned bias and is slower than this.
        scores = (query / query.shape[4] ** 0.5) @ key.transpose(3, 4)
        scores = scores + (bias if forbidden is None else bias + forbidden[:, None])
        mixed = scores.softmax(dim=4).to(value.dtype) @ value
        result: Tensor = self.project(mixed.transpose(2, 3).flatten(3))
        return result


class ShiftedWindowGroup(nn.Module):
    """Blocks in a row, every other one shifted, then a convolution, around a residual."""

    def __init__(self, width: int, heads: int, dropped: list[float]) -> None:
        """Create a group with one block for each rate in ``dropped``."""
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                ShiftedWindowBlock(width, heads, shifted=index % 2 == 1, dropped=rate)
                for index, rate in enumerate(dropped)
            )
        )
        self.convolve = convolution(width, width)

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Refine a feature; its shape stays."""
        refined: Tensor = self.convolve(self.blocks(x).permute(0, 3, 1, 2))
        return x + refined.permute(0, 2, 3, 1)


class ShiftedWindowExtractor(nn.Module):
    """Groups between two normalisations."""

    def __init__(self, width: int, heads: int, groups: int, blocks: int, dropped: float) -> None:
        """Create it.

        Args:
            width: Channels.
            heads: Heads of each attention.
            groups: Groups in a row.
            blocks: Blocks in a group.
            dropped: Rate of the last block; it rises linearly from 0.
        """
        super().__init__()
        rates = torch.linspace(0, dropped, groups * blocks, device="cpu").tolist()
        self.first_norm = nn.LayerNorm(width)
        self.groups = nn.Sequential(
            *(
                ShiftedWindowGroup(width, heads, rates[start : start + blocks])
                for start in range(0, groups * blocks, blocks)
            )
        )
        self.last_norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the deep feature of one whose sides are multiples of 8."""
        deep: Tensor = self.last_norm(self.groups(self.first_norm(x.permute(0, 2, 3, 1))))
        return deep.permute(0, 3, 1, 2)


def _windows(x: Shaped[Tensor, "b h w c"]) -> Shaped[Tensor, "b n 64 c"]:
    tiles = x.unflatten(2, (-1, WINDOW)).unflatten(1, (-1, WINDOW)).transpose(2, 3)
    windows: Tensor = tiles.flatten(3, 4).flatten(1, 2)
    return windows


def _joined(windows: Float[Tensor, "b n 64 c"], width: int) -> Float[Tensor, "b h w c"]:
    tiles = windows.unflatten(2, (WINDOW, WINDOW)).unflatten(1, (-1, width // WINDOW))
    joined: Tensor = tiles.transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return joined


def _regions(size: tuple[int, int], device: torch.device) -> Int[Tensor, "h w"]:
    """Number the parts of a moved map that were neighbours before, too."""
    rows, columns = (
        (torch.arange(side, device=device) >= side - WINDOW).int()
        + (torch.arange(side, device=device) >= side - SHIFT).int()
        for side in size
    )
    return 3 * rows[:, None] + columns


def _relative_places(device: torch.device) -> Int[Tensor, "64 64"]:
    """Return the row of the table of biases for every two pixels of a window."""
    pixel = torch.arange(WINDOW * WINDOW, device=device)
    row, column = pixel // WINDOW, pixel % WINDOW
    down, right = row[:, None] - row, column[:, None] - column
    return (down + WINDOW - 1) * (2 * WINDOW - 1) + right + WINDOW - 1
