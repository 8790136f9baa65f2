"""Sharpening files as they arrive, until the user or the system ends it."""

import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from gisr.apps.reporting import report_result
from gisr.errors import InputError
from gisr.pipelines.execution import Execution
from gisr.pipelines.options import Options

_PAUSE = 0.5
"""Seconds between two looks at the folders."""


def upscale_arrivals(
    target: str, guide: str | None, output: str, options: Options, execution: Execution
) -> int:
    """Sharpen every pair of two folders when it is complete, and sum up when that is ended.

    Ctrl-C and SIGTERM end it: what is half done is removed.

    Args:
        target: Folder of the low-resolution images.
        guide: Folder of the others.
        output: Folder of the outputs.
        options: For all pairs.
        execution: Weights, device, threads.

    Returns:
        The exit code: 0 all done, 1 some failed, or waited for a guide when it was ended.

    Raises:
        InputError: A folder is missing.
        WeightsError: There are no such weights.
    """
    if guide is None:
        raise InputError(f"{target}: name the folder of the guides after it: watch needs two")
    if execution.skip_existing and options.overwrite:
        raise InputError("skip-existing and overwrite exclude each other: leave one out")
    from gisr.pipelines.batch import PairOutcome, Summary, attempt
    from gisr.pipelines.watch import Arrivals

    arrivals = Arrivals(
        Path(target),
        Path(guide),
        Path(output),
        options,
        skip_existing=execution.skip_existing,
        pause=partial(time.sleep, _PAUSE),
        tell=partial(_tell, quiet=execution.quiet),
    )
    from gisr.apps.batches import sharpen_here

    began, outcomes = time.perf_counter(), list[PairOutcome]()
    # The usual end, and so no error.
    with suppress(KeyboardInterrupt, SystemExit):
        sharpen = sharpen_here(execution)
        if not execution.quiet:
            print(f"gisr: watching {target} and {guide}: Ctrl-C ends", file=sys.stderr, flush=True)
        for item in arrivals:
            outcome = attempt(sharpen, item)
            outcomes = [each for each in outcomes if each.item.target != item.target]
            outcomes.append(outcome)
            if outcome.result is None:
                print(f"gisr: {outcome.failure_line}", file=sys.stderr, flush=True)
                continue
            arrivals.written.add(item.output)
            report_result(outcome.result, options, quiet=execution.quiet, verbose=execution.verbose)
            sys.stdout.flush()  # a pipe is read while it goes on
    failures = tuple(f"failed: {reason}" for reason in arrivals.waiting.values())
    seconds = time.perf_counter() - began
    summary = Summary(tuple(outcomes), arrivals.skipped, seconds, failures)
    if not execution.quiet:
        print(summary)
    return summary.exit_code


def _tell(text: str, *, quiet: bool) -> None:
    if not quiet:
        print(f"gisr: note: {text}", file=sys.stderr, flush=True)
