"""Fig. 4 to 9: results and errors of every system on the same crops, with the networks of a table.

Fig. 4 to 6 show the systems of Table I, Fig. 7 to 9 those of Table II, one figure a task.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

from gisr.baselines.classical import load_baseline
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.experiments.demo_pictures import mean_error, worst_window
from gisr.experiments.evaluation import measure, shown
from gisr.experiments.reproduce.columns import Amount, column_pairs, find_columns
from gisr.experiments.reproduce.request import ExperimentRequest, ReportProgress, Rule
from gisr.experiments.reproduce.results import write_json, write_page
from gisr.experiments.reproduce.scored_networks import load_trained
from gisr.experiments.reproduce.system_rows import SystemTable, table_variants
from gisr.experiments.reproduce.system_schedules import make_schedules
from gisr.experiments.reproduce.variant_training import statement, train_variant
from gisr.experiments.system_variants import NETWORK_ALONE
from gisr.inference.windowed_pair import nearest_pixels
from gisr.metrics import METRICS
from gisr.rendering.colours import INK, PAPER, QUIET, Colours, cubehelix, letters
from gisr.rendering.stretch import Stretch, magnitude_colours, percentile_or_one
from gisr.tasks import TaskName, find_task
from gisr.training.sets import recipe_entries

SystemFigure = Literal["fig4", "fig5", "fig6", "fig7", "fig8", "fig9"]
_TASKS: tuple[TaskName, ...] = ("pansharpening", "mri", "depth")
"""Of Fig. 4, 5 and 6, and of Fig. 7, 8 and 9."""
_PANEL, _MARGIN, _CAPTION, _TITLE, _FOOT = 200, 10, 44, 40, 56
_CROP = 96
"""Side of the crops in guide pixels."""
_ROWS = 3
"""Crops of a figure: one from each of so many images."""
_STRETCH = (0.5, 99.5)
_FULL = 99.5
"""Percentile of the interpolation's error that is white in all error maps of a crop."""


@dataclass(frozen=True, eq=False)
class _Crop:
    """One crop with everything that is drawn of it."""

    name: str
    pictures: list[tuple[str, Colours, Colours | None]]
    """Caption, image and error map, in the order of the columns."""
    full: float
    """Error that is white."""


def figure_of(name: SystemFigure) -> tuple[SystemTable, TaskName]:
    """Return the table whose networks a figure shows, and its task."""
    number = int(name.removeprefix("fig")) - 4
    return ("table1" if number < len(_TASKS) else "table2"), _TASKS[number % len(_TASKS)]


def reproduce_comparison(
    request: ExperimentRequest, figure: SystemFigure, report: ReportProgress
) -> list[Path]:
    """Draw a figure with the networks that the table has trained, or trains now.

    Returns:
        The PNG, JSON and Markdown files.

    Raises:
        InputError: The data has no test pair of the task.
        RecipeError: The recipe cannot be followed, or the folder holds another experiment.
    """
    table, task = figure_of(figure)
    if task not in {chosen.task for chosen in request.recipe.sets}:
        raise InputError(
            f"{figure}: the recipe {request.recipe.name} has no set of {task}, which it shows: "
            "name one that has"
        )
    entries = recipe_entries(request.recipe)
    columns = [c for c in find_columns(entries, request.benchmarks) if c.task == task]
    if not columns:
        raise InputError(f"{figure}: the data has no test pair of {task}: name more folders")
    # Of both rules it shows the networks of equal samples; only minutes are shared out among both.
    rule: Rule = "samples" if "samples" in request.rules else "time"
    rules = request.rules if request.budget.unit == "minutes" else (rule,)
    of_table = replace(request, experiment=table, rules=rules)
    variants = table_variants(table, request.recipe)
    schedules = make_schedules(of_table, variants, report)[rule]
    ratio = 4 if any(c.ratio == 4 for c in columns) else columns[0].ratio
    own = [v for v in variants if task in v.tasks and v.ratio in (None, ratio)]
    systems = []
    for variant in own:
        run = train_variant(of_table, variant, schedules[variant.key(request.recipe)], report)
        systems.append((variant.name, load_trained(run, request.device)))
    pairs = _pairs(request, task, ratio)
    crops = [_crop(pair, systems) for pair in pairs]
    picture = request.out / f"{figure}.png"
    title = (
        f"{find_task(task).title} x{ratio}, {'all-in-one' if table == 'table1' else 'one-by-one'}"
    )
    _draw(picture, title, crops, find_task(task).unit)
    record: dict[str, Any] = {
        **statement(request, schedules[own[-1].key(request.recipe)], len(own)),
        "table": table,
        "rule": rule,
        "ratio": ratio,
        "systems": [name for name, _ in systems],
        "images": [crop.name for crop in crops],
    }
    text = (
        f"![{figure}]({picture.name})\n\nUpper: results; lower: absolute errors, white for the "
        "value at the right end of the scale and more, one scale for each crop."
    )
    return [picture, write_json(request, record), write_page(request, text, record)]


def _pairs(request: ExperimentRequest, task: TaskName, ratio: int) -> list[Pair]:
    """Return one pair of each benchmark of a task, three at most, or three of a single one."""
    entries = recipe_entries(request.recipe)
    columns = [
        column
        for column in find_columns(entries, request.benchmarks)
        if column.task == task and column.ratio == ratio
    ]
    each = -(-_ROWS // len(columns))
    amount = Amount(each, request.amount.side)
    return [pair for column in columns for pair in column_pairs(column, entries, amount)][:_ROWS]


def _crop(pair: Pair, systems: Sequence[tuple[str, Any]]) -> _Crop:
    """Sharpen a pair with every system, and cut where interpolation errs most."""
    assert pair.truth is not None  # test pairs have one
    task = find_task(pair.task)
    interpolated = load_baseline(task.interpolation).answer(pair).image
    worst = mean_error(interpolated, pair)
    window = worst_window(worst, _CROP)
    full = percentile_or_one(worst[window], _FULL)
    known = None if pair.truth_valid is None else pair.truth_valid[window]
    truth = pair.truth[window]
    stretch = Stretch.of_target(task.display, truth, _STRETCH, known, per_band=False)
    guide = Stretch.of_guide(pair.guide, _STRETCH).colours(pair.guide[window].astype(np.float64))
    coarse = nearest_pixels(pair.target, pair.truth.shape[:2], pair.placement)
    pictures: list[tuple[str, Colours, Colours | None]] = [
        ("guide", guide, None),
        ("target", stretch.colours(coarse[window]), None),
        ("truth", stretch.colours(truth, known), None),
    ]
    answers = [("interpolation", interpolated)]
    answers += [(name, system.answer(pair, NETWORK_ALONE).image) for name, system in systems]
    for name, image in answers:
        value = measure([task.metric], image, pair, task.border)[task.metric]
        caption = f"{name}\n{METRICS[task.metric].symbol} {shown(task.metric, value)}"
        error = magnitude_colours(mean_error(image, pair)[window], full, known)
        pictures.append((caption, stretch.colours(image[window]), error))
    return _Crop(pair.name, pictures, full)


def _draw(path: Path, title: str, crops: Sequence[_Crop], unit: str) -> None:
    """Paste the panels of all crops onto white paper."""
    block = 2 * _PANEL + _CAPTION + _MARGIN
    width = _MARGIN + max(len(crop.pictures) for crop in crops) * (_PANEL + _MARGIN)
    paper = Image.new("RGB", (width, _TITLE + len(crops) * (block + _FOOT)), PAPER)
    draw = ImageDraw.Draw(paper)
    draw.text((_MARGIN, 10), title, INK, letters(18))
    for row, crop in enumerate(crops):
        top = _TITLE + row * (block + _FOOT)
        for column, (caption, image, error) in enumerate(crop.pictures):
            left = _MARGIN + column * (_PANEL + _MARGIN)
            draw.multiline_text((left, top), caption, INK, letters(14), spacing=2)
            _paste(paper, image, (left, top + _CAPTION))
            if error is not None:
                _paste(paper, error, (left, top + _CAPTION + _PANEL + 4))
        _draw_scale(paper, crop, (_MARGIN, top + _CAPTION + _PANEL + 14), unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    paper.save(path)


def _draw_scale(paper: Image.Image, crop: _Crop, corner: tuple[int, int], unit: str) -> None:
    """Write the name of a crop and the scale of its errors into the gap under the guide."""
    draw, (left, top) = ImageDraw.Draw(paper), corner
    draw.text((left, top), crop.name, QUIET, letters(13))
    draw.text((left, top + 30), f"absolute error in {unit}", INK, letters(13))
    ramp = cubehelix(np.tile(np.linspace(0, 1, 2 * _PANEL), (14, 1)))
    paper.paste(Image.fromarray(ramp), (left, top + 50))
    draw.text((left, top + 68), "0", INK, letters(13))
    draw.text((left + 2 * _PANEL - 60, top + 68), f"{crop.full:.3g}", INK, letters(13))


def _paste(paper: Image.Image, colours: Colours, corner: tuple[int, int]) -> None:
    image = Image.fromarray(np.ascontiguousarray(colours))
    paper.paste(image.resize((_PANEL, _PANEL), Image.Resampling.NEAREST), corner)


__all__ = ["SystemFigure", "figure_of", "reproduce_comparison"]
