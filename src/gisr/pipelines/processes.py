"""A batch over several processes of this machine.

They are joined to the one that started them by pipes, which no other process can open: nothing
listens, so that nobody else can join and have code run.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import NoReturn

from gisr.errors import GisrError, InputError
from gisr.memory import keep_freed_memory
from gisr.pipelines.batch import Batch, BatchItem, PairOutcome, Summary
from gisr.pipelines.execution import Execution
from gisr.pipelines.worker import for_workers, sharpen_item

_DIED = "its process died, most often for want of memory: use fewer workers"
_END_SECONDS = 10.0
"""How long a process may take to remove what is half done."""
_SPAWN = multiprocessing.get_context("spawn")  # a copy of a process with threads may hang

Sharpen = Callable[[Execution, BatchItem], PairOutcome]


class _Worker:
    """A process that sharpens one pair after the other, and this end of its pipe."""

    def __init__(self, execution: Execution, sharpen: Sharpen) -> None:
        self.pipe, other = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_work, args=(other, execution, sharpen), name="gisr worker", daemon=True
        )
        with _interrupts_held(), other:
            self._process.start()
        self.item: BatchItem | None = None

    def give(self, item: BatchItem) -> None:
        """Have a pair sharpened; a process that has died is found out when it is asked."""
        self.item = item
        with suppress(OSError):
            self.pipe.send(item)

    def answer(self) -> PairOutcome | None:
        """Return what became of its pair, None when the process has died.

        Raises:
            GisrError: The weights or the device cannot be used.
        """
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            return None
        if isinstance(answer, PairOutcome):
            return answer
        raise answer

    def end(self) -> None:
        """End the process; what is half done is removed."""
        self._process.terminate()
        self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()
        self.pipe.close()


def run_in_processes(
    batch: Batch,
    execution: Execution,
    *,
    report: Callable[[PairOutcome], None] = lambda outcome: None,
    sharpen: Sharpen = sharpen_item,
) -> Summary:
    """Do what was planned in several processes; an error of one pair does not stop the others.

    Every process loads the weights once and sharpens one pair after the other. One that dies is
    the failure of its pair, and another takes its place. A script that calls this has to guard its
    code with ``if __name__ == "__main__"``: the processes import it.

    Args:
        batch: From :func:`gisr.pipelines.batch.plan_batch`.
        execution: Weights, device and threads of every process; ``workers``, how many there are.
        report: Called after every pair, in the order in which they are done.
        sharpen: What a process does with a pair; a function of a module.

    Returns:
        The outcomes in the order of the batch.

    Raises:
        InputError: No number of ``workers``, or the device cannot be used.
        WeightsError: There are no such weights.
    """
    from gisr.weights.folder import find_weights

    if execution.workers is None:
        raise InputError("workers is missing: say how many processes to start")
    find_weights(execution.model)  # a mistake is told at once; what the hub has is fetched once
    began = time.perf_counter()
    outcomes: dict[Path, PairOutcome] = {}
    for outcome in _outcomes(batch, for_workers(execution), execution.workers, sharpen):
        outcomes[outcome.item.output] = outcome
        report(outcome)
    done = tuple(outcomes[item.output] for item in batch.items)
    return Summary(done, len(batch.skipped), time.perf_counter() - began)


def _outcomes(
    batch: Batch, execution: Execution, count: int, sharpen: Sharpen
) -> Iterator[PairOutcome]:
    """Give out the pairs to processes; yield what became of each when it is done."""
    waiting = list(reversed(batch.items))
    workers: dict[object, _Worker] = {}
    try:
        while waiting or workers:
            while waiting and len(workers) < count:
                worker = _Worker(execution, sharpen)
                workers[worker.pipe] = worker
                worker.give(waiting.pop())
            for pipe in wait([worker.pipe for worker in workers.values()]):
                worker = workers[pipe]
                item, outcome = worker.item, worker.answer()
                assert item is not None  # each has one
                if outcome is not None and waiting:
                    worker.give(waiting.pop())
                else:
                    del workers[pipe]
                    worker.end()
                yield outcome or PairOutcome(item, None, _DIED)
    finally:
        for worker in workers.values():
            worker.end()


def _work(pipe: Connection, execution: Execution, sharpen: Sharpen) -> None:
    """Sharpen the pairs that arrive, until the process is ended or the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    signal.signal(signal.SIGTERM, _end)
    keep_freed_memory()
    with suppress(EOFError, BrokenPipeError):
        while True:
            item = pipe.recv()
            try:
                answer: object = sharpen(execution, item)
            except GisrError as error:
                answer = error
            except Exception as error:  # a defect: raised where it is seen
                answer = RuntimeError(f"{item.target}: {type(error).__name__}: {error}")
            pipe.send(answer)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Leave in order, so that what is half done is removed."""
    raise SystemExit(128 + number)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts; the process never gets it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
