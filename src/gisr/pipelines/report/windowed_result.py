"""A pair and its result, read window by window."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gisr.array_types import ImageArray
from gisr.data.pair import Pair
from gisr.inference.windowed_pair import ArraySource, Cut, PairSource
from gisr.io.geotiff import GeoReader
from gisr.windows import Window

_LARGEST = 512
"""Side of an image in memory that may go through the network at once."""
_SAME_RATIO = 0.05


@dataclass(frozen=True, eq=False)
class ResultWindow:
    """One window of a pair and its result, all on the guide's grid."""

    window: Window
    pair: Pair
    """Target with a margin, and the guide of this window as the network saw it."""
    before: ImageArray
    """The target interpolated."""
    after: ImageArray
    """The result; 0 where it is unknown."""
    known: Bool[np.ndarray, "H W"]
    spread: ImageArray | None
    """Standard deviation over the eight symmetries, if it was requested; 0 where unknown."""


class WindowedResult(ABC):
    """A pair and its result, of which windows can be read."""

    def __init__(self, source: PairSource, name: str, largest: int) -> None:
        """Keep the pair.

        Args:
            source: The pair, aligned already.
            name: The part of the files that is reported, for example ``slice 78 of 155``; may be
                empty.
            largest: Side in guide pixels that may go through the network at once.
        """
        self.source, self.name, self.largest = source, name, largest
        self.sampled = True
        """Whether the source's target has its own samples, so that a residual is meaningful."""

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

    def read(self, window: Window) -> ResultWindow | None:
        """Return one window, None where no pixel of it is known."""
        cut = self.source.cut(window)
        if cut is None:
            return None
        after, known, spread = self._result(cut, window)
        if not known.any():
            return None
        return ResultWindow(
            window,
            cut.pair,
            cut.on_guide_grid(),
            _zero_filled(after, known),
            known,
            None if spread is None else _zero_filled(spread, known),
        )

    @abstractmethod
    def _result(
        self, cut: Cut, window: Window
    ) -> tuple[ImageArray, Bool[np.ndarray, "H W"], ImageArray | None]:
        """Return the result in a window, its known pixels and its spread."""


def _zero_filled(image: ImageArray, known: Bool[np.ndarray, "H W"]) -> ImageArray:
    return np.where(known[..., None], image, np.float32(0))


class ArrayResult(WindowedResult):
    """A pair in memory with its result: a depth map, a slice of a volume."""

    def __init__(
        self,
        pair: Pair,
        image: ImageArray,
        spread: ImageArray | None,
        name: str = "",
        *,
        ratio: float | None = None,
    ) -> None:
        """Keep the images.

        Args:
            pair: What the image was made from.
            image: The result, NaN where unknown.
            spread: Likewise, if it was requested.
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
    ) -> tuple[ImageArray, Bool[np.ndarray, "H W"], ImageArray | None]:
        image = self.image[window]
        spread = None if self._spread is None else self._spread[window]
        return image, cut.known & ~np.isnan(image[..., 0]), spread


class SceneResult(WindowedResult):
    """Files of any size, the result among them."""

    def __init__(
        self, source: PairSource, result: GeoReader, spread: GeoReader | None, largest: int
    ) -> None:
        """Keep open files; arguments as above."""
        super().__init__(source, "", largest)
        self._output, self._spread = result, spread

    def _result(
        self, cut: Cut, window: Window
    ) -> tuple[ImageArray, Bool[np.ndarray, "H W"], ImageArray | None]:
        image, known = self._output.read(*window)
        spread = None if self._spread is None else self._spread.read(*window)[0]
        return image.astype(np.float32), known & cut.known, spread
