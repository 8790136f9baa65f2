"""What data sets are made of: satellite scenes, MR scans, depth frames and published pairs.

Every reader of a layout returns these, so that training, benchmarks and the prepared store do not
depend on where an image came from. An entry has a task, reads its images on first use, and makes
its pairs by the protocol of its task (:mod:`gisr.data.protocols`).

Two ways lead to the values. ``multispectral``, ``volume``, ``depth`` and so on give whole images in
float32, for benchmarks. ``stored_...`` give what the reader returned, in its own type: an array, or
the image of a prepared store, which stays in its file until a window of it is cut. Training cuts
windows of these and converts what it cut, so its memory does not grow with the data set.
"""

from gisr.datasets.entry.base import Entry, Images, Pixels, Read, Split
from gisr.datasets.entry.frame import Frame
from gisr.datasets.entry.naming import naming
from gisr.datasets.entry.pair_entry import PairEntry
from gisr.datasets.entry.published_pair import PublishedPair
from gisr.datasets.entry.scan import Scan
from gisr.datasets.entry.scene import Scene

ENTRY_KINDS: dict[str, type[Entry]] = {
    kind.__name__: kind for kind in (Scene, Scan, Frame, PublishedPair)
}
"""Classes of entries that a prepared store can hold, by name."""

__all__ = [
    "ENTRY_KINDS",
    "Entry",
    "Frame",
    "Images",
    "PairEntry",
    "Pixels",
    "PublishedPair",
    "Read",
    "Scan",
    "Scene",
    "Split",
    "naming",
]
