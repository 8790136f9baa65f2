"""The images of a result that lie on one grid, read where they are looked at."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.errors import PairError
from gisr.io.colour import read_colour
from gisr.io.depth.maps import read_depth
from gisr.io.geotiff import GeoHeader, GeoReader, read_header
from gisr.io.limits import Limits
from gisr.io.pairs import DepthPair, RasterPair, VolumePair
from gisr.io.volumes.header import Volume
from gisr.io.volumes.nifti import read_nifti
from gisr.pipelines.request import Order
from gisr.windows import Window

LayerName = Literal["interpolated", "sharpened", "guide", "truth", "spread", "filled"]
"""``spread`` is how sure the network was, ``filled`` 1 where a depth map had holes, else 0."""
Image = Float[np.ndarray, "h w channels"]
"""NaN where unknown."""
_NAN = float("nan")
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
    def read(self, name: LayerName, plane: Plane, window: Window) -> Image:
        """Return a window of a layer."""

    def thinned(self, name: LayerName, plane: Plane, side: int) -> Image:
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

    def read(self, name: LayerName, plane: Plane, window: Window) -> Image:
        """Return a window of a layer."""
        with GeoReader(self._files[name]) as reader:
            pixels, valid = reader.read(*window)
        return np.where(valid[..., None], pixels, np.nan).astype(np.float32)


class VolumeLayers(Layers):
    """Volumes in memory: read once, looked at slice by slice, along any axis."""

    def __init__(self, volumes: dict[LayerName, Float[np.ndarray, "X Y Z"]], axis: int) -> None:
        """Keep the volumes, which were sharpened in slices across an axis."""
        super().__init__(tuple(volumes))
        self._volumes, self.axis = volumes, axis
        self.slices = volumes["guide"].shape

    def size(self, plane: Plane) -> tuple[int, int]:
        """Return rows and columns of a slice as it is shown."""
        columns, rows = (side for axis, side in enumerate(self.slices) if axis != plane.axis)
        return rows, columns

    def read(self, name: LayerName, plane: Plane, window: Window) -> Image:
        """Return a window of a slice, turned so that up is up in most volumes."""
        image = np.rot90(np.take(self._volumes[name], plane.index, plane.axis))[window]
        return np.where(np.isfinite(image), image, np.nan)[..., None]


class DepthLayers(Layers):
    """Depth maps and a picture in memory."""

    def __init__(self, images: dict[LayerName, Image]) -> None:
        """Keep the images."""
        super().__init__(tuple(images))
        self._images = images

    def size(self, plane: Plane) -> tuple[int, int]:
        """Return rows and columns."""
        height, width, _ = self._images["guide"].shape
        return height, width

    def read(self, name: LayerName, plane: Plane, window: Window) -> Image:
        """Return a window of a layer."""
        return self._images[name][window]


@dataclass(frozen=True, eq=False)
class Truth:
    """A reference that the user gave, read and found to fit."""

    path: Path
    order: Order
    limits: Limits

    def check(self) -> None:
        """Read what tells whether it fits; of a volume or a depth map, everything.

        Raises:
            PairError: It is not on the guide's grid, or has other bands than the target.
            GisrError: It cannot be read.
        """
        files = self.order.files
        match files:
            case RasterPair():
                found: tuple[int, ...] = (*self.scene.shape, self.scene.bands)
                wanted: tuple[int, ...] = (*files.guide.shape, files.target.bands)
            case VolumePair():
                found, wanted = self.volume.shape, files.guide.shape
            case DepthPair():
                found, wanted = self.depth.shape[:2], files.guide.shape[:2]
        if found != wanted:
            raise PairError(
                f"{self.path}: a truth of {size_text(found)} does not fit, the sharpened image "
                f"will have {size_text(wanted)}: give the high-resolution image the target was "
                "made from, or none"
            )

    @cached_property
    def scene(self) -> GeoHeader:
        """The header of a GeoTIFF, with the bands that are sharpened."""
        options = self.order.options
        return read_header(self.path, self.limits, options.bands, options.nodata)

    @cached_property
    def volume(self) -> Volume:
        """A volume."""
        return read_nifti(self.path, self.limits)

    @cached_property
    def depth(self) -> Image:
        """A depth map."""
        return _depth_image(self.path, self.order.options.invalid or 0, self.limits)


def open_layers(order: Order, interpolated: Path, truth: Truth | None, limits: Limits) -> Layers:
    """Return the layers of a finished order.

    Args:
        order: With its output written.
        interpolated: Written the same way, without the network.
        truth: If one was given.
        limits: What the header of the guide may claim.

    Raises:
        GisrError: A file cannot be read.
    """
    written: dict[LayerName, Path] = {"interpolated": interpolated, "sharpened": order.output}
    if order.options.uncertainty is not None:
        written["spread"] = Path(order.options.uncertainty)
    match files := order.files:
        case RasterPair():
            scenes = {name: read_header(path) for name, path in written.items()}
            scenes["guide"] = files.guide
            return SceneLayers(scenes | ({"truth": truth.scene} if truth else {}))
        case VolumePair():
            volumes = {name: read_nifti(path).voxels for name, path in written.items()}
            volumes["guide"] = files.guide.voxels
            if truth:
                volumes["truth"] = truth.volume.voxels
            return VolumeLayers(volumes, files.placement.slice_axis)
        case DepthPair():
            unknown = {"spread": _NAN}
            images = {
                name: _depth_image(path, unknown.get(name, files.target.unknown))
                for name, path in written.items()
            }
            images["guide"] = np.atleast_3d(
                read_colour(files.guide_path, limits).astype(np.float32)
            )
            if order.options.mask is not None:
                images["filled"] = _depth_image(Path(order.options.mask), _NAN) / np.float32(255)
            return DepthLayers(images | ({"truth": truth.depth} if truth else {}))


def _depth_image(path: Path, unknown: float, limits: Limits | None = None) -> Image:
    found = read_depth(path, invalid=unknown, limits=limits or Limits())
    return np.where(found.valid, found.values, np.nan).astype(np.float32)[..., None]


def size_text(shape: tuple[int, ...]) -> str:
    """Return sides as people write them: ``480 x 640``."""
    return " x ".join(map(str, shape))
