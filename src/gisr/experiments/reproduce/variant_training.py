"""Trains an experiment's variants within a budget, each resumable, and records how."""

import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch

from gisr.datasets.entry import Entry
from gisr.experiments.evaluation import provenance
from gisr.experiments.reproduce.plan import (
    TITLES,
    Variant,
    goes_on,
)
from gisr.experiments.reproduce.request import (
    ExperimentRequest,
    ReportProgress,
    read_plan,
    write_plan,
)
from gisr.inference.system import PairSystem
from gisr.magnet import MAGNet
from gisr.training.checkpoint import latest_checkpoint
from gisr.training.loop import Validate, train
from gisr.training.recipe import Recipe
from gisr.training.sets import recipe_entries

_SPEED_STEPS, _SPEED_SECONDS, _LEAST_TIMED = 16, 20.0, 4
"""The short run that measures the speed: its steps, fewer where they take longer than so many
seconds, but at least so many. The first quarter does not count."""
_SECONDS = "training-seconds.json"
_DEVIATION = "standard deviation"


@dataclass(frozen=True)
class Schedule:
    """Steps that the budget allows."""

    steps: int
    """Of a variant of all sets; the others get fewer in proportion."""
    steps_per_second: float | None = None
    """Measured on the largest variant; None where the steps are those of the recipe."""
    measured_on: str | None = None


@dataclass(frozen=True)
class Trained:
    """One variant after training."""

    variant: Variant
    recipe: Recipe
    folder: Path
    """Holds the run; ``weights`` in it are its moving average."""
    seconds: float
    """Time spent training, over all resumptions."""

    @property
    def weights(self) -> Path:
        """Folder of the weights after the recipe's steps."""
        goes = goes_on(self.recipe)
        return self.folder / (_weights_after(self.recipe.steps) if goes else "weights")


def make_schedule(request: ExperimentRequest, report: ReportProgress) -> Schedule:
    """Return the schedule of a folder: what was measured at the first start is read again.

    Raises:
        RecipeError: The folder holds another experiment.
        FileFormatError: The plan in it is damaged.
    """
    rates = read_plan(request)
    if request.budget.unit != "minutes":
        write_plan(request, rates)
        paper = request.budget.unit == "paper"
        return Schedule(request.recipe.steps if paper else int(request.budget.amount))
    largest = max(request.variants, key=lambda v: _parameters(v.recipe(request.recipe, 1)))
    if largest.name not in rates:
        report(f"measuring the speed of {largest.name}")
        rates[largest.name] = steps_per_second(largest, request.recipe, request.device)
        write_plan(request, rates)
    rate, sets = rates[largest.name], len(request.recipe.sets)
    shares = [len(v.recipe(request.recipe, 1).sets) / sets for v in request.variants]
    seconds = request.budget.amount * 60 / len(request.seeds)
    affordable = max(1, int(rate * seconds / sum(shares)))
    return Schedule(affordable, rate, largest.name)


def planned(
    request: ExperimentRequest, variant: Variant, schedule: Schedule, validations: int = 0
) -> tuple[Recipe, Path]:
    """Return what a variant trains, and the folder of its run.

    It is that of a shorter run where one can go on.

    Args:
        request: What to reproduce.
        variant: One of its variants.
        schedule: Of the request.
        validations: How often it is measured while it trains.
    """
    recipe = variant.recipe(request.recipe, schedule.steps)
    recipe = replace(
        recipe,
        checkpoint_every=min(recipe.checkpoint_every, max(1, recipe.steps // 4)),
        validate_every=max(1, recipe.steps // validations) if validations else 0,
    )
    curves = "-curves" if validations else ""  # a run without them has no curve to read again
    networks, key = request.out / "networks", variant.key(request.recipe)
    alone = networks / f"{key}-{recipe.steps}{curves}"
    folder = networks / f"{key}{curves}"
    if not goes_on(recipe) or _passed(folder, recipe.steps):
        return recipe, alone
    return recipe, folder


def _passed(folder: Path, steps: int) -> bool:
    """Whether a run that goes on from budget to budget is beyond some steps and kept none of them.

    A network of so many steps is then trained once more, from the start.
    """
    newest = latest_checkpoint(folder / "checkpoints")
    kept = folder / _weights_after(steps) / _SECONDS
    return newest is not None and _step_of(newest) > steps and not kept.is_file()


def train_variant(
    request: ExperimentRequest,
    variant: Variant,
    schedule: Schedule,
    report: ReportProgress,
    validate: Validate | None = None,
    validations: int = 0,
) -> Trained:
    """Train a variant, or resume it.

    Where a longer run goes on from a shorter one, its weights after these steps are kept.

    Args:
        request: What to reproduce.
        variant: One of its variants.
        schedule: Of the request.
        report: Called with a line at the start.
        validate: Measures the network while it trains.
        validations: How often.

    Raises:
        RecipeError: The recipe cannot be followed.
    """
    recipe, folder = planned(request, variant, schedule, validations)
    report(f"{variant.name}: {recipe.steps} steps on {len(recipe.sets)} sets")
    train(recipe, folder, device=request.device, validate=validate, quiet=True)
    newest = latest_checkpoint(folder / "checkpoints")
    assert newest is not None  # the last step writes one
    run = Trained(variant, recipe, folder, float(_state_of(newest)["seconds"]))
    if not goes_on(recipe):
        return run
    noted = run.weights / _SECONDS
    if not noted.is_file():
        shutil.copytree(folder / "weights", run.weights, dirs_exist_ok=True)
        noted.write_text(json.dumps(run.seconds), encoding="utf-8")  # last: what is kept is whole
    return replace(run, seconds=float(json.loads(noted.read_text(encoding="utf-8"))))


def _weights_after(steps: int) -> str:
    return f"weights-{steps}"


def _step_of(checkpoint: Path) -> int:
    return int(_state_of(checkpoint)["step"])


def _state_of(checkpoint: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
    return state


def statement(
    request: ExperimentRequest, schedule: Schedule | None = None, networks: int | None = None
) -> dict[str, Any]:
    """Return what is recorded with every result: seed, budget, steps, data, commit, machine.

    Args:
        request: What was reproduced.
        schedule: Steps of the networks; None where none was trained.
        networks: How many were trained; those of an ablation when None.
    """
    entries = recipe_entries(request.recipe)
    return {
        "experiment": request.experiment,
        "title": TITLES[request.experiment],
        **provenance(request.command),
        "device": request.device,
        "seeds": list(request.seeds),
        "budget": "none" if schedule is None else _budget(request, networks),
        "data": list(request.recipe.folders),
        "entries": _counts(entries),
        **({} if schedule is None else _training(request.recipe, schedule, entries)),
    }


def _training(recipe: Recipe, schedule: Schedule, entries: Sequence[Entry]) -> dict[str, Any]:
    trained_on: dict[str, list[str]] = {}
    for entry in entries:
        if entry.split in recipe.splits and entry.name not in recipe.exclude:
            trained_on.setdefault(f"{entry.task}, {entry.split}", []).append(entry.name)
    return {
        "steps": schedule.steps,
        "steps_per_second": schedule.steps_per_second,
        "speed_measured_on": schedule.measured_on,
        "trained_on": trained_on,
        "research_pairs": "research" in recipe.splits,
        "recipe": recipe.record(),
    }


def describe_statement(record: Mapping[str, Any]) -> str:
    """Return a statement as a Markdown list."""
    seeds = ", ".join(map(str, record["seeds"]))
    seeds = f"seed {seeds}" if len(record["seeds"]) == 1 else f"seeds {seeds}, mean ± {_DEVIATION}"
    lines = [f"{seeds}; budget: {record['budget']}"]
    if "steps" in record:
        rate = record["steps_per_second"]
        speed = "" if rate is None else f" ({rate:.2f} a second, {record['speed_measured_on']})"
        lines.append(f"{record['steps']} steps{speed}; fewer in proportion for fewer sets")
        counts = [f"{kind}: {len(names)}" for kind, names in record["trained_on"].items()]
        research = "with" if record["research_pairs"] else "without"
        lines.append(f"trained on {', '.join(counts)} entries, {research} research pairs")
    lines.append(f"data {', '.join(record['data'])}")
    lines.append(f"commit {record['commit']}, {record['date']}, {record['machine']}")
    lines.append(f"`{record['command']}`")
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _budget(request: ExperimentRequest, networks: int | None) -> str:
    budget, count = request.budget, networks or len(request.variants) * len(request.seeds)
    if budget.unit == "paper":
        return f"the recipe {request.recipe.name}, all its steps"
    if budget.unit == "steps":
        return f"{budget.amount:.0f} steps for each of {count} networks"
    return f"{budget.amount:g} minutes of training, shared by {count} networks"


def _counts(entries: Sequence[Entry]) -> dict[str, int]:
    kinds = [f"{entry.dataset} {entry.task} {entry.split}" for entry in entries]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _parameters(recipe: Recipe) -> int:
    return sum(parameter.numel() for parameter in MAGNet(recipe.network).parameters())


def steps_per_second(variant: Variant, base: Recipe, device: str) -> float:
    """Return the speed of a few steps into nothing, of one CPU thread by the time it computed.

    So other work of the machine does not make a network look slow beside another. More threads wait
    for each other and a GPU is waited for: there the clock on the wall counts. Files are in memory
    after the first steps, so the median counts.
    """
    alone = torch.device(device).type == "cpu" and torch.get_num_threads() == 1
    now = time.process_time if alone else time.perf_counter
    sets = len(variant.recipe(base, 1).sets)
    recipe = variant.recipe(base, _SPEED_STEPS * len(base.sets) // sets)
    times: list[float] = []

    def clock(system: PairSystem) -> dict[str, float]:
        times.append(now())
        return {}

    brief = replace(recipe, steps=_SPEED_STEPS, validate_every=1, checkpoint_every=_SPEED_STEPS)
    with tempfile.TemporaryDirectory() as folder:
        train(brief, folder, device=device, validate=clock, quiet=True, stop_after=_SPEED_SECONDS)
        if len(times) < _LEAST_TIMED:  # the slowest networks take longer than all that for a step
            train(brief, folder, device=device, validate=clock, quiet=True, stop_at=_LEAST_TIMED)
    spent = [after - before for before, after in pairwise(times)]
    return 1 / median(spent[len(spent) // 4 :])
