"""What generated land is made of: reflectance at ten wavelengths, and how it varies.

The reflectances are rounded from what text books of remote sensing show of each surface; every
patch of land gets its own brightness, tilt and mixture, so none is drawn twice.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray

WAVELENGTHS = (0.44, 0.48, 0.55, 0.60, 0.66, 0.72, 0.83, 0.95, 1.61, 2.20)
"""In micrometres: coastal, blue, green, yellow, red, red edge, two of the near infrared and two of
the short-wave infrared."""
VISIBLE = 8
"""The first so many are those of sensors with a panchromatic band."""
FOUR_BANDS = (1, 2, 4, 6)
"""Places of blue, green, red and near infrared among them."""


@dataclass(frozen=True)
class _Cover:
    """One kind of surface."""

    reflectance: tuple[float, ...]
    """In per cent, at every wavelength."""
    fine: float
    """Relative deviation from pixel to pixel."""
    coarse: float
    """Relative deviation over tens of pixels."""
    mixed_with: str
    """What shows through or grows on it; vegetation and soil differ most in the infrared."""
    mixture: float
    """Deviation of the share of that."""
    rows: float = 0.0
    """Relative strength of rows, as tractors leave them."""


COVERS: dict[str, _Cover] = {
    "soil": _Cover((8, 10, 15, 19, 22, 25, 30, 33, 38, 34), 0.05, 0.10, "grass", 0.12, 0.06),
    "sand": _Cover((16, 20, 28, 33, 37, 40, 45, 47, 52, 50), 0.04, 0.10, "soil", 0.15),
    "crop": _Cover((3, 3.5, 8, 5.5, 4, 18, 48, 50, 24, 11), 0.05, 0.06, "soil", 0.10, 0.08),
    "straw": _Cover((8, 10, 16, 20, 22, 27, 35, 37, 42, 34), 0.05, 0.06, "crop", 0.08, 0.08),
    "grass": _Cover((3.5, 4.5, 9, 7, 6, 18, 38, 40, 26, 14), 0.07, 0.12, "soil", 0.20),
    "wood": _Cover((2, 2.5, 5, 3.5, 3, 12, 32, 33, 17, 8), 0.22, 0.12, "grass", 0.15),
    "conifer": _Cover((1.5, 2, 3.5, 2.5, 2.2, 8, 20, 21, 10, 4.5), 0.20, 0.12, "wood", 0.20),
    "rock": _Cover((12, 14, 17, 19, 20, 21, 23, 24, 27, 25), 0.12, 0.15, "grass", 0.20),
    "water": _Cover((6, 6, 5, 3, 2, 1.5, 1, 1, 0.5, 0.3), 0.02, 0.05, "mud", 0.10),
    "mud": _Cover((7, 9, 12, 11, 9, 6, 3, 2, 1.5, 1), 0.02, 0.06, "water", 0.15),
    "asphalt": _Cover((7, 8, 9, 9.5, 10, 10.5, 11, 11.5, 13, 13), 0.05, 0.06, "concrete", 0.08),
    "concrete": _Cover((18, 21, 25, 27, 28, 29, 31, 32, 35, 33), 0.05, 0.06, "asphalt", 0.15),
    "red roof": _Cover((6, 7, 10, 18, 24, 27, 31, 33, 38, 36), 0.05, 0.03, "grey roof", 0.05, 0.04),
    "white roof": _Cover((50, 55, 60, 61, 62, 63, 63, 62, 52, 45), 0.03, 0.03, "concrete", 0.08),
    "grey roof": _Cover(
        (12, 13, 14, 14.5, 15, 15.5, 16, 16.5, 18, 18), 0.05, 0.04, "asphalt", 0.08
    ),
    "blue roof": _Cover(
        (22, 28, 22, 15, 13, 16, 24, 27, 28, 24), 0.03, 0.03, "grey roof", 0.05, 0.04
    ),
}


@dataclass(frozen=True, eq=False)
class Materials:
    """Surfaces of a scene, a row for each; columns are what the sensor measures of it."""

    signal: Float[np.ndarray, "looks channels"]
    """Reflectance."""
    mixed: Float[np.ndarray, "looks channels"]
    """Change of it at one deviation of the mixture."""
    fine: Float[np.ndarray, " looks"]
    coarse: Float[np.ndarray, " looks"]
    rows: Float[np.ndarray, " looks"]
    period: Float[np.ndarray, " looks"]
    """Of the rows in pixels."""
    turn: Float[np.ndarray, " looks"]


def random_materials(
    rng: Generator, covers: list[str], responses: Float[np.ndarray, "channels wavelengths"]
) -> Materials:
    """Draw a material of each cover.

    Args:
        rng: Source of randomness.
        covers: Names of :data:`COVERS`, with repetitions.
        responses: What share of each wavelength every channel of the sensor sees, of all of them
            or of the first :data:`VISIBLE`.
    """
    count = len(covers)
    own = [COVERS[name] for name in covers]
    others = [COVERS[cover.mixed_with] for cover in own]
    spectra = _spectra(rng, own, responses.shape[1])
    partners = _spectra(rng, others, responses.shape[1])
    share = np.array([[cover.mixture] for cover in own])
    vary = np.exp(rng.normal(0, 0.4, (3, count)))
    return Materials(
        signal=(spectra @ responses.T).astype(np.float32),
        mixed=((partners - spectra) * share @ responses.T).astype(np.float32),
        fine=(np.array([cover.fine for cover in own]) * vary[0]).astype(np.float32),
        coarse=(np.array([cover.coarse for cover in own]) * vary[1]).astype(np.float32),
        rows=(np.array([cover.rows for cover in own]) * vary[2]).astype(np.float32),
        period=np.exp(rng.uniform(np.log(4), np.log(24), count)).astype(np.float32),
        turn=rng.uniform(0, np.pi, count).astype(np.float32),
    )


def _spectra(
    rng: Generator, covers: list[_Cover], wavelengths: int
) -> Float[np.ndarray, "looks wavelengths"]:
    """Return spectra near those of covers: brighter or darker, tilted, a little uneven."""
    count, places = len(covers), np.linspace(-0.5, 0.5, wavelengths)
    change = rng.normal(0, 0.22, (count, 1)) + rng.normal(0, 0.25, (count, 1)) * places
    change = change + rng.normal(0, 0.04, (count, wavelengths))
    reflectances = np.array([cover.reflectance[:wavelengths] for cover in covers])
    spectra: NDArray[np.float64] = reflectances / 100 * np.exp(change)
    return spectra
