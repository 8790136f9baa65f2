"""Whether an image was interpolated after it was acquired: frequencies that hold nothing.

Scanners store 256 x 256 acquired samples as 512 x 512 by filling k-space with zeros. The voxels are
then smaller than what they show, which no header of a NIfTI file says.
"""

import numpy as np
from numpy.typing import NDArray

from gisr.array_types import Voxels

_CLIFF = 25.0
"""Factor by which power drops where frequencies end that were acquired: 30 and more in volumes that
were zero-filled by two, up to 6 in 38 that were not."""
_LEAST, _MOST = 0.35, 0.6
"""Shares of the frequencies at which such an end is looked for: below, anatomy alone falls as
steeply, and above, most scans end, whose phase encoding is filled up to square pixels."""
_BELOW, _APART = 4, 2
"""Frequencies below an end whose power counts, and those beside it that do not: of the window."""
_SHORTEST = 48
"""Voxels along an axis that are needed for that."""
_MOST_SLICES = 16
"""Slices across it that are looked at, in the middle."""


def filled_frequencies(volume: Voxels, axis: int) -> float | None:
    """Return the share of the frequencies along an axis that hold anything.

    Args:
        volume: Finite.
        axis: Along which.

    Returns:
        None where no end is seen.
    """
    if volume.shape[axis] < _SHORTEST:
        return None
    lines = np.moveaxis(volume, axis, -1)
    start = max(0, (lines.shape[0] - _MOST_SLICES) // 2)
    lines = lines[start : start + _MOST_SLICES].astype(np.float64)
    lines = lines - lines.mean(axis=-1, keepdims=True)
    spectra = np.abs(np.fft.rfft(lines * np.hanning(lines.shape[-1]), axis=-1)) ** 2
    power: NDArray[np.float64] = spectra.mean(axis=(0, 1))
    size = len(power)
    drops = {
        end: power[end - _BELOW : end - 1].mean() / max(power[end + _APART :].max(), 1e-300)
        for end in range(max(_BELOW, round(_LEAST * size)), round(_MOST * size))
    }
    best = max(drops, key=lambda end: drops[end])
    return best / size if drops[best] >= _CLIFF else None
