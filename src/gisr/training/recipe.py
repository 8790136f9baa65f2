"""A training run as a value: everything that decides its result stands in one recipe file."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from gisr.data.generated import GENERATED
from gisr.errors import RecipeError
from gisr.magnet import MAGNetConfig
from gisr.tasks.sensors import find_sensor
from gisr.tasks.task import TaskName

Precision = Literal["float32", "bfloat16"]
BalancingRule = Literal["fixed", "uncertainty", "weight-average", "gradnorm"]
"""Who decides how much each task counts; see :mod:`gisr.training.balancing`."""
_SPECIAL = frozenset({"class_path", "init_args", "dict_kwargs"})
_GENERATED_TASKS: tuple[TaskName, ...] = ("depth", "pansharpening")
_MOST_BYTES = 2**20
_DEEPEST = 32
_GROUPS = ("network", "task_weights", "uncertainty", "weight_average", "gradnorm")
"""Settings that are groups of settings."""


@dataclass(frozen=True)
class SetRecipe:
    """One training set of the mixture: a task at a ratio, on all entries or on some.

    Raises:
        RecipeError: A value is out of range, or says nothing about the task.
    """

    task: TaskName
    ratio: int
    dataset: str | None = None
    """Only entries of this data set, ``open-pairs`` or the name of a layout; ``generated`` draws
    images that are in no folder (:mod:`gisr.data.generated`)."""
    sensor: str | None = None
    """Only entries of this satellite sensor."""
    contrast: str | None = None
    """Contrast of MR targets, scans without it left out; every contrast in turn when None."""
    guide_contrast: str | None = None
    """Contrast of MR guides, scans without it left out; any other, at random, when None."""
    middle_slices: int | None = None
    """Only this many middle slices of an MR volume count."""
    head_share: float | None = None
    """Least share of an MR slice that must be head; when None, 0.05 where the data set does not say
    which slices count, else 0."""

    def __post_init__(self) -> None:
        """Refuse sets that cannot be filled."""
        if self.task not in get_args(TaskName) or self.ratio < 2:
            raise RecipeError(
                f"sets: {self.task} x{self.ratio} must be one of {get_args(TaskName)} at "
                "ratio 2 or more"
            )
        if self.generated and (self.task not in _GENERATED_TASKS or self.sensor is not None):
            raise RecipeError(
                f"sets: {self}: images are generated for {' and '.join(_GENERATED_TASKS)}, "
                "of no sensor"
            )
        mri = (self.contrast, self.guide_contrast, self.middle_slices, self.head_share)
        if self.task != "mri" and any(value is not None for value in mri):
            raise RecipeError(
                f"sets: {self}: contrast, guide_contrast, middle_slices and head_share are for mri"
            )
        if self.sensor is not None:
            if self.task != "pansharpening":
                raise RecipeError(f"sets: {self}: sensor is for pansharpening")
            find_sensor(self.sensor)
        if self.contrast is not None and self.contrast == self.guide_contrast:
            raise RecipeError(f"sets: {self}: a contrast cannot guide itself")
        if self.middle_slices is not None and self.middle_slices < 1:
            raise RecipeError(f"sets: {self}: middle_slices must be at least 1")
        if self.head_share is not None and not 0 <= self.head_share < 1:
            raise RecipeError(f"sets: {self}: head_share must be in [0, 1)")

    @property
    def generated(self) -> bool:
        """Whether its images are drawn, not read."""
        return self.dataset == GENERATED

    def __str__(self) -> str:
        """Return what messages call it: ``pansharpening x4 (dataset nbu)``."""
        chosen = {key: value for key, value in asdict(self).items() if value is not None}
        chosen = {key: value for key, value in chosen.items() if key not in ("task", "ratio")}
        about = ", ".join(f"{key} {value}" for key, value in chosen.items())
        return f"{self.task} x{self.ratio}" + (f" ({about})" if about else "")


@dataclass(frozen=True)
class TaskWeights:
    """Factor of each task's L1 loss; the three tasks differ in how large a residual is."""

    pansharpening: float = 1.0
    mri: float = 1.0
    depth: float = 1.0

    def __post_init__(self) -> None:
        """Refuse negative weights."""
        for name, weight in asdict(self).items():
            if not weight >= 0:
                raise RecipeError(f"task_weights: {name} {weight} must not be below 0")


@dataclass(frozen=True)
class UncertaintySettings:
    """Homoscedastic uncertainty."""

    learning_rate: float = 1e-2
    """Of Adam on the logarithm of each task's scale: 250 steps move a weight by a factor of 10."""

    def __post_init__(self) -> None:
        """Refuse what learns nothing."""
        _check_positive("uncertainty", learning_rate=self.learning_rate)


@dataclass(frozen=True)
class WeightAverageSettings:
    """Dynamic weight averaging."""

    temperature: float = 2.0
    """T: the higher, the more alike the weights. The paper's value."""
    interval: int = 500
    """Steps whose mean error is compared with that of the steps before; the paper's is an epoch."""

    def __post_init__(self) -> None:
        """Refuse what cannot be divided by, or is no interval."""
        _check_positive("weight_average", temperature=self.temperature, interval=self.interval)


@dataclass(frozen=True)
class GradNormSettings:
    """Gradient normalisation."""

    asymmetry: float = 1.5
    """alpha: how hard a task that learns slowly is pulled along; 0 makes gradients alike. The
    paper's value for tasks of different kinds."""
    learning_rate: float = 0.025
    """Of Adam on the weights. The paper's value."""

    def __post_init__(self) -> None:
        """Refuse what learns nothing."""
        _check_positive("gradnorm", learning_rate=self.learning_rate)
        if not self.asymmetry >= 0:
            raise RecipeError(f"gradnorm: asymmetry {self.asymmetry} must not be below 0")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result of a training run.

    Raises:
        RecipeError: A value is out of range.
    """

    name: str
    """Name of the weights the run makes."""
    data: str | tuple[str, ...]
    """Folder, or folders, of data sets: anything that :func:`gisr.data.sources.read_entries` takes.
    Relative paths start at the working folder. May be empty where all sets are generated."""
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
    """Samples of a step, over all processes together."""
    patches_per_image: int = 1
    """How often an epoch visits an image of the smallest set."""
    sampling_temperature: float | None = None
    """Sets share an epoch by size ** (1 / sampling_temperature). 1 is in proportion to size; the
    higher, the more alike. None is the limit, every set alike: the rule of the paper."""
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
    balancing: BalancingRule = "fixed"
    """Who weights the tasks' L1; every rule but the first has its settings below."""
    task_weights: TaskWeights = field(default_factory=TaskWeights)
    """The weights of ``balancing: fixed``."""
    uncertainty: UncertaintySettings = field(default_factory=UncertaintySettings)
    weight_average: WeightAverageSettings = field(default_factory=WeightAverageSettings)
    gradnorm: GradNormSettings = field(default_factory=GradNormSettings)
    average: float = 0.999
    """Decay of the moving average of the weights; the average is what is published."""
    precision: Precision = "float32"
    """bfloat16 runs the network under autocast; weights and loss stay in float32."""
    compile: bool = False
    """Compile the network with torch.compile: minutes at the start, faster steps after it. For one
    process."""
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
        if not self.folders and not self.only_generated:
            raise RecipeError("data: the recipe names no folder")
        positive = ("steps", "patch", "batch", "patches_per_image", "checkpoint_every")
        for name in positive:
            if getattr(self, name) < 1:
                raise RecipeError(f"{name}: {getattr(self, name)} must be at least 1")
        not_negative = ("warmup", "workers", "validate_every", "balance", "misregistration")
        for name in not_negative:
            if not getattr(self, name) >= 0:
                raise RecipeError(f"{name}: {getattr(self, name)} must not be below 0")
        if self.sampling_temperature is not None and not self.sampling_temperature > 0:
            raise RecipeError(
                f"sampling_temperature: {self.sampling_temperature} must be above 0, or null"
            )
        if not self.gradient_norm > 0:
            raise RecipeError(f"gradient_norm: {self.gradient_norm} must be above 0")
        if not 0 < self.learning_rate < math.inf or not 0 <= self.average < 1:
            raise RecipeError(
                f"learning_rate {self.learning_rate} must be finite and above 0, and "
                f"average {self.average} in [0, 1)"
            )
        if self.patch % self.network.size_multiple:
            raise RecipeError(
                f"patch {self.patch} must be a multiple of {self.network.size_multiple} "
                "(the network's size multiple)"
            )
        self._check_balancing()

    def _check_balancing(self) -> None:
        if self.balancing not in get_args(BalancingRule):
            raise RecipeError(
                f"balancing {self.balancing!r} must be one of {get_args(BalancingRule)}"
            )
        if self.balancing != "fixed" and self.task_weights != TaskWeights():
            raise RecipeError(
                f"task_weights: balancing {self.balancing!r} finds the weights itself; leave them "
                "out, or use balancing 'fixed'"
            )
        if self.balancing == "gradnorm" and self.compile:
            raise RecipeError(
                "compile: balancing 'gradnorm' needs the gradient of one layer by task, which a "
                "compiled network does not give; set compile to false"
            )

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of ``data``."""
        return (self.data,) if isinstance(self.data, str) else self.data

    @property
    def only_generated(self) -> bool:
        """Whether nothing is trained on that was read from a folder."""
        return all(chosen.generated for chosen in self.sets)

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
        _check_plain(yaml.safe_load(_plain_text(Path(path))))
        values = parser.parse_args(["--recipe", str(path), *(overrides or [])])
        values.pop("recipe")
        return Recipe(**parser.instantiate(values))
    except (ArgumentError, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        message = " ".join(str(error).split())
        raise RecipeError(f"{path}: {message}") from error


def check_folders(recipe: Recipe) -> None:
    """Refuse a recipe whose data are not there.

    Raises:
        RecipeError: A folder is missing.
    """
    for folder in recipe.folders:
        if not Path(folder).is_dir():
            raise RecipeError(f"{folder}: there is no such folder: name the folder of a data set")


def one_by_one(recipe: Recipe, only: Sequence[str], *, scale_steps: bool = True) -> Recipe:
    """Return the recipe of a part of the mixture, as the paper's one-by-one setting trains it.

    Args:
        recipe: The all-in-one recipe.
        only: Sets to keep: ``depth`` for all of a task, ``depth:8`` for one ratio of it.
        scale_steps: Keep the number of epochs: steps shrink with the number of sets. An epoch of
            the mixture gives every set the same number of samples, so each set kept is seen as
            often as in the all-in-one run.

    Raises:
        RecipeError: The mixture has no such set.
    """
    known = {name for chosen in recipe.sets for name in _set_names(chosen)}
    if unknown := sorted(set(only) - known):
        raise RecipeError(
            f"only: {', '.join(unknown)} is not in the mixture of {recipe.name}; "
            f"it has {', '.join(sorted(known))}"
        )
    kept = tuple(chosen for chosen in recipe.sets if not set(only).isdisjoint(_set_names(chosen)))
    steps = max(1, round(recipe.steps * len(kept) / len(recipe.sets)))
    return replace(
        recipe,
        name="-".join([recipe.name, *(name.replace(":", "-x") for name in only)]),
        sets=kept,
        steps=steps if scale_steps else recipe.steps,
    )


def _set_names(chosen: SetRecipe) -> tuple[str, str]:
    return chosen.task, f"{chosen.task}:{chosen.ratio}"


def _check_positive(group: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise RecipeError(f"{group}: {name} {value} must be above 0")


def _plain_text(path: Path) -> str:
    """Return the text of a recipe that is small, and stays so when its aliases are followed."""
    size, depth = path.stat().st_size, 0
    if size > _MOST_BYTES:
        raise RecipeError(f"{size} bytes are more than the {_MOST_BYTES} a recipe may have")
    text = path.read_text(encoding="utf-8")
    for token in yaml.scan(text):
        kind = type(token).__name__
        if kind == "AliasToken":  # ten lines of aliases of aliases say a thousand million things
            raise RecipeError("an alias (*name): write the values out, a recipe has no aliases")
        depth += kind.endswith(("SequenceStartToken", "MappingStartToken"))
        depth -= kind.endswith(("SequenceEndToken", "MappingEndToken", "BlockEndToken"))
        if depth > _DEEPEST:
            raise RecipeError(f"more than {_DEEPEST} lists in lists: no recipe has so many")
    return text


def _check_plain(values: object) -> None:
    """Refuse what jsonargparse would follow: it imports a ``class_path`` before it says no to it.

    A recipe is data; reading one from a stranger must not run code or open other files.
    """
    if not isinstance(values, dict):
        raise RecipeError("a recipe is a list of settings, 'name: value' each")
    if unknown := sorted(map(str, set(values) - {setting.name for setting in fields(Recipe)})):
        raise RecipeError(f"unknown settings {', '.join(unknown)}")
    nested = [values.get(name, {}) for name in _GROUPS]
    sets = values.get("sets", [])
    for group in [*nested, *(sets if isinstance(sets, list) else [sets])]:
        if not isinstance(group, dict) or not _SPECIAL.isdisjoint(group):
            raise RecipeError(f"{group!r} must be settings, 'name: value' each, and no class")
