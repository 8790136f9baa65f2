"""What a data set holds, in words: for lists and for the captions of contact sheets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gisr.datasets.entry import Entry, Frame, Pixels, Scan, Scene
from gisr.tasks import TaskName


@dataclass(frozen=True)
class Holding:
    """Entries of one kind in one split."""

    task: TaskName
    split: str
    kind: str
    """See :func:`kind_of`."""
    entries: tuple[Entry, ...]

    @property
    def open(self) -> int:
        """How many have a licence that lets trained weights be given away."""
        return sum(entry.open for entry in self.entries)


def holdings(entries: Sequence[Entry]) -> list[Holding]:
    """Return entries by task, split and kind, in the order in which they come first."""
    found: dict[tuple[TaskName, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.task, entry.split, kind_of(entry)].append(entry)
    return [Holding(*about, tuple(members)) for about, members in found.items()]


def divided_groups(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """Return the groups that stand in several splits, with these: trained on, and tested on."""
    splits: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in entries:
        if entry.group:
            splits[entry.group][entry.split] = None
    return {group: tuple(found) for group, found in splits.items() if len(found) > 1}


def images_of(entry: Entry) -> dict[str, Pixels]:
    """Return the images of an entry by name, the target or truth first; windows can be cut.

    Raises:
        GisrError: An image cannot be read.
    """
    if isinstance(entry, Scene):
        return {
            "multispectral": entry.stored_multispectral,
            "panchromatic": entry.stored_panchromatic,
        }
    if isinstance(entry, Scan):
        return {contrast: entry.stored_volume(contrast) for contrast in entry.contrasts}
    if isinstance(entry, Frame):
        return {"depth": entry.stored_depth[0], "colour": entry.stored_colour}
    images = {"target": entry.stored_target, "guide": entry.stored_guide}
    return images if entry.stored_truth is None else {**images, "truth": entry.stored_truth}


def kind_of(entry: Entry) -> str:
    """Return what tells an entry from others of its task: sensor, contrasts, unit."""
    if isinstance(entry, Scan):
        return " ".join(entry.contrasts)
    if isinstance(entry, Frame):
        return entry.unit or "unit not stated"
    sensor = entry.sensor or ("any sensor" if entry.task == "pansharpening" else "")
    return sensor if isinstance(entry, Scene) else f"{sensor} pairs x{entry.ratio}".strip()


def sizes_of(entry: Entry) -> str:
    """Return the sizes of an entry's images: ``400 x 400 x 4 + 800 x 800 x 1``.

    Equal ones stand once.

    Raises:
        GisrError: An image cannot be read.
    """
    sizes = [" x ".join(map(str, image.shape)) for image in images_of(entry).values()]
    return " + ".join(dict.fromkeys(sizes))
