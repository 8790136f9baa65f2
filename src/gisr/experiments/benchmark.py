"""What a benchmark is: which entries, which protocol, which metrics, under a name."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, Frame, PairEntry, Scan, Scene, naming
from gisr.metrics import MetricName
from gisr.tasks import TaskName, find_task
from gisr.tasks.sensors import listed_sensor

NO_REFERENCE: tuple[MetricName, ...] = ("d_lambda", "d_s", "qnr", "d_lambda_k", "hqnr")
"""Metrics of images of full resolution, which have no truth; properties of
:class:`gisr.estimation.no_reference.NoReferenceQuality`."""

Contains = Callable[[Entry], bool]
"""Whether an entry belongs to a benchmark."""
MakePairs = Callable[[Entry, int], Iterator[Pair]]
"""Gives the test pairs of an entry at a ratio; none where it has none at that ratio."""


def own_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give the pairs of an entry by the protocol of its task."""
    return entry.pairs(ratio)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Test pairs and how results on them are scored."""

    name: str
    title: str
    task: TaskName
    ratios: tuple[int, ...]
    metrics: tuple[MetricName, ...]
    border: int
    """Pixels cut on every side before scoring."""
    protocol: str
    """One sentence for tables."""
    contains: Contains
    """Whether an entry belongs to it."""
    pairs: MakePairs = own_pairs
    entry_ratios: Callable[[Entry], tuple[int, ...]] | None = None
    """Ratios of an entry that are scored beside the benchmark's: own pairs come at any."""
    guide_aligned: bool = False
    """Whether the indexes without a truth are computed with an aligned guide, not with one that is
    off by a pixel; systems get the guide as it was delivered in both cases."""

    def ratios_of(self, entries: Iterable[Entry]) -> tuple[int, ...]:
        """Return the ratios that entries are scored at, the smallest first."""
        if self.entry_ratios is None:
            return self.ratios
        found = {ratio for entry in entries for ratio in self.entry_ratios(entry)}
        return tuple(sorted(found.union(self.ratios)))


def native_ratios(entry: Entry) -> tuple[int, ...]:
    """Return the ratio that an entry came at; none where its guide is no finer."""
    if not isinstance(entry, Scene):
        return entry.ratios or ()
    with naming(entry):
        return (entry.native_ratio,) if entry.native_ratio > 1 else ()


def named_pairs(benchmark: Benchmark, entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give the pairs of an entry; errors name it and its files."""
    pairs = benchmark.pairs(entry, ratio)
    while True:
        with naming(entry):
            pair = next(pairs, None)
        if pair is None:
            return
        yield pair


def full_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a scene or a published pair of full resolution, at the ratio of its sensor."""
    if not isinstance(entry, Scene):
        yield from entry.pairs(ratio)
    elif entry.native_ratio == ratio:
        yield entry.full_pair()


def level_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a frame reduced as 8-bit levels."""
    assert isinstance(entry, Frame)  # the benchmarks that use it contain frames only
    yield entry.reduced_pair(ratio, reduced_as="uint8")


def kspace_pairs(
    contrast: str, guide_contrast: str, *, step: int | None = None, as_levels: bool = False
) -> MakePairs:
    """Return the maker of slices of a contrast guided by another.

    Args:
        contrast: Of the targets.
        guide_contrast: Of the guides.
        step: Every so many slices, from half of it; when None those that the data set counts.
        as_levels: See :meth:`gisr.datasets.entry.Scan.slice_pairs`.
    """

    def pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
        assert isinstance(entry, Scan)
        depth = entry.stored_volume(contrast).shape[2]
        slices = None if step is None else range(step // 2, depth, step)
        return entry.slice_pairs(
            ratio,
            contrast=contrast,
            guide_contrast=guide_contrast,
            slices=slices,
            as_levels=as_levels,
        )

    return pairs


def has_sensor(entry: Entry, name: str) -> bool:
    """Whether an entry comes from a satellite sensor."""
    return isinstance(entry, Scene | PairEntry) and listed_sensor(entry.sensor).name == name


def is_published(entry: Entry) -> bool:
    """Whether an entry is a published pair with its truth."""
    return isinstance(entry, PairEntry) and any(map(entry.has_truth_at, entry.ratios or ()))


def is_full(entry: Entry) -> bool:
    """Whether an entry can be scored at full resolution, where there is no truth."""
    if not find_task(entry.task).no_reference:
        return False
    published = isinstance(entry, PairEntry) and entry.ratios is not None
    return isinstance(entry, Scene) or (published and not is_published(entry))
