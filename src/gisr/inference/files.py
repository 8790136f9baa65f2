"""Files in, a file out: read a pair, sharpen it, write it on the guide's grid."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.errors import FileFormatError, InputError, PairError
from gisr.inference.align import Alignment
from gisr.inference.call import place_by_shape
from gisr.inference.contrasts import guess_contrast
from gisr.inference.scene import SceneOptions, upscale_scene
from gisr.inference.source import nearest_pixels
from gisr.inference.upscaler import Progress, Upscaler
from gisr.io import depthmap, nifti
from gisr.io.depthmap import write_depth
from gisr.io.files import check_not_input, check_writable, file_suffix
from gisr.io.geotiff import Layout
from gisr.io.nifti import write_nifti
from gisr.io.pairs import DepthPair, RasterPair, VolumePair, guess_task, read_pair
from gisr.io.placement import Placement
from gisr.tasks.task import Grid, TaskName, find_task

OUTPUT_SUFFIXES: dict[TaskName, tuple[str, ...]] = {
    "pansharpening": (".tif", ".tiff"),
    "mri": nifti.SUFFIXES,
    "depth": tuple(depthmap.READERS),
}
"""What the output of each task may be called."""

_RATIO_TOLERANCE = 0.02


@dataclass(frozen=True)
class FileResult:
    """What :func:`upscale_files` wrote, and what it took the files for."""

    path: Path
    """The output."""
    task: TaskName
    shape: tuple[int, ...]
    """Rows, columns and bands of a picture; voxels along each axis of a volume."""
    dtype: str
    """Type on disk, the target's."""
    ratio: float
    seconds: float
    """Wall time with reading and writing."""
    grid: Grid
    """``kspace`` when the target was brought to the guide's grid by zero-filling."""
    contrast: str | None = None
    """MR contrast of the target, given or read from its name."""
    guide_contrast: str | None = None
    """MR contrast of the guide, given or read from its name."""
    alignment: Alignment | None = None
    """What was found about the guide's shift; None where it was not looked for."""
    notes: tuple[str, ...] = ()
    """What a user should know about choices that were made for them."""


@dataclass(frozen=True)
class _Order:
    """What the caller asked for besides the two files."""

    upscaler: Upscaler
    output: Path
    ratio: float | None
    sensor: str | None
    bits: int | None
    contrast: str | None
    guide_contrast: str | None
    description: str | None
    grid: Grid | None
    overwrite: bool
    progress: Progress | None
    max_memory: int | None
    layout: Layout

    def pair(
        self,
        task: TaskName,
        target: Float[np.ndarray, "h w bands"],
        guide: Float[np.ndarray, "H W channels"],
        valid: Bool[np.ndarray, "h w"] | None,
        placement: Placement | None,
    ) -> Pair:
        """Build the pair: by the files' own placement, by shapes when there is none."""
        where, grid = self.place(task, target.shape[:2], guide.shape[:2], placement)
        return Pair(
            target,
            guide,
            task,
            where,
            grid,
            valid=valid,
            sensor=self.sensor,
            bits=self.bits,
            contrast=self.contrast,
            guide_contrast=self.guide_contrast,
        )

    def place(
        self,
        task: TaskName,
        target: tuple[int, int],
        guide: tuple[int, int],
        placement: Placement | None,
    ) -> tuple[Placement, Grid]:
        """Say how two images lie, from their shapes and what the files say.

        A ``grid`` that the caller names goes before what the files say.
        """
        if placement is None or self.grid is not None:
            grid = self.grid or find_task(task).grid
            return place_by_shape(target, guide, grid, self.ratio), grid
        if self.ratio is not None and abs(placement.ratio / self.ratio - 1) > _RATIO_TOLERANCE:
            raise PairError(
                f"ratio {self.ratio:g} is not what the files say ({placement.ratio:.4g}): "
                "leave the ratio out, or correct the georeference or affine"
            )
        # Only a k-space crop is enlarged in k-space; any other placement is interpolated.
        zero_filled = task == "mri" and placement.grid(target, guide) == "kspace"
        return placement, "kspace" if zero_filled else "centre"


def upscale_files(
    upscaler: Upscaler,
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    output_path: str | PathLike[str],
    *,
    task: TaskName | None = None,
    ratio: float | None = None,
    sensor: str | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    description: str | None = None,
    grid: Grid | None = None,
    invalid: float = 0,
    bands: Sequence[int] | None = None,
    nodata: float | None = None,
    layout: Layout | None = None,
    max_memory: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FileResult:
    """Sharpen a file with a file of another modality and write the result.

    A GeoTIFF is read, sharpened and written in parts, so that scenes may be larger than memory.
    The output has the guide's grid (size, CRS and transform, or affine) and everything else from
    the target's file (type, bands, names, nodata, compression, scaling). It appears whole or not at
    all. Pixels are unknown where the nearest target pixel is, where a panchromatic guide is, and
    where a GeoTIFF guide lies outside the target; holes of a depth map stay holes.

    Args:
        upscaler: From :func:`gisr.load_model`.
        target_path: Low-resolution GeoTIFF, NIfTI volume or depth map.
        guide_path: High-resolution file of the other modality.
        output_path: ``.tif`` for pansharpening, ``.nii`` or ``.nii.gz`` for mri, a depth format
            for depth.
        task: What the files are; guessed from them when not given.
        ratio: How many times finer the guide is; from the files when not given.
        sensor: Satellite sensor, for example ``QuickBird`` (pansharpening).
        bits: Significant bits per sample (pansharpening); from the file when not given.
        contrast: MR contrast of the target; read from its file name when not given.
        guide_contrast: MR contrast of the guide; likewise.
        description: Free text in place of the built-in description.
        grid: ``centre`` or ``kspace``: where target samples lie, whatever georeference or affine
            say; both files must then show the same field of view.
        invalid: Value of unknown pixels in a depth map.
        bands: Numbers of the target's bands to sharpen, from 1 (pansharpening).
        nodata: Value of unknown pixels of target and output, and of the guide if its type can hold
            it, in place of what the files say (pansharpening).
        layout: Creation options of the GeoTIFF, and whether it is Cloud-optimized.
        max_memory: Bytes the process may hold in all; a scene goes through in tiles small enough
            (pansharpening).
        overwrite: Whether an existing output may be replaced.
        progress: Called with (guide pixels done, pixels in all), for volumes with slices.

    Raises:
        InputError: An argument cannot be used with these files.
        PairError: The files do not fit together, or do not tell their task.
        FileFormatError: A file is missing or damaged, or the output exists, is an input, cannot be
            written, or has a name that does not suit the task.
        LimitError: A header claims more than the limits, or memory does not suffice.
        MissingExtraError: The package that reads the format is not installed.
    """
    began = time.perf_counter()
    output = Path(output_path)
    check_not_input(output, target_path, guide_path)
    kind: TaskName = guess_task(target_path, guide_path) if task is None else find_task(task).name
    _check_output(output, kind, overwrite)
    order = _Order(
        upscaler,
        output,
        ratio,
        sensor,
        bits,
        contrast,
        guide_contrast,
        description,
        grid,
        overwrite,
        progress,
        max_memory,
        layout or Layout(),
    )
    _check_options(order, kind)
    scene_only = {"bands": bands, "nodata": nodata, "layout": layout, "max_memory": max_memory}
    for name, value in scene_only.items():
        if value is not None and kind != "pansharpening":
            raise InputError(
                f"{name} {value} is for task pansharpening, these files are {kind}: leave it out"
            )
    files = read_pair(target_path, guide_path, kind, invalid=invalid, bands=bands, nodata=nodata)
    if isinstance(files, RasterPair):
        result = _upscale_raster(order, files)
    elif isinstance(files, VolumePair):
        result = _upscale_volume(order, files)
    else:
        result = _upscale_depth(order, files)
    return replace(result, seconds=time.perf_counter() - began)


def _upscale_raster(order: _Order, files: RasterPair) -> FileResult:
    if order.grid == "kspace":
        raise InputError("grid 'kspace' is for images in memory (mri, depth): leave it out")
    shapes = files.target.shape, files.guide.shape
    placed = files.placement if files.target.placed else None
    placement, _ = order.place("pansharpening", *shapes, placed)
    options = SceneOptions(
        placement,
        sensor=order.sensor,
        bits=files.target.bits if order.bits is None else order.bits,
        description=order.description,
        max_memory=order.max_memory,
        layout=order.layout,
        overwrite=order.overwrite,
        progress=order.progress,
    )
    done = upscale_scene(order.upscaler, files, order.output, options)
    return FileResult(
        path=order.output,
        task="pansharpening",
        shape=done.shape,
        dtype=files.target.dtype.name,
        ratio=placement.ratio,
        seconds=0.0,
        grid="centre",
        alignment=done.alignment,
        notes=done.notes,
    )


def _upscale_depth(order: _Order, files: DepthPair) -> FileResult:
    target = files.target
    if not target.valid.any():
        raise InputError(f"{target.path}: every pixel is unknown: there is nothing to sharpen")
    guide = files.guide[..., None] if files.guide.ndim == 2 else files.guide
    pair = order.pair(
        "depth",
        target.values.astype(np.float32)[..., None],
        guide.astype(np.float32),
        None if target.valid.all() else target.valid,
        None,
    )
    image = order.upscaler.upscale(pair, description=order.description, progress=order.progress)
    depth = image[..., 0]
    valid = nearest_pixels(target.valid, depth.shape, pair.placement)
    write_depth(order.output, depth, valid, like=target, overwrite=order.overwrite)
    return _result(order, pair, depth.shape, target.dtype, [])


def _upscale_volume(order: _Order, files: VolumePair) -> FileResult:
    order = _with_contrasts(order, files)
    lows = files.placement.slices(files.target.voxels)
    highs = files.placement.slices(files.guide.voxels)
    sharp = np.empty(highs.shape, dtype=np.float32)
    pair: Pair | None = None
    for index, (low, high) in enumerate(zip(lows, highs, strict=True)):
        known = np.isfinite(low)
        if known.any():
            pair = order.pair(
                "mri",
                low[..., None],
                _finite_guide(high)[..., None],
                None if known.all() else known,
                files.placement.in_plane,
            )
            sharp[index] = _upscale_slice(order, pair)
        else:
            sharp[index] = np.nan
        if order.progress is not None:
            order.progress(index + 1, len(lows))
    if pair is None:
        raise InputError(f"{files.target.path}: no voxel is finite: there is nothing to sharpen")
    inside = _covered(pair)
    notes = _volume_notes(order, files, inside)
    sharp[:, ~inside] = 0
    voxels = files.placement.volume(sharp)
    write_nifti(
        order.output, voxels, target=files.target, guide=files.guide, overwrite=order.overwrite
    )
    return _result(order, pair, voxels.shape, files.target.dtype, notes)


def _upscale_slice(order: _Order, pair: Pair) -> Float[np.ndarray, "H W"]:
    """Return one sharpened slice, NaN where the nearest target voxel is not finite."""
    image = order.upscaler.upscale(pair, description=order.description)[..., 0]
    if pair.valid is None:
        return image
    return np.where(nearest_pixels(pair.valid, image.shape, pair.placement), image, np.nan)


def _finite_guide(guide: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Return a guide slice whose NaN have the nearest finite value (0 in a slice without any)."""
    finite = np.isfinite(guide)
    return fill_holes(guide, finite) if finite.any() else np.zeros_like(guide)


def _with_contrasts(order: _Order, files: VolumePair) -> _Order:
    """Take contrasts that were not given from the file names."""
    contrast = order.contrast or guess_contrast(files.target.path)
    guide = order.guide_contrast or guess_contrast(files.guide.path)
    if contrast == guide and None in (order.contrast, order.guide_contrast):
        # Two files of one name part: it says nothing about how they differ.
        contrast, guide = order.contrast, order.guide_contrast
    return replace(order, contrast=contrast, guide_contrast=guide)


def _volume_notes(order: _Order, files: VolumePair, inside: Bool[np.ndarray, "H W"]) -> list[str]:
    notes = []
    if order.contrast is None or order.guide_contrast is None:
        notes.append(
            f"contrasts {order.contrast or 'unknown'} (target) and "
            f"{order.guide_contrast or 'unknown'} (guide): say them for a better description"
        )
    finite = np.isfinite(files.placement.slices(files.guide.voxels)).any(axis=(1, 2))
    if not finite.all():
        notes.append(f"{int((~finite).sum())} slices of the guide are all NaN: they guide nothing")
    if not inside.all():
        notes.append(f"{1 - inside.mean():.1%} of the guide lies outside the target: 0 there")
    return notes


def _covered(pair: Pair) -> Bool[np.ndarray, "H W"]:
    """Return which guide pixels the target shows; a k-space crop shows the whole field of view."""
    if pair.grid == "kspace":
        return np.ones(pair.guide.shape[:2], dtype=bool)
    return pair.placement.covered(pair.target.shape[:2], pair.guide.shape[:2])


def _result(
    order: _Order, pair: Pair, shape: tuple[int, ...], dtype: np.dtype, notes: list[str]
) -> FileResult:
    return FileResult(
        path=order.output,
        task=pair.task,
        shape=shape,
        dtype=dtype.name,
        ratio=pair.ratio,
        seconds=0.0,
        grid=pair.grid,
        contrast=pair.contrast,
        guide_contrast=pair.guide_contrast,
        notes=tuple(notes),
    )


def _check_output(output: Path, task: TaskName, overwrite: bool) -> None:
    """Refuse before any work what writing would refuse after it."""
    suffixes = OUTPUT_SUFFIXES[task]
    if file_suffix(output) not in suffixes:
        raise FileFormatError(
            f"{output}: task {task} writes {', '.join(suffixes)}: name the output so"
        )
    check_writable(output, overwrite)


def _check_options(order: _Order, task: TaskName) -> None:
    """Refuse options that would be ignored."""
    belong: dict[str, TaskName] = {
        "sensor": "pansharpening",
        "bits": "pansharpening",
        "contrast": "mri",
        "guide_contrast": "mri",
    }
    for name, owner in belong.items():
        if getattr(order, name) is not None and task != owner:
            raise InputError(
                f"{name} {getattr(order, name)!r} is for task {owner}, these files are {task}: "
                f"leave it out"
            )
