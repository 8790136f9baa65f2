"""Going on with a run: from its newest checkpoint that is finite, with what was left unfinished."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gisr.errors import RecipeError
from gisr.training.checkpoint import (
    checkpoints,
    latest_checkpoint,
    load_checkpoint,
    remove_checkpoint,
)
from gisr.training.recipe import Recipe
from gisr.training.recipe_values import completed, differences
from gisr.training.run import Run
from gisr.training.sets import Notify

_FREE = {"steps", "stages", "checkpoint_every", "validate_every", "workers", "data", "compile"}
"""Settings that a resumed run may change: they say how far and how it goes, not what it learns."""
_TOLD = ("data", "stages", "steps")
"""Those of them that change what comes of a run."""
_MAY_FALL = ("learning_rate", "gradient_norm")
"""Settings that it may lower, because that is what helps a run that diverged."""


def go_on(run: Run, recipe: Recipe, folder: Path, notify: Notify) -> None:
    """Bring a run to the newest finite checkpoint of a folder, and its weights up to date.

    A checkpoint that is not finite is removed: nothing can go on from it.

    Args:
        run: At step 0.
        recipe: What it is to go on with.
        folder: Of the run; may hold no checkpoint.
        notify: Given a line for every checkpoint that was passed over, and one where the run goes
            on with other data, stages or steps.

    Raises:
        RecipeError: The folder holds another run, or no checkpoint of it is finite.
        WeightsError: A checkpoint is damaged.
        FileFormatError: The disk refuses the weights.
    """
    found = checkpoints(folder / "checkpoints")
    if not found:
        return
    useless = []
    for path in reversed(found):
        before = _check_same(recipe, path)
        run.restore(path)
        if (damaged := run.not_finite()) is None:
            break
        useless.append((path, damaged))
    else:
        raise RecipeError(
            f"{folder}: none of its {len(found)} checkpoints is finite: begin again in another "
            f"folder, with a learning_rate below {recipe.learning_rate:g}"
        )
    if useless:  # no process may still be reading them
        run.processes.total(torch.zeros((), device=run.device))
    if run.processes.leads:
        for path, damaged in useless:
            remove_checkpoint(path)
            notify(f"{path} was removed, {damaged} were not finite; going on from {run.step}")
        changed = _changed(recipe, before, _TOLD)
        if changed and run.step < recipe.steps:
            notify(f"{folder}: goes on from step {run.step} with {changed}")
        # Again, should they be there: a run may have been killed between the two.
        run.trainee.save(folder / "weights", run.averaged, recipe.name)


def advice(folder: Path, recipe: Recipe) -> str:
    """Return what a user may do after a step that diverged: what the folder lets go on."""
    lower = f"train again in {folder} with a lower learning_rate ({recipe.learning_rate / 2:g})"
    latest = latest_checkpoint(folder / "checkpoints")
    if latest is None:
        return f"{lower}, from the start: there is no checkpoint yet"
    return f"{lower}, which goes on from its last checkpoint, {latest.name}"


def _check_same(recipe: Recipe, checkpoint: Path) -> dict[str, Any]:
    """Return the recipe of a checkpoint; another run's is refused, as none would fit the result."""
    _, state = load_checkpoint(checkpoint)
    before: dict[str, Any] = completed(Recipe, state["recipe"])
    changed = [
        each
        for key, value in sorted(recipe.record().items())
        if key not in _FREE and before.get(key) != value and not _lowered(key, before, value)
        for each in differences(key, before.get(key), value)
    ]
    if changed:
        raise RecipeError(
            f"{checkpoint.parent.parent}: holds a run of another recipe ({'; '.join(changed)}): "
            "choose another folder, or go on with what is there"
        )
    return before


def _changed(recipe: Recipe, before: dict[str, Any], names: Sequence[str]) -> str:
    """Say which of some settings are others than before; nothing where none is."""
    here = recipe.record()
    found = [each for key in names for each in differences(key, before.get(key), here[key])]
    fallen = before["steps"] < recipe.steps and recipe.schedule == "cosine"
    end = f"the learning rate, which fell to zero towards {before['steps']} steps, is higher again"
    return "; ".join([*found, end] if fallen else found)


def _lowered(key: str, before: dict[str, Any], value: Any) -> bool:  # noqa: ANN401 - a setting
    return key in _MAY_FALL and key in before and bool(value < before[key])


__all__ = ["advice", "go_on"]
