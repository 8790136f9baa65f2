"""Bringing the values of any instrument to the network's range, and residuals back.

The network sees numbers of about 0 to 1 whatever the sensor, scanner or unit: each band of a
target is mapped by an affine function fixed by percentiles of the target itself, and so is the
guide, as one picture or band by band. Only the residual the network predicts is scaled back, so
nothing is lost to rounding.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from gisr.tasks import Task

_QUIET_BAND, _QUIETER = 0.02, 2.0
"""A band that varies less than this share of the liveliest is scaled as if it varied so much, but
at most so many times as much as it does. Noise in a dark band must not be blown up to the size of a
signal; bands in a unit of their own (reflectance beside kelvin) must not drown in a residual that
is scaled by another's."""
_DARK, _DEAD = 1.0, 0.5
"""Percentile, and the distance below it, in what lies above it, from which a value is a fault of
the image where ranges begin at the smallest value."""


@dataclass(frozen=True)
class Normalisation:
    """Affine maps of one pair."""

    target_offset: Float[np.ndarray, " bands"]
    target_scale: Float[np.ndarray, " bands"]
    """Zero for a constant target: then the network's residual is multiplied by zero."""
    guide_offset: Float[np.ndarray, " channels"]
    """One value for all channels, or one for each."""
    guide_scale: Float[np.ndarray, " channels"]
    """Likewise, above zero."""

    @classmethod
    def of(
        cls,
        target: Float[np.ndarray, "h w bands"],
        guide: Float[np.ndarray, "H W channels"],
        task: Task,
        valid: Bool[np.ndarray, "h w"] | None = None,
    ) -> "Normalisation":
        """Measure a pair.

        Args:
            target: In its own units, finite where valid.
            guide: In its own units, finite.
            task: Gives the percentiles.
            valid: Known target pixels; all when not given.
        """
        known = target.reshape(-1, target.shape[2]) if valid is None else target[valid]
        low, spread = _ranges(known, task.target_percentiles)
        seen = guide.reshape(-1, guide.shape[2] if task.guide_bands else 1)
        guide_low, guide_spread = _ranges(seen, task.guide_percentiles)
        guide_spread = np.where(guide_spread > 0, guide_spread, 1.0)
        return cls(low.astype(np.float32), spread.astype(np.float32), guide_low, guide_spread)

    def target(self, image: Float[np.ndarray, "H W bands"]) -> NDArray[np.float32]:
        """Return an image in the target's units as the network sees it."""
        scale = np.where(self.target_scale > 0, self.target_scale, 1.0)
        with np.errstate(over="ignore"):  # the network's answer is not finite then, which is raised
            normalised: NDArray[np.float32] = (image - self.target_offset) / scale
        return normalised.astype(np.float32)

    def guide(self, image: Float[np.ndarray, "H W channels"]) -> NDArray[np.float32]:
        """Return a guide as the network sees it."""
        offset, scale = (each.astype(np.float32) for each in (self.guide_offset, self.guide_scale))
        return ((image - offset) / scale).astype(np.float32)

    def residual(self, residual: Float[np.ndarray, "H W bands"]) -> NDArray[np.float32]:
        """Return what the network adds in the target's units."""
        scaled: NDArray[np.float32] = (residual * self.target_scale).astype(np.float32)
        return scaled


def _ranges(
    known: Float[np.ndarray, "pixels bands"], percentiles: tuple[float, float]
) -> tuple[Float[np.ndarray, " bands"], Float[np.ndarray, " bands"]]:
    """Return where each band begins and how wide it is; 0 for a constant one."""
    low, high = np.percentile(known, percentiles, axis=0)
    if percentiles[0] == 0 and percentiles[1] < 100:
        low = _without_dead(known, low, high)
    spread = _or_range(high - low, known)
    assumed = np.minimum(_QUIET_BAND * spread.max(), _QUIETER * spread)
    return low, np.where(spread > 0, np.maximum(spread, assumed), 0.0)


def _without_dead(
    known: Float[np.ndarray, "pixels bands"],
    low: Float[np.ndarray, " bands"],
    high: Float[np.ndarray, " bands"],
) -> Float[np.ndarray, " bands"]:
    """Return the smallest value of each band that is not far below nearly all others.

    Otherwise a dead voxel of -1000 would take half of the range, and all contrast with it.
    """
    usual = np.percentile(known, _DARK, axis=0)
    least = usual - _DEAD * (high - usual)
    if (low >= least).all():
        return low
    found: NDArray[np.float64] = np.where(known >= least, known, np.inf).min(axis=0)
    return found


def _or_range(
    spread: Float[np.ndarray, "*bands"], known: Float[np.ndarray, "pixels *bands"]
) -> Float[np.ndarray, "*bands"]:
    """Use the whole range where the percentiles coincide: few pixels differ, but they count.

    Otherwise the network would see them in raw units, thousands of times its range.
    """
    whole = known.max(axis=0) - known.min(axis=0)
    return np.where(spread > 0, spread, whole)
