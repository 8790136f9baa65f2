"""What a task is: one frozen record with everything that is decided per task."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gisr.metrics.definitions import MetricName
from gisr.rendering.display import Display

TaskName = Literal["pansharpening", "multiband", "mri", "depth"]
"""The built-in tasks."""
Grid = Literal["centre", "kspace"]
"""Where target samples lie on the guide's grid.

``centre``: pixel areas are aligned; target sample j is at guide index (j + 1/2) * ratio - 1/2.
``kspace``: target sample j is at guide index j * ratio, as a crop of k-space leaves it.
"""
Registration = Literal["correlation", "mutual information"]
"""Similarity by which the shift of a guide is estimated."""
Reduction = Literal["sensor", "bicubic"]
"""How targets are reduced from the truth, on grids with aligned pixel areas.

``sensor``: the sensor's Gaussian MTF (Wald's protocol), measured on the pair.
``bicubic``: Pillow's antialiased bicubic kernel, as in the depth literature.
"""

MOST_GUIDE_CHANNELS = 4
"""Channels of a guide, at most: blue, green, red and near infrared."""
DESCRIBED_RATIOS = (2, 3, 4, 8, 16)
"""Ratios with a built-in description. The exact ratio always enters the network as a number."""


@dataclass(frozen=True)
class PairFacts:
    """What a description can name of a pair besides its task and ratio."""

    sensor: str | None = None
    """Satellite sensor, for example ``QuickBird``."""
    contrast: str | None = None
    """MR contrast of the target."""
    guide_contrast: str | None = None
    """MR contrast of the guide."""


@dataclass(frozen=True)
class HelpExample:
    """A command that does what users of a task often want."""

    purpose: str
    command: str


@dataclass(frozen=True)
class Task:
    """One kind of guided super-resolution, and all that is decided for it once."""

    name: TaskName
    title: str
    """Name in headings and on tabs."""
    subject: str
    """What the target is called in messages: ``depth map``."""
    guide: str
    """What the guide is called in messages: ``colour picture``."""
    target_word: str
    """What messages on a pair call the target shortly: ``MS image``."""
    guide_word: str
    """Likewise the guide: ``PAN image``."""
    files: str
    """Which files go together, for a reader who has some: ``depth map + colour picture``."""
    result: str
    """What comes out of them: ``a depth map in the same unit and type``."""
    grid: Grid
    """Where target samples lie when the files do not show it."""
    paper_ratios: tuple[int, ...]
    """The ratios of the paper's tables."""
    target_percentiles: tuple[float, float]
    """Percentiles of each target band's known values that normalisation maps to 0 and 1."""
    guide_percentiles: tuple[float, float]
    """The same for the guide, all channels together, or each by itself (``guide_bands``)."""
    unit: str
    """Unit of the values, for messages and figures."""
    metrics: tuple[MetricName, ...]
    """Metrics of its tables, the headline first."""
    border: int
    """Pixels cut on every side before an image is scored."""
    no_reference: bool
    """Whether the indexes without a truth (QNR and its kin) are defined for it."""
    interpolation: str
    """The compared system that stands for no super-resolution (:mod:`gisr.baselines.classical`)."""
    registration: Registration | None
    """How the shift of a guide is estimated; None where guides are registered by construction."""
    reduction: Reduction
    """How targets are made where pixel areas are aligned, for results that agree with them."""
    output_suffixes: tuple[str, ...]
    """What a sharpened file may be called."""
    spread_suffixes: tuple[str, ...]
    """What the file of the spread may be called: formats that hold float32."""
    file_endings: tuple[str, ...]
    """Endings of file names by which target and guide differ: ``a_MS.tif``, ``a_PAN.tif``."""
    display: Display
    turned: bool
    """Whether images are drawn turned by 90 degrees: the first axis of a volume points right."""
    colour: str
    """Colour in figures, ``#rrggbb``."""
    steps: str
    """Unit in which progress is reported."""
    vocabulary: Mapping[str, tuple[str, ...]]
    """Names that its descriptions know, by kind: ``sensors``, ``contrasts``."""
    sentence: Callable[[int, PairFacts], str]
    """Returns the description at one of :data:`DESCRIBED_RATIOS`; raises InputError for a name
    that is not in the vocabulary."""
    described: Callable[[], Iterator[PairFacts]]
    """Yields the facts for which there is a built-in description."""
    extra: str = ""
    """The extra of gisr that reads and writes its files; nothing where none is needed."""
    examples: tuple[HelpExample, ...] = ()
    """Worked examples for its help, the plainest first."""
    volumes: bool = False
    """Whether files hold volumes, of which an array is one slice: its channels are no slices."""
    guide_bands: bool = False
    """Whether a guide is several bands, each with a range of its own, and not one picture."""
    blank: bool = False
    """Whether 0, or the largest value of the type, may stand for what an image does not show."""
    far_content: bool = False
    """Whether content far outside the percentiles is seen in a range of its own."""
    overshoot: float | None = None
    """How far a result may lie outside the range of the target around it, in widths of that range
    or of the guide's; None where nothing bounds it."""
    stretch: float = 0.0
    """By how much, as a share, proportions of target and guide may differ where their shapes alone
    say how they lie: sizes of sensors are rounded to multiples of eight."""
    surfaces: bool = False
    """Whether values are places of surfaces: results are bounded by the target around them, and how
    the target was made coarse is estimated (:mod:`gisr.inference.surfaces`)."""

    @property
    def metric(self) -> MetricName:
        """The headline metric."""
        return self.metrics[0]


def nearest_described_ratio(ratio: float) -> int:
    """Return the member of :data:`DESCRIBED_RATIOS` nearest to ``ratio`` on a logarithmic scale."""
    return min(DESCRIBED_RATIOS, key=lambda described: abs(math.log(ratio / described)))


__all__ = [
    "DESCRIBED_RATIOS",
    "MOST_GUIDE_CHANNELS",
    "Grid",
    "HelpExample",
    "PairFacts",
    "Reduction",
    "Registration",
    "Task",
    "TaskName",
    "nearest_described_ratio",
]
