"""What ends a run early: the limit of its time, or its user."""

import time
from collections.abc import Callable
from threading import Event

from gisr.errors import GisrError, LimitError


class StoppedError(GisrError):
    """The user of a run stopped it."""


class Watch:
    """A progress callback that ends the run it is given to.

    Runs report after every tile or slice, and call :meth:`check` before every answer of the
    network: nothing can interrupt one answer.
    """

    def __init__(
        self,
        seconds: float,
        stopped: Event,
        report: Callable[[int, int], None] | None = None,
    ) -> None:
        """Begin to measure the time.

        Args:
            seconds: Wall time that the run may take.
            stopped: Set to end the run.
            report: Called with (done, in all) while the run goes on.
        """
        self._seconds, self._stopped, self._report = seconds, stopped, report
        self._end = time.monotonic() + seconds

    def __call__(self, done: int, total: int) -> None:
        """Take a report of the run.

        Raises:
            GisrError: As :meth:`check`.
        """
        self.check()
        if self._report is not None:
            self._report(done, total)

    def check(self) -> None:
        """End the run if it has to end.

        Raises:
            StoppedError: It was stopped.
            LimitError: Time is up.
        """
        if self._stopped.is_set():
            raise StoppedError("stopped: nothing was kept")
        if time.monotonic() > self._end:
            raise LimitError(
                f"not ready after {self._seconds:g} seconds, the time a run may take here: give a "
                "smaller image, ask for less (uncertainty takes eight times as long), use "
                "`gisr upscale`, or start the page with a larger --max-seconds"
            )
