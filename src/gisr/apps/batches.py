"""Many pairs from the command line: one after the other, or over the processes of a cluster."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from gisr.apps.progress import ProgressBar

if TYPE_CHECKING:
    from gisr.pipelines.batch import Batch, BatchItem, Outcome
    from gisr.pipelines.dask_cluster import WorkerSettings
    from gisr.pipelines.request import FileResult


def upscale_batch(
    batch: "Batch",
    settings: "WorkerSettings",
    workers: int | None,
    scheduler: str | None,
    say: Callable[["FileResult"], None],
    quiet: bool,
) -> int:
    """Sharpen all pairs of a batch, say what became of each, and sum up.

    Args:
        batch: What there is to do.
        settings: Weights, device and threads.
        workers: Processes to start; none beside this one when None.
        scheduler: Address of a running Dask scheduler in place of them.
        say: Called with every result.
        quiet: Print nothing but failures.

    Returns:
        The exit code: 0 all done, 1 some failed.
    """
    from gisr.pipelines.batch import run_batch
    from gisr.pipelines.dask_cluster import run_on_cluster

    def report(outcome: "Outcome") -> None:
        if outcome.result is None:
            print(f"gisr: {outcome.failure_line}", file=sys.stderr)
        else:
            say(outcome.result)

    for note in batch.notes:
        print(f"gisr: note: {note}", file=sys.stderr)
    if workers is not None or scheduler is not None:
        summary = run_on_cluster(
            batch, settings, workers=workers, scheduler=scheduler, report=report
        )
    else:
        summary = run_batch(batch, _here(settings, quiet), report)
    if not quiet:
        print(summary)
    return summary.exit_code


def _here(settings: "WorkerSettings", quiet: bool) -> Callable[["BatchItem"], "FileResult"]:
    """Return what sharpens a pair in this process."""
    from gisr.pipelines.dask_cluster import load_once
    from gisr.pipelines.run import upscale_files

    upscaler = load_once(settings)

    def upscale(item: "BatchItem") -> "FileResult":
        with ProgressBar("px", quiet) as bar:
            return upscale_files(
                upscaler, item.target, item.guide, item.output, item.options, progress=bar
            )

    return upscale
