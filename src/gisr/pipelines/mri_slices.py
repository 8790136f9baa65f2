"""Slices of volumes: how they lie, where they are known, and the stacks they are put into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.inference.windowed_pair import nearest_pixels
from gisr.io.volumes.placement import AxisPlacement, VolumePlacement
from gisr.placement import Placement

Places = Mapping[int, AxisPlacement]
"""Placements by the axes that are coarse."""


@dataclass
class SliceStack:
    """A volume, and its spread if one is requested, that grow while slices are sharpened."""

    values: Voxels
    spread: Voxels | None


def slice_axis_placement(place: VolumePlacement, size: int, axis: int) -> AxisPlacement:
    """Return the placement along one axis of a slice, which may lie on the guide's grid already."""
    if axis in place.coarse:
        return place.axis(axis)
    return AxisPlacement(size, size, 1.0, 0.0)


def in_plane(rows: AxisPlacement, columns: AxisPlacement) -> Placement:
    """Return the placement of a slice from that of its rows and columns."""
    return Placement((rows.scale, columns.scale), (rows.offset, columns.offset))


def along(
    change: Callable[[Voxels, int, AxisPlacement], Voxels], volume: Voxels, places: Places
) -> Voxels:
    """Return a volume changed along every axis of some places."""
    for axis, line in places.items():
        volume = change(volume, axis, line)
    return volume


def known_part(image: Float[np.ndarray, "H W 1"], pair: Pair) -> Float[np.ndarray, "H W"]:
    """Return a sharpened slice, NaN where the nearest target voxel is not finite."""
    if pair.valid is None:
        return image[..., 0]
    known = nearest_pixels(pair.valid, image.shape[:2], pair.placement)
    return np.where(known, image[..., 0], np.float32(np.nan))


def set_slice(
    layers: SliceStack,
    index: int,
    values: Float[np.ndarray, "H W"] | np.float32,
    spread: Float[np.ndarray, "H W"] | np.float32 | None,
) -> None:
    """Put a slice into a stack, and its spread where there is one."""
    layers.values[index] = values
    if layers.spread is not None and spread is not None:
        layers.spread[index] = spread


def mark_unknown(layers: SliceStack, unknown: Bool[np.ndarray, "X Y Z"]) -> None:
    """Write NaN into voxels of a stack."""
    for voxels in (layers.values, layers.spread):
        if voxels is not None:
            voxels[unknown] = np.nan
