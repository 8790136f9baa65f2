"""An upscaler as a system of its own that does other than it does by default."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.inference.system import PairSystem
from gisr.inference.upscaler import Upscaler

Corrected = Literal["default", "always", "kspace", "never"]
"""When results are made consistent: ``kspace`` on k-space grids only."""


class AskedUpscaler(PairSystem):
    """An upscaler with other settings than its default ones."""

    def __init__(
        self, upscaler: Upscaler, corrected: Corrected = "default", *, ensemble: bool = False
    ) -> None:
        """Wrap an upscaler.

        Args:
            upscaler: What sharpens.
            corrected: When results are made consistent with their target.
            ensemble: Whether they are the mean of the answers to the image turned in all eight
                ways, as with ``--uncertainty``.
        """
        self.upscaler, self.corrected, self.ensemble = upscaler, corrected, ensemble

    def upscale(
        self, pair: Pair, *, description: str | None = None
    ) -> Float[np.ndarray, "H W bands"]:
        """Sharpen a pair."""
        wanted = {
            "default": None,
            "always": True,
            "kspace": pair.grid == "kspace",
            "never": False,
        }[self.corrected]
        return self.upscaler.answer(
            pair, description=description, spread=self.ensemble, consistent=wanted
        ).image
