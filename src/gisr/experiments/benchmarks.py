"""All benchmarks: on the project's open pairs, on published data sets, and on anybody's own.

The protocols on open pairs follow the one in ``shared/data/README.md``, so that its independent
baseline numbers can be compared with ours.
"""

from collections.abc import Callable, Iterator

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, Frame, Scan, Scene
from gisr.datasets.open_pairs import OPEN_PAIRS
from gisr.datasets.pairing import contrasts_of
from gisr.datasets.readers import LayoutName
from gisr.experiments.benchmark import (
    NO_REFERENCE,
    Benchmark,
    Contains,
    depth_pairs,
    full_pairs,
    has_sensor,
    has_truth,
    is_full,
    kspace_pairs,
    published_pairs,
    wald_pairs,
)
from gisr.experiments.published_benchmarks import PUBLISHED
from gisr.metrics import MetricName
from gisr.tasks import TaskName


def _open(task: TaskName, *splits: str, of: Callable[[Entry], bool]) -> Contains:
    return lambda entry: (
        entry.dataset == OPEN_PAIRS and entry.task == task and entry.split in splits and of(entry)
    )


def _landsat7(entry: Entry) -> bool:
    return has_sensor(entry, "Landsat-7")


def _middlebury2005(entry: Entry) -> bool:
    return entry.name.startswith("mb05")


def _scans(*contrasts: str) -> Contains:
    """Test and validation subjects with both contrasts: two scanners never trained on, one held."""
    return _open(
        "mri",
        "val",
        "test",
        of=lambda entry: isinstance(entry, Scan) and set(contrasts) <= set(entry.contrasts),
    )


_WALD = "Wald: Gaussian MTF, pixel centres kept, guide as misregistered as it comes, border 8 cut"
_KSPACE = "k-space centre crop, every eighth slice, peak = maximum of the volume"
_PILLOW = "Pillow bicubic after filling holes, border 6 cut, known pixels only"
_METRICS: dict[TaskName, tuple[MetricName, ...]] = {
    "pansharpening": ("psnr", "sam", "ergas"),
    "mri": ("psnr", "ssim_wang"),
    "depth": ("rmse",),
}


def _pansharpening(
    name: str, title: str, ratios: tuple[int, ...], peak: str, of: Callable[[Entry], bool]
) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"Pansharpening, {title}",
        task="pansharpening",
        ratios=ratios,
        metrics=_METRICS["pansharpening"],
        border=8,
        protocol=f"{_WALD}, peak {peak}",
        contains=_open("pansharpening", "test", of=of),
        pairs=wald_pairs,
    )


def _mri(name: str, contrast: str) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"MR, {contrast} guided by T1",
        task="mri",
        ratios=(2, 4, 8),
        metrics=_METRICS["mri"],
        border=0,
        protocol=_KSPACE,
        contains=_scans("T1", contrast),
        pairs=kspace_pairs(contrast, "T1", step=8),
    )


def _depth(name: str, title: str, contains: Contains) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"Depth, {title}",
        task="depth",
        ratios=(4, 8, 16),
        metrics=_METRICS["depth"],
        border=6,
        protocol=_PILLOW,
        contains=contains,
        pairs=depth_pairs,
    )


def _full(name: str, title: str, ratios: tuple[int, ...], contains: Contains) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"Pansharpening at full resolution, {title}",
        task="pansharpening",
        ratios=ratios,
        metrics=NO_REFERENCE,
        border=0,
        protocol=(
            "no truth, indexes in blocks of 32 x 32; systems get the guide as it comes, the "
            "indexes the aligned one"
        ),
        contains=contains,
        pairs=full_pairs,
        guide_aligned=True,
    )


OPEN: tuple[Benchmark, ...] = (
    _pansharpening("landsat7", "Landsat-7 P092R086", (2, 4), "255", _landsat7),
    _pansharpening(
        "quickbird",
        "QuickBird Yichang (sensor never trained on)",
        (4,),
        "2047",
        lambda entry: has_sensor(entry, "QuickBird"),
    ),
    _pansharpening(
        "other-sensors",
        "all test pairs but Landsat-7",
        (4,),
        "of the sensor's bits",
        lambda entry: not _landsat7(entry),
    ),
    _full(
        "landsat7-full",
        "Landsat-7 P092R086",
        (2,),
        _open("pansharpening", "test", of=_landsat7),
    ),
    _full(
        "other-sensors-full",
        "all test pairs but Landsat-7",
        (2, 4),
        _open("pansharpening", "test", of=lambda entry: not _landsat7(entry)),
    ),
    _mri("mri-t1-t2", "T2"),
    _mri("mri-t1-flair", "FLAIR"),
    _depth(
        "middlebury2005",
        "Middlebury 2005 (pixels of disparity)",
        _open("depth", "test", of=_middlebury2005),
    ),
    _depth(
        "depth-sensors",
        "sensor frames with real holes (metres)",
        _open("depth", "test", of=lambda entry: not _middlebury2005(entry)),
    ),
    _depth(
        "middlebury-val",
        "Middlebury 2006 Midd1, Midd2 (validation, pixels of disparity)",
        _open("depth", "val", of=lambda entry: True),
    ),
)
"""Benchmarks on the project's open pairs, in the order of their tables."""

_NO_OWN: tuple[LayoutName, ...] = ("pairs", "pansharpening-mat", "ixi")
"""Layouts without a benchmark that a paper made known."""


def _any_test(entry: Entry) -> bool:
    return entry.dataset in _NO_OWN and entry.split == "test"


def _any_made(task: TaskName) -> Contains:
    return lambda entry: entry.task == task and has_truth(entry) and _any_test(entry)


def _any_slices(entry: Entry, ratio: int) -> Iterator[Pair]:
    assert isinstance(entry, Scan)
    contrast, guide_contrast = contrasts_of(entry)
    return kspace_pairs(contrast, guide_contrast)(entry, ratio)


ANY: tuple[Benchmark, ...] = (
    Benchmark(
        name="own-scenes",
        title="Pansharpening, own scenes",
        task="pansharpening",
        ratios=(2, 4),
        metrics=_METRICS["pansharpening"],
        border=8,
        protocol=f"{_WALD}, peak of the sensor's bits",
        contains=lambda entry: isinstance(entry, Scene) and _any_test(entry),
        pairs=wald_pairs,
    ),
    _full(
        "own-full",
        "own scenes",
        (2, 3, 4, 8),
        lambda entry: is_full(entry) and _any_test(entry),
    ),
    Benchmark(
        name="own-scans",
        title="MR, own scans",
        task="mri",
        ratios=(2, 4, 8),
        metrics=_METRICS["mri"],
        border=0,
        protocol="k-space centre crop, the slices that count, peak = maximum of the volume",
        contains=lambda entry: isinstance(entry, Scan) and _any_test(entry),
        pairs=_any_slices,
    ),
    _depth(
        "own-frames",
        "own frames (in their unit)",
        lambda entry: isinstance(entry, Frame) and _any_test(entry),
    ),
    *(
        Benchmark(
            name=f"own-made-{task}",
            title=f"Own pairs with targets made by others, {task}",
            task=task,
            ratios=(2, 3, 4, 8, 16),
            metrics=metrics,
            border=0,
            protocol="targets as they are, no border cut",
            contains=_any_made(task),
            pairs=published_pairs,
        )
        for task, metrics in _METRICS.items()
    ),
)
"""Benchmarks on data sets that have none of their own."""

BENCHMARKS: tuple[Benchmark, ...] = (*OPEN, *PUBLISHED, *ANY)
"""All benchmarks, in the order of their tables."""
