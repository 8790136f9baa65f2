"""Depth that a simulator packed into the bytes of a colour picture, as CARLA does.

The numbers are there, but in steps that no header states: gisr tells what it sees and how they are
unpacked, and takes no guess for depth.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

_BACK = 64
"""By how much a byte falls at least where it runs over its end and the next one counts one up."""
_LEAST, _OFTEN = 24, 0.4
"""How often there must be such falls, and their share where the higher byte changes by one: on none
of 127 pictures, on 1 % of depth in seven scales of colours, and on nine of ten packed maps."""
_NOISE, _SMOOTH = 40.0, 8.0
"""Mean steps from which a lowest byte is noise (85 is chance), and up to which a highest is smooth.
"""
_NAMES = "rgb"
_CARLA = "1000 * (r + 256 * g + 65536 * b) / 16777215"


def packed_depth(path: Path, colours: Shaped[np.ndarray, "H W channels"]) -> str | None:
    """Return what a colour picture of packed depth is, and the way out; None of any other.

    Args:
        path: The file, for the message.
        colours: Its channels, without opacity.
    """
    if colours.dtype != np.uint8 or colours.shape[2] != 3 or min(colours.shape[:2]) < 2:
        return None
    used = [channel for channel in range(3) if colours[..., channel].any()]
    if len(used) < 2:
        return None
    for order in (used, used[::-1]):
        bytes_up = [colours[..., channel] for channel in order]
        carried = (_carried(*each) >= _OFTEN for each in pairwise(bytes_up))
        if not (any(carried) or _noise_under(bytes_up)):
            continue
        if order == [0, 1, 2]:
            return _told(path, _CARLA, "metres, as CARLA packs them")
        places = [f"{256**place} * {_NAMES[channel]}" for place, channel in enumerate(order)]
        return _told(path, " + ".join(places), "whole numbers, in steps that its program knows")
    return None


def _steps(
    one: Shaped[np.ndarray, "H W"],
) -> tuple[Shaped[np.ndarray, "..."], Shaped[np.ndarray, "..."]]:
    wide = one.astype(np.int16)
    return np.diff(wide, axis=0), np.diff(wide, axis=1)


def _carried(low: Shaped[np.ndarray, "H W"], high: Shaped[np.ndarray, "H W"]) -> float:
    """Return how often one byte falls back where another changes by one, as a carry does."""
    ones = falls = 0
    for step, above in zip(_steps(low), _steps(high), strict=True):
        one = np.abs(above) == 1
        ones += int(one.sum())
        falls += int((step[one] * above[one] <= -_BACK).sum())
    return falls / ones if falls >= _LEAST else 0.0


def _noise_under(bytes_up: Sequence[Shaped[np.ndarray, "H W"]]) -> bool:
    """Return whether the lowest byte is noise and the highest smooth, as no colours are."""
    low, high = (
        np.mean([np.abs(step).mean() for step in _steps(each)])
        for each in (bytes_up[0], bytes_up[-1])
    )
    return bool(low >= _NOISE and high <= _SMOOTH)


def _told(path: Path, formula: str, unit: str) -> str:
    command = (
        "import numpy as np, PIL.Image as I; r, g, b = np.moveaxis(np.asarray(I.open("
        f"'{path}').convert('RGB'), 'f8'), 2, 0); np.save('{path.stem}.npy', {formula})"
    )
    return (
        f"{path}: depth packed into the bytes of colours, by the look of it: unpack it first "
        f'({unit}: python -c "{command}"); colours of a scale cannot be read back'
    )
