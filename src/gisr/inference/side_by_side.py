"""How many tiles are worked on side by side, each with its share of torch's threads.

On a processor several tiles at once are faster than one tile on all cores: what surrounds the
network runs on one core only, and small maps divide badly. On a GPU the tiles to come are read and
prepared while the network computes. Which tile a thread takes decides nothing about its result.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gisr.inference.memory import network_bytes
from gisr.magnet import MAGNetConfig

_MOST, _MOST_BYTES = 8, 2 * 10**9
"""Tiles at once on a processor: so many, and no more than take so many bytes together."""
_PREPARED = 4
"""Tiles that are prepared at once for a GPU."""


class _SharedThreads:
    """Torch's threads, divided from the first that enters to the last that leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within, self._before = 0, 1

    @contextmanager
    def __call__(self, at_once: int) -> Iterator[None]:
        with self._lock:
            if not self._within:
                self._before = torch.get_num_threads()
                torch.set_num_threads(max(1, self._before // at_once))
            self._within += 1
        try:
            yield
        finally:
            with self._lock:
                self._within -= 1
                if not self._within:
                    torch.set_num_threads(self._before)


shared_threads = _SharedThreads()
"""Give each of several pieces at work its share of torch's threads; those of new threads too."""


def tiles_side_by_side(
    device: torch.device, config: MAGNetConfig, side: int, bands: int, sample: int
) -> int:
    """Return how many tiles go through the network side by side, each in a thread of its own.

    One for each of torch's threads on a processor, up to eight and two gigabytes of maps.

    Args:
        device: Where the network is.
        config: Its shape.
        side: Of a tile, in guide pixels.
        bands: Of the target.
        sample: Bytes of a value of the network's maps.
    """
    if device.type != "cpu":
        return 1
    fitting = _MOST_BYTES // network_bytes(config, side, bands, sample)
    return max(1, min(torch.get_num_threads(), _MOST, fitting))


def tiles_prepared(device: torch.device) -> int:
    """Return how many tiles are read and prepared while the network has others."""
    return 0 if device.type == "cpu" else min(_PREPARED, os.cpu_count() or 1)
