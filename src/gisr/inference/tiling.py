"""Tiles that cover an image, overlap, and blend without seams."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.choices import check_number
from gisr.errors import InputError
from gisr.windows import Window


@dataclass(frozen=True)
class TilePlan:
    """How an image is cut: tiles of one size where the image allows it, evenly spread.

    Raises:
        InputError: The overlap leaves a tile no pixel of its own, or one is no whole number.
    """

    height: int
    width: int
    tile: int
    """Side of the tiles in pixels; smaller along an axis that is shorter."""
    overlap: int
    """Pixels that neighbouring tiles share, at least."""
    align: int = 1
    """Tiles start at multiples of it: a network that works on blocks of pixels then sees the same
    blocks in a tile as in the whole image."""
    fitted: bool = False
    """Whether tiles are no larger than so many of them have to be: fewer pixels are computed twice.
    Else they are of the side given, and share more."""

    def __post_init__(self) -> None:
        """Refuse plans that cannot cover."""
        check_number("tile", self.tile, whole=True, needed=True)
        check_number("overlap", self.overlap, whole=True, needed=True)
        if self.tile < 1 or self.tile % self.align:
            raise InputError(f"tile {self.tile} must be a multiple of {self.align} pixels")
        if self.overlap < 0 or self._shared > self.tile // self.align // 2:
            raise InputError(
                f"overlap {self.overlap} must lie between 0 and half of the tile ({self.tile}), "
                f"both in whole multiples of {self.align} pixels"
            )

    def windows(self) -> Iterator[tuple[slice, slice]]:
        """Yield the tiles row by row."""
        for top, bottom in self.rows():
            for left, right in self.columns():
                yield slice(top, bottom), slice(left, right)

    def rows(self) -> list[tuple[int, int]]:
        """Return first row and row after the last of each row of tiles."""
        return self._spans(self.height)

    def columns(self) -> list[tuple[int, int]]:
        """Return first column and column after the last of each column of tiles."""
        return self._spans(self.width)

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self.rows()) * len(self.columns())

    @property
    def _shared(self) -> int:
        """Overlap in units of ``align``, rounded up."""
        return -(-self.overlap // self.align)

    def _spans(self, size: int) -> list[tuple[int, int]]:
        """Return where tiles start and end along an axis, all counted in units of ``align``."""
        if size <= self.tile:
            return [(0, size)]
        units, tile = -(-size // self.align), self.tile // self.align
        count = -(-(units - self._shared) // (tile - self._shared))
        if self.fitted:
            tile = -(-(units + (count - 1) * self._shared) // count)
        starts = np.linspace(0, units - tile, count).round().astype(int) * self.align
        return [(int(start), min(int(start) + tile * self.align, size)) for start in starts]


@dataclass(frozen=True, eq=False)
class Rows:
    """Finished rows of a blended image."""

    start: int
    """Number of the first."""
    stop: int
    """Number after the last."""
    image: Float[np.ndarray, "rows W bands"] | None
    """NaN where no tile gave a value; None where none gave any. It is overwritten by the next
    rows."""


Tile = Float[np.ndarray, "tile_h tile_w bands"]


def blended(plan: TilePlan, bands: int, compute: Callable[[Window], Tile | None]) -> Iterator[Rows]:
    """Compute an image tile by tile and yield its rows as soon as they are finished.

    Tiles are averaged with weights that fall towards their borders. Only as many rows as a tile has
    are held, so the memory does not depend on the height of the image.

    Args:
        plan: How the image is cut.
        bands: Bands of the tiles.
        compute: Gives one tile, or None where there is nothing to compute.
    """
    height = min(plan.tile, plan.height)
    canvas = np.zeros((height, plan.width, bands), dtype=np.float32)
    weights = np.zeros((height, plan.width, 1), dtype=np.float32)
    spans = plan.rows()
    used = False
    for index, (top, bottom) in enumerate(spans):
        down = ramp(top, bottom, plan.height, plan.overlap)
        for left, right in plan.columns():
            image = compute((slice(top, bottom), slice(left, right)))
            if image is None:
                continue
            weight = (down[:, None] * ramp(left, right, plan.width, plan.overlap))[..., None]
            canvas[: bottom - top, left:right] += weight * image
            weights[: bottom - top, left:right] += weight
            used = True
        stop = spans[index + 1][0] if index + 1 < len(spans) else plan.height
        if not used:  # the canvas is as empty as before
            yield Rows(top, stop, None)
            continue
        done = stop - top
        with np.errstate(invalid="ignore"):  # 0 / 0 where no tile is
            canvas[:done] /= weights[:done]
        yield Rows(top, stop, canvas[:done])
        used = bool(weights[done:].any())
        for buffer in (canvas, weights):
            buffer[: height - done] = buffer[done:].copy()
            buffer[height - done :] = 0


def gathered(
    rows: Iterable[Rows], shape: tuple[int, int], bands: int
) -> Float[np.ndarray, "H W bands"]:
    """Return all rows of an image, NaN where nothing was computed."""
    image = np.full((*shape, bands), np.nan, dtype=np.float32)
    for part in rows:
        if part.image is not None:
            image[part.start : part.stop] = part.image
    return image


def ramp(start: int, stop: int, size: int, overlap: int) -> NDArray[np.float32]:
    """Return weights along one axis: 1 inside, falling over the overlap on sides with a neighbour.

    They never reach zero, so that a pixel covered by one tile only keeps its value.
    """
    length = stop - start
    weights = np.ones(length, dtype=np.float32)
    reach = min(overlap, length)
    if reach:
        slope = ((np.arange(reach) + 0.5) / reach).astype(np.float32)
        if start > 0:
            weights[:reach] = np.minimum(weights[:reach], slope)
        if stop < size:
            weights[length - reach :] = np.minimum(weights[length - reach :], slope[::-1])
    return weights


def as_they_come(
    tiles: Iterator[Tile | None], plan: TilePlan, progress: Callable[[int, int], None] | None
) -> Callable[[Window], Tile | None]:
    """Return what gives :func:`blended` tiles that are computed elsewhere.

    Args:
        tiles: In the order of the plan.
        plan: How the image is cut.
        progress: Called with the pixels that are covered, and all, after every tile.
    """
    rows, columns = (_added(spans) for spans in (plan.rows(), plan.columns()))
    done, total = 0, plan.height * plan.width

    def compute(window: Window) -> Tile | None:
        nonlocal done
        tile = next(tiles)
        done += rows[window[0].start] * columns[window[1].start]
        if progress is not None:
            progress(done, total)
        return tile

    return compute


def _added(spans: list[tuple[int, int]]) -> dict[int, int]:
    """Return by start how much each span adds to those before it."""
    ends = [0, *(stop for _, stop in spans)]
    return {start: stop - before for (start, stop), before in zip(spans, ends, strict=False)}
