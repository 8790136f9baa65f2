"""Tables I and II: which networks they train, at which size, for which tasks and ratios.

A row of Table I is one network for all tasks. A row of Table II is MAG-Net trained on a task alone,
or a system made for it, with one network a ratio.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from gisr.baselines.costs import system_cost
from gisr.baselines.systems import SystemName, find_system
from gisr.experiments.reproduce.plan import Variant
from gisr.magnet import PRESETS
from gisr.tasks import TaskName
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe
from gisr.training.system_recipe import SystemRecipe

SystemTable = Literal["table1", "table2"]
"""The tables that compare systems."""
MAGNET = "MAG-Net"
_KEPT_WHOLE = 3_000_000
"""Systems of one task below so many parameters have their published size at any budget."""
_VARIANTS = ("fdkn",)
"""Systems that are not rows of the paper: a faster form of one that is."""


@dataclass(frozen=True, kw_only=True)
class ComparedVariant(Variant):
    """A network of Table I or II."""

    system: SystemName | None = None
    """None for MAG-Net."""
    ratio: int | None = None
    """The only ratio it is for; all of its tasks' when None."""

    def key(self, base: Recipe) -> str:
        """Return what distinguishes it from other networks of the recipe."""
        parts: list[str] = [] if self.system is None else [self.system]
        if self._sets(base) != base.sets:
            parts += [*self.tasks, *([] if self.ratio is None else [f"x{self.ratio}"])]
        return "-".join(parts) or "all"

    def recipe(self, base: Recipe, steps: int) -> Recipe:
        """Return what to train; every network sees each of its sets equally often.

        Raises:
            RecipeError: The recipe lacks a task.
        """
        system = None if self.system is None else SystemRecipe(self.system, self.width(base))
        return replace(super().recipe(base, steps), system=system)

    def width(self, base: Recipe) -> float:
        """Return the factor of the system's published widths: MAG-Net's own in the recipe.

        Systems of one task that are small anyway stay whole.
        """
        assert self.system is not None  # MAG-Net's size is the recipe's
        small = system_cost(self.system).parameters < _KEPT_WHOLE
        if small and not find_system(self.system).published.all_in_one:
            return 1.0
        return min(1.0, base.network.width / PRESETS["magnet"].width)

    def is_scored_on(self, task: TaskName, ratio: int) -> bool:
        """Whether its results at a ratio of a task are in the table."""
        return super().is_scored_on(task, ratio) and self.ratio in (None, ratio)

    def _sets(self, base: Recipe) -> tuple[SetRecipe, ...]:
        kept = super()._sets(base)
        return tuple(chosen for chosen in kept if self.ratio in (None, chosen.ratio))


def table_variants(table: SystemTable, base: Recipe) -> tuple[ComparedVariant, ...]:
    """Return the networks of a table, those of one row one after the other.

    Args:
        table: Which.
        base: Gives the ratios of each task.
    """
    tasks = tuple(dict.fromkeys(chosen.task for chosen in base.sets))
    if table == "table1":
        rows = [name for name in _rows() if find_system(name).published.all_in_one]
        return (
            *(ComparedVariant(name=_title(name), tasks=tasks, system=name) for name in rows),
            ComparedVariant(name=MAGNET, tasks=tasks),
        )
    found: list[ComparedVariant] = []
    for task in tasks:
        ratios = sorted({chosen.ratio for chosen in base.sets if chosen.task == task})
        for name in _rows():
            if find_system(name).published.tasks == (task,):
                found += [
                    ComparedVariant(name=_title(name), tasks=(task,), system=name, ratio=ratio)
                    for ratio in ratios
                    if ratio in find_system(name).published.ratios
                ]
        found.append(ComparedVariant(name=MAGNET, tasks=(task,)))
    return tuple(found)


def _rows() -> list[SystemName]:
    return [name for name in get_args(SystemName) if name not in _VARIANTS]


def _title(name: SystemName) -> str:
    return find_system(name).published.title


__all__ = ["MAGNET", "ComparedVariant", "SystemTable", "table_variants"]
