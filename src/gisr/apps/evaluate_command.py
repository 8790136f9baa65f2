"""``gisr evaluate``: the tables of the benchmarks that a data set belongs to."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.apps.machine import checked_device, set_threads
from gisr.errors import InputError
from gisr.tasks import find_task
from gisr.temporaries import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gisr.experiments.evaluation import Score
    from gisr.tasks import TaskName

_SYSTEMS = (
    "bicubic",
    "zero-filled",
    "gsa",
    "gsa-aligned",
    "guided-filter",
    "hypersharpening",
    "magnet-s",
)


def evaluate(
    data: str,
    *,
    layout: str = "auto",
    systems: list[str] | None = None,
    tasks: list[str] | None = None,
    benchmarks: list[str] | None = None,
    ratios: list[int] | None = None,
    out: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> None:
    """Score systems on the benchmarks that a data set belongs to and print their tables.

    Args:
        data: A data set or a prepared store.
        layout: How the data set lies on disk (see `gisr data list`); recognised when left out.
        systems: Classical baselines by name, built-in weights, folders of weights, or hub ids
            (hf:owner/name); the baselines and the embedded default when left out. magnet-s is
            scored as `gisr upscale` works by default, magnet-s+plain as with --no-consistent (the
            network alone), magnet-s+consistent as with --consistent, magnet-s+ensemble as with
            --uncertainty (the mean of eight answers).
        tasks: Keep only these tasks.
        benchmarks: Keep only these benchmarks.
        ratios: Score at these ratios in place of the benchmarks' own: 3 5.
        out: File for the scores of every image (JSON); the tables go beside it (.md).
        device: cpu, cuda and so on.
        threads: CPU threads.
        quiet: Show no line for each score.
    """
    kinds: list[TaskName] | None = None if tasks is None else [find_task(t).name for t in tasks]
    if below := [ratio for ratio in ratios or () if ratio < 2]:
        raise InputError(f"--ratios {below[0]}: must be at least 2")
    scores_file = None if out is None else _writable(Path(out))
    from gisr.experiments import evaluation
    from gisr.experiments.named_systems import load_systems

    def say(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr, flush=True)

    set_threads(threads)
    scores = evaluation.evaluate(
        load_systems(systems or _SYSTEMS, checked_device(device)),
        data,
        layout=layout,
        tasks=kinds,
        benchmarks=benchmarks,
        ratios=None if ratios is None else sorted(set(ratios)),
        progress=say,
        notify=lambda line: say(f"gisr: note: {line}"),
    )
    for line in _without_rows(systems or (), scores):
        say(f"gisr: note: {line}{' at these ratios' if ratios else ''}")
    tables = evaluation.tables(scores)
    print(tables, end="")
    if scores_file is not None:
        evaluation.save_scores(scores, scores_file, command=shlex.join(["gisr", *sys.argv[1:]]))
        with written_whole(scores_file.with_suffix(".md")) as part:
            part.write_text(tables, encoding="utf-8")


def _without_rows(systems: "Sequence[str]", scores: "Sequence[Score]") -> "Iterator[str]":
    """Yield a line for each system that was named and stands not in every table."""
    tables = dict.fromkeys(score.benchmark for score in scores)
    for name in dict.fromkeys(systems):
        own = {score.benchmark for score in scores if score.system == name}
        if missing := [table for table in tables if table not in own]:
            yield f"{name} is not in the tables of {', '.join(missing)}: it is not made for them"


def _writable(out: Path) -> Path:
    """Refuse a file that cannot be written before minutes of scoring, not after them."""
    if out.suffix == ".md":
        raise InputError(
            f"--out {out}: is for the scores, the tables go to a .md beside: use .json"
        )
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder: name a file in it, as {out / 'scores.json'}")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}: make it first")
    return out
