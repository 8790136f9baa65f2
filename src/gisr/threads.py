"""Threads of numpy's linear algebra, which results shall not depend on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


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
