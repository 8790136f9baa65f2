"""What a report looks at: a pair with its result, window by window."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.pair import Pair
from gisr.inference.windowed_pair import ArraySource, Cut, PairSource
from gisr.io.geotiff import GeoReader
from gisr.windows import Window

_LARGEST = 512
"""Side of an image in memory that may go through the network at once."""
_SAME_RATIO = 0.05

Image = Float[np.ndarray, "H W bands"]


@dataclass(frozen=True, eq=False)
class Look:
    """One window of a pair and its result, all on the guide's grid."""

    window: Window
    pair: Pair
    """Target with a margin, and the guide of this window as the network saw it."""
    before: Image
    """The target interpolated."""
    after: Image
    """The result; 0 where it is not known."""
    known: Bool[np.ndarray, "H W"]
    spread: Image | None
    """Standard deviation over the eight symmetries, where it was asked for; 0 where not known."""


class Subject(ABC):
    """A pair and its result that are looked at window by window."""

    def __init__(self, source: PairSource, name: str, largest: int) -> None:
        """Remember the pair.

        Args:
            source: The pair, aligned already.
            name: What is shown of the files, for example ``slice 78 of 155``; may be empty.
            largest: Side in guide pixels that may go through the network at once.
        """
        self.source, self.name, self.largest = source, name, largest
        self.sampled = True
        """Whether the source's target is as it was sampled, so that a residual says something."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.source.shape

    def routed(self, window: Window) -> Window:
        """Return the middle of a window, no larger than what may go through the network at once."""
        parts = []
        for part in window:
            side = min(part.stop - part.start, self.largest)
            first = part.start + (part.stop - part.start - side) // 2
            parts.append(slice(first, first + side))
        return parts[0], parts[1]

    def look(self, window: Window) -> Look | None:
        """Return one window, None where no pixel of it is known."""
        cut = self.source.cut(window)
        if cut is None:
            return None
        after, known, spread = self._result(cut, window)
        if not known.any():
            return None
        clear = [
            None if image is None else np.where(known[..., None], image, np.float32(0))
            for image in (after, spread)
        ]
        assert clear[0] is not None
        return Look(window, cut.pair, cut.on_guide_grid(), clear[0], known, clear[1])

    @abstractmethod
    def _result(
        self, cut: Cut, window: Window
    ) -> tuple[Image, Bool[np.ndarray, "H W"], Image | None]:
        """Return result, where it is known, and spread in a window."""


class ArraySubject(Subject):
    """A pair in memory with its result: a depth map, a slice of a volume."""

    def __init__(
        self,
        pair: Pair,
        image: Image,
        spread: Image | None,
        name: str = "",
        *,
        ratio: float | None = None,
    ) -> None:
        """Look at an image.

        Args:
            pair: What the image was made from.
            image: The result, NaN where it is not known.
            spread: Likewise, where it was asked for.
            name: As above.
            ratio: How many times finer the guide is, where the pair's target was brought to the
                guide's grid before.
        """
        super().__init__(ArraySource(pair), name, _LARGEST)
        self.sampled = ratio is None or abs(pair.ratio / ratio - 1) < _SAME_RATIO
        if ratio is not None:
            self.source.ratio = ratio
        self.pair, self.image, self._spread = pair, image, spread

    def _result(
        self, cut: Cut, window: Window
    ) -> tuple[Image, Bool[np.ndarray, "H W"], Image | None]:
        image = self.image[window]
        spread = None if self._spread is None else self._spread[window]
        return image, cut.known & ~np.isnan(image[..., 0]), spread


class SceneSubject(Subject):
    """Files of any size, the result among them."""

    def __init__(
        self, source: PairSource, result: GeoReader, spread: GeoReader | None, largest: int
    ) -> None:
        """Look at open files; arguments as above."""
        super().__init__(source, "", largest)
        self._output, self._spread = result, spread

    def _result(
        self, cut: Cut, window: Window
    ) -> tuple[Image, Bool[np.ndarray, "H W"], Image | None]:
        image, known = self._output.read(*window)
        spread = None if self._spread is None else self._spread.read(*window)[0]
        return image.astype(np.float32), known & cut.known, spread
