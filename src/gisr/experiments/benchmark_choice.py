"""Which benchmarks are scored, and which entries of the data belong to each."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from gisr.datasets.entry import Entry
from gisr.errors import InputError, counted, listed, meant
from gisr.experiments.benchmark import Benchmark
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.tasks import TaskName


def chosen_benchmarks(
    tasks: Sequence[TaskName] | None, benchmarks: Sequence[str] | None
) -> list[Benchmark]:
    """Return the benchmarks of some tasks, or of some names, or both; all when None.

    Raises:
        InputError: An unknown benchmark, or none is left.
    """
    known = [benchmark.name for benchmark in BENCHMARKS]
    for name in benchmarks or ():
        if name not in known:
            otherwise = "leave --benchmarks out to score all that the data belong to"
            raise InputError(f"unknown benchmark {name!r}: {meant(name, known, otherwise)}")
    chosen = [
        benchmark
        for benchmark in BENCHMARKS
        if (tasks is None or benchmark.task in tasks)
        and (benchmarks is None or benchmark.name in benchmarks)
    ]
    if not chosen:
        raise InputError(
            f"no benchmark of {listed(benchmarks or known)} belongs to tasks "
            f"{', '.join(tasks or ())}: leave one of the two out"
        )
    return chosen


def members_of(
    chosen: Sequence[Benchmark], entries: Sequence[Entry], data: str, *, every: bool
) -> dict[str, list[Entry]]:
    """Return the entries of each benchmark by its name.

    Args:
        chosen: The benchmarks.
        entries: Of the data.
        data: Folder of the data, for messages.
        every: Whether each benchmark must have an entry: the user named it.

    Raises:
        InputError: No entry belongs to any of them, or to one that must have some.
    """
    members = {b.name: [entry for entry in entries if b.contains(entry)] for b in chosen}
    if not any(members.values()):
        raise InputError(f"{data}: {_no_member(entries, members)}")
    if every and (empty := [name for name, own in members.items() if not own]):
        raise InputError(f"{data}: no entry belongs to {', '.join(empty)}: leave it out")
    return members


def not_scored(entries: Sequence[Entry], members: Iterable[Sequence[Entry]]) -> str:
    """Return a line on test entries that belong to no benchmark; nothing where all belong to one.

    Args:
        entries: Of the data.
        members: The entries of each benchmark.
    """
    scored = {entry for own in members for entry in own}
    tests = [entry for entry in entries if entry.split == "test"]
    alone = [entry.name for entry in tests if entry not in scored]
    if not alone:
        return ""
    return f"{counted(alone, len(tests))}: of no benchmark (without a truth, or of another sensor)"


def _no_member(entries: Sequence[Entry], names: Collection[str]) -> str:
    """Say why no entry belongs to some benchmarks."""
    splits = Counter(entry.split for entry in entries)
    if "test" not in splits:
        found = ", ".join(f"{count} of {split}" for split, count in splits.items())
        return (
            f"holds no pair of the split test, which benchmarks score ({found}): name other data, "
            "or put some pairs into that split"
        )
    datasets = ", ".join(sorted({entry.dataset for entry in entries}))
    tests = [entry for entry in entries if entry.split == "test"]
    truthless = [
        each for each in tests if each.ratios and not any(map(each.has_truth_at, each.ratios))
    ]
    if len(truthless) == len(tests):
        return (
            f"no pair of the split test has a truth to compare with ({len(tests)} of {datasets}): "
            "name it (of own pairs, the column truth of pairs.csv)"
        )
    return f"no entry of {datasets} belongs to {listed(names)}: name other data or benchmarks"
