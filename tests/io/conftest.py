"""What the tests of files share: a full disk, and a bound on time and memory."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@pytest.fixture
def largest_file() -> Callable[[int], AbstractContextManager[None]]:
    """Let no file grow beyond a number of bytes within a block: stands for a full disk."""
    resource = pytest.importorskip("resource", reason="needs a limit on file sizes")
    import signal

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)

    return limit


@pytest.fixture
def quick_and_small() -> Callable[[float], AbstractContextManager[None]]:
    """Assert that a block takes less than a second and less than some megabytes."""

    @contextmanager
    def bound(megabytes: float) -> Iterator[None]:
        tracemalloc.start()
        start = time.monotonic()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert time.monotonic() - start < 1
        assert peak < megabytes * 1e6

    return bound
