"""What happens on the page: the functions that its events call.

Imports gradio, as ``page`` does.
"""

import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from PIL import Image

from gisr.apps.web import html
from gisr.apps.web.cancellation import StoppedError, Watch
from gisr.apps.web.controls import Changes, Given
from gisr.apps.web.dicom_upload import one_path
from gisr.apps.web.drawing import (
    View,
    draw_filled,
    draw_overview,
    draw_spread,
    draw_view,
    natural_bands,
    overview_scale,
)
from gisr.apps.web.examples import EXAMPLES
from gisr.apps.web.form import Uploads
from gisr.apps.web.job import PageOutcome, preview, sharpen
from gisr.apps.web.layout import (
    COMPARISONS,
    DISPARITY,
    DISTANCE,
    MIDDLE,
    WITH_TRUTH,
    Layout,
)
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.routing_map import draw_routing
from gisr.apps.web.sessions import Session, Sessions
from gisr.errors import GisrError, InputError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.layers import Layers, Plane
from gisr.rendering.colours import Colours
from gisr.tasks import TaskName, find_task

P = ParamSpec("P")
R = TypeVar("R")


def reported(handler: Callable[P, R]) -> Callable[P, R]:
    """Report an error that a user can act on in one line on the page."""

    @wraps(handler)
    def reporting(*args: P.args, **keywords: P.kwargs) -> R:
        try:
            return handler(*args, **keywords)
        except GisrError as error:
            stopped = isinstance(error, StoppedError)
            # Gradio 6.31 shows no titles but its own word for the kind, which page.css hides.
            raise gr.Error(
                html.message(error, "Stopped" if stopped else "This does not work"),
                duration=5 if stopped else None,
                print_exception=False,
            ) from error

    return reporting


class Handlers(Layout):
    """The page, and what happens on it."""

    def __init__(
        self, upscaler: Upscaler, limits: PageLimits, sessions: Sessions, model: str | None
    ) -> None:
        """Lay out the page; a ``gr.Blocks`` has to be open.

        Args:
            upscaler: What sharpens.
            limits: What the page takes on.
            sessions: Keeps the users' files.
            model: What the weights are called on the command line, if they are not the default.
        """
        super().__init__(limits)
        self._upscaler, self.limits, self._sessions = upscaler, limits, sessions
        self._model = model

    def on_example(self, task: TaskName) -> Callable[[gr.Request], Changes]:
        """Return what writes an example and gives its files to the page."""

        @reported
        def take(request: gr.Request) -> Changes:
            session = self._sessions.of(_key(request))
            self._sessions.check_room(session, self.limits)
            folder = session.new_folder()
            uploads = EXAMPLES[task].write(folder)
            return {
                self.target: [str(uploads.target)],
                self.guide: [str(uploads.guide)],
                self.truth: str(uploads.truth),
                self.controls.task: self.controls.no_task,
            }

        return take

    @reported
    def on_files(self, given: Given, request: gr.Request) -> Changes:
        """Show what the files are recognised as, and the options that apply to them."""
        session = self._sessions.of(_key(request))
        chosen = self.controls.chosen(given)
        task: TaskName | None = chosen["task"]
        bands: tuple[str, ...] = ()
        line, folder = "", session.new_folder()
        try:
            uploads = self._uploads(session, given, folder)
            if uploads is not None:
                seen = preview(uploads, chosen, self.limits, folder)
                task, bands, line = seen.request.task, seen.bands, html.pair_line(seen.summary)
        except GisrError as error:
            line = html.pair_line(html.plain(error), wrong=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {self.preview: line, **self.controls.show(task, bands)}

    def on_begin(self, request: gr.Request) -> None:
        """Clear the stop of the run before; a stop from now on ends the run to come."""
        self._sessions.of(_key(request)).stopped.clear()

    @reported
    def on_sharpen(
        self,
        given: Given,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio provides one
    ) -> Changes:
        """Sharpen, and show the result."""
        session = self._sessions.of(_key(request))

        def report(done: int, total: int) -> None:
            session.touch()
            progress(done / total, desc="Sharpening")

        watch, folder = (
            Watch(self.limits.max_seconds, session.stopped, report),
            session.new_folder(),
        )
        try:
            uploads = self._uploads(session, given, folder)
            if uploads is None:
                raise InputError("give a target and a guide first, or take an example")
            chosen, limits = self.controls.chosen(given), self.limits
            with self._sessions.running():
                outcome = sharpen(
                    self._upscaler, uploads, chosen, limits, folder, watch, self._model
                )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        session.finish(outcome)
        return {
            self.status: html.summary(outcome),
            self.result: gr.Column(visible=True),
            self.gain: gr.Column(visible=True),
            self.download: str(outcome.path),
            self.scores: html.scores_table(outcome.scores),
            self.routing: None,
            **self._further(outcome),
            **self._controls(outcome),
        }

    def _further(self, outcome: PageOutcome) -> Changes:
        """Offer the files that were written beside the result."""
        paths = {option: getattr(outcome.request.options, option) for option in self.further}
        return {
            button: gr.DownloadButton(
                value=str(paths[option]) if paths[option] else None, visible=bool(paths[option])
            )
            for option, button in self.further.items()
        }

    def _controls(self, outcome: PageOutcome) -> Changes:
        """Show the controls that apply to a result."""
        layers, names = outcome.layers, outcome.bands
        volume, coloured = len(layers.slices) > 1, len(names) > 1
        comparisons = WITH_TRUTH if "truth" in layers.names else COMPARISONS
        axes = [(f"{axis + 1} ({count})", axis) for axis, count in enumerate(layers.slices)]
        bands = [(name, index) for index, name in enumerate(names)]
        return {
            self.comparison: gr.Radio(comparisons, value="interpolated"),
            self.axis: gr.Radio(axes, value=layers.axis, visible=volume),
            self.slice: _slice_slider(layers, layers.axis),
            **{
                dropdown: gr.Dropdown(bands, value=index if bands else None, visible=coloured)
                for dropdown, index in zip(self.rgb, natural_bands(names), strict=True)
            },
            self.centre: MIDDLE,
            self.values: _values_radio(outcome),
        }

    @reported
    def on_view(self, given: Given, request: gr.Request) -> Changes:
        """Draw the part in view."""
        session, outcome = self._outcome(request)
        layers, view = outcome.layers, self._view(given, outcome)
        drawing, folder = draw_view(layers, outcome.request.task, view), session.picture_folder()

        def saved(name: str, colours: Colours | None) -> str | None:
            """Save a picture where it is deleted with the session."""
            if colours is None:
                return None
            path = folder / f"{name}.png"
            Image.fromarray(colours).save(path)
            return str(path)

        overview = saved("overview", draw_overview(layers, view))
        spread, white = draw_spread(layers, view) or (None, 0.0)
        filled = saved("filled", draw_filled(layers, view))
        return {
            self.slider: gr.ImageSlider(
                (saved("left", drawing.left), saved("right", drawing.right)),
                label=f"{drawing.left_name} | {drawing.right_name}",
            ),
            self.caption: html.caption_line(drawing.caption, drawing.bar),
            self.overview: gr.Image(overview, visible=overview is not None),
            self.spread: gr.Image(
                saved("spread", spread),
                label=f"Spread, white: {white:.3g} or more",
                visible=spread is not None,
            ),
            self.filled: gr.Image(filled, label="Filled holes, white", visible=filled is not None),
        }

    @reported
    def on_axis(self, axis: int, request: gr.Request) -> Any:  # noqa: ANN401
        """Give the slider the slices of another axis."""
        return _slice_slider(self._outcome(request)[1].layers, axis)

    @reported
    def on_place(self, event: gr.SelectData, request: gr.Request) -> tuple[float, float]:
        """Move the window to where the overview was clicked."""
        layers = self._outcome(request)[1].layers
        height, width = layers.size(Plane())
        scale = overview_scale(layers)
        return event.index[1] * scale / height, event.index[0] * scale / width

    @reported
    def on_route(self, given: Given, request: gr.Request) -> str:
        """Draw which experts refine which pixels of the part in view."""
        session, outcome = self._outcome(request)
        path = session.picture_folder() / "routing.png"
        with self._sessions.running():
            Image.fromarray(draw_routing(outcome, self._view(given, outcome))).save(path)
        return str(path)

    def on_stop(self, request: gr.Request) -> None:
        """End the run that is under way."""
        self._sessions.of(_key(request)).stopped.set()

    def on_reset(self, request: gr.Request) -> Changes:
        """Delete everything, and show an empty page."""
        self._sessions.end(_key(request))
        return {
            self.target: None,
            self.guide: None,
            self.truth: None,
            self.controls.task: self.controls.no_task,
            self.status: html.placeholder(),
            self.result: gr.Column(visible=False),
            self.gain: gr.Column(visible=False),
        }

    def on_unload(self, request: gr.Request) -> None:
        """Delete the files of a page that was closed."""
        self._sessions.end(_key(request))

    def _outcome(self, request: gr.Request) -> tuple[Session, PageOutcome]:
        session = self._sessions.of(_key(request))
        if session.outcome is None:
            raise InputError(
                f"nothing was used here for {self.limits.keep_minutes:g} minutes, so the files "
                "were deleted: give them again"
            )
        return session, session.outcome

    def _uploads(self, session: Session, given: Given, folder: Path) -> Uploads | None:
        """Return the files of a session, None without a pair, and note them to be deleted.

        Args:
            session: Whose they are.
            given: The content of components.
            folder: Where the images of a DICOM series are gathered.
        """
        target, guide = ([Path(p) for p in given[box] or ()] for box in (self.target, self.guide))
        truth = None if given[self.truth] is None else Path(given[self.truth])
        every = [*target, *guide, *([truth] if truth else [])]
        session.uploads.update(path for path in every if session.folder not in path.parents)
        self._sessions.check_room(session, self.limits)
        if not target or not guide:
            return None
        largest = self.limits.max_upload
        return Uploads(
            one_path(target, folder / "target", largest),
            one_path(guide, folder / "guide", largest),
            truth,
        )

    def _view(self, given: Given, outcome: PageOutcome) -> View:
        """Return the part in view."""
        layers, axis, plane = outcome.layers, given[self.axis], Plane()
        if len(layers.slices) > 1:
            axis = layers.axis if axis is None else axis
            plane = Plane(axis, min(int(given[self.slice]), layers.slices[axis] - 1))
        bands = tuple(given[band] for band in self.rgb if given[band] is not None)
        row, column = given[self.centre]
        near = given[self.values] == DISPARITY
        return View(plane, (row, column), bands or (0,), given[self.comparison], near)


def _key(request: gr.Request) -> str:
    return str(request.session_hash)


def _values_radio(outcome: PageOutcome) -> Any:  # noqa: ANN401
    """Return the choice of what large values of a depth map mean; its name may tell."""
    named = "disp" in outcome.request.target.name.lower()
    return gr.Radio(
        value=DISPARITY if named else DISTANCE,
        visible=find_task(outcome.request.task).surfaces,
    )


def _slice_slider(layers: Layers, axis: int) -> Any:  # noqa: ANN401
    count = layers.slices[axis]
    return gr.Slider(0, max(1, count - 1), value=count // 2, step=1, visible=count > 1)
