"""What is to be reproduced, and what a folder of results holds already."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from gisr.errors import FileFormatError, RecipeError
from gisr.experiments.reproduce.columns import Amount
from gisr.experiments.reproduce.kept import write_kept
from gisr.experiments.reproduce.plan import VARIANTS, Budget, ExperimentName, Variant, goes_on
from gisr.training.recipe import Recipe
from gisr.training.recipe_values import completed, differences
from gisr.training.sets import training_entries

ReportProgress = Callable[[str], None]
"""Receives a line of progress."""
Rule = Literal["samples", "time"]
"""What is equal for all networks of Tables I and II."""

_ENTRIES = "entries"
"""What of a plan says which entries its networks were trained on."""
_IMAGES, _SIDE = 4, 384
"""What a short experiment measures of each column: enough to rank networks, a minute a variant."""


@dataclass(frozen=True, kw_only=True)
class ExperimentRequest:
    """What to reproduce, on which data, within which budget."""

    experiment: ExperimentName
    recipe: Recipe
    """Of all sets; has the data, the seed, and whether research pairs are used."""
    further_seeds: tuple[int, ...] = ()
    """Every network of an ablation is trained once more from each."""
    out: Path
    budget: Budget
    images: int | None = None
    """Images of each column; all for the paper's budget, 4 for another, when None."""
    benchmarks: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = get_args(Rule)
    """By which the networks of Tables I and II are trained; where runs go on
    (:func:`gisr.experiments.reproduce.plan.goes_on`), the longer begins with the shorter."""
    device: str = "cpu"
    command: str = ""

    @property
    def amount(self) -> Amount:
        """How much is measured."""
        if self.budget.unit == "paper":
            return Amount(self.images, None)
        return Amount(self.images or _IMAGES, _SIDE)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What an ablation trains."""
        return VARIANTS.get(self.experiment, ())

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, the recipe's first."""
        return (self.recipe.seed, *self.further_seeds)

    def by_seed(self) -> "tuple[ExperimentRequest, ...]":
        """Return one request a seed; those of further seeds have folders of their own in this."""
        alone = replace(self, further_seeds=())
        further = (
            replace(
                alone, recipe=replace(self.recipe, seed=seed), out=self.out / _seed_folder(seed)
            )
            for seed in self.further_seeds
        )
        return (alone, *further)


def read_plan(request: ExperimentRequest) -> dict[str, float]:
    """Return the speeds that were measured in a folder, in steps a second; none in a new one.

    Raises:
        FileFormatError: The file is damaged.
        RecipeError: The folder holds another experiment.
    """
    path, asked = _plan_path(request), _requested(request)
    if not path.is_file():
        return {}
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        rates = {str(key): float(rate) for key, rate in found["rates"].items()}
        found["recipe"] = completed(Recipe, found["recipe"])
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: cannot read the plan ({error!r}): delete it") from error
    # Where the data lie may change, as for a run that goes on.
    found["recipe"] = {**found["recipe"], "data": asked["recipe"]["data"]}
    # Plans from before this was noted say nothing of it.
    known = [key for key in asked if key != _ENTRIES or key in found]
    changed = "; ".join(
        each for key in known for each in differences(key, found.get(key), asked[key])
    )
    if changed:
        raise RecipeError(f"{path.parent}: holds another experiment ({changed}): use another --out")
    return rates


def write_plan(request: ExperimentRequest, rates: Mapping[str, float]) -> None:
    """Note what a folder holds, and the speeds measured for it."""
    path = _plan_path(request)
    path.parent.mkdir(parents=True, exist_ok=True)
    plan = {**_requested(request), "rates": rates}
    write_kept(path, plan)


def _seed_folder(seed: int) -> str:
    return f"seed-{seed}"


def _plan_path(request: ExperimentRequest) -> Path:
    return request.out / f"{request.experiment}-plan.json"


def _requested(request: ExperimentRequest) -> dict[str, Any]:
    """Return what must be the same for a folder to be resumed, as JSON returns it."""
    asked: dict[str, Any] = {
        "experiment": request.experiment,
        "recipe": request.recipe.record(),
    }
    if not goes_on(request.recipe):
        asked["budget"] = str(request.budget)
    asked[_ENTRIES] = _training_entries(request.recipe)
    return asked


def _training_entries(recipe: Recipe) -> dict[str, Any]:
    """Return how many entries of each task are trained on, and a sum of their names.

    It is that of the same data elsewhere, and of a store prepared of them.
    """
    found = sorted((entry.task, entry.split, entry.name) for entry in training_entries(recipe))
    names = hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]
    return {**Counter(task for task, _, _ in found), "names": names}
