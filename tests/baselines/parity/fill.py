"""Values for every parameter of a network that depend on its shape and kind alone.

A network written from a description then gives the numbers of the original, whatever the names
and the order of its layers are.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator
from fnmatch import fnmatch
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

FillName = Literal["A", "B", "AS", "BS", "AT", "BT"]
"""A is the plain rule; B leaves free parameters as large as they are drawn, so that they are seen.

S and T make all layers smaller, by 0.7 and 0.35, where A or B let long stacks explode.
"""
Kind = Literal[
    "one-element", "(k,1,1)", "ndim>=2", "free ndim>=2", "gamma", "other ndim 1", "free ndim 1"
]
"""The rows of the rule, named as in the golden files."""

LAYERS = (_ConvNd, nn.Linear, nn.Bilinear, nn.Embedding, nn.RNNBase, nn.RNNCellBase)
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, _NormBase)
_SMALLER = {"": 1.0, "S": 0.7, "T": 0.35}


def uniform(stream: int, *shape: int) -> Tensor:
    """Return an input of the golden files: uniform in [0, 1), one stream each."""
    return torch.from_numpy(np.random.default_rng(stream).random(shape).astype(np.float32))


def normal(stream: int, *shape: int) -> Tensor:
    """Return an input of the golden files that is called normal."""
    values = np.random.default_rng(stream).standard_normal(shape)
    return torch.from_numpy(values.astype(np.float32))


def fill(module: nn.Module, name: FillName, not_free: Collection[str] = ()) -> None:
    """Give every parameter its value; buffers keep theirs.

    Args:
        module: Any module.
        name: Of the fill.
        not_free: Patterns of names of parameters that count as weights or biases of layers though
            they belong to no layer of torch.
    """
    scale = _SMALLER[name[1:]]
    with torch.no_grad():
        for parameter, kind in _kinds(module, name, not_free):
            values = _values(tuple(parameter.shape), kind, name, scale)
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def count_kinds(module: nn.Module, name: FillName, not_free: Collection[str] = ()) -> Counter[Kind]:
    """Return how many tensors each row of the rule has."""
    return Counter(kind for _, kind in _kinds(module, name, not_free))


def _kinds(
    module: nn.Module, name: FillName, not_free: Collection[str]
) -> Iterator[tuple[nn.Parameter, Kind]]:
    owners = dict(module.named_modules())
    used = set[str]()
    for full_name, parameter in module.named_parameters():
        owner_name, _, own_name = full_name.rpartition(".")
        matching = {pattern for pattern in not_free if fnmatch(full_name, pattern)}
        used |= matching
        owner = owners[owner_name]
        free = not matching and not isinstance(owner, (*LAYERS, *NORMS, nn.PReLU))
        gain = isinstance(owner, NORMS) and own_name == "weight"
        yield parameter, _kind(tuple(parameter.shape), free and name[0] == "B", gain)
    if used != set(not_free):
        raise ValueError(f"no parameter is called {', '.join(sorted(set(not_free) - used))}")


def _kind(shape: tuple[int, ...], free: bool, gain: bool) -> Kind:
    """Return the row of a tensor: the first that fits."""
    if len(shape) <= 1 and math.prod(shape) == 1:
        return "one-element"
    if len(shape) == 3 and shape[1:] == (1, 1):
        return "(k,1,1)"
    if len(shape) >= 2:
        return "free ndim>=2" if free else "ndim>=2"
    if gain:
        return "gamma"
    return "free ndim 1" if free else "other ndim 1"


def _values(shape: tuple[int, ...], kind: Kind, name: FillName, scale: float) -> "np.ndarray":
    drawn = np.random.default_rng([int(size) for size in shape] or [0]).standard_normal(shape)
    plain = name[0] == "A"
    match kind:
        case "one-element":
            return np.full(shape, 1.0 if plain else 0.25)
        case "(k,1,1)":
            return np.ones(shape) if plain else 1 + 0.1 * drawn
        case "ndim>=2":
            return scale * drawn / math.sqrt(math.prod(shape[1:]))
        case "free ndim>=2":
            return drawn
        case "gamma" | "free ndim 1":
            return 1 + 0.1 * drawn
        case "other ndim 1":
            return 0.02 * drawn
