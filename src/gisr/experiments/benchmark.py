"""What a benchmark is: which entries, which protocol, which metrics, under a name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, Frame, MadePair, Scan, Scene
from gisr.datasets.pairing import frame_pair, full_pair, made_pair, scene_pair, slice_pairs
from gisr.metrics import MetricName
from gisr.tasks import TaskName
from gisr.tasks.sensors import find_sensor

NO_REFERENCE: tuple[MetricName, ...] = ("d_lambda", "d_s", "qnr", "d_lambda_k", "hqnr")
"""What satellite images of full resolution are scored by."""

Contains = Callable[[Entry], bool]
"""Whether an entry belongs to a benchmark."""
MakePairs = Callable[[Entry, int], Iterator[Pair]]
"""Gives the test pairs of an entry at a ratio; none where it has none at that ratio."""


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
    pairs: MakePairs
    guide_aligned: bool = False
    """Whether the indexes without a truth judge by the guide where it belongs, not by one that is
    off by a pixel; systems get it as it comes all the same."""


def wald_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a scene reduced by Wald's protocol."""
    assert isinstance(entry, Scene)  # so say the benchmarks that use it
    yield scene_pair(entry, ratio)


def published_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a pair that others made, at the ratio they made it at."""
    assert isinstance(entry, MadePair)
    if entry.ratio == ratio:
        yield made_pair(entry)


def full_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a scene or a pair of full resolution, at the ratio of its sensor."""
    if isinstance(entry, MadePair):
        yield from published_pairs(entry, ratio)
        return
    assert isinstance(entry, Scene)
    if entry.stored_panchromatic.shape[0] == ratio * entry.stored_multispectral.shape[0]:
        yield full_pair(entry)


def depth_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a frame reduced as floating point."""
    assert isinstance(entry, Frame)
    yield frame_pair(entry, ratio)


def level_pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
    """Give a frame reduced as 8-bit levels."""
    assert isinstance(entry, Frame)
    yield frame_pair(entry, ratio, reduced_as="uint8")


def kspace_pairs(
    contrast: str, guide_contrast: str, *, step: int | None = None, as_levels: bool = False
) -> MakePairs:
    """Return the maker of slices of a contrast guided by another.

    Args:
        contrast: Of the targets.
        guide_contrast: Of the guides.
        step: Every so many slices, from half of it; when None those that the data set counts.
        as_levels: See :func:`gisr.datasets.pairing.slice_pairs`.
    """

    def pairs(entry: Entry, ratio: int) -> Iterator[Pair]:
        assert isinstance(entry, Scan)
        depth = entry.stored_volume(contrast).shape[2]
        slices = None if step is None else range(step // 2, depth, step)
        return slice_pairs(
            entry,
            ratio,
            contrast=contrast,
            guide_contrast=guide_contrast,
            slices=slices,
            as_levels=as_levels,
        )

    return pairs


def has_sensor(entry: Entry, name: str) -> bool:
    """Whether an entry comes from a satellite sensor."""
    return isinstance(entry, Scene | MadePair) and find_sensor(entry.sensor).name == name


def has_truth(entry: Entry) -> bool:
    """Whether an entry is a pair that others made, with its truth."""
    return isinstance(entry, MadePair) and entry.read_truth is not None


def is_full(entry: Entry) -> bool:
    """Whether an entry is a satellite image of full resolution, which has no truth."""
    if isinstance(entry, MadePair):
        return entry.task == "pansharpening" and entry.read_truth is None
    return isinstance(entry, Scene)
