"""Rows of a result as they come, and those still needed of the ones before."""

from collections.abc import Iterable

import numpy as np

from gisr.array_types import ImageArray
from gisr.inference.tiling import Rows


class RowFeed:
    """Rows of a result by number; those before the last requested ones are dropped."""

    def __init__(self, rows: Iterable[Rows], width: int, bands: int) -> None:
        """Begin with none of the rows, which have a width and a number of bands."""
        self._rows = iter(rows)
        self._current: Rows | None = None
        self._buffer: ImageArray = np.zeros((0, width, bands), np.float32)
        self._first = self._last = 0
        self._known = 0
        """Row after the last one that came with an image."""
        self._blank = False
        """Whether the buffer holds nothing but NaN."""

    def rows(self, first: int, last: int) -> ImageArray:
        """Return rows, NaN where nothing is known; they change with the next request."""
        kept, count = self._buffer[first - self._first : self._last - self._first], last - first
        if count > len(self._buffer):
            self._buffer = np.empty((count, *self._buffer.shape[1:]), np.float32)
            self._blank = False
        held, reached = self._buffer[:count], self._last
        if self._known > first:
            held[: len(kept)] = kept
            held[len(kept) :] = np.nan
        elif not self._blank:  # a sparse scene is blank most of the time
            self._buffer[:] = np.nan
            self._blank = True
        while reached < last:
            if self._current is None or self._current.stop <= reached:
                self._current = next(self._rows)
            part = self._current
            stop = min(last, part.stop)
            if part.image is not None:
                held[reached - first : stop - first] = part.image[
                    reached - part.start : stop - part.start
                ]
                self._known, self._blank = stop, False
            reached = stop
        self._first, self._last = first, last
        return held
