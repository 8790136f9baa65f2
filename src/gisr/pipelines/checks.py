"""What only the samples of two files tell, looked at before the network is loaded."""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Shaped

from gisr.errors import InputError
from gisr.io.depth.maps import check_storable
from gisr.io.geotiff import GeoHeader, GeoReader
from gisr.io.pairs import DepthPair, RasterPair
from gisr.pipelines.request import Order
from gisr.tasks import describe

_LARGEST = float(np.finfo(np.float32).max)
_MOST_SAMPLES = 2**23
"""Samples of a GeoTIFF that are looked at here: a fraction of a second. Of a larger one, the survey
finds the same once the network is there."""
_WINDOW_SAMPLES = 2**19
_MOST_BITS = 32


def check_contents(order: Order) -> None:
    """Refuse files that hold nothing to sharpen, and options that do not go with them.

    Volumes were looked at when they were read.

    Raises:
        InputError: Nothing is known, values that float32 or the bits in use cannot hold, or an
            option with a value that cannot be.
        PairError: The ratio asked for is not what the files say.
        FileFormatError: A file is damaged, or the output's format cannot hold the target's values.
        LimitError: A file does not fit into memory.
    """
    _check_options(order)
    files = order.files
    if isinstance(files, RasterPair):
        _check_scene(order, files)
    elif isinstance(files, DepthPair):
        _check_depth(order, files)


def check_values(path: object, lowest: float, highest: float, bits: int | None = None) -> None:
    """Refuse values that float32, in which the network computes, or the bits in use cannot hold.

    Args:
        path: The file.
        lowest: Its smallest known value.
        highest: Its largest.
        bits: Bits in use; None when all are.

    Raises:
        InputError: A value is too large.
    """
    if bits is not None and highest > 2**bits - 1:
        raise InputError(
            f"{path}: holds {highest:g}, which {bits} bits cannot: correct bits or leave it out"
        )
    extreme = max(highest, lowest, key=abs)
    if abs(extreme) > _LARGEST:
        raise InputError(
            f"{path}: holds {extreme:.4g}, more than float32 can ({_LARGEST:.2g}): divide its "
            "values by a number first"
        )


def _check_options(order: Order) -> None:
    options = order.options
    if options.description is not None and not options.description.strip():
        raise InputError("describe is empty: leave it out to use the built-in description")
    if options.bits is not None and not 1 <= options.bits <= _MOST_BITS:
        raise InputError(f"bits {options.bits} must lie between 1 and {_MOST_BITS}")
    if options.ratio is not None and not (math.isfinite(options.ratio) and options.ratio >= 1):
        raise InputError(f"ratio {options.ratio:g} is no scale factor: it must be at least 1")
    describe(
        order.task,
        1.0,
        sensor=options.sensor,
        contrast=options.contrast,
        guide_contrast=options.guide_contrast,
    )


def _check_scene(order: Order, files: RasterPair) -> None:
    target, guide = files.target, files.guide
    order.place(target.shape, guide.shape, files.placement if target.placed else None)
    bits = target.bits if order.options.bits is None else order.options.bits
    for header, own_bits in ((target, bits), (guide, None)):
        if math.prod(header.shape) * header.bands > _MOST_SAMPLES:
            continue
        lowest, highest = math.inf, -math.inf
        for pixels, valid in _windows(header):
            known = pixels[valid]
            if known.size:
                lowest = min(lowest, float(known.min()))
                highest = max(highest, float(known.max()))
        if lowest > highest:
            raise InputError(f"{header.path}: every pixel is unknown (no data)")
        check_values(header.path, lowest, highest, own_bits)


def _windows(
    header: GeoHeader,
) -> Iterator[tuple[Shaped[np.ndarray, "h w bands"], Bool[np.ndarray, "h w"]]]:
    """Read a file by whole rows of blocks."""
    height, width = header.shape
    block = header.block[0]
    step = max(1, _WINDOW_SAMPLES // (width * header.bands * block)) * block
    with GeoReader(header) as reader:
        for top in range(0, height, step):
            yield reader.read(slice(top, min(top + step, height)), slice(0, width))


def _check_depth(order: Order, files: DepthPair) -> None:
    target = files.target
    order.place(target.shape, (files.guide.shape[0], files.guide.shape[1]), None)
    check_storable(order.output, target.dtype)
    known = target.values[target.valid]
    if not known.size:
        raise InputError(f"{target.path}: every pixel is unknown: there is nothing to sharpen")
    check_values(target.path, float(known.min()), float(known.max()))
