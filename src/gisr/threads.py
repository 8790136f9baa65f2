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


class FirstToLast:
    """A change to the whole process, from the first that enters to the last that leaves."""

    def __init__(self) -> None:
        """Begin with nobody within."""
        self._lock = threading.Lock()
        self._within = 0
        self._undo: Callable[[], None] = lambda: None

    @contextmanager
    def __call__(self, change: Callable[[], Callable[[], None]]) -> Iterator[None]:
        """Stay within, from any thread.

        Args:
            change: Makes the change if nobody is within, and returns what undoes it.
        """
        with self._lock:
            if not self._within:
                self._undo = change()
            self._within += 1
        try:
            yield
        finally:
            with self._lock:
                self._within -= 1
                if not self._within:
                    self._undo()


_blas = FirstToLast()


def _one_blas_thread() -> Callable[[], None]:
    undo: Callable[[], None] = threadpool_limits(limits=1, user_api="blas").restore_original_limits
    return undo


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Have numpy's products computed by one thread, those of threads that are begun within too.

    A limit that such a thread sets itself has no effect where torch is loaded.
    """
    with _blas(_one_blas_thread):
        yield


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
        with one_blas_thread():
            return function(*arguments, **keywords)

    return limited


def in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], at_once: int, ahead: int = 0
) -> Generator[_Result, None, None]:
    """Yield what work makes of items, in their order.

    Close the iterator where it is not followed to its end: no piece is at work after that. Until
    then numpy's products are computed by one thread, in threads of this as elsewhere.

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
    with one_blas_thread(), ThreadPoolExecutor(at_once, thread_name_prefix="gisr") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > at_once + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
