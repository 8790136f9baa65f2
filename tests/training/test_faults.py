"""A run that is killed, diverges, or finds no room: what is left, and that it can go on."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.trainees import table_of
from tests.warm import Warm

from gisr.apps.cli import main
from gisr.errors import FileFormatError, RecipeError, WeightsError
from gisr.training import loop
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from gisr.training.log import TrainingLog
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.training.run import Run
from gisr.weights.store import load_weights

Build = Callable[..., Recipe]


def written(folder: Path, recipe: Recipe) -> Path:
    path = folder / "mine.json"
    path.write_text(json.dumps(recipe.record()), encoding="utf-8")
    return path


def newest(folder: Path) -> str:
    latest = latest_checkpoint(folder / "checkpoints")
    assert latest is not None
    return latest.name


def temporaries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name or ".lock" in path.name]


@pytest.mark.parametrize("left", ["nothing", "older weights"])
def test_what_a_kill_left_unfinished_is_finished(recipe: Build, tmp_path: Path, left: str) -> None:
    """Killed after the last checkpoint and before its weights."""
    weights = train(recipe(), tmp_path / "straight", quiet=True)
    folder = tmp_path / "killed"
    train(recipe(), folder, stop_at=3, quiet=True)
    before = (folder / "weights" / "model.safetensors").read_bytes()
    train(recipe(), folder, quiet=True)
    for path in (folder / "weights").iterdir():
        path.unlink()
    if left == "nothing":
        (folder / "weights").rmdir()
    else:
        (folder / "weights" / "model.safetensors").write_bytes(before)
    assert train(recipe(), folder, quiet=True) == folder / "weights"
    expected = load_weights(weights).network.state_dict()
    found = load_weights(folder / "weights").network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


@pytest.mark.parametrize("part", ["network", "average", "optimiser"])
def test_a_diverged_step_is_no_checkpoint(
    recipe: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Step 6, which has a checkpoint and the last of which all is well, leaves NaN."""
    step = loop._step

    def diverging(run: Run, *rest: object) -> dict[str, float]:
        values = step(run, *rest)  # type: ignore[arg-type]
        if run.step == 5:
            tensors = {k: v for k, v in run.tensors().items() if k.startswith(f"{part}.")}
            with torch.no_grad():
                next(v for v in tensors.values() if v.ndim).view(-1)[0] = torch.nan
        return values

    monkeypatch.setattr(loop, "_step", diverging)
    with pytest.raises(RecipeError, match=r"step 6: .* became NaN or infinite: .*step-00000003"):
        train(recipe(), tmp_path, quiet=True)
    assert newest(tmp_path) == "step-00000003"
    load_weights(tmp_path / "weights")
    monkeypatch.undo()
    train(recipe(learning_rate=5e-4), tmp_path, quiet=True)
    assert newest(tmp_path) == "step-00000008"


def test_the_advice_after_a_divergence_works(
    recipe: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = written(tmp_path, recipe(learning_rate=1e-3)), tmp_path / "run"
    words = ["train", str(path), "--folder", str(folder), "--quiet"]
    assert main([*words, "--stop-at", "4"]) == 0
    stored, _ = load_checkpoint(folder / "checkpoints" / newest(folder))
    # As a rate far too high does: large weights, so that the next step overflows.
    large = {k: v * 1e30 if k.startswith("network.") else v for k, v in stored.items()}
    _, state = load_checkpoint(folder / "checkpoints" / newest(folder))
    save_checkpoint(folder / "checkpoints", 4, large, state)
    assert main(words) == 2
    message = capsys.readouterr().err
    assert "step 5: the loss or its gradient is not finite" in message
    assert "lower learning_rate (0.0005)" in message
    save_checkpoint(folder / "checkpoints", 4, stored, state)
    assert main([*words, "--learning_rate", "0.0005"]) == 0
    assert newest(folder) == "step-00000008"
    with pytest.raises(
        RecipeError, match=r"\(learning_rate 0.0005 there, 0.001 here\): choose"
    ):  # up again
        train(recipe(learning_rate=1e-3), folder, quiet=True)


def test_a_run_falls_back_on_its_last_finite_checkpoint(recipe: Build, tmp_path: Path) -> None:
    train(recipe(), tmp_path, stop_at=6, quiet=True)
    shard = tmp_path / "checkpoints" / "step-00000006" / "tensors-000.safetensors"
    tensors = load_file(shard)
    tensors["network.head.weight"].view(-1)[0] = torch.nan
    save_file(tensors, shard)
    notes: list[str] = []
    train(recipe(), tmp_path, stop_at=4, quiet=True, notify=notes.append)
    assert newest(tmp_path) == "step-00000004"
    assert len(notes) == 1
    assert "step-00000006 was removed" in notes[0]
    assert "going on from 3" in notes[0]
    load_weights(tmp_path / "weights")


def test_without_a_finite_checkpoint_a_run_is_refused(recipe: Build, tmp_path: Path) -> None:
    train(recipe(), tmp_path, stop_at=1, quiet=True)
    checkpoint = tmp_path / "checkpoints" / newest(tmp_path)
    tensors, state = load_checkpoint(checkpoint)
    tensors["average.module.head.weight"].view(-1)[0] = torch.inf
    save_checkpoint(checkpoint.parent, 1, tensors, state)
    with pytest.raises(RecipeError, match="none of its 1 checkpoints is finite"):
        train(recipe(), tmp_path, quiet=True)


SIGNALLED = """
import os, signal, sys
import torch
if int(sys.argv[3]) == signal.SIGINT:  # tests that run behind an ampersand inherit it ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)
from gisr.apps.cli import main
from gisr.training import checkpoint
flush = checkpoint._flush
def waiting(path):
    if path.name.endswith(".safetensors") and "step-00000006" in str(path):
        os.kill(os.getpid(), int(sys.argv[3]))
    flush(path)
checkpoint._flush = waiting
sys.exit(main(["train", sys.argv[1], "--folder", sys.argv[2], "--quiet"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_a_checkpoint_is_written(
    recipe: Build, warm: Warm, tmp_path: Path, number: signal.Signals
) -> None:
    path, folder = written(tmp_path, recipe()), tmp_path / "run"
    done = warm.run("-c", SIGNALLED, str(path), str(folder), str(int(number)))
    killed = number == signal.SIGKILL
    codes = {signal.SIGINT: 130, signal.SIGKILL: -9}
    assert done.returncode == codes.get(number, 128 + number), done.stderr
    assert "Traceback" not in done.stderr
    assert bool(temporaries(folder)) == killed
    assert newest(folder) == "step-00000003"
    train(recipe(), folder, quiet=True)
    assert temporaries(folder) == []
    assert newest(folder) == "step-00000008"


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from gisr.training.loop import train
from gisr.training.recipe_file import read_recipe
replace = Path.replace
def killing(path, other):
    if Path(other).name == "model.safetensors":
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, other)
Path.replace = killing
train(read_recipe(sys.argv[1]), sys.argv[2], quiet=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_what_a_kill_leaves_of_weights_is_swept(recipe: Build, warm: Warm, tmp_path: Path) -> None:
    path, folder = written(tmp_path, recipe()), tmp_path / "run"
    assert warm.run("-c", KILLED, str(path), str(folder)).returncode == -9
    assert temporaries(folder) != []
    train(recipe(), folder, quiet=True)
    assert temporaries(folder) == []
    load_weights(folder / "weights")


HOLDING = """
import sys, time
import torch
from gisr.training.log import TrainingLog
from gisr.training.loop import train
from gisr.training.recipe_file import read_recipe
def validate(system):
    print("training", flush=True)
    time.sleep(60)
    return {}
train(read_recipe(sys.argv[1]), sys.argv[2], validate=validate, quiet=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_a_folder_has_one_run_at_a_time(recipe: Build, warm: Warm, tmp_path: Path) -> None:
    path, folder = written(tmp_path, recipe(validate_every=4)), tmp_path / "run"
    with warm.start("-c", HOLDING, str(path), str(folder)) as first:
        assert first.out.readline() == "training\n"
        with pytest.raises(RecipeError, match=rf"another run \(process {first.pid}\) is training"):
            train(recipe(), folder, quiet=True)
        first.kill()
    train(recipe(), folder, quiet=True)  # a dead process holds nothing
    assert newest(folder) == "step-00000008"
    assert temporaries(folder) == []


def test_a_refused_run_leaves_no_folder(recipe: Build, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no training entry"):
        train(recipe(exclude=("nobody",)), tmp_path / "a" / "b", quiet=True)
    # The log was begun: the run's folder has it, and nothing half done.
    assert temporaries(tmp_path) == []
    with pytest.raises(WeightsError, match="no weights 'runs/mine': there is no such folder"):
        train(recipe(initial_weights="runs/mine"), tmp_path / "c" / "d", quiet=True)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("at", ["tensors-000.safetensors", "model.safetensors", "log.jsonl"])
def test_a_full_disk_is_named_and_the_run_goes_on(
    recipe: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    train(recipe(), tmp_path, stop_at=3, quiet=True)
    log = (tmp_path / "log.jsonl").read_bytes()
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if at not in path.name:
            return write(path, content)
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    if at == "log.jsonl":
        resource = pytest.importorskip("resource", reason="needs a limit on file sizes")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(log) + 9, limits[1]))
        try:
            with pytest.raises(FileFormatError, match=r"cannot be written: "):
                save_checkpoint(tmp_path / "checkpoints", 4, {"a": torch.ones(9999)}, {})
            with pytest.raises(FileFormatError, match=r"cannot be written: "):
                TrainingLog(tmp_path, recipe())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert (tmp_path / "log.jsonl").read_bytes() == log
    else:
        with pytest.raises(FileFormatError, match=r"cannot be written: the disk /.* is full: make"):
            train(recipe(), tmp_path, quiet=True)
    assert newest(tmp_path) == "step-00000003"
    monkeypatch.undo()
    assert temporaries(tmp_path) == []
    train(recipe(), tmp_path, quiet=True)
    assert newest(tmp_path) == "step-00000008"


LITTLE_MEMORY = """
import re, resource, sys
import torch
torch.set_num_threads(1)
from gisr.apps import commands
from gisr.apps.cli import main
from gisr.training import loop
assert main(["train", sys.argv[1], "--folder", sys.argv[2] + "/a", "--quiet"]) == 0
taken = int(re.search(r"VmSize:\\s*(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**26, -1))
words = ["--sets", "[{task: depth, ratio: 4, dataset: generated}]", "--batch", "1024"]
sys.exit(main(["train", sys.argv[1], "--folder", sys.argv[2] + "/b", "--quiet", *words]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
def test_too_little_memory_is_said(recipe: Build, warm: Warm, tmp_path: Path) -> None:
    path = written(tmp_path, recipe(steps=1, patch=64, batch=1, patches_per_image=3))
    done = warm.run("-c", LITTLE_MEMORY, str(path), str(tmp_path))
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("gisr: error: training tiny: there is not enough memory: lower batch")


INDUCTOR = """
import functools, os, sys, tempfile
import torch
places = []
def compiler(graph, inputs):
    from torch._inductor.runtime.cache_dir_utils import cache_dir
    places.append(cache_dir())
    return graph
torch.compile = functools.partial(torch.compile, backend=compiler)
from gisr.training.log import TrainingLog
from gisr.training.loop import train
from gisr.training.recipe_file import read_recipe
for recipe, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    train(read_recipe(recipe), folder, stop_at=1, quiet=True)
    print(os.listdir(tempfile.gettempdir()), len(places))
print(places[0])
"""


def test_compiled_code_is_not_left_behind(recipe: Build, tmp_path: Path) -> None:
    """Nor anything else, by a run that compiles and by one before it that does not."""
    rest, words = tmp_path / "tmp", []
    rest.mkdir()
    for name, compiled in (("plain", False), ("compiled", True)):
        (tmp_path / name).mkdir()
        path = written(tmp_path / name, recipe(compile=compiled))
        words += [str(path), str(tmp_path / f"run-{name}")]
    names = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
    settings = {name: value for name, value in os.environ.items() if name not in names}
    # A fresh process: what libraries write when they are imported would be left behind as well.
    done = subprocess.run(
        [sys.executable, "-c", INDUCTOR, *words],
        env={**settings, "TMPDIR": str(rest)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    plain, compiled_too, place = done.stdout.splitlines()
    assert plain == "[] 0"
    assert compiled_too.startswith("[] ") and compiled_too != "[] 0"
    assert place.startswith(str(tmp_path / "run-compiled"))
    assert list(rest.iterdir()) == []
    assert temporaries(tmp_path) == []


def test_the_word_null_is_a_folder_like_any_other(
    recipe: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, recipe())
    assert main(["export", "onnx", "--model", "null", "-o", "o.onnx"]) == 2
    assert "no weights 'null': there is no such folder" in capsys.readouterr().err
    assert main(["train", str(path), "--folder", "null", "--stop-at", "1", "--quiet"]) == 0
    assert newest(tmp_path / "null") == "step-00000001"


@pytest.mark.parametrize("source", [None, "runs/clip", "openai/clip-vit-base-patch32"])
def test_no_text_encoder_is_looked_for_in_the_network(
    recipe: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str | None
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("went to the network"))
    plan = recipe(text_encoder="clip", text_source=source)
    with pytest.raises(WeightsError, match=r"text encoder .*hf:(openai|runs)"):
        Run.start(plan, torch.device("cpu"))


def test_a_text_encoder_in_a_folder_needs_no_network(
    recipe: Build, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("went to the network"))
    network = replace(recipe().network, text_width=12)
    plan = recipe(text_encoder="clip", text_source=str(clip), network=network)
    assert table_of(Run.start(plan, torch.device("cpu"))).encoder == "clip"
