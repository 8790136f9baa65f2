"""Generated satellite scenes: multispectral bands and a panchromatic band of the same land."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray

from gisr.data.degradations import wald
from gisr.data.resample import resize_pillow
from gisr.data.synthetic.land import Land, random_land
from gisr.data.synthetic.materials import FOUR_BANDS, VISIBLE, Materials, random_materials
from gisr.data.synthetic.noise import (
    ROUGH,
    SIDE,
    SMOOTH,
    WHITE,
    NoisePlane,
    field_window,
    random_field,
)
from gisr.errors import InputError

FINER = 2
"""The land is drawn this many times finer than the multispectral grid."""
_PANCHROMATIC = (
    # Share of every wavelength: a band over all, as of QuickBird; Landsat-7's; Landsat-8's.
    (0.04, 0.10, 0.16, 0.16, 0.17, 0.15, 0.15, 0.07),
    (0.00, 0.00, 0.12, 0.16, 0.18, 0.18, 0.30, 0.06),
    (0.00, 0.05, 0.35, 0.35, 0.25, 0.00, 0.00, 0.00),
)
SUN = np.array((1.0, 1.05, 1.0, 0.95, 0.85, 0.75, 0.6, 0.5))
"""Light at every wavelength, relative."""
HAZE = np.array((0.09, 0.07, 0.045, 0.037, 0.030, 0.025, 0.015, 0.010))
"""Reflectance that clear air adds."""


@dataclass(frozen=True, eq=False)
class LandScene:
    """Both images of a scene on the multispectral grid, aligned."""

    multispectral: Float[np.ndarray, "H W bands"]
    """Whole digital numbers, float32; four bands from blue to near infrared, or eight."""
    panchromatic: Float[np.ndarray, "H W 1"]
    """Digital numbers; brought here from a finer grid, so it is sharper than the bands."""
    bits: int


def generated_land_scene(rng: Generator, side: int) -> LandScene:
    """Draw a scene. The same state of the generator gives the same scene.

    Bands are blurred by the optics' transfer function before they are sampled, the panchromatic
    band is not; it sees wavelengths between the bands too, so no mixture of the bands equals it.

    Args:
        rng: Source of randomness.
        side: Of the square scene, in multispectral pixels.

    Raises:
        InputError: The scene is larger than the noise that its textures are cut from.
    """
    check_side(side)
    responses = _random_responses(rng)
    land = random_land(rng, side * FINER)
    signal = land_signal(rng, land, random_materials(rng, land.covers, responses))
    haze = responses @ (HAZE * rng.uniform(0.2, 1.4))
    signal += haze.astype(np.float32)
    bands = wald(signal[..., :-1], FINER, rng.uniform(0.2, 0.45))
    panchromatic = resize_pillow(signal[..., -1:], (side, side))
    return _digital(rng, bands, panchromatic)


def check_side(side: int) -> None:
    """Refuse a scene that is larger than the noise that its textures are cut from.

    Raises:
        InputError: It is.
    """
    if side * FINER > SIDE:
        raise InputError(
            f"a generated scene of {side} pixels a side is larger than {SIDE // FINER}: use a "
            "smaller patch or ratio"
        )


def _random_responses(rng: Generator) -> Float[np.ndarray, "channels wavelengths"]:
    """Return what every channel sees of sunlit white: the bands, then the panchromatic one."""
    places = FOUR_BANDS if rng.random() < 0.8 else tuple(range(VISIBLE))
    bands = np.eye(VISIBLE)[list(places)]
    # Bands are not narrow: they see a little of the wavelengths beside their own.
    beside = np.eye(VISIBLE, k=1) + np.eye(VISIBLE, k=-1)
    bands = bands + rng.uniform(0, 0.15) * bands @ beside
    wide = np.array(_PANCHROMATIC[rng.integers(len(_PANCHROMATIC))])
    wide = wide * np.exp(rng.normal(0, 0.2, len(wide)))
    responses = np.vstack([bands, wide])
    responses /= responses.sum(axis=1, keepdims=True)
    gains = np.exp(rng.normal(0, 0.15, (len(responses), 1)))
    seen: NDArray[np.float64] = responses * SUN * gains
    return seen


def land_signal(
    rng: Generator, land: Land, materials: Materials
) -> Float[np.ndarray, "H W channels"]:
    """Return the reflected light of every pixel in every channel, without haze."""
    look, shape = land.look, land.look.shape
    fine, coarse = random_field(rng, ROUGH, shape), random_field(rng, SMOOTH, shape)
    light = 1 + fine * materials.fine[look] + coarse * materials.coarse[look]
    striped = materials.rows[look]
    if striped.any():
        light += striped * _rows(look, materials)
    light *= land.light
    np.maximum(light, 0.1, out=light)
    mixture = random_field(rng, SMOOTH, shape) + np.float32(0.5) * fine
    signal = materials.signal.take(look, axis=0)
    signal += mixture[..., None] * materials.mixed.take(look, axis=0)
    signal *= light[..., None]
    np.maximum(signal, np.float32(1e-3), out=signal)
    return signal


def _rows(look: NDArray[np.intp], materials: Materials) -> NoisePlane:
    places = np.arange(look.shape[0], dtype=np.float32)
    step = 2 * np.pi / materials.period
    down = (np.sin(materials.turn) * step).astype(np.float32)[look]
    right = (np.cos(materials.turn) * step).astype(np.float32)[look]
    waves: NoisePlane = np.sin(places[:, None] * down + places * right)
    return waves


def _digital(rng: Generator, bands: NoisePlane, panchromatic: NoisePlane) -> LandScene:
    """Return whole numbers of a random depth of bits, exposure and noise."""
    bits = (8, 10, 11, 11, 12, 16)[rng.integers(6)]
    top = 2**bits - 1
    return LandScene(exposed(rng, bands, top), exposed(rng, panchromatic, top), bits)


def exposed(rng: Generator, image: NoisePlane, top: int) -> NoisePlane:
    """Return an image in whole numbers up to a largest one, by a random exposure, with noise.

    One exposure for all bands, as users see them; a scene seldom fills the range.
    """
    exposure = np.exp(rng.uniform(np.log(0.15), np.log(1.0)))
    image = image * np.float32(exposure * top / np.quantile(image[::3, ::3], 0.99))
    deviation = np.exp(rng.uniform(np.log(0.001), np.log(0.025))) * exposure * top
    grain = [field_window(rng, WHITE, image.shape[:2]) for _ in range(image.shape[2])]
    image += np.float32(deviation) * np.stack(grain, axis=-1)
    return np.clip(np.rint(image), 0, top)
