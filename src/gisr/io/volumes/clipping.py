"""From float32 to the type of the target's file, and a count of what that type cannot hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gisr.io.quantise import quantise, value_range
from gisr.io.volumes.slope import Scaling
from gisr.notes import Note, warning

_MANY = 1e-3
"""Share of the voxels above which clipping them is a fault of the result."""


@dataclass
class Clipping:
    """Stores the volumes of one output, and counts the values that were clipped."""

    path: Path
    dtype: np.dtype
    clipped: int = 0
    """Voxels so far whose value the type could not hold, by more than rounding."""
    count: int = 0
    """Voxels so far."""
    extreme: float = 0.0
    """The clipped value that is furthest from 0."""

    def __call__(
        self, voxels: Float[np.ndarray, "X Y Z"], scale: Scaling, padding: float | None
    ) -> np.ndarray:
        """Return what is stored for a volume.

        Args:
            voxels: In the target's unit; NaN where unknown.
            scale: By which stored values become these.
            padding: What an integer file holds for NaN; None where it has no such value.

        Raises:
            InputError: NaN or infinite for an integer file without padding.
        """
        slope, intercept = scale
        raw = voxels if scale == (1.0, 0.0) else (voxels - np.float64(intercept)) / slope
        known, limits = np.isfinite(raw), value_range(self.dtype)
        if limits is not None:
            beyond = known & ((raw < limits[0] - 0.5) | (raw > limits[1] + 0.5))
            self.count += raw.size
            if beyond.any():
                self.clipped += int(beyond.sum())
                lost = voxels[beyond]
                self.extreme = max(self.extreme, float(lost.max()), float(lost.min()), key=abs)
        whole = limits is not None and padding is None
        return quantise(
            raw,
            self.dtype.newbyteorder("="),
            valid=np.ones(1, dtype=bool) if whole else known,
            marker=float("nan") if limits is None else padding or 0,
            reserved=limits is not None and not whole,
            path=self.path,
        )

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a user should know of them."""
        if not self.clipped:
            return ()
        share = self.clipped / self.count
        say = warning if share > _MANY else Note
        return (
            say(
                f"{self.path.name}: {share:.2g} of its voxels did not fit into the target's type "
                f"{self.dtype.name} and were clipped (they reach {self.extreme:.4g}): store the "
                "target as float32 to keep them"
            ),
        )
