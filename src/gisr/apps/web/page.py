"""The page: Gradio's components, and which function of the other modules each one calls.

Imported by :mod:`gisr.apps.web.server` once it is known that gradio is installed.
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
from gisr.apps.web.examples import write_example
from gisr.apps.web.form import Uploads
from gisr.apps.web.job import PageOutcome, look, sharpen
from gisr.apps.web.layout import COMPARISONS, EXAMPLES, GUESS, MIDDLE, WITH_TRUTH, Given, Layout
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.routing_map import draw_routing
from gisr.apps.web.sessions import Visit, Visits
from gisr.errors import GisrError, InputError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.layers import Layers, Plane
from gisr.rendering.colours import Colours

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_NETWORK = "network"
"""What the runs of the network share: so many at once."""

Changes = dict[Any, Any]
"""New values and looks of components."""
P = ParamSpec("P")
R = TypeVar("R")


def page_theme() -> Any:  # noqa: ANN401 - gradio is not known to type checkers
    """Return colours and letters; the letters are those of the visitor's own system."""
    return gr.themes.Soft(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


def build_page(
    upscaler: Upscaler, limits: PageLimits, visits: Visits, model: str | None = None
) -> Any:  # noqa: ANN401
    """Return the page, ready to be launched.

    Args:
        upscaler: What sharpens.
        limits: What the page takes on.
        visits: Keeps the visitors' files.
        model: What the weights are called on the command line, if they are not the default.
    """
    return _Page(upscaler, limits, visits, model).blocks


def told(handler: Callable[P, R]) -> Callable[P, R]:
    """Turn an error that a visitor can act on into one line on the page."""

    @wraps(handler)
    def telling(*args: P.args, **keywords: P.kwargs) -> R:
        try:
            return handler(*args, **keywords)
        except GisrError as error:
            stopped = isinstance(error, StoppedError)
            raise gr.Error(
                html.message(error),
                title="Stopped" if stopped else "This does not work",
                duration=5 if stopped else None,
                print_exception=False,
            ) from error

    return telling


class _Page(Layout):
    """What happens on the page."""

    def __init__(
        self, upscaler: Upscaler, limits: PageLimits, visits: Visits, model: str | None
    ) -> None:
        self._upscaler, self._limits, self._visits = upscaler, limits, visits
        self._model = model
        with gr.Blocks(title="gisr", analytics_enabled=False) as self.blocks:
            super().__init__(limits)
            self._connect()

    def _connect(self) -> None:
        files = [self.target, self.guide, self.truth]
        seen: list[Any] = [*files, self.task, self.invalid]
        chosen = {
            *seen,
            *(self.sensor, self.bits, self.bands, self.contrast, self.other),
            *(self.fill_holes, self.aligned, self.consistent, self.uncertainty, self.report),
        }
        looked = [self.look, self.satellite, self.mri, self.depth, self.bands, self.aligned]
        quick: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "concurrency_limit": 4,
        }
        slow: dict[str, Any] = {
            "api_visibility": "private",
            "concurrency_id": _NETWORK,
            "concurrency_limit": self._limits.concurrency,
        }
        changes = [component.change for component in seen]
        gr.on(changes, self.on_files, set(seen), looked, trigger_mode="always_last", **quick)
        for button, (_, task) in zip(self.examples, EXAMPLES, strict=True):
            button.click(
                self._example(task), None, [*files, self.task], **quick | {"show_progress": "full"}
            )
        view: list[Any] = [self.comparison, self.axis, self.slice, *self.rgb, self.centre]
        shown = [self.slider, self.caption, self.overview, self.spread, self.filled]
        finished = [
            *(self.status, self.result, self.gain, self.download, self.scores, self.routing),
            *self.further.values(),
            *view,
        ]
        self.go.click(self.on_begin, queue=False, **quick).then(
            self.on_sharpen, chosen, finished, show_progress_on=self.status, **slow
        ).success(self.on_view, set(view), shown, **quick)
        looks = [component.input for component in view[:-1]]
        gr.on(looks, self.on_view, set(view), shown, trigger_mode="always_last", **quick)
        self.axis.input(self.on_axis, self.axis, self.slice, **quick)
        self.overview.select(self.on_place, None, self.centre, **quick).success(
            self.on_view, set(view), shown, **quick
        )
        self.route.click(self.on_route, set(view), self.routing, **slow)
        self.stop.click(self.on_stop, queue=False, **quick)
        self.reset.click(
            self.on_reset, None, [*files, self.task, self.status, self.result, self.gain], **quick
        )
        self.blocks.unload(self.on_unload)

    def _example(self, task: Any) -> Callable[[gr.Request], Changes]:  # noqa: ANN401
        @told
        def take(request: gr.Request) -> Changes:
            uploads = write_example(task, self._visits.of(_key(request)).new_folder())
            return {
                self.target: [str(uploads.target)],
                self.guide: [str(uploads.guide)],
                self.truth: str(uploads.truth),
                self.task: GUESS,
            }

        return take

    @told
    def on_files(self, given: Given, request: gr.Request) -> Changes:
        """Say what the files are taken for, and show the options that go with it."""
        visit = self._visits.of(_key(request))
        groups = {"pansharpening": self.satellite, "mri": self.mri, "depth": self.depth}
        found, line = given[self.task], ""
        bands: tuple[str, ...] = ()
        folder = visit.new_folder()
        try:
            uploads = self._uploads(visit, given, folder)
            if uploads is not None:
                chosen = {"task": self.task_of(given), "invalid": given[self.invalid]}
                seen = look(uploads, chosen, self._limits, folder)
                found, line, bands = seen.request.task, html.pair_line(seen.summary), seen.bands
        except GisrError as error:
            line = html.pair_line(html.plain(error), wrong=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        numbers = [(name, number) for number, name in enumerate(bands, 1)]
        return {
            self.look: line,
            self.bands: gr.CheckboxGroup(numbers, value=[number for _, number in numbers]),
            self.aligned: gr.Checkbox(visible=found in ("pansharpening", "mri")),
            **{group: gr.Group(visible=name == found) for name, group in groups.items()},
        }

    def on_begin(self, request: gr.Request) -> None:
        """Forget that the last run was stopped; what is stopped from now on never begins."""
        self._visits.of(_key(request)).stopped.clear()

    @told
    def on_sharpen(
        self,
        given: Given,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for one
    ) -> Changes:
        """Sharpen, and show what came out."""
        visit = self._visits.of(_key(request))

        def report(done: int, total: int) -> None:
            visit.touch()
            progress(done / total, desc="Sharpening")

        watch, folder = Watch(self._limits.max_seconds, visit.stopped, report), visit.new_folder()
        try:
            uploads = self._uploads(visit, given, folder)
            if uploads is None:
                raise InputError("give a target and a guide first, or take an example")
            chosen, limits = self.chosen(given), self._limits
            outcome = sharpen(self._upscaler, uploads, chosen, limits, folder, watch, self._model)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        visit.finish(outcome)
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
        """Offer what was written beside the result."""
        paths = {option: getattr(outcome.request.options, option) for option in self.further}
        return {
            button: gr.DownloadButton(
                value=str(paths[option]) if paths[option] else None, visible=bool(paths[option])
            )
            for option, button in self.further.items()
        }

    def _controls(self, outcome: PageOutcome) -> Changes:
        """Show the controls that a result has a use for."""
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
        }

    @told
    def on_view(self, given: Given, request: gr.Request) -> Changes:
        """Draw the part in view."""
        visit, outcome = self._outcome(request)
        layers, view = outcome.layers, self._view(given, outcome)
        drawing, folder = draw_view(layers, outcome.request.task, view), visit.picture_folder()

        def saved(name: str, colours: Colours | None) -> str | None:
            """Keep a picture where it is deleted with the visit."""
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
            self.caption: html.caption_line(drawing.caption),
            self.overview: gr.Image(overview, visible=overview is not None),
            self.spread: gr.Image(
                saved("spread", spread),
                label=f"Spread, white: {white:.3g} or more",
                visible=spread is not None,
            ),
            self.filled: gr.Image(filled, label="Filled holes, white", visible=filled is not None),
        }

    @told
    def on_axis(self, axis: int, request: gr.Request) -> Any:  # noqa: ANN401
        """Give the slider the slices of another axis."""
        return _slice_slider(self._outcome(request)[1].layers, axis)

    @told
    def on_place(self, event: gr.SelectData, request: gr.Request) -> tuple[float, float]:
        """Move the window to where the overview was clicked."""
        layers = self._outcome(request)[1].layers
        height, width = layers.size(Plane())
        scale = overview_scale(layers)
        return event.index[1] * scale / height, event.index[0] * scale / width

    @told
    def on_route(self, given: Given, request: gr.Request) -> str:
        """Draw which experts refine which pixels of the part in view."""
        visit, outcome = self._outcome(request)
        path = visit.picture_folder() / "routing.png"
        Image.fromarray(draw_routing(outcome, self._view(given, outcome))).save(path)
        return str(path)

    def on_stop(self, request: gr.Request) -> None:
        """End the run that is under way."""
        self._visits.of(_key(request)).stopped.set()

    def on_reset(self, request: gr.Request) -> Changes:
        """Delete everything, and show an empty page."""
        self._visits.end(_key(request))
        return {
            self.target: None,
            self.guide: None,
            self.truth: None,
            self.task: GUESS,
            self.status: html.PLACEHOLDER,
            self.result: gr.Column(visible=False),
            self.gain: gr.Column(visible=False),
        }

    def on_unload(self, request: gr.Request) -> None:
        """Delete the files of a page that was closed."""
        self._visits.end(_key(request))

    def _outcome(self, request: gr.Request) -> tuple[Visit, PageOutcome]:
        visit = self._visits.of(_key(request))
        if visit.outcome is None:
            raise InputError(
                f"nothing was used here for {self._limits.keep_minutes:g} minutes, so the files "
                "were deleted: give them again"
            )
        return visit, visit.outcome

    def _uploads(self, visit: Visit, given: Given, folder: Path) -> Uploads | None:
        """Return the files of a visit, None without a pair, and remember to delete them.

        Args:
            visit: Whose they are.
            given: What stands in components.
            folder: Where the images of a DICOM series are gathered.
        """
        target, guide = ([Path(p) for p in given[box] or ()] for box in (self.target, self.guide))
        truth = None if given[self.truth] is None else Path(given[self.truth])
        every = [*target, *guide, *([truth] if truth else [])]
        visit.uploads.update(path for path in every if visit.folder not in path.parents)
        if not target or not guide:
            return None
        largest = self._limits.max_upload
        return Uploads(
            one_path(target, folder / "target", largest),
            one_path(guide, folder / "guide", largest),
            truth,
        )

    def _view(self, given: Given, outcome: PageOutcome) -> View:
        """Return what is looked at."""
        layers, axis, plane = outcome.layers, given[self.axis], Plane()
        if len(layers.slices) > 1:
            axis = layers.axis if axis is None else axis
            plane = Plane(axis, min(int(given[self.slice]), layers.slices[axis] - 1))
        bands = tuple(given[band] for band in self.rgb if given[band] is not None)
        row, column = given[self.centre]
        return View(plane, (row, column), bands or (0,), given[self.comparison])


def _key(request: gr.Request) -> str:
    return str(request.session_hash)


def _slice_slider(layers: Layers, axis: int) -> Any:  # noqa: ANN401
    count = layers.slices[axis]
    return gr.Slider(0, max(1, count - 1), value=count // 2, step=1, visible=count > 1)
