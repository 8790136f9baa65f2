"""How much memory there is to use, how much a tile takes."""

import re
from pathlib import Path

from gisr.errors import InputError, LimitError
from gisr.magnet import MAGNetConfig

_FEATURE_MAPS = 52
"""Maps of the network's width that are alive at once, per pixel of its first level:
measured with benchmarks/memory_by_scene_size.py (46 for magnet-s), and an eighth more."""
_PROMPT_MAPS = 10
"""The same for the prompt's two encoders."""
_SMALLEST_TILE = 64
_ROWS_IN_WORK = 96
"""Rows of float32 in the making beside the canvas: those that are encoded, and where they moved."""
_IMAGES_IN_WORK = 8
"""Float32 images of a tile alive at once: read, filled, interpolated, normalised, sharpened."""


def memory_taken() -> int:
    """Return the bytes this process holds in memory now (the most it ever held, outside Linux)."""
    return _status("VmRSS") or most_memory_taken()


def most_memory_taken() -> int:
    """Return the most bytes this process ever held."""
    if (peak := _status("VmHWM")) is not None:
        return peak
    try:
        import resource
    except ImportError as error:  # Windows
        raise InputError("max-memory needs Linux or macOS: leave it out") from error
    from sys import platform

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if platform == "darwin" else peak * 1024)


def _status(name: str) -> int | None:
    """Return Linux's figures of this process, in bytes."""
    status = Path("/proc/self/status")
    line = re.search(rf"{name}:\s*(\d+) kB", status.read_text()) if status.is_file() else None
    return int(line[1]) * 1024 if line else None


def network_bytes(config: MAGNetConfig, tile: int, bands: int, sample: int = 4) -> int:
    """Return about how much memory the network takes for a tile, weights aside.

    Args:
        config: Shape of the network.
        tile: Side in guide pixels.
        bands: Bands of the target: every four of them go through as a group of their own.
        sample: Bytes of a value of its maps.
    """
    return _FEATURE_MAPS * _map_bytes(config, tile, bands, sample)


def prompt_bytes(config: MAGNetConfig, cell: int, bands: int) -> int:
    """Return about how much memory the prompt takes for a cell, always in float32."""
    return _PROMPT_MAPS * _map_bytes(config, cell, bands, 4)


def _map_bytes(config: MAGNetConfig, side: int, bands: int, sample: int) -> int:
    groups = -(-bands // 4)
    return sample * config.width * (side // config.unshuffle) ** 2 * groups


def largest_tile(
    config: MAGNetConfig,
    shape: tuple[int, int],
    bands: int,
    budget: int,
    *,
    tile: int,
    overlap: int,
    cell: int,
    on_host: bool,
    sample: int = 4,
    waiting: int = 0,
    reached: int = 0,
) -> int:
    """Return the largest side of tiles that keeps to a budget of memory.

    Args:
        config: Shape of the network.
        shape: Rows and columns of the guide.
        bands: Bands of the target.
        budget: Bytes that the process may hold in all, weights and libraries included.
        tile: The largest side to try, in guide pixels.
        overlap: Guide pixels that neighbouring tiles share.
        cell: Side of the parts over which the prompt is averaged.
        on_host: Whether the network's maps lie in this memory, and not on a GPU.
        sample: Bytes of a value of these maps.
        waiting: Bytes that the output will hold back.
        reached: Bytes that the process held in all while the pair was surveyed.

    Raises:
        LimitError: Even the smallest tiles would not.
    """
    align, taken = config.size_multiple, memory_taken()
    smallest = max(_SMALLEST_TILE, -(-2 * overlap // align) * align)
    needed = taken
    for side in range(tile, smallest - 1, -align):
        canvas = 4 * (min(side, shape[0]) + _ROWS_IN_WORK) * shape[1] * (bands + 1)
        maps = (network_bytes(config, side, bands, sample), prompt_bytes(config, cell, bands))
        working = max(
            4 * _IMAGES_IN_WORK * part**2 * (bands + 1) + (taken_by_maps if on_host else 0)
            for part, taken_by_maps in zip((side, cell), maps, strict=True)
        )
        needed = max(reached, taken + canvas + working + waiting)
        if needed <= budget:
            return side
    raise LimitError(
        f"max-memory {budget / 1e6:.0f} MB is too little: {taken / 1e6:.0f} MB are taken by "
        f"libraries, weights and what was read, and tiles of {smallest} need "
        f"{needed / 1e6:.0f} MB in all"
    )
