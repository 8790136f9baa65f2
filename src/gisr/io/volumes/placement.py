"""How two volumes lie together: axes matched, voxel sizes compared, rotation found, by affines."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from gisr.errors import PairError
from gisr.io.volumes.axis_placement import HALF_VOXEL, SAME, AxisPlacement
from gisr.io.volumes.header import Shape, VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.placement import LARGEST_RATIO
from gisr.sizes import volume_size

_CONTRADICTION = 0.75
"""Target voxels between the grid requested and the affines from which they contradict each other:
the named grids are at most half a voxel apart."""
_FINER = 1.02
"""A guide that is less than 2 % finer along an axis is no finer there."""
_LEAST_COVER, _MOST_COVER = 0.02, 3.0
"""Least and most of their distance that slices can be thick."""
_LARGEST_ANGLE = 30.0
"""Degrees between the axes above which the blur of a target's voxels no longer lies along the
guide's axes, as the network takes it to."""
_SMALLEST_SHARE = 1e-3
"""A target that covers less of its guide is taken for a mistake."""


@dataclass(frozen=True, eq=False)
class VolumePlacement:
    """How the guide's voxels map to the target's, once the target's axes are turned to it."""

    turn: Float[np.ndarray, "3 2"]
    """nibabel's orientation: for each axis of the target the guide's axis, and 1 or -1."""
    to_target: Float64[np.ndarray, "4 4"]
    """Guide index to index of the turned target."""
    target_shape: Shape
    """Of the turned target."""
    guide_shape: Shape
    ratios: tuple[float, float, float]
    """Size of the target's voxels in those of the guide, along each axis of the guide."""
    target_zooms: tuple[float, float, float]
    """Voxel sizes of the turned target."""
    angle: float
    """Degrees by which the target is rotated against the guide; 0 where that does not matter."""
    stacked: int
    """The guide's axis along which the target's slices follow each other."""
    distance: float
    """Of the planes of those slices, mm."""
    covers: float = 1.0
    """Thickness of thick slices over their distance."""

    @property
    def coarse(self) -> tuple[int, ...]:
        """The axes along which the guide is finer."""
        return tuple(
            axis for axis in range(3) if self.ratios[axis] >= _FINER and self.guide_shape[axis] > 1
        )

    @property
    def ratio(self) -> float:
        """How many times finer the guide is: geometric mean over the coarse axes."""
        return math.prod(self.ratios[axis] for axis in self.coarse) ** (1 / len(self.coarse))

    @property
    def thick_axis(self) -> int | None:
        """The coarse axis that is sharpened after the others, or alone; None when in-plane only.

        It has the longest sides of voxels, and is that of the slices if no other has longer ones.
        """
        thickest = int(np.argmax(self.target_zooms))
        if len(self.coarse) == 3:
            as_thick = self.target_zooms[self.stacked] * _FINER >= self.target_zooms[thickest]
            return self.stacked if as_thick else thickest
        alone = self.coarse == (thickest,)
        return thickest if alone else None

    @property
    def through_slices(self) -> bool:
        """Whether slices are thick ones, whose thickness counts: not pixels that are larger."""
        return self.thick_axis == self.stacked

    @property
    def slice_axis(self) -> int:
        """The axis across which a volume is shown in slices: one that is not coarse if any."""
        thick = self.thick_axis
        if thick is not None:
            return thick
        fine = [axis for axis in range(3) if axis not in self.coarse]
        return max(fine, key=lambda axis: (self.target_zooms[axis] / self.ratios[axis], axis))

    def axis(self, axis: int) -> AxisPlacement:
        """Return the placement along one axis of grids that are not rotated."""
        return AxisPlacement(
            self.target_shape[axis],
            self.guide_shape[axis],
            float(self.to_target[axis, axis]),
            float(self.to_target[axis, 3]),
            self.covers if axis == self.thick_axis else 1.0,
        )

    def with_thickness(
        self, thickness: float | None, stated_by: str | None = None
    ) -> "VolumePlacement":
        """Return the placement of slices of a thickness, mm; it counts for thick slices alone.

        Args:
            thickness: None where it is not known.
            stated_by: Name of the file whose header or sidecar states it; None where an option
                does.

        Raises:
            PairError: It is impossible.
        """
        if thickness is None or not self.through_slices:
            return self
        covers = thickness / self.distance
        if not _LEAST_COVER <= covers <= _MOST_COVER:
            words = f"slices {thickness:g} mm thick every {self.distance:.4g} mm are impossible"
            if stated_by is None:
                raise PairError(f"{words}: correct --thickness, or SliceThickness of the sidecar")
            raise PairError(
                f"{stated_by}: {words}, its header or the .json beside it says so "
                "(SliceThickness): give the right one with --thickness"
            )
        return replace(self, covers=1.0 if abs(covers - 1) < _FINER - 1 else covers)

    def turned(self, voxels: Float[np.ndarray, "X Y Z"]) -> Float[np.ndarray, "X Y Z"]:
        """Return a view of the target's voxels whose axes run as the guide's do."""
        nibabel = volume_library("nibabel")
        view: np.ndarray = nibabel.apply_orientation(voxels, self.turn)
        return view

    def covered(self) -> Bool[np.ndarray, "X Y Z"]:
        """Return which guide voxels have their centre inside the target's extent."""
        return _inside(self.to_target, self.guide_shape, self.target_shape)

    def shown(self) -> Bool[np.ndarray, "x y z"]:
        """Return which voxels of the turned target have their centre inside the guide's extent."""
        to_guide = np.linalg.inv(self.to_target)
        return _inside(to_guide, self.target_shape, self.guide_shape)

    def with_grid(self, grid: Literal["centre", "kspace"]) -> "VolumePlacement":
        """Return the placement of two volumes of one field of view, in place of their affines'.

        Raises:
            PairError: They are rotated against each other.
        """
        if self.angle:
            raise PairError(
                f"grid {grid!r} is for volumes whose axes agree, these are rotated by "
                f"{self.angle:.1f} degrees: leave the grid out"
            )
        to_target, ratios = self.to_target.copy(), list(self.ratios)
        for axis in self.coarse:
            scale = self.axis(axis).natural_scale
            to_target[axis, axis], ratios[axis] = scale, 1 / scale
            to_target[axis, 3] = self._named_offset(axis, grid)
        x, y, z = ratios
        return replace(self, to_target=to_target, ratios=(x, y, z))

    def _named_offset(self, axis: int, grid: Literal["centre", "kspace"]) -> float:
        """Return the offset of a named grid; of k-space the direction that suits the affines."""
        line = self.axis(axis)
        if grid == "centre":
            return 0.5 * line.natural_scale - 0.5
        return min(0.0, line.natural_scale - 1, key=line.drift)

    def contradictions(self, grid: Literal["centre", "kspace"]) -> list[str]:
        """Return what the affines say against a grid that is requested, axis by axis."""
        found = []
        for axis in self.coarse:
            line = self.axis(axis)
            if line.drift(self._named_offset(axis, grid)) <= _CONTRADICTION:
                continue
            zoom = self.target_zooms[axis]
            sizes = line.target_size * zoom, line.guide_size * zoom / self.ratios[axis]
            starts = (-0.5 * line.scale + line.offset + 0.5) * zoom
            found.append(
                f"fields of view of {sizes[0]:.4g} and {sizes[1]:.4g} mm that begin {starts:.3g} "
                f"mm apart along axis {axis}"
            )
        return found


def place_volumes(target: VolumeHeader, guide: VolumeHeader) -> VolumePlacement:
    """Return how the guide's voxels map to the target's, from the two affines.

    Axes are matched and flipped by nibabel's orientation functions.

    Raises:
        PairError: A rotation too large, no overlap, both on one grid, a guide that is not finer,
            or an impossible ratio.
    """
    placement = _placed(target, guide)
    names = f"{target.path.name} and {guide.path.name}"
    if placement.angle > _LARGEST_ANGLE:
        raise PairError(
            f"{names}: rotated against each other by {placement.angle:.0f} degrees, more than "
            f"{_LARGEST_ANGLE:g}: resample the guide to the target's axes first, keeping its voxel "
            "size (for example nibabel.processing.resample_from_to)"
        )
    _check_ratios(placement, target, guide, names)
    share = placement.covered().mean()
    if share == 0:
        raise PairError(
            f"{names}: the two do not overlap (the guide's first voxel is the target's "
            f"{_numbers(placement.to_target[:3, 3])} of {volume_size(target.shape)}): give "
            "files of one head"
        )
    if share < _SMALLEST_SHARE:
        raise PairError(
            f"{names}: the target covers only {share:.2g} of the guide: check that both are of one "
            "head, or cut the guide to the target's part"
        )
    return placement


def _placed(target: VolumeHeader, guide: VolumeHeader) -> VolumePlacement:
    orientations = volume_library("nibabel.orientations")
    directions = guide.affine[:3, :3] / guide.zooms
    in_guide = np.linalg.inv(directions) @ target.affine[:3, :3]
    relative = np.eye(4)
    relative[:3, :3] = in_guide
    turn = orientations.io_orientation(relative)
    affine = target.affine @ orientations.inv_ornt_aff(turn, target.shape)
    to_target = np.linalg.inv(affine) @ guide.affine
    order = np.argsort(turn[:, 0])
    x, y, z = (target.shape[axis] for axis in order)
    zooms = [target.zooms[axis] for axis in order]
    mixing = np.abs(to_target[:3, :3] * (np.array(guide.shape) - 1))
    np.fill_diagonal(mixing, 0)
    rotated = mixing.max() > SAME
    cosines = np.diag(np.linalg.inv(directions) @ affine[:3, :3] / zooms)
    angle = math.degrees(math.acos(min(1.0, max(-1.0, float(cosines.min())))))
    return VolumePlacement(
        turn=turn,
        to_target=to_target if rotated else np.where(_unmixed(), to_target, 0.0),
        target_shape=(x, y, z),
        guide_shape=guide.shape,
        ratios=_ratios(to_target, zooms, guide, rotated),
        target_zooms=(zooms[0], zooms[1], zooms[2]),
        angle=angle if rotated else 0.0,
        stacked=int(turn[target.slice_axis, 0]),
        distance=target.slice_distance,
    )


def _inside(
    matrix: Float64[np.ndarray, "4 4"], shape: Shape, other: Shape
) -> Bool[np.ndarray, "X Y Z"]:
    """Return which voxels of one grid have their centre inside another's extent."""
    inside = np.ones(shape, dtype=bool)
    rest = np.ogrid[: shape[1], : shape[2]]
    for first in range(shape[0]):  # slab by slab: indices take eight times a mask
        for size, row in zip(other, matrix[:3], strict=True):
            where = row[0] * first + row[1] * rest[0] + row[2] * rest[1] + row[3]
            inside[first] &= (where > -HALF_VOXEL) & (where < size - 1 + HALF_VOXEL)
    return inside


def _unmixed() -> Bool[np.ndarray, "4 4"]:
    """Return which numbers of an affine place axes without mixing them."""
    kept = np.eye(4, dtype=bool)
    kept[:, 3] = True
    return kept


def _ratios(
    to_target: Float64[np.ndarray, "4 4"],
    zooms: list[float],
    guide: VolumeHeader,
    rotated: bool,
) -> tuple[float, float, float]:
    x, y, z = (
        zooms[axis] / guide.zooms[axis] if rotated else 1 / float(to_target[axis, axis])
        for axis in range(3)
    )
    return x, y, z


def _check_ratios(
    placement: VolumePlacement, target: VolumeHeader, guide: VolumeHeader, names: str
) -> None:
    grids = " and ".join(
        f"{volume_size(volume.shape)} voxels of {_zooms(volume)}" for volume in (target, guide)
    )
    if placement.coarse:
        largest = max(placement.ratios[axis] for axis in placement.coarse)
        if largest > LARGEST_RATIO * (1 + 1e-6):
            raise PairError(
                f"{names}: ratio {largest:.4g} is above {LARGEST_RATIO:g} ({grids}): "
                "check that the two show the same head, or reduce the guide first"
            )
        return
    if min(placement.ratios) * _FINER < 1:
        raise PairError(
            f"{names}: the guide is coarser than the target ({grids}): exchange them, or give a "
            "guide with more detail than the target"
        )
    raise PairError(
        f"{names}: both are on one grid already ({grids}), so the missing detail is unknown: "
        "give the target as it was acquired, before it was resampled to the guide"
    )


def _zooms(volume: VolumeHeader) -> str:
    return " x ".join(f"{zoom:.4g}" for zoom in volume.zooms)


def _numbers(values: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
