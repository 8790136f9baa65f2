"""A training run as a value: everything that decides its result stands in one recipe file."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from gisr.errors import RecipeError
from gisr.magnet import MAGNetConfig
from gisr.tasks.task import TaskName

Precision = Literal["float32", "bfloat16"]
_SPECIAL = frozenset({"class_path", "init_args", "dict_kwargs"})


@dataclass(frozen=True)
class SetRecipe:
    """One training set of the mixture."""

    task: TaskName
    ratio: int


@dataclass(frozen=True)
class TaskWeights:
    """Factor of each task's L1 loss; the three tasks differ in how large a residual is."""

    pansharpening: float = 1.0
    mri: float = 1.0
    depth: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result of a training run.

    Raises:
        RecipeError: A value is out of range.
    """

    name: str
    """Name of the weights the run makes."""
    data: str
    """Folder of pairs with an ``index.json``; relative paths start at the working folder."""
    sets: tuple[SetRecipe, ...]
    """The task mixture."""
    steps: int
    """Optimiser steps of the whole run; the learning rate reaches zero at the last."""
    network: MAGNetConfig = field(default_factory=MAGNetConfig)
    open_only: bool = True
    """Train only on pairs whose licence lets the weights be given away."""
    splits: tuple[Literal["train", "research"], ...] = ("train",)
    exclude: tuple[str, ...] = ()
    """Entries left out by name, so that they can be shown or tested as never trained on."""
    initial_weights: str | None = None
    """Folder of weights to start from; random when None."""
    patch: int = 128
    """Side of the patches in guide pixels."""
    batch: int = 4
    patches_per_image: int = 1
    """How often an epoch visits an image of the smallest set."""
    misregistration: float = 0.3
    """Largest random shift of aligned panchromatic guides, in truth pixels."""
    learning_rate: float = 4e-4
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's decay rates. A mixture of unlike tasks is steadier with a shorter second memory."""
    warmup: int = 200
    """Steps in which the learning rate rises from zero."""
    gradient_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    balance: float = 1e-3
    """gamma of Eq. (10)."""
    task_weights: TaskWeights = field(default_factory=TaskWeights)
    average: float = 0.999
    """Decay of the moving average of the weights; the average is what is published."""
    precision: Precision = "float32"
    """bfloat16 runs the network under autocast; weights and loss stay in float32."""
    seed: int = 0
    workers: int = 0
    """Processes that prepare batches; 0 prepares them in the training process."""
    validate_every: int = 1000
    """Steps between validations; 0 for none."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot work."""
        if not self.sets:
            raise RecipeError("sets: the recipe names no training set")
        for chosen in self.sets:
            if chosen.task not in get_args(TaskName) or chosen.ratio < 2:
                raise RecipeError(
                    f"sets: {chosen.task} x{chosen.ratio} must be one of {get_args(TaskName)} at "
                    "ratio 2 or more"
                )
        positive = ("steps", "patch", "batch", "patches_per_image", "checkpoint_every")
        for name in positive:
            if getattr(self, name) < 1:
                raise RecipeError(f"{name}: {getattr(self, name)} must be at least 1")
        not_negative = ("warmup", "workers", "validate_every", "balance", "misregistration")
        for name in not_negative:
            if not getattr(self, name) >= 0:
                raise RecipeError(f"{name}: {getattr(self, name)} must not be below 0")
        if not self.gradient_norm > 0:
            raise RecipeError(f"gradient_norm: {self.gradient_norm} must be above 0")
        if not self.learning_rate > 0 or not 0 <= self.average < 1:
            raise RecipeError(
                f"learning_rate {self.learning_rate} must be above 0 and "
                f"average {self.average} in [0, 1)"
            )
        if self.patch % self.network.size_multiple:
            raise RecipeError(
                f"patch {self.patch} must be a multiple of {self.network.size_multiple} "
                "(the network's size multiple)"
            )

    def record(self) -> dict[str, Any]:
        """Return the recipe as plain values, as written beside checkpoints and weights."""
        return asdict(self)


def read_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe from a YAML file.

    Args:
        path: The file.
        overrides: Command-line style changes, for example ``["--steps", "100"]``.

    Raises:
        RecipeError: The file cannot be read, names something unknown, or asks the impossible.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--recipe", action="config")
    parser.add_class_arguments(Recipe)
    if not Path(path).is_file():
        raise RecipeError(f"{path}: there is no such recipe file")
    try:
        _check_plain(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        values = parser.parse_args(["--recipe", str(path), *(overrides or [])])
        values.pop("recipe")
        return Recipe(**parser.instantiate(values))
    except (ArgumentError, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        message = " ".join(str(error).split())
        raise RecipeError(f"{path}: {message}") from error


def _check_plain(values: object) -> None:
    """Refuse what jsonargparse would follow: it imports a ``class_path`` before it says no to it.

    A recipe is data; reading one from a stranger must not run code or open other files.
    """
    if not isinstance(values, dict):
        raise RecipeError("a recipe is a list of settings, 'name: value' each")
    if unknown := sorted(map(str, set(values) - {setting.name for setting in fields(Recipe)})):
        raise RecipeError(f"unknown settings {', '.join(unknown)}")
    nested = [values.get(name, {}) for name in ("network", "task_weights")]
    sets = values.get("sets", [])
    for group in [*nested, *(sets if isinstance(sets, list) else [sets])]:
        if not isinstance(group, dict) or not _SPECIAL.isdisjoint(group):
            raise RecipeError(f"{group!r} must be settings, 'name: value' each, and no class")
