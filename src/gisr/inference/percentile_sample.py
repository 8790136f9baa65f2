"""A regular sample of known pixels that does not depend on how an image is cut into windows."""

import numpy as np
from jaxtyping import Bool, Int, Shaped
from numpy.typing import NDArray

from gisr.windows import Window

_MOST_PIXELS = 2**20
"""Pixels in a sample. Percentiles of so many are right to 0.0001 of their rank."""

_MOST_CELLS = 2**21
"""Pixels of an image of the lattice, known or not."""

_FEWEST = 256
"""Pixels of a part of the image below which all of it is the better sample."""


class RegularSample:
    """Known pixels on a lattice: of every row and column, or every second, fourth and so on.

    The lattice is the finest that has no more than 2^20 known pixels, whatever the order and size
    of the windows: an image of up to 1024 x 1024 is taken whole.
    """

    def __init__(self, *, exact: bool = False) -> None:
        """Begin without pixels; ``exact`` keeps all."""
        self._step = 1
        self.exact = exact
        self._places: list[Int[np.ndarray, "pixels 2"]] = []
        self._values: list[Shaped[np.ndarray, "pixels bands"]] = []
        self._count = 0
        self.lowest = float("inf")
        """Smallest of all known values, sampled or not."""
        self.highest = float("-inf")
        """Largest of all known values."""

    def add(
        self,
        image: Shaped[np.ndarray, "h w bands"],
        known: Bool[np.ndarray, "h w"],
        corner: tuple[int, int],
    ) -> None:
        """Take what lies on the lattice from a window.

        Args:
            image: Values, in any type.
            known: Which of its pixels count.
            corner: Row and column of its first pixel in the whole image.
        """
        everything = bool(known.all())
        if not everything and not known.any():
            return
        inside = image.reshape(-1, image.shape[2]) if everything else image[known]
        self.lowest = min(self.lowest, float(inside.min()))
        self.highest = max(self.highest, float(inside.max()))
        if self.exact:
            self._values.append(inside)
            return
        first = [-start % self._step for start in corner]
        rows, columns = np.nonzero(known[first[0] :: self._step, first[1] :: self._step])
        places = np.stack([rows, columns], axis=1).astype(np.int32) * self._step + first
        self._values.append(image[places[:, 0], places[:, 1]])
        self._places.append((places + corner).astype(np.int32))
        self._count += len(places)
        while self._count > _MOST_PIXELS:
            self._thin()

    def values(self, area: Window | None = None) -> NDArray[np.float32]:
        """Return the sample, (pixels, bands), row by row for a window that is the whole image.

        Args:
            area: The part of the image that counts, unless that has few pixels or all are kept.
        """
        if not self._values:
            return np.empty((0, 1), dtype=np.float32)
        values = np.concatenate(self._values).astype(np.float32)
        if area is None or self.exact:
            return values
        rows, columns = np.concatenate(self._places).T
        inside = (rows >= area[0].start) & (rows < area[0].stop)
        inside &= (columns >= area[1].start) & (columns < area[1].stop)
        return values if inside.all() or inside.sum() < _FEWEST else values[inside]

    def lattice(
        self,
    ) -> tuple[Shaped[np.ndarray, "rows columns bands"], Bool[np.ndarray, "rows columns"]]:
        """Return the sample as an image of the lattice, and where it is known.

        Only of a sample that is not exact; a lattice coarser than its own where known pixels are
        so few that the image would be large.
        """
        if not self._values:
            return np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), bool)
        places, values = np.concatenate(self._places), np.concatenate(self._values)
        step = self._step
        while np.prod((places.max(axis=0) - places.min(axis=0)) // step + 1.0) > _MOST_CELLS:
            step *= 2
        kept = (places % step == 0).all(axis=1)
        places, values = places[kept] // step, values[kept]
        if not len(places):
            return np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), bool)
        places = places - places.min(axis=0)
        sides = places.max(axis=0) + 1
        image = np.zeros((*sides, values.shape[1]), values.dtype)
        known = np.zeros(tuple(sides), bool)
        image[places[:, 0], places[:, 1]] = values
        known[places[:, 0], places[:, 1]] = True
        return image, known

    def _thin(self) -> None:
        self._step *= 2
        kept = [(places % self._step == 0).all(axis=1) for places in self._places]
        self._values = [v[keep] for v, keep in zip(self._values, kept, strict=True)]
        self._places = [p[keep] for p, keep in zip(self._places, kept, strict=True)]
        self._count = sum(map(len, self._places))
