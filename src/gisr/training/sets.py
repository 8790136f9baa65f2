"""From a recipe to its training sets: which entries of which folders, as which task."""

from collections.abc import Sequence

from gisr.datasets.entry import Entry, Frame, MadePair, Scan, Scene
from gisr.datasets.sources import read_entries
from gisr.errors import RecipeError
from gisr.tasks.sensors import find_sensor
from gisr.training.recipe import Recipe, SetRecipe
from gisr.training.samples.training_sets import (
    DepthSet,
    GeneratedDepthSet,
    GeneratedPansharpeningSet,
    JoinedSet,
    MadeSet,
    MRISet,
    PansharpeningSet,
    TrainingSet,
)


def recipe_entries(recipe: Recipe) -> list[Entry]:
    """Return all entries of a recipe's folders, of any split and licence.

    Raises:
        FileFormatError: A folder is not there or cannot be read.
    """
    return [entry for folder in recipe.folders for entry in read_entries(folder)]


def training_entries(recipe: Recipe) -> list[Entry]:
    """Return the entries that a recipe may train on: of its splits and licence, and not excluded.

    Raises:
        RecipeError: There is nothing to train on, or an excluded entry is unknown.
        FileFormatError: A folder is not there or cannot be read.
    """
    found = recipe_entries(recipe)
    ours = [entry for entry in found if entry.split in recipe.splits]
    if recipe.open_only:
        ours = [entry for entry in ours if entry.open]
    folders = ", ".join(recipe.folders)
    if not ours and not recipe.only_generated:
        licence = " with a licence to give weights away (open_only)" if recipe.open_only else ""
        raise RecipeError(
            f"data: none of the {len(found)} entries of {folders} is of the splits "
            f"{', '.join(recipe.splits)}{licence}"
        )
    if unknown := sorted(set(recipe.exclude) - {entry.name for entry in ours}):
        raise RecipeError(f"exclude: {folders} has no training entry {', '.join(unknown)}")
    return [entry for entry in ours if entry.name not in recipe.exclude]


def training_sets(recipe: Recipe) -> list[TrainingSet]:
    """Return the training sets of a recipe, in its order.

    Raises:
        RecipeError: As :func:`training_entries`, or a set is empty.
        FileFormatError: A folder is not there or cannot be read.
    """
    entries = training_entries(recipe)
    return [_training_set(entries, wanted, recipe) for wanted in recipe.sets]


def _training_set(entries: Sequence[Entry], wanted: SetRecipe, recipe: Recipe) -> TrainingSet:
    """Return one set: images degraded at its ratio, pairs made by others at it, or both."""
    if wanted.generated:
        if wanted.task == "depth":
            return GeneratedDepthSet(wanted.ratio)
        return GeneratedPansharpeningSet(wanted.ratio, recipe.misregistration)
    own = [entry for entry in entries if _belongs(entry, wanted)]
    scenes = tuple(entry for entry in own if isinstance(entry, Scene))
    scans = tuple(entry for entry in own if isinstance(entry, Scan))
    frames = tuple(entry for entry in own if isinstance(entry, Frame))
    made = tuple(entry for entry in own if isinstance(entry, MadePair))
    parts: list[TrainingSet] = []
    if scenes:
        parts.append(PansharpeningSet(scenes, wanted.ratio, recipe.misregistration))
    if scans:
        parts.append(
            MRISet(
                scans,
                wanted.ratio,
                wanted.contrast,
                wanted.guide_contrast,
                wanted.middle_slices,
                wanted.head_share,
            )
        )
    if frames:
        parts.append(DepthSet(frames, wanted.ratio))
    if made:
        parts.append(MadeSet(made, wanted.ratio, wanted.task))
    if not parts:
        raise RecipeError(
            f"sets: {wanted} is empty: no training entry of {', '.join(recipe.folders)} belongs "
            f"to it; there are {_datasets(entries)}"
        )
    return parts[0] if len(parts) == 1 else JoinedSet(tuple(parts))


def _belongs(entry: Entry, wanted: SetRecipe) -> bool:
    """Whether an entry is of a set. Pairs made by others have one ratio, and need a truth."""
    if entry.task != wanted.task or wanted.dataset not in (None, entry.dataset):
        return False
    if wanted.sensor is not None and (
        not isinstance(entry, Scene | MadePair)
        or find_sensor(entry.sensor) != find_sensor(wanted.sensor)
    ):
        return False
    if isinstance(entry, Scan):
        contrasts = {wanted.contrast, wanted.guide_contrast} - {None}
        return contrasts <= set(entry.contrasts)
    if isinstance(entry, MadePair):
        return entry.ratio == wanted.ratio and entry.read_truth is not None
    return True


def _datasets(entries: Sequence[Entry]) -> str:
    kinds = dict.fromkeys(f"{entry.task} of {entry.dataset}" for entry in entries)
    return ", ".join(kinds) or "none"
