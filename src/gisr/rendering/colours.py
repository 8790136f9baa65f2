"""Colours and letters of the pictures gisr draws: the sheets of the demo and of data sets."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import ImageFont

PAPER, INK, QUIET = (255, 255, 255), (20, 20, 20), (95, 95, 95)
UNKNOWN = (128, 128, 128)
"""Painted where a value is not known."""


def cubehelix(values: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
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


def coloured_depth(share: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Colour a depth map of 0 to 1; both ends of the colours are kept for what is out of range."""
    return cubehelix(0.1 + 0.8 * share)


def colour_bytes(share: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return colours of 0 to 1 as bytes; what is beyond is clipped."""
    colours: np.ndarray = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return colours


def letters(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font of captions, which comes with Pillow."""
    return ImageFont.load_default(size)


def red_green_blue(bands: int) -> tuple[int, int, int]:
    """Return where red, green and blue are in a satellite image of at least three bands.

    Blue comes first, and WorldView's eight bands have more before it.
    """
    if bands == 8:
        return 4, 2, 1
    return (2, 1, 0) if bands > 3 else (0, 1, 2)
