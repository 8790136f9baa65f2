"""Work in several threads, and the threads of numpy: results depend on neither."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


class _OneBlasThread:
    """One thread from the first function that enters to the last that leaves, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._limits: threadpool_limits | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._within:
                self._limits = threadpool_limits(limits=1, user_api="blas")
            self._within += 1
        try:
            yield
        finally:
            with self._lock:
                self._within -= 1
                if not self._within and self._limits is not None:
                    self._limits.restore_original_limits()


_one_blas_thread = _OneBlasThread()


def with_one_blas_thread(
    function: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Have a function's products and fits by numpy computed by one thread, on any machine.

    Threads split sums, so that the last digits depend on how many there are, and integers of a
    result round the other way. What is computed so is small: more threads are no faster, and wait
    for cores that torch works on.
    """

    @wraps(function)
    def limited(*arguments: _Parameters.args, **keywords: _Parameters.kwargs) -> _Result:
        with _one_blas_thread():
            return function(*arguments, **keywords)

    return limited


def in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], at_once: int, ahead: int = 0
) -> Generator[_Result, None, None]:
    """Yield what work makes of items, in their order.

    Close the iterator where it is not followed to its end: no piece is at work after that.

    Args:
        work: Called in as many threads as there are pieces at once; in the caller's where that is
            none, or one with none ahead.
        items: Taken when they are needed.
        at_once: Pieces at work at the same time.
        ahead: Pieces that may be done before the first of them is asked for, beside those.

    Raises:
        Exception: What work raised for the first item that failed; later ones are given up.
    """
    if at_once < 1 or at_once + ahead < 2:
        yield from map(work, items)
        return
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="gisr") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > at_once + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
