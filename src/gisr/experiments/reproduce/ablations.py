"""Tables III to VII, and that of balancing rules: networks trained, scored and averaged."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from gisr.experiments.reproduce.columns import ResultColumn
from gisr.experiments.reproduce.plan import Variant
from gisr.experiments.reproduce.request import (
    ExperimentRequest,
    ReportProgress,
    read_plan,
    write_plan,
)
from gisr.experiments.reproduce.results import described_test, write_json, write_page, write_text
from gisr.experiments.reproduce.scored_networks import (
    ScoredNetwork,
    table_columns,
    train_and_score,
)
from gisr.experiments.reproduce.shared_work import each_once, once
from gisr.experiments.reproduce.tables import ResultRow, latex, markdown
from gisr.experiments.reproduce.variant_training import Schedule, make_schedule, statement


def reproduce_table(request: ExperimentRequest, report: ReportProgress) -> list[Path]:
    """Train and score the rows of a table, each once a seed.

    Returns:
        The JSON, Markdown and LaTeX files.

    Raises:
        RecipeError: The recipe cannot be followed, or the folder holds another experiment.
        InputError: The data has no test pairs.
    """
    tested = table_columns(request)
    schedule = once(request.out, "speeds", lambda: make_schedule(request, report), report)
    found = _each_scored(request, schedule, tested.columns, report)
    rows = [_row(runs, tested.columns) for runs in found]
    record = {
        **statement(request, schedule),
        **tested.record(request),
        "rows": [_row_record(runs, row) for runs, row in zip(found, rows, strict=True)],
    }
    reference = tested.interpolation()
    table = markdown(tested.columns, rows, reference)
    return [
        write_json(request, record),
        write_page(request, f"{table}\n\n{described_test(record)}", record),
        write_text(request, ".tex", latex(tested.columns, rows, reference)),
    ]


def _each_scored(
    request: ExperimentRequest,
    schedule: Schedule,
    columns: Sequence[ResultColumn],
    report: ReportProgress,
) -> list[list[ScoredNetwork]]:
    """Return what the networks of each row reached, seed by seed."""

    def scored(own: ExperimentRequest, variant: Variant) -> ScoredNetwork:
        which = f"seed {own.recipe.seed}, " if request.further_seeds else ""

        def told(line: str) -> None:
            report(which + line)

        return train_and_score(own, variant, schedule, columns, told)

    by_seed = request.by_seed()
    for own in by_seed[1:]:
        write_plan(own, read_plan(own))  # a folder that holds another experiment is refused
    names = {
        (seed, variant.name): variant.key(request.recipe) + (f"-seed-{seed}" if number else "")
        for number, seed in enumerate(request.seeds)
        for variant in request.variants
    }
    jobs = {
        names[own.recipe.seed, variant.name]: partial(scored, own, variant)
        for own in by_seed
        for variant in own.variants
    }
    found = each_once(request.out, jobs, report)
    return [
        [found[names[seed, variant.name]] for seed in request.seeds] for variant in request.variants
    ]


def _row(runs: Sequence[ScoredNetwork], columns: Sequence[ResultColumn]) -> ResultRow:
    """Return the row of the networks that differ by their seeds alone."""
    first = runs[0]
    seen = {(chosen.task, chosen.ratio) for chosen in first.run.recipe.sets}
    unseen = {c.key for c in columns if c.key in first.cells and (c.task, c.ratio) not in seen}
    reached = {key: [each.cells[key].value for each in runs] for key in first.cells}
    spread = {key: stdev(values) for key, values in reached.items()} if len(runs) > 1 else {}
    values = {key: mean(values) for key, values in reached.items()}
    return ResultRow(first.run.variant.name, values, frozenset(unseen), spread)


def _row_record(runs: Sequence[ScoredNetwork], row: ResultRow) -> dict[str, Any]:
    first = runs[0]
    record = {
        "name": row.name,
        "steps": first.run.recipe.steps,
        "training_seconds": round(sum(each.run.seconds for each in runs), 1),
        "sets": [str(chosen) for chosen in first.run.recipe.sets],
        "network": asdict(first.run.recipe.network),
        "values": dict(row.values),
        "images": {key: len(cell.images) for key, cell in first.cells.items()},
    }
    if len(runs) == 1:
        return record
    of_seeds = {
        each.run.recipe.seed: {key: cell.value for key, cell in each.cells.items()} for each in runs
    }
    return {**record, "standard_deviation": dict(row.spread), "of_seeds": of_seeds}
