"""What each command does. Heavy packages are imported by the command that needs them."""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from gisr.apps.machine import checked_device, set_threads
from gisr.errors import InputError, RecipeError
from gisr.tasks.sensors import SENSORS
from gisr.tasks.task import DESCRIBED_RATIOS, TASKS, Contrast, find_task

if TYPE_CHECKING:
    from gisr.inference.files import FileResult


def upscale(
    target: str,
    guide: str,
    *,
    output: str,
    task: str | None = None,
    model: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    ratio: float | None = None,
    sensor: str | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    describe: str | None = None,
    grid: str | None = None,
    align: str = "auto",
    invalid: float = 0.0,
    nodata: float | None = None,
    band: list[str] | None = None,
    creation_option: list[str] | None = None,
    cog: bool = False,
    max_memory: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> None:
    """Sharpen a file with a file of another modality.

    The output lies on the guide's grid and keeps the target's type, units and metadata.

    Args:
        target: Low-resolution GeoTIFF, NIfTI volume, or depth map (PNG, TIFF, npy, npz, EXR, PFM).
        guide: High-resolution panchromatic GeoTIFF, NIfTI volume in another contrast, or picture.
        output: File to write; its name has to suit the task.
        task: pansharpening, mri or depth; guessed from the files when left out.
        model: Weights: a built-in name (see `gisr models`), a folder, or a Hugging Face hub id.
        device: cpu, cuda, cuda:1 and so on; CUDA where there is one, else the CPU, when left out.
        threads: CPU threads; as many as torch finds good when left out.
        ratio: How many times finer the guide is; from the files when left out.
        sensor: Satellite sensor, for example QuickBird (see `gisr tasks`).
        bits: Significant bits per sample of a satellite image, for example 11.
        contrast: MR contrast of the target; read from its file name when left out.
        guide_contrast: MR contrast of the guide; read from its file name when left out.
        describe: Free text in place of the built-in description.
        grid: centre (pixel areas aligned) or kspace (sample j at guide index j times ratio); what
            georeference or affine say, or the task's own, when left out.
        align: auto (the shift of a panchromatic guide is estimated, told and undone), report (the
            same, and printed as a line of JSON) or off.
        invalid: Value of unknown pixels in a depth map.
        nodata: Value of unknown pixels in satellite images, in place of what the files say.
        band: Number of a band of a satellite image to sharpen, from 1; once for each; all when left
            out.
        creation_option: NAME=VALUE, a creation option of GDAL for a GeoTIFF output; once for each.
        cog: Write a Cloud-optimized GeoTIFF with overviews.
        max_memory: Memory that a satellite scene of any size may take, weights and all: 2GB, 800MB.
        overwrite: Replace an existing output.
        quiet: Print nothing but errors.
    """
    name = None if task is None else find_task(task).name
    if grid not in (None, "centre", "kspace"):
        raise InputError(f"grid {grid!r} must be centre or kspace")
    if align not in ("auto", "off", "report"):
        raise InputError(f"align {align!r} must be auto, report or off")
    options, bands = _creation_options(creation_option or []), _band_numbers(band)
    _check_files(target, guide, output, overwrite)
    from gisr.apps.progress import ProgressBar
    from gisr.inference.files import upscale_files
    from gisr.inference.memory import parse_memory
    from gisr.inference.upscaler import Upscaler
    from gisr.inference.weights import load_weights
    from gisr.io.geotiff import Layout

    layout = Layout(options, cog) if options or cog else None
    budget = None if max_memory is None else parse_memory(max_memory)
    set_threads(threads)
    device = checked_device(device)
    upscaler = Upscaler(load_weights(model), device, align="off" if align == "off" else "auto")
    with ProgressBar("slices" if target.endswith((".nii", ".nii.gz")) else "px", quiet) as bar:
        result = upscale_files(
            upscaler,
            target,
            guide,
            output,
            task=name,
            ratio=ratio,
            sensor=sensor,
            bits=bits,
            contrast=contrast,
            guide_contrast=guide_contrast,
            description=describe,
            grid=grid,  # type: ignore[arg-type]
            invalid=invalid,
            bands=bands,
            nodata=nodata,
            layout=layout,
            max_memory=budget,
            overwrite=overwrite,
            progress=bar,
        )
    if align == "report":
        _report_alignment(result)
    if not quiet:
        _report(result)


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
        model: Weights: a built-in name, a folder, or a hub id.
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


def models() -> None:
    """List the weights inside the package."""
    from gisr.inference.weights import CARD_FILE, EMBEDDED, TENSORS_FILE, embedded_folder

    print(f"{'name':<12}{'parameters':>12}{'size':>10}  {'licence':<12}card")
    for name in EMBEDDED:
        folder = embedded_folder(name)
        tensors, card = folder / TENSORS_FILE, folder / CARD_FILE
        if not tensors.is_file():
            print(f"{name:<12}not in this installation: {folder} holds no {TENSORS_FILE}")
            continue
        size = f"{tensors.stat().st_size / 1e6:.1f} MB"
        count = f"{_parameter_count(tensors):,}"
        print(f"{name:<12}{count:>12}{size:>10}  {_card_licence(card):<12}{card}")


def tasks() -> None:
    """List the tasks with their ratios, sensors and contrasts."""
    ratios = ", ".join(map(str, DESCRIBED_RATIOS))
    print(f"Any ratio works; built-in descriptions exist for {ratios}.")
    for task in TASKS.values():
        paper = ", ".join(map(str, task.paper_ratios))
        print(f"\n{task.name}\n  ratios of the paper: {paper}\n  default grid: {task.grid}")
        if task.name == "pansharpening":
            print("  sensors: " + ", ".join(sensor.name for sensor in SENSORS.values()))
        if task.name == "mri":
            print("  contrasts: " + ", ".join(get_args(Contrast)))


def train(
    recipe: str,
    *,
    folder: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    only: list[str] | None = None,
    stop_at: int | None = None,
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
        quiet: Show no progress bar.
        overrides: Changes to the recipe, command-line style.
    """
    path = find_recipe(recipe)
    from gisr.experiments.validation import make_validation
    from gisr.training.distributed import leads, own_device
    from gisr.training.loop import train as run_training
    from gisr.training.recipe import one_by_one, read_recipe

    checked = checked_device(own_device(device)) or "cpu"
    set_threads(threads)
    chosen = read_recipe(path, overrides)
    if only:
        given = any(word.split("=")[0] == "--steps" for word in overrides or [])
        chosen = one_by_one(chosen, only, scale_steps=not given)
    suffix = "".join("-" + name.replace(":", "-x") for name in only or [])
    place = Path("runs") / (path.stem + suffix) if folder is None else Path(folder)
    validate = make_validation(chosen) if chosen.validate_every and leads() else None
    weights = run_training(
        chosen, place, device=checked, validate=validate, stop_at=stop_at, quiet=_silent(quiet)
    )
    if leads():
        print(f"{weights}: weights of {chosen.name}, ready for gisr upscale --model {weights}")


def _report(result: "FileResult") -> None:
    """Print one line on stdout, and on stderr what the user should know."""
    for note in result.notes:
        print(f"gisr: note: {note}", file=sys.stderr)
    size = " x ".join(map(str, result.shape))
    contrasts = (
        f", {result.contrast} guided by {result.guide_contrast}"
        if result.contrast and result.guide_contrast
        else ""
    )
    print(
        f"{result.path}: {result.task} x{result.ratio:.4g}{contrasts}, {size} {result.dtype}, "
        f"{result.seconds:.1f} s"
    )


def _report_alignment(result: "FileResult") -> None:
    """Print what was found about the guide's shift as one line of JSON."""
    found = result.alignment
    line: dict[str, object]
    if found is None:
        line = {"guide_offset_px": None, "note": f"guides of task {result.task} are not aligned"}
    else:
        line = {
            "guide_offset_px": list(found.offset),
            "corrected": found.applied,
            "correlation_before": round(found.before, 4),
            "correlation_after": round(found.after, 4),
            "note": found.note,
        }
    print(json.dumps(line))


def _creation_options(words: list[str]) -> dict[str, str]:
    """Return NAME=VALUE words as a mapping.

    Raises:
        InputError: One has no name or no value.
    """
    options = {}
    for word in words:
        name, _, value = word.partition("=")
        if not name or not value:
            raise InputError(f"creation option {word!r} must be NAME=VALUE, such as COMPRESS=ZSTD")
        options[name] = value
    return options


def _band_numbers(words: list[str] | None) -> list[int] | None:
    """Return numbers of bands.

    Raises:
        InputError: One is no whole number.
    """
    for word in words or []:
        if not word.isdecimal():
            raise InputError(f"band {word!r} must be a whole number, from 1")
    return None if words is None else list(map(int, words))


def _check_files(target: str, guide: str, output: str, overwrite: bool) -> None:
    """Refuse the commonest mistakes before the seconds that torch takes to load."""
    from gisr.io.files import check_not_input, check_readable, check_writable

    check_readable(target)
    check_readable(guide)
    check_not_input(output, target, guide)
    check_writable(output, overwrite)


def _silent(quiet: bool) -> bool:
    return quiet or not sys.stderr.isatty()


def _parameter_count(tensors: Path) -> int:
    """Count parameters from the header alone: a safetensors file says every shape at its start."""
    with tensors.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    total = 0
    for name, entry in header.items():
        if name != "__metadata__":
            size = 1
            for side in entry["shape"]:
                size *= int(side)
            total += size
    return total


def _card_licence(card: Path) -> str:
    """Return the licence in the header of a card, as the hub reads it."""
    lines = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("license:")]
    return found[0] if found else "not stated"


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
        raise RecipeError(
            f"no recipe {recipe!r}: name a YAML file, or one of {', '.join(built_in)}"
        )
    return built_in[recipe]
