"""``gisr train``: what the command adds to the loop."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gisr.apps.cli import main
from gisr.errors import WeightsError
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint
from gisr.training.recipe import Recipe
from gisr.weights.store import load_weights

Build = Callable[..., Recipe]


def recorded(folder: Path) -> dict[str, Any]:
    latest = latest_checkpoint(folder / "checkpoints")
    assert latest is not None
    recipe = load_checkpoint(latest)[1]["recipe"]
    assert isinstance(recipe, dict)
    return recipe


@pytest.mark.parametrize(("options", "steps"), [([], 3), (["--steps", "7"], 7)])
def test_one_by_one(
    recipe: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    steps: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.json").write_text(json.dumps(recipe(steps=9).record()), encoding="utf-8")
    assert main(["train", "mine.json", "--only", "depth:4", "--stop-at", "1", *options]) == 0
    plan = recorded(Path("runs/mine-depth-x4"))
    assert (plan["name"], plan["steps"]) == ("tiny-depth-x4", steps)
    assert [(chosen["task"], chosen["ratio"]) for chosen in plan["sets"]] == [("depth", 4)]
    assert "weights of tiny-depth-x4" in capsys.readouterr().out


def test_only_names_what_there_is(
    recipe: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(recipe().record()), encoding="utf-8")
    assert main(["train", str(path), "--only", "depth:3"]) == 2
    assert "only: depth:3 is not in the mixture of tiny; it has depth, depth:4" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stop-at", "0"], "stop-at 0: must be at least 1, a run stops after a step"),
        (["--stop-at", "-1"], "stop-at -1: must be at least 1, a run stops after a step"),
        (["--stop-after", "0"], "stop-after 0: must be above 0 seconds"),
        (["--stop-after", "-5"], "stop-after -5: must be above 0 seconds"),
    ],
)
def test_a_stop_before_the_first_step_is_refused(
    recipe: Build,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    """There would be no weights, which the last line would call ready."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(recipe().record()), encoding="utf-8")
    assert main(["train", str(path), "--folder", str(tmp_path / "run"), *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"gisr: error: {message}\n")
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_step_left_says_so(
    recipe: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = tmp_path / "mine.json", tmp_path / "run"
    path.write_text(json.dumps(recipe(steps=3).record()), encoding="utf-8")
    words = ["train", str(path), "--folder", str(folder), "--stop-at"]
    assert main([*words, "2"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*words, "1"]) == 0
    assert capsys.readouterr().err == (
        f"gisr: note: {folder}: is at step 2 already, 1 were asked for: none is taken\n"
    )


def test_the_folder_of_a_run_with_a_space_can_be_pasted_and_is_told_from_its_weights(
    recipe: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = tmp_path / "mine.json", tmp_path / "my run"
    path.write_text(json.dumps(recipe().record()), encoding="utf-8")
    assert main(["train", str(path), "--folder", str(folder), "--stop-at", "1"]) == 0
    assert capsys.readouterr().out.endswith(f"gisr upscale --model '{folder / 'weights'}'\n")
    with pytest.raises(WeightsError, match=r"my run is the folder of a run, its weights are in .*"):
        load_weights(str(folder))


def test_weights_of_a_published_system_are_for_evaluate(
    recipe: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``gisr upscale`` takes MAG-Net's alone: the line of ``train`` and the refusal say so."""
    path, folder = tmp_path / "mine.json", tmp_path / "run"
    path.write_text(json.dumps(recipe().record()), encoding="utf-8")
    words = ["train", str(path), "--only", "depth:4", "--folder", str(folder), "--stop-at", "1"]
    assert main([*words, "--system.name", "fdkn"]) == 0
    weights = folder / "weights"
    use = f"gisr evaluate DATA --systems fdkn:{weights}"
    out = capsys.readouterr().out
    assert out == f"{weights}: weights of tiny-depth-x4, for {use}\n"
    assert main(["export", "onnx", "-o", str(tmp_path / "x.onnx"), "--model", str(weights)]) == 2
    assert f"is of the compared system fdkn, not of MAG-Net: it is scored by {use}" in (
        capsys.readouterr().err
    )


def test_a_run_that_is_refused_leaves_nothing(
    recipe: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A patch larger than an image is seen when the image is read, by the first step."""
    path, folder = tmp_path / "mine.json", tmp_path / "runs" / "mine"
    path.write_text(json.dumps(recipe().record()), encoding="utf-8")
    words = ["train", str(path), "--only", "depth:4", "--folder", str(folder), "--patch", "4096"]
    assert main(words) == 2
    assert "patch 4096 is larger than" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert main([*words[:-2], "--stop-at", "1"]) == 0
    assert (folder / "log.jsonl").read_text(encoding="utf-8").count('"event": "start"') == 1


def test_a_list_is_one_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``gisr reproduce --data a b`` takes two words, a value of a recipe is one."""
    words = ["train", "magnet-s-open", "--data", "a", "b", "--folder", str(tmp_path / "run")]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "gisr: error: b: belongs to no option of gisr train: a list is one word, --data '[a, b]'\n"
    )


def test_an_interrupted_run_says_how_it_goes_on(
    recipe: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(recipe(steps=9).record()), encoding="utf-8")
    words = ["train", str(path), "--folder", str(tmp_path / "run"), "--quiet"]
    interrupt = "gisr.training.loop._follow_parts"
    with monkeypatch.context() as patched:
        patched.setattr(interrupt, _interrupted)
        assert main(words) == 130
    assert capsys.readouterr().err == "gisr: interrupted\n"
    assert main([*words, "--stop-at", "2"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(interrupt, _interrupted)
    assert main(words) == 130
    assert capsys.readouterr().err == (
        f"gisr: note: {tmp_path / 'run'}: the same command goes on from its last checkpoint, "
        "step-00000002\ngisr: interrupted\n"
    )


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt
