"""Depth maps in files: read already, sharpened, written in the target's unit and type."""

import numpy as np

from gisr.errors import InputError
from gisr.inference.order import FileResult, Order
from gisr.inference.source import nearest_pixels
from gisr.inference.upscaler import Progress, Upscaler
from gisr.io.depthmap import write_depth
from gisr.io.pairs import DepthPair


def upscale_depth_map(
    upscaler: Upscaler, order: Order, progress: Progress | None = None
) -> FileResult:
    """Sharpen a depth map with a colour picture; holes stay holes.

    Raises:
        InputError: Nothing is known.
        FileFormatError: The output cannot be written.
    """
    files = order.files
    assert isinstance(files, DepthPair)
    target = files.target
    if not target.valid.any():
        raise InputError(f"{target.path}: every pixel is unknown: there is nothing to sharpen")
    guide = files.guide[..., None] if files.guide.ndim == 2 else files.guide
    pair = order.pair(
        target.values.astype(np.float32)[..., None],
        guide.astype(np.float32),
        None if target.valid.all() else target.valid,
        None,
    )
    image = upscaler.upscale(pair, description=order.options.description, progress=progress)
    depth = image[..., 0]
    valid = nearest_pixels(target.valid, depth.shape, pair.placement)
    write_depth(order.output, depth, valid, like=target, overwrite=order.options.overwrite)
    return FileResult(
        path=order.output,
        task="depth",
        shape=depth.shape,
        dtype=target.dtype.name,
        ratio=pair.ratio,
        grid=pair.grid,
    )
