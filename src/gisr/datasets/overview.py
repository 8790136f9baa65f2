"""What a data set holds, as text for lists and for the captions of contact sheets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gisr.datasets.entry import Entry
from gisr.sizes import picture_size, volume_size
from gisr.tasks import TaskName, find_task


@dataclass(frozen=True)
class Holding:
    """Entries of one kind in one split."""

    task: TaskName
    split: str
    kind: str
    """See :attr:`gisr.datasets.entry.Entry.kind`."""
    entries: tuple[Entry, ...]

    @property
    def open(self) -> int:
        """How many have a licence that lets trained weights be given away."""
        return sum(entry.open for entry in self.entries)


def holdings(entries: Sequence[Entry]) -> list[Holding]:
    """Return entries by task, split and kind, in the order in which they come first."""
    found: dict[tuple[TaskName, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.task, entry.split, entry.kind].append(entry)
    return [Holding(*about, tuple(members)) for about, members in found.items()]


def divided_groups(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """Return the groups that are in several splits, with these: trained on, and tested on."""
    splits: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in entries:
        if entry.group:
            splits[entry.group][entry.split] = None
    return {group: tuple(found) for group, found in splits.items() if len(found) > 1}


def sizes_of(entry: Entry) -> str:
    """Return the sizes of an entry's images: ``400 x 400 x 4 + 800 x 800 x 1``.

    Equal ones stand once.

    Raises:
        GisrError: An image cannot be read.
    """
    size = volume_size if find_task(entry.task).turned else picture_size
    sizes = [size(image.shape) for image in entry.images().values()]
    return " + ".join(dict.fromkeys(sizes))
