"""Carrying any number of bands through fixed channels: targets in 4, guides in 3."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

TARGET_CHANNELS = 4
GUIDE_CHANNELS = 3


def carry_target(target: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "bg 4 h w"], int]:
    """Repeat or group the bands of targets into 4 channels.

    Up to 4 bands are repeated cyclically (1: aaaa, 2: abab, 3: abca). More are dealt to as few
    groups of at most 4 neighbouring bands as possible, sizes as equal as possible, each carried
    like a target of its own.

    Returns:
        The carried targets, groups of one target side by side in the batch, and their number.
    """
    bands = target.shape[1]
    if bands < 1:
        raise ValueError(f"target {tuple(target.shape)} has no band")
    channels = [band for group in _groups(bands) for band in _repeated(group)]
    carried = target[:, channels].unflatten(1, (-1, TARGET_CHANNELS))
    return carried.flatten(0, 1), carried.shape[1]


def restore(carried: Float[Tensor, "bg 4 h w"], bands: int) -> Float[Tensor, "b c h w"]:
    """Undo :func:`carry_target`: average the channels that carried the same band."""
    groups = _groups(bands)
    by_group = carried.unflatten(0, (-1, len(groups)))
    restored = []
    for index, group in enumerate(groups):
        carriers = _repeated(group)
        for band in group:
            own = [channel for channel, carrier in enumerate(carriers) if carrier == band]
            restored.append(by_group[:, index, own].mean(dim=1))
    return torch.stack(restored, dim=1)


def carry_guide(guide: Float[Tensor, "b g h w"]) -> Float[Tensor, "b 3 h w"]:
    """Repeat the channels of guides cyclically to 3.

    Raises:
        ValueError: There are none, or more than 3.
    """
    channels = guide.shape[1]
    if not 1 <= channels <= GUIDE_CHANNELS:
        raise ValueError(f"guide {tuple(guide.shape)} must have 1 to 3 channels")
    return guide[:, [channel % channels for channel in range(GUIDE_CHANNELS)]]


def _groups(bands: int) -> list[list[int]]:
    count = -(-bands // TARGET_CHANNELS)
    edges = [bands * index // count for index in range(count + 1)]
    return [list(range(*edge)) for edge in pairwise(edges)]


def _repeated(group: list[int]) -> list[int]:
    return [group[channel % len(group)] for channel in range(TARGET_CHANNELS)]
