"""Validation during training: held-out pairs through the very upscaler that users get.

But for one thing: satellite images are not made consistent, which would hide what the network has
still to learn.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean

import numpy as np

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, MadePair, Scan, Scene
from gisr.datasets.pairing import contrasts_of, frame_pair, made_pair, scene_pair, slice_pairs
from gisr.errors import RecipeError
from gisr.experiments.system_variants import NETWORK_ALONE
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.metrics import psnr, rmse
from gisr.tasks import TaskName, find_task
from gisr.tasks.text.table import DescriptionTable
from gisr.training.loop import Validate
from gisr.training.recipe import Recipe
from gisr.training.sets import recipe_entries
from gisr.weights.store import Weights

_SIDE = 256
"""Side of the middle that is validated of each image: enough to rank networks, quick on a CPU."""
_SLICES = 4
_ENTRIES = 8
"""Entries of each data set and task."""


def make_validation(recipe: Recipe) -> Validate | None:
    """Return a function that scores a network on held-out pairs of a recipe's data.

    Held out are the entries of the split ``val`` and those the recipe excludes, of the tasks and at
    the ratios that it trains. Values are the mean PSNR in dB (pansharpening, mri) or RMSE in the
    data's unit (depth) by task and ratio, for example ``psnr_mri_x4``.

    Returns:
        None when there is nothing to validate on.
    """
    ratios = {
        task: sorted({chosen.ratio for chosen in recipe.sets if chosen.task == task})
        for task in {chosen.task for chosen in recipe.sets}
    }
    held_out = [entry for entry in _held_out(recipe) if entry.task in ratios]
    pairs = [pair for entry in held_out for pair in middle_pairs(entry, ratios[entry.task])]
    if not pairs:
        return None

    def validate(network: MAGNet, descriptions: DescriptionTable) -> dict[str, float]:
        device = next(network.parameters()).device
        upscaler = Upscaler(Weights(recipe.name, network, descriptions), device)
        scores: dict[str, list[float]] = defaultdict(list)
        for pair in pairs:
            name, value = _score(pair, upscaler.answer(pair, NETWORK_ALONE).image)
            scores[f"{name}_{pair.task}_x{round(pair.ratio)}"].append(value)
        return {key: fmean(values) for key, values in scores.items()}

    return validate


def _score(pair: Pair, estimate: np.ndarray) -> tuple[str, float]:
    if pair.truth is None or pair.peak is None:
        raise RecipeError(f"{pair.name}: no truth to validate with")
    if pair.task == "depth":
        return "rmse", rmse(estimate, pair.truth, border=6, valid=pair.truth_valid)
    return "psnr", psnr(estimate, pair.truth, peak=pair.peak, border=8)


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


def middle_pairs(entry: Entry, ratios: Sequence[int] | None = None) -> Iterator[Pair]:
    """Yield the middle of an entry at some ratios, the paper's of its task when None."""
    if isinstance(entry, MadePair):
        if entry.read_truth is not None:
            yield made_pair(entry)
        return
    for ratio in ratios or find_task(entry.task).paper_ratios:
        if isinstance(entry, Scene):
            yield scene_pair(entry, ratio, side=_SIDE)
        elif isinstance(entry, Scan):
            yield from _slices(entry, ratio)
        else:
            yield frame_pair(entry, ratio, side=_SIDE)


def _slices(entry: Scan, ratio: int) -> Iterator[Pair]:
    """Yield slices of the middle half of a subject: T2 guided by T1, or what there is."""
    contrast, guide_contrast = contrasts_of(entry)
    depth = entry.stored_volume(contrast).shape[2]
    middle = np.linspace(depth // 4, 3 * depth // 4, _SLICES).astype(int)
    yield from slice_pairs(
        entry,
        ratio,
        contrast=contrast,
        guide_contrast=guide_contrast,
        slices=middle.tolist(),
    )
