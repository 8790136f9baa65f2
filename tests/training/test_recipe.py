"""Recipes: what ships can be read, and what cannot be trained is refused by name."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gisr.errors import RecipeError
from gisr.magnet import MAGNetConfig
from gisr.training.recipe import Recipe, SetRecipe, read_recipe

SHIPPED = sorted(Path(str(files("gisr.training"))).glob("recipes/*.yaml"))
MINIMAL = """
name: small
data: pairs
sets:
  - {task: depth, ratio: 4}
steps: 10
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_shipped_recipes() -> None:
    assert "magnet-s-open" in {path.stem for path in SHIPPED}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_can_be_read(path: Path) -> None:
    recipe = read_recipe(path)
    assert {chosen.task for chosen in recipe.sets} == {"pansharpening", "mri", "depth"}
    assert recipe.open_only or "open" not in path.stem


def test_a_minimal_recipe_takes_the_defaults(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, MINIMAL))
    expected = Recipe(name="small", data="pairs", sets=(SetRecipe("depth", 4),), steps=10)
    assert recipe == expected
    assert recipe.network == MAGNetConfig()


def test_nested_settings_and_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "network: {width: 16, routing: none}\ntask_weights: {mri: 2}")
    recipe = read_recipe(path, ["--steps", "7", "--network.width", "8"])
    assert (recipe.steps, recipe.network.width, recipe.network.routing) == (7, 8, "none")
    assert (recipe.task_weights.mri, recipe.task_weights.depth) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("addition", "message"),
    [
        ("stepz: 4", "stepz"),
        ("network: {wide: 4}", "wide"),
        ("network: {width: broad}", "width"),
        ("network: {width: 7}", "width 7"),
        ("network: {routing: everywhere}", "routing"),
        ("sets: []", "no training set"),
        ("sets: [{task: video, ratio: 4}]", "task"),
        ("sets: [{task: depth, ratio: 1}]", "depth x1"),
        ("precision: float8", "precision"),
        ("steps: 0", "steps: 0"),
        ("batch: -1", "batch: -1"),
        ("patch: 100", "patch 100"),
        ("warmup: -1", "warmup: -1"),
        ("workers: -1", "workers: -1"),
        ("gradient_norm: 0", "gradient_norm"),
        ("learning_rate: 0", "learning_rate"),
        ("learning_rate: .nan", "learning_rate"),
        ("average: 1.0", "average"),
        ("balance: -1", "balance"),
        ("splits: [test]", "splits"),
        ("{", "recipe.yaml"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, addition: str, message: str) -> None:
    name = addition.split(":")[0]
    kept = [line for line in MINIMAL.splitlines() if not line.startswith(name)]
    if name == "sets":
        kept = [line for line in kept if not line.startswith("  -")]
    path = write(tmp_path, "\n".join([*kept, addition]))
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(path)
    assert "recipe.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        read_recipe(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    "attack",
    [
        "network: !!python/object/apply:pathlib.Path.touch [{mark}]",
        "data: !!python/object/apply:os.system ['touch {mark}']",
        "network: {class_path: pathlib.Path, init_args: {args: ['{mark}']}}",
        "network: {class_path: tests_attack.Payload}",
        "task_weights: {class_path: tests_attack.Payload}",
        "sets: [{class_path: tests_attack.Payload}]",
        "sets: {class_path: tests_attack.Payload}",
        "network: {other}",
        "recipe: {other}",
    ],
)
def test_a_recipe_cannot_run_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    mark = tmp_path / "mark"
    payload = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Payload: pass\n"
    (tmp_path / "tests_attack.py").write_text(payload, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    lines = [line for line in MINIMAL.splitlines() if not line.startswith(attack.split(":")[0])]
    other = tmp_path / "other.yaml"
    other.write_text("class_path: tests_attack.Payload", encoding="utf-8")
    attack = attack.replace("{mark}", str(mark)).replace("{other}", str(other))
    path = write(tmp_path, "\n".join([*lines, attack]))
    with pytest.raises(RecipeError):
        read_recipe(path)
    assert not mark.exists()


def test_the_record_is_plain(recipe: Callable[..., Recipe]) -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list | tuple):
            return all(map(plain, value))
        return value is None or isinstance(value, str | int | float | bool)

    record = recipe().record()
    assert plain(record)
    assert record["network"]["width"] == 4
