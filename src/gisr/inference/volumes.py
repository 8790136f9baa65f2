"""MR volumes in files: read already, sharpened slice by slice, written with the guide's affine."""

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.contrasts import guess_contrast
from gisr.inference.order import FileResult, Order
from gisr.inference.source import nearest_pixels
from gisr.inference.upscaler import Progress, Upscaler
from gisr.io.nifti import write_nifti
from gisr.io.pairs import VolumePair


def upscale_volume(
    upscaler: Upscaler, order: Order, progress: Progress | None = None
) -> FileResult:
    """Sharpen an MR volume with one of another contrast, slice by slice.

    Raises:
        InputError: No voxel is finite.
        FileFormatError: The output cannot be written.
    """
    files = order.files
    assert isinstance(files, VolumePair)
    order = _with_contrasts(order, files)
    lows = files.placement.slices(files.target.voxels)
    highs = files.placement.slices(files.guide.voxels)
    sharp = np.empty(highs.shape, dtype=np.float32)
    pair: Pair | None = None
    for index, (low, high) in enumerate(zip(lows, highs, strict=True)):
        known = np.isfinite(low)
        if known.any():
            pair = order.pair(
                low[..., None],
                _finite_guide(high)[..., None],
                None if known.all() else known,
                files.placement.in_plane,
            )
            sharp[index] = _upscale_slice(upscaler, pair, order.options.description)
        else:
            sharp[index] = np.nan
        if progress is not None:
            progress(index + 1, len(lows))
    if pair is None:
        raise InputError(f"{files.target.path}: no voxel is finite: there is nothing to sharpen")
    inside = _covered(pair)
    notes = _volume_notes(order, files, inside)
    sharp[:, ~inside] = 0
    voxels = files.placement.volume(sharp)
    write_nifti(
        order.output,
        voxels,
        target=files.target,
        guide=files.guide,
        overwrite=order.options.overwrite,
    )
    return FileResult(
        path=order.output,
        task="mri",
        shape=voxels.shape,
        dtype=files.target.dtype.name,
        ratio=pair.ratio,
        grid=pair.grid,
        contrast=pair.contrast,
        guide_contrast=pair.guide_contrast,
        notes=tuple(notes),
    )


def _upscale_slice(
    upscaler: Upscaler, pair: Pair, description: str | None
) -> Float[np.ndarray, "H W"]:
    """Return one sharpened slice, NaN where the nearest target voxel is not finite."""
    image = upscaler.upscale(pair, description=description)[..., 0]
    if pair.valid is None:
        return image
    return np.where(nearest_pixels(pair.valid, image.shape, pair.placement), image, np.nan)


def _finite_guide(guide: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Return a guide slice whose NaN have the nearest finite value (0 in a slice without any)."""
    finite = np.isfinite(guide)
    return fill_holes(guide, finite) if finite.any() else np.zeros_like(guide)


def _with_contrasts(order: Order, files: VolumePair) -> Order:
    """Take contrasts that were not given from the file names."""
    given = order.options.contrast, order.options.guide_contrast
    contrast = given[0] or guess_contrast(files.target.path)
    guide = given[1] or guess_contrast(files.guide.path)
    if contrast == guide and None in given:
        # Two files of one name part: it says nothing about how they differ.
        contrast, guide = given
    return order.with_options(contrast=contrast, guide_contrast=guide)


def _volume_notes(order: Order, files: VolumePair, inside: Bool[np.ndarray, "H W"]) -> list[str]:
    notes = []
    contrast, guide = order.options.contrast, order.options.guide_contrast
    if contrast is None or guide is None:
        notes.append(
            f"contrasts {contrast or 'unknown'} (target) and {guide or 'unknown'} (guide): "
            "say them for a better description"
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
