"""Entries that are one pair: what the general training set takes."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from gisr.data.pair import Pair
from gisr.datasets.entry.base import Entry
from gisr.windows import Window


@dataclass(frozen=True, kw_only=True, eq=False)
class PairEntry(Entry):
    """One target and guide, of which any window of target pixels is a pair of its own.

    A further task whose images are no scenes, scans or frames derives its entry from this class;
    :class:`gisr.training.samples.pairs.PairSet` trains on it.
    """

    sensor: str | None = None
    """Satellite sensor, where there is one."""

    @abstractmethod
    def target_shape(self, ratio: int) -> tuple[int, ...]:
        """Return the height and width of the target at a ratio (further axes may follow)."""

    @abstractmethod
    def pair(self, ratio: int, window: Window | None = None) -> Pair:
        """Return the pair at a ratio.

        Args:
            ratio: One of ``ratios`` where there are some.
            window: In target pixels; all when None.

        Raises:
            PairError: Its images do not fit together.
        """

    def pairs(self, ratio: int) -> Iterator[Pair]:
        """Yield the pair where there is one at this ratio."""
        if self.ratios is None or ratio in self.ratios:
            yield self.pair(ratio)

    def middle_pairs(self, ratio: int, side: int) -> Iterator[Pair]:
        """Yield the whole pair where it has a truth."""
        if self.has_truth_at(ratio):
            yield self.pair(ratio)
