"""How much memory there is to use, how much a tile takes, and what running out looks like."""

import re
from pathlib import Path

import torch

from gisr.errors import InputError
from gisr.magnet import MAGNetConfig

_FEATURE_MAPS = 52
"""Float32 maps of the network's width that are alive at once, per pixel of its first level:
measured with benchmarks/memory_by_scene_size.py (46 for magnet-s), and an eighth more."""
_PROMPT_MAPS = 10
"""The same for the prompt's two encoders."""


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
    """Return what Linux says of this process, in bytes."""
    status = Path("/proc/self/status")
    line = re.search(rf"{name}:\s*(\d+) kB", status.read_text()) if status.is_file() else None
    return int(line[1]) * 1024 if line else None


def network_bytes(config: MAGNetConfig, tile: int, bands: int) -> int:
    """Return about how much memory the network takes for a tile, weights aside.

    Args:
        config: Shape of the network.
        tile: Side in guide pixels.
        bands: Bands of the target: every four of them go through as a group of their own.
    """
    return _FEATURE_MAPS * _map_bytes(config, tile, bands)


def prompt_bytes(config: MAGNetConfig, cell: int, bands: int) -> int:
    """Return about how much memory the prompt takes for a cell; arguments as above."""
    return _PROMPT_MAPS * _map_bytes(config, cell, bands)


def _map_bytes(config: MAGNetConfig, side: int, bands: int) -> int:
    groups = -(-bands // 4)
    return 4 * config.width * (side // config.unshuffle) ** 2 * groups


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory did not suffice, on the CPU or on a GPU.

    torch has a type of its own for GPUs only; on the CPU its allocator raises RuntimeError.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    signs = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in signs)
