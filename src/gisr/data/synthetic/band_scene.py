"""Generated scenes of sensors whose bands have several resolutions: coarse bands and fine ones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray

from gisr.data.degradations import wald
from gisr.data.resample import resize_pillow
from gisr.data.synthetic.land import random_land
from gisr.data.synthetic.land_scene import (
    FINER,
    HAZE,
    SUN,
    check_side,
    exposed,
    land_signal,
)
from gisr.data.synthetic.materials import WAVELENGTHS, random_materials


@dataclass(frozen=True)
class _Instrument:
    """Centres of the bands of a sensor, in micrometres."""

    fine: tuple[float, ...]
    coarse: tuple[float, ...]


_INSTRUMENTS = (
    # Sentinel-2: B2, B3, B4, B8 at 10 m; B5, B6, B7, B8A, B11, B12 at 20 m; B1, B9 at 60 m.
    _Instrument(
        (0.490, 0.560, 0.665, 0.842),
        (0.705, 0.740, 0.783, 0.865, 1.610, 2.190, 0.443, 0.945),
    ),
    # Landsat: short-wave infrared by the visible and near infrared.
    _Instrument((0.485, 0.560, 0.660, 0.835), (1.650, 2.220)),
    # ASTER: 15 m and 30 m.
    _Instrument((0.556, 0.661, 0.807), (1.656, 2.167, 2.209, 2.262, 2.336)),
    # MODIS: 250 m and 500 m.
    _Instrument((0.645, 0.859), (0.469, 0.555, 1.240, 1.640, 2.130)),
)
_ODDS = (0.6, 0.2, 0.1, 0.1)
_MOST_COARSE = 6
"""Coarse bands of a scene, at most: as many as Sentinel-2 has at 20 m."""
_SUN = np.append(SUN, (0.16, 0.06))
_HAZE = np.append(HAZE, (0.003, 0.002))


@dataclass(frozen=True, eq=False)
class BandScene:
    """Both images of a scene on the grid of the fine bands, aligned."""

    coarse: Float[np.ndarray, "H W bands"]
    """The bands to be reduced, as they would be if they were fine: the truth."""
    fine: Float[np.ndarray, "H W channels"]
    """One to four bands."""


def generated_band_scene(rng: Generator, side: int) -> BandScene:
    """Draw a scene. The same state of the generator gives the same scene.

    Coarse bands are blurred by the optics' transfer function before they are sampled, each by its
    own; the fine ones by theirs, or by none, as they are where they were reduced to this grid.

    Args:
        rng: Source of randomness.
        side: Of the square scene, in pixels of the fine bands.

    Raises:
        InputError: The scene is larger than the noise that its textures are cut from.
    """
    check_side(side)
    instrument = _INSTRUMENTS[rng.choice(len(_INSTRUMENTS), p=_ODDS)]
    coarse = instrument.coarse
    few = int(rng.integers(1, min(len(coarse), _MOST_COARSE) + 1))
    chosen = np.sort(rng.choice(len(coarse), few, replace=False))
    coarse = tuple(coarse[place] for place in chosen)
    responses = _responses(rng, (*coarse, *instrument.fine))
    land = random_land(rng, side * FINER)
    signal = land_signal(rng, land, random_materials(rng, land.covers, responses))
    signal += (responses @ (_HAZE * rng.uniform(0.2, 1.4))).astype(np.float32)
    count = len(coarse)
    sampled = [wald(signal[..., [band]], FINER, rng.uniform(0.15, 0.5)) for band in range(count)]
    if rng.random() < 0.5:  # fine bands that were reduced to this grid are sharper than its own
        sampled.append(resize_pillow(signal[..., count:], (side, side)))
    else:
        sampled.append(wald(signal[..., count:], FINER, rng.uniform(0.15, 0.5)))
    top = 2 ** int(rng.choice((8, 10, 12, 12, 14))) - 1
    # Reflectances: all bands in one unit, unlike those of a panchromatic camera beside others.
    both = exposed(rng, np.concatenate(sampled, axis=2), top)
    return BandScene(both[..., :count], both[..., count:])


def _responses(
    rng: Generator, centres: tuple[float, ...]
) -> Float[np.ndarray, "channels wavelengths"]:
    """Return what every band sees of sunlit white: the wavelengths that its centre lies between."""
    places = np.interp(centres, WAVELENGTHS, np.arange(len(WAVELENGTHS)))
    own = np.clip(1 - np.abs(places[:, None] - np.arange(len(WAVELENGTHS))), 0, 1)
    # As reflectances, or as what arrives: the sun's spectrum is divided out in most products.
    sun = _SUN if rng.random() < 0.3 else np.ones_like(_SUN)
    gains = np.exp(rng.normal(0, 0.15, (len(centres), 1)))
    seen: NDArray[np.float64] = own * sun * gains
    return seen
