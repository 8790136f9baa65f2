"""Sizes as messages and lists have them: of pictures width first, of volumes in the order of axes.

Arrays hold rows first; a user who opens a file elsewhere reads ``640 x 480`` of it.
"""

from collections.abc import Sequence


def picture_size(shape: Sequence[int]) -> str:
    """Return ``640 x 480``, or ``800 x 600 x 4``, for the shape (H, W) or (H, W, bands)."""
    height, width, *bands = shape
    return volume_size((width, height, *bands))


def volume_size(shape: Sequence[int]) -> str:
    """Return ``256 x 256 x 160`` for voxels along each axis."""
    return " x ".join(map(str, shape))


__all__ = ["picture_size", "volume_size"]
