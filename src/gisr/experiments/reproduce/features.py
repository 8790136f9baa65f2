"""What the figures show of a network: norms of encoder features, and prompts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, naming
from gisr.errors import InputError, WeightsError
from gisr.experiments.reproduce.columns import spread
from gisr.experiments.validation import VALIDATED_SIDE
from gisr.inference.upscaler import Upscaler
from gisr.tasks import TASKS, TaskName, find_task

_PLACE = 8
"""Side, in feature pixels, of the places whose norm is taken: 32 guide pixels at level 3 of
``magnet``, 64 of ``magnet-s``."""
_ENTRIES = 40
"""Entries of each task whose prompts are shown."""
_FEWEST = 4


def channel_norms(
    upscaler: Upscaler, pairs: Sequence[Pair]
) -> Float[np.ndarray, "places channels"]:
    """Return the L2 norm of every channel of the last skipped encoder level, place by place.

    That level is the deepest of the encoder before the latent one. Norms are of places of one
    size, so that they do not depend on the size of the image.
    """
    level = upscaler.network.encoder[-2]
    return np.concatenate([_norms(feature) for feature in _outputs(upscaler, level, pairs)])


def _outputs(upscaler: Upscaler, module: nn.Module, pairs: Iterable[Pair]) -> list[Tensor]:
    """Return what a part of the network gives for each pair, untiled."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept.append(output)

    handle = module.register_forward_hook(keep)
    try:
        for pair in pairs:
            upscaler.routing(pair)
    finally:
        handle.remove()
    return kept


def _norms(feature: Float[Tensor, "b c h w"]) -> Float[np.ndarray, "places c"]:
    place = min(_PLACE, *feature.shape[2:])
    squares = F.avg_pool2d(feature.float() ** 2, place) * place**2
    norms: np.ndarray = squares.sqrt().permute(0, 2, 3, 1).flatten(0, 2).cpu().numpy()
    return norms


@dataclass(frozen=True, eq=False)
class Prompts:
    """Prompts P_mm of many pairs."""

    values: Float[np.ndarray, "pairs width"]
    names: tuple[str, ...]
    tasks: tuple[TaskName, ...]
    ratios: tuple[int, ...]

    def of_task(self, task: TaskName) -> np.ndarray:
        """Return the places of a task's prompts."""
        return np.array([place for place, own in enumerate(self.tasks) if own == task], dtype=int)

    def agreement(self) -> dict[str, float]:
        """Return how often the nearest other prompt is of the same task, and of the same ratio.

        Measured in the prompts' own space, where distances mean something: t-SNE keeps only
        neighbourhoods. Ratios are compared within each task that has several.
        """
        kinds = {"task": _agreement(self.values, self.tasks)}
        for task in TASKS:
            own = self.of_task(task)
            ratios = [self.ratios[place] for place in own]
            if len(set(ratios)) > 1:
                kinds[f"ratio ({task})"] = _agreement(self.values[own], ratios)
        return kinds


def _agreement(values: Float[np.ndarray, "n d"], labels: Sequence[object]) -> float:
    distances = np.linalg.norm(values[:, None] - values[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    return float(np.mean([labels[k] == labels[near] for k, near in enumerate(nearest)]))


def collect_prompts(
    upscaler: Upscaler, entries: Sequence[Entry], images: int | None = None
) -> Prompts:
    """Return the prompts of the middle of entries, at every ratio of the paper.

    Args:
        upscaler: Its network must have MPGM.
        entries: Of any split.
        images: Entries of each task, evenly spread; 40 when None.

    Raises:
        InputError: There are too few.
        WeightsError: The network has no MPGM.
    """
    generator = upscaler.network.prompt_generator
    if generator is None:
        raise WeightsError(f"{upscaler.name}: the network has no MPGM, so no prompts to show")
    seen: list[tuple[str, TaskName, int]] = []

    def noted() -> Iterator[Pair]:
        for pair in _pairs(entries, images or _ENTRIES):
            seen.append((pair.name, pair.task, round(pair.ratio)))
            yield pair

    values = _outputs(upscaler, generator, noted())
    if len(seen) < _FEWEST:
        raise InputError(
            f"{len(seen)} prompts are too few for a t-SNE: name a folder of more pairs"
        )
    names, tasks, ratios = zip(*seen, strict=True)
    return Prompts(torch.cat(values).float().cpu().numpy(), names, tasks, ratios)


def _pairs(entries: Sequence[Entry], count: int) -> Iterator[Pair]:
    """Yield the pairs of some entries of each task, letting each go, with its images, after use."""
    chosen = [
        entry
        for task in TASKS
        for entry in spread([entry for entry in entries if entry.task == task], count)
    ]
    chosen.reverse()
    while chosen:
        entry = chosen.pop()
        for ratio in entry.ratios or find_task(entry.task).paper_ratios:
            with naming(entry):
                pairs = list(entry.middle_pairs(ratio, VALIDATED_SIDE))
            yield from pairs
