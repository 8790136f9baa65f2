"""``gisr reproduce``: the paper's ablation tables and analysis figures."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from gisr.apps.commands import find_recipe
from gisr.apps.machine import checked_device, set_threads
from gisr.errors import InputError

if TYPE_CHECKING:
    from gisr.experiments.reproduce.plan import Budget
    from gisr.training.recipe import Recipe

_SMALL_RECIPE, _SYSTEMS_RECIPE, _PAPER_RECIPE = "laboratory", "systems", "magnet-paper"


def reproduce(
    what: str,
    *,
    data: list[str],
    out: str,
    budget: str | None = None,
    seed: list[int] | None = None,
    research: bool = False,
    recipe: str | None = None,
    benchmarks: list[str] | None = None,
    images: int | None = None,
    rules: list[Literal["samples", "time"]] | None = None,
    weights: str | None = None,
    run: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> None:
    """Reproduce a table or figure of the paper, on any data and at any budget.

    Tables: table1 (all tasks in one network, beside five others), table2 (each task alone, beside
    eighteen systems made for one), table3 (modules), table4 (tasks), table5 (number of sets),
    table6 (guiding modality), table7 (routing position). Figures: fig2 (feature norms), fig4 to
    fig9 (results and errors of the systems of table1 and table2), fig10 (t-SNE of the prompts),
    fig11 (training curves). balancing compares rules that balance the tasks. What was interrupted
    goes on where it stopped, and experiments in one folder share the networks they have in common.

    Args:
        what: table1 to table7, fig2, fig4 to fig11 or balancing.
        data: Folders to train and to test on: data sets or prepared stores.
        out: Folder for the JSON, the table or picture, and the networks.
        budget: Minutes of training on this machine for all networks together (60), steps for each
            of them (800steps), or paper for the full schedule. Measuring the speed and scoring come
            on top. fig10 and --run need none.
        seed: Of weights and samples, the same for every network; 0 when left out. Of several, for
            table3 to table7 and balancing, every network is trained from each, and the table has
            means and standard deviations.
        research: Train on pairs of the split research too; such weights are not to be given away.
        recipe: What every network is a change to, a YAML file or a built-in one; magnet-paper for
            the budget paper, systems for table1, table2 and their figures, and laboratory for
            others when left out.
        benchmarks: Columns of the table (see `gisr evaluate`); the paper's and those that stand for
            them among the open pairs when left out.
        images: Test images of each column, all for the budget paper and 4 for others when left out;
            entries of each task for fig10, 40 when left out.
        rules: How the networks of table1 and table2 are trained: on equal samples, for equal time,
            or by both, one after the other (both when left out). Their figures show the networks of
            equal samples, or those of equal time with "time" alone.
        weights: Weights whose prompts fig10 shows; the embedded default when left out.
        run: Folder of a run whose curves fig11 shows, in place of a new one.
        device: cpu, cuda and so on; cpu when left out.
        threads: CPU threads.
        quiet: Show no progress.
    """
    chosen = _budget(what, budget, weights, run)
    if images is not None and images < 1:
        raise InputError(f"images {images} must be at least 1")
    from gisr.datasets.sources import left_out, read_entries
    from gisr.experiments.reproduce import results as experiments
    from gisr.experiments.reproduce.ablations import reproduce_table
    from gisr.experiments.reproduce.plan import ABLATIONS, ExperimentName
    from gisr.experiments.reproduce.request import ExperimentRequest
    from gisr.experiments.reproduce.system_figures import SystemFigure, reproduce_comparison
    from gisr.experiments.reproduce.system_tables import reproduce_systems

    if Path(out).exists() and not Path(out).is_dir():
        raise InputError(f"--out {out}: is a file: name a folder for tables, pictures and networks")
    names = {name: name for name in get_args(ExperimentName)}
    if what not in names:
        raise InputError(f"cannot reproduce {what!r}: use one of {', '.join(names)}")
    checked = checked_device(device) or "cpu"
    set_threads(threads)
    own = _PAPER_RECIPE if chosen.unit == "paper" else _SMALL_RECIPE
    compares = what in ("table1", "table2") or what in get_args(SystemFigure)
    if rules is not None and not compares:
        raise InputError(
            f"--rules is for table1 and table2 and their figures: leave it out for {what}"
        )
    if compares and chosen.unit != "paper":
        own = _SYSTEMS_RECIPE
    seeds = tuple(dict.fromkeys(seed or [0]))
    if len(seeds) > 1 and what not in ABLATIONS:
        raise InputError(f"--seed {' '.join(map(str, seeds))}: {what} takes one")
    request = ExperimentRequest(
        experiment=names[what],
        recipe=_base(recipe or own, data, seeds[0], research),
        further_seeds=seeds[1:],
        out=Path(out),
        budget=chosen,
        images=images,
        benchmarks=None if benchmarks is None else tuple(benchmarks),
        rules=tuple(dict.fromkeys(rules or ("samples", "time"))),
        device=checked,
        command=shlex.join(["gisr", *sys.argv[1:]]),
    )

    def report(line: str) -> None:
        if not quiet:
            print(f"gisr: {line}", file=sys.stderr, flush=True)

    for folder in data:
        for line in left_out(folder, read_entries(folder)):
            report(f"note: {line}")
    figures = {name: name for name in get_args(SystemFigure)}
    if what == "table1":
        paths = reproduce_systems(request, "table1", report)
    elif what == "table2":
        paths = reproduce_systems(request, "table2", report)
    elif what in figures:
        paths = reproduce_comparison(request, figures[what], report)
    elif what == "fig10":
        paths = experiments.reproduce_prompts(request, weights, report)
    elif what == "fig11":
        paths = experiments.reproduce_curves(request, run, report)
    elif what == "fig2":
        paths = experiments.reproduce_norms(request, report)
    else:
        paths = reproduce_table(request, report)
    for path in paths:
        print(path)


def _budget(what: str, text: str | None, weights: str | None, run: str | None) -> "Budget":
    """Return the budget; refuse options of another experiment."""
    from gisr.experiments.reproduce.plan import Budget

    if weights is not None and what != "fig10":
        raise InputError(f"--weights is for fig10: {what} trains its networks")
    if run is not None and what != "fig11":
        raise InputError(f"--run is for fig11: {what} shows no curves")
    if what == "fig10" or run is not None:
        if text is not None:
            raise InputError(f"--budget {text}: nothing is trained, leave it out")
        return Budget("steps")
    return Budget.parse(text)


def _base(name: str, data: list[str], seed: int, research: bool) -> "Recipe":
    """Return the recipe that every network is a change to."""
    from gisr.training.recipe_file import read_recipe

    # Licences bind those who give weights away; these networks are experiments.
    return replace(
        read_recipe(find_recipe(name)),
        data=tuple(data),
        seed=seed,
        open_only=False,
        splits=("train", "research") if research else ("train",),
        exclude=(),
    )
