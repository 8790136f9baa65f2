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


def intersection(one: Window, other: Window) -> Window:
    """Return what two windows share."""
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return rows, columns


def meet(one: Window, other: Window) -> bool:
    """Return whether two windows share a pixel."""
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


def widened(window: Window, margins: tuple[int, int], shape: tuple[int, int]) -> Window:
    """Return a window with more rows and columns on every side, as far as the image has them."""
    rows, columns = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, margin, size in zip(window, margins, shape, strict=True)
    )
    return rows, columns
