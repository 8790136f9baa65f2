"""``gisr evaluate``: the tables of the benchmarks that a data set belongs to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.apps.machine import checked_device, set_threads
from gisr.tasks import find_task

if TYPE_CHECKING:
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
        out: File for the scores of every image (JSON); the tables go beside it (.md).
        device: cpu, cuda and so on.
        threads: CPU threads.
        quiet: Show no line for each score.
    """
    kinds: list[TaskName] | None = None if tasks is None else [find_task(t).name for t in tasks]
    from gisr.experiments import evaluation

    set_threads(threads)
    scores = evaluation.evaluate(
        evaluation.load_systems(systems or _SYSTEMS, checked_device(device)),
        data,
        layout=layout,
        tasks=kinds,
        benchmarks=benchmarks,
        progress=None if quiet else lambda line: print(line, file=sys.stderr, flush=True),
    )
    tables = evaluation.tables(scores)
    print(tables, end="")
    if out is not None:
        evaluation.save_scores(scores, out, command=f"gisr {' '.join(sys.argv[1:])}")
        Path(out).with_suffix(".md").write_text(tables, encoding="utf-8")
