"""Weights that a system's authors published, in our layout: the one place that opens a pickle."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gisr.baselines.network import ComparedNetwork
from gisr.baselines.systems import SystemShape
from gisr.errors import FileFormatError, InputError, WeightsError, listed
from gisr.memory import memory_errors

_DEEPEST = 4
"""Dictionaries inside dictionaries that are searched for tensors."""
_COMMON_PREFIXES = ("module.", "model.", "net.", "netG.", "generator.")
"""What trainers put before every name."""


@dataclass(frozen=True, eq=False)
class Converted:
    """A network with its authors' weights."""

    network: ComparedNetwork
    left_over: tuple[str, ...]
    """Tensors of the file without a counterpart: layers that take no part in the result."""


def convert_weights(path: str | Path, shape: SystemShape) -> Converted:
    """Read weights as a system's authors published them.

    The file is opened with ``weights_only=True``: it can hold tensors and plain values, and cannot
    run code.

    Args:
        path: A ``.pth`` or ``.pt`` file.
        shape: The system, at the ratio that the weights are for.

    Raises:
        FileFormatError: The file is missing, damaged, or holds more than tensors and plain values.
        WeightsError: Its tensors are not those of the system.
        InputError: The names in the files of this system are not known.
        LimitError: Memory does not suffice.
    """
    tensors = _read(Path(path))
    try:
        network = shape.build()
        names = type(network).names_of(tensors)
    except ValueError as error:
        raise InputError(f"{shape.name}: {error}") from error
    except NotImplementedError as error:
        raise InputError(f"{shape.name}: {error}: train it by gisr train {shape.name}") from error
    found = {ours: tensors[theirs] for theirs, ours in names.items()}
    wanted = network.state_dict()
    if missing := wanted.keys() - found.keys():
        raise WeightsError(f"{path}: misses of {shape.name} x{shape.ratio}: {listed(missing)}")
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            raise WeightsError(
                f"{path}: {name} has the shape {list(found[name].shape)}, that of {shape.name} "
                f"x{shape.ratio} is {list(tensor.shape)}: name another --ratio"
            )
    network.load_state_dict({name: found[name].to(tensor.dtype) for name, tensor in wanted.items()})
    used = {theirs for theirs, ours in names.items() if ours in wanted}
    return Converted(network.eval(), tuple(sorted(tensors.keys() - used)))


def _read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, without what a trainer put before every name."""
    if not path.is_file():
        raise FileFormatError(f"{path}: there is no such file: check the name")
    try:
        with memory_errors(str(path), "close other programs"):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise FileFormatError(
            f"{path}: is not read, it is damaged or holds more than tensors and plain values: save "
            "its state_dict alone, torch.save(network.state_dict(), 'theirs.pth')"
        ) from error
    tensors = _tensors(content)
    if not tensors:
        raise FileFormatError(f"{path}: holds no tensors by name")
    for prefix in _COMMON_PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _tensors(content: Any, depth: int = 0) -> dict[str, Tensor]:  # noqa: ANN401 - a stranger's
    """Return the largest group of named tensors, at most a few dictionaries deep."""
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    groups = [own, *(_tensors(value, depth + 1) for value in content.values())]
    return max(groups, key=len)


__all__ = ["Converted", "convert_weights"]
