"""What the parity tests must know of a compared system beside its golden file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.baselines.parity.fill import FillName
from tests.baselines.parity.golden import Entry, Sheet
from torch import Tensor, nn

from gisr.baselines.network import ComparedNetwork


def nothing_left_out() -> nn.Module:
    """Return no layer."""
    return nn.Module()


def as_built(module: Any) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Configuration:
    """One way in which the original was run."""

    build: Callable[[], nn.Module]
    left_out: Callable[[], nn.Module] = nothing_left_out
    """The layers of the original that nothing uses and that ours does not have."""
    params: str | None = None
    """Its key in the golden file's totals and shapes; its own name where it is None."""
    idle: tuple[str, ...] = ()
    """Patterns of names of parameters of ours that are used and yet get no gradient."""


@dataclass(frozen=True)
class Block:
    """A block of the network alone, or a function without parameters."""

    call: Callable[[Any], Tensor]
    """Run the block that ``build`` returned on its golden input."""
    build: Callable[[], Any] = nn.Module
    fill: FillName = "B"
    not_free: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParitySystem:
    """How a compared system is built and called for each number of its golden file."""

    kind: type[ComparedNetwork]
    sheet: Sheet
    configurations: Mapping[str, Configuration]
    """By the name that stands before the fill in the names of outputs, most important first."""
    run: Callable[[Any, Entry], Mapping[str, Tensor]]
    """Run a network on an entry's input; return its outputs by name, "" the only one."""
    blocks: Mapping[str, Block]
    """By name: every entry of ``modules``, and of ``forward`` where the name has no fill."""
    small: Callable[[int, int, int], ComparedNetwork]
    """Build a narrow network for channels of target and guide and a ratio."""
    channels: tuple[tuple[int, int], ...]
    """Numbers of channels of target and guide that it is tried with."""
    not_free: tuple[str, ...] = ()
    """Patterns of names of parameters that count as weights of layers."""
    quick: tuple[str, ...] = ()
    """Beginnings of names of outputs and blocks that are always computed.

    All others with GISR_ALL_GOLDEN=1 alone. Empty: all of them always.
    """
    not_compared: Mapping[str, str] = field(default_factory=dict)
    """Names of entries that are left out, and why."""
    prepare: Callable[[Any], None] = as_built
    """What is set before a network or block runs, buffers for instance."""
    gradient_size: tuple[int, int] | None = None
    """Height and width of the output by which the gradients are checked; small is quick."""
    target: tuple[int, int] = (13, 18)
    """Size of the target that it is tried with, smaller at ratios above 4."""
    learning_rate: float = 1e-3
    """Of the few steps that must lower the error."""
    on_meta: bool = True
    """Whether it can be built without memory, which is quick: ``prepare`` sets all buffers."""
