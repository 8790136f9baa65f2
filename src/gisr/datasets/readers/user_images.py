"""The images of one row of a user's index: read on first use, and checked to fit together."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Shaped

from gisr.data.fill import find_fill
from gisr.datasets.readers.depth_files import with_channels
from gisr.errors import FileFormatError, GisrError, PairError
from gisr.io.colour import read_colour
from gisr.io.depth import maps as depthmap
from gisr.io.depth.maps import read_depth
from gisr.io.files import check_readable, file_suffix
from gisr.io.geotiff import geotiff_placement, read_geotiff, read_header
from gisr.io.volumes import nifti
from gisr.io.volumes.nifti import read_nifti, read_nifti_grid
from gisr.placement import Placement
from gisr.tasks import SATELLITE, TaskName, find_task
from gisr.tasks.task import MOST_GUIDE_CHANNELS

Role: TypeAlias = Literal["target", "guide", "truth"]
"""What a file is to its pair."""

_TIFF = (".tif", ".tiff")
_PICTURES = (".png", ".jpg", ".jpeg")
_DRIFT = 0.5
"""Pixels of the truth by which two headers may disagree: the bands of a sensor are often off by
part of a pixel, files of two places by more."""


def suffixes(task: TaskName, role: Role) -> tuple[str, ...]:
    """Return how the name of a file may end."""
    if task == "mri":
        return (*nifti.SUFFIXES, *_PICTURES)
    if task == "depth" and role != "guide":
        return tuple(depthmap.READERS)
    return (*_TIFF, *_PICTURES)


@dataclass(frozen=True)
class OwnImages:
    """The files of one row. Errors of its methods name the row and the column."""

    where: str
    """The row, for messages."""
    task: TaskName
    files: Mapping[Role, Path]
    """Guide, and target or truth or both."""
    ratio: int = 1
    """Guide pixels a target pixel, where there is a target."""
    scale: float = 1.0
    """What stored depth is divided by."""
    invalid: float = 0.0
    """Stored depth of unknown pixels."""

    @property
    def reduced(self) -> bool:
        """Whether there is a target; else truth and guide are of full resolution."""
        return "target" in self.files

    def pixels(self, role: Role) -> Shaped[np.ndarray, "H W bands"]:
        """Return an image, in the type on disk; (X, Y, Z) of a volume.

        Raises:
            GisrError: It cannot be read, or does not fit the target (the truth, without one).
        """
        self._check_fit(role)
        with self._located(role):
            return self._read(role)

    def depth(self) -> tuple[Float32[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        """Return the truth of a depth map and where it is known.

        Raises:
            GisrError: It cannot be read.
        """
        with self._located("truth"):
            return self._read_depth(self.files["truth"])

    def slice(self, role: Role, index: int) -> Shaped[np.ndarray, "H W 1"]:
        """Return a slice of a volume along the last axis.

        Raises:
            GisrError: As :meth:`pixels`.
        """
        self._check_fit(role)
        with self._located(role):
            path = check_readable(self.files[role])
            volume = _kept_volume(path, path.stat().st_mtime_ns)
        return np.array(volume[..., index, None])

    def shape(self, role: Role) -> tuple[int, ...]:
        """Return the shape of an image, from the header where the format has one with the shape.

        Raises:
            GisrError: It cannot be read.
        """
        path = self.files[role]
        with self._located(role):
            if file_suffix(path) in nifti.SUFFIXES:
                return read_nifti_grid(path)[0]
            if self.task in SATELLITE and file_suffix(path) in _TIFF:
                header = read_header(path)
                return (*header.shape, header.bands)
            return self._read(role).shape

    def _read(self, role: Role) -> Shaped[np.ndarray, "H W bands"]:
        path = self.files[role]
        if self.task == "mri":
            return _read_volume(path)
        if self.task in SATELLITE:
            return _read_raster(path)
        if role == "guide":
            return with_channels(read_colour(path))
        return self._read_depth(path)[0][..., None]

    def _read_depth(self, path: Path) -> tuple[Float32[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        stored = read_depth(path, invalid=self.invalid)
        unknown = int(stored.valid.size - stored.valid.sum())
        if self.reduced and unknown:
            raise FileFormatError(
                f"{path}: {unknown} pixels are unknown, which a row with a target cannot mark: "
                "fill them, or leave target empty and give the truth"
            )
        return (stored.values / self.scale).astype(np.float32), stored.valid

    def _check_fit(self, role: Role) -> None:
        base: Role = "target" if self.reduced else "truth"
        if role == base:
            return
        small, large = self.shape(base), self.shape(role)
        with self._located(role):
            if self.reduced:
                self._check_reduced(role, small, large)
            elif self.task in SATELLITE:
                most = MOST_GUIDE_CHANNELS if find_task(self.task).guide_bands else 1
                _check_ground(self.files["truth"], self.files["guide"], small, large, most)
            elif self.task == "mri":
                _check_grid(self.files["truth"], self.files["guide"], small, large)
            else:
                _check_size(small[:2], large[:2])

    def _check_reduced(self, role: Role, small: tuple[int, ...], large: tuple[int, ...]) -> None:
        wanted = (small[0] * self.ratio, small[1] * self.ratio)
        if large[:2] != wanted:
            raise PairError(
                f"{large[:2]} pixels for a target of {small[:2]} at ratio {self.ratio}: "
                f"must be {wanted}"
            )
        if (role == "truth" or self.task == "mri") and small[2] != large[2]:
            raise PairError(f"{large[2]} bands or slices for a target that has {small[2]}")

    @contextmanager
    def _located(self, role: Role) -> Iterator[None]:
        try:
            yield
        except GisrError as error:
            raise type(error)(f"{self.where}, column {role}: {error}") from error


def _read_raster(path: Path) -> Shaped[np.ndarray, "H W bands"]:
    if file_suffix(path) not in _TIFF:
        return with_channels(read_colour(path))
    raster = read_geotiff(path)
    unknown = int(raster.valid.size - raster.valid.sum())
    if unknown:
        raise FileFormatError(
            f"{path}: {unknown} pixels are unknown (nodata, masked or NaN): cut the pair to where "
            "all are known"
        )
    if found := find_fill(raster.pixels):
        raise FileFormatError(
            f"{path}: {found[0].text} looks like unknown ones, though the file names no such "
            "nodata: cut the pair to where all are known"
        )
    return raster.pixels


def _read_volume(path: Path) -> Shaped[np.ndarray, "X Y Z"]:
    if file_suffix(path) in nifti.SUFFIXES:
        volume = read_nifti(path)
        unknown = int(volume.valid.size - volume.valid.sum())
        if unknown:
            raise FileFormatError(f"{path}: {unknown} voxels are NaN or infinite: set them to 0")
        return volume.voxels
    picture = with_channels(read_colour(path))
    if picture.shape[2] > 1:
        raise FileFormatError(f"{path}: a colour picture: save the slice as a grey one")
    return picture


@lru_cache(maxsize=3)
def _kept_volume(path: Path, modified: int) -> Shaped[np.ndarray, "X Y Z"]:
    """Return a volume, kept until three others were read: its slices are requested one by one.

    Args:
        path: The file.
        modified: When it was; a file that has changed is read again.
    """
    return _read_volume(path)


def _check_ground(
    truth: Path, guide: Path, small: tuple[int, ...], large: tuple[int, ...], most: int
) -> None:
    """Refuse a guide that does not show the ground of the truth, or has more bands than it may."""
    if large[2] > most:
        kind = "a panchromatic guide has one" if most == 1 else f"at most {most} can guide"
        raise PairError(f"{large[2]} bands: {kind}")
    sides = (small[0], small[1]), (large[0], large[1])
    by_shape = Placement.from_grid("centre", *sides)
    if all(file_suffix(path) in _TIFF for path in (truth, guide)):
        placement = geotiff_placement(read_header(truth), read_header(guide))
        drift = placement.drift(by_shape, sides[1])
        if drift > _DRIFT:
            raise PairError(
                f"its georeference puts it up to {drift:.3g} pixels of the truth off: cut both to "
                "one extent"
            )


def _check_size(small: tuple[int, ...], large: tuple[int, ...]) -> None:
    if small != large:
        raise PairError(f"size {large}, but the truth is {small}: use one grid for both")


def _check_grid(truth: Path, guide: Path, small: tuple[int, ...], large: tuple[int, ...]) -> None:
    """Refuse an MR volume that is not on the grid of the truth."""
    _check_size(small, large)
    if all(file_suffix(path) in nifti.SUFFIXES for path in (truth, guide)):
        affines = [read_nifti_grid(path)[1] for path in (truth, guide)]
        ends = [(0.0, side - 1.0) for side in small]
        corners = np.stack([*np.meshgrid(*ends), np.ones((2, 2, 2))]).reshape(4, -1)
        drift = float(np.abs(np.linalg.solve(*affines) @ corners - corners).max())
        if not drift <= _DRIFT:
            raise PairError(
                f"its affine puts it up to {drift:.3g} voxels of the truth off: register the two "
                "and resample them to one grid"
            )
