"""Recipes that ask for generated images: alone, mixed with real ones, stopped and resumed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gisr.errors import RecipeError
from gisr.experiments.validation import make_validation
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.training.recipe_file import read_recipe
from gisr.training.run import Run
from gisr.training.samples.frames import FrameSet, GeneratedFrameSet
from gisr.training.samples.mixture import Mixture, Position
from gisr.training.samples.scenes import GeneratedSceneSet
from gisr.training.samples.training_set import GENERATED_LENGTH
from gisr.training.set_recipe import SetRecipe
from gisr.training.sets import training_sets

Build = Callable[..., Recipe]
GENERATED = (
    SetRecipe("depth", 4, dataset="generated"),
    SetRecipe("pansharpening", 2, dataset="generated"),
)


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    latest = latest_checkpoint(folder / "checkpoints")
    assert latest is not None
    return load_checkpoint(latest)[0]


def test_a_recipe_file_can_ask_for_them(tmp_path: Path) -> None:
    text = "name: g\ndata: []\nsets:\n  - {task: depth, ratio: 8, dataset: generated}\nsteps: 10\n"
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    recipe = read_recipe(tmp_path / "recipe.yaml")
    assert recipe.folders == ()
    assert training_sets(recipe) == [GeneratedFrameSet(8)]


def test_without_folders_an_epoch_has_the_papers_length(recipe: Build) -> None:
    plan = recipe(data=(), sets=GENERATED)
    mixture = Mixture(training_sets(plan), patch=16, seed=0)
    assert mixture.epoch_length == 2 * GENERATED_LENGTH
    assert make_validation(plan) is None


def test_beside_real_images_those_decide_how_long_an_epoch_is(recipe: Build) -> None:
    plan = recipe(sets=(SetRecipe("depth", 4), *GENERATED), misregistration=0.1)
    real, *generated = training_sets(plan)
    assert isinstance(real, FrameSet) and generated == [
        GeneratedFrameSet(4),
        GeneratedSceneSet(2, 0.1),
    ]
    assert Mixture([real, *generated], patch=16, seed=0).items == (2, 2, 2)


def test_every_epoch_shows_new_frames(recipe: Build) -> None:
    mixture = Mixture(training_sets(recipe(data=(), sets=GENERATED)), patch=16, seed=0)
    first, again, later = (mixture[Position(epoch, 3)] for epoch in (0, 0, 1))
    assert (first.guide == again.guide).all()
    assert (first.guide != later.guide).any()


def test_they_train(recipe: Build, tmp_path: Path) -> None:
    plan = recipe(data=(), sets=GENERATED, steps=4)
    train(plan, tmp_path, quiet=True)
    learnt, first = tensors(tmp_path), Run.start(plan, torch.device("cpu")).tensors()
    assert all(learnt[name].isfinite().all() for name in first)
    assert (learnt["network.head.weight"] != first["network.head.weight"]).any()


def test_a_resumed_run_equals_a_straight_one(recipe: Build, tmp_path: Path) -> None:
    plan = recipe(sets=(SetRecipe("depth", 4), *GENERATED), steps=5)
    train(plan, tmp_path / "straight", quiet=True)
    train(plan, tmp_path / "resumed", stop_at=2, quiet=True)
    train(plan, tmp_path / "resumed", quiet=True)
    straight, resumed = tensors(tmp_path / "straight"), tensors(tmp_path / "resumed")
    assert [name for name in straight if not torch.equal(straight[name], resumed[name])] == []


def test_loader_processes_change_nothing(recipe: Build, tmp_path: Path) -> None:
    plan = recipe(data=(), sets=GENERATED, steps=2)
    train(plan, tmp_path / "own", quiet=True)
    train(recipe(data=(), sets=GENERATED, steps=2, workers=1), tmp_path / "other", quiet=True)
    own, other = tensors(tmp_path / "own"), tensors(tmp_path / "other")
    assert [name for name in own if not torch.equal(own[name], other[name])] == []


@pytest.mark.parametrize(
    "wanted", [{"task": "mri", "ratio": 2}, {"task": "pansharpening", "ratio": 4, "sensor": "QB"}]
)
def test_what_is_not_generated_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=r"dataset generated.*images are generated for depth"):
        SetRecipe(**wanted, dataset="generated")  # type: ignore[arg-type]


def test_a_recipe_that_reads_images_needs_a_folder(recipe: Build) -> None:
    with pytest.raises(RecipeError, match="names no folder"):
        recipe(data=(), sets=(SetRecipe("depth", 4), *GENERATED))
