"""Batches of samples, made beside the training where the recipe has workers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from gisr.errors import GisrError
from gisr.tasks.text.table import DescriptionTable
from gisr.training.distributed import Processes
from gisr.training.objective import SampleBatch
from gisr.training.recipe import Recipe
from gisr.training.samples.mixture import Mixture, Position
from gisr.training.samples.patches import Sample
from gisr.training.samples.training_set import TrainingSet

_ALONE = Processes()


@dataclass(frozen=True)
class _Refused:
    """What a worker could not make; raised in a worker, torch would add its traceback to it."""

    error: GisrError


class _Answers(Dataset[Sample | _Refused]):
    """The samples of a mixture, or why there is none."""

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture

    def __getitem__(self, position: Position) -> Sample | _Refused:
        try:
            return self.mixture[position]
        except GisrError as error:
            # Without its frames: a package that makes tracebacks picklable (tblib, with Dask) would
            # bring them back, and they would keep the loader's processes alive.
            error.__cause__ = error.__context__ = None
            return _Refused(error.with_traceback(None))


def make_mixture(recipe: Recipe, sets: Sequence[TrainingSet]) -> Mixture:
    """Return the mixture of a recipe's sets."""
    return Mixture(
        sets,
        patch=recipe.patch,
        seed=recipe.seed,
        patches_per_image=recipe.patches_per_image,
        temperature=recipe.sampling_temperature,
    )


def batches(
    mixture: Mixture,
    recipe: Recipe,
    table: DescriptionTable | None,
    start: Position,
    processes: Processes = _ALONE,
    *,
    pinned: bool = False,
) -> Iterator[tuple[Position, SampleBatch]]:
    """Yield this process's share of batches, each with the position that follows the batch.

    Pinned batches are in memory that a GPU copies from while the processor goes on.

    Raises:
        GisrError: A sample cannot be made; the same with workers and without.
    """
    loader: DataLoader[Any] = DataLoader(
        _Answers(mixture),
        batch_sampler=map(processes.share, mixture.batches(start, recipe.batch)),
        collate_fn=partial(_collated, table=table),
        # Its own generator: the loader draws a number from it, and drawn from torch's it would
        # shift the routing noise of a resumed run against that of a straight one.
        generator=torch.Generator(),
        num_workers=recipe.workers,
        pin_memory=pinned,
    )
    taken = mixture.batches(start, recipe.batch)
    for batch in loader:
        if isinstance(batch, _Refused):
            raise batch.error
        positions = next(taken)
        yield Position(positions[-1].epoch, positions[-1].index + 1), batch


def _collated(
    answers: Sequence[Sample | _Refused], table: DescriptionTable | None
) -> SampleBatch | _Refused:
    samples = []
    for answer in answers:
        if isinstance(answer, _Refused):
            return answer
        samples.append(answer)
    return SampleBatch.of(samples, table=table)


__all__ = ["batches", "make_mixture"]
