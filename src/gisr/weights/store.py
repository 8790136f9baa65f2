"""Weights on disk, in the layout of the Hugging Face hub: safetensors and JSON, nothing else.

A folder holds ``config.json`` (format, shape of the network, text encoder), ``model.safetensors``
(every tensor, no more and no less), ``descriptions.safetensors`` (the embedded descriptions) and
``README.md`` (the card). Loading is strict, and nothing in a folder can run code.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from gisr.errors import WeightsError, listed, shortened
from gisr.magnet import MAGNet
from gisr.memory import is_out_of_memory, memory_errors
from gisr.tasks import TaskName
from gisr.tasks.text.table import DescriptionTable
from gisr.temporaries import sweep, write_error, written_whole
from gisr.weights.folder import (
    CARD_FILE,
    CONFIG_FILE,
    DESCRIPTIONS_FILE,
    FOR_BANDS,
    FORMAT,
    TENSORS_FILE,
    WeightsFolder,
    embedded_folder,
    find_weights,
)
from gisr.weights.widening import widened_network

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True, eq=False)
class Weights:
    """A network ready to run, with the descriptions it was trained on."""

    name: str
    network: MAGNet
    descriptions: DescriptionTable
    for_bands: str | None = None
    """Name of the weights to take in their place where bands guide bands; these when None."""
    tasks: tuple[TaskName, ...] | None = None
    """What they were trained on; None where that is not known."""

    def widened(self, guide_channels: int) -> "Weights":
        """Return the same weights for guides of more channels; answers to others stay the same.

        Raises:
            ValueError: They take more already.
        """
        return replace(self, network=widened_network(self.network, guide_channels))

    def save(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write them, without a card, as :func:`save_weights` does."""
        network, table = self.network, self.descriptions
        save_weights(folder, network, table, name=self.name, dtype=dtype, tasks=self.tasks)


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
        LimitError: Memory does not suffice.
    """
    path = folder.path / TENSORS_FILE
    with memory_errors(str(path), "these weights need a machine with more of it"):
        tensors = read_tensors(path)
        network = _build(folder, tensors).eval()
        ours = folder.path == embedded_folder(folder.path.name)
        bands = FOR_BANDS.get(folder.path.name) if ours else None
        return Weights(folder.name, network, folder.descriptions, bands, folder.tasks)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a file.

    Raises:
        WeightsError: It is damaged.
        MemoryError: Memory does not suffice; the caller says for what.
    """
    try:
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        reason = shortened(str(error), 200)
        raise WeightsError(f"{path}: cannot be read as safetensors ({reason})") from error


def save_weights(
    folder: str | Path,
    network: MAGNet,
    descriptions: DescriptionTable,
    *,
    name: str,
    dtype: torch.dtype = torch.float32,
    card: str | None = None,
    tasks: Sequence[TaskName] | None = None,
) -> None:
    """Write weights in the hub's layout.

    Args:
        folder: Created when missing; files of the same names are replaced.
        network: Its tensors are stored in ``dtype``.
        descriptions: The table the network was trained with.
        name: Name of the weights.
        dtype: float32, float16 or bfloat16.
        card: Text of the card, Markdown.
        tasks: What the network was trained on; None where that is not known.

    Raises:
        WeightsError: A tensor holds values that are not finite.
        FileFormatError: The disk refuses a file; none of them was replaced then.
    """
    target = Path(folder)
    config = {
        "format": FORMAT,
        "name": name,
        "network": asdict(network.config),
        "text_encoder": descriptions.encoder,
    }
    if tasks is not None:
        config["tasks"] = list(tasks)
    contents = {
        TENSORS_FILE: tensor_file(network.state_dict(), dtype, str(target)),
        DESCRIPTIONS_FILE: descriptions.content(),
        CONFIG_FILE: (json.dumps(config, indent=1) + "\n").encode(),
    }
    if card is not None:
        contents[CARD_FILE] = card.encode()
    write_files(target, contents)


def tensor_file(tensors: dict[str, torch.Tensor], dtype: torch.dtype, where: str) -> bytes:
    """Return tensors as a safetensors file in one type.

    As bytes: what safetensors writes itself is for the owner's eyes, and fails without the system's
    reason.

    Raises:
        WeightsError: A tensor holds values that are not finite.
    """
    stored = {
        key: value.detach().to("cpu", dtype).contiguous(memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }
    _check_tensors(stored, where)
    return save(stored, metadata={"format": "pt"})


def _build(folder: WeightsFolder, tensors: dict[str, torch.Tensor]) -> MAGNet:
    """Fill a network with exactly these tensors; one that does not fit is never allocated."""
    with torch.device("meta"):
        network = MAGNet(folder.config)
    if wrong := misfit(network.state_dict(), tensors):
        raise WeightsError(f"{folder.path}: tensors do not fit {CONFIG_FILE}: {wrong}")
    # Copies: where a file happens to lie in memory would show in the last digit of results.
    values = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(values, assign=True)
    return network


def misfit(wanted: dict[str, torch.Tensor], found: dict[str, torch.Tensor]) -> str:
    """Return in a few words what is wrong with some tensors; nothing where they fit."""
    if missing := wanted.keys() - found.keys():
        return f"missing: {listed(missing)}"
    if unknown := found.keys() - wanted.keys():
        return f"unknown: {listed(unknown)}"
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            shapes = (shortened(str(list(each.shape))) for each in (found[name], tensor))
            return f"size mismatch of {name}: {' instead of '.join(shapes)}"
    return ""


def write_files(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files that take their places together, when all of them are whole.

    Raises:
        FileFormatError: The disk refuses one; none was replaced then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    sweep(folder)
    with ExitStack() as stack:
        for name, content in contents.items():
            stack.enter_context(written_whole(folder / name)).write_bytes(content)


def _check_tensors(tensors: dict[str, torch.Tensor], where: str) -> None:
    for key, value in tensors.items():
        if value.dtype not in _DTYPES:
            raise WeightsError(f"{where}: tensor {key!r} is {value.dtype}, not one of {_DTYPES}")
        if not torch.isfinite(value).all():
            raise WeightsError(f"{where}: tensor {key!r} holds NaN or infinity: do not use it")
