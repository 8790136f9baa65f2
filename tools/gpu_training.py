"""Train on a machine without network: pack data and weights, train there, unpack the run.

For machines on which nothing can be installed or downloaded, and small files alone can be copied:

    python tools/gpu_training.py pack RECIPE gpu          # here: what the run needs, in a folder
    python tools/gpu_training.py train gpu RUN --out OUT  # there: goes on until the time is up
    python tools/gpu_training.py unpack OUT RUN           # here: what came back, as a run's folder

docs/training.md, "Training on a machine without network", has the command lines.
"""

import argparse
import json
import shutil
import sys
import tarfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from parts import part_of
from small_checkpoint import AVERAGE, completed, reduced, tensor_bytes

from gisr.datasets.entry import Entry
from gisr.datasets.prepared.prepare import prepare_store
from gisr.errors import GisrError, InputError, RecipeError
from gisr.magnet import MAGNet
from gisr.tasks import TASKS, TaskName
from gisr.tasks.text.table import built_in_table
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from gisr.training.log import LOG_FILE, read_log
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.training.recipe_file import read_recipe
from gisr.training.sets import training_entries, training_sets
from gisr.weights.folder import EMBEDDED
from gisr.weights.store import load_weights, save_weights

MIB = 2**20
RECIPE, DATA, WEIGHTS, STATE, PACKAGES = "recipe.json", "data", "weights", "state", "packages"
"""What a packed folder holds."""
CHECKPOINTS = "checkpoints"
SUFFIX = ".tar.xz"
CARRIED = ("jsonargparse",)
"""Packages of pure Python that training needs and the machine has not."""
MOST_FILES, MOST_FILE = 8, 16 * MIB
"""What comes back: so many files, none larger."""
OF_THE_PLACE = ("data", "exclude", "initial_weights", "validate_every")
"""Settings of a recipe that are others there: only what is trained on was packed."""


def pack(
    recipe: Recipe,
    folder: Path,
    *,
    shares: Mapping[TaskName, float],
    most: float,
    run: Path | None = None,
) -> dict[str, int]:
    """Write everything that a run needs into a folder, in place of what was packed there before.

    Args:
        recipe: What to train.
        folder: Receives the recipe, data, weights or state, and packages.
        shares: How much of the images is packed, by task (:func:`parts.part_of`).
        most: MiB that the folder may have.
        run: Folder of a run to go on with, instead of starting from the recipe's weights.

    Returns:
        The size of each thing packed, in bytes, largest first.

    Raises:
        InputError: It does not fit, an image became smaller than a patch, or the folder holds
            something else.
    """
    if recipe.text_encoder != "minilm":
        raise InputError(f"text_encoder {recipe.text_encoder}: its weights do not fit: use minilm")
    if recipe.teacher not in (None, *EMBEDDED):
        raise InputError(f"teacher {recipe.teacher}: does not travel; name {' or '.join(EMBEDDED)}")
    if folder.exists() and not (folder / RECIPE).is_file():
        raise InputError(f"{folder}: holds something else, no {RECIPE}: name another folder")
    with TemporaryDirectory(prefix="gisr-pack-") as place:
        made, stores = _made(Path(place) / "made"), Path(place) / "stores"
        (made / RECIPE).write_text(json.dumps(recipe.record(), indent=1), encoding="utf-8")
        for package in CARRIED:
            _pack_package(package, made / PACKAGES)
        _pack_data(recipe, shares, stores, _made(made / DATA))
        _check_patches(recipe, stores)
        if run is not None:
            _pack_state(run, made / STATE, int(most * MIB) - sum(_sizes(made).values()))
        elif recipe.initial_weights not in (None, *EMBEDDED):
            _pack_weights(recipe.initial_weights, made / WEIGHTS)
        sizes = _sizes(made)
        if sum(sizes.values()) > most * MIB:
            raise InputError(
                f"{_table(sizes)} are more than {most:g} MiB: pack a smaller share of the largest, "
                f"or start from weights that travel anyway ({', '.join(EMBEDDED)})"
            )
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    return sizes


def train_packed(
    folder: Path,
    run: Path,
    out: Path,
    *,
    device: str,
    most: float,
    seconds: float | None = None,
    stop_at: int | None = None,
    overrides: Sequence[str] = (),
) -> str:
    """Train what was packed until the time is up, and write what is to come back.

    Called again on the same machine it goes on with the run as it was, nothing rounded.

    Args:
        folder: Made by :func:`pack`.
        run: Folder of the run, kept on the machine.
        out: Receives a checkpoint that is small enough, and the log; replaces an earlier one.
        device: cuda, or cpu to try it.
        most: MiB that may come back.
        seconds: From the call of this function to the last step.
        stop_at: Stop after this step.
        overrides: Changes to the recipe, command-line style.

    Returns:
        What was done, in a line.

    Raises:
        InputError: The result would not come back.
        GisrError: The run cannot be followed; what was learnt until then is written all the same.
    """
    began = time.monotonic()
    home = read_recipe(folder / RECIPE, list(overrides))
    # Every batch has one shape: the fastest convolutions are worth looking for.
    torch.backends.cudnn.benchmark = True
    with TemporaryDirectory(prefix="gisr-data-") as place:
        there = _recipe_there(home, folder, Path(place))
        packed = latest_checkpoint(folder / STATE)
        if packed is not None and latest_checkpoint(run / CHECKPOINTS) is None:
            tensors, state = load_checkpoint(packed)
            _save(run / CHECKPOINTS, completed(tensors), _placed(state, there))
        left = None if seconds is None else max(0.001, seconds - (time.monotonic() - began))
        try:
            train(there, run, device=device, stop_at=stop_at, stop_after=left, quiet=True)
        finally:
            brought = _bring_back(run, out, home, most)
    return f"{brought}; {_pace(run)}; {time.monotonic() - began:.0f} s in all"


def unpack(files: Path, run: Path) -> Path:
    """Make what came back the folder of a run, or bring such a folder forward.

    Args:
        files: What :func:`train_packed` wrote.
        run: Receives checkpoint, weights, log and recipe; training goes on from there.

    Returns:
        The folder of the weights.

    Raises:
        InputError: No checkpoint came back, or the run is beyond it.
    """
    came, own = latest_checkpoint(files), latest_checkpoint(run / CHECKPOINTS)
    if came is None:
        raise InputError(f"{files}: no checkpoint came back: read what the command printed")
    if own is not None and own.name > came.name:
        raise InputError(f"{run}: is at {own.name}, beyond {came.name}: name another folder")
    tensors, state = load_checkpoint(came)
    tensors = completed(tensors)
    _save(run / CHECKPOINTS, tensors, state)
    (run / RECIPE).write_text(json.dumps(state["recipe"], indent=1), encoding="utf-8")
    recipe = read_recipe(run / RECIPE)
    with (run / LOG_FILE).open("a", encoding="utf-8") as log:
        log.write((files / LOG_FILE).read_text(encoding="utf-8"))
    network = MAGNet(recipe.network)
    network.load_state_dict(
        {name.removeprefix(AVERAGE): t for name, t in tensors.items() if name.startswith(AVERAGE)}
    )
    first = recipe.initial_weights
    table = built_in_table() if first is None else load_weights(first).descriptions
    save_weights(run / WEIGHTS, network, table, name=recipe.name, tasks=recipe.tasks)
    return run / WEIGHTS


def _pack_package(name: str, folder: Path) -> None:
    """Copy the modules of an installed package; what is compiled would not run there."""
    for file in metadata.files(name) or []:
        if file.suffix in (".so", ".pyd"):
            raise InputError(f"{name}: {file} is compiled, only pure Python can be copied")
        if file.suffix == ".py":
            _made((folder / file).parent)
            shutil.copy(file.locate(), folder / file)


def _pack_data(
    recipe: Recipe, shares: Mapping[TaskName, float], stores: Path, folder: Path
) -> None:
    """Write the compressed store of each data set and task."""
    read = {chosen.task for chosen in recipe.sets if not chosen.generated}
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in training_entries(recipe):
        if entry.task in read:
            groups[f"{entry.dataset}-{entry.task}"].append(part_of(entry, shares[entry.task]))
    for name, entries in groups.items():
        done = prepare_store(entries, recipe.folders[0], stores / name)
        if not done.finished:
            problems = "; ".join(f"{entry}: {why}" for entry, why in done.problems.items())
            raise InputError(f"{name}: cannot be packed: {problems}")
        with tarfile.open(folder / f"{name}{SUFFIX}", "w:xz") as archive:
            archive.add(stores / name, arcname=name)


def _check_patches(recipe: Recipe, stores: Path) -> None:
    """Refuse images that became too small: over there a run would end at the first of them."""
    largest = max((recipe.patch, *(stage.patch for stage in recipe.stages)))
    packed = replace(recipe, data=tuple(map(str, sorted(stores.glob("*")))), exclude=())
    for wanted, chosen in zip(packed.sets, training_sets(packed), strict=True):
        for item in range(0 if wanted.generated else len(chosen)):
            try:
                chosen.sample(item, np.random.default_rng(0), largest)
            except RecipeError as error:
                raise InputError(
                    f"{chosen.task} x{chosen.ratio}, image {item + 1}: {error}; or pack "
                    f"a larger --{chosen.task}-share"
                ) from error


def _pack_weights(source: str | None, folder: Path) -> None:
    load_weights(source).save(folder, dtype=torch.bfloat16)


def _pack_state(run: Path, folder: Path, room: int) -> None:
    """Write the newest checkpoint of a run in the best form there is room for."""
    latest = latest_checkpoint(run / CHECKPOINTS)
    if latest is None:
        raise InputError(f"{run}: holds no checkpoint to go on with")
    tensors, state = load_checkpoint(latest)
    form, small = reduced(tensors, room)
    _save(folder, small, state)
    print(f"{run}, {latest.name}: {form.name}")


def _recipe_there(home: Recipe, folder: Path, place: Path) -> Recipe:
    """Lay the data out, and return the recipe as it is followed there."""
    stores = []
    for path in sorted((folder / DATA).glob(f"*{SUFFIX}")):
        with tarfile.open(path) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(place, filter="data")
            else:  # Python before 3.11.4 (Debian 12); the archive is what pack wrote
                archive.extractall(place)
        stores.append(str(place / path.name.removesuffix(SUFFIX)))
    weights = home.initial_weights
    if weights not in EMBEDDED:  # a run that goes on starts from its state
        weights = str(folder / WEIGHTS) if (folder / WEIGHTS).is_dir() else None
    return replace(home, data=tuple(stores), exclude=(), initial_weights=weights, validate_every=0)


def _bring_back(run: Path, out: Path, home: Recipe, most: float) -> str:
    """Write the newest checkpoint, small, and the log, and check that they can come back."""
    latest = latest_checkpoint(run / CHECKPOINTS)
    if latest is None:
        return "no checkpoint to bring back"
    tensors, state = load_checkpoint(latest)
    log = run / LOG_FILE
    form, small = reduced(tensors, int(most * MIB) - log.stat().st_size)
    for old in out.glob("step-*"):
        shutil.rmtree(old)
    _save(out, small, _placed(state, home))
    shutil.copy(log, out / LOG_FILE)
    sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    if len(sizes) > MOST_FILES or max(sizes) > MOST_FILE:
        raise InputError(
            f"{out}: {len(sizes)} files of up to {max(sizes) / MIB:.1f} MiB, where {MOST_FILES} of "
            f"{MOST_FILE / MIB:g} come back: lower --most"
        )
    return f"{latest.name}: {tensor_bytes(small) / MIB:.1f} MiB, {form.name}"


def _placed(state: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Return the state of a run with a recipe's settings of the place."""
    record = recipe.record()
    return state | {"recipe": state["recipe"] | {name: record[name] for name in OF_THE_PLACE}}


def _save(folder: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    save_checkpoint(folder, int(state["step"]), tensors, state)


def _pace(run: Path) -> str:
    """Say how fast the last 50 steps were, and whether they waited for data."""
    curves = read_log(run).training
    if not curves:
        return "too few steps to tell the pace"
    took, waited = (curves[name].values[-1] for name in ("step_seconds", "waiting_seconds"))
    return f"{1 / took:.2f} steps/s, waiting for data {waited / took:.0%} of the time"


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of each archive of data, and of each other thing packed, largest first."""
    sizes: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file():
            parts = path.relative_to(folder).parts
            sizes["/".join(parts[:2]) if parts[0] == DATA else parts[0]] += path.stat().st_size
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _table(sizes: dict[str, int]) -> str:
    parts = ", ".join(f"{name} {size / MIB:.1f}" for name, size in sizes.items())
    return f"{sum(sizes.values()) / MIB:.1f} MiB ({parts})"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="What else is given changes the recipe: --batch 32 --steps 20000.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser(
        "pack", allow_abbrev=False, help="write what a run needs into a folder"
    )
    packing.add_argument("recipe", type=Path)
    packing.add_argument("folder", type=Path)
    for task in TASKS:
        packing.add_argument(f"--{task}-share", type=float, default=1.0, help="of its images")
    packing.add_argument("--most", type=float, default=38.0, help="MiB that it may have (38)")
    packing.add_argument("--run", type=Path, help="folder of a run to go on with")
    training = commands.add_parser(
        "train", allow_abbrev=False, help="train what was packed, until the time is up"
    )
    training.add_argument("folder", type=Path)
    training.add_argument("run", type=Path)
    training.add_argument("--out", type=Path, required=True, help="receives what comes back")
    training.add_argument("--device", default="cuda")
    training.add_argument("--seconds", type=float, help="until the last step")
    training.add_argument("--stop-at", type=int, help="step to stop after")
    training.add_argument("--most", type=float, default=58.0, help="MiB that may come back (58)")
    unpacking = commands.add_parser(
        "unpack", allow_abbrev=False, help="make what came back a run's folder"
    )
    unpacking.add_argument("files", type=Path)
    unpacking.add_argument("run", type=Path)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 0, or 2 for an error that a user can act on."""
    chosen, overrides = _parser().parse_known_args(argv)
    try:
        print(_follow(chosen, overrides))
    except GisrError as error:
        print(f"gpu_training: {error}", file=sys.stderr)
        return 2
    return 0


def _follow(chosen: argparse.Namespace, overrides: list[str]) -> str:
    """Run the chosen subcommand, and return what to print."""
    if chosen.command == "pack":
        shares = {task: getattr(chosen, f"{task}_share") for task in TASKS}
        recipe = read_recipe(chosen.recipe, overrides)
        sizes = pack(recipe, chosen.folder, shares=shares, most=chosen.most, run=chosen.run)
        return f"{chosen.folder}: {_table(sizes)}"
    if chosen.command == "train":
        return train_packed(
            chosen.folder,
            chosen.run,
            chosen.out,
            device=chosen.device,
            most=chosen.most,
            seconds=chosen.seconds,
            stop_at=chosen.stop_at,
            overrides=overrides,
        )
    if overrides:
        raise InputError(f"unpack changes no recipe: leave out {overrides[0]}")
    weights = unpack(chosen.files, chosen.run)
    return f"{weights}: ready; go on with gisr train {chosen.run / RECIPE} --folder {chosen.run}"


if __name__ == "__main__":
    sys.exit(main())
