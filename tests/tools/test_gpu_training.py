"""``tools/gpu_training.py`` on a CPU: packed, trained, brought back, gone on with."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.tool import load_tool

from gisr.errors import InputError
from gisr.training import checkpoint
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint
from gisr.training.log import read_log
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.training.recipe_file import read_recipe
from gisr.training.set_recipe import SetRecipe
from gisr.weights.store import load_weights

Build = Callable[..., Recipe]
NONE = {"rtol": 0, "atol": 0}
SHARES = {"pansharpening": 1.0, "mri": 1.0, "depth": 1.0}


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    return load_tool("gpu_training")


@pytest.fixture(scope="module")
def plan(recipe: Build, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Return a recipe that leaves an entry out and starts from weights of its own."""
    first = train(recipe(), tmp_path_factory.mktemp("first"), stop_at=1, quiet=True)
    return recipe(initial_weights=str(first), exclude=("frame1",), validate_every=2)


def test_images_that_became_smaller_than_a_patch_are_refused_here(
    gpu: ModuleType, recipe: Build, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"depth x\d+, image 1: patch .* larger than .*exclude"):
        gpu.pack(recipe(), tmp_path / "gpu", shares={**SHARES, "depth": 0.01}, most=38)


def newest(folder: Path) -> Path:
    found = latest_checkpoint(folder)
    assert found is not None
    return found


def test_a_run_goes_there_and_back_and_on(gpu: ModuleType, plan: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(plan.record()), encoding="utf-8")
    there, out, home = (tmp_path / name for name in ("there", "out", "home"))
    folder = tmp_path / "gpu"
    assert gpu.main(["pack", str(path), str(folder), "--depth-share", "0.5"]) == 0
    words = ["train", str(folder), str(there), "--out", str(out), "--device", "cpu"]
    for stop in ("1", "2"):  # twice: a second command goes on with what the first left there
        assert gpu.main([*words, "--stop-at", stop, "--workers", "1"]) == 0
    # Four bytes of float32 by four copies do not fit into these; bfloat16 does.
    size = gpu.tensor_bytes(load_checkpoint(newest(there / "checkpoints"))[0]) / gpu.MIB
    assert gpu.main([*words, "--stop-at", "2", "--most", str(0.6 * size)]) == 0
    assert gpu.main(["unpack", str(out), str(home)]) == 0

    tensors, state = load_checkpoint(newest(home / "checkpoints"))
    expected, before = load_checkpoint(newest(there / "checkpoints"))
    assert set(tensors) == set(expected)
    for name, tensor in expected.items():
        tolerance = {"rtol": 2**-8, "atol": 1e-37} if tensor.is_floating_point() else NONE
        torch.testing.assert_close(tensors[name], tensor, **tolerance, msg=name)
    assert not torch.equal(tensors["network.head.weight"], expected["network.head.weight"])
    place = ("step", "epoch", "index")  # a batch of two of its three samples is an epoch
    assert [state[key] for key in place] == [before[key] for key in place] == [2, 1, 2]
    assert before["recipe"]["initial_weights"] == str(folder / "weights")
    own = json.loads((home / "recipe.json").read_text())
    assert own | {"workers": 0} == json.loads(json.dumps(plan.record()))
    published = load_weights(home / "weights").network.state_dict()
    assert all(torch.equal(v, tensors[f"average.module.{k}"]) for k, v in published.items())

    train(read_recipe(home / "recipe.json"), home, stop_at=4, quiet=True)
    tensors, state = load_checkpoint(newest(home / "checkpoints"))
    assert [state[key] for key in place] == [4, 3, 2]
    assert tensors["optimiser.step.head.weight"] == 4


def test_a_run_that_came_back_goes_there_again(
    gpu: ModuleType, plan: Recipe, tmp_path: Path
) -> None:
    folder, home, out = (tmp_path / name for name in ("gpu", "home", "out"))
    train(plan, home, stop_at=2, quiet=True)
    sizes = gpu.pack(plan, folder, shares=SHARES, most=38, run=home)
    assert "state" in sizes and "weights" not in sizes
    line = gpu.train_packed(folder, tmp_path / "there", out, device="cpu", most=58, stop_at=4)
    assert line.startswith("step-00000004: ")
    assert "everything in float32" in line
    gpu.unpack(out, home)
    train(plan, home, quiet=True)
    # As if it had never been away: every tensor travelled as it is, and so did the data.
    train(plan, tmp_path / "straight", quiet=True)
    tensors, _ = load_checkpoint(newest(home / "checkpoints"))
    straight, _ = load_checkpoint(newest(tmp_path / "straight" / "checkpoints"))
    for name, tensor in straight.items():
        torch.testing.assert_close(tensors[name], tensor, rtol=1e-3, atol=1e-5, msg=name)
    assert set(read_log(home).training) == set(read_log(tmp_path / "straight").training)
    with pytest.raises(InputError, match="is at step-00000008, beyond step-00000004"):
        gpu.unpack(out, home)


def test_time_is_up_before_the_last_step(gpu: ModuleType, plan: Recipe, tmp_path: Path) -> None:
    gpu.pack(plan, tmp_path / "gpu", shares=SHARES, most=38)
    run = tmp_path / "there"
    gpu.train_packed(tmp_path / "gpu", run, tmp_path / "out", device="cpu", most=58, seconds=1e-3)
    assert newest(tmp_path / "out").name == "step-00000001"


def test_shards_come_back_or_are_refused(
    gpu: ModuleType, plan: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are the machine's divided by 256, as the network is; names do not shrink."""
    monkeypatch.setattr(checkpoint, "_SHARD_BYTES", checkpoint._SHARD_BYTES // 256)
    monkeypatch.setattr(gpu, "MOST_FILE", gpu.MOST_FILE // 256 + 2**15)
    gpu.pack(plan, tmp_path / "gpu", shares=SHARES, most=38)

    def bring_back(most: float) -> list[int]:
        out = tmp_path / "out"
        gpu.train_packed(
            tmp_path / "gpu", tmp_path / "there", out, device="cpu", most=most, stop_at=1
        )
        return [path.stat().st_size for path in out.rglob("*") if path.is_file()]

    with pytest.raises(InputError, match=r"out: \d+ files of up to .* lower --most"):
        bring_back(58)
    sizes = bring_back(58 / 256)
    assert 3 < len(sizes) <= gpu.MOST_FILES
    assert max(sizes) <= gpu.MOST_FILE
    assert sum(sizes) <= 64 * gpu.MIB // 256


def test_what_does_not_fit_is_named(
    gpu: ModuleType, plan: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(plan.record()), encoding="utf-8")
    folder = tmp_path / "gpu"
    assert gpu.main(["pack", str(path), str(folder), "--most", "0.1"]) == 2
    error = capsys.readouterr().err
    assert "are more than 0.1 MiB: pack a smaller share of the largest" in error
    assert error.index("weights") < error.index("data/open-pairs-mri.tar.xz")
    assert not folder.exists()
    folder.mkdir()
    (folder / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="holds something else"):
        gpu.pack(plan, folder, shares=SHARES, most=38)
    with pytest.raises(InputError, match="no checkpoint came back"):
        gpu.unpack(folder, tmp_path / "run")
    with pytest.raises(InputError, match="holds no checkpoint to go on with"):
        gpu.pack(plan, tmp_path / "other", shares=SHARES, most=38, run=tmp_path / "run")


def test_generated_sets_need_no_data(gpu: ModuleType, recipe: Build, tmp_path: Path) -> None:
    sets = (SetRecipe("depth", 4, dataset="generated"),)
    plan = recipe(data=(), sets=sets)
    sizes = gpu.pack(plan, tmp_path / "gpu", shares=SHARES, most=38)
    assert set(sizes) == {"recipe.json", "packages"}
    line = gpu.train_packed(
        tmp_path / "gpu", tmp_path / "run", tmp_path / "out", device="cpu", most=58, stop_at=1
    )
    assert line.startswith("step-00000001")


def test_the_pace_is_that_of_the_last_lines(gpu: ModuleType, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"event": "start", "recipe": {}}]
    for step, took, waited in ((50, 2.0, 1.9), (100, 0.25, 0.025)):
        seconds = {"step_seconds": took, "waiting_seconds": waited}
        lines.append({"event": "training", "step": step, "seconds": 9.0, **seconds})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "log.jsonl").write_text(text, encoding="utf-8")
    assert gpu._pace(tmp_path) == "4.00 steps/s, waiting for data 10% of the time"
