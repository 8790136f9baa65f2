"""The images of a result that lie on one grid, read where they are shown."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.array_types import Values
from gisr.errors import PairError
from gisr.io.geotiff import GeoHeader, GeoReader
from gisr.sizes import picture_size
from gisr.windows import Window

LayerName = Literal["interpolated", "sharpened", "guide", "truth", "spread", "filled"]
"""``spread``: that of the network's answers; ``filled``: 1 where a hole was filled, else 0."""
"""NaN where unknown."""
_ROWS = 512
"""Rows of a scene that are read at a time for its overview."""


@dataclass(frozen=True)
class Plane:
    """A slice of a volume; of a picture there is one."""

    axis: int = 0
    """Axis of the volume that the slice is cut across."""
    index: int = 0


class Layers(ABC):
    """Interpolated, sharpened, guide, and what else was given or made; all on the guide's grid."""

    def __init__(self, names: tuple[LayerName, ...]) -> None:
        """Remember which there are."""
        self.names = names
        """The layers there are."""

    slices: tuple[int, ...] = (1,)
    """How many planes there are along each axis that one can cut across."""
    axis = 0
    """The axis across which the network saw its slices."""

    @abstractmethod
    def size(self, plane: Plane) -> tuple[int, int]:
        """Return rows and columns of a plane."""

    @abstractmethod
    def read(self, name: LayerName, plane: Plane, window: Window) -> Values:
        """Return a window of a layer."""

    def thinned(self, name: LayerName, plane: Plane, side: int) -> Values:
        """Return every n-th pixel of a layer, so that no side is longer than ``side``."""
        height, width = self.size(plane)
        step = -(-max(height, width) // side)
        rows = max(step, _ROWS // step * step)
        parts = [
            self.read(name, plane, (slice(top, min(top + rows, height)), slice(0, width)))
            for top in range(0, height, rows)
        ]
        return np.concatenate([part[::step, ::step] for part in parts])


class SceneLayers(Layers):
    """GeoTIFFs, which may be large: only windows are read."""

    def __init__(self, files: dict[LayerName, GeoHeader]) -> None:
        """Open nothing yet."""
        super().__init__(tuple(files))
        self._files = files

    def size(self, plane: Plane) -> tuple[int, int]:
        """Return rows and columns."""
        return self._files["guide"].shape

    def read(self, name: LayerName, plane: Plane, window: Window) -> Values:
        """Return a window of a layer."""
        with GeoReader(self._files[name]) as reader:
            pixels, valid = reader.read(*window)
        return np.where(valid[..., None], pixels, np.nan).astype(np.float32)


class VolumeLayers(Layers):
    """Volumes in memory: read once, shown slice by slice, along any axis."""

    def __init__(self, volumes: dict[LayerName, Float[np.ndarray, "X Y Z"]], axis: int) -> None:
        """Keep the volumes, which were sharpened in slices across an axis."""
        super().__init__(tuple(volumes))
        self._volumes, self.axis = volumes, axis
        self.slices = volumes["guide"].shape

    def size(self, plane: Plane) -> tuple[int, int]:
        """Return rows and columns of a slice as it is shown."""
        columns, rows = (side for axis, side in enumerate(self.slices) if axis != plane.axis)
        return rows, columns

    def read(self, name: LayerName, plane: Plane, window: Window) -> Values:
        """Return a window of a slice, turned so that up is up in most volumes."""
        image = np.rot90(np.take(self._volumes[name], plane.index, plane.axis))[window]
        return np.where(np.isfinite(image), image, np.nan)[..., None]


class DepthLayers(Layers):
    """Depth maps and a picture in memory."""

    def __init__(self, images: dict[LayerName, Values]) -> None:
        """Keep the images."""
        super().__init__(tuple(images))
        self._images = images

    def size(self, plane: Plane) -> tuple[int, int]:
        """Return rows and columns."""
        height, width, _ = self._images["guide"].shape
        return height, width

    def read(self, name: LayerName, plane: Plane, window: Window) -> Values:
        """Return a window of a layer."""
        return self._images[name][window]


@dataclass(frozen=True, eq=False)
class Truth:
    """A reference that the user gave, read and found to fit."""

    path: Path
    content: GeoHeader | Float[np.ndarray, "..."]
    """The header of a GeoTIFF, the voxels of a volume, or a depth map, NaN where unknown."""


def check_truth(
    path: Path,
    found: tuple[int, ...],
    wanted: tuple[int, ...],
    size: Callable[[tuple[int, ...]], str] = picture_size,
) -> None:
    """Refuse a reference that does not lie on the guide's grid.

    Args:
        path: Its file.
        found: Its shape.
        wanted: That of the result.
        size: How such shapes are written for the user.

    Raises:
        PairError: It does not.
    """
    if found != wanted:
        raise PairError(
            f"{path}: a truth of {size(found)} does not fit, the sharpened image will have "
            f"{size(wanted)}: give the high-resolution image the target was made from, or none"
        )
