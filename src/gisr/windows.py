"""Windows: rectangles of pixels, as slices of rows and columns."""

Window = tuple[slice, slice]
"""Rows and columns, both with a start and a stop."""


def within(outer: Window, inner: Window) -> Window:
    """Return a window counted from the first pixel of another."""
    rows, columns = (
        slice(part.start - whole.start, part.stop - whole.start)
        for whole, part in zip(outer, inner, strict=True)
    )
    return rows, columns
