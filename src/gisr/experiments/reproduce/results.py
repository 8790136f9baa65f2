"""From a request to its files: a table, or a figure with the data it shows."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gisr.datasets.entry import Entry
from gisr.errors import FileFormatError, InputError
from gisr.experiments.reproduce.columns import (
    Amount,
    ResultColumn,
    column_pairs,
    find_columns,
    score,
)
from gisr.experiments.reproduce.features import channel_norms, collect_prompts
from gisr.experiments.reproduce.figures import draw_curves, draw_norms, draw_prompts
from gisr.experiments.reproduce.plan import TITLES
from gisr.experiments.reproduce.request import ExperimentRequest, ReportProgress
from gisr.experiments.reproduce.variant_training import (
    describe_statement,
    make_schedule,
    statement,
    train_variant,
)
from gisr.experiments.system_variants import NETWORK_ALONE, SystemVariant
from gisr.inference.loading import load_model
from gisr.inference.system import PairSystem
from gisr.temporaries import written_whole
from gisr.training.log import read_log
from gisr.training.loop import Validate
from gisr.training.sets import recipe_entries

_VALIDATIONS = 20
"""Points of the curves of Fig. 11."""
_PART = 256
"""Side of the image parts that Fig. 2 measures, and Fig. 11 below the paper's budget."""


def reproduce_norms(request: ExperimentRequest, report: ReportProgress) -> list[Path]:
    """Train the backbone of Fig. 2 on each task alone and draw the norms of its features.

    Raises:
        RecipeError: The recipe lacks a task, or the folder holds another experiment.
        InputError: The data has no test pairs of a task.
    """
    columns = find_columns(recipe_entries(request.recipe), request.benchmarks)
    if missing := {v.name for v in request.variants} - {column.task for column in columns}:
        raise InputError(
            f"{', '.join(request.recipe.folders)}: no test pair of {', '.join(sorted(missing))}: "
            "name more folders or other benchmarks"
        )
    schedule = make_schedule(request, report)
    amount = Amount(request.amount.images, _PART)
    norms = {}
    for variant in request.variants:
        run = train_variant(request, variant, schedule, report)
        entries = recipe_entries(request.recipe)
        own = [column for column in columns if column.task == variant.name]
        pairs = [pair for column in own for pair in column_pairs(column, entries, amount)]
        upscaler = load_model(run.weights, request.device)
        norms[variant.name] = channel_norms(upscaler, pairs)
    picture = _path(request, ".png")
    draw_norms(picture, norms)
    record = {
        **statement(request, schedule),
        "columns": [column.key for column in columns],
        "norms": {name: values.round(5).tolist() for name, values in norms.items()},
    }
    return [picture, write_json(request, record), write_page(request, _shown(picture), record)]


def reproduce_prompts(
    request: ExperimentRequest, weights: str | None, report: ReportProgress
) -> list[Path]:
    """Draw the prompts that some weights give many pairs; nothing is trained.

    Raises:
        WeightsError: The weights cannot be loaded, or their network has no MPGM.
        InputError: The data has too few pairs.
    """
    upscaler = load_model(weights, request.device)
    report(f"prompts of {upscaler.name}")
    prompts = collect_prompts(upscaler, recipe_entries(request.recipe), request.images)
    picture = _path(request, ".png")
    points = draw_prompts(picture, prompts, request.recipe.seed)
    agreement = prompts.agreement()
    record = {
        **statement(request),
        "weights": upscaler.name if weights is None else weights,
        "nearest_of_same": agreement,
        "prompts": [
            {
                "pair": name,
                "task": task,
                "ratio": ratio,
                **{k: v[i] for k, v in points.items() if v[i]},
            }
            for i, (name, task, ratio) in enumerate(
                zip(prompts.names, prompts.tasks, prompts.ratios, strict=True)
            )
        ],
    }
    words = ", ".join(f"{kind} {share:.0%}" for kind, share in agreement.items())
    count, width = prompts.values.shape
    text = f"{count} prompts of {width} values. The nearest other prompt is of the same {words}."
    return [
        picture,
        write_json(request, record),
        write_page(request, f"{_shown(picture)}\n\n{text}", record),
    ]


def reproduce_curves(
    request: ExperimentRequest, run: str | None, report: ReportProgress
) -> list[Path]:
    """Draw validation and training curves of an all-in-one run: a new one, or a given folder.

    Raises:
        FileFormatError: The run's log has no curves.
        InputError: The data has no test pairs.
    """
    schedule, folder = None, None if run is None else Path(run)
    if folder is None:
        entries = recipe_entries(request.recipe)
        columns = find_columns(entries, request.benchmarks)  # before the speed is measured
        schedule = make_schedule(request, report)
        small = request.budget.unit != "paper"
        amount = Amount(request.images or 1, _PART) if small else request.amount
        validate = _validation(columns, entries, amount, request.device)
        trained = train_variant(
            request, request.variants[0], schedule, report, validate, _VALIDATIONS
        )
        folder = trained.folder
    log = read_log(folder)
    if not log.validation:
        raise FileFormatError(f"{folder}: its log has no validation: train with validate_every")
    picture = _path(request, ".png")
    draw_curves(picture, log)
    record = {
        **statement(request, schedule),
        "run": str(folder),
        "run_recipe": log.recipe,
        "validation": {name: asdict(curve) for name, curve in log.validation.items()},
        "training": {name: asdict(curve) for name, curve in log.training.items()},
    }
    return [picture, write_json(request, record), write_page(request, _shown(picture), record)]


def _validation(
    columns: Sequence[ResultColumn], entries: list[Entry], amount: Amount, device: str
) -> Validate:
    def validate(system: PairSystem) -> dict[str, float]:
        cells = score(SystemVariant(system, NETWORK_ALONE), columns, entries, amount)
        return {
            f"{column.metric}_{column.task}_{column.benchmark}_x{column.ratio}": cells[
                column.key
            ].value
            for column in columns
            if column.key in cells
        }

    return validate


def described_test(record: dict[str, Any]) -> str:
    """Return on what a table was measured, in words."""
    counts = [f"{key}: {len(names)}" for key, names in record["tested_on"].items()]
    side = record["test_part"]["side"]
    part = "" if side is None else f", of each the middle {side} pixels a side (MR slices whole)"
    return f"Images: {', '.join(counts)}{part}. Interpolation is bicubic, for MR zero-filling."


def _shown(picture: Path) -> str:
    return f"![{picture.stem}]({picture.name})"


def _path(request: ExperimentRequest, suffix: str) -> Path:
    request.out.mkdir(parents=True, exist_ok=True)
    return request.out / f"{request.experiment}{suffix}"


def write_text(request: ExperimentRequest, suffix: str, text: str) -> Path:
    """Write a file that is named after the experiment; return where."""
    path = _path(request, suffix)
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def write_json(request: ExperimentRequest, record: dict[str, Any]) -> Path:
    """Write what was measured and how; return where."""
    return write_text(request, ".json", json.dumps(record, indent=1) + "\n")


def write_page(request: ExperimentRequest, body: str, record: dict[str, Any]) -> Path:
    """Write a result as Markdown, with its statement; return where."""
    page = f"### {TITLES[request.experiment]}\n\n{body}\n\n{describe_statement(record)}"
    return write_text(request, ".md", page)
