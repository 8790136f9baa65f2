"""The page's other image: what the same files give without a network."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from gisr.data.pair import Pair
from gisr.inference.tiling import Rows
from gisr.inference.upscaler import Answer, Upscaler
from gisr.inference.windowed_pair import PairSource

_ROWS = 256
"""Guide rows that are interpolated at a time."""


class Interpolation(Upscaler):
    """Stands in for an upscaler: targets are brought to the guide's grid, and that is all.

    Handed to :func:`gisr.pipelines.run.upscale_order`, it writes the file that the network's
    answer is compared with: same grid, type and unknown pixels. It remembers the pairs that went
    through, which are those the network sees.
    """

    def __init__(self) -> None:
        """Load nothing."""
        self.name = "interpolation"
        self.align = "off"
        self.pairs: list[Pair] = []
        """Pairs in memory: a depth map, or slices of a volume."""
        self.about: Pair | None = None
        """What is known of a scene that was read by windows; its images do not count."""

    def answer(self, pair: Pair, **_: Any) -> Answer:  # noqa: ANN401
        """Return the interpolated target."""
        self.pairs.append(pair)
        return Answer(pair.on_guide_grid(), None, None)

    def stream(self, source: PairSource, **_: Any) -> Iterator[Rows]:  # noqa: ANN401
        """Yield the interpolated target, unknown pixels NaN."""
        self.about = source.about
        height, width = source.shape
        for top in range(0, height, _ROWS):
            bottom = min(top + _ROWS, height)
            cut, image = source.cut((slice(top, bottom), slice(0, width))), None
            if cut is not None:
                image = np.where(cut.known[..., None], cut.on_guide_grid(), np.nan)
            yield Rows(top, bottom, image)
