"""The components of the page and where they stand.

Imports gradio, as ``page`` does.
"""

from typing import Any

import gradio as gr

from gisr.apps.web.controls import OptionControls
from gisr.apps.web.examples import EXAMPLES
from gisr.apps.web.form import page_tasks
from gisr.apps.web.html import INTRODUCTION, ROUTING_WORDS, footer, placeholder
from gisr.apps.web.limits import PageLimits
from gisr.pipelines.option import options_of
from gisr.pipelines.options import Options
from gisr.tasks import find_task

COMPARISONS = ["interpolated", "guide"]
WITH_TRUTH = [*COMPARISONS, "truth", "errors"]
MIDDLE = (0.5, 0.5)
DISTANCE, DISPARITY = "far (distance)", "near (disparity)"
"""What large values of a depth map mean: the file does not say."""


class Layout:
    """Files, buttons and options on the left, the result on the right."""

    def __init__(self, limits: PageLimits) -> None:
        """Lay out the page; a ``gr.Blocks`` has to be open."""
        self.centre = gr.State(MIDDLE)
        self.controls = OptionControls()
        gr.HTML(INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                self._lay_out_files()
                self._lay_out_buttons()
                with gr.Accordion("Options", open=False, elem_id="options"):
                    self.truth = _upload_box(
                        label="Truth to compare with (optional)", height=160, elem_id="truth"
                    )
                    self.controls.lay_out_options()
                with gr.Column(visible=False) as self.gain:
                    self._lay_out_gain()
            with gr.Column(scale=7, min_width=320):
                self._lay_out_result()
        gr.HTML(footer(limits))

    def _lay_out_files(self) -> None:
        with gr.Row():
            self.target, self.guide = (
                _upload_box(label=label, file_count="multiple", height=160, elem_id=name)
                for label, name in (("Target", "target"), ("Guide", "guide"))
            )
        with gr.Row(equal_height=True):
            gr.Markdown("Examples:", container=False, elem_id="examples")
            self.examples = {
                task: gr.Button(
                    find_task(task).title, size="sm", min_width=60, elem_id=f"example-{task}"
                )
                for task in EXAMPLES
                if task in page_tasks()
            }
        self.controls.lay_out_task()
        self.preview = gr.HTML(elem_id="look", padding=False)

    def _lay_out_gain(self) -> None:
        self.download = gr.DownloadButton(
            "Download the result", variant="primary", elem_id="download"
        )
        with gr.Row():
            self.further = {
                name: gr.DownloadButton(
                    each.info.page_file,
                    size="sm",
                    min_width=90,
                    visible=False,
                    elem_id=f"download-{name}",
                )
                for name, each in options_of(Options).items()
                if each.info.page_file
            }
        self.scores = gr.HTML(elem_id="scores", padding=False)

    def _lay_out_buttons(self) -> None:
        self.go = gr.Button("Sharpen", variant="primary", size="lg", elem_id="go")
        with gr.Row():
            self.stop = gr.Button("Stop", size="sm", elem_id="stop")
            self.reset = gr.Button("Delete my files", size="sm", elem_id="reset")

    def _lay_out_result(self) -> None:
        self.status = gr.HTML(placeholder(), elem_id="status", min_height=120)
        with gr.Column(visible=False) as self.result:
            self.slider = gr.ImageSlider(
                label="interpolated | sharpened", max_height=560, elem_id="slider", format="png"
            )
            self.caption = gr.HTML(elem_id="caption")
            self.comparison = gr.Radio(
                COMPARISONS, value="interpolated", label="Left side", elem_id="comparison"
            )
            self.values = gr.Radio(
                [DISTANCE, DISPARITY],
                value=DISTANCE,
                label="Large values are",
                visible=False,
                elem_id="values",
            )
            with gr.Row():
                self.axis = gr.Radio([], label="Slices across axis", visible=False, elem_id="axis")
                self.slice = gr.Slider(0, 1, step=1, label="Slice", visible=False, elem_id="slice")
                self.rgb = [
                    gr.Dropdown([], label=name, visible=False, min_width=90, elem_id=name)
                    for name in ("red", "green", "blue")
                ]
            with gr.Row():
                self.spread, self.filled = (_further_picture(name) for name in ("spread", "filled"))
            self.overview = gr.Image(
                label="Whole image: click to show another part",
                visible=False,
                interactive=False,
                buttons=[],
                height=220,
                elem_id="overview",
            )
            with gr.Accordion("Which experts refine which pixels", open=False, elem_id="experts"):
                gr.Markdown(ROUTING_WORDS)
                self.route = gr.Button("Draw the map", size="sm", elem_id="route")
                self.routing = gr.Image(
                    show_label=False,
                    interactive=False,
                    format="png",
                    buttons=["download", "fullscreen"],
                    elem_id="routing",
                )


def _further_picture(name: str) -> Any:  # noqa: ANN401 - gradio is not known to type checkers
    return gr.Image(
        visible=False,
        interactive=False,
        format="png",
        buttons=["fullscreen"],
        height=320,
        elem_id=name,
    )


def _upload_box(**about: Any) -> Any:  # noqa: ANN401
    """Return a box for files.

    ``gr.File`` leaves an empty file behind for every upload that it hands to a function; this one
    does not. A class of our own would make Gradio write a stub file beside this module.
    """
    box: Any = gr.File(**about)
    box._process_single_file = lambda upload: upload.path
    return box
