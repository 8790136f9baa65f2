"""The state-space layers of FusionMamba: an image is read along its rows and columns, both ways."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gisr.baselines.pansharpening.selective_scan import selective_scan

_STATES = 8
_TAPS = 4
"""Tokens that the convolution before the scan sees: its own and the three before."""
_PACES = (0.001, 0.1)
"""Between which an untrained layer's paces lie, evenly by their logarithm."""


class ScanDirection(nn.Module):
    """A selective state space along one order of the tokens, gated."""

    def __init__(self, width: int) -> None:
        """Create one over ``width`` channels, with the initial values of Mamba."""
        super().__init__()
        self.rank = math.ceil(width / 16)
        self.local = nn.Conv1d(width, width, _TAPS, groups=width)
        self.selection = nn.Linear(width, self.rank + 2 * _STATES, bias=False)
        self.pace = nn.Linear(self.rank, width)
        self.decay_log = nn.Parameter(torch.arange(1.0, _STATES + 1).log().repeat(width, 1))
        self.skip = nn.Parameter(torch.ones(width))
        nn.init.uniform_(self.pace.weight, -(self.rank**-0.5), self.rank**-0.5)
        low, high = map(math.log, _PACES)
        paces = torch.empty(width).uniform_(low, high).exp()
        with torch.no_grad():
            self.pace.bias.copy_(paces + (-(-paces).expm1()).log())  # softplus gives them again

    def forward(
        self,
        x: Float[Tensor, "n b c"],
        gate: Float[Tensor, "n b c"],
        source: Float[Tensor, "n b c"] | None,
    ) -> Float[Tensor, "n b c"]:
        """Return the tokens as the state space answers them.

        Args:
            x: The sequence along its first axis.
            gate: Of the answers.
            source: What selects what is kept, written and read; the sequence itself when not given.
        """
        padded = F.pad(x, (0, 0, 0, 0, _TAPS - 1, 0))
        local = self.local(padded.permute(1, 2, 0)).permute(2, 0, 1)
        seen = F.silu(local).contiguous()
        selection = self.selection(seen if source is None else source)
        pace, write, read = selection.split([self.rank, _STATES, _STATES], dim=-1)
        pace, decay = F.softplus(self.pace(pace)), -self.decay_log.exp()
        answer = selective_scan(seen, pace, decay.T.contiguous(), write, read)
        gated: Tensor = (answer + self.skip * seen) * F.silu(gate)
        return gated


class StateSpaceMixer(nn.Module):
    """An image's tokens mixed along several orders: by row and by column, forward and back.

    With a second input, what is kept, written and read at a token is selected by that input.
    """

    def __init__(self, width: int, *, directions: int = 4, guided: bool = False) -> None:
        """Create a mixer.

        Args:
            width: Channels.
            directions: 4, or 2 for rows alone.
            guided: Whether it takes a second input.
        """
        super().__init__()
        self.enter = nn.Linear(width, 2 * width, bias=False)
        self.enter_source = nn.Linear(width, width, bias=False) if guided else None
        self.scans = nn.ModuleList(ScanDirection(width) for _ in range(directions))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "h w b c"], source: Float[Tensor, "h w b c"] | None = None
    ) -> Float[Tensor, "h w b c"]:
        """Return the mixed tokens; ``source`` is the second input of a guided mixer."""
        image, gate = self.enter(x).chunk(2, dim=-1)
        if self.enter_source is not None:
            source = self.enter_source(source)
        total = torch.zeros_like(image)
        for order in range(len(self.scans)):
            inputs = (order, image, gate, source)
            if torch.is_grad_enabled():
                # States are eight times as large as maps: worked out again rather than kept.
                answer = checkpoint(
                    self._along, *inputs, use_reentrant=False, preserve_rng_state=False
                )
            else:
                answer = self._along(*inputs)
            total = total + answer
        mixed: Tensor = self.leave(self.norm(total / len(self.scans)))
        return mixed

    def _along(
        self,
        order: int,
        x: Float[Tensor, "h w b c"],
        gate: Float[Tensor, "h w b c"],
        source: Float[Tensor, "h w b c"] | None,
    ) -> Float[Tensor, "h w b c"]:
        """Return what the scan along one order answers, as an image again."""
        selected_by = None if source is None else _ordered(source, order)
        answer = self.scans[order](_ordered(x, order), _ordered(gate, order), selected_by)
        return _restored(answer, order, x.shape)


def _ordered(x: Float[Tensor, "h w b c"], order: int) -> Float[Tensor, "n b c"]:
    """Return the tokens row by row, the reverse, column by column, or the reverse of that."""
    by_row = x if order < 2 else x.transpose(0, 1)
    tokens = by_row.flatten(0, 1)
    return tokens.flip(0) if order % 2 else tokens


def _restored(tokens: Float[Tensor, "n b c"], order: int, size: torch.Size) -> Tensor:
    """Undo :func:`_ordered` for an image of a size."""
    height, width = size[:2]
    forward = tokens.flip(0) if order % 2 else tokens
    sides = (height, width) if order < 2 else (width, height)
    image: Tensor = forward.unflatten(0, sides)
    return image if order < 2 else image.transpose(0, 1)
