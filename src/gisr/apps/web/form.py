"""What a visitor gives and chooses, and the command of ``gisr upscale`` that says the same."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gisr.errors import InputError
from gisr.estimation.registration import Align
from gisr.io.files import file_suffix
from gisr.io.pairs import RasterPair
from gisr.pipelines.request import (
    MASK_SUFFIXES,
    OUTPUT_SUFFIXES,
    REPORT_SUFFIXES,
    SPREAD_SUFFIXES,
    Options,
    Order,
)
from gisr.tasks import TaskName


@dataclass(frozen=True)
class Uploads:
    """What a visitor gave."""

    target: Path
    """A file, or the folder of a DICOM series."""
    guide: Path
    """Likewise."""
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
    fill_holes: bool = False
    """With a mask of what was filled."""
    aligned: bool = True
    """Whether the shift of a panchromatic or MR guide is estimated and undone."""
    consistent: bool | None = None
    """As the command line does by default when None."""
    uncertainty: bool = False
    report: bool = False

    def align(self, task: TaskName) -> Align:
        """Return whether guides are aligned; those of depth maps never are."""
        return "auto" if self.aligned or task == "depth" else "off"

    def options(self, task: TaskName, target: Path, folder: Path) -> Options:
        """Return what counts for a task.

        Args:
            task: What the files are.
            target: Further outputs are named after it.
            folder: Where they go.

        Raises:
            InputError: No band is left.
        """

        def further(wanted: bool, what: str, suffixes: tuple[str, ...]) -> Path | None:
            return folder / output_name(target, what, suffixes) if wanted else None

        options = Options(
            task,
            consistent=self.consistent,
            uncertainty=further(self.uncertainty, "spread", SPREAD_SUFFIXES[task]),
            report=further(self.report, "report", REPORT_SUFFIXES),
        )
        match task:
            case "pansharpening":
                if self.bands == ():
                    raise InputError("no band is chosen: choose at least one to sharpen")
                return replace(options, sensor=self.sensor, bits=self.bits, bands=self.bands)
            case "mri":
                return replace(options, contrast=self.contrast, guide_contrast=self.guide_contrast)
            case "depth":
                return replace(
                    options,
                    invalid=self.invalid,
                    fill_holes=self.fill_holes,
                    mask=further(self.fill_holes, "filled", MASK_SUFFIXES[:1]),  # a picture
                )


def output_name(target: Path, what: str, suffixes: tuple[str, ...]) -> str:
    """Return the name of an output: the target's, with its format where that can be written.

    Args:
        target: As the visitor named it.
        what: What the output is, for example ``sharpened``.
        suffixes: Formats it can have; the first where the target's is not among them.
    """
    suffix = file_suffix(target)
    stem = target.name[: len(target.name) - len(suffix)] or "target"
    return f"{stem}_{what}{suffix if suffix in suffixes else suffixes[0]}"


def result_name(target: Path, task: TaskName) -> str:
    """Return the name of the sharpened file."""
    return output_name(target, "sharpened", OUTPUT_SUFFIXES[task])


def command_line(uploads: Uploads, order: Order, align: Align, model: str | None) -> str:
    """Return the command that writes the same files, with their names alone.

    Args:
        uploads: What was given.
        order: Of them.
        align: Whether guides are aligned.
        model: Weights, as ``gisr serve`` was given them.
    """
    words = ["gisr", "upscale", uploads.target.name, uploads.guide.name]
    words += ["--output", order.output.name, *_chosen(order)]
    if align != "auto":
        words += ["--align", align]
    if model is not None:
        words += ["--model", model]
    return shlex.join(words)


def _chosen(order: Order) -> Iterator[str]:
    """Yield the words of an order's options."""
    options, files = order.options, order.files
    yield from ("--task", order.task)
    for name in ("sensor", "bits", "contrast", "guide_contrast"):
        if value := getattr(options, name):
            yield from (f"--{name.replace('_', '-')}", str(value))
    every = files.target.count - files.target.alpha if isinstance(files, RasterPair) else 0
    if options.bands is not None and len(options.bands) < every:
        for band in options.bands:
            yield from ("--band", str(band))
    if options.invalid:
        yield from ("--invalid", repr(options.invalid))
    if options.fill_holes:
        yield "--fill-holes"
    if options.consistent is not None:
        yield "--consistent" if options.consistent else "--no-consistent"
    for name in ("mask", "uncertainty", "report"):
        if path := getattr(options, name):
            yield from (f"--{name}", Path(path).name)
