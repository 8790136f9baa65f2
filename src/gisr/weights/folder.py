"""Folders of weights: found, and checked as far as it goes without torch."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.resources import files
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from gisr.errors import WeightsError, listed, shortened
from gisr.hub import as_hub_id, find_hub_id
from gisr.magnet import MAGNetConfig
from gisr.memory import is_out_of_memory, memory_errors
from gisr.tasks import TASKS, TaskName
from gisr.tasks.text.table import DescriptionTable

CONFIG_FILE = "config.json"
TENSORS_FILE = "model.safetensors"
DESCRIPTIONS_FILE = "descriptions.safetensors"
CARD_FILE = "README.md"
FORMAT = "gisr weights 1"
SYSTEM_FORMAT = "gisr compared system 1"
"""Of the published networks MAG-Net is compared with (:mod:`gisr.baselines.weights`)."""
EMBEDDED = ("magnet-s", "magnet-xs", "magnet-s-bands")
"""Names of the weights inside the package, the default first."""
FOR_BANDS = {"magnet-s": "magnet-s-bands", "magnet-xs": "magnet-s-bands"}
"""Embedded weights that take the place of others where bands guide bands."""

_MOST_CONFIG_BYTES = 2**20
_MOST_HEADER_BYTES = 2**24
"""Ours have 60 kB; the format allows 100 MB."""
_MOST_DESCRIPTION_BYTES = 2**26
_TYPES: dict[str, np.dtype] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
"""Types of tensors, and what numpy reads them as: it has no bfloat16."""
_BF16_EXPONENT = 0x7F80
"""Bits that are all set in a bfloat16 that is NaN or infinite."""


@dataclass(frozen=True, eq=False)
class WeightsFolder:
    """A folder of weights that can be loaded, unless its tensors are those of another network."""

    path: Path
    name: str
    config: MAGNetConfig
    descriptions: DescriptionTable
    tasks: tuple[TaskName, ...] | None
    """What they were trained on; None where the configuration does not say."""


def find_weights(name_or_path: str | Path | None = None) -> WeightsFolder:
    """Find weights by built-in name, folder, or hub id, and check their configuration and values.

    Args:
        name_or_path: One of :data:`EMBEDDED`, a folder, or a Hugging Face hub id
            (``hf:owner/name``, optionally ``hf:owner/name@revision``), which is downloaded: for
            nothing else is there any network. None gives the embedded default.

    Raises:
        WeightsError: Nothing is there, or a file is damaged, false, or holds values that are not
            finite.
        LimitError: Memory does not suffice.
    """
    name = EMBEDDED[0] if name_or_path is None else str(name_or_path)
    folder = _find(name)
    with memory_errors(f"{folder}", "these weights need a machine with more of it"):
        return _checked(folder, name)


def _checked(folder: Path, name: str) -> WeightsFolder:
    config = read_config_file(folder / CONFIG_FILE, FORMAT)
    network = _read_config(config, folder / CONFIG_FILE)
    check_tensors(folder / TENSORS_FILE)
    _check_size(folder / DESCRIPTIONS_FILE, _MOST_DESCRIPTION_BYTES)
    descriptions = DescriptionTable.load(folder / DESCRIPTIONS_FILE)
    if descriptions.dimension != network.text_width:
        raise WeightsError(
            f"{folder}: descriptions have {descriptions.dimension} values, those of the network "
            f"in {CONFIG_FILE} {network.text_width}: they do not fit each other"
        )
    if descriptions.encoder != config.get("text_encoder"):
        raise WeightsError(
            f"{folder}: descriptions are of the text encoder {descriptions.encoder}, "
            f"{CONFIG_FILE} names {shortened(repr(config.get('text_encoder')))}"
        )
    tasks = _read_tasks(config.get("tasks"), folder / CONFIG_FILE)
    return WeightsFolder(folder, str(config.get("name", name)), network, descriptions, tasks)


def embedded_folder(name: str) -> Path:
    """Return where the package keeps weights; they may not be there in a source checkout."""
    return Path(str(files("gisr"))) / "embedded" / name


def _find(name: str) -> Path:
    if name in EMBEDDED:
        return embedded_folder(name)
    if (found := find_hub_id(name)) is not None:
        return _download(*found)
    with suppress(OSError, ValueError):  # too long a name, a zero byte
        if name and Path(name).is_dir():
            return Path(name)
    raise WeightsError(
        f"no weights {shortened(repr(name))}: there is no such folder; give one of "
        f"{', '.join(EMBEDDED)}, a folder with {CONFIG_FILE} and {TENSORS_FILE}, or a hub id as "
        f"{as_hub_id(name)}"
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


def _check_size(path: Path, most: int) -> None:
    try:
        size = path.stat().st_size if path.is_file() else -1
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    if size < 0:
        if (path.parent / "weights" / path.name).is_file():
            raise WeightsError(
                f"{path}: is not there: {path.parent} is the folder of a run, its weights are in "
                f"{path.parent / 'weights'}"
            )
        raise WeightsError(f"{path}: is not there: a folder of weights has {path.name}")
    if size > most:
        raise WeightsError(f"{path}: {size} bytes are more than the {most} it may have")


def read_config_file(path: Path, form: str) -> dict[str, Any]:
    """Return the configuration in a folder of weights.

    Raises:
        WeightsError: It is not there, damaged, or of another format.
    """
    _check_size(path, _MOST_CONFIG_BYTES)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != form:
        raise WeightsError(f"{path}: {_other_format(content, path.parent, form)}")
    return content


def _other_format(content: object, folder: Path, form: str) -> str:
    """Say why a configuration is not of the format that is wanted, and what reads it."""
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(content, dict) and found == SYSTEM_FORMAT:
        built = content.get("system")
        name = shortened(str(built.get("name"))) if isinstance(built, dict) else "SYSTEM"
        return (
            f"is of the compared system {name}, not of MAG-Net: it is scored by "
            f"gisr evaluate DATA --systems {name}:{folder}"
        )
    if found == FORMAT:
        return f"is of MAG-Net, not of a compared system: name {folder} alone, no system before it"
    return (
        f"no configuration of gisr ({form!r}): name a folder that gisr train, gisr convert or "
        "save_pretrained wrote"
    )


def _read_config(config: dict[str, Any], path: Path) -> MAGNetConfig:
    """Turn the JSON into a configuration, refusing what is unknown, missing or of another type."""
    values = config.get("network")
    if not isinstance(values, dict):
        raise WeightsError(f"{path}: 'network' must hold the settings of the network")
    default = asdict(MAGNetConfig())
    if odd := sorted(set(values) ^ set(default)):
        raise WeightsError(f"{path}: unknown or missing settings {listed(odd)}")
    for name, value in values.items():
        if not _same_type(value, default[name]):
            raise WeightsError(f"{path}: {name} cannot be {shortened(repr(value))}")
    arguments: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    try:
        return MAGNetConfig(**arguments)
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from error


def _read_tasks(names: object, path: Path) -> tuple[TaskName, ...] | None:
    """Return which tasks weights were trained on; None where nothing is said of it."""
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WeightsError(f"{path}: 'tasks' must be a list of names of tasks")
    if unknown := set(names) - set(TASKS):
        raise WeightsError(
            f"{path}: trained on tasks that this version does not know: {listed(unknown)}"
        )
    return tuple(name for name in TASKS if name in names)


def _same_type(value: object, like: object) -> bool:
    if isinstance(like, tuple):
        return isinstance(value, list) and all(type(item) is int for item in value)
    return type(value) is type(like) or (isinstance(like, float) and type(value) is int)


def check_tensors(path: Path) -> None:
    """Check the header, which safetensors does, and that every value is finite, which it does not.

    Tensors are read one at a time.

    Raises:
        WeightsError: The file is not there or damaged, or holds values that are not finite.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: is not there: weights are safetensors and nothing else")
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > _MOST_HEADER_BYTES:
                raise WeightsError(
                    f"{path}: claims {length} bytes of header, more than the {_MOST_HEADER_BYTES} "
                    "it may have: no sound safetensors file"
                )
            with safe_open(path, framework="numpy"):
                pass
            header = json.loads(stream.read(length))
            header.pop("__metadata__", None)
            for name, tensor in header.items():
                _check_tensor(path, name, tensor, stream, 8 + length)
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        reason = shortened(str(error), 200)
        raise WeightsError(f"{path}: cannot be read as safetensors ({reason})") from error


def _check_tensor(
    path: Path, name: str, tensor: dict[str, Any], stream: BufferedReader, start: int
) -> None:
    dtype = _TYPES.get(tensor["dtype"])
    if dtype is None:
        raise WeightsError(
            f"{path}: tensor {shortened(repr(name))} is {tensor['dtype']}, not one of "
            f"{', '.join(_TYPES)}"
        )
    first, last = tensor["data_offsets"]
    stream.seek(start + first)
    values = np.fromfile(stream, dtype, (last - first) // dtype.itemsize)
    if dtype.kind == "u":
        finite = ((values & _BF16_EXPONENT) != _BF16_EXPONENT).all()
    else:
        finite = np.isfinite(values).all()
    if not finite:
        raise WeightsError(
            f"{path}: tensor {shortened(repr(name))} holds NaN or infinity: do not use it"
        )
