"""The seeded task mixture: what an epoch is, and every sample a pure function of its number.

As in the paper (Section IV-B): an epoch takes from every set as many items as the smallest set
has, and the sets are reshuffled after each epoch. A sampling temperature shares the same epoch out
by size instead. Because nothing is drawn from a running generator, training resumes in the middle
of an epoch by two numbers, and the number of loader processes does not matter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from gisr.errors import RecipeError
from gisr.training.samples.patches import Sample
from gisr.training.samples.training_set import TrainingSet

_MOST_SAMPLES = 10**7
"""Of an epoch: their order is kept in memory."""


@dataclass(frozen=True)
class Position:
    """A place in the endless sequence of samples."""

    epoch: int
    index: int
    """Samples of this epoch already taken."""


class Mixture(Dataset[Sample]):
    """Samples of several training sets, mixed and reshuffled every epoch."""

    def __init__(
        self,
        sets: Sequence[TrainingSet],
        *,
        patch: int,
        seed: int,
        patches_per_image: int = 1,
        temperature: float | None = None,
    ) -> None:
        """Create the mixture.

        Args:
            sets: One per task and ratio.
            patch: Side of the patches in guide pixels.
            seed: Fixes every sample.
            patches_per_image: How often an epoch visits an image of the smallest set, where all
                sets have the same share.
            temperature: Sets share the epoch by size ** (1 / temperature): 1 is in proportion to
                size, and the larger, the more alike. None is the limit, every set alike.

        Raises:
            RecipeError: There is no set, one is empty, or an epoch is too long.
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
        sizes = [len(training_set) for training_set in sets]
        length = len(sizes) * patches_per_image * min(sizes)
        if length > _MOST_SAMPLES:
            raise RecipeError(
                f"patches_per_image: {patches_per_image} makes an epoch of {length} samples, more "
                f"than {_MOST_SAMPLES}: lower it"
            )
        self.items = shares(sizes, length, temperature)
        """Items that an epoch takes from each set."""
        self._order: tuple[int, list[tuple[int, int]]] = (-1, [])

    @property
    def epoch_length(self) -> int:
        """Samples of one epoch."""
        return sum(self.items)

    def __getitem__(self, position: Position) -> Sample:
        """Return a sample; the same position always gives the same sample."""
        if self._order[0] != position.epoch:
            self._order = position.epoch, self._shuffled(position.epoch)
        number, item = self._order[1][position.index]
        rng = np.random.default_rng((self.seed, 1, position.epoch, position.index))
        return self.sets[number].sample(item, rng, self.patch)

    def check_batch(self, size: int) -> None:
        """Refuse a batch that an epoch does not fill.

        Raises:
            RecipeError: It does not.
        """
        if self.epoch_length < size:
            raise RecipeError(
                f"batch {size} is larger than an epoch of {self.epoch_length} samples: "
                "raise patches_per_image"
            )

    def batches(self, start: Position, size: int) -> Iterator[list[Position]]:
        """Yield batches for ever, from a position on; an epoch's last, short batch is dropped.

        Raises:
            RecipeError: An epoch does not fill a batch.
        """
        self.check_batch(size)
        epoch, first = start.epoch, start.index
        while True:
            for index in range(first, self.epoch_length - size + 1, size):
                yield [Position(epoch, index + k) for k in range(size)]
            epoch, first = epoch + 1, 0

    def _shuffled(self, epoch: int) -> list[tuple[int, int]]:
        """Return the epoch's (set, item) in order."""
        rng = np.random.default_rng((self.seed, 0, epoch))
        order: list[tuple[int, int]] = []
        for number, (training_set, taken) in enumerate(zip(self.sets, self.items, strict=True)):
            rounds = -(-taken // len(training_set))
            items = np.concatenate([rng.permutation(len(training_set)) for _ in range(rounds)])
            order += [(number, int(item)) for item in items[:taken]]
        rng.shuffle(order)
        return order


def shares(sizes: Sequence[int], length: int, temperature: float | None) -> tuple[int, ...]:
    """Share the samples of an epoch out among sets by size ** (1 / temperature).

    This is temperature sampling with the chance taken out of it: every epoch has exactly the
    expected number of each set, rounded by largest remainder, and at least one.

    Args:
        sizes: Items of each set, above 0.
        length: Samples to share out, one for each set at least.
        temperature: Above 0; None is the limit of a high temperature, where all get the same.
    """
    if temperature is None:
        weights = np.ones(len(sizes))
    else:
        weights = np.exp(np.log(np.array(sizes) / max(sizes)) / temperature)
    exact = length * weights / weights.sum()
    whole = np.maximum(np.floor(exact), 1)
    while whole.sum() > length:  # sets rounded up to one: taken from the largest
        whole[whole.argmax()] -= 1
    left = int(length - whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return tuple(int(number) for number in whole)
