"""Generated scenes for the demo and for tests: drawn by a program, not taken by an instrument.

They are deterministic and look enough like the real thing to compare methods by eye, but no number
measured on them holds for real images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

SCENE_BITS = 11
"""Significant bits of the generated satellite scene."""

_SPECTRA: dict[str, tuple[int, int, int, int]] = {
    # Blue, green, red, near infrared in digital numbers of 11 bits: vegetation is bright in the
    # near infrared, water dark, roofs and roads flat.
    "soil": (330, 420, 520, 660),
    "crop": (210, 330, 240, 1250),
    "ripe": (320, 470, 560, 880),
    "grass": (230, 370, 290, 1010),
    "wood": (160, 230, 165, 820),
    "water": (270, 250, 160, 70),
    "road": (400, 430, 450, 480),
    "red roof": (290, 330, 640, 720),
    "bright roof": (980, 1020, 1040, 1060),
    "grey roof": (470, 490, 505, 530),
    "shadow": (110, 100, 85, 80),
}
_FIELDS = ("soil", "crop", "ripe", "grass", "crop", "wood")
_ROOFS = ("red roof", "red roof", "grey roof", "bright roof")
_PAN_RESPONSE = (0.12, 0.30, 0.34, 0.24)
"""Share of each band in the panchromatic image, which sees them all."""

_TISSUES: dict[str, tuple[float, float]] = {
    # Signal in a T1-weighted and in a T2-weighted image, brightest tissue near 1.
    "air": (0.0, 0.0),
    "fat": (0.95, 0.55),
    "bone": (0.08, 0.06),
    "fluid": (0.16, 1.00),
    "grey matter": (0.50, 0.60),
    "white matter": (0.72, 0.42),
    "deep grey matter": (0.58, 0.47),
    "lesion": (0.42, 0.80),
}


@dataclass(frozen=True, eq=False)
class SatelliteScene:
    """A generated multispectral image with its panchromatic image on the same grid."""

    multispectral: Float[np.ndarray, "H W 4"]
    """Blue, green, red, near infrared; digital numbers of :data:`SCENE_BITS` bits."""
    panchromatic: Float[np.ndarray, "H W 1"]


@dataclass(frozen=True, eq=False)
class HeadPhantom:
    """A generated axial slice of a head in two MR contrasts."""

    t1: Float[np.ndarray, "H W"]
    t2: Float[np.ndarray, "H W"]


def satellite_scene(size: int = 384, seed: int = 7) -> SatelliteScene:
    """Draw fields, woods, a river, roads and a village: generated, not real.

    Drawn at twice the size and averaged, so that edges fall within pixels. The panchromatic image
    is a mix of the bands plus noise of its own, so no linear method recovers the truth exactly.

    Args:
        size: Side in pixels.
        seed: Another seed, another country.
    """
    rng = np.random.default_rng(seed)
    side = 2 * size
    image = _draw_fields(rng, side)
    _draw_river(rng, side, image)
    _draw_roads(rng, side, image)
    _draw_village(rng, side, image)
    shared = 1 + 0.05 * _noise(rng, side, 1.2) + 0.05 * _noise(rng, side, 12)
    for band in range(4):
        image[..., band] *= shared + 0.02 * _noise(rng, side, 2.0)
    reduced = _halved(image)
    pan = reduced @ np.asarray(_PAN_RESPONSE) + rng.normal(0, 4, (size, size))
    multispectral = reduced + rng.normal(0, 3, reduced.shape)
    return SatelliteScene(_digital(multispectral), _digital(pan[..., None]))


def head_phantom(size: int = 256, seed: int = 3) -> HeadPhantom:
    """Draw a head-like slice in T1 and T2 contrast: generated, not real.

    Ellipses with folded borders filled from a table of tissue signals, each contrast with a smooth
    bias field of its own and Rician noise, as magnitude images have.

    Args:
        size: Side in pixels.
        seed: Another seed, another head.
    """
    rng = np.random.default_rng(seed)
    labels = _draw_head(rng, 2 * size)
    texture = 0.03 * _noise(rng, 2 * size, 3)
    contrasts = []
    for column in (0, 1):
        signal = np.array([signals[column] for signals in _TISSUES.values()])[labels]
        bias = 1 + 0.12 * _noise(rng, 2 * size, size / 2)
        clean = _halved((signal * bias * (1 + texture))[..., None])[..., 0]
        real, imaginary = rng.normal(0, 0.012, (2, size, size))
        contrasts.append((1000 * np.hypot(clean + real, imaginary)).astype(np.float32))
    return HeadPhantom(*contrasts)


def _draw_fields(rng: Generator, side: int) -> NDArray[np.float64]:
    """Return polygons of crops with sowing rows, divided by hedges."""
    seeds = rng.uniform(0, side, (70, 2))
    rows, columns = np.mgrid[:side, :side]
    distance, owner = cKDTree(seeds).query(np.stack([rows, columns], axis=-1), k=2)
    image = np.empty((side, side, 4))
    for number in range(len(seeds)):
        inside = owner[..., 0] == number
        crop = _FIELDS[rng.integers(len(_FIELDS))]
        angle, spacing = rng.uniform(0, np.pi), rng.uniform(7, 13)
        phase = columns[inside] * np.cos(angle) + rows[inside] * np.sin(angle)
        stripes = 1 + (0.0 if crop == "wood" else 0.07) * np.sin(2 * np.pi * phase / spacing)
        spectrum = np.asarray(_SPECTRA[crop]) * rng.uniform(0.8, 1.2)
        image[inside] = spectrum * stripes[:, None]
    wooded = owner[..., 0] % len(_FIELDS) == 0
    crowns = 1 + 0.25 * np.clip(_noise(rng, side, 2.5), -2, 2)
    image[wooded] *= crowns[wooded, None]
    hedges = (distance[..., 1] - distance[..., 0] < 4) & (_noise(rng, side, 5) > -0.3)
    image[hedges] = np.asarray(_SPECTRA["wood"]) * 0.8
    return image


def _draw_river(rng: Generator, side: int, image: NDArray[np.float64]) -> None:
    rows, columns = np.mgrid[:side, :side]
    phase = rng.uniform(0, 2 * np.pi)
    middle = side * (0.8 + 0.07 * np.sin(rows / side * 5 + phase) + 0.02 * np.sin(rows / side * 17))
    width = side * (0.03 + 0.008 * np.sin(rows / side * 9))
    image[np.abs(columns - middle) < width + 5] = _SPECTRA["grass"]
    image[np.abs(columns - middle) < width] = _SPECTRA["water"]


def _draw_roads(rng: Generator, side: int, image: NDArray[np.float64]) -> None:
    rows, columns = np.mgrid[:side, :side]
    for width, count in ((4.5, 2), (2.2, 4)):
        for _ in range(count):
            angle, reach = rng.uniform(0, np.pi), rng.uniform(-0.3, 0.3) * side
            across = (columns - side / 2) * np.cos(angle) + (rows - side / 2) * np.sin(angle)
            bend = 0.02 * side * np.sin(rows / side * 6 + angle)
            image[np.abs(across + bend - reach) < width] = _SPECTRA["road"]


def _draw_village(rng: Generator, side: int, image: NDArray[np.float64]) -> None:
    """Draw houses on a turned grid around a point, each with its shadow, and trees between."""
    rows, columns = np.mgrid[:side, :side]
    middle, angle = (0.45 * side, 0.4 * side), rng.uniform(0.2, 0.6)
    along = (columns - middle[1]) * np.cos(angle) + (rows - middle[0]) * np.sin(angle)
    across = (rows - middle[0]) * np.cos(angle) - (columns - middle[1]) * np.sin(angle)
    reach = 0.22 * side
    image[(np.hypot(along, across) < reach) & (_noise(rng, side, 8) > -0.4)] = _SPECTRA["grass"]
    for street in np.arange(-reach, reach, 66.0):
        inside = np.hypot(along, across) < reach
        image[(np.abs(across - street) < 3.5) & inside] = _SPECTRA["road"]
        for house in np.arange(-reach, reach, 27.0):
            for row in (-19.0, 19.0):
                centre = (street + row + rng.uniform(-3, 3), house + rng.uniform(-4, 4))
                if np.hypot(*centre) > reach or rng.uniform() < 0.25:
                    continue
                place = _around(middle, centre, angle)
                _draw_house(rng, image[place], across[place] - centre[0], along[place] - centre[1])


def _draw_house(
    rng: Generator,
    image: NDArray[np.float64],
    across: NDArray[np.float64],
    along: NDArray[np.float64],
) -> None:
    """Draw a house around the origin of two turned coordinates, its shadow first."""
    half = rng.uniform(6, 10, 2)
    roof = np.asarray(_SPECTRA[_ROOFS[rng.integers(len(_ROOFS))]]) * rng.uniform(0.85, 1.15)
    image[(np.abs(across - 3) < half[0]) & (np.abs(along - 3) < half[1])] = _SPECTRA["shadow"]
    covered = (np.abs(across) < half[0]) & (np.abs(along) < half[1])
    # Two slopes of a roof: one faces the sun.
    image[covered] = roof * np.where(across[covered] > 0, 1.15, 0.8)[:, None]


def _around(
    middle: tuple[float, float], centre: tuple[float, float], angle: float
) -> tuple[slice, slice]:
    """Return the window of a house: its corner and shadow are less than 20 pixels away."""
    row = middle[0] + centre[0] * np.cos(angle) + centre[1] * np.sin(angle)
    column = middle[1] + centre[1] * np.cos(angle) - centre[0] * np.sin(angle)
    top, left = max(0, int(row) - 20), max(0, int(column) - 20)
    return slice(top, int(row) + 20), slice(left, int(column) + 20)


def _draw_head(rng: Generator, side: int) -> NDArray[np.int64]:
    """Return tissue numbers, the order of ``_TISSUES``."""
    number = {name: index for index, name in enumerate(_TISSUES)}
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    wobble = 0.012 * _noise(rng, side, side / 12)
    outer = np.hypot(x / 0.74, y / 0.90) + wobble
    labels = np.zeros((side, side), dtype=np.int64)
    for radius, tissue in ((1.0, "fat"), (0.93, "bone"), (0.86, "fluid"), (0.83, "grey matter")):
        labels[outer < radius] = number[tissue]
    brain = outer < 0.83
    folds = _noise(rng, side, side / 80)
    depth = 0.83 - outer
    # The sheet of white matter reaches into every fold; fluid fills the sulci between them.
    labels[brain & (depth + 0.06 * folds > 0.11)] = number["white matter"]
    sulci = (np.abs(_noise(rng, side, side / 75)) < 0.14) & (depth < 0.15)
    labels[brain & sulci] = number["fluid"]
    labels[brain & (np.abs(x + 0.3 * wobble) < 0.008) & (np.abs(y) > 0.28)] = number["fluid"]
    for sign in (-1, 1):
        labels[_ellipse(x, y, sign * 0.20, 0.10, 0.10, 0.19, sign * 0.4)] = number[
            "deep grey matter"
        ]
        labels[_ellipse(x, y, sign * 0.10, -0.20, 0.055, 0.20, -sign * 0.35)] = number["fluid"]
        labels[_ellipse(x, y, sign * 0.12, 0.32, 0.045, 0.15, sign * 0.5)] = number["fluid"]
    for _ in range(7):
        where = rng.uniform((-0.42, -0.45), (0.42, 0.45))
        half = rng.uniform(0.012, 0.035, 2)
        spot = _ellipse(x, y, where[0], where[1], half[0], half[1], 0.0)
        labels[spot & (labels == number["white matter"])] = number["lesion"]
    return labels


def _ellipse(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    middle_x: float,
    middle_y: float,
    half_x: float,
    half_y: float,
    turn: float,
) -> Bool[np.ndarray, "H W"]:
    along = (x - middle_x) * np.cos(turn) + (y - middle_y) * np.sin(turn)
    across = (y - middle_y) * np.cos(turn) - (x - middle_x) * np.sin(turn)
    inside: NDArray[np.bool_] = (along / half_x) ** 2 + (across / half_y) ** 2 < 1
    return inside


def _noise(rng: Generator, side: int, scale: float) -> NDArray[np.float64]:
    """Return smooth noise of mean 0 and deviation 1; ``scale`` is the size of its blobs."""
    smooth: NDArray[np.float64] = gaussian_filter(
        rng.standard_normal((side, side)), scale, mode="wrap"
    )
    normal: NDArray[np.float64] = (smooth - smooth.mean()) / smooth.std()
    return normal


def _halved(image: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns, bands = image.shape
    halved: NDArray[np.float64] = image.reshape(rows // 2, 2, columns // 2, 2, bands).mean((1, 3))
    return halved


def _digital(image: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.clip(np.rint(image), 0, 2**SCENE_BITS - 1).astype(np.float32)
