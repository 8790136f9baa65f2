"""Being ended by the system as by Ctrl-C: what is half done is removed on the way out."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let the signals that end a process raise SystemExit, with the exit code a shell expects."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    # One that is ignored stays so: nohup ignores SIGHUP.
    before = {each: signal.getsignal(each) for each in known}
    before = {each: found for each, found in before.items() if found is signal.SIG_DFL}
    for each in before:
        signal.signal(each, _end)
    try:
        yield
    finally:
        for each, found in before.items():
            signal.signal(each, found)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


__all__ = ["ended_in_order"]
