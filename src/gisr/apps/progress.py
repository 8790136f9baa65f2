"""A progress bar on stderr, where that is a terminal."""

import sys
from types import TracebackType
from typing import NoReturn

from tqdm import tqdm


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

    def __call__(self, done: int, total: int) -> None:
        """Report progress; counting from the start again begins a new bar."""
        if self._hidden:
            return
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
        if self._bar is not None:
            self._bar.close()
            self._bar = None
