"""Many pairs from the command line: one after the other, or over processes."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gisr.apps.progress import shown_progress
from gisr.apps.reporting import report_result
from gisr.memory import keep_freed_memory
from gisr.notes import note_lines
from gisr.pipelines.execution import Execution
from gisr.pipelines.options import Options
from gisr.tasks import find_task

if TYPE_CHECKING:
    from gisr.pipelines.batch import Batch, BatchItem, PairOutcome
    from gisr.pipelines.request import FileResult


def upscale_batch(
    batch: "Batch",
    options: Options,
    execution: Execution,
    finish: Callable[["FileResult"], None] = lambda result: None,
) -> int:
    """Sharpen all pairs of a batch, and report the result of each and of all.

    Args:
        batch: The pairs.
        options: Those that are common to all pairs.
        execution: Weights, device, threads and processes.
        finish: Called with every result, in this process.

    Returns:
        The exit code: 0 all done, 1 some failed.
    """
    from gisr.pipelines.batch import run_batch
    from gisr.pipelines.dask_cluster import run_on_cluster
    from gisr.pipelines.processes import run_in_processes

    def report(outcome: "PairOutcome") -> None:
        if outcome.result is None:
            print(f"gisr: {outcome.failure_line}", file=sys.stderr)
        else:
            finish(outcome.result)
            report_result(outcome.result, options, quiet=execution.quiet, verbose=execution.verbose)

    for line in () if execution.quiet else note_lines(batch.notes, verbose=execution.verbose):
        print(f"gisr: {line}", file=sys.stderr)
    for failure in batch.failures:
        print(f"gisr: {failure}", file=sys.stderr)
    if execution.workers is not None:
        summary = run_in_processes(batch, execution, report=report)
    elif execution.scheduler is not None:
        summary = run_on_cluster(batch, execution, report=report)
    else:
        summary = run_batch(batch, sharpen_here(execution), report)
    summary = replace(summary, failures=batch.failures)
    if not execution.quiet:
        print(summary)
    return summary.exit_code


def sharpen_here(execution: Execution) -> Callable[["BatchItem"], "FileResult"]:
    """Return what sharpens a pair in this process; its progress is shown."""
    from gisr.pipelines.run import check_request, read_request, upscale_request
    from gisr.pipelines.worker import load_once

    keep_freed_memory()
    upscaler = load_once(execution)

    def upscale(item: "BatchItem") -> "FileResult":
        request = read_request(item.target, item.guide, item.output, item.options)
        check_request(request)
        with shown_progress(find_task(request.task).steps, execution) as bar:
            return upscale_request(upscaler, request, progress=bar)

    return upscale
