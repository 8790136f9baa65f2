"""Weights that a system's authors published, in our layout: the one place that opens a pickle."""

import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gisr.baselines.network import ComparedNetwork
from gisr.baselines.systems import SystemShape
from gisr.errors import FileFormatError, InputError, WeightsError, listed
from gisr.io.files import check_readable
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
    choice: str = ""
    """Which of several networks of the file was taken, in words; empty where it holds one."""


@dataclass(frozen=True, eq=False)
class _Published:
    """What a file holds of a network."""

    tensors: dict[str, Tensor]
    choice: str


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
    published = _read(path)
    tensors = published.tensors
    try:
        network = shape.build()
        names = type(network).names_of(tensors)
    except ValueError as error:
        raise InputError(f"{shape.name}: {error}") from error
    except NotImplementedError as error:
        raise InputError(f"{shape.name}: {error}: train it by gisr train {shape.name}") from error
    found = {ours: tensors[theirs] for theirs, ours in names.items() if theirs in tensors}
    wanted = network.state_dict()
    if missing := wanted.keys() - found.keys():
        raise WeightsError(
            f"{path}: misses of {shape.name} x{shape.ratio}: {listed(missing)}; the file has "
            f"{listed(tensors)}"
        )
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            raise WeightsError(
                f"{path}: {name} has the shape {list(found[name].shape)}, that of {shape.name} "
                f"x{shape.ratio} is {list(tensor.shape)}: name another --ratio"
            )
        if not torch.isfinite(found[name]).all():
            raise WeightsError(f"{path}: {name} holds NaN or infinity: download the file again")
    network.load_state_dict({name: found[name].to(tensor.dtype) for name, tensor in wanted.items()})
    used = {theirs for theirs, ours in names.items() if ours in wanted}
    left_over = tuple(sorted(tensors.keys() - used))
    return Converted(network.eval(), left_over, published.choice)


def _read(path: str | Path) -> _Published:
    """Return the tensors of a file by name, without what a trainer put before every name."""
    place = check_readable(path)
    try:
        with memory_errors(str(path), "close other programs"):
            content = torch.load(place, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise FileFormatError(
            f"{path}: is not read, it is damaged or holds more than tensors and plain values: save "
            "its state_dict alone, torch.save(network.state_dict(), 'theirs.pth')"
        ) from error
    groups = dict(_groups(content))
    if not groups:
        raise FileFormatError(f"{path}: holds no tensors by name")
    most = max(map(len, groups.values()))
    largest = [name for name, tensors in groups.items() if len(tensors) == most]
    name = next(filter(_is_averaged, largest), largest[0])
    others = [each for each in largest if each != name]
    choice = f"{name} is taken, not {listed(others)}" if others else ""
    return _Published(_without_prefixes(groups[name]), choice)


def _groups(content: Any, name: str = "") -> Iterator[tuple[str, dict[str, Tensor]]]:  # noqa: ANN401 - a stranger's
    """Yield each group of named tensors with its place, at most a few dictionaries deep."""
    if not isinstance(content, Mapping) or name.count(".") >= _DEEPEST:
        return
    if own := {str(key): value for key, value in content.items() if isinstance(value, Tensor)}:
        yield name.removeprefix("."), own
    for key, value in content.items():
        yield from _groups(value, f"{name}.{str(key).replace('.', '_')}")


def _is_averaged(name: str) -> bool:
    """Whether a group is the moving average of a network, which is what its authors publish."""
    return "ema" in re.split(r"[^a-z]+", name.lower())


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors without what stands before every name, in whichever order trainers put it."""
    for prefix in _COMMON_PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _without_prefixes({name.removeprefix(prefix): t for name, t in tensors.items()})
    return tensors


__all__ = ["Converted", "convert_weights"]
