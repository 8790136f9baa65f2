"""The columns of the tables: benchmarks at a ratio, with the headline metric of their task.

That is the one metric of each task in the paper's ablations (Section IV-E); Tables I and II have a
column for every metric of a task. Columns are measured on few images or on all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from gisr.baselines.classical import load_baseline
from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, naming
from gisr.errors import InputError, listed
from gisr.experiments.benchmark import named_pairs
from gisr.experiments.benchmark_choice import chosen_benchmarks
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.experiments.evaluation import measure
from gisr.experiments.scorable import check_scorable, is_empty
from gisr.experiments.system_variants import SystemVariant
from gisr.metrics import MetricName
from gisr.placement import Placement
from gisr.tasks import TaskName, find_task

_Item = TypeVar("_Item")

_NBU = tuple(
    f"{kind}-{sensor}" for kind in ("nbu", "nbu-reduced") for sensor in ("wv4", "qb", "gf1")
)
DEFAULT_BENCHMARKS = (
    *("landsat7", "quickbird", *_NBU),
    *("mri-t1-t2", "brats"),
    *("middlebury2005", "nyu"),
)
"""The paper's data sets and their substitutes among the open pairs; those in the data are used."""


@dataclass(frozen=True)
class ResultColumn:
    """One column of a table."""

    benchmark: str
    task: TaskName
    ratio: int
    other_metric: MetricName | None = None
    """Where it is not the headline metric of the task."""

    @property
    def pairs_key(self) -> str:
        """Name of its pairs: ``landsat7 x4``."""
        return f"{self.benchmark} x{self.ratio}"

    @property
    def key(self) -> str:
        """Its name: that of its pairs, with the metric if it is not the headline metric."""
        return self.pairs_key + (f" {self.other_metric}" if self.other_metric else "")

    @property
    def metric(self) -> MetricName:
        """What it measures."""
        return self.other_metric or find_task(self.task).metric


@dataclass(frozen=True)
class Cell:
    """A system's result in a column."""

    value: float
    """Mean over images."""
    images: tuple[str, ...]
    """Names of the images."""


@dataclass(frozen=True)
class Amount:
    """How much of every column is measured."""

    images: int | None
    """Images of a column, spread evenly over its entries; all when None."""
    side: int | None
    """Only the middle of so many guide pixels a side of each image, MR slices whole; all when
    None."""


def find_columns(
    entries: Sequence[Entry],
    benchmarks: Sequence[str] | None = None,
    *,
    every_metric: bool = False,
) -> tuple[ResultColumn, ...]:
    """Return the columns that some data has entries for.

    Args:
        entries: Of all folders.
        benchmarks: By name; :data:`DEFAULT_BENCHMARKS` when None.
        every_metric: Give a column to every metric of a task, as Tables I and II do.

    Raises:
        InputError: There is none, or a requested benchmark has no entry.
    """
    names = DEFAULT_BENCHMARKS if benchmarks is None else tuple(benchmarks)
    fitting = [b for b in BENCHMARKS if any(map(b.contains, entries))]
    known = {b.name for b in chosen_benchmarks(None, names)}
    found = [benchmark for benchmark in fitting if benchmark.name in known]
    missing = known - {benchmark.name for benchmark in found}
    if not found or (benchmarks is not None and missing):
        own = listed([benchmark.name for benchmark in fitting], 5)
        remedy = f"--benchmarks takes {own} here" if own else "name other data"
        raise InputError(
            f"benchmarks: the data has no test entry of {listed(missing, 5)}: {remedy}"
        )
    return tuple(
        ResultColumn(b.name, b.task, ratio, None if metric == find_task(b.task).metric else metric)
        for b in found
        for ratio in b.ratios
        for metric in (find_task(b.task).metrics if every_metric else [find_task(b.task).metric])
    )


def column_pairs(column: ResultColumn, entries: Sequence[Entry], amount: Amount) -> Iterator[Pair]:
    """Yield the test pairs of a column, evenly spread over its entries.

    Parts of one value everywhere are left out where PSNR counts: every answer to them has an error
    of 0, and the mean would be infinite.
    """
    benchmark = next(b for b in BENCHMARKS if b.name == column.benchmark)
    members = [entry for entry in entries if benchmark.contains(entry)]
    chosen = spread(members, amount.images)
    for number, entry in enumerate(chosen):
        cut = (middle(pair, amount.side) for pair in named_pairs(benchmark, entry, column.ratio))
        parts: Iterator[Pair] = (
            part for part in cut if "psnr" not in benchmark.metrics or not is_empty(part)
        )
        if amount.images is not None:
            first, end = (amount.images * k // len(chosen) for k in (number, number + 1))
            parts = iter(spread(list(parts), end - first))
        for part in parts:
            with naming(entry):
                check_scorable(benchmark, part)
            yield part


def score(
    system: SystemVariant, columns: Sequence[ResultColumn], entries: Sequence[Entry], amount: Amount
) -> dict[str, Cell]:
    """Return the mean result of a system in each column that has pairs, by key."""
    cells = {}
    together: dict[str, list[ResultColumn]] = {}
    for column in columns:  # a pair is sharpened once for all its metrics
        together.setdefault(column.pairs_key, []).append(column)
    for same in together.values():
        border = next(b.border for b in BENCHMARKS if b.name == same[0].benchmark)
        metrics = [column.metric for column in same]
        values = {
            pair.name: measure(metrics, system.answer(pair).image, pair, border)
            for pair in column_pairs(same[0], entries, amount)
        }
        if values:  # some data sets have one ratio only
            for column in same:
                mean = float(np.mean([own[column.metric] for own in values.values()]))
                cells[column.key] = Cell(mean, tuple(values))
    return cells


def score_interpolation(
    columns: Sequence[ResultColumn], entries: Sequence[Entry], amount: Amount
) -> dict[str, Cell]:
    """Return the results of the interpolation of each task: zero-filling for MR, else bicubic."""
    cells: dict[str, Cell] = {}
    for task in dict.fromkeys(column.task for column in columns):
        own = [column for column in columns if column.task == task]
        system = SystemVariant(load_baseline(find_task(task).interpolation))
        cells |= score(system, own, entries, amount)
    return cells


def images_of(cells: Mapping[str, Cell]) -> dict[str, list[str]]:
    """Return the names of the images of each column."""
    return {key: list(cell.images) for key, cell in cells.items()}


def spread(items: Sequence[_Item], count: int | None) -> list[_Item]:
    """Return so many items, evenly spread; all when None or fewer."""
    if count is None or count >= len(items):
        return list(items)
    return [items[int((k + 0.5) * len(items) / count)] for k in range(count)]


def middle(pair: Pair, side: int | None) -> Pair:
    """Cut the middle of a pair whose pixel areas are aligned; a part of a k-space crop is none."""
    ratio = pair.guide.shape[0] // pair.target.shape[0]
    if side is None or pair.grid == "kspace" or max(pair.guide.shape[:2]) <= side:
        return pair
    coarse = tuple(_middle(size, max(1, side // ratio)) for size in pair.target.shape[:2])
    fine = tuple(slice(part.start * ratio, part.stop * ratio) for part in coarse)
    target, guide = pair.target[coarse], pair.guide[fine]
    return replace(
        pair,
        target=target,
        guide=guide,
        placement=Placement.from_grid("centre", target.shape[:2], guide.shape[:2]),
        valid=None if pair.valid is None else pair.valid[coarse],
        truth=None if pair.truth is None else pair.truth[fine],
        truth_valid=None if pair.truth_valid is None else pair.truth_valid[fine],
    )


def _middle(size: int, wanted: int) -> slice:
    start = max(0, (size - wanted) // 2)
    return slice(start, min(size, start + wanted))
