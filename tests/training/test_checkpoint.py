"""Checkpoints are whole or not there."""

from pathlib import Path

import pytest
import torch
from tests.warm import Warm

from gisr.errors import WeightsError
from gisr.training import checkpoint
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3, dtype=torch.int64)}


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    channels_last = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    tensors = {**TENSORS, "view": TENSORS["a"][:, 1:], "same": TENSORS["a"], "conv": channels_last}
    path = save_checkpoint(tmp_path, 7, tensors, {"step": 7, "recipe": {"name": "x"}})
    loaded, state = load_checkpoint(path)
    assert state == {"step": 7, "recipe": {"name": "x"}}
    assert set(loaded) == set(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype


def test_shards_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_SHARD_BYTES", 1000)
    tensors = {f"t{number}": torch.full((60,), float(number)) for number in range(20)}
    tensors["large"] = torch.rand(1000)
    path = save_checkpoint(tmp_path, 1, tensors, {})
    shards = sorted(path.glob("*.safetensors"))
    assert len(shards) == 6  # four of 240 bytes each, five times, and the large one alone
    loaded, _ = load_checkpoint(path)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "nothing") is None
    for step in (1, 2, 10, 100_000_000, 9):
        save_checkpoint(tmp_path, step, TENSORS, {"step": step})
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["step-00000010", "step-100000000"]
    assert latest_checkpoint(tmp_path) == tmp_path / "step-100000000"


def test_a_repeated_step_replaces_the_first(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 3, {**TENSORS, "old": torch.ones(1)}, {"try": 1})
    tensors, state = load_checkpoint(save_checkpoint(tmp_path, 3, TENSORS, {"try": 2}))
    assert (set(tensors), state) == (set(TENSORS), {"try": 2})


def test_unfinished_checkpoints_are_ignored_and_cleared(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, TENSORS, {"step": 1})
    left = tmp_path / ".step-00000002.99.part"
    left.mkdir()
    (left / "state.json").write_text("{}", encoding="utf-8")
    (tmp_path / "step-00000003").mkdir()  # a folder that no run of ours could leave
    assert latest_checkpoint(tmp_path) == tmp_path / "step-00000001"
    save_checkpoint(tmp_path, 4, TENSORS, {"step": 4})
    assert not left.exists()


@pytest.mark.parametrize("damage", ["state.json", "tensors-000.safetensors"])
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    path = save_checkpoint(tmp_path, 1, TENSORS, {"step": 1})
    (path / damage).write_bytes(b"\xff\x00nonsense")
    with pytest.raises(WeightsError, match="step-00000001"):
        load_checkpoint(path)


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint

folder = Path(sys.argv[1])
random.seed(5)
seen = []
for attempt in range(15):
    first = max(seen, default=0) + 1
    child = os.fork()
    if child == 0:
        for step in range(first, first + 10_000):
            tensors = {f"t{k}": torch.full((2000,), float(step)) for k in range(20)}
            save_checkpoint(folder, step, tensors, {"step": step})
    time.sleep(random.uniform(0.02, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    latest = latest_checkpoint(folder)
    if latest is None:
        continue
    tensors, state = load_checkpoint(latest)
    assert len(tensors) == 20, latest
    assert all((tensor == state["step"]).all() for tensor in tensors.values()), latest
    assert latest.name == f"step-{state['step']:08d}"
    seen.append(state["step"])
assert seen == sorted(seen) and len(set(seen)) > 5, seen
print("survived", len(seen))
"""


def test_a_process_killed_while_writing_leaves_a_whole_checkpoint(
    warm: Warm, tmp_path: Path
) -> None:
    result = warm.run("-c", KILLED, str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("survived")
