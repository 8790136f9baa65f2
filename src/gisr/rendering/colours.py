"""Colour maps and fonts of the pictures that gisr draws."""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import ImageFont

PAPER, INK, QUIET = (255, 255, 255), (20, 20, 20), (95, 95, 95)
UNKNOWN = (128, 128, 128)
"""Painted where a value is not known."""
EXPERT_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Paul Tol's bright colours, distinct for colour-blind readers; more experts repeat them."""

Colours = UInt8[np.ndarray, "h w 3"]
"""Red, green and blue, 0 to 255."""


def cubehelix(values: Float[np.ndarray, "h w"]) -> Colours:
    """Colour values of 0 to 1 so that brightness grows with them (D. A. Green, 2011).

    Start 0.5, -1.5 rotations, hue 1: the published defaults. It reads the same in grey print.
    """
    share = np.clip(values, 0, 1)[..., None]
    angle = 2 * np.pi * (0.5 / 3 + 1 - 1.5 * share)
    amplitude = share * (1 - share) / 2
    red_green_blue = share + amplitude * (
        np.cos(angle) * (-0.14861, -0.29227, 1.97294) + np.sin(angle) * (1.78277, -0.90649, 0.0)
    )
    return colour_bytes(red_green_blue)


def coloured_depth(share: Float[np.ndarray, "h w"]) -> Colours:
    """Colour a depth map of 0 to 1; both ends of the colours are kept for what is out of range."""
    return cubehelix(0.1 + 0.8 * share)


def colour_bytes(share: Float[np.ndarray, "h w 3"]) -> Colours:
    """Return colours of 0 to 1 as bytes; what is beyond is clipped."""
    colours: Colours = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return colours


def paint_unknown(colours: Colours, known: Bool[np.ndarray, "h w"]) -> Colours:
    """Return a picture with its unknown pixels in :data:`UNKNOWN`."""
    return np.where(known[..., None], colours, np.array(UNKNOWN, np.uint8))


def expert_colour(index: int) -> str:
    """Return the colour of an expert, from 0: ``#rrggbb``."""
    return EXPERT_COLOURS[index % len(EXPERT_COLOURS)]


def letters(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font of captions, which comes with Pillow."""
    return ImageFont.load_default(size)


def red_green_blue(bands: int) -> tuple[int, int, int]:
    """Return the indices of red, green and blue in a satellite image.

    Of more than three bands blue comes first, and WorldView's eight have coastal before it and
    yellow between green and red.
    """
    if bands == 8:
        return 4, 2, 1
    return (2, 1, 0) if bands > 3 else (0, 1, 2)
