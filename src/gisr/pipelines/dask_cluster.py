"""A batch over the processes of a Dask cluster: one of this machine, or one that runs already.

Every process loads the weights once and sharpens one pair after the other. Files are read and
written where the processes run, so that all machines must see them under the same paths.
"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from gisr.errors import InputError
from gisr.io.optional_imports import load_extra
from gisr.pipelines.batch import Batch, BatchItem, PairOutcome, Summary, attempt
from gisr.pipelines.execution import Execution

if TYPE_CHECKING:
    from distributed import Client

    from gisr.inference.upscaler import Upscaler

_ONE_AT_A_TIME = Lock()
"""Held by the pair that a process sharpens: a second would need the memory of a second."""


def run_on_cluster(
    batch: Batch,
    execution: Execution,
    *,
    report: Callable[[PairOutcome], None] = lambda outcome: None,
) -> Summary:
    """Do what was planned on several processes; an error of one pair does not stop the others.

    Args:
        batch: From :func:`gisr.pipelines.batch.plan_batch`.
        execution: Weights, device and threads of every process; how many processes to start on
            this machine, or the address of a running scheduler, for example
            ``tcp://10.0.0.1:8786``. Connect to one that you trust: Dask runs the code it is sent.
        report: Called after every pair, in the order in which they are done.

    Returns:
        The outcomes in the order of the batch.

    Raises:
        InputError: Neither or both of ``workers`` and ``scheduler``, or nobody answers there.
        MissingExtraError: dask.distributed is not installed.
    """
    workers, scheduler = execution.workers, execution.scheduler
    if (workers is None) == (scheduler is None):
        raise InputError("workers and scheduler exclude each other: give one of them")
    load_extra("distributed", "scale")
    began = time.perf_counter()
    with _client(workers, scheduler) as client:
        outcomes = _gather(client, batch, _for_processes(execution), report)
    done = tuple(outcomes[item.output] for item in batch.items)
    return Summary(done, len(batch.skipped), time.perf_counter() - began)


def _client(workers: int | None, scheduler: str | None) -> "Client":
    """Return a client of a running scheduler, or of processes that end with it."""
    from distributed import Client

    if workers is not None:
        return Client(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
    try:
        return Client(scheduler)
    except (OSError, ValueError) as error:
        raise InputError(f"no scheduler answers at {scheduler}: {error}") from error


def _for_processes(execution: Execution) -> Execution:
    """Return what holds in other processes: absolute paths, a share of the threads."""
    model, threads = execution.model, execution.threads
    if model is not None and Path(model).is_dir():
        model = str(Path(model).resolve())
    if threads is None and execution.workers is not None:
        from dask.system import CPU_COUNT

        threads = max(1, CPU_COUNT // execution.workers)
    return Execution(model, execution.device, threads)


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


def sharpen_item(execution: Execution, item: BatchItem) -> PairOutcome:
    """Sharpen one pair in a process of a cluster."""
    from gisr.pipelines.run import upscale_files

    with _ONE_AT_A_TIME:
        upscaler = load_once(execution)  # its errors are not the pair's
        return attempt(
            lambda item: upscale_files(
                upscaler, item.target, item.guide, item.output, item.options
            ),
            item,
        )


@cache
def load_once(execution: Execution) -> "Upscaler":
    """Return the upscaler of this process.

    Raises:
        WeightsError: There are no such weights.
        InputError: The device cannot be used.
    """
    import torch

    from gisr.inference.upscaler import Upscaler
    from gisr.weights.store import load_weights

    if execution.threads is not None:
        torch.set_num_threads(execution.threads)
    weights = load_weights(execution.model)
    try:
        return Upscaler(weights, execution.device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"device {execution.device!r} cannot be used here: {reason}") from error
