"""One run of the page: files in; a file to download, layers to show and scores out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gisr.apps.web.cancellation import Watch
from gisr.apps.web.form import Chosen, Uploads, chosen_options, command_line, result_name
from gisr.apps.web.interpolation import Interpolation
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.scores import Scores, score
from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.io.files import file_suffix
from gisr.notes import Note, warning
from gisr.pipelines.layers import Layers
from gisr.pipelines.request import FileResult, Request
from gisr.pipelines.run import check_request, read_request, upscale_request
from gisr.pipelines.table import PIPELINES, guess_task
from gisr.tasks import find_task


@dataclass(frozen=True)
class Preview:
    """What is known of two files before anything is computed."""

    request: Request[Any]
    summary: str
    """One line for the user."""
    bands: tuple[str, ...]
    """Names of all bands of a satellite target; nothing for other tasks."""


@dataclass(frozen=True, eq=False)
class PageOutcome:
    """A finished run."""

    request: Request[Any]
    result: FileResult
    layers: Layers
    interpolation: Interpolation
    """Has the pairs that the network saw."""
    scores: Scores | None
    """Where a truth was given that could be compared with."""
    notes: tuple[Note, ...]
    """What the user should know."""
    upscaler: Upscaler
    """What sharpened it."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands that a satellite image came out with; nothing for other tasks."""
        return PIPELINES[self.request.task].band_names(self.request)

    @property
    def path(self) -> Path:
        """The file to download: what ``gisr upscale`` writes for the same files and options."""
        return self.result.path

    @property
    def command(self) -> str:
        """The command that writes the same files."""
        return self.request.command


def preview(uploads: Uploads, chosen: Chosen, limits: PageLimits, folder: Path) -> Preview:
    """Check two files and report what they are recognised as.

    Args:
        uploads: Target and guide; the truth is not read.
        chosen: As chosen on the page.
        limits: What the headers may claim.
        folder: Where the output would go.

    Raises:
        GisrError: They cannot be used; see :func:`gisr.pipelines.run.read_request`.
    """
    request = _read(uploads, chosen, limits, folder)
    pipeline = PIPELINES[request.task]
    summary = f"{find_task(request.task).subject}, {pipeline.summary(request)}"
    return Preview(request, summary[0].upper() + summary[1:], pipeline.band_names(request))


def sharpen(
    upscaler: Upscaler,
    uploads: Uploads,
    chosen: Chosen,
    limits: PageLimits,
    folder: Path,
    watch: Watch,
    model: str | None = None,
) -> PageOutcome:
    """Sharpen the files of a user.

    Args:
        upscaler: From :func:`gisr.load_model`.
        uploads: Files, named as the user named them.
        chosen: As chosen on the page.
        limits: What the headers may claim.
        folder: Holds nothing yet, or the images of a DICOM series; what is written stays in it.
        watch: Ends the run after its time, or when it is stopped: after any of the network's
            answers.
        model: What the weights are called on the command line, if they are not the default.

    Raises:
        StoppedError: The user stopped the run or left the page.
        LimitError: A file is too large, or time is up.
        GisrError: The files cannot be used.
    """
    request = _read(uploads, chosen, limits, folder)
    command = command_line(uploads, request, model)
    # The report is kept after the session and its folders are deleted.
    request = replace(request, command=command, folders_named=False)
    check_request(request)
    pipeline, truth = PIPELINES[request.task], None
    if uploads.truth is not None:
        truth = pipeline.read_truth(uploads.truth, request, limits.files)
    watch.check()
    interpolation, before = Interpolation(), _before(request)
    upscale_request(interpolation, before, check=watch.check, progress=_unreported(watch))
    watch.check()
    result = upscale_request(upscaler, request, check=watch.check, progress=watch)
    layers = pipeline.layers(request, before.output, truth, limits.files)
    scores, notes = None, (*result.notes, *map(Note, pipeline.page_notes(request)))
    if truth is not None:
        watch.check()
        try:
            scores = score(layers, request.task, result.ratio, pipeline.bits(request))
        except InputError as error:  # the sharpened image is there all the same
            notes = (*notes, warning(f"the truth could not be compared with: {error}"))
    return PageOutcome(request, result, layers, interpolation, scores, notes, upscaler)


def _read(uploads: Uploads, chosen: Chosen, limits: PageLimits, folder: Path) -> Request[Any]:
    target = uploads.target
    task = chosen.get("task") or guess_task(target, uploads.guide)
    options = chosen_options(chosen, task, target, folder)
    output = folder / result_name(target, find_task(task))
    return read_request(target, uploads.guide, output, options, limits=limits.files)


def _before(request: Request[Any]) -> Request[Any]:
    """Return the request for what the same files give without a network: one file."""
    name = f"interpolated{file_suffix(request.output)}"
    no_files = dict.fromkeys(request.options.further_files)
    plain = request.with_options(consistent=False, align="off", adapt=False, **no_files)
    return replace(plain, output=request.output.with_name(name))


def _unreported(watch: Watch) -> Callable[[int, int], None]:
    """Return a callback that ends a run but does not count as progress."""
    return lambda done, total: watch.check()
