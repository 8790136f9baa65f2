"""One run of the page: files in; a file to download, layers to look at and scores out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gisr.apps.web.interpolation import Interpolation
from gisr.apps.web.layers import Layers, Truth, open_layers
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.scores import Scores, score
from gisr.apps.web.watch import Watch
from gisr.errors import InputError
from gisr.inference.files import upscale_order
from gisr.inference.order import OUTPUT_SUFFIXES, FileResult, Options, Order, read_order
from gisr.inference.upscaler import Upscaler
from gisr.io.files import file_suffix
from gisr.io.pairs import RasterPair, VolumePair, guess_task
from gisr.tasks.sensors import find_sensor
from gisr.tasks.task import TaskName

_NAMES = {"pansharpening": "satellite image", "mri": "MR volume", "depth": "depth map"}


@dataclass(frozen=True)
class Uploads:
    """What a visitor gave."""

    target: Path
    guide: Path
    truth: Path | None = None


@dataclass(frozen=True)
class Wishes:
    """What a visitor chose; what was hidden, because it is for another task, does not count."""

    task: TaskName | None = None
    """Told from the files when None."""
    sensor: str | None = None
    bits: int | None = None
    bands: tuple[int, ...] | None = None
    """Numbers from 1; all when None."""
    contrast: str | None = None
    guide_contrast: str | None = None
    invalid: float | None = None

    def options(self, task: TaskName) -> Options:
        """Return what counts for a task.

        Raises:
            InputError: No band is left.
        """
        match task:
            case "pansharpening":
                if self.bands == ():
                    raise InputError("no band is chosen: choose at least one to sharpen")
                return Options(task, sensor=self.sensor, bits=self.bits, bands=self.bands)
            case "mri":
                return Options(task, contrast=self.contrast, guide_contrast=self.guide_contrast)
            case "depth":
                return Options(task, invalid=self.invalid)


@dataclass(frozen=True)
class Look:
    """What can be said of two files before anything is computed."""

    order: Order
    summary: str
    """One line for the visitor."""
    bands: tuple[str, ...]
    """Names of all bands of a satellite target; nothing for other tasks."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A finished run."""

    order: Order
    result: FileResult
    layers: Layers
    interpolation: Interpolation
    """Has the pairs that the network saw."""
    scores: Scores | None
    """Where a truth was given that could be compared with."""
    notes: tuple[str, ...]
    """What the visitor should know."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands that a satellite image came out with; nothing for other tasks."""
        files = self.order.files
        return _band_names(files) if isinstance(files, RasterPair) else ()

    @property
    def path(self) -> Path:
        """The file to download: what ``gisr upscale`` writes for the same files and options."""
        return self.result.path


def look(uploads: Uploads, wishes: Wishes, limits: PageLimits, folder: Path) -> Look:
    """Check two files and say what they are taken for.

    Args:
        uploads: Target and guide; the truth does not count yet.
        wishes: As chosen on the page.
        limits: What the headers may claim.
        folder: Where the output would go.

    Raises:
        GisrError: They cannot be used; see :func:`gisr.inference.order.read_order`.
    """
    order = _read(uploads, wishes, limits, folder)
    files = order.files
    bands: tuple[str, ...] = ()
    if isinstance(files, RasterPair):
        target, guide = (_size(*header.shape) for header in (files.target, files.guide))
        ratio = order.place(files.target.shape, files.guide.shape, files.placement)[0].ratio
        detail = f"{files.target.bands} bands of {files.target.dtype}"
        bands = _band_names(files)
    elif isinstance(files, VolumePair):
        target, guide = (_size(*volume.shape) for volume in (files.target, files.guide))
        ratio, detail = files.placement.ratio, f"{files.target.dtype}"
    else:
        target, guide = _size(*files.target.shape), _size(*files.guide.shape[:2])
        ratio = files.placement.ratio
        detail = f"{files.target.dtype}, {1 - files.target.valid.mean():.1%} unknown"
    summary = f"{_NAMES[order.task]}, {target} ({detail}) to {guide}: x{ratio:.3g}"
    return Look(order, summary[0].upper() + summary[1:], bands)


def sharpen(
    upscaler: Upscaler,
    uploads: Uploads,
    wishes: Wishes,
    limits: PageLimits,
    folder: Path,
    watch: Watch,
) -> Outcome:
    """Sharpen what a visitor gave.

    Args:
        upscaler: From :func:`gisr.load_model`.
        uploads: Files, named as the visitor named them.
        wishes: As chosen on the page.
        limits: What the headers may claim.
        folder: An empty one; what is written stays in it.
        watch: Ends the run after its time, or when it is stopped.

    Raises:
        StoppedError: The visitor left or changed their mind.
        LimitError: A file is too large, or time is up.
        GisrError: The files cannot be used.
    """
    order = _read(uploads, wishes, limits, folder)
    truth = None
    if uploads.truth is not None:
        truth = Truth(uploads.truth, order, limits.files)
        truth.check()
    watch.check()
    interpolation, quietly = Interpolation(), _unreported(watch)
    before = replace(order, output=folder / f"interpolated{file_suffix(order.output)}")
    upscale_order(interpolation, before, progress=quietly)
    watch.check()
    result = upscale_order(upscaler, order, progress=watch)
    layers = open_layers(order, before.output, truth, limits.files)
    scores, notes = None, result.notes
    if isinstance(order.files, VolumePair) and order.files.target.count > 1:
        notes = (*notes, f"shown is the first of {order.files.target.count} volumes; all are saved")
    if truth is not None:
        watch.check()
        try:
            scores = score(layers, order.task, result.ratio, _bits(order))
        except InputError as error:  # the sharpened image is there all the same
            notes = (*notes, f"the truth could not be compared with: {error}")
    return Outcome(order, result, layers, interpolation, scores, notes)


def output_name(target: Path, task: TaskName) -> str:
    """Return the name of a result: the target's, with its format where the task can write it."""
    suffix, suffixes = file_suffix(target), OUTPUT_SUFFIXES[task]
    stem = target.name[: len(target.name) - len(suffix)] or task
    return f"{stem}_sharpened{suffix if suffix in suffixes else suffixes[0]}"


def _read(uploads: Uploads, wishes: Wishes, limits: PageLimits, folder: Path) -> Order:
    task = wishes.task or guess_task(uploads.target, uploads.guide)
    output = folder / output_name(uploads.target, task)
    options = wishes.options(task)
    return read_order(uploads.target, uploads.guide, output, options, limits=limits.files)


def _unreported(watch: Watch) -> Callable[[int, int], None]:
    """Return a callback that ends a run but does not count as progress."""
    return lambda done, total: watch.check()


def _bits(order: Order) -> int | None:
    """Return the significant bits of a satellite image, if anything says."""
    if not isinstance(order.files, RasterPair):
        return None
    target, options = order.files.target, order.options
    if options.bits or target.bits:
        return options.bits or target.bits
    if options.sensor:
        return find_sensor(options.sensor).bits
    return 8 if target.dtype == "uint8" else None


def _band_names(files: RasterPair) -> tuple[str, ...]:
    target = files.target
    return tuple(
        f"{number} {name}" if name else f"{number}"
        for number, name in zip(target.numbers, target.descriptions, strict=True)
    )


def _size(*sides: int) -> str:
    return " x ".join(map(str, sides))
