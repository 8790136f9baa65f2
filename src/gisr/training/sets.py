"""From a recipe to its training sets: which entries of which folders, as which task."""

from collections.abc import Callable, Sequence

from gisr.datasets.entry import Entry, Frame, PairEntry, Scan, Scene
from gisr.datasets.sources import left_out, read_entries
from gisr.errors import RecipeError, counted
from gisr.tasks.sensors import find_sensor, listed_sensor
from gisr.training.recipe import Recipe
from gisr.training.samples.frames import FrameSet, GeneratedFrameSet
from gisr.training.samples.pairs import PairSet
from gisr.training.samples.scans import ScanSet
from gisr.training.samples.scenes import GeneratedBandSet, GeneratedSceneSet, SceneSet
from gisr.training.samples.training_set import JoinedSet, TrainingSet
from gisr.training.set_recipe import SetRecipe

Notify = Callable[[str], None]
"""Receives a line for the user."""


def recipe_entries(recipe: Recipe) -> list[Entry]:
    """Return all entries of a recipe's folders, of any split and licence.

    Raises:
        FileFormatError: A folder is not there or cannot be read.
    """
    return [entry for folder in recipe.folders for entry in read_entries(folder)]


def _noted_entries(recipe: Recipe, notify: Notify) -> list[Entry]:
    found: list[Entry] = []
    for folder in recipe.folders:
        own = read_entries(folder)
        for line in left_out(folder, own):
            notify(line)
        found += own
    return found


def training_entries(recipe: Recipe, notify: Notify = lambda note: None) -> list[Entry]:
    """Return the entries that a recipe may train on: of its splits and licence, and not excluded.

    Args:
        recipe: What is trained.
        notify: Called with a line on files of the folders that are in no entry, and on entries that
            are not trained on.

    Raises:
        RecipeError: There is nothing to train on, or an excluded entry is unknown.
        FileFormatError: A folder is not there or cannot be read.
    """
    found = _noted_entries(recipe, notify)
    ours = [entry for entry in found if entry.split in recipe.splits]
    if recipe.open_only:
        closed = [entry.name for entry in ours if not entry.open]
        if 0 < len(closed) < len(ours):
            notify(
                f"{counted(closed, len(ours))}: not marked as open (--open_only false trains on "
                "all, such weights are not to be given away)"
            )
        ours = [entry for entry in ours if entry.open]
    folders = ", ".join(recipe.folders)
    if not ours and not recipe.only_generated:
        raise RecipeError(f"data: {_nothing_to_train_on(recipe, found)}")
    if unknown := sorted(set(recipe.exclude) - {entry.name for entry in ours}):
        known = ", ".join(name for name in recipe.exclude if name not in unknown)
        raise RecipeError(
            f"exclude: {folders} has no training entry {', '.join(unknown)}: name its folder in "
            f"data too, or --exclude '[{known}]'"
        )
    return [entry for entry in ours if entry.name not in recipe.exclude]


def _nothing_to_train_on(recipe: Recipe, found: Sequence[Entry]) -> str:
    """Return why no entry is trained on, and the way out."""
    folders, splits = ", ".join(recipe.folders), ", ".join(recipe.splits)
    of_splits = sum(entry.split in recipe.splits for entry in found)
    if of_splits:
        return (
            f"none of the {of_splits} entries of {folders} in the splits {splits} is marked as "
            "open: --open_only false trains on all, such weights are not to be given away"
        )
    others = list(dict.fromkeys(entry.split for entry in found))
    if not others:
        return f"{folders} holds no entry: name another folder"
    # What is tested on is never trained on: no setting takes the splits val and test.
    trained = [each for each in others if each in ("train", "research")]
    way = (
        f"--splits '[{trained[0]}]' trains on those"
        if trained
        else "name a folder with others (of own pairs, the column split of pairs.csv says it)"
    )
    return (
        f"none of the {len(found)} entries of {folders} is of the splits {splits}, all are of "
        f"{' or '.join(others)}: {way}"
    )


def training_sets(recipe: Recipe, notify: Notify = lambda note: None) -> list[TrainingSet]:
    """Return the training sets of a recipe, in its order.

    Images that are smaller than the largest patch of the recipe are refused when they are first
    taken, in whichever stage.

    Args:
        recipe: What is trained.
        notify: As of :func:`training_entries`.

    Raises:
        RecipeError: As :func:`training_entries`, or a set is empty.
        FileFormatError: A folder is not there or cannot be read.
    """
    entries = training_entries(recipe, notify)
    found = [_training_set(entries, wanted, recipe) for wanted in recipe.sets]
    read = [each for each in recipe.sets if not each.generated]
    # Other tasks were not asked for; of these, a pair that teaches nothing may be a mistake.
    own = [entry for entry in entries if any(each.task == entry.task for each in read)]
    alone = [e.name for e in own if not any(_belongs(e, each) for each in read)]
    if alone:
        notify(f"{counted(alone, len(own))}: of no set of the recipe (ratio, data set, sensor)")
    return found


def _training_set(entries: Sequence[Entry], wanted: SetRecipe, recipe: Recipe) -> TrainingSet:
    """Return one set: images degraded at its ratio, published pairs of it, or both."""
    if wanted.generated:
        nested = recipe.system is not None
        generated: tuple[TrainingSet, ...] = (
            GeneratedFrameSet(wanted.ratio),
            GeneratedSceneSet(wanted.ratio, recipe.misregistration, nested=nested),
            GeneratedBandSet(wanted.ratio, recipe.misregistration, nested=nested),
        )
        return next(found for found in generated if found.task == wanted.task)
    own = [entry for entry in entries if _belongs(entry, wanted)]
    parts = _parts(own, wanted, recipe)
    if not parts:
        raise RecipeError(
            f"sets: {wanted} is empty: no training entry of {', '.join(recipe.folders)} belongs "
            f"to it; there are {_datasets(entries)}{_sets_for(entries, recipe)}"
        )
    return parts[0] if len(parts) == 1 else JoinedSet(tuple(parts))


def _parts(own: Sequence[Entry], wanted: SetRecipe, recipe: Recipe) -> list[TrainingSet]:
    """Return a set for each class of entries, whatever their task."""
    scenes = tuple(entry for entry in own if isinstance(entry, Scene))
    scans = tuple(entry for entry in own if isinstance(entry, Scan))
    frames = tuple(entry for entry in own if isinstance(entry, Frame))
    pairs = tuple(entry for entry in own if isinstance(entry, PairEntry))
    parts: list[TrainingSet] = []
    if scenes:
        parts.append(
            SceneSet(
                scenes,
                wanted.ratio,
                recipe.misregistration,
                wanted.task,
                nested=recipe.system is not None,
                largest_patch=recipe.largest_patch,
            )
        )
    if scans:
        parts.append(
            ScanSet(
                scans,
                wanted.ratio,
                wanted.contrast,
                wanted.guide_contrast,
                wanted.middle_slices,
                wanted.foreground_share,
                wanted.task,
                recipe.largest_patch,
                wanted.reduced or "kspace",
            )
        )
    if frames:
        parts.append(FrameSet(frames, wanted.ratio, wanted.task, recipe.largest_patch))
    if pairs:
        parts.append(PairSet(pairs, wanted.ratio, wanted.task, recipe.largest_patch))
    return parts


def _belongs(entry: Entry, wanted: SetRecipe) -> bool:
    """Whether an entry is of a set; it needs a truth at the ratio of the set."""
    if entry.task != wanted.task or wanted.dataset not in (None, entry.dataset):
        return False
    if wanted.sensor is not None and (
        not isinstance(entry, Scene | PairEntry)
        or listed_sensor(entry.sensor) != find_sensor(wanted.sensor)
    ):
        return False
    if isinstance(entry, Scan):
        contrasts = {wanted.contrast, wanted.guide_contrast} - {None}
        return contrasts <= set(entry.contrasts)
    return entry.has_truth_at(wanted.ratio)


def _sets_for(entries: Sequence[Entry], recipe: Recipe) -> str:
    """Return what sets of a recipe's tasks the data could fill, as an option."""
    wanted = dict.fromkeys(SetRecipe(each.task, each.ratio) for each in recipe.sets)
    own = [entry for entry in entries if entry.task in recipe.tasks]
    wanted |= dict.fromkeys(SetRecipe(each.task, r) for each in own for r in each.ratios or ())
    filled = [one for one in wanted if any(_belongs(entry, one) for entry in entries)]
    sets = ", ".join(f"{{task: {one.task}, ratio: {one.ratio}}}" for one in filled)
    return f": --sets '[{sets}]' trains on those" if filled else ""


def _datasets(entries: Sequence[Entry]) -> str:
    kinds = dict.fromkeys(
        f"{entry.task} of {entry.dataset}"
        + (f" at x{', x'.join(map(str, entry.ratios))}" if entry.ratios else "")
        for entry in entries
    )
    return ", ".join(kinds) or "none"
