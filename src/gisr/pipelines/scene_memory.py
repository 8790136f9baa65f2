"""How much memory the blocks of a scene's files take."""

from gisr.errors import LimitError
from gisr.inference.memory import memory_taken
from gisr.io.geotiff.pair import RasterPair

_BLOCK_CACHE = 48 * 10**6
"""Bytes of decoded blocks that GDAL may keep, unless one row of blocks needs more."""


def block_cache(files: RasterPair) -> int:
    """Return the bytes of decoded blocks that GDAL may keep: a row of blocks of each file."""
    return _BLOCK_CACHE + sum(
        header.block[0] * header.shape[1] * header.bands * header.dtype.itemsize
        for header in (files.target, files.guide)
    )


def check_blocks(files: RasterPair, budget: int) -> None:
    """Refuse blocks that take a budget alone, before one is decoded; what is taken already, too.

    GDAL keeps the row of blocks that is read, and unpacks a further one beside it.

    Raises:
        LimitError: They do.
    """
    taken = memory_taken()
    if taken > budget:  # blocks of another size would not help
        raise LimitError(
            f"max-memory {budget / 1e6:.0f} MB is too little: {taken / 1e6:.0f} MB are taken by "
            "libraries and weights alone: allow more"
        )
    for header in (files.target, files.guide):
        sample = header.count * header.dtype.itemsize
        rows, columns = header.stored_block
        width = (header if header.regrid is None else header.regrid.own).shape[1]
        needed = sample * rows * (columns + width)
        if taken + needed > budget:
            raise LimitError(
                f"max-memory {budget / 1e6:.0f} MB is too little: {taken / 1e6:.0f} MB are taken "
                f"by libraries and weights, and {header.path} is stored in blocks of {columns} x "
                f"{rows} pixels, which take {needed / 1e6:.0f} MB: store it in small tiles first "
                "(gdal_translate -co TILED=YES)"
            )


def cache_to_fill(files: RasterPair, cache: int) -> int:
    """Return the bytes of blocks that writing adds to the cache: reading has filled the rest."""
    target, guide = files.target, files.guide
    read = sum(
        header.shape[0] * header.shape[1] * header.bands * header.dtype.itemsize
        for header in (target, guide)
    )
    written = guide.shape[0] * guide.shape[1] * target.bands * target.dtype.itemsize
    return min(max(0, cache - read), written)
