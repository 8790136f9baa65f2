"""What the tables share: networks trained and scored once, beside the interpolation of their task.

Tables I and II have them as rows of systems (:mod:`gisr.experiments.reproduce.system_tables`), III
to VII and that of balancing as rows of changes (:mod:`gisr.experiments.reproduce.ablations`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gisr.baselines.system import ComparedSystem
from gisr.baselines.weights import load_system
from gisr.experiments.reproduce.columns import (
    Cell,
    ResultColumn,
    find_columns,
    images_of,
    score,
    score_interpolation,
)
from gisr.experiments.reproduce.kept import read_kept, write_kept
from gisr.experiments.reproduce.plan import Variant
from gisr.experiments.reproduce.request import ExperimentRequest, ReportProgress
from gisr.experiments.reproduce.tables import ResultRow
from gisr.experiments.reproduce.variant_training import Schedule, Trained, planned, train_variant
from gisr.experiments.system_variants import NETWORK_ALONE, SystemVariant
from gisr.inference.loading import load_model
from gisr.inference.system import PairSystem
from gisr.tasks import TaskName
from gisr.training.sets import recipe_entries


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table that have test pairs, and what interpolation reaches in them."""

    columns: tuple[ResultColumn, ...]
    interpolated: Mapping[str, Cell]
    """By key of the column."""

    def interpolation(self, columns: Sequence[ResultColumn] | None = None) -> ResultRow:
        """Return its row, in all columns or those of a part."""
        part = self.columns if columns is None else columns
        return ResultRow("interpolation", {c.key: self.interpolated[c.key].value for c in part})

    def record(self, request: ExperimentRequest) -> dict[str, Any]:
        """Return what a table's JSON says of how it was tested."""
        return {
            "tested_on": images_of(self.interpolated),
            "test_part": asdict(request.amount),
            "metrics": {column.key: column.metric for column in self.columns},
            "interpolation": dict(self.interpolation().values),
        }


@dataclass(frozen=True)
class ScoredNetwork:
    """One network of a table after training, and what it reached."""

    run: Trained
    cells: Mapping[str, Cell]
    """By key of the column."""
    steps_per_second: float | None = None
    """As a short run measured it; what the whole run took depends on what else the machine did."""

    @property
    def minutes(self) -> float:
        """Of training, by that speed, or else as they were counted."""
        rate = self.steps_per_second
        return (self.run.seconds if rate is None else self.run.recipe.steps / rate) / 60


def table_columns(
    request: ExperimentRequest,
    tasks: Collection[TaskName] | None = None,
    *,
    every_metric: bool = False,
) -> TableColumns:
    """Return the columns of a table and score interpolation in them.

    Args:
        request: What is reproduced.
        tasks: Only theirs; all that have test pairs when None.
        every_metric: All metrics of a task instead of its first.

    Raises:
        InputError: The data has no test pairs.
    """
    entries = recipe_entries(request.recipe)
    columns = find_columns(entries, request.benchmarks, every_metric=every_metric)
    columns = tuple(column for column in columns if tasks is None or column.task in tasks)
    found = score_interpolation(columns, entries, request.amount)
    return TableColumns(tuple(column for column in columns if column.key in found), found)


def train_and_score(
    request: ExperimentRequest,
    variant: Variant,
    schedule: Schedule,
    columns: Sequence[ResultColumn],
    report: ReportProgress,
) -> ScoredNetwork:
    """Train and score a network, or read what an earlier start found.

    What was scored is not trained again where its network is no longer there: scores are small
    enough to be carried from machine to machine, networks often are not.

    Raises:
        RecipeError: The recipe cannot be followed.
        FileFormatError: What an earlier start found is damaged, or the disk refuses it.
    """
    recipe, folder = planned(request, variant, schedule)
    path = folder / f"scores-{recipe.steps}.json"
    own = [column for column in columns if variant.is_scored_on(column.task, column.ratio)]
    how = {"steps": recipe.steps, **asdict(request.amount), "columns": [c.key for c in own]}
    if path.is_file():
        found = read_kept(path)
        if found.get("how") == how:
            cells = {
                key: Cell(cell["value"], tuple(cell["images"]))
                for key, cell in found["cells"].items()
            }
            run = Trained(variant, recipe, folder, found["training_seconds"])
            return ScoredNetwork(run, cells, schedule.steps_per_second)
    run = train_variant(request, variant, schedule, report)
    report(f"{variant.name}: scoring")
    system = SystemVariant(load_trained(run, request.device), NETWORK_ALONE)
    cells = score(system, own, recipe_entries(recipe), request.amount)
    record = {
        "how": how,
        "cells": {key: asdict(cell) for key, cell in cells.items()},
        "training_seconds": run.seconds,
    }
    write_kept(path, record)
    return ScoredNetwork(run, cells, schedule.steps_per_second)


def load_trained(run: Trained, device: str) -> PairSystem:
    """Return a trained network of a table behind the call of every system."""
    if run.recipe.system is None:
        return load_model(run.weights, device)
    weights = load_system(run.weights)
    return ComparedSystem(weights.network, weights.shape, run.variant.name, device)


__all__ = ["ScoredNetwork", "TableColumns", "load_trained", "table_columns", "train_and_score"]
