"""One run of the page: files in; a file to download, layers to look at and scores out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from gisr.apps.web.cancellation import Watch
from gisr.apps.web.form import Uploads, Wishes, command_line, result_name
from gisr.apps.web.interpolation import Interpolation
from gisr.apps.web.layers import Layers, Truth, open_layers, size_text
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.scores import Scores, score
from gisr.apps.web.watched import WatchedUpscaler
from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.io.files import file_suffix
from gisr.io.pairs import RasterPair, VolumePair, guess_task
from gisr.pipelines.checks import check_contents
from gisr.pipelines.request import FileResult, Order, read_order
from gisr.pipelines.run import upscale_order
from gisr.tasks.sensors import find_sensor

_NAMES = {"pansharpening": "satellite image", "mri": "MR volume", "depth": "depth map"}


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
    upscaler: Upscaler
    """What sharpened it, with the alignment that was asked for."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands that a satellite image came out with; nothing for other tasks."""
        files = self.order.files
        return _band_names(files) if isinstance(files, RasterPair) else ()

    @property
    def path(self) -> Path:
        """The file to download: what ``gisr upscale`` writes for the same files and options."""
        return self.result.path

    @property
    def command(self) -> str:
        """The command that writes the same files."""
        return self.order.options.command


def look(uploads: Uploads, wishes: Wishes, limits: PageLimits, folder: Path) -> Look:
    """Check two files and say what they are taken for.

    Args:
        uploads: Target and guide; the truth does not count yet.
        wishes: As chosen on the page.
        limits: What the headers may claim.
        folder: Where the output would go.

    Raises:
        GisrError: They cannot be used; see :func:`gisr.pipelines.request.read_order`.
    """
    order = _read(uploads, wishes, limits, folder)
    files = order.files
    bands: tuple[str, ...] = ()
    if isinstance(files, RasterPair):
        target, guide = (size_text(header.shape) for header in (files.target, files.guide))
        ratio = order.place(files.target.shape, files.guide.shape, files.placement)[0].ratio
        detail = f"{files.target.bands} bands of {files.target.dtype}"
        bands = _band_names(files)
    elif isinstance(files, VolumePair):
        target, guide = (size_text(volume.shape) for volume in (files.target, files.guide))
        ratio, detail = files.placement.ratio, f"{files.target.dtype}"
    else:
        target, guide = size_text(files.target.shape), size_text(files.guide.shape[:2])
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
    model: str | None = None,
) -> Outcome:
    """Sharpen what a visitor gave.

    Args:
        upscaler: From :func:`gisr.load_model`.
        uploads: Files, named as the visitor named them.
        wishes: As chosen on the page.
        limits: What the headers may claim.
        folder: Holds nothing yet, or the images of a DICOM series; what is written stays in it.
        watch: Ends the run after its time, or when it is stopped: after any of the network's
            answers.
        model: What the weights are called on the command line, if they are not the default.

    Raises:
        StoppedError: The visitor left or changed their mind.
        LimitError: A file is too large, or time is up.
        GisrError: The files cannot be used.
    """
    order = _read(uploads, wishes, limits, folder)
    align = wishes.align(order.task)
    order = order.with_options(command=command_line(uploads, order, align, model))
    check_contents(order)
    truth = None
    if uploads.truth is not None:
        truth = Truth(uploads.truth, order, limits.files)
        truth.check()
    watch.check()
    interpolation, before = Interpolation(), _before(order)
    upscale_order(interpolation, before, progress=_unreported(watch))
    watch.check()
    watched = WatchedUpscaler(upscaler, align, watch)
    result = upscale_order(watched, order, progress=watch)
    if order.options.report is not None:
        _leave_out_folders(Path(order.options.report), (uploads.target, uploads.guide, result.path))
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
    return Outcome(order, result, layers, interpolation, scores, notes, watched)


def _read(uploads: Uploads, wishes: Wishes, limits: PageLimits, folder: Path) -> Order:
    target = uploads.target
    task = wishes.task or guess_task(target, uploads.guide)
    options = wishes.options(task, target, folder)
    output = folder / result_name(target, task)
    return read_order(target, uploads.guide, output, options, limits=limits.files)


def _before(order: Order) -> Order:
    """Return the order for what the same files give without a network: one file, as it comes."""
    name = f"interpolated{file_suffix(order.output)}"
    plain = order.with_options(consistent=False, uncertainty=None, report=None, mask=None)
    return replace(plain, output=order.output.with_name(name))


def _leave_out_folders(report: Path, files: tuple[Path, ...]) -> None:
    """Have a report name files without where the server keeps them: soon they are not there."""
    text = report.read_text(encoding="utf-8")
    for file in files:
        text = text.replace(escape(f"{file.parent}/"), "")
    report.write_text(text, encoding="utf-8")


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
