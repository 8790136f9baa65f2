"""The seeded task mixture: what an epoch is, and every sample a pure function of its number.

As in the paper (Section IV-B): an epoch takes from every set as many items as the smallest set
has, and the sets are reshuffled after each epoch. Because nothing is drawn from a running
generator, training resumes in the middle of an epoch by two numbers, and the number of loader
processes does not matter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from gisr.data.training_sets import Sample, TrainingSet
from gisr.errors import RecipeError


@dataclass(frozen=True)
class Position:
    """A place in the endless sequence of samples."""

    epoch: int
    index: int
    """Samples of this epoch already taken."""


class Mixture(Dataset[Sample]):
    """Samples of several training sets, mixed and reshuffled every epoch."""

    def __init__(
        self, sets: Sequence[TrainingSet], *, patch: int, seed: int, patches_per_image: int = 1
    ) -> None:
        """Create the mixture.

        Args:
            sets: One per task and ratio.
            patch: Side of the patches in guide pixels.
            seed: Fixes every sample.
            patches_per_image: How often an epoch visits an image of the smallest set.

        Raises:
            RecipeError: There is no set, or one is empty.
        """
        for number, training_set in enumerate(sets):
            if len(training_set) == 0:
                raise RecipeError(
                    f"training set {number} ({training_set.task} x{training_set.ratio}) is empty"
                )
        if not sets:
            raise RecipeError("the recipe names no training set")
        self.sets = tuple(sets)
        self.patch = patch
        self.seed = seed
        self.items_per_set = patches_per_image * min(len(training_set) for training_set in sets)
        self._order: tuple[int, list[tuple[int, int]]] = (-1, [])

    @property
    def epoch_length(self) -> int:
        """Samples of one epoch."""
        return self.items_per_set * len(self.sets)

    def __getitem__(self, position: Position) -> Sample:
        """Return a sample; the same position always gives the same sample."""
        if self._order[0] != position.epoch:
            self._order = position.epoch, self._shuffled(position.epoch)
        number, item = self._order[1][position.index]
        rng = np.random.default_rng((self.seed, 1, position.epoch, position.index))
        return self.sets[number].sample(item, rng, self.patch)

    def batches(self, start: Position, size: int) -> Iterator[list[Position]]:
        """Yield batches for ever, from a position on; an epoch's last, short batch is dropped.

        Raises:
            RecipeError: An epoch does not fill a batch.
        """
        epoch, first = start.epoch, start.index
        if self.epoch_length < size:
            raise RecipeError(
                f"batch {size} is larger than an epoch of {self.epoch_length} samples: "
                "raise patches_per_image"
            )
        while True:
            for index in range(first, self.epoch_length - size + 1, size):
                yield [Position(epoch, index + k) for k in range(size)]
            epoch, first = epoch + 1, 0

    def _shuffled(self, epoch: int) -> list[tuple[int, int]]:
        """Return the epoch's (set, item) in order."""
        rng = np.random.default_rng((self.seed, 0, epoch))
        order: list[tuple[int, int]] = []
        for number, training_set in enumerate(self.sets):
            rounds = -(-self.items_per_set // len(training_set))
            items = np.concatenate([rng.permutation(len(training_set)) for _ in range(rounds)])
            order += [(number, int(item)) for item in items[: self.items_per_set]]
        rng.shuffle(order)
        return order
