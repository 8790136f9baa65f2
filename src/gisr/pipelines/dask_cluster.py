"""A batch over the processes of a Dask cluster that runs already.

Every process loads the weights once and sharpens one pair after the other. Files are read and
written where the processes run, so that all machines must see them under the same paths.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.errors import InputError
from gisr.optional_imports import load_extra
from gisr.pipelines.batch import Batch, PairOutcome, Summary
from gisr.pipelines.execution import Execution
from gisr.pipelines.worker import for_workers, sharpen_item

if TYPE_CHECKING:
    from distributed import Client


def run_on_cluster(
    batch: Batch,
    execution: Execution,
    *,
    report: Callable[[PairOutcome], None] = lambda outcome: None,
) -> Summary:
    """Do what was planned on a cluster; an error of one pair does not stop the others.

    Args:
        batch: From :func:`gisr.pipelines.batch.plan_batch`.
        execution: Weights, device and threads of every process; ``scheduler``, the address of a
            running scheduler, for example ``tcp://10.0.0.1:8786``. Connect to one that you trust:
            Dask runs the code it is sent, and both ways.
        report: Called after every pair, in the order in which they are done.

    Returns:
        The outcomes in the order of the batch.

    Raises:
        InputError: No ``scheduler``, or none answers there.
        MissingExtraError: dask.distributed is not installed.
    """
    if execution.scheduler is None:
        raise InputError("scheduler is missing: give the address of one that runs")
    load_extra("distributed", "scale")
    began = time.perf_counter()
    with _client(execution.scheduler) as client:
        outcomes = _gather(client, batch, for_workers(execution), report)
    done = tuple(outcomes[item.output] for item in batch.items)
    return Summary(done, len(batch.skipped), time.perf_counter() - began)


def _client(scheduler: str) -> "Client":
    from distributed import Client

    try:
        return Client(scheduler)
    except (OSError, ValueError) as error:
        raise InputError(f"no scheduler answers at {scheduler}: {error}") from error


def _gather(
    client: "Client",
    batch: Batch,
    execution: Execution,
    report: Callable[[PairOutcome], None],
) -> dict[Path, PairOutcome]:
    """Send out all pairs and return what became of each, by its output."""
    from distributed import KilledWorker, as_completed

    waiting = {
        client.submit(sharpen_item, execution, item, pure=False): item for item in batch.items
    }
    outcomes = {}
    for future in as_completed(waiting):
        item = waiting.pop(future)
        error = future.exception()
        if isinstance(error, KilledWorker):
            text = "its processes died, most often for want of memory: use fewer workers"
            outcome = PairOutcome(item, None, text)
        else:
            outcome = future.result()
        outcomes[item.output] = outcome
        report(outcome)
    return outcomes
