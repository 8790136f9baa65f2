"""The recurrence of a selective state space in plain torch, in steps that run side by side.

Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023, Algorithm 2.
A loop over a sequence of 16,384 tokens is 16,384 tiny steps. Here the sequence is cut into chunks
of :data:`CHUNK` tokens; a step takes the same token of every chunk at once, and what chunks leave
to their followers is a sequence as many times shorter, handled alike. It is the same sum in the
same order but for the rounding (``benchmarks/selective_scan.py`` has both and the times).

Sequences run along the first axis, so that a token of all samples and channels is one block of
memory.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

CHUNK = 16
"""Tokens a chunk: few enough that few steps follow one another, enough to shorten the sequence."""
_VALUES_ON_CPU = 2**19
"""States that are handled at once: 2 MiB stay in the cache of a processor, and bound the memory."""
_VALUES = 2**25
"""The same on other devices, where the number of steps costs more than memory does."""


def selective_scan(
    x: Float[Tensor, "n b c"],
    pace: Float[Tensor, "n b c"],
    decay: Float[Tensor, "s c"],
    write: Float[Tensor, "n b s"],
    read: Float[Tensor, "n b s"],
) -> Float[Tensor, "n b c"]:
    """Return what a state of ``s`` numbers a channel remembers of a sequence, in float32.

    ``h(t) = exp(pace(t) decay) h(t-1) + pace(t) x(t) write(t)``, ``y(t) = sum over s of read(t)
    h(t)``, with a state of zeros before the start. A stretch of the sequence at a time, so that
    without a gradient few of its states are in memory at once.
    """
    most = _VALUES_ON_CPU if x.device.type == "cpu" else _VALUES
    stretch = max(CHUNK, most // (x.shape[1] * decay.numel()))
    state = x.new_zeros(x.shape[1], *decay.shape, dtype=torch.float32)
    answers: list[Tensor] = []
    with torch.autocast(x.device.type, enabled=False):
        for first in range(0, len(x), stretch):
            now = slice(first, first + stretch)
            parts = (part[now].float() for part in (x, pace, write, read))
            answer, state = _stretch(decay, state, *parts)
            answers.append(answer)
    return torch.cat(answers)


def _stretch(
    decay: Float[Tensor, "s c"],
    state: Float[Tensor, "b s c"],
    x: Float[Tensor, "n b c"],
    pace: Float[Tensor, "n b c"],
    write: Float[Tensor, "n b s"],
    read: Float[Tensor, "n b s"],
) -> tuple[Float[Tensor, "n b c"], Float[Tensor, "b s c"]]:
    """Return the answers to a stretch of the sequence, and the state after it."""
    kept = (pace[:, :, None] * decay).exp()
    written = (pace * x)[:, :, None] * write[..., None]
    states: Tensor = LinearRecurrence.apply(kept, written, state)  # type: ignore[no-untyped-call]
    return torch.einsum("n b s c, n b s -> n b c", states, read), states[-1]


class LinearRecurrence(torch.autograd.Function):
    """``h(t) = kept(t) h(t-1) + written(t)``; its gradient is the same recurrence backwards."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        kept: Float[Tensor, "n *state"],
        written: Float[Tensor, "n *state"],
        state: Float[Tensor, "*state"],
    ) -> Float[Tensor, "n *state"]:
        """Return the states after every token of a sequence, from the one before it."""
        states = _scan(kept, written, state)
        ctx.save_for_backward(kept, states, state)
        return states

    @staticmethod
    @once_differentiable
    def backward(
        ctx: torch.autograd.function.BackwardCFunction, gradient: Float[Tensor, "n *state"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of what is kept, of what is written, and of the first state."""
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        kept, states, state = saved
        # The gradient of a state is its own, and that of the next times what was kept of it.
        ahead = torch.cat([torch.zeros_like(kept[:1]), kept[1:].flip(0)])
        total = _scan(ahead, gradient.flip(0), torch.zeros_like(state)).flip(0)
        before = torch.cat([state[None], states[:-1]])
        return total * before, total, total[0] * kept[0]


def _scan(
    kept: Float[Tensor, "n *state"], written: Float[Tensor, "n *state"], state: Tensor
) -> Float[Tensor, "n *state"]:
    """Return the states after every token, chunk beside chunk."""
    states = torch.empty_like(written)
    chunks = len(written) // CHUNK
    inside = chunks * CHUNK
    if chunks > 1:
        kept_in, written_in = _by_chunk(kept[:inside]), _by_chunk(written[:inside])
        states_in = _by_chunk(states[:inside])
        # Each chunk from a state of zeros: what it leaves, and how much of the state before it.
        left, passed = written_in[:, 0].clone(), kept_in[:, 0].clone()
        for token in range(1, CHUNK):
            torch.addcmul(written_in[:, token], kept_in[:, token], left, out=left)
            passed *= kept_in[:, token]
        after = _scan(passed, left, state)
        _follow(kept_in, written_in, torch.cat([state[None], after[:-1]]), states_in)
        state = after[-1]
    else:
        inside = 0
    _follow(kept[None, inside:], written[None, inside:], state[None], states[None, inside:])
    return states


def _by_chunk(x: Float[Tensor, "n *state"]) -> Float[Tensor, "k t *state"]:
    chunks: Tensor = x.unflatten(0, (-1, CHUNK))
    return chunks


def _follow(
    kept: Float[Tensor, "k t *state"],
    written: Float[Tensor, "k t *state"],
    state: Float[Tensor, "k *state"],
    states: Float[Tensor, "k t *state"],
) -> None:
    """Fill in the states of ``k`` chunks, token by token, each from its own first state."""
    for token in range(kept.shape[1]):
        state = torch.addcmul(written[:, token], kept[:, token], state, out=states[:, token])
