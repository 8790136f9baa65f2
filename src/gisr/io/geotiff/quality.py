"""Bands that say of every pixel what it shows: fill, cloud, shadow, snow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped


@dataclass(frozen=True)
class QualityMask:
    """A band on an image's grid, and which of its values make a pixel unknown."""

    path: Path
    bits: int = 0
    """Any of these bits makes it so (QA_PIXEL of Landsat)."""
    classes: tuple[int, ...] = ()
    """Or one of these values (scene classes of Sentinel-2)."""
    words: tuple[str, ...] = ()
    """What they stand for, for messages."""

    def covers(self, values: Shaped[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
        """Return which pixels are to be unknown, by the band's values there."""
        flagged: Bool[np.ndarray, "h w"] = np.isin(values, self.classes)
        if self.bits:
            flagged |= (values.astype(np.int64) & self.bits) != 0
        return flagged
