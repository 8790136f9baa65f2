"""Weights of the published networks on disk: safetensors and JSON, as MAG-Net's are.

A folder holds ``config.json`` (format and what the network is built for) and ``model.safetensors``
(every tensor, no more and no less).
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from gisr.baselines.network import ComparedNetwork
from gisr.baselines.systems import SystemShape
from gisr.errors import WeightsError, shortened
from gisr.memory import memory_errors
from gisr.tasks import TASKS
from gisr.weights.folder import (
    CONFIG_FILE,
    SYSTEM_FORMAT,
    TENSORS_FILE,
    check_tensors,
    read_config_file,
)
from gisr.weights.store import misfit, read_tensors, tensor_file, write_files


@dataclass(frozen=True, eq=False)
class SystemWeights:
    """A published network ready to run."""

    name: str
    network: ComparedNetwork
    shape: SystemShape


def save_system(
    folder: str | Path, network: ComparedNetwork, shape: SystemShape, *, name: str
) -> None:
    """Write a published network's weights.

    Args:
        folder: Created when missing; files of the same names are replaced.
        network: Its tensors are stored in float32.
        shape: What it was built for.
        name: Name of the weights.

    Raises:
        WeightsError: A tensor holds values that are not finite.
        FileFormatError: The disk refuses a file; none of them was replaced then.
    """
    target = Path(folder)
    config = {"format": SYSTEM_FORMAT, "name": name, "system": asdict(shape)}
    contents = {
        TENSORS_FILE: tensor_file(network.state_dict(), torch.float32, str(target)),
        CONFIG_FILE: (json.dumps(config, indent=1) + "\n").encode(),
    }
    write_files(target, contents)


def load_system(folder: str | Path) -> SystemWeights:
    """Load a published network's weights; strict, and nothing in the folder can run code.

    Raises:
        WeightsError: Nothing is there, it is damaged, or it does not fit its configuration.
        LimitError: Memory does not suffice.
    """
    path = Path(folder)
    with memory_errors(str(path), "these weights need a machine with more of it"):
        config = read_config_file(path / CONFIG_FILE, SYSTEM_FORMAT)
        shape = _shape(config, path / CONFIG_FILE)
        check_tensors(path / TENSORS_FILE)
        tensors = read_tensors(path / TENSORS_FILE)
        try:
            network = shape.build()
        except ValueError as error:
            raise WeightsError(f"{path / CONFIG_FILE}: {shape.name}: {error}") from error
        if wrong := misfit(network.state_dict(), tensors):
            raise WeightsError(f"{path}: tensors do not fit {CONFIG_FILE}: {wrong}")
        network.load_state_dict(tensors)
    return SystemWeights(str(config.get("name", shape.name)), network.eval(), shape)


def _shape(config: dict[str, Any], path: Path) -> SystemShape:
    """Turn the JSON into a shape, refusing what is unknown, missing or of another type."""
    values = config.get("system")
    kinds = {
        "name": str,
        "tasks": list,
        "target_channels": int,
        "guide_channels": int,
        "ratio": int,
        "width": float,
    }
    if not isinstance(values, dict) or set(values) != set(kinds):
        raise WeightsError(f"{path}: 'system' must hold {', '.join(kinds)} and nothing else")
    for name, kind in kinds.items():
        if type(values[name]) is not kind and not (kind is float and type(values[name]) is int):
            raise WeightsError(f"{path}: {name} cannot be {shortened(repr(values[name]))}")
    if not values["tasks"] or not set(map(str, values["tasks"])) <= set(TASKS):
        raise WeightsError(f"{path}: tasks cannot be {shortened(repr(values['tasks']))}")
    if min(values["target_channels"], values["guide_channels"], values["ratio"]) < 1:
        raise WeightsError(f"{path}: channels and ratio must be at least 1")
    if max(values["target_channels"], values["guide_channels"], values["ratio"]) > 64:
        raise WeightsError(f"{path}: channels and ratio must be at most 64")
    if not 0 < values["width"] <= 4:
        raise WeightsError(f"{path}: width must lie above 0 and not above 4")
    try:
        return SystemShape(**{**values, "tasks": tuple(values["tasks"])})
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from error


__all__ = ["SystemWeights", "load_system", "save_system"]
