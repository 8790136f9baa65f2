"""``gisr reproduce table1`` and ``table2``: MAG-Net beside every published system.

Networks are trained by the rules of :mod:`gisr.experiments.reproduce.system_schedules`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from gisr.experiments.reproduce.columns import ResultColumn
from gisr.experiments.reproduce.kept import read_kept, write_kept
from gisr.experiments.reproduce.request import ExperimentRequest, ReportProgress, Rule
from gisr.experiments.reproduce.results import described_test, write_json, write_page, write_text
from gisr.experiments.reproduce.scored_networks import (
    ScoredNetwork,
    table_columns,
    train_and_score,
)
from gisr.experiments.reproduce.shared_work import each_once, once
from gisr.experiments.reproduce.system_cost import Cost, measure_cost
from gisr.experiments.reproduce.system_rows import (
    ComparedVariant,
    SystemTable,
    table_variants,
)
from gisr.experiments.reproduce.system_schedules import make_schedules
from gisr.experiments.reproduce.tables import Facts, ResultRow, latex, markdown
from gisr.experiments.reproduce.variant_training import Schedule, statement
from gisr.training.recipe import Recipe
from gisr.training.trainee import first_trainee

_RULES: dict[Rule, str] = {
    "samples": "Equal samples: every network sees the same samples in the same order",
    "time": "Equal time: every network is trained for as long as the middle one of its tasks takes "
    "for those samples",
}
_COSTS = "system-costs.json"
_HEADS = ("samples", "minutes", "parameters (M)", "GMACs", "s / megapixel")


def reproduce_systems(
    request: ExperimentRequest, table: SystemTable, report: ReportProgress
) -> list[Path]:
    """Train and score the systems of a table, by both rules.

    Returns:
        The JSON, Markdown and LaTeX files.

    Raises:
        RecipeError: The recipe cannot be followed, or the folder holds another experiment.
        InputError: The data has no test pairs.
    """
    variants = table_variants(table, request.recipe)
    tested = table_columns(
        request, {task for variant in variants for task in variant.tasks}, every_metric=True
    )
    schedules = once(
        request.out, "speeds", lambda: make_schedules(request, variants, report), report
    )
    record: dict[str, Any] = {
        **statement(
            request,
            schedules["samples"][variants[-1].key(request.recipe)],
            len(request.rules) * len(variants),
        ),
        **tested.record(request),
    }
    found = _results(request, variants, schedules, tested.columns, report)
    costs = once(request.out, "costs", lambda: _costs(request, variants, report), report)
    body, tex = [], []
    for rule, results in found.items():
        title = _RULES[rule]
        record[rule] = [
            _record(result, costs[result.run.variant.key(request.recipe)]) for result in results
        ]
        body.append(f"#### {title}")
        tex.append(f"% {title}")
        for part, rows, facts in _parts(table, tested.columns, results, costs, request.recipe):
            reference = tested.interpolation(part)
            body.append(markdown(part, rows, reference, facts))
            tex.append(latex(part, rows, reference, facts))
    body.append(described_test(record))
    return [
        write_json(request, record),
        write_page(request, "\n\n".join(body), record),
        write_text(request, ".tex", "\n".join(tex)),
    ]


def _results(
    request: ExperimentRequest,
    variants: Sequence[ComparedVariant],
    schedules: Mapping[Rule, Mapping[str, Schedule]],
    columns: Sequence[ResultColumn],
    report: ReportProgress,
) -> dict[Rule, list[ScoredNetwork]]:
    """Return the results of every network by rule, those of other processes among them."""

    def steps(key: str) -> dict[Rule, Schedule]:
        return {rule: schedules[rule][key] for rule in request.rules}

    def both(variant: ComparedVariant) -> dict[Rule, ScoredNetwork]:
        own = steps(variant.key(request.recipe))
        # The shorter run first: the longer one goes on from it where it can.
        return {
            rule: train_and_score(request, variant, own[rule], columns, report)
            for rule in sorted(own, key=lambda rule: own[rule].steps)
        }

    def length(key: str) -> float:
        return max(each.steps / (each.steps_per_second or 1.0) for each in steps(key).values())

    jobs = {variant.key(request.recipe): partial(both, variant) for variant in variants}
    # The longest first, so that no process is left alone with it.
    longest = {key: jobs[key] for key in sorted(jobs, key=length, reverse=True)}
    results = each_once(request.out, longest, report)
    return {rule: [results[key][rule] for key in jobs] for rule in request.rules}


def _costs(
    request: ExperimentRequest, variants: Sequence[ComparedVariant], report: ReportProgress
) -> dict[str, Cost]:
    """Measure what each network costs on this machine's CPU, or read it; training changes nothing.

    They are measured last, one after the other, whatever device trained the networks.
    """
    path, base = request.out / _COSTS, request.recipe
    known = read_kept(path) if path.is_file() else {}
    for variant in variants:
        key = variant.key(base)
        if key not in known:
            report(f"{variant.name}: measuring its cost")
            trainee = first_trainee(variant.recipe(base, 1))
            system = trainee.system(trainee.network.eval(), variant.name)
            known[key] = asdict(measure_cost(system, variant.tasks[0], variant.ratio or 4))
            write_kept(path, known)
    return {variant.key(base): Cost(**known[variant.key(base)]) for variant in variants}


def _parts(
    table: SystemTable,
    columns: Sequence[ResultColumn],
    results: Sequence[ScoredNetwork],
    costs: Mapping[str, Cost],
    base: Recipe,
) -> list[tuple[list[ResultColumn], list[ResultRow], Facts]]:
    """Return the tables that are printed: one, or one a task; networks of one name are one row."""
    groups = [list(columns)]
    if table == "table2":
        tasks = dict.fromkeys(column.task for column in columns)
        groups = [[column for column in columns if column.task == task] for task in tasks]
    parts = []
    for group in groups:
        rows: dict[str, dict[str, float]] = {}
        spent: dict[str, tuple[int, float]] = {}
        sizes: dict[str, tuple[str, ...]] = {}
        for result in results:
            if not {column.task for column in group} & set(result.run.variant.tasks):
                continue
            name = result.run.variant.name
            values = {
                column.key: result.cells[column.key].value
                for column in group
                if column.key in result.cells
            }
            rows.setdefault(name, {}).update(values)
            samples, minutes = spent.get(name, (0, 0.0))
            recipe = result.run.recipe
            spent[name] = (samples + recipe.steps * recipe.batch, minutes + result.minutes)
            sizes.setdefault(name, costs[result.run.variant.key(base)].words)
        facts = {
            name: (str(samples), f"{minutes:.1f}", *sizes[name])
            for name, (samples, minutes) in spent.items()
        }
        parts.append((group, [ResultRow(*row) for row in rows.items()], Facts(_HEADS, facts)))
    return parts


def _record(result: ScoredNetwork, cost: Cost) -> dict[str, Any]:
    run = result.run
    return {
        "name": run.variant.name,
        "system": None if run.recipe.system is None else asdict(run.recipe.system),
        "sets": [str(chosen) for chosen in run.recipe.sets],
        "steps": run.recipe.steps,
        "training_seconds": round(run.seconds, 1),
        "minutes_by_speed": round(result.minutes, 2),
        "cost": asdict(cost),
        "values": {key: cell.value for key, cell in result.cells.items()},
        "images": {key: len(cell.images) for key, cell in result.cells.items()},
    }


__all__ = ["Rule", "reproduce_systems"]
