"""``gisr train``: what the command adds to the loop."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gisr.apps.cli import main
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint
from gisr.training.recipe import Recipe

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
