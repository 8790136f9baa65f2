"""Linear stretches between percentiles: values to 8-bit colours, for every picture of a pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gisr.array_types import Known, Values
from gisr.rendering.colours import (
    Colours,
    colour_bytes,
    coloured_depth,
    cubehelix,
    paint_unknown,
    red_green_blue,
)
from gisr.rendering.display import Display

Limit = float | Float[np.ndarray, " shown"]
"""One for all bands that are shown, or one for each."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """The values that become black and white: one for all pictures that are to be compared.

    Limits that are numbers are applied in the precision of the image, arrays in float64.
    """

    display: Display
    bands: tuple[int, ...]
    """Indices of the bands that are shown: red, green and blue, or one."""
    low: Limit
    """Becomes black; of a depth map, the darkest colour."""
    high: Limit
    """Becomes white; above ``low``."""

    @classmethod
    def between(cls, display: Display, bands: Sequence[int], low: Limit, high: Limit) -> "Stretch":
        """Return the stretch between two limits; equal ones, of a flat image, are set 1 apart."""
        if isinstance(low, np.ndarray) or isinstance(high, np.ndarray):
            return cls(display, tuple(bands), low, np.where(high > low, high, low + 1))
        return cls(display, tuple(bands), low, high if high > low else low + 1)

    @classmethod
    def of_target(
        cls,
        display: Display,
        image: Values,
        percentiles: tuple[float, float],
        known: Known | None = None,
        *,
        per_band: bool = True,
    ) -> "Stretch":
        """Return the stretch of a target, or of an image with its bands.

        Args:
            display: Of the image's task.
            image: From 0 to 1 is shown where none of it is known.
            percentiles: Of the known values, from 0 to 100: what becomes black and what white.
            known: Pixels that count; those that are finite in all bands when None.
            per_band: Whether every band has limits of its own, which removes colour casts.
        """
        count = image.shape[2]
        bands = red_green_blue(count) if display == "bands" and count >= 3 else (0,)
        return cls._of(display, image, bands, percentiles, known, per_band)

    @classmethod
    def of_guide(
        cls, image: Values, percentiles: tuple[float, float], known: Known | None = None
    ) -> "Stretch":
        """Return the stretch of a guide: a photograph in its own white balance, else one band.

        Arguments as above.
        """
        bands = photograph_bands(image.shape[2])
        return cls._of("bands", image, bands, percentiles, known, False)

    @classmethod
    def _of(
        cls,
        display: Display,
        image: Values,
        bands: tuple[int, ...],
        percentiles: tuple[float, float],
        known: Known | None,
        per_band: bool,
    ) -> "Stretch":
        chosen = image[..., list(bands)][finite_pixels(image) if known is None else known]
        if not len(chosen):
            return cls.between(display, bands, 0.0, 1.0)
        low, high = np.percentile(chosen, percentiles, axis=0 if per_band else None)
        if per_band:
            return cls.between(display, bands, low, high)
        return cls.between(display, bands, float(low), float(high))

    def colours(self, image: Values, known: Known | None = None) -> Colours:
        """Return an image in colours, unknown pixels in the one colour that stands for them.

        Args:
            image: Values with all bands, not only those that are shown.
            known: Pixels to show; those that are finite in all bands when None.
        """
        known = finite_pixels(image) if known is None else known
        share = (image[..., list(self.bands)] - self.low) / (self.high - self.low)
        share = np.where(known[..., None], share, 0)
        if self.display == "coloured":
            return paint_unknown(coloured_depth(share[..., 0]), known)
        return paint_unknown(colour_bytes(np.broadcast_to(share, (*known.shape, 3))), known)


def photograph_bands(channels: int) -> tuple[int, ...]:
    """Return the channels of a guide that are shown: three in colours, otherwise the first."""
    return (0, 1, 2) if channels == 3 else (0,)


def finite_pixels(image: Values) -> Known:
    """Return the pixels that are finite in all bands."""
    finite: Known = np.isfinite(image).all(axis=2)
    return finite


def percentile_or_one(values: Float[np.ndarray, "..."], percentile: float) -> float:
    """Return a percentile of the finite values, 1 in place of 0 or where there are none.

    So it can always be the full scale that magnitudes are divided by.
    """
    return finite_percentile(values, percentile) or 1.0


def finite_percentile(values: Float[np.ndarray, "..."], percentile: float) -> float:
    """Return a percentile (0 to 100) of the finite values, 0 where there are none."""
    finite = values[np.isfinite(values)]
    return float(np.percentile(finite, percentile)) if finite.size else 0.0


def magnitude_colours(
    values: Float[np.ndarray, "h w"], full: float, known: Known | None = None
) -> Colours:
    """Colour errors, changes and spreads: black for 0, white for ``full`` and more.

    Args:
        values: 0 or more.
        full: Above 0.
        known: Pixels to show; the finite ones when None.
    """
    known = np.isfinite(values) if known is None else known
    return paint_unknown(cubehelix(np.where(known, values / full, 0)), known)
