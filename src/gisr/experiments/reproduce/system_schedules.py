"""How long each network of Tables I and II is trained.

By two rules: *equal samples*, where every network sees the same samples in the same order, each set
equally often, and *equal time*, where each is trained for as long as the middle one of its tasks
takes for those samples on this device. Where the recipe's runs go on
(:func:`gisr.experiments.reproduce.plan.goes_on`), the longer of a network's two runs begins with
the shorter one.
"""

from collections.abc import Mapping, Sequence
from statistics import median_low

from gisr.experiments.reproduce.plan import goes_on
from gisr.experiments.reproduce.request import (
    ExperimentRequest,
    ReportProgress,
    Rule,
    read_plan,
    write_plan,
)
from gisr.experiments.reproduce.system_rows import ComparedVariant
from gisr.experiments.reproduce.variant_training import Schedule, steps_per_second
from gisr.training.recipe import Recipe


def make_schedules(
    request: ExperimentRequest, variants: Sequence[ComparedVariant], report: ReportProgress
) -> dict[Rule, dict[str, Schedule]]:
    """Return the steps of every network by rule; speeds are measured once, then read again.

    Equal samples in a number of steps need no speed, and none is measured for them alone; those
    that a folder knows already are given.

    Raises:
        RecipeError: The folder holds another experiment.
        FileFormatError: The plan in it is damaged.
    """
    base = request.recipe
    rates = read_plan(request)
    if request.rules == ("samples",) and request.budget.unit != "minutes":
        steps = _steps(request, variants, {})
        write_plan(request, rates)
        keys = [variant.key(base) for variant in variants]
        return {
            "samples": {
                key: Schedule(steps, rates[key], key) if key in rates else Schedule(steps)
                for key in keys
            }
        }
    for variant in variants:
        key = variant.key(base)
        if key not in rates:
            report(f"measuring the speed of {key}")
            rates[key] = steps_per_second(variant, base, request.device)
            write_plan(request, rates)
    samples, middle = _steps(request, variants, rates), _middle(variants, rates, base)
    return {
        "samples": {key: Schedule(samples, rates[key], key) for key in middle},
        "time": {
            key: Schedule(max(1, round(samples * rates[key] / pace)), rates[key], key)
            for key, pace in middle.items()
        },
    }


def _steps(
    request: ExperimentRequest, variants: Sequence[ComparedVariant], rates: Mapping[str, float]
) -> int:
    """Return the steps of a network of all sets under equal samples."""
    base = request.recipe
    if request.budget.unit == "paper":
        return base.steps
    if request.budget.unit == "steps":
        return int(request.budget.amount)
    middle, seconds = _middle(variants, rates, base), 0.0
    for variant in variants:
        key = variant.key(base)
        # n samples take share * n / rate seconds, and equal time share * n / the middle rate.
        paces = {"samples": rates[key], "time": middle[key]}
        spent = [1 / paces[rule] for rule in request.rules]
        share = len(variant.recipe(base, 1).sets) / len(base.sets)
        seconds += share * (max(spent) if goes_on(base) else sum(spent))
    return max(1, int(request.budget.amount * 60 / seconds))


def _middle(
    variants: Sequence[ComparedVariant], rates: Mapping[str, float], base: Recipe
) -> dict[str, float]:
    """Return, by network, the middle speed of those for its tasks; of two, the slower."""
    together: dict[tuple[str, ...], list[float]] = {}
    for variant in variants:
        together.setdefault(variant.tasks, []).append(rates[variant.key(base)])
    return {variant.key(base): median_low(together[variant.tasks]) for variant in variants}
