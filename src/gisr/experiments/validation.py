"""Validation during training: held-out pairs through the upscaler that users call.

With one exception: satellite images are not made consistent, which would hide what the network has
still to learn.
"""

from collections import defaultdict
from statistics import fmean

import numpy as np

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, naming
from gisr.errors import RecipeError
from gisr.experiments.evaluation import measure
from gisr.experiments.system_variants import NETWORK_ALONE
from gisr.inference.system import PairSystem
from gisr.metrics import MetricName
from gisr.tasks import TaskName, find_task
from gisr.training.loop import Validate
from gisr.training.recipe import Recipe
from gisr.training.sets import recipe_entries

VALIDATED_SIDE = 256
"""Side of the middle that is validated of each image: enough to rank networks, quick on a CPU."""
_ENTRIES = 8
"""Entries of each data set and task."""


def make_validation(recipe: Recipe) -> Validate | None:
    """Return a function that scores a network on held-out pairs of a recipe's data.

    Held out are the entries of the split ``val`` and those the recipe excludes, of the tasks and at
    the ratios that it trains, made coarse by the task's protocol. Values are means of the headline
    metric of each task (:attr:`gisr.tasks.Task.metric`), with the border of the task cut, by task
    and ratio, for example ``psnr_mri_x4``.

    Returns:
        None when there is nothing to validate on.
    """
    by_protocol = [each for each in recipe.sets if each.reduced in (None, "kspace")]
    ratios = {
        task: sorted({chosen.ratio for chosen in by_protocol if chosen.task == task})
        for task in {chosen.task for chosen in by_protocol}
    }
    held_out = [entry for entry in _held_out(recipe) if entry.task in ratios]
    pairs: list[Pair] = []
    for entry in held_out:
        with naming(entry):
            for ratio in entry.ratios or ratios[entry.task]:
                pairs += entry.middle_pairs(ratio, VALIDATED_SIDE)
    if not pairs:
        return None

    def validate(system: PairSystem) -> dict[str, float]:
        scores: dict[str, list[float]] = defaultdict(list)
        for pair in pairs:
            name, value = _score(pair, system.answer(pair, NETWORK_ALONE).image)
            scores[f"{name}_{pair.task}_x{round(pair.ratio)}"].append(value)
        return {key: fmean(values) for key, values in scores.items()}

    return validate


def _score(pair: Pair, estimate: np.ndarray) -> tuple[MetricName, float]:
    if pair.truth is None or pair.peak is None:
        raise RecipeError(f"{pair.name}: no truth to validate with")
    task = find_task(pair.task)
    return task.metric, measure([task.metric], estimate, pair, task.border)[task.metric]


def _held_out(recipe: Recipe) -> list[Entry]:
    """Return the excluded entries, and some of the split ``val``, evenly spaced, of each data set.

    A published validation split can hold hundreds of images: too many to go through every so often.
    """
    entries = recipe_entries(recipe)
    held_out = [entry for entry in entries if entry.name in recipe.exclude]
    groups: dict[tuple[str, TaskName], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.split == "val" and entry.name not in recipe.exclude:
            groups[entry.dataset, entry.task].append(entry)
    for group in groups.values():
        places = np.linspace(0, len(group) - 1, min(_ENTRIES, len(group))).round().astype(int)
        held_out += [group[place] for place in places]
    return held_out
