"""Slices of volumes: how they lie, where they are known, and the stacks they are put into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.inference.windowed_pair import nearest_pixels
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.io.volumes.placement import VolumePlacement
from gisr.placement import Placement
from gisr.tasks import Grid

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


@dataclass(frozen=True)
class Storage:
    """How slices lie in files, where their grid is a crop of k-space.

    Such a crop keeps the first sample where it is. Of a pair that was stored again the other way
    round it is the last one, so both images are turned back before the network sees them.
    """

    grid: Grid | None
    """``kspace`` or ``centre``; None where it is neither to a fraction of a voxel."""
    turned: tuple[bool, bool] = (False, False)
    """Which of the two axes are stored the other way round."""

    @classmethod
    def of(cls, lines: tuple[AxisPlacement, AxisPlacement], grid: Grid | None) -> "Storage":
        """Judge the grid of all slices of a volume.

        Args:
            lines: How the guide's rows and columns lie on the target's.
            grid: As requested, whatever the affines say; then only the direction is judged.
        """
        straight = [line.drift(0.0) for line in lines]
        turned = [line.drift(line.natural_scale - 1) for line in lines]
        backwards = turned[0] < straight[0], turned[1] < straight[1]
        if grid is not None:
            return cls(grid, backwards if grid == "kspace" else (False, False))
        crop = [min(pair) for pair in zip(straight, turned, strict=True)]
        areas = [line.drift(0.5 * line.natural_scale - 0.5) for line in lines]
        within = all(off <= line.tolerance for off, line in zip(crop, lines, strict=True))
        if within and max(crop) < max(areas):
            return cls("kspace", backwards)
        return cls("centre" if max(areas) < max(line.tolerance for line in lines) else None)

    def placed(self, lines: tuple[AxisPlacement, AxisPlacement]) -> Placement:
        """Return how the turned slices lie: exactly, where a header's rounding hides it."""
        rows, columns = lines
        sizes = (rows.target_size, columns.target_size), (rows.guide_size, columns.guide_size)
        if self.grid == "kspace":
            return Placement.from_grid("kspace", *sizes)
        return in_plane(rows, columns).snapped(*sizes)

    def __call__(self, slices: Shaped[np.ndarray, "n rows columns"]) -> np.ndarray:
        """Return a view of slices as k-space was cropped, and back again."""
        view: np.ndarray = np.flip(slices, tuple(axis + 1 for axis in (0, 1) if self.turned[axis]))
        return view


def along(
    change: Callable[[Voxels, int, AxisPlacement], Voxels], volume: Voxels, places: Places
) -> Voxels:
    """Return a volume changed along every axis of some places."""
    for axis, line in places.items():
        volume = change(volume, axis, line)
    return volume


def nearest_samples(volume: Shaped[np.ndarray, "x y z"], places: Places) -> np.ndarray:
    """Return for every guide voxel the nearest sample of a target."""
    for axis, line in places.items():
        where = np.rint(np.arange(line.guide_size) * line.scale + line.offset)
        nearest = np.clip(where, 0, line.target_size - 1).astype(np.int64)
        volume = volume.take(nearest, axis=axis)
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
