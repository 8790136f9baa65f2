"""Weights on disk, in the layout of the Hugging Face hub: safetensors and JSON, nothing else.

A folder holds ``config.json`` (format, shape of the network, text encoder), ``model.safetensors``
(every tensor, no more and no less), ``descriptions.safetensors`` (the embedded descriptions) and
``README.md`` (the card). Loading is strict, and nothing in a folder can run code.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gisr.errors import WeightsError
from gisr.magnet import MAGNet
from gisr.tasks.text.table import DescriptionTable
from gisr.weights.folder import (
    CARD_FILE,
    CONFIG_FILE,
    DESCRIPTIONS_FILE,
    FORMAT,
    TENSORS_FILE,
    WeightsFolder,
    find_weights,
)

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True, eq=False)
class Weights:
    """A network ready to run, with the descriptions it was trained on."""

    name: str
    network: MAGNet
    descriptions: DescriptionTable


def load_weights(name_or_path: str | Path | None = None) -> Weights:
    """Load weights by built-in name, folder, or hub id.

    Args:
        name_or_path: As :func:`gisr.weights.folder.find_weights` takes it.

    Raises:
        WeightsError: Nothing is there, or it does not fit its configuration.
    """
    return load_folder(find_weights(name_or_path))


def load_folder(folder: WeightsFolder) -> Weights:
    """Load weights that were found and checked.

    Raises:
        WeightsError: The tensors are not those of the network in the configuration.
    """
    path = folder.path / TENSORS_FILE
    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors ({error})") from error
    return Weights(folder.name, _build(folder, tensors).eval(), folder.descriptions)


def save_weights(
    folder: str | Path,
    network: MAGNet,
    descriptions: DescriptionTable,
    *,
    name: str,
    dtype: torch.dtype = torch.float32,
    card: str | None = None,
) -> None:
    """Write weights in the hub's layout.

    Args:
        folder: Created when missing; files of the same names are replaced.
        network: Its tensors are stored in ``dtype``.
        descriptions: The table the network was trained with.
        name: Name of the weights.
        dtype: float32, float16 or bfloat16.
        card: Text of the card, Markdown.

    Raises:
        WeightsError: A tensor holds values that are not finite.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: value.detach().to("cpu", dtype).contiguous(memory_format=torch.contiguous_format)
        for key, value in network.state_dict().items()
    }
    _check_tensors(tensors, str(target))
    config = {
        "format": FORMAT,
        "name": name,
        "network": asdict(network.config),
        "text_encoder": descriptions.encoder,
    }
    save_file(tensors, _part(target / TENSORS_FILE), metadata={"format": "pt"})
    _part(target / TENSORS_FILE).chmod(0o644)  # safetensors lets only the owner read
    _part(target / TENSORS_FILE).replace(target / TENSORS_FILE)
    descriptions.save(target / DESCRIPTIONS_FILE)
    _write_text(target / CONFIG_FILE, json.dumps(config, indent=1) + "\n")
    if card is not None:
        _write_text(target / CARD_FILE, card)


def _build(folder: WeightsFolder, tensors: dict[str, torch.Tensor]) -> MAGNet:
    """Fill a network with exactly these tensors; one that does not fit is never allocated."""
    with torch.device("meta"):
        network = MAGNet(folder.config)
    try:
        # Copies: where a file happens to lie in memory would show in the last digit of results.
        values = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
        network.load_state_dict(values, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{folder.path}: tensors do not fit {CONFIG_FILE}: {reason}") from error
    return network


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _write_text(path: Path, text: str) -> None:
    _part(path).write_text(text, encoding="utf-8")
    _part(path).replace(path)


def _check_tensors(tensors: dict[str, torch.Tensor], where: str) -> None:
    for key, value in tensors.items():
        if value.dtype not in _DTYPES:
            raise WeightsError(f"{where}: tensor {key!r} is {value.dtype}, not one of {_DTYPES}")
        if not torch.isfinite(value).all():
            raise WeightsError(f"{where}: tensor {key!r} holds NaN or infinity: do not use it")
