"""The public benchmarks: which pairs, which protocol, which metrics, each under a name.

Every protocol follows the one in ``shared/data/README.md``, so that its independent baseline
numbers can be compared with ours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gisr.data.open_pairs import OpenPair
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.metrics import MetricName
from gisr.tasks.task import TaskName

MakePairs = Callable[[OpenPair, int], Iterator[Pair]]
"""Gives the test pairs of an entry at a ratio."""


@dataclass(frozen=True)
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
    contains: Callable[[OpenPair], bool]
    """Whether an entry of the index belongs to it."""
    pairs: MakePairs


def _wald(entry: OpenPair, ratio: int) -> Iterator[Pair]:
    yield wald_pair(
        entry.multispectral,
        entry.panchromatic,
        ratio,
        sensor=entry.sensor,
        bits=entry.bits,
        name=entry.name,
    )


def _kspace(contrast: str, guide_contrast: str) -> MakePairs:
    """Return the maker of every eighth slice of a contrast guided by another."""

    def pairs(entry: OpenPair, ratio: int) -> Iterator[Pair]:
        truth, guide = entry.volume(contrast), entry.volume(guide_contrast)
        peak = float(truth.max())
        for index in range(4, truth.shape[2], 8):
            yield kspace_pair(
                np.ascontiguousarray(truth[:, :, index]),
                np.ascontiguousarray(guide[:, :, index]),
                ratio,
                contrast=contrast,
                guide_contrast=guide_contrast,
                peak=peak,
                name=f"{entry.name}:{contrast}:{index}",
            )

    return pairs


def _depth(entry: OpenPair, ratio: int) -> Iterator[Pair]:
    values, valid = entry.depth
    yield depth_pair(values, entry.colour, ratio, valid=valid, name=entry.name)


def _in_test(task: TaskName, wanted: Callable[[OpenPair], bool]) -> Callable[[OpenPair], bool]:
    return lambda entry: entry.task == task and entry.split == "test" and wanted(entry)


def _landsat7(entry: OpenPair) -> bool:
    return (entry.sensor or "").startswith("Landsat-7")


def _quickbird(entry: OpenPair) -> bool:
    return entry.sensor == "QuickBird"


def _scans(contrasts: tuple[str, str]) -> Callable[[OpenPair], bool]:
    """Test and validation subjects with both contrasts: two scanners never trained on, one held."""
    return lambda entry: (
        entry.task == "mri"
        and entry.split in ("val", "test")
        and set(contrasts) <= set(entry.contrasts)
    )


_WALD = "Wald: Gaussian MTF, pixel centres kept, guide as misregistered as it comes, border 8 cut"
_KSPACE = "k-space centre crop, every eighth slice, peak = maximum of the volume"
_PILLOW = "Pillow bicubic after filling holes, border 6 cut, known pixels only"

BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        "landsat7",
        "Pansharpening, Landsat-7 P092R086",
        "pansharpening",
        (2, 4),
        ("psnr", "sam", "ergas"),
        8,
        _WALD + ", peak 255",
        _in_test("pansharpening", _landsat7),
        _wald,
    ),
    Benchmark(
        "quickbird",
        "Pansharpening, QuickBird Yichang (sensor never trained on)",
        "pansharpening",
        (4,),
        ("psnr", "sam", "ergas"),
        8,
        _WALD + ", peak 2047",
        _in_test("pansharpening", _quickbird),
        _wald,
    ),
    Benchmark(
        "other-sensors",
        "Pansharpening, all test pairs but Landsat-7",
        "pansharpening",
        (4,),
        ("psnr", "sam", "ergas"),
        8,
        _WALD + ", peak of the sensor's bits",
        _in_test("pansharpening", lambda entry: not _landsat7(entry)),
        _wald,
    ),
    Benchmark(
        "mri-t1-t2",
        "MR, T2 guided by T1",
        "mri",
        (2, 4, 8),
        ("psnr", "ssim_wang"),
        0,
        _KSPACE,
        _scans(("T1", "T2")),
        _kspace("T2", "T1"),
    ),
    Benchmark(
        "mri-t1-flair",
        "MR, FLAIR guided by T1",
        "mri",
        (2, 4, 8),
        ("psnr", "ssim_wang"),
        0,
        _KSPACE,
        _scans(("T1", "FLAIR")),
        _kspace("FLAIR", "T1"),
    ),
    Benchmark(
        "middlebury2005",
        "Depth, Middlebury 2005 (pixels of disparity)",
        "depth",
        (4, 8, 16),
        ("rmse",),
        6,
        _PILLOW,
        _in_test("depth", lambda entry: entry.name.startswith("mb05")),
        _depth,
    ),
    Benchmark(
        "depth-sensors",
        "Depth, sensor frames with real holes (metres)",
        "depth",
        (4, 8, 16),
        ("rmse",),
        6,
        _PILLOW,
        _in_test("depth", lambda entry: not entry.name.startswith("mb05")),
        _depth,
    ),
    Benchmark(
        "middlebury-val",
        "Depth, Middlebury 2006 Midd1, Midd2 (validation, pixels of disparity)",
        "depth",
        (4, 8, 16),
        ("rmse",),
        6,
        _PILLOW,
        lambda entry: entry.task == "depth" and entry.split == "val",
        _depth,
    ),
)
"""All benchmarks, in the order of their tables."""
