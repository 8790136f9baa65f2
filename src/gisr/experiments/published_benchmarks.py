"""Benchmarks on data sets as they are published, with the protocols of the papers that use them.

For depth, the bicubic row identifies the protocol to the second decimal:

* DCTNet (Zhao et al., 2022) converts maps to float32, cuts them to a multiple of the ratio and
  reduces them by Pillow's bicubic. Nothing is rounded or clipped, on the way down or up. It cuts no
  border except on NYU v2, where DKN (Kim, Ponce, Ham 2021) cuts 6 pixels.
* SGNet (Wang et al., 2024) reduces the 8-bit pictures of Middlebury and Lu as such, which rounds
  the reduced map to whole levels (bicubic on Lu x4: 2.48, not 2.47), and cuts 6 pixels everywhere.
"""

from collections.abc import Sequence

from gisr.datasets.entry import Entry, Frame, Scan, Scene
from gisr.datasets.readers import LayoutName
from gisr.experiments.benchmark import (
    NO_REFERENCE,
    Benchmark,
    Contains,
    MakePairs,
    full_pairs,
    has_sensor,
    is_full,
    is_published,
    kspace_pairs,
    level_pairs,
    own_pairs,
)
from gisr.metrics import MetricName
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.pansharpening import PANSHARPENING

_SENSORS = {
    "qb": "QuickBird",
    "gf1": "GaoFen-1",
    "gf2": "GaoFen-2",
    "wv4": "WorldView-4",
    "wv2": "WorldView-2",
    "wv3": "WorldView-3",
    "ik": "IKONOS",
}
"""Sensors by their short names in benchmarks and papers."""


def _depth(
    name: str, title: str, unit: str, layouts: Sequence[LayoutName], *, rounded: bool = False
) -> list[Benchmark]:
    """Return a depth benchmark without a border cut, with one, and with rounded targets."""
    variants: list[tuple[str, int, str, MakePairs]] = [
        ("", 0, "Pillow bicubic of float32 maps (DCTNet), no border cut", own_pairs),
        ("-crop6", DEPTH.border, "Pillow bicubic of float32 maps, border 6 cut (DKN)", own_pairs),
    ]
    if rounded:
        protocol = "Pillow bicubic of 8-bit maps, which rounds them, border 6 cut (SGNet)"
        variants.append(("-sgnet", DEPTH.border, protocol, level_pairs))
    return [
        Benchmark(
            name=name + end,
            title=f"Depth, {title} ({unit})",
            task=DEPTH.name,
            ratios=DEPTH.paper_ratios,
            metrics=DEPTH.metrics,
            border=border,
            protocol=f"{protocol}, every pixel",
            contains=lambda entry: isinstance(entry, Frame) and _tested(entry, layouts),
            pairs=pairs,
        )
        for end, border, protocol, pairs in variants
    ]


def _pansharpening(
    name: str,
    title: str,
    protocol: str,
    sensors: Sequence[str],
    *,
    of: Contains,
    pairs: MakePairs = own_pairs,
    metrics: tuple[MetricName, ...] = PANSHARPENING.metrics,
) -> list[Benchmark]:
    """Return a benchmark for each of some sensors: papers do not average over them."""
    return [
        Benchmark(
            name=f"{name}-{short}",
            title=f"Pansharpening, {title}, {_SENSORS[short]}",
            task=PANSHARPENING.name,
            ratios=PANSHARPENING.paper_ratios,
            metrics=metrics,
            border=0,
            protocol=protocol,
            contains=_of_sensor(_SENSORS[short], of),
            pairs=pairs,
        )
        for short in sensors
    ]


def _of_sensor(name: str, of: Contains) -> Contains:
    return lambda entry: of(entry) and has_sensor(entry, name)


def _tested(entry: Entry, layouts: Sequence[LayoutName]) -> bool:
    return entry.dataset in layouts and entry.split == "test"


_NBU = ("qb", "gf1", "wv4", "wv2", "wv3", "ik")
_PANCOLLECTION = ("wv3", "gf2", "qb", "wv2")

_FULL = "full resolution, no truth, indexes in blocks of 32 x 32, guide as published"

PUBLISHED: tuple[Benchmark, ...] = (
    *_pansharpening(
        "nbu",
        "NBU",
        "Wald: Gaussian MTF of the sensor, pixel centres kept, peak of its bits, no border cut",
        _NBU,
        of=lambda entry: isinstance(entry, Scene) and _tested(entry, ("nbu",)),
    ),
    *_pansharpening(
        "nbu-reduced",
        "NBU as the paper's laboratory reduced it",
        "targets as published, peak 1, no border cut",
        _NBU,
        of=lambda entry: is_published(entry) and _tested(entry, ("nbu-reduced",)),
    ),
    *_pansharpening(
        "nbu-full",
        "NBU",
        _FULL,
        _NBU,
        of=lambda entry: is_full(entry) and _tested(entry, ("nbu", "nbu-full")),
        pairs=full_pairs,
        metrics=NO_REFERENCE,
    ),
    *_pansharpening(
        "pancollection",
        "PanCollection",
        "targets as published, peak of the sensor's bits, no border cut",
        _PANCOLLECTION,
        of=lambda entry: is_published(entry) and _tested(entry, ("pancollection",)),
        metrics=(*PANSHARPENING.metrics, "q2n"),
    ),
    *_pansharpening(
        "pancollection-full",
        "PanCollection",
        _FULL,
        _PANCOLLECTION,
        of=lambda entry: is_full(entry) and _tested(entry, ("pancollection",)),
        pairs=full_pairs,
        metrics=NO_REFERENCE,
    ),
    Benchmark(
        name="brats",
        title="MR, BraTS, T2 guided by T1",
        task=MRI.name,
        ratios=MRI.paper_ratios,
        metrics=MRI.metrics,
        border=MRI.border,
        protocol=(
            "k-space centre crop of slices whose volume was brought to 0 to 255 and rounded "
            "(MC-DuDoNet, MC-CDic), peak 255"
        ),
        contains=lambda entry: (
            isinstance(entry, Scan)
            and _tested(entry, ("brats",))
            and {"T1", "T2"} <= set(entry.contrasts)
        ),
        pairs=kspace_pairs("T2", "T1", as_levels=True),
    ),
    *_depth("nyu", "NYU v2", "cm", ("nyu-dkn", "nyu-jiif")),
    *_depth("middlebury30", "Middlebury 30", "8-bit levels", ("middlebury30",), rounded=True),
    *_depth("lu", "Lu", "8-bit levels", ("lu",), rounded=True),
    *_depth("rgbdd", "RGB-D-D", "cm", ("rgbdd",)),
)
"""Benchmarks of published data sets, in the order of their tables."""
