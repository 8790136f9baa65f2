"""Pieces of work side by side in threads, with answers in the order of the pieces.

On a processor several tiles at once are faster than one tile on all cores: what surrounds the
network runs on one core only, and small maps divide badly. On a GPU the tiles to come are read and
prepared while the network computes. Which piece a thread takes decides nothing about its result.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from gisr.inference.memory import network_bytes
from gisr.magnet import MAGNetConfig

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MOST, _MOST_BYTES = 8, 2 * 10**9
"""Tiles at once on a processor: so many, and no more than take so many bytes together."""
_PREPARED = 4
"""Tiles that are prepared at once for a GPU."""


def in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], at_once: int, ahead: int = 0
) -> Generator[_Result, None, None]:
    """Yield what work makes of items, in their order.

    Close the iterator where it is not followed to its end: no piece is at work after that.

    Args:
        work: Called in as many threads as there are pieces at once; in the caller's where that is
            none, or one with none ahead.
        items: Taken when they are needed.
        at_once: Pieces at work at the same time.
        ahead: Pieces that may be done before the first of them is asked for, beside those.

    Raises:
        Exception: What work raised for the first item that failed; later ones are given up.
    """
    if at_once < 1 or at_once + ahead < 2:
        yield from map(work, items)
        return
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="gisr") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > at_once + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


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
