"""Training in several processes: each takes its share of every batch, and together they are one.

``torchrun`` starts the processes. What each of them computes is put together so that the number of
processes changes nothing but rounding: gradients are averaged by torch's DistributedDataParallel,
sums that are not linear in the samples are added up first, and routing noise belongs to the sample.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gisr.errors import RecipeError
from gisr.magnet.routing import Router
from gisr.training.recipe import Recipe

Item = TypeVar("Item")

_PATIENCE = timedelta(hours=2)
"""How long processes wait for one another: the first validates while the others stand still."""


@dataclass(frozen=True)
class Processes:
    """The processes that train together, seen from one of them; a process alone by default."""

    rank: int = 0
    """Number of this process, from 0."""
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and validates."""
        return self.rank == 0

    def check(self, recipe: Recipe) -> None:
        """Refuse recipes that these processes cannot follow.

        Raises:
            RecipeError: A process would have no sample of a batch.
        """
        smallest = min((recipe.batch, *(stage.batch for stage in recipe.stages)))
        if smallest < self.count:
            raise RecipeError(
                f"batch {smallest} cannot be shared by {self.count} processes: start at most "
                f"{smallest}, or raise batch"
            )

    def share(self, batch: Sequence[Item]) -> list[Item]:
        """Return this process's samples of a batch; shares differ by one sample at most."""
        return list(batch[self.part_of(len(batch))])

    def part_of(self, size: int) -> slice:
        """Return which samples of a batch of that size are this process's."""
        return slice(size * self.rank // self.count, size * (self.rank + 1) // self.count)

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes; its gradient is summed as well."""
        if self.count == 1:
            return values
        total: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
        return total

    def around(self, network: nn.Module) -> nn.Module:
        """Return the network so that its backward pass averages gradients over the processes."""
        if self.count == 1:
            return network
        return DistributedDataParallel(network)

    def share_noise(self, network: nn.Module, batch: int) -> None:
        """Let every router draw the noise of a whole batch and keep that of this share.

        So a sample meets the same noise whichever process has it, and the generators of all
        processes stay alike: a checkpoint needs the state of one only.
        """
        if self.count == 1:
            return
        for module in network.modules():
            if isinstance(module, Router):
                module.draw = partial(_noise, batch, self.part_of(batch))


def own_device(device: str) -> str:
    """Return the device of this process: with ``cuda``, each of a machine takes another GPU."""
    if device == "cuda" and dist.is_torchelastic_launched():
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return device


def leads() -> bool:
    """Return whether this process writes and reports: the first that torchrun started, or alone."""
    return not dist.is_torchelastic_launched() or os.environ["RANK"] == "0"


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun started, or be alone; leave them at the end."""
    if not dist.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


class _Total(torch.autograd.Function):
    """All-reduce with a gradient; torch's own is deprecated in favour of a private module."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:  # noqa: ANN401
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        (gradient,) = gradients
        return _Total.forward(context, gradient)


def _noise(batch: int, share: slice, shape: Sequence[int], *, device: torch.device) -> Tensor:
    """Return this share of noise drawn for the whole batch."""
    return torch.randn((batch, *shape[1:]), device=device)[share]
