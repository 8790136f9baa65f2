"""The training loop: resumable bit for bit on CPU, in the middle of an epoch."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from gisr.data.mixture import Mixture, Position
from gisr.data.open_pairs import OpenPair, read_open_pairs
from gisr.data.training_sets import DepthSet, MRISet, PansharpeningSet, TrainingSet
from gisr.errors import RecipeError, WeightsError
from gisr.inference.weights import load_weights, save_weights
from gisr.magnet import MAGNet
from gisr.tasks.text.table import DescriptionTable, built_in_table
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from gisr.training.log import TrainingLog
from gisr.training.objective import Batch, errors_by_task, objective
from gisr.training.recipe import Recipe, SetRecipe

Validate = Callable[[MAGNet, DescriptionTable], dict[str, float]]
"""Measures a network; given by the caller so that the loop knows no protocol."""


@dataclass
class Run:
    """The state of a training run; everything in it is saved and restored."""

    network: MAGNet
    average: AveragedModel
    optimiser: torch.optim.Adam
    step: int = 0
    position: Position = field(default_factory=partial(Position, 0, 0))
    seconds: float = 0.0
    """Time spent training so far, over all resumptions."""

    @classmethod
    def start(cls, recipe: Recipe, device: torch.device) -> "Run":
        """Create a run at step 0."""
        torch.manual_seed(recipe.seed)
        network = MAGNet(recipe.network)
        if recipe.initial_weights is not None:
            loaded = load_weights(recipe.initial_weights).network
            if loaded.config != recipe.network:
                raise RecipeError(
                    f"initial_weights {recipe.initial_weights}: their network is {loaded.config}, "
                    "which is not the recipe's"
                )
            network = loaded
        # Channels last: what the convolutions of both CPU and GPU libraries like best.
        network = network.to(device)
        # torch's types do not know this argument of Module.to.
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.train()
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
        optimiser = torch.optim.Adam(
            network.parameters(), lr=recipe.learning_rate, betas=recipe.betas, fused=True
        )
        return cls(network, average, optimiser)

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor of the state by name."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{key}.{name}"] = value
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        return tensors

    def save(self, folder: Path, recipe: Recipe) -> Path:
        """Write a checkpoint."""
        state = {
            "step": self.step,
            "epoch": self.position.epoch,
            "index": self.position.index,
            "seconds": self.seconds,
            "recipe": recipe.record(),
        }
        return save_checkpoint(folder, self.step, self.tensors(), state)

    def restore(self, path: Path) -> None:
        """Go back to a checkpoint of the same recipe.

        Raises:
            WeightsError: It is damaged or incomplete.
        """
        tensors, state = load_checkpoint(path)
        try:
            self._restore(tensors, state)
        except (KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{path}: the checkpoint is incomplete ({reason})") from error

    def _restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        self.network.load_state_dict(_under(tensors, "network."))
        self.average.load_state_dict(_under(tensors, "average."))
        for name, parameter in self.network.named_parameters():
            kept = {
                key: tensors[f"optimiser.{key}.{name}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimiser.{key}.{name}" in tensors
            }
            if kept:
                # The moments follow their parameter's device and memory layout; Adam's step
                # counter is a lone float where the optimiser put it.
                self.optimiser.state[parameter] = {
                    key: value.to(parameter.device)
                    if key == "step"
                    else torch.empty_like(parameter).copy_(value)
                    for key, value in kept.items()
                }
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random.cuda"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.position = Position(int(state["epoch"]), int(state["index"]))

    @property
    def averaged(self) -> MAGNet:
        """The moving average of the network, which is what is validated and published."""
        network = self.average.module
        assert isinstance(network, MAGNet)
        return network


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    device: str = "cpu",
    validate: Validate | None = None,
    stop_at: int | None = None,
    quiet: bool = False,
) -> Path:
    """Train, or go on with, the run of a folder.

    Args:
        recipe: What to train; a run that goes on must have the same recipe (``steps`` and the
            intervals may change).
        folder: Receives ``checkpoints/``, ``weights/`` (the moving average, ready for
            :func:`gisr.load_model`), ``log.jsonl`` and TensorBoard files.
        device: torch device.
        validate: Measures the moving average every ``recipe.validate_every`` steps.
        stop_at: Stop after this step, with a checkpoint, as if interrupted.
        quiet: Show no progress bar.

    Returns:
        The folder of the weights.

    Raises:
        RecipeError: The recipe cannot be followed, or the folder holds another run.
    """
    folder = Path(folder)
    table = built_in_table()
    where = torch.device(device)
    run = Run.start(recipe, where)
    checkpoints = folder / "checkpoints"
    if (latest := latest_checkpoint(checkpoints)) is not None:
        _check_same(recipe, latest)
        run.restore(latest)
    mixture = Mixture(
        _training_sets(recipe),
        patch=recipe.patch,
        seed=recipe.seed,
        patches_per_image=recipe.patches_per_image,
    )
    last = recipe.steps if stop_at is None else min(recipe.steps, stop_at)
    with TrainingLog(folder, recipe) as log:
        progress = tqdm(total=recipe.steps, initial=run.step, disable=quiet, unit="step")
        batches = _batches(mixture, recipe, table, run.position)
        while run.step < last:
            began = time.perf_counter()
            position, batch = next(batches)
            loss = _step(run, recipe, batch.to(where))
            run.step, run.position = run.step + 1, position
            run.seconds += time.perf_counter() - began
            progress.update()
            log.training(run.step, run.seconds, loss)
            if validate is not None and _due(run.step, recipe.validate_every, recipe.steps):
                log.validation(run.step, run.seconds, validate(run.averaged.eval(), table))
            if _due(run.step, recipe.checkpoint_every, last):
                run.save(checkpoints, recipe)
                save_weights(folder / "weights", run.averaged, table, name=recipe.name)
        progress.close()
    return folder / "weights"


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate of a step: linear warm-up, then a cosine that ends at zero."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _step(run: Run, recipe: Recipe, batch: Batch) -> dict[str, float]:
    """Take one optimiser step and return what to log."""
    rate = learning_rate(recipe, run.step)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    device = batch.target.device.type
    with torch.autocast(device, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        output = run.network(batch.target, batch.guide, batch.text, batch.ratio)
    loss = objective(output, batch, recipe.balance)
    run.optimiser.zero_grad(set_to_none=True)
    loss.total.backward()
    norm = nn.utils.clip_grad_norm_(run.network.parameters(), recipe.gradient_norm)
    # Both: the derivative of |x| at NaN is 0, so a damaged truth does not show in the gradient.
    if not (torch.isfinite(norm) and torch.isfinite(loss.total)):
        raise RecipeError(
            f"step {run.step + 1}: the loss or its gradient is not finite; lower learning_rate "
            f"({recipe.learning_rate}) and go on from the last checkpoint"
        )
    run.optimiser.step()
    run.average.update_parameters(run.network)
    return {
        "loss": float(loss.total.detach()),
        "l1": float(loss.reconstruction.detach().mean()),
        "balance": float(loss.balance.detach()),
        "gradient_norm": float(norm),
        "learning_rate": rate,
        **errors_by_task(loss, batch),
    }


def _batches(
    mixture: Mixture, recipe: Recipe, table: DescriptionTable, start: Position
) -> Iterator[tuple[Position, Batch]]:
    """Yield batches, each with the position that follows it."""
    loader: DataLoader[Any] = DataLoader(
        mixture,
        batch_sampler=mixture.batches(start, recipe.batch),
        collate_fn=partial(Batch.of, table=table, weights=recipe.task_weights),
        # Its own generator: the loader draws a number from it, and drawn from torch's it would
        # shift the routing noise of a resumed run against that of a straight one.
        generator=torch.Generator(),
        num_workers=recipe.workers,
        persistent_workers=recipe.workers > 0,
    )
    taken = mixture.batches(start, recipe.batch)
    for batch in loader:
        positions = next(taken)
        yield Position(positions[-1].epoch, positions[-1].index + 1), batch


def _training_sets(recipe: Recipe) -> list[TrainingSet]:
    found = read_open_pairs(recipe.data, splits=recipe.splits, open_only=recipe.open_only)
    names = {entry.name for entry in found}
    if unknown := sorted(set(recipe.exclude) - names):
        raise RecipeError(f"exclude: {recipe.data} has no training entry {', '.join(unknown)}")
    entries = [entry for entry in found if entry.name not in recipe.exclude]
    return [_training_set(entries, wanted, recipe) for wanted in recipe.sets]


def _training_set(entries: list[OpenPair], wanted: SetRecipe, recipe: Recipe) -> TrainingSet:
    own = tuple(entry for entry in entries if entry.task == wanted.task)
    if wanted.task == "pansharpening":
        return PansharpeningSet(own, wanted.ratio, recipe.misregistration)
    if wanted.task == "mri":
        return MRISet(own, wanted.ratio)
    return DepthSet(own, wanted.ratio)


def _check_same(recipe: Recipe, checkpoint: Path) -> None:
    """Refuse to go on with another run: the result would belong to neither recipe."""
    _, state = load_checkpoint(checkpoint)
    free = {"steps", "checkpoint_every", "validate_every", "workers", "data"}
    before = state["recipe"]
    now = {key: _plain(value) for key, value in recipe.record().items()}
    changed = sorted(k for k in now if k not in free and before.get(k) != now[k])
    if changed:
        raise RecipeError(
            f"{checkpoint.parent.parent}: holds a run of another recipe (changed: "
            f"{', '.join(changed)}): choose another folder"
        )


def _plain(value: object) -> object:
    """Return a value as it comes back from JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _due(step: int, interval: int, last: int) -> bool:
    return step == last or (interval > 0 and step % interval == 0)


__all__ = ["Run", "Validate", "learning_rate", "train"]
