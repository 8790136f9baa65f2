"""Folders of weights, and recipes."""

import json
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from corpus.case import Case, Change, Make, content, cut, half, refused
from corpus.depths import Ghost, depth
from gisr.magnet import MAGNetConfig
from gisr.tasks.text.table import built_in_table

_CONFIG, _TENSORS, _TABLE = "config.json", "model.safetensors", "descriptions.safetensors"
_RECIPE = "name: a\ndata: .\nsets: [{task: depth, ratio: 4}]\nsteps: 10\n"


def sound_config() -> dict[str, Any]:
    network = MAGNetConfig(width=8, unshuffle=2, blocks=(1, 1), heads=(1, 2))
    values = json.loads(json.dumps(asdict(network)))
    return {"format": "gisr weights 1", "name": "a", "network": values, "text_encoder": "minilm"}


def weights(
    config: Callable[[dict[str, Any]], object] = lambda config: config,
    files: Mapping[str, Change] | None = None,
    tensors: Mapping[str, Any] | None = None,
) -> Make:
    """Return what writes a sound pair, and a folder of weights that are spoiled.

    Args:
        config: Gives the content of the configuration.
        files: What becomes of the bytes of each file.
        tensors: In place of the network's.
    """

    def write(folder: Path) -> Sequence[str]:
        words = depth("depth.png")(folder)
        place = folder / "weights"
        place.mkdir()
        (place / _CONFIG).write_text(json.dumps(config(sound_config())))
        (place / _TENSORS).write_bytes(save(dict(tensors or {"a": np.zeros(2, np.float32)})))
        built_in_table().save(place / _TABLE)
        for name, change in (files or {}).items():
            path = place / name
            path.write_bytes(change(path.read_bytes() if path.exists() else b""))
        return *words, "--model", "weights"

    return write


def without(name: str) -> Make:
    def write(folder: Path) -> Sequence[str]:
        words = weights()(folder)
        (folder / "weights" / name).unlink()
        return words

    return write


def network(**values: object) -> Make:
    """Return what says something else of the network."""
    return weights(lambda config: {**config, "network": {**config["network"], **values}})


def tensor_header(header: object, length: int | None = None) -> Make:
    """Return what writes a safetensors file with this header, over 64 bytes of data."""
    text = json.dumps(header).encode()
    size = struct.pack("<Q", len(text) if length is None else length)
    return weights(files={_TENSORS: content(size + text + bytes(64))})


def one_tensor(shape: list[int], offsets: list[int], dtype: str = "F32") -> Make:
    return tensor_header({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}})


def recipe(text: str | bytes) -> Make:
    def write(folder: Path) -> Sequence[str]:
        data = text.encode() if isinstance(text, str) else text
        (folder / "recipe.yaml").write_bytes(data)
        return "train", "recipe.yaml", "--folder", "run"

    return write


def recipe_of_gigabytes(folder: Path) -> Sequence[str]:
    words = recipe(_RECIPE)(folder)
    with (folder / "recipe.yaml").open("r+b") as stream:
        stream.truncate(2**32)
    return words


def laughs(levels: int) -> str:
    """Return YAML of some lines that says 10 ** levels things."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines) + "\n"


_PICKLE = pickle.dumps(Ghost())
_NAN = {"a": np.array([1.0, np.nan], np.float32)}
_WEIGHTS = {
    "no-folder": refused(
        lambda folder: (*depth("depth.png")(folder), "--model", "nothing"), "no weights 'nothing'"
    ),
    "no-config": refused(without(_CONFIG), "weights/config.json"),
    "no-tensors": refused(without(_TENSORS), "weights/model.safetensors"),
    "no-descriptions": refused(without(_TABLE), "weights/descriptions.safetensors"),
    "config-empty": refused(weights(files={_CONFIG: content(b"")}), "weights/config.json"),
    "config-cut": refused(weights(files={_CONFIG: half}), "weights/config.json"),
    "config-is-list": refused(weights(lambda config: [config]), "weights/config.json"),
    "config-is-binary": refused(weights(files={_CONFIG: content(b"\xff\xfe\0")}), "config.json"),
    "config-nested": refused(weights(files={_CONFIG: content(b"[" * 99_999)}), "config.json"),
    "config-of-gigabytes": refused(
        weights(files={_CONFIG: lambda data: data + b" " * 2**28}), "weights/config.json"
    ),
    "config-other-format": refused(
        weights(lambda config: {**config, "format": "gisr weights 9"}), "weights/config.json"
    ),
    "config-unknown-setting": refused(network(magic=1), "weights/config.json", "settings magic"),
    "config-wrong-type": refused(network(width="wide"), "weights/config.json", "'wide'"),
    "config-endless-width": refused(network(width=10**12), "weights/config.json: width 100000"),
    "config-endless-blocks": refused(network(blocks=[10**9, 1]), "weights/config.json: blocks"),
    "config-nan": refused(network(expansion=float("nan")), "weights/config.json: expansion nan"),
    "config-no-sense": refused(network(heads=[3, 3]), "weights/config.json: width 8"),
    "config-endless-digits": refused(
        weights(files={_CONFIG: content(b'{"format": ' + b"9" * 9_999 + b"}")}), "config.json"
    ),
    "tensors-empty": refused(weights(files={_TENSORS: content(b"")}), "weights/model.safetensors"),
    "tensors-cut": refused(weights(files={_TENSORS: cut(-1)}), "weights/model.safetensors"),
    "tensors-folder": refused(
        lambda folder: _folder_for_tensors(folder), "weights/model.safetensors"
    ),
    "tensors-pickle": refused(
        weights(files={_TENSORS: content(_PICKLE)}), "weights/model.safetensors"
    ),
    "tensors-pickle-beside": refused(
        lambda folder: _pickle_beside(folder), "weights/model.safetensors"
    ),
    "tensors-header-endless": refused(tensor_header({}, 2**63), "weights/model.safetensors"),
    "tensors-header-of-gigabytes": refused(tensor_header({}, 2**32), "model.safetensors"),
    "tensors-header-is-list": refused(tensor_header([]), "weights/model.safetensors"),
    "tensors-outside": refused(one_tensor([16], [0, 2**40]), "weights/model.safetensors"),
    "tensors-backwards": refused(one_tensor([16], [64, 0]), "weights/model.safetensors"),
    "tensors-false-shape": refused(one_tensor([2**40], [0, 64]), "weights/model.safetensors"),
    "tensors-false-type": refused(one_tensor([16], [0, 64], "X9"), "weights/model.safetensors"),
    "tensors-of-integers": refused(one_tensor([16], [0, 64], "I32"), "weights", "'a'"),
    "tensors-overlap": refused(
        tensor_header(
            {name: {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]} for name in ("a", "b")}
        ),
        "weights/model.safetensors",
    ),
    "tensors-nan": refused(weights(tensors=_NAN), "weights", "tensor 'a' holds NaN"),
    "tensors-of-another-network": Case(weights(), ("weights", "config.json"), slow=True),
    "descriptions-cut": refused(weights(files={_TABLE: half}), "descriptions.safetensors"),
    "descriptions-pickle": refused(
        weights(files={_TABLE: content(_PICKLE)}), "descriptions.safetensors"
    ),
    "descriptions-other-encoder": refused(
        weights(lambda config: {**config, "text_encoder": "clip"}), "weights", "clip"
    ),
}


def _folder_for_tensors(folder: Path) -> Sequence[str]:
    words = without(_TENSORS)(folder)
    (folder / "weights" / _TENSORS).mkdir()
    return words


def _pickle_beside(folder: Path) -> Sequence[str]:
    words = without(_TENSORS)(folder)
    (folder / "weights" / "pytorch_model.bin").write_bytes(_PICKLE)
    return words


_RECIPES = {
    "missing": refused(lambda folder: ("train", "recipe.yaml"), "no recipe 'recipe.yaml'"),
    "folder": refused(lambda folder: ("train", "."), "no recipe '.'"),
    "empty": refused(recipe(""), "recipe.yaml: "),
    "binary": refused(recipe(b"\xff\xfe\0\1" * 9), "recipe.yaml: "),
    "not-yaml": refused(recipe("name: [a\n"), "recipe.yaml: "),
    "is-list": refused(recipe("[1, 2]"), "recipe.yaml: "),
    "unknown-setting": refused(recipe(_RECIPE + "magic: 1\n"), "recipe.yaml: ", "magic"),
    "runs-code": refused(
        recipe(_RECIPE + "seed: !!python/object/apply:os.mkdir [pickle-was-run]\n"), "recipe.yaml: "
    ),
    "class-path": refused(
        recipe(_RECIPE + "network: {class_path: os.mkdir, init_args: {path: a}}\n"), "recipe.yaml: "
    ),
    "laughs": refused(recipe(laughs(9) + _RECIPE), "recipe.yaml: "),
    "laughs-inside": refused(
        recipe(_RECIPE + laughs(9).replace("a8:", "exclude:").replace("a0:", "seed:")),
        "recipe.yaml: ",
    ),
    "nested": refused(recipe(_RECIPE + "exclude: " + "[" * 20_000), "recipe.yaml: "),
    "of-gigabytes": refused(recipe_of_gigabytes, "recipe.yaml: "),
    "nan": refused(recipe(_RECIPE + "learning_rate: .nan\n"), "recipe.yaml: learning_rate nan"),
    "infinite": refused(recipe(_RECIPE + "learning_rate: .inf\n"), "recipe.yaml: learning_rate"),
    "negative": refused(recipe(_RECIPE.replace("10", "-10")), "recipe.yaml: steps: -10"),
    "endless": refused(recipe(_RECIPE + f"patch: {'9' * 5_000}\n"), "recipe.yaml: "),
    "no-data": refused(recipe(_RECIPE.replace("data: .", "data: nowhere")), "nowhere: there is no"),
    "of-a-page": refused(recipe("<html><body>404</body></html>"), "recipe.yaml: "),
}

CASES: dict[str, Case] = {
    **{f"weights-{name}": case for name, case in _WEIGHTS.items()},
    **{f"recipe-{name}": case for name, case in _RECIPES.items()},
}


def tiny_weights(folder: Path) -> Path:
    """Write weights of a network that runs in no time, and return their folder."""
    from tests.small_network import small_network

    from gisr.weights.store import save_weights

    save_weights(folder / "tiny", small_network(), built_in_table(), name="tiny")
    return folder / "tiny"
