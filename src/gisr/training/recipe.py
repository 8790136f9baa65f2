"""A training run as a value: everything that decides its result stands in one recipe file."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from gisr.errors import RecipeError
from gisr.inference.precision import Computed
from gisr.magnet import MAGNetConfig
from gisr.tasks import TASKS, TaskName
from gisr.tasks.text.interface import TextEncoderName
from gisr.training.balancing_settings import (
    BalancingRule,
    GradNormSettings,
    UncertaintySettings,
    WeightAverageSettings,
)
from gisr.training.recipe_values import check_kinds, check_ranges, on_record
from gisr.training.set_recipe import SetRecipe
from gisr.training.system_recipe import SystemRecipe

Criterion = Literal["l1", "rms"]
"""What is minimised: the mean absolute error of a sample, as in Eq. (10), or the root of its mean
squared error, which PSNR and RMSE score."""


@dataclass(frozen=True)
class Stage:
    """A later part of a run, with patches and batches of other sizes.

    Progressive learning, as Restormer was trained (Zamir et al. 2022): small patches first, because
    steps are cheap; large ones at the end, because a network that attends over the whole of its
    input has to see inputs of the size that it will be given.
    """

    start: float
    """Share of the run's steps after which it holds, between 0 and 1."""
    patch: int
    """Side of the patches in guide pixels."""
    batch: int
    """Samples of a step."""

    def __post_init__(self) -> None:
        """Refuse values of the wrong kind."""
        check_kinds(self, "stages: ")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result of a training run.

    Raises:
        RecipeError: A value is out of range.
    """

    name: str
    """Name of the weights the run makes."""
    data: str | tuple[str, ...]
    """Folder, or folders, of data sets: anything that :func:`gisr.datasets.sources.read_entries`
    takes. Relative paths start at the working folder. May be empty where all sets are generated."""
    sets: tuple[SetRecipe, ...]
    """The task mixture."""
    steps: int
    """Optimiser steps of the whole run; the learning rate reaches zero at the last."""
    network: MAGNetConfig = field(default_factory=MAGNetConfig)
    system: SystemRecipe | None = None
    """A published network that is trained in place of MAG-Net; ``network`` and the text encoder
    then have no use, and the sets must be of its tasks, at one ratio unless it is all-in-one."""
    text_encoder: TextEncoderName = "minilm"
    """The encoder of the descriptions: ``minilm`` by the table that ships with gisr, ``clip`` (the
    paper's) by an encoder that is loaded when the run starts. ``network.text_width`` must fit."""
    text_source: str | None = None
    """Folder, or hub id (``hf:owner/name``), of the weights of ``clip``; when None, OpenAI's
    ViT-B/32 if a copy is on this machine: nothing is downloaded that the recipe does not name."""
    open_only: bool = True
    """Train only on pairs whose licence lets the weights be given away."""
    splits: tuple[Literal["train", "research"], ...] = ("train",)
    exclude: tuple[str, ...] = ()
    """Entries left out by name, so that they can be shown or tested as never trained on."""
    initial_weights: str | None = None
    """Weights to start from, a built-in name, a folder or a hub id (``hf:owner/name``), whose own
    descriptions are kept; random when None."""
    teacher: str | None = None
    """Weights of a larger MAG-Net that the network learns from beside the truth, named like
    ``initial_weights``; it answers every sample, which costs a forward pass of it a step."""
    teacher_share: float = 0.5
    """What the error to the teacher's answer counts; the error to the truth counts the rest."""
    patch: int = 128
    """Side of the patches in guide pixels."""
    batch: int = 4
    """Samples of a step, over all processes together."""
    stages: tuple[Stage, ...] = ()
    """Later parts of the run with another ``patch`` and ``batch``, in the order of their steps."""
    patches_per_image: int = 1
    """How often an epoch visits an image of the smallest set."""
    sampling_temperature: float | None = None
    """Sets share an epoch by size ** (1 / sampling_temperature). 1 is in proportion to size; the
    higher, the more equal. None is the limit, equal shares: the rule of the paper."""
    misregistration: float = 0.3
    """Largest random shift of aligned panchromatic guides, in truth pixels."""
    learning_rate: float = 4e-4
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's decay rates. A mixture of unlike tasks is steadier with a shorter second memory."""
    optimiser: Literal["adam", "adamw", "rmsprop"] = "adam"
    weight_decay: float = 0.0
    schedule: Literal["cosine", "constant", "steps"] = "cosine"
    """How the learning rate falls after the warm-up: by a cosine to zero, not at all, or at
    ``falls`` by ``fall_factor``."""
    falls: tuple[float, ...] = ()
    """Shares of the run's steps after which the rate falls, for ``schedule: steps``."""
    fall_factor: float = 0.5
    warmup: int = 200
    """Steps in which the learning rate rises from zero."""
    gradient_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    balance_weight: float = 1e-3
    """gamma of Eq. (10): weight of the load balance."""
    criterion: Criterion = "l1"
    """The error that is minimised. L1, the paper's, estimates the median of the values that a pixel
    may have, ``rms`` their mean; the gradients of both have the same length in an image."""
    measured: float = 1.0
    """What the part of an error counts that the consistency step takes away after the network, on
    k-space grids: the measured block. 1 as all else (the paper), 0 not at all."""
    loss: Literal["common", "own"] = "common"
    """``common`` is the criterion, for MAG-Net and every system but those that sample (diffusion),
    which have their own only; ``own`` the error that a published system's authors minimise."""
    balancing: BalancingRule = "fixed"
    """The rule that weights the tasks' errors; each but the first has its settings below."""
    task_weights: dict[TaskName, float] = field(default_factory=dict)
    """Factor of each task's error under ``balancing: fixed``, because residuals of tasks differ in
    size; 1 where none is given."""
    uncertainty: UncertaintySettings = field(default_factory=UncertaintySettings)
    weight_average: WeightAverageSettings = field(default_factory=WeightAverageSettings)
    gradnorm: GradNormSettings = field(default_factory=GradNormSettings)
    average: float = 0.999
    """Decay of the moving average of the weights, which is what is published. It looks back over
    1 / (1 - average) steps, and over a ninth of the steps so far while those are fewer."""
    precision: Computed = "float32"
    """bfloat16 runs the network under autocast; weights and loss stay in float32."""
    compile: bool = False
    """Compile the network with torch.compile: minutes at the start, faster steps after it."""
    seed: int = 0
    workers: int = 0
    """Processes that prepare batches; 0 prepares them in the training process."""
    validate_every: int = 1000
    """Steps between validations; 0 for none."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot work."""
        check_kinds(self)
        if not self.sets:
            raise RecipeError("sets: the recipe names no training set")
        if not self.folders and not self.only_generated:
            raise RecipeError("data: the recipe names no folder")
        check_ranges(self)
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
        if self.text_source is not None and self.text_encoder != "clip":
            raise RecipeError(
                f"text_source {self.text_source}: is for text_encoder clip; {self.text_encoder} "
                "takes the table that ships with gisr: leave text_source out"
            )
        self._check_stages()
        self._check_balancing()
        self._check_system()

    def _check_stages(self) -> None:
        multiple = self.network.size_multiple if self.system is None else self._coarsest
        for patch in (self.patch, *(stage.patch for stage in self.stages)):
            if patch < 1 or patch % multiple:
                raise RecipeError(
                    f"patch {patch} must be a multiple of {multiple} (the network's size multiple, "
                    "or of a published system the largest ratio)"
                )
        for before, stage in pairwise((Stage(0, self.patch, self.batch), *self.stages)):
            if not before.start < stage.start < 1 or stage.batch < 1:
                raise RecipeError(
                    f"stages: {stage} must have a sample and start between {before.start} and 1"
                )

    def _check_balancing(self) -> None:
        for name, weight in self.task_weights.items():
            if name not in TASKS or not weight >= 0:
                raise RecipeError(
                    f"task_weights: {name} {weight} must be one of {', '.join(TASKS)}, not below 0"
                )
        if self.balancing != "fixed" and any(w != 1 for w in self.task_weights.values()):
            raise RecipeError(
                f"task_weights: balancing {self.balancing!r} finds the weights itself: leave them "
                "out (--task_weights '{}' over a recipe that has them), or use balancing 'fixed'"
            )
        if self.balancing == "gradnorm" and self.compile:
            raise RecipeError(
                "compile: balancing 'gradnorm' needs the gradient of one layer by task, which a "
                "compiled network does not give; set compile to false"
            )

    @property
    def _coarsest(self) -> int:
        return math.lcm(*(chosen.ratio for chosen in self.sets))

    def _check_system(self) -> None:
        if self.system is None and self.loss == "own":
            raise RecipeError("loss own: is for a published system; MAG-Net's is common")
        if self.system is not None and self.measured != 1:
            raise RecipeError(
                f"measured {self.measured}: is for MAG-Net; a published system learns from all of "
                "its error: leave it out"
            )
        if self.system is not None and self.teacher is not None:
            raise RecipeError(
                f"teacher {self.teacher}: is for MAG-Net; a published system learns from the truth "
                "alone: leave it out"
            )
        if self.system is not None and self.initial_weights is not None:
            raise RecipeError(
                f"initial_weights {self.initial_weights}: a published system starts from its own "
                "initial weights: leave it out"
            )
        if not 0 <= self.weight_decay < 1 or not 0 < self.fall_factor <= 1:
            raise RecipeError(
                f"weight_decay {self.weight_decay} must be in [0, 1), and fall_factor "
                f"{self.fall_factor} above 0 and not above 1"
            )
        if list(self.falls) != sorted(self.falls) or not all(0 < f < 1 for f in self.falls):
            raise RecipeError(f"falls: {list(self.falls)} must rise between 0 and 1")
        if (self.schedule == "steps") != bool(self.falls):
            raise RecipeError("falls: are for schedule steps, which needs them")

    def parts(self, first: int, last: int) -> Iterator[tuple["Recipe", int]]:
        """Yield what is left of the run by stages.

        Args:
            first: Steps done.
            last: Step at which to stop.

        Yields:
            The recipe with the ``patch`` and ``batch`` that hold, and the step at which to go on.
        """
        stages = (Stage(0, self.patch, self.batch), *self.stages)
        ends = [round(stage.start * self.steps) for stage in self.stages] + [self.steps]
        for stage, end in zip(stages, (min(end, last) for end in ends), strict=True):
            if first < end:
                yield replace(self, patch=stage.patch, batch=stage.batch, stages=()), end
                first = end

    @property
    def largest_patch(self) -> int:
        """Side of the largest patch of any stage."""
        return max([self.patch, *(stage.patch for stage in self.stages)])

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of ``data``."""
        return (self.data,) if isinstance(self.data, str) else self.data

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """Tasks of the sets, in the order of :data:`gisr.tasks.TASKS`."""
        return tuple(name for name in TASKS if any(each.task == name for each in self.sets))

    @property
    def only_generated(self) -> bool:
        """Whether nothing is trained on that was read from a folder."""
        return all(chosen.generated for chosen in self.sets)

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON returns it, as written beside checkpoints and weights."""
        record: dict[str, Any] = on_record(self)
        return record


def check_folders(recipe: Recipe) -> None:
    """Refuse a recipe whose data are not there.

    Raises:
        RecipeError: A folder is missing.
    """
    for folder in recipe.folders:
        if not Path(folder).exists():
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
