"""What a training set is: one task at one ratio, giving random patches of images and their guides.

A set is chosen by the class of the entries it takes (:mod:`gisr.training.sets`), not by the name of
its task.
"""

from dataclasses import dataclass
from typing import Protocol

from numpy.random import Generator

from gisr.tasks import TaskName
from gisr.training.samples.patches import Sample

GENERATED_LENGTH = 1000
"""Images that a generated set counts for: more than most sets have, so that they and not it decide
how long an epoch is; alone it has the 1000 samples of the paper's."""


class TrainingSet(Protocol):
    """One task at one ratio."""

    @property
    def task(self) -> TaskName:
        """The task."""
        ...

    @property
    def ratio(self) -> int:
        """How many times coarser the target is made."""
        ...

    def __len__(self) -> int:
        """Number of full-resolution images, or what it counts for in a mixture."""
        ...

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of an image."""
        ...


@dataclass(frozen=True)
class JoinedSet:
    """Several sets of one task and ratio as one: full-resolution images and published pairs."""

    parts: tuple[TrainingSet, ...]

    @property
    def task(self) -> TaskName:
        """Task of all parts."""
        return self.parts[0].task

    @property
    def ratio(self) -> int:
        """Ratio of all parts."""
        return self.parts[0].ratio

    def __len__(self) -> int:
        """Number of images of all parts."""
        return sum(map(len, self.parts))

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of an image."""
        for part in self.parts:
            if item < len(part):
                return part.sample(item, rng, patch)
            item -= len(part)
        raise IndexError(f"item {item + len(self)} of {len(self)}")
