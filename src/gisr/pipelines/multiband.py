"""The pipeline of coarse bands sharpened by finer bands of the same sensor: GeoTIFFs in and out."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from gisr.errors import InputError
from gisr.estimation.guide_choice import best_channels
from gisr.io.geotiff import BandStack, GeoReader
from gisr.io.geotiff.pair import RasterPair
from gisr.io.geotiff.stack import picked_bands
from gisr.io.limits import Limits
from gisr.pipelines.options import Options
from gisr.pipelines.rasters import RasterPipeline
from gisr.placement import Placement
from gisr.tasks.multiband import MULTIBAND
from gisr.tasks.sensors import UNKNOWN_SENSOR
from gisr.tasks.task import MOST_GUIDE_CHANNELS, Task

_FEWEST_GUIDES = 3
"""Bands of a guide from which it is taken for bands: two may be a panchromatic band and a mask."""
_WINDOWS = 4
"""Windows along each side of the lattice that is looked at to choose the bands that guide."""
_SIDE = 32
"""Side of a window in target pixels."""
_DETAIL = 5
"""Target pixels whose mean is taken away: what counts is what lies within it."""
_REACH = 3
"""Target pixels around a window that the low-pass of its guide needs."""


class MultibandPipeline(RasterPipeline):
    """GeoTIFF of coarse bands and of fine ones in, GeoTIFF on the grid of the fine ones out."""

    task: ClassVar[Task] = MULTIBAND

    def recognises(self, target: Path, guide: Path) -> bool:
        """Return whether both are TIFFs, not pictures, the guide of three finer bands or more."""
        found = self.look(target, guide)
        if found is None:
            return False
        several = found.guide_bands >= _FEWEST_GUIDES and not found.guide_picture
        return several and not found.guide_coarser and (found.placed or found.bands > 1)

    def read(self, target: Path, guide: Path, options: Options, limits: Limits) -> RasterPair:
        """Read both headers, relate their grids, and choose the bands that guide."""
        return _with_best(super().read(target, guide, options, limits))

    def read_stacks(
        self, target: BandStack, guide: BandStack, options: Options, limits: Limits
    ) -> RasterPair:
        """Read the headers of band files, relate their grids, and choose the bands that guide."""
        return _with_best(super().read_stacks(target, guide, options, limits))


def _with_best(files: RasterPair) -> RasterPair:
    """Return a pair with the bands of the guide that explain the target best, up to four."""
    guide = files.guide
    if guide.bands <= MOST_GUIDE_CHANNELS:
        return files
    samples = _samples(files)
    if samples is None:
        raise InputError(
            f"{guide.path}: has {guide.bands} bands, and too few pixels are known to choose "
            f"{MOST_GUIDE_CHANNELS}: name them (--guide-band)"
        )
    chosen = best_channels(*samples, MOST_GUIDE_CHANNELS)
    numbers = tuple(guide.numbers[channel] for channel in chosen)
    picked = picked_bands(guide, numbers)
    names = zip(numbers, picked.descriptions, strict=True)
    told = ", ".join(f"{number} {name}" if name else f"{number}" for number, name in names)
    note = (
        f"{guide.path.name} has {guide.bands} bands: {told} guide, which explain "
        f"{files.target.path.name} best"
    )
    return replace(files, guide=picked, guide_note=note)


def _samples(
    files: RasterPair,
) -> tuple[Float[np.ndarray, "pixels bands"], Float[np.ndarray, "pixels channels"]] | None:
    """Return the detail of target and guide at pixels of both, from windows all over them.

    Returns:
        None where too few pixels are known.
    """
    from scipy import ndimage  # imported on use: slow to import

    found: list[tuple[np.ndarray, np.ndarray]] = []
    with GeoReader(files.target) as low, GeoReader(files.guide) as high:
        for window in _windows(files.target.shape):
            pixels, known = low.read(*window)
            guide, seen = _guide_at(files, high, window)
            inside = ndimage.binary_erosion(known & seen, iterations=_DETAIL // 2)
            if inside.any():
                found.append((_detail(pixels)[inside], _detail(guide)[inside]))
    if not found:
        return None
    target, guides = (np.concatenate(each) for each in zip(*found, strict=True))
    return (target, guides) if len(target) > 8 * guides.shape[1] else None


def _windows(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Return windows on a lattice, or one that is the whole of a small image."""
    parts = []
    for side in shape:
        length = min(_SIDE, side)
        starts = sorted({int(s) for s in np.linspace(0, side - length, _WINDOWS)})
        parts.append([slice(start, start + length) for start in starts])
    return [(rows, columns) for rows in parts[0] for columns in parts[1]]


def _guide_at(
    files: RasterPair, reader: GeoReader, window: tuple[slice, slice]
) -> tuple[Float[np.ndarray, "h w channels"], np.ndarray]:
    """Return the guide at the target pixels of a window, and where all of it is known."""
    from gisr.data.degradations import mtf_reduced  # loads Pillow

    area, offset = [], []
    for axis, part in enumerate(window):
        scale, begin = files.placement.scale[axis], files.placement.offset[axis]
        first = max(0, int((part.start - _REACH - begin) / scale))
        last = min(files.guide.shape[axis], int((part.stop - 1 + _REACH - begin) / scale) + 1)
        area.append(slice(min(first, files.guide.shape[axis] - 1), max(last, first + 1)))
        offset.append(begin + area[axis].start * scale - part.start)
    pixels, known = reader.read(area[0], area[1])
    image = np.where(known[..., None], pixels, 0).astype(np.float32)
    shape = tuple(part.stop - part.start for part in window)
    placement = Placement(files.placement.scale, (offset[0], offset[1]))
    image, share = (
        mtf_reduced(each, shape, placement, UNKNOWN_SENSOR.mtf_gain)
        for each in (image, known.astype(np.float32))
    )
    return image, share > 1 - 1e-3


def _detail(image: np.ndarray) -> Float[np.ndarray, "h w c"]:
    from scipy import ndimage

    values = image.astype(np.float64)
    result: Float[np.ndarray, "h w c"] = values - ndimage.uniform_filter(
        values, (_DETAIL, _DETAIL, 1), mode="nearest"
    )
    return result
