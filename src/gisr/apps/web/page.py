"""The page: which events call which of its functions.

Imported by :mod:`gisr.apps.web.server` once it is known that gradio is installed.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from gisr.apps.web.handlers import Handlers
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.sessions import Sessions
from gisr.inference.upscaler import Upscaler

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_NETWORK = "network"
"""What the runs of the network share: so many at once."""
_PROGRESS = {"show_progress": "full"}


class _Page(gr.Blocks):
    """Blocks that say in one line, and not to the terminal, what is wrong with a request."""

    async def preprocess_data(self, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401
        """Return the values of a request; those that its page cannot hold are its own error."""
        try:
            return await super().preprocess_data(*args, **keywords)
        except gr.Error as error:
            raise gr.Error(error.message, print_exception=False) from error
        except Exception as error:
            line = "gisr cannot read this request: load the page again"
            raise gr.Error(line, print_exception=False) from error


def page_theme() -> Any:  # noqa: ANN401 - gradio is not known to type checkers
    """Return colours and letters; the letters are those of the user's own system."""
    return gr.themes.Soft(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


def build_page(
    upscaler: Upscaler, limits: PageLimits, sessions: Sessions, model: str | None = None
) -> Any:  # noqa: ANN401
    """Return the page, ready to be launched.

    Args:
        upscaler: What sharpens.
        limits: What the page takes on.
        sessions: Keeps the users' files.
        model: What the weights are called on the command line, if they are not the default.
    """
    with _Page(title="gisr", analytics_enabled=False) as blocks:
        _connect(Handlers(upscaler, limits, sessions, model), blocks)
    return blocks


def _connect(page: Handlers, blocks: Any) -> None:  # noqa: ANN401
    quick: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": 4,
    }
    slow: dict[str, Any] = {
        "api_visibility": "private",
        "concurrency_id": _NETWORK,
        "concurrency_limit": page.limits.concurrency,
    }
    task = page.controls.task
    files = [page.target, page.guide, page.truth]
    read = [*files, *page.controls.reading]
    gr.on(
        [component.change for component in read],
        page.on_files,
        set(read),
        [page.preview, *page.controls.shown],
        trigger_mode="always_last",
        **quick,
    )
    for name, button in page.examples.items():
        button.click(page.on_example(name), None, [*files, task], **quick | _PROGRESS)
    view: list[Any] = [page.comparison, page.axis, page.slice, *page.rgb, page.values, page.centre]
    shown = [page.slider, page.caption, page.overview, page.spread, page.filled]
    finished = [
        *(page.status, page.result, page.gain, page.download, page.scores, page.routing),
        *page.further.values(),
        *view,
    ]
    page.go.click(page.on_begin, queue=False, **quick).then(
        page.on_sharpen,
        {*files, *page.controls.every},
        finished,
        show_progress_on=page.status,
        **slow,
    ).success(page.on_view, set(view), shown, **quick)
    moves = [component.input for component in view[:-1]]
    gr.on(moves, page.on_view, set(view), shown, trigger_mode="always_last", **quick)
    page.axis.input(page.on_axis, page.axis, page.slice, **quick)
    page.overview.select(page.on_place, None, page.centre, **quick).success(
        page.on_view, set(view), shown, **quick
    )
    page.route.click(page.on_route, set(view), page.routing, **slow)
    page.stop.click(page.on_stop, queue=False, **quick)
    page.reset.click(
        page.on_reset, None, [*files, task, page.status, page.result, page.gain], **quick
    )
    numbers = page.controls.numbers
    blocks.load(lambda: dict.fromkeys(numbers), None, numbers, **quick)
    blocks.unload(page.on_unload)
