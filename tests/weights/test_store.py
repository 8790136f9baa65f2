"""Weights on disk: what is saved comes back, and nothing else is taken for weights."""

import errno
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.warm import Warm

from gisr.errors import FileFormatError, WeightsError
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.weights import folder as module
from gisr.weights.store import Weights, load_weights, save_weights

Build = Callable[..., Weights]


@pytest.fixture
def folder(weights: Build, tmp_path: Path) -> Path:
    """Save tiny weights."""
    made = weights()
    save_weights(tmp_path / "w", made.network, made.descriptions, name="tiny", card="# Card\n")
    return tmp_path / "w"


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_weights_come_back(folder: Path, weights: Build) -> None:
    loaded, made = load_weights(folder), weights()
    assert loaded.name == "tiny"
    assert loaded.network.config == made.network.config
    assert not loaded.network.training
    expected = made.network.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in loaded.network.state_dict().items())
    assert all(parameter.requires_grad for parameter in loaded.network.parameters())
    assert loaded.descriptions.sentences == made.descriptions.sentences
    np.testing.assert_array_equal(loaded.descriptions.embeddings, made.descriptions.embeddings)
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "descriptions.safetensors", "README.md"}


def test_an_upscaler_saves_and_loads_itself(weights: Build, tmp_path: Path) -> None:
    target, guide = np.random.default_rng(0).uniform(1, 9, (6, 6)), np.ones((12, 12))
    first = Upscaler(weights(), "cpu")
    first.save_pretrained(tmp_path)
    second = load_model(tmp_path, "cpu")
    assert isinstance(second.network, MAGNet)
    np.testing.assert_array_equal(second(target, guide, "mri"), first(target, guide, "mri"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_the_size_and_nearly_the_same(
    weights: Build, tmp_path: Path, dtype: torch.dtype
) -> None:
    made = weights()
    save_weights(tmp_path, made.network, made.descriptions, name="half", dtype=dtype)
    stored = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {dtype}
    loaded, expected = load_weights(tmp_path).network.state_dict(), made.network.state_dict()
    for name, tensor in loaded.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, expected[name], rtol=0.01, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("head.bias"), "head.bias"),
        (lambda tensors: tensors.update(extra=torch.ones(1)), "extra"),
        (lambda tensors: tensors.update({"head.bias": torch.ones(3)}), "size mismatch"),
        (lambda tensors: tensors["embed.weight"].view(-1).fill_(torch.nan), "NaN"),
        (lambda tensors: tensors["embed.weight"].view(-1)[:1].fill_(torch.inf), "infinity"),
        (lambda tensors: tensors.update({"head.bias": torch.ones(16, dtype=torch.int64)}), "I64"),
    ],
)
def test_tensors_must_fit_exactly(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], object], message: str
) -> None:
    change_tensors(folder, change)
    with pytest.raises(WeightsError, match=message) as caught:
        load_weights(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config["network"].update(colour="red"), "colour"),
        (lambda config: config["network"].pop("width"), "width"),
        (lambda config: config["network"].update(width="4"), "width cannot be '4'"),
        (lambda config: config["network"].update(width=4.0), "width cannot be 4.0"),
        (lambda config: config["network"].update(width=True), "width cannot be True"),
        (lambda config: config["network"].update(blocks=[1, "1"]), "blocks cannot be"),
        (lambda config: config["network"].update(blocks=1), "blocks cannot be"),
        (lambda config: config["network"].update(width=7), "width 7"),
        (lambda config: config["network"].update(heads=[0, 1]), "heads"),
        (lambda config: config["network"].update(blocks=[1, 10**12]), "blocks"),
        (lambda config: config["network"].update(width=1024), "do not fit"),
        (lambda config: config["network"].update(text_width=100), "do not fit"),
        (lambda config: config.update(network=[]), "network"),
        (lambda config: config.update(format="gisr weights 99"), "no configuration of gisr"),
        (lambda config: config.pop("format"), "no configuration of gisr"),
        (lambda config: config.update(text_encoder="clip"), "text encoder"),
    ],
)
def test_the_configuration_must_fit_exactly(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    change_config(folder, change)
    with pytest.raises(WeightsError, match=message):
        load_weights(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_configuration_that_is_no_json_object(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(WeightsError, match="w"):
        load_weights(folder)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "descriptions.safetensors"])
def test_missing_and_damaged_files(folder: Path, file: str) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError):
        load_weights(folder)
    (folder / file).unlink()
    with pytest.raises(WeightsError, match=file.split(".")[0]):
        load_weights(folder)


class Payload:
    """Leaves a mark when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def test_nothing_is_unpickled(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(mark)))
    load_weights(folder)
    for name in ("model.safetensors", "descriptions.safetensors"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(pickle.dumps(Payload(mark)))
        with pytest.raises(WeightsError):
            load_weights(folder)
        (folder / name).write_bytes(whole)
    assert not mark.exists()


def test_values_that_are_not_finite_are_not_saved(weights: Build, tmp_path: Path) -> None:
    made = weights()
    made.network.head.get_parameter("bias").data[0] = 1e30
    with pytest.raises(WeightsError, match=r"head\.bias"):
        save_weights(tmp_path, made.network, made.descriptions, name="x", dtype=torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces(folder: Path, weights: Build) -> None:
    other = weights(width=8)
    save_weights(folder, other.network, other.descriptions, name="other")
    assert load_weights(folder).network.config.width == 8
    assert load_weights(folder).name == "other"


@pytest.mark.parametrize(
    "name",
    [
        *("nothing-here", "./a/b", "/a/b", "a/b/c", "../x", "a b/c", "", "runs/mine"),
        *("owner/name@v2", "x" * 10_000, "null"),
    ],
)
def test_names_that_mean_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_download", lambda *_: pytest.fail("went to the network"))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: pytest.fail("went to the network"))
    with pytest.raises(WeightsError, match=r"no weights .*no such folder") as caught:
        load_weights(name)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["hf:", "hf:name", "hf:a/b/c", "hf:../x", "hf:http://a/b"])
def test_what_is_no_hub_id(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_download", lambda *_: pytest.fail("went to the network"))
    with pytest.raises(WeightsError, match="no hub id: it must be hf:owner/name"):
        load_weights(name)


def test_a_name_without_its_sign_is_shown_with_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"or a hub id as hf:owner/name@v2$"):
        load_weights("owner/name@v2")


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.clear(),
        lambda tensors: tensors.update({f"t{k}": torch.ones(1) for k in range(9999)}),
        lambda tensors: tensors.update({"x" * 10**6: torch.ones(1)}),
    ],
)
def test_the_message_stays_short(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    change_tensors(folder, change)
    with pytest.raises(WeightsError, match="do not fit") as caught:
        load_weights(folder)
    assert len(str(caught.value)) < 600


def test_saving_again_is_whole_or_not_at_all(
    folder: Path, weights: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk after the first two of three files: all that was there stays as it was."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    write, calls = Path.write_bytes, list[Path]()

    def full(path: Path, content: bytes) -> int:
        calls.append(path)
        write(path, content[: len(content) // 2 if len(calls) == 3 else None])
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    other = weights(width=8)
    with pytest.raises(FileFormatError, match=r"the disk /.* is full"):
        save_weights(folder, other.network, other.descriptions, name="other")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


LITTLE_MEMORY = """
import re, resource, sys
import torch
torch.set_num_threads(1)
from gisr.errors import GisrError
from gisr.weights.store import load_weights
load_weights(sys.argv[1])
taken = int(re.search(r"VmSize:\\s*(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**20 * int(sys.argv[2]), -1))
try:
    load_weights(sys.argv[1])
except GisrError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
@pytest.mark.parametrize("room", [1, 40])
def test_too_little_memory_is_said(warm: Warm, weights: Build, tmp_path: Path, room: int) -> None:
    """The weights have 80 MB: there is no room for the file, or for the network beside it."""
    made = weights(width=256, blocks=(1, 1))
    save_weights(tmp_path, made.network, made.descriptions, name="large")
    assert (tmp_path / "model.safetensors").stat().st_size > 40e6
    done = warm.run("-c", LITTLE_MEMORY, str(tmp_path), str(room))
    assert done.returncode == 0, done.stderr
    assert "there is not enough memory" in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("hf:owner/name", None),
        ("hf:owner/na.me-1@v2", "v2"),
        ("hf:owner/name@refs/pr/1", "refs/pr/1"),
    ],
)
def test_hub_ids_are_downloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, revision: str | None
) -> None:
    asked: list[tuple[str, Any, Any]] = []

    def snapshot(repository: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repository, revision, allow_patterns))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    assert load_weights(name).name == "tiny"
    ((repository, asked_revision, patterns),) = asked
    assert (repository, asked_revision) == (name[3:].partition("@")[0], revision)
    assert all(Path(pattern).suffix in (".json", ".safetensors", ".md") for pattern in patterns)
    assert {"config.json", "model.safetensors", "descriptions.safetensors"} <= set(patterns)


@pytest.mark.parametrize("reason", ["no such repository\nsecond line", ""])
def test_a_download_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    def snapshot(*_: object, **__: object) -> str:
        raise OSError(reason)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(WeightsError, match="owner/name") as caught:
        load_weights("hf:owner/name")
    assert "\n" not in str(caught.value)
