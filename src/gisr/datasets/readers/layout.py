"""What a published layout is: how a data set lies on disk, and how its folder becomes entries."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gisr.datasets.entry import Entry, Split
from gisr.tasks import TaskName

LayoutName = Literal[
    "nbu",
    "nbu-reduced",
    "nbu-full",
    "pancollection",
    "pansharpening-mat",
    "brats",
    "ixi",
    "nyu-dkn",
    "nyu-jiif",
    "middlebury30",
    "lu",
    "rgbdd",
    "pairs",
]
"""Names of the layouts, as ``gisr data prepare NAME`` takes them."""


@dataclass(frozen=True)
class Strays:
    """Files of one kind that a layout may leave out, and why it does."""

    pattern: re.Pattern[str]
    """Of the whole path in the folder, with slashes."""
    reason: str
    """Why such a file is in no entry, and what helps."""


def other_names(pattern: str) -> Strays:
    """Return files of the layout's formats whose names or places are none of its own.

    Args:
        pattern: Of the path, in any case; files that a published set has and the layout does not
            read must not fit.
    """
    return Strays(
        re.compile(pattern, re.IGNORECASE),
        "not named as this layout has it (see gisr data list)",
    )


@dataclass(frozen=True, kw_only=True)
class DatasetLayout:
    """One way in which a data set is published."""

    name: LayoutName
    """Also the ``dataset`` of its entries."""
    title: str
    """Name of the data set in full, for ``gisr data list``."""
    task: TaskName | None
    """Task of its entries; None where each entry states its own."""
    recognises: Callable[[Path], bool]
    """Whether a folder looks like it, by the names in it alone; never raises."""
    read: Callable[[Path], list[Entry]]
    """Gives the entries in a fixed order; images are read on first use.

    Raises FileFormatError where the folder is not in this layout, with ``expects`` in its message.
    """
    expects: str
    """The folder tree that ``read`` expects, for ``gisr data list`` and for messages."""
    strays: tuple[Strays, ...] = ()
    """Files that the user is told of where no entry has them."""
    counts: Mapping[Split, int] = field(default_factory=dict)
    """Entries of the whole set by split, where its makers state how many; preparing reports what is
    missing. Empty where any number is right."""
