"""The training set of entries that are pairs: windows of them, without a protocol of its own."""

from dataclasses import dataclass

from numpy.random import Generator

from gisr.datasets.entry import PairEntry, naming
from gisr.errors import RecipeError
from gisr.tasks import TaskName, describe, find_task
from gisr.training.samples.patches import Sample, check_patch, cut_sample, target_window


@dataclass(frozen=True)
class PairSet:
    """Entries that are pairs, at one ratio: nothing is degraded here.

    Only flips and turns vary a sample; what else the other sets vary they vary before degrading.

    Raises:
        RecipeError: An entry is of another task or ratio, or has no truth.
    """

    entries: tuple[PairEntry, ...]
    ratio: int
    task: TaskName
    largest_patch: int = 0
    """Side of the largest patch that the run will cut."""

    def __post_init__(self) -> None:
        """Refuse pairs of another task or ratio, and pairs without a truth."""
        for entry in self.entries:
            if entry.task != self.task or self.ratio not in (entry.ratios or (self.ratio,)):
                own = "".join(f" x{ratio}" for ratio in entry.ratios or ())
                raise RecipeError(
                    f"{entry.name}: {entry.task}{own} in a set of {self.task} x{self.ratio}"
                )
            if not entry.has_truth_at(self.ratio):
                raise RecipeError(f"{entry.name}: has no truth to learn from")

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a pair."""
        entry = self.entries[item]
        # A part of a k-space crop is none: those pairs are used whole.
        whole = find_task(self.task).grid == "kspace"
        shape = entry.target_shape(self.ratio)
        check_patch(self.largest_patch, self.ratio * shape[0], self.ratio * shape[1], entry.name)
        window = None if whole else target_window(rng, patch, self.ratio, shape, entry.name)
        sensor = entry.sensor if rng.random() < 0.5 else None
        description = describe(self.task, self.ratio, sensor=sensor)
        with naming(entry):
            pair = entry.pair(self.ratio, window)
        return cut_sample(rng, pair, patch, description, anywhere=whole, turned=True)
