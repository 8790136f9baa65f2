"""Progress on stderr: a bar where that is a terminal, or lines for other programs."""

import sys
import time
from json import dumps
from types import TracebackType
from typing import NoReturn

from tqdm import tqdm

from gisr.pipelines.execution import Execution

_BETWEEN = 0.2
"""Seconds from one line to the next."""


class ProgressBar:
    """Callable with (done, in all), as the upscaler reports; hidden where stderr is no terminal."""

    def __init__(self, unit: str, quiet: bool = False) -> None:
        """Create a bar that appears with the first report.

        Args:
            unit: What is counted; ``px`` in thousands and millions.
            quiet: Show nothing.
        """
        self._unit = unit
        self._hidden = quiet or not sys.stderr.isatty()
        self._bar: tqdm[NoReturn] | None = None
        self._other: ProgressBar | None = None

    def counting(self, unit: str) -> "ProgressBar":
        """Return a bar in another unit, which stands in place of this one until this one counts."""
        self._close()
        self._other = ProgressBar(unit, quiet=self._hidden)
        return self._other

    def __call__(self, done: int, total: int) -> None:
        """Report progress; counting from the start again begins a new bar."""
        if self._hidden:
            return
        if self._other is not None:
            self._close()
        bar = self._bar
        if bar is None or bar.total != total or done < bar.n:
            self._close()
            bar = self._bar = tqdm(
                total=total,
                unit=self._unit if self._unit == "px" else f" {self._unit}",
                unit_scale=self._unit == "px",
                mininterval=0.5,
                leave=False,
                file=sys.stderr,
            )
        bar.update(done - bar.n)

    def __enter__(self) -> "ProgressBar":
        """Return the bar."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Clear the bar from the screen."""
        self._close()

    def _close(self) -> None:
        if self._other is not None:
            self._other._close()
            self._other = None
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class ProgressLines:
    """Callable as :class:`ProgressBar`; a line of JSON for each report, but at most five a second.

    The first report and the last of a round are always there.
    """

    def __init__(self, unit: str) -> None:
        """Write nothing yet.

        Args:
            unit: What is counted; ``px`` or a word.
        """
        self._unit = unit
        self._done = self._total = -1
        self._next = 0.0

    def counting(self, unit: str) -> "ProgressLines":
        """Return what writes lines in another unit."""
        return ProgressLines(unit)

    def __call__(self, done: int, total: int) -> None:
        """Report progress; counting from the start again begins a new round."""
        now = time.monotonic()
        new = total != self._total or done < self._done
        self._done, self._total = done, total
        if new or done >= total or now >= self._next:
            self._next = now + _BETWEEN
            line = dumps({"done": done, "total": total, "unit": self._unit})
            print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> "ProgressLines":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave what was written."""


def shown_progress(unit: str, execution: Execution) -> ProgressBar | ProgressLines:
    """Return what shows progress as requested.

    Args:
        unit: What is counted.
        execution: Says whether as a bar or as lines; ``quiet`` hides both.
    """
    if execution.progress == "json" and not execution.quiet:
        return ProgressLines(unit)
    return ProgressBar(unit, execution.quiet)
