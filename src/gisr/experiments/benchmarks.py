"""All benchmarks: on the project's open pairs, on published data sets, and on users' own.

The protocols on open pairs follow the one in ``shared/data/README.md``, so that its independent
baseline numbers can be compared with ours. Metrics and borders are those of the task's record.
"""

from collections.abc import Callable
from dataclasses import replace

from gisr.datasets.entry import Entry, Scan
from gisr.datasets.open_pairs import MORE_PAIRS, OPEN_PAIRS
from gisr.datasets.readers import LayoutName
from gisr.experiments.benchmark import (
    NO_REFERENCE,
    Benchmark,
    Contains,
    full_pairs,
    has_sensor,
    is_full,
    is_published,
    kspace_pairs,
    native_ratios,
)
from gisr.experiments.published_benchmarks import PUBLISHED
from gisr.tasks import TASKS, Task
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.multiband import MULTIBAND
from gisr.tasks.pansharpening import PANSHARPENING


def _open(task: Task, *splits: str, of: Callable[[Entry], bool]) -> Contains:
    return lambda entry: (
        entry.dataset in (OPEN_PAIRS, MORE_PAIRS)
        and entry.task == task.name
        and entry.split in splits
        and of(entry)
    )


def _landsat7(entry: Entry) -> bool:
    return has_sensor(entry, "Landsat-7")


def _middlebury2005(entry: Entry) -> bool:
    return entry.name.startswith("mb05")


def _scans(*contrasts: str) -> Contains:
    """Test subjects with both contrasts; the validation subject served the choice of weights."""
    return _open(
        MRI,
        "test",
        of=lambda entry: isinstance(entry, Scan) and set(contrasts) <= set(entry.contrasts),
    )


_WALD = (
    "Wald: Gaussian MTF, pixel centres kept, guide as misregistered as it comes, "
    f"border {PANSHARPENING.border} cut"
)
_BANDS = (
    "Wald: Gaussian MTF, pixel centres kept, fine bands that are finer than the truth reduced by "
    f"antialiased bicubic, border {MULTIBAND.border} cut"
)
_KSPACE = "k-space centre crop, every eighth slice, peak = maximum of the volume"
_PILLOW = f"Pillow bicubic after filling holes, border {DEPTH.border} cut, known pixels only"


def _scored(
    task: Task, name: str, title: str, ratios: tuple[int, ...], protocol: str, contains: Contains
) -> Benchmark:
    """Return a benchmark with the metrics and the border of a task's record."""
    return Benchmark(
        name=name,
        title=title,
        task=task.name,
        ratios=ratios,
        metrics=task.metrics,
        border=task.border,
        protocol=protocol,
        contains=contains,
    )


def _pansharpening(
    name: str, title: str, ratios: tuple[int, ...], peak: str, of: Callable[[Entry], bool]
) -> Benchmark:
    contains = _open(PANSHARPENING, "test", of=of)
    title = f"Pansharpening, {title}"
    return _scored(PANSHARPENING, name, title, ratios, f"{_WALD}, peak {peak}", contains)


def _mri(name: str, contrast: str) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"MR, {contrast} guided by T1",
        task=MRI.name,
        ratios=MRI.paper_ratios,
        metrics=MRI.metrics,
        border=MRI.border,
        protocol=_KSPACE,
        contains=_scans("T1", contrast),
        pairs=kspace_pairs(contrast, "T1", step=8),
    )


def _depth(name: str, title: str, contains: Contains) -> Benchmark:
    return _scored(DEPTH, name, f"Depth, {title}", DEPTH.paper_ratios, _PILLOW, contains)


def _multiband(name: str, title: str, sensor: str, peak: str) -> Benchmark:
    contains = _open(MULTIBAND, "test", of=lambda entry: has_sensor(entry, sensor))
    title, ratios = f"Bands by finer bands, {title}", MULTIBAND.paper_ratios
    return _scored(MULTIBAND, name, title, ratios, f"{_BANDS}, peak {peak}", contains)


def _full(name: str, title: str, ratios: tuple[int, ...], contains: Contains) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"Pansharpening at full resolution, {title}",
        task=PANSHARPENING.name,
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
        _open(PANSHARPENING, "test", of=_landsat7),
    ),
    _full(
        "other-sensors-full",
        "all test pairs but Landsat-7",
        (2, 4),
        _open(PANSHARPENING, "test", of=lambda entry: not _landsat7(entry)),
    ),
    _multiband(
        "sentinel2",
        "Sentinel-2 T33UUB, six bands of 20 m by four of 10 m (sensor never trained on)",
        "Sentinel-2",
        "65535",
    ),
    _multiband(
        "landsat7-swir",
        "Landsat-7 P092R086, short-wave infrared by four bands of the same grid",
        "Landsat-7",
        "255",
    ),
    _mri("mri-t1-t2", "T2"),
    _mri("mri-t1-flair", "FLAIR"),
    _depth(
        "middlebury2005",
        "Middlebury 2005 (pixels of disparity)",
        _open(DEPTH, "test", of=_middlebury2005),
    ),
    _depth(
        "depth-sensors",
        "sensor frames with real holes (metres)",
        _open(DEPTH, "test", of=lambda entry: not _middlebury2005(entry)),
    ),
    _depth(
        "middlebury-val",
        "Middlebury 2006 Midd1, Midd2 (validation, pixels of disparity)",
        _open(DEPTH, "val", of=lambda entry: True),
    ),
)
"""Benchmarks on the project's open pairs, in the order of their tables."""

_NO_OWN: tuple[LayoutName, ...] = ("pairs", "pansharpening-mat", "ixi")
"""Layouts without a benchmark that a paper made known."""
_KNOWN = (PANSHARPENING.name, MULTIBAND.name, MRI.name, DEPTH.name)
"""Tasks with benchmarks above; the data sets of a further task have none."""


def _any_test(entry: Entry) -> bool:
    no_published = entry.dataset in _NO_OWN or entry.task not in _KNOWN
    return no_published and entry.split == "test"


def _own(task: Task, name: str, title: str, protocol: str, ratios: tuple[int, ...]) -> Benchmark:
    """Return the benchmark on full-resolution images of a task, reduced by its protocol."""

    def contains(entry: Entry) -> bool:
        return entry.task == task.name and entry.ratios is None and _any_test(entry)

    return _scored(task, name, title, ratios, protocol, contains)


def _own_published(task: Task) -> Benchmark:
    """Return the benchmark on pairs of a task that came with their targets."""
    return Benchmark(
        name=f"own-made-{task.name}",
        title=f"Own pairs with targets made by others, {task.name}",
        task=task.name,
        ratios=(2, 3, 4, 8, 16),
        metrics=task.metrics,
        border=0,
        protocol="targets as they are, no border cut",
        contains=lambda entry: entry.task == task.name and is_published(entry) and _any_test(entry),
        entry_ratios=native_ratios,
    )


ANY: tuple[Benchmark, ...] = (
    _own(
        PANSHARPENING,
        "own-scenes",
        "Pansharpening, own scenes",
        f"{_WALD}, peak of the sensor's bits",
        (2, 4),
    ),
    replace(
        _full(
            "own-full",
            "own scenes",
            (2, 3, 4, 8),
            lambda entry: is_full(entry) and _any_test(entry),
        ),
        entry_ratios=native_ratios,
    ),
    _own(
        MULTIBAND,
        "own-bands",
        "Bands by finer bands, own images",
        _BANDS,
        MULTIBAND.paper_ratios,
    ),
    _own(
        MRI,
        "own-scans",
        "MR, own scans",
        "k-space centre crop, the slices that count, peak = maximum of the volume",
        MRI.paper_ratios,
    ),
    _own(DEPTH, "own-frames", "Depth, own frames (in their unit)", _PILLOW, DEPTH.paper_ratios),
    *(
        _own(
            task,
            f"own-{task.name}",
            f"{task.title}, own images",
            f"reduced by the protocol of the task, border {task.border} cut",
            task.paper_ratios,
        )
        for task in TASKS.values()
        if task.name not in _KNOWN
    ),
    *map(_own_published, TASKS.values()),
)
"""Benchmarks on data sets that have none of their own."""

BENCHMARKS: tuple[Benchmark, ...] = (*OPEN, *PUBLISHED, *ANY)
"""All benchmarks, in the order of their tables."""
