"""The training loop: resumable bit for bit on CPU, in the middle of an epoch.

What a run is when it begins, and what it is after a fault, is in :mod:`gisr.training.resume`.

One process or several (:mod:`gisr.training.distributed`) run the same lines; what differs is in
``processes``.
"""

import math
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from gisr.errors import RecipeError
from gisr.inference.system import PairSystem
from gisr.memory import memory_errors
from gisr.tasks import TASKS
from gisr.training.batches import batches as make_batches
from gisr.training.batches import make_mixture
from gisr.training.compiled import compiled_code
from gisr.training.distributed import joined, leads, own_device
from gisr.training.hold import held
from gisr.training.log import TrainingLog
from gisr.training.objective import Objective, SampleBatch, gradient_norms
from gisr.training.recipe import Recipe
from gisr.training.resume import advice, go_on
from gisr.training.run import DivergedError, Run
from gisr.training.samples.mixture import Position
from gisr.training.samples.training_set import TrainingSet
from gisr.training.sets import Notify, training_sets

Validate = Callable[[PairSystem], dict[str, float]]
"""Measures a network behind its call; given by the caller so that the loop knows no protocol."""


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    device: str = "cpu",
    validate: Validate | None = None,
    stop_at: int | None = None,
    stop_after: float | None = None,
    quiet: bool = False,
    notify: Notify = lambda note: None,
) -> Path:
    """Train, or resume, the run of a folder.

    Args:
        recipe: What to train; a resumed run must have the same recipe (``steps``, ``stages`` and
            the intervals may change, ``learning_rate`` and ``gradient_norm`` may be lowered). Its
            batch is that of all processes together.
        folder: Receives ``checkpoints/``, ``weights/`` (the moving average, ready for
            :func:`gisr.load_model`), ``log.jsonl`` and TensorBoard files.
        device: torch device; under torchrun ``cuda`` gives each process a GPU of its own.
        validate: Measures the moving average every ``recipe.validate_every`` steps.
        stop_at: Stop after this step, with a checkpoint, as if interrupted.
        stop_after: Stop so after the step in which this many seconds are over, on any process.
        quiet: Show no progress bar.
        notify: Given a line where the run does not go on from where it ended, or has no step left
            to take, and on files of the data that are in no entry.

    Returns:
        The folder of the weights: those of the newest checkpoint, written now should they be
        missing or older.

    Raises:
        RecipeError: The recipe cannot be followed, the folder holds another run or is another
            process's, a stop lies before the first step, or a step diverged; the checkpoints
            before it are kept.
        MissingExtraError: The recipe's text encoder needs a package that is not installed.
        WeightsError: Initial weights or those of the text encoder are not there, or damaged.
        FileFormatError: The disk refuses what the run writes, for example because it is full.
        LimitError: Memory does not suffice.
    """
    _check_stops(stop_at, stop_after)
    deadline = None if stop_after is None else time.monotonic() + stop_after
    where, folder = torch.device(own_device(device)), Path(folder)
    with ExitStack() as stack:
        if leads():
            stack.enter_context(held(folder))
        stack.enter_context(compiled_code(folder))
        remedy = "lower batch, patch or network.width, or use a machine with more of it"
        stack.enter_context(memory_errors(f"training {recipe.name}", remedy))
        processes = stack.enter_context(joined(where))
        processes.check(recipe)
        run = Run.start(recipe, where, processes)
        go_on(run, recipe, folder, notify)
        last = recipe.steps if stop_at is None else min(recipe.steps, stop_at)
        if run.step >= last and processes.leads:
            notify(f"{folder}: is at step {run.step} already, {last} were asked for: none is taken")
        sets = training_sets(recipe, notify if processes.leads else lambda note: None)
        for part, _ in recipe.parts(run.step, last):  # before anything is written
            make_mixture(part, sets).check_batch(part.batch)
        reports = _Reports(recipe, folder, last, stack, validate) if processes.leads else None
        try:
            _follow_parts(run, recipe, sets, last, deadline, reports, quiet)
        except DivergedError as error:
            raise DivergedError(f"{error}: {advice(folder, recipe)}") from error
    return folder / "weights"


def _check_stops(stop_at: int | None, stop_after: float | None) -> None:
    """Refuse to stop before the first step: there would be no weights to return."""
    if stop_at is not None and stop_at < 1:
        raise RecipeError(f"stop-at {stop_at}: must be at least 1, a run stops after a step")
    if stop_after is not None and not stop_after > 0:
        raise RecipeError(f"stop-after {stop_after:g}: must be above 0 seconds")


def _follow_parts(
    run: Run,
    recipe: Recipe,
    sets: Sequence[TrainingSet],
    last: int,
    deadline: float | None,
    reports: "_Reports | None",
    quiet: bool,
) -> None:
    """Take the steps up to the last, stage by stage, while there is the time for it."""
    for part, end in recipe.parts(run.step, last):
        batches = make_batches(
            make_mixture(part, sets),
            part,
            run.trainee.table,
            run.position,
            run.processes,
            pinned=run.device.type == "cuda",
        )
        if not _follow(run, part, batches, end, deadline, reports, quiet):
            break


@dataclass(frozen=True)
class _Reports:
    """What the first process does after every step: log, validate, save."""

    recipe: Recipe
    folder: Path
    last: int
    stack: ExitStack
    """Closes the log with the run."""
    validate: Validate | None

    @cached_property
    def log(self) -> TrainingLog:
        """Opened by the first step: a run that is refused before it leaves nothing behind."""
        return self.stack.enter_context(TrainingLog(self.folder, self.recipe))

    def after_step(self, run: Run, values: dict[str, float], *, stopping: bool) -> None:
        recipe = self.recipe
        self.log.training(run.step, run.seconds, values)
        validating = _due(run.step, recipe.validate_every, recipe.steps)
        saving = stopping or _due(run.step, recipe.checkpoint_every, self.last)
        if validating or saving:
            run.check_finite()
        if self.validate is not None and validating:
            averaged = run.trainee.system(run.averaged.eval(), recipe.name)
            scores = self.validate(averaged)
            self.log.validation(run.step, run.seconds, scores)
        if saving:
            run.save(self.folder / "checkpoints", recipe)
            run.trainee.save(self.folder / "weights", run.averaged, recipe.name)


def _follow(
    run: Run,
    recipe: Recipe,
    batches: Iterator[tuple[Position, SampleBatch]],
    last: int,
    deadline: float | None,
    reports: _Reports | None,
    quiet: bool,
) -> bool:
    """Take the steps up to the last; return whether there was the time for it."""
    run.processes.share_noise(run.network, recipe.batch)
    quiet, stopping = quiet or not run.processes.leads, False
    with tqdm(total=recipe.steps, initial=run.step, disable=quiet, unit="step") as progress:
        while run.step < last and not stopping:
            began = time.perf_counter()
            position, batch = next(batches)
            waited = time.perf_counter() - began
            values = _step(run, recipe, batch.to(run.device))
            took = time.perf_counter() - began
            run.step, run.position, run.seconds = run.step + 1, position, run.seconds + took
            progress.update()
            stopping = _time_is_up(run, deadline)
            if reports is not None:
                values |= {"step_seconds": took, "waiting_seconds": waited}
                reports.after_step(run, values, stopping=stopping)
    return not stopping


def _time_is_up(run: Run, deadline: float | None) -> bool:
    """Whether the time of any process is up: all have to stop after the same step."""
    if deadline is None:
        return False
    late = torch.tensor(float(time.monotonic() >= deadline), device=run.device)
    return bool(run.processes.total(late) > 0)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate of a step: linear warm-up, then as the recipe's schedule has it."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "steps":
        falls = sum(step >= round(share * recipe.steps) for share in recipe.falls)
        return recipe.learning_rate * recipe.fall_factor**falls
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _step(run: Run, recipe: Recipe, batch: SampleBatch) -> dict[str, float]:
    """Take one optimiser step and return what to log."""
    rate = learning_rate(recipe, run.step)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    weights, layer = run.balancing.weights, run.trainee.layer
    loss = run.trainee.objective(run.model, batch, weights, recipe, run.processes)
    run.balancing.learn(loss.errors, lambda: gradient_norms(loss, batch, layer, run.processes))
    run.optimiser.zero_grad(set_to_none=True)
    loss.total.backward()
    norm = nn.utils.clip_grad_norm_(run.network.parameters(), recipe.gradient_norm)
    values = _values(loss, weights.tolist(), recipe.balance_weight)
    # Both: the derivative of |x| at NaN is 0, so a damaged truth does not show in the gradient.
    if not (torch.isfinite(norm) and math.isfinite(values["loss"])):
        raise DivergedError(f"step {run.step + 1}: the loss or its gradient is not finite")
    run.optimiser.step()
    run.average.update_parameters(run.network)
    return {**values, "gradient_norm": float(norm), "learning_rate": rate}


def _values(loss: Objective, weights: list[float], gamma: float) -> dict[str, float]:
    """Return what to log of the loss of a whole batch, over all processes."""
    errors, balance = loss.errors, float(loss.balance.detach())
    sums, samples = errors.sums.tolist(), float(errors.counts.sum())
    weighted = sum(map(operator.mul, weights, sums)) / samples
    values = {"loss": weighted + gamma * balance, "error": sum(sums) / samples}
    values["balance"] = balance
    by_task = zip(TASKS, weights, errors.means.tolist(), errors.relative.tolist(), strict=True)
    for present, (name, weight, mean, relative) in zip(errors.counts > 0, by_task, strict=True):
        if present:
            values |= {f"error_{name}": mean, f"weight_{name}": weight}
            if not math.isnan(relative):
                values[f"relative_error_{name}"] = relative
    return values


def _due(step: int, interval: int, last: int) -> bool:
    return step == last or (interval > 0 and step % interval == 0)


__all__ = ["Validate", "learning_rate", "train"]
