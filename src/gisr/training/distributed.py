"""Training in several processes: each takes its share of every batch, and together they are one.

``torchrun`` starts the processes. What each of them computes is put together so that the number of
processes changes nothing but rounding: gradients are averaged by torch's DistributedDataParallel,
sums that are not linear in the samples are added up first, and routing noise belongs to the sample.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.overrides import TorchFunctionMode

from gisr.errors import RecipeError
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
            RecipeError: A process would have no sample of a batch, or the network is compiled.
        """
        if recipe.batch < self.count:
            raise RecipeError(
                f"batch {recipe.batch} cannot be shared by {self.count} processes: start at most "
                f"{recipe.batch}, or raise batch"
            )
        if recipe.compile and self.count > 1:
            raise RecipeError(
                f"compile: {self.count} processes share their noise, and torch.compile gives up "
                "at every operation where they do; set compile to false"
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

    def noise(self, batch: int) -> AbstractContextManager[object]:
        """Return a context in which random noise is that of a whole batch, cut to this share.

        Every process draws the noise of all samples and keeps its own. So a sample meets the same
        noise whichever process has it, and the generators of all processes stay alike: a
        checkpoint needs the state of one only.
        """
        return nullcontext() if self.count == 1 else _SharedNoise(batch, self.part_of(batch))


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


class _SharedNoise(TorchFunctionMode):
    """Answers ``randn_like`` with this share of noise drawn for the whole batch."""

    def __init__(self, batch: int, share: slice) -> None:
        super().__init__()
        self.batch = batch
        self.share = share

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        if function is not torch.randn_like:
            return function(*args, **(kwargs or {}))
        (like,) = args
        # Random numbers are drawn in the order of memory: samples first, then as in one process.
        whole = torch.empty_strided(
            (self.batch, *like.shape[1:]),
            (like[0].numel(), *like.stride()[1:]),
            dtype=like.dtype,
            device=like.device,
        )
        return torch.randn_like(whole, **(kwargs or {}))[self.share]
