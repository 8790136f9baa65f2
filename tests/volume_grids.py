"""Grids of two volumes that show one place, for tests that need no files."""

from pathlib import Path

import numpy as np

from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.placement import VolumePlacement, place_volumes


def placed(
    low: tuple[int, ...], high: tuple[int, ...], zooms: tuple[float, float, float] = (1, 1, 1)
) -> VolumePlacement:
    """Return how a guide lies on a target of the same extent.

    Args:
        low: Shape of the target.
        high: Of the guide.
        zooms: Sizes of the guide's voxels.
    """
    factors = np.divide(high, low)
    fine, coarse = np.diag([*zooms, 1.0]), np.diag([*(factors * zooms), 1.0])
    coarse[:3, 3] = (factors - 1) / 2 * zooms
    headers = [
        VolumeHeader(
            shape=(shape[0], shape[1], shape[2]), affine=grid, header=None, dtype=np.dtype("f4"),
            path=Path(name), count=1, read=lambda: iter(()),
        )
        for name, shape, grid in (("low", low, coarse), ("high", high, fine))
    ]  # fmt: skip
    return place_volumes(*headers)
