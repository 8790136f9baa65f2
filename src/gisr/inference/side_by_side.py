"""How many tiles are worked on side by side, each with its share of torch's threads.

On a processor several tiles at once are faster than one tile on all cores: what surrounds the
network runs on one core only, and small maps divide badly. On a GPU the tiles to come are read and
prepared while the network computes. Which tile a thread takes decides nothing about its result.
"""

import os
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

import torch

from gisr.inference.memory import network_bytes
from gisr.magnet import MAGNetConfig
from gisr.threads import FirstToLast, in_order

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MOST, _MOST_BYTES = 8, 2 * 10**9
"""Pieces at once: so many, and no more tiles than take so many bytes together."""
_torch = FirstToLast()


def side_by_side(
    work: Callable[[_Item], _Result], items: Iterable[_Item], at_once: int
) -> Generator[_Result, None, None]:
    """Yield what work makes of items, in their order: :func:`gisr.threads.in_order`.

    Each piece at work has its share of torch's threads.
    """

    def divide() -> Callable[[], None]:
        before = torch.get_num_threads()
        torch.set_num_threads(max(1, before // at_once))
        return lambda: torch.set_num_threads(before)

    with _torch(divide):
        yield from in_order(work, items, at_once)


def pieces_at_once(
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
    return 0 if device.type == "cpu" else min(_MOST, os.cpu_count() or 1)


def pieces_beside() -> int:
    """Return how many pieces of what surrounds the network are worked on at once, in threads."""
    return min(_MOST, torch.get_num_threads())
