"""Pairs with a truth, made from full-resolution images by the published protocols.

Each is the protocol of one task; another task that reduces its images alike names itself.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.degradations import ReducedAs, fill_holes, kspace_crop, pillow_reduce, wald
from gisr.data.pair import Pair
from gisr.data.resample import area_to_target, resize_pillow, shift
from gisr.placement import Placement
from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.tasks.sensors import listed_sensor

ScanReduction = Literal["kspace", "means"]
"""How an MR slice was made coarse: its k-space cropped to the centre, or means over blocks."""


def wald_pair(
    multispectral: Float[np.ndarray, "H W bands"],
    panchromatic: Float[np.ndarray, "H2 W2 channels"],
    ratio: int,
    *,
    sensor: str | None = None,
    bits: int | None = None,
    offset: tuple[float, float] = (0.0, 0.0),
    name: str = "",
    task: TaskName = PANSHARPENING.name,
) -> Pair:
    """Return Wald's reduced-resolution pair: the multispectral image is the truth.

    It is blurred by the sensor's Gaussian MTF and decimated by the ratio; the panchromatic image is
    brought to its grid by antialiased bicubic. Edges that are no multiple of the ratio are cut.

    Args:
        multispectral: Digital numbers.
        panchromatic: On the same grid, or finer by a whole factor; or finer bands that guide.
        ratio: Linear scale factor.
        sensor: Chooses the MTF.
        bits: Significant bits: the peak.
        offset: (rows, columns) in truth pixels that the target's samples lie beyond where the
            protocol puts them, as in real scenes whose grids are not nested.
        name: Of the pair.
        task: Of the pair.
    """
    rows, columns = (side // ratio * ratio for side in multispectral.shape[:2])
    truth = multispectral[:rows, :columns].astype(np.float32)
    guide = panchromatic.astype(np.float32)
    if guide.shape[:2] != multispectral.shape[:2]:
        guide = resize_pillow(guide, multispectral.shape[:2])
    guide = guide[:rows, :columns]
    moved = truth if offset == (0.0, 0.0) else shift(truth, offset)
    target = wald(moved, ratio, listed_sensor(sensor).mtf_gain)
    nested = Placement.from_grid("centre", target.shape[:2], guide.shape[:2])
    begin = (nested.offset[0] - offset[0] / ratio, nested.offset[1] - offset[1] / ratio)
    peak = float(2**bits - 1) if bits is not None else float(truth.max())
    return Pair(
        target,
        guide,
        task,
        Placement(nested.scale, begin),
        "centre",
        truth=truth,
        name=name,
        sensor=sensor,
        bits=bits,
        peak=peak,
    )


def kspace_pair(
    truth: Float[np.ndarray, "H W"],
    guide: Float[np.ndarray, "H W"],
    ratio: int,
    *,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    peak: float | None = None,
    name: str = "",
    task: TaskName = MRI.name,
) -> Pair:
    """Return an MR slice whose k-space was cropped to its centre, with its guide."""
    target = kspace_crop(truth, ratio)
    return Pair(
        target[..., None],
        guide[..., None].astype(np.float32),
        task,
        Placement.from_grid("kspace", target.shape, truth.shape),
        "kspace",
        truth=truth[..., None].astype(np.float32),
        name=name,
        contrast=contrast,
        guide_contrast=guide_contrast,
        peak=float(truth.max()) if peak is None else peak,
    )


def mean_pair(
    truth: Float[np.ndarray, "H W"],
    guide: Float[np.ndarray, "H W"],
    ratio: int,
    *,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    name: str = "",
    task: TaskName = MRI.name,
) -> Pair:
    """Return an MR slice of which every pixel is the mean of a block, with its guide.

    Edges that are no multiple of the ratio are cut.
    """
    rows, columns = (side // ratio * ratio for side in truth.shape)
    fine = truth[:rows, :columns].astype(np.float32)
    low = rows // ratio, columns // ratio
    placement = Placement.from_grid("centre", low, fine.shape)
    return Pair(
        area_to_target(fine[..., None], low, placement),
        guide[:rows, :columns, None].astype(np.float32),
        task,
        placement,
        "centre",
        truth=fine[..., None],
        name=name,
        contrast=contrast,
        guide_contrast=guide_contrast,
        peak=float(fine.max()),
    )


def depth_pair(
    truth: Float[np.ndarray, "H W"],
    colour: Float[np.ndarray, "H W channels"],
    ratio: int,
    *,
    valid: Bool[np.ndarray, "H W"] | None = None,
    reduced_as: ReducedAs = "float32",
    name: str = "",
    task: TaskName = DEPTH.name,
) -> Pair:
    """Return a depth map reduced by Pillow's bicubic (after filling holes), with its colour image.

    Edges that are no multiple of the ratio are cut, as the published loaders do.
    """
    rows, columns = (side // ratio * ratio for side in truth.shape)
    truth = truth[:rows, :columns].astype(np.float32)
    known = None if valid is None or valid.all() else valid[:rows, :columns]
    filled = truth if known is None else fill_holes(truth, known)
    target = pillow_reduce(filled, ratio, reduced_as=reduced_as)
    guide = colour[:rows, :columns].astype(np.float32)
    return Pair(
        target[..., None],
        guide,
        task,
        Placement.from_grid("centre", target.shape, truth.shape),
        "centre",
        truth=truth[..., None],
        truth_valid=known,
        name=name,
        peak=float(truth.max()),
    )
