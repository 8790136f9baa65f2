"""An upscaler as a system of its own that corrects its results at other times than by default."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.inference.call import PairSystem
from gisr.inference.upscaler import Upscaler

Corrected = Literal["always", "kspace", "never"]
"""When results are made consistent: ``kspace`` on k-space grids only."""


class ConsistentUpscaler(PairSystem):
    """An upscaler whose results are made consistent with their target at certain times."""

    def __init__(self, upscaler: Upscaler, corrected: Corrected) -> None:
        """Wrap an upscaler."""
        self.upscaler, self.corrected = upscaler, corrected

    def upscale(
        self, pair: Pair, *, description: str | None = None
    ) -> Float[np.ndarray, "H W bands"]:
        """Sharpen a pair."""
        wanted = self.corrected == "always" or (
            self.corrected == "kspace" and pair.grid == "kspace"
        )
        return self.upscaler.answer(pair, description=description, consistent=wanted).image
