"""What each table and figure trains: the paper's rows as changes to one recipe.

Table III, VI and VII change the network; Table IV and V change the training sets; Fig. 2 does both.
The rows of III to VI are those of the text of Section IV-E; VII is printed in full. ``balancing``
compares rules for what Fig. 11 leaves as future work.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

from gisr.errors import InputError, RecipeError
from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe

ExperimentName = Literal[
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
    "table6",
    "table7",
    "fig2",
    "fig4",
    "fig5",
    "fig6",
    "fig7",
    "fig8",
    "fig9",
    "fig10",
    "fig11",
    "balancing",
]
"""Everything that ``gisr reproduce`` knows."""

_TASKS: tuple[TaskName, ...] = (PANSHARPENING.name, MRI.name, DEPTH.name)
"""The tasks of the paper."""
_BACKBONE = {"prompt_module": False, "routing": "none"}
_SHORT_WARM_UP = 10
"""A short run warms up in a tenth of its steps, and compares intervals as long."""


@dataclass(frozen=True)
class Budget:
    """What an experiment may cost: minutes for all networks, steps for each, or the paper's."""

    unit: Literal["minutes", "steps", "paper"]
    amount: float = 0.0
    """Minutes, or steps of a network of all sets; the recipe's own steps for ``paper``."""

    @classmethod
    def parse(cls, text: str | None) -> "Budget":
        """Return the budget that ``60`` (minutes), ``800steps`` or ``paper`` means.

        Raises:
            InputError: It means none.
        """
        if text == "paper":
            return cls("paper")
        found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(steps)?", text or "")
        amount = float(found[1]) if found else math.nan
        if not found or not amount > 0 or (found[2] and amount % 1):
            raise InputError(
                f"--budget {text}: give minutes of training, steps of each network as 800steps, "
                "or paper"
            )
        return cls("steps" if found[2] else "minutes", amount)

    def __str__(self) -> str:
        """Return it as the command line has it."""
        words = {"paper": "paper", "steps": f"{self.amount:.0f}steps"}
        return words.get(self.unit, f"{self.amount:g}")


def goes_on(base: Recipe) -> bool:
    """Whether a longer run of a recipe begins as a shorter one does, and so can go on from it.

    It can where the learning rate does not fall towards the end. The moving average of such a run
    is a finished network at any step.
    """
    return base.schedule == "constant"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network to train: a row of a table."""

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the recipe's :class:`gisr.magnet.MAGNetConfig`."""
    tasks: tuple[TaskName, ...] = _TASKS
    """Tasks it is trained on."""
    sets_per_task: int | None = None
    """Only the first so many different training sets of each task; all when None."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Other changes to the recipe."""

    def key(self, base: Recipe) -> str:
        """Return what distinguishes it from other changes to a recipe: ``all`` for none.

        Rows of two tables that are the same network have the same key, whatever they are called.
        """
        changes = [(base.network, self.network), (base, self.training)]
        parts = [
            f"{name}-{value}"
            for owner, changed in changes
            for name, value in changed.items()
            if getattr(owner, name) != value
        ]
        if self._sets(base) != base.sets:
            parts += [] if self.tasks == _TASKS else list(self.tasks)
            parts += [] if self.sets_per_task is None else [f"{self.sets_per_task}-of-each"]
        return re.sub(r"[^\w.]+", "-", "-".join(parts).lower()) or "all"

    def recipe(self, base: Recipe, steps: int) -> Recipe:
        """Return what to train.

        Args:
            base: Recipe of all sets; the variant has its seed, and so its samples.
            steps: Steps of a variant of all sets. One of fewer sets gets fewer in proportion, so
                that every variant sees each of its sets equally often, as in the paper.

        Raises:
            RecipeError: The recipe lacks a task.
        """
        kept = self._sets(base)
        own = max(1, round(steps * len(kept) / len(base.sets)))
        interval, warmup = base.weight_average.interval, base.warmup
        if not goes_on(base):
            interval = min(interval, max(1, own // _SHORT_WARM_UP))
            warmup = min(warmup, own // _SHORT_WARM_UP)
        return replace(
            base,
            name=f"{base.name}-{self.key(base)}",
            sets=kept,
            network=replace(base.network, **self.network),
            weight_average=replace(base.weight_average, interval=interval),
            **self.training,
            steps=own,
            warmup=warmup,
            validate_every=0,
        )

    def is_scored_on(self, task: TaskName, ratio: int) -> bool:
        """Whether its results at a ratio of a task are in the table, trained on it or not."""
        return task in self.tasks

    def _sets(self, base: Recipe) -> tuple[SetRecipe, ...]:
        kept: list[SetRecipe] = []
        for task in self.tasks:
            own = [chosen for chosen in base.sets if chosen.task == task]
            if not own and self.tasks != _TASKS:
                raise RecipeError(f"{self.name}: the recipe {base.name} has no set of {task}")
            # A set that is listed twice in a recipe is one set that weighs twice in the mixture.
            kept += list(dict.fromkeys(own))[: self.sets_per_task]
        return tuple(chosen for chosen in base.sets if chosen in kept)


def _combinations() -> tuple[Variant, ...]:
    """Return every combination of tasks, the smaller ones first, as in the paper's Table IV."""
    return tuple(
        Variant(name=" + ".join(tasks), tasks=tasks)
        for count in range(1, len(_TASKS) + 1)
        for tasks in combinations(_TASKS, count)
    )


VARIANTS: dict[ExperimentName, tuple[Variant, ...]] = {
    "table3": (
        Variant(name="without MPGM and MGRM", network=_BACKBONE),
        Variant(name="without MGRM", network={"routing": "none"}),
        Variant(name="without MPGM", network={"prompt_module": False}),
        Variant(name="MAG-Net"),
    ),
    "table4": _combinations(),
    "table5": tuple(
        Variant(name=f"{count} of each task", sets_per_task=count) for count in (1, 2, 3)
    ),
    "table6": (
        Variant(name="neither", network={"prompt_modality": "neither"}),
        Variant(name="visual", network={"prompt_modality": "visual"}),
        Variant(name="text", network={"prompt_modality": "text"}),
        Variant(name="visual + text", network={"prompt_modality": "both"}),
    ),
    "table7": (
        Variant(name="encoder", network={"routing": "encoder"}),
        Variant(name="decoder", network={"routing": "decoder"}),
        Variant(name="both", network={"routing": "both"}),
    ),
    "fig2": tuple(Variant(name=task, network=_BACKBONE, tasks=(task,)) for task in _TASKS),
    "fig10": (),
    "fig11": (Variant(name="MAG-Net"),),
    "balancing": (
        Variant(name="fixed, all 1", training={"balancing": "fixed"}),
        Variant(name="uncertainty", training={"balancing": "uncertainty"}),
        Variant(name="weight average", training={"balancing": "weight-average"}),
        Variant(name="GradNorm", training={"balancing": "gradnorm"}),
        Variant(name="sets by size", training={"sampling_temperature": 1.0}),
    ),
}
"""What each ablation trains, in the order of the paper's rows; Tables I and II and their figures
have theirs in :mod:`gisr.experiments.reproduce.system_rows`."""

ABLATIONS: tuple[ExperimentName, ...] = (
    *("table3", "table4", "table5", "table6", "table7", "balancing"),
)
"""Tables of what :data:`VARIANTS` has."""

TITLES: dict[ExperimentName, str] = {
    "table1": "Table I: all tasks in one network, MAG-Net and five others",
    "table2": "Table II: each task alone, MAG-Net and systems made for it",
    "table3": "Table III: the two modules",
    "table4": "Table IV: combinations of tasks",
    "table5": "Table V: number of training sets of each task",
    "table6": "Table VI: what the prompt is made from",
    "table7": "Table VII: where the routing stands",
    "fig2": "Fig. 2: norms of encoder features, a backbone trained on each task alone",
    "fig4": "Fig. 4: pansharpening, all tasks in one network",
    "fig5": "Fig. 5: MR images, all tasks in one network",
    "fig6": "Fig. 6: depth maps, all tasks in one network",
    "fig7": "Fig. 7: pansharpening, each task alone",
    "fig8": "Fig. 8: MR images, each task alone",
    "fig9": "Fig. 9: depth maps, each task alone",
    "fig10": "Fig. 10: t-SNE of the prompts",
    "fig11": "Fig. 11: performance over training, all tasks in one network",
    "balancing": "Balancing of the tasks, the paper's future work",
}
"""What each experiment is called above its result."""
