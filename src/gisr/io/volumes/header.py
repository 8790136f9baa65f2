"""MR volumes in files: their headers, and their voxels one volume at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64

from gisr.notes import Note

Shape = tuple[int, int, int]
ORDINALS = ("first", "second", "third")
"""Names of the axes of a file, for messages."""


@dataclass(frozen=True, eq=False)
class VolumeHeader:
    """Grid, type and meaning of the volumes in a file or a folder, all checked."""

    shape: Shape
    """Voxels along each axis of one volume, always three."""
    affine: Float64[np.ndarray, "4 4"]
    """Voxel index to world (RAS+), mm."""
    header: Any
    """Copy of the nibabel header, as it was on disk."""
    dtype: np.dtype
    """Type on disk, before slope and intercept."""
    path: Path
    """Where it came from."""
    count: int
    """How many volumes there are: more than one in a 4-D file."""
    read: Callable[[], Iterator[Float32[np.ndarray, "X Y Z"]]]
    """Reads the voxels of all volumes one after the other, slope and intercept applied."""
    stated: bool = field(default=True, kw_only=True)
    """Whether the header says where the volume lies."""
    slice_axis: int = field(default=2, kw_only=True)
    """The axis, as stored, along which slices follow each other."""
    thickness: float | None = field(default=None, kw_only=True)
    """Thickness of the slices, mm, where a header or sidecar states it."""
    padding: float | None = field(default=None, kw_only=True)
    """What integer files hold, before slope and intercept, where nothing was imaged: read as NaN,
    and written for it."""
    frame: str = field(default="", kw_only=True)
    """Frame of reference in which a DICOM series states its place."""
    extensions: tuple[str, ...] = field(default=(), kw_only=True)
    """Kinds of the header's extensions, which no output has."""
    notes: tuple[Note, ...] = field(default=(), kw_only=True)
    """What a user should know of the header."""

    @property
    def zooms(self) -> tuple[float, float, float]:
        """Size of a voxel along each axis, mm, from the affine."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(x), float(y), float(z)

    @property
    def slice_distance(self) -> float:
        """Distance of the planes of slices, mm: less than the voxels' size where they slant."""
        return float(1 / np.linalg.norm(np.linalg.inv(self.affine[:3, :3])[self.slice_axis]))

    @property
    def description(self) -> str:
        """The header's description of the image."""
        return bytes(self.header["descrip"]).split(b"\0")[0].decode("latin-1")

    def load(self) -> "Volume":
        """Read the first volume."""
        return Volume(**vars(self), voxels=next(self.read()))


@dataclass(frozen=True, eq=False)
class Volume(VolumeHeader):
    """A header and the voxels of its first volume."""

    voxels: Float32[np.ndarray, "X Y Z"]
    """Values with slope and intercept applied."""

    @property
    def valid(self) -> Bool[np.ndarray, "X Y Z"]:
        """Which voxels are finite."""
        finite: np.ndarray = np.isfinite(self.voxels)
        return finite
