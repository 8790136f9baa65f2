"""Being ended by the system as by Ctrl-C: what is half done is removed on the way out."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gisr.temporaries import sweep_own

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)
_SECONDS = 5.0
"""After a signal, how long others do nothing: what is half done is being removed."""


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let the signals that end a process raise an exception, once.

    Ctrl-C raises KeyboardInterrupt, the others SystemExit with the exit code a shell expects. A
    second one, as of a user who presses Ctrl-C twice, does not disturb what the first began.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    last: float | None = None

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if last is not None and now - last < _SECONDS:
            return
        last = now
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    # One that is ignored stays so: nohup ignores SIGHUP.
    before = {each: signal.getsignal(each) for each in known}
    before = {each: found for each, found in before.items() if found in _UNTOUCHED}
    for each in before:
        signal.signal(each, end)
    try:
        yield
    finally:
        if last is not None:
            sweep_own()
        for each, found in before.items():
            signal.signal(each, found)


__all__ = ["ended_in_order"]
