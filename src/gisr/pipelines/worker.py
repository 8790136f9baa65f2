"""What a process that sharpens many pairs does: load the weights once, then a pair at a time."""

import os
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from gisr.pipelines.batch import BatchItem, PairOutcome, attempt
from gisr.pipelines.execution import Execution

if TYPE_CHECKING:
    from gisr.inference.upscaler import Upscaler

_ONE_AT_A_TIME = Lock()
"""Held by the pair that a process sharpens: a second would need the memory of a second."""


def for_workers(execution: Execution) -> Execution:
    """Return what holds in other processes: absolute paths, a share of the threads."""
    model, threads = execution.model, execution.threads
    if model is not None and Path(model).is_dir():
        model = str(Path(model).resolve())
    if threads is None and execution.workers is not None:
        threads = max(1, _cpu_count() // execution.workers)
    return Execution(model, execution.device, threads)


def sharpen_item(execution: Execution, item: BatchItem) -> PairOutcome:
    """Sharpen one pair in a process that sharpens many."""
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
    return Upscaler(load_weights(execution.model), execution.device)


def _cpu_count() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
