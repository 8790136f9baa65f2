"""The page's other image: what the same files give without a network."""

from collections.abc import Generator

import numpy as np

from gisr.data.pair import Pair
from gisr.inference.answers import Answer, Check, Progress, Settings, Shared, unchecked
from gisr.inference.system import PairSystem
from gisr.inference.tiling import Rows
from gisr.inference.windowed_pair import PairSource

_ROWS = 256
"""Guide rows that are interpolated at a time."""
_DEFAULT = Settings()


class Interpolation(PairSystem):
    """Brings targets to the guide's grid, and that is all.

    It keeps the pairs in memory that went through, which are those that the network sees: a depth
    map, or slices of a volume.
    """

    def __init__(self) -> None:
        """Begin without a pair."""
        self.pairs: list[Pair] = []

    @property
    def name(self) -> str:
        """Name in messages."""
        return "interpolation"

    def answer(
        self,
        pair: Pair,
        settings: Settings = _DEFAULT,
        *,
        shared: Shared | None = None,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Return the interpolated target."""
        check()
        self.pairs.append(pair)
        return Answer(pair.on_guide_grid())

    def stream(
        self,
        source: PairSource,
        settings: Settings = _DEFAULT,
        *,
        check: Check = unchecked,
        progress: Progress | None = None,
        tile: int | None = None,
    ) -> Generator[Rows, None, None]:
        """Yield the interpolated target, unknown pixels NaN."""
        height, width = source.shape
        for top in range(0, height, _ROWS):
            check()
            bottom = min(top + _ROWS, height)
            cut, image = source.cut((slice(top, bottom), slice(0, width))), None
            if cut is not None:
                image = np.where(cut.known[..., None], cut.on_guide_grid(), np.nan)
            yield Rows(top, bottom, image)
