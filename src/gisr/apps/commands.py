"""What each command does. Heavy packages are imported by the command that needs them."""

import shlex
import sys
from importlib.resources import files
from inspect import signature
from pathlib import Path

from gisr.apps.machine import checked_device, set_threads
from gisr.errors import RecipeError, meant
from gisr.tasks import DESCRIBED_RATIOS, TASKS


def demo(
    *,
    out: str = "gisr-demo",
    model: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> None:
    """Sharpen a real depth map and two generated scenes, and show the gain over interpolation.

    Args:
        out: Folder for the pictures.
        model: Weights: a built-in name, a folder, or a Hugging Face hub id (hf:owner/name).
        device: cpu, cuda and so on.
        threads: CPU threads.
        quiet: Show no progress.
    """
    from gisr.apps.progress import ProgressBar
    from gisr.experiments.demo import format_results, run_demo

    set_threads(threads)
    device = checked_device(device)
    with ProgressBar("px", quiet) as bar:
        results = run_demo(Path(out), model, device=device, progress=bar)
    print(format_results(results))


def tasks() -> None:
    """List the tasks with their ratios, sensors and contrasts."""
    ratios = ", ".join(map(str, DESCRIBED_RATIOS))
    print(f"Any ratio works; built-in descriptions exist for {ratios}.")
    for task in TASKS.values():
        paper = ", ".join(map(str, task.paper_ratios))
        print(f"\n{task.name}\n  ratios of the paper: {paper}\n  default grid: {task.grid}")
        for kind, names in task.vocabulary.items():
            print(f"  {kind}: {', '.join(names)}")


def train(
    recipe: str,
    *,
    folder: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    only: list[str] | None = None,
    stop_at: int | None = None,
    stop_after: float | None = None,
    quiet: bool = False,
    overrides: list[str] | None = None,
) -> None:
    """Train by a recipe, or go on with the run of a folder.

    Any value of the recipe can be changed on the command line: --steps 100 --network.width 16.
    Several processes share every batch: torchrun --nproc-per-node 2 -m gisr train RECIPE.

    Args:
        recipe: A YAML file, or the name of a built-in recipe.
        folder: Receives checkpoints, weights and logs; runs/NAME-OF-THE-RECIPE when left out.
        device: cpu, cuda and so on; under torchrun cuda gives each process a GPU of its own.
        threads: CPU threads, of each process.
        only: Train a part of the mixture: a task (depth) or one of its ratios (depth:8), several if
            need be. Unless --steps is given, they shrink with the number of sets.
        stop_at: Stop after this step, with a checkpoint.
        stop_after: Stop so when this many seconds are over.
        quiet: Show no progress bar.
        overrides: Changes to the recipe, command-line style.
    """
    path = find_recipe(recipe)
    # The recipe is read before the seconds that torch takes to load.
    from gisr.training.recipe import check_folders, one_by_one
    from gisr.training.recipe_file import check_overrides, read_recipe

    options = [f"--{name.replace('_', '-')}" for name in signature(train).parameters]
    check_overrides(overrides or [], options, "gisr train")
    chosen = read_recipe(path, overrides)
    check_folders(chosen)
    set_threads(threads)
    from gisr.experiments.validation import make_validation
    from gisr.inference.precision import COST, bfloat16_products
    from gisr.training.checkpoint import latest_checkpoint
    from gisr.training.distributed import leads, own_device
    from gisr.training.loop import train as run_training

    checked = checked_device(own_device(device)) or "cpu"
    if only:
        given = any(word.split("=")[0] == "--steps" for word in overrides or [])
        chosen = one_by_one(chosen, only, scale_steps=not given)
    suffix = "".join("-" + name.replace(":", "-x") for name in only or [])
    place = Path("runs") / (path.stem + suffix) if folder is None else Path(folder)
    validate = make_validation(chosen) if chosen.validate_every and leads() else None
    products = bfloat16_products(checked) if chosen.precision == "bfloat16" else "fast"
    if products != "fast":
        print(
            f"gisr: warning: precision bfloat16 of {chosen.name}: {checked} here {COST[products]}; "
            "--precision float32 is faster",
            file=sys.stderr,
        )
    try:
        weights = run_training(
            chosen,
            place,
            device=checked,
            validate=validate,
            stop_at=stop_at,
            stop_after=stop_after,
            quiet=_silent(quiet),
            notify=lambda note: print(f"gisr: note: {note}", file=sys.stderr),
        )
    except KeyboardInterrupt:
        latest = latest_checkpoint(place / "checkpoints")
        if latest is not None and leads():
            way = f"the same command goes on from its last checkpoint, {latest.name}"
            print(f"gisr: note: {place}: {way}", file=sys.stderr)
        raise
    if leads():
        system = None if chosen.system is None else chosen.system.name
        print(f"{weights}: weights of {chosen.name}, {_use_of(weights, system)}")


def _use_of(weights: Path, system: str | None) -> str:
    """Say what reads the weights of a run; those of published systems are for comparisons alone."""
    if system is None:
        return f"ready for gisr upscale --model {shlex.quote(str(weights))}"
    return f"for gisr evaluate DATA --systems {shlex.quote(f'{system}:{weights}')}"


def _silent(quiet: bool) -> bool:
    return quiet or not sys.stderr.isatty()


def find_recipe(recipe: str) -> Path:
    """Return the file of a recipe: a YAML file, or a built-in one by name.

    Raises:
        RecipeError: It is neither.
    """
    if Path(recipe).is_file():
        return Path(recipe)
    folder = Path(str(files("gisr"))) / "training" / "recipes"
    built_in = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if recipe not in built_in:
        otherwise = f"name a YAML file, or one of {', '.join(built_in)}"
        raise RecipeError(f"no recipe {recipe!r}: {meant(recipe, built_in, otherwise)}")
    return built_in[recipe]
