"""Weights on disk, in the layout of the Hugging Face hub: safetensors and JSON, nothing else.

A folder holds ``config.json`` (format, shape of the network, text encoder), ``model.safetensors``
(every tensor, no more and no less), ``descriptions.safetensors`` (the embedded descriptions) and
``README.md`` (the card). Loading is strict, and nothing in a folder can run code.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gisr.errors import WeightsError
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.tasks.text.table import DescriptionTable

CONFIG_FILE = "config.json"
TENSORS_FILE = "model.safetensors"
DESCRIPTIONS_FILE = "descriptions.safetensors"
CARD_FILE = "README.md"
_FORMAT = "gisr weights 1"
_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
"""``owner/name``: no folder that could lie above, no address."""

EMBEDDED = ("magnet-s",)
"""Names of the weights inside the package, the default first."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A network ready to run, with the descriptions it was trained on."""

    name: str
    network: MAGNet
    descriptions: DescriptionTable


def load_weights(name_or_path: str | Path | None = None) -> Weights:
    """Load weights by built-in name, folder, or hub id.

    Args:
        name_or_path: One of :data:`EMBEDDED`, a folder, or a Hugging Face hub id
            (``owner/name``, optionally ``owner/name@revision``), which is downloaded. None gives
            the embedded default.

    Raises:
        WeightsError: Nothing is there, or it does not fit its configuration.
    """
    name = EMBEDDED[0] if name_or_path is None else str(name_or_path)
    return _load_folder(_find(name), name)


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
        "format": _FORMAT,
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


def embedded_folder(name: str) -> Path:
    """Return where the package keeps weights; they may not be there in a source checkout."""
    return Path(str(files("gisr"))) / "embedded" / name


def _find(name: str) -> Path:
    if name in EMBEDDED:
        return embedded_folder(name)
    if name and Path(name).is_dir():
        return Path(name)
    repository, _, revision = name.partition("@")
    if _HUB_ID.fullmatch(repository):
        return _download(repository, revision or None)
    raise WeightsError(
        f"no weights {name!r}: give one of {', '.join(EMBEDDED)}, a folder with {CONFIG_FILE} and "
        f"{TENSORS_FILE}, or a hub id such as owner/name"
    )


def _download(repository: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = [CONFIG_FILE, TENSORS_FILE, DESCRIPTIONS_FILE, CARD_FILE]
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=wanted))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WeightsError(
            f"cannot download weights {repository!r} from the hub: {reason}"
        ) from error


def _load_folder(folder: Path, name: str) -> Weights:
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / TENSORS_FILE)
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise WeightsError(f"{folder}: cannot read the weights ({error})") from error
    network = _build(_read_config(config, folder), tensors, folder)
    descriptions = DescriptionTable.load(folder / DESCRIPTIONS_FILE)
    if descriptions.dimension != network.config.text_width:
        raise WeightsError(
            f"{folder}: descriptions have {descriptions.dimension} values, "
            f"the network takes {network.config.text_width}"
        )
    if descriptions.encoder != config.get("text_encoder"):
        raise WeightsError(
            f"{folder}: descriptions are of the text encoder {descriptions.encoder}, "
            f"{CONFIG_FILE} says {config.get('text_encoder')!r}"
        )
    return Weights(str(config.get("name", name)), network.eval(), descriptions)


def _build(config: MAGNetConfig, tensors: dict[str, torch.Tensor], folder: Path) -> MAGNet:
    """Fill a network with exactly these tensors; one that does not fit is never allocated."""
    _check_tensors(tensors, str(folder))
    with torch.device("meta"):
        network = MAGNet(config)
    try:
        # Copies: where a file happens to lie in memory would show in the last digit of results.
        values = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
        network.load_state_dict(values, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{folder}: tensors do not fit {CONFIG_FILE}: {reason}") from error
    return network


def _read_config(config: object, folder: Path) -> MAGNetConfig:
    """Turn the JSON into a configuration, refusing what is unknown, missing or of another type."""
    where = folder / CONFIG_FILE
    if not isinstance(config, dict) or config.get("format") != _FORMAT:
        raise WeightsError(f"{where}: no configuration of gisr ({_FORMAT!r})")
    values = config.get("network")
    if not isinstance(values, dict):
        raise WeightsError(f"{where}: 'network' must hold the settings of the network")
    default = asdict(MAGNetConfig())
    if odd := sorted(set(values) ^ set(default)):
        raise WeightsError(f"{where}: unknown or missing settings {odd}")
    for name, value in values.items():
        if not _same_type(value, default[name]):
            raise WeightsError(f"{where}: {name} cannot be {value!r}")
    arguments: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    try:
        return MAGNetConfig(**arguments)
    except ValueError as error:
        raise WeightsError(f"{where}: {error}") from error


def _same_type(value: object, like: object) -> bool:
    if isinstance(like, tuple):
        return isinstance(value, list) and all(type(item) is int for item in value)
    return type(value) is type(like) or (isinstance(like, float) and type(value) is int)


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
