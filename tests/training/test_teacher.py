"""What a network learns from a teacher, beside the truth."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gisr.errors import RecipeError
from gisr.magnet import MAGNet, MAGNetConfig, MAGNetOutput
from gisr.tasks import TASKS
from gisr.tasks.text.table import DescriptionTable, built_in_table
from gisr.training.batches import batches, make_mixture
from gisr.training.distributed import Processes
from gisr.training.loop import train
from gisr.training.objective import SampleBatch, objective, sample_errors
from gisr.training.recipe import Recipe
from gisr.training.run import Run
from gisr.training.samples.mixture import Position
from gisr.training.set_recipe import SetRecipe
from gisr.training.sets import training_sets
from gisr.training.system_recipe import SystemRecipe
from gisr.training.teacher import Teacher
from gisr.weights.store import save_weights

Build = Callable[..., Recipe]
CPU = torch.device("cpu")


def written(folder: Path, table: DescriptionTable | None = None, guide_channels: int = 4) -> str:
    """Write weights of a network that adds something to its targets, as a trained one does."""
    torch.manual_seed(5)
    network = MAGNet(
        MAGNetConfig(
            width=8, blocks=(1, 1), heads=(1, 2), unshuffle=2, guide_channels=guide_channels
        )
    )
    with torch.no_grad():
        network.head.weight.normal_(std=0.1)
    save_weights(folder, network, table or built_in_table(), name="teacher")
    return str(folder)


def first_batch(recipe: Recipe) -> SampleBatch:
    mixture = make_mixture(recipe, training_sets(recipe))
    _, batch = next(batches(mixture, recipe, built_in_table(), Position(0, 0)))
    return batch


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_error_is_that_to_both(recipe: Build, tmp_path: Path, share: float) -> None:
    plan = recipe(teacher=written(tmp_path / "teacher"), teacher_share=share, criterion="rms")
    batch = first_batch(plan)
    teacher = Teacher.of(plan, built_in_table(), CPU)
    assert teacher is not None
    lesson = teacher.lesson(batch)
    assert (lesson.image - batch.target).abs().max() > 1e-4  # it adds something
    output = MAGNetOutput(batch.target, ())
    found = objective(output, batch, torch.ones(len(TASKS)), 0.0, criterion="rms", lesson=lesson)
    to_truth = sample_errors(batch.target, batch, "rms")
    to_teacher = sample_errors(batch.target, replace(batch, truth=lesson.image), "rms")
    torch.testing.assert_close(found.reconstruction, (1 - share) * to_truth + share * to_teacher)


def test_a_network_comes_nearer_to_its_teacher(recipe: Build, tmp_path: Path) -> None:
    """Of a lesson alone it learns the teacher's answers, whatever the truth is."""
    plan = recipe(
        teacher=written(tmp_path / "teacher"),
        teacher_share=1.0,
        learning_rate=5e-3,
        balance_weight=0,
    )
    batch = first_batch(plan)
    batch = replace(batch, truth=torch.full_like(batch.truth, 9.0))
    run = Run.start(plan, CPU)
    errors = []
    for _ in range(40):
        loss = run.trainee.objective(run.model, batch, torch.ones(len(TASKS)), plan, Processes())
        run.optimiser.zero_grad()
        loss.total.backward()
        run.optimiser.step()
        errors.append(float(loss.errors.sums.sum()))
    assert errors[-1] < 0.7 * errors[0]


def test_a_teacher_that_counts_nothing_changes_nothing(recipe: Build, tmp_path: Path) -> None:
    alone = train(recipe(), tmp_path / "alone", quiet=True)
    plan = recipe(teacher=written(tmp_path / "teacher"), teacher_share=0.0)
    taught = train(plan, tmp_path / "taught", quiet=True)
    weights = [(each / "model.safetensors").read_bytes() for each in (alone, taught)]
    assert weights[0] == weights[1]


def test_a_teacher_that_does_not_fit_is_refused(recipe: Build, tmp_path: Path) -> None:
    wide = recipe(teacher=written(tmp_path / "wide", guide_channels=6))
    with pytest.raises(
        RecipeError, match=r"takes guides of 6 channels.* set network\.guide_channels"
    ):
        Run.start(wide, CPU)
    table = built_in_table()
    turned = replace(table, embeddings=-table.embeddings)
    other = recipe(teacher=written(tmp_path / "other", turned))
    with pytest.raises(RecipeError, match="reads other embeddings of the descriptions"):
        Run.start(other, CPU)
    with pytest.raises(RecipeError, match="teacher magnet-s: is for MAG-Net"):
        recipe(
            teacher="magnet-s",
            system=SystemRecipe("dctnet"),
            sets=(SetRecipe("depth", 4),),
        )
