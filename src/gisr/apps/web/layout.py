"""The components of the page, and where they stand. Imports gradio, as ``page`` does."""

from typing import get_args

import gradio as gr

from gisr.apps.web.limits import PageLimits
from gisr.apps.web.words import INTRODUCTION, PLACEHOLDER, ROUTING_WORDS, footer
from gisr.tasks.sensors import SENSORS
from gisr.tasks.task import Contrast

GUESS, UNKNOWN = "guess", "not said"
TASK_CHOICES = [
    ("Guess", GUESS),
    ("Satellite", "pansharpening"),
    ("MR", "mri"),
    ("Depth", "depth"),
]
EXAMPLES = [("Depth", "depth"), ("Satellite", "pansharpening"), ("MR", "mri")]
COMPARISONS = ["interpolated", "guide"]
WITH_TRUTH = [*COMPARISONS, "truth", "errors"]
MIDDLE = (0.5, 0.5)


class Layout:
    """Files, buttons and options on the left, the result on the right."""

    def __init__(self, limits: PageLimits) -> None:
        """Lay out the page; a ``gr.Blocks`` has to be open."""
        self.centre = gr.State(MIDDLE)
        gr.HTML(INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=4, min_width=340):
                self._lay_out_files()
                self._lay_out_buttons()
                self._lay_out_options()
                with gr.Column(visible=False) as self.gain:
                    self.download = gr.DownloadButton(
                        "Download the result", variant="primary", elem_id="download"
                    )
                    self.scores = gr.HTML(elem_id="scores", padding=False)
            with gr.Column(scale=7, min_width=480):
                self._lay_out_result()
        gr.HTML(footer(limits))

    def _lay_out_files(self) -> None:
        with gr.Row():
            self.target = gr.File(label="Target (blurred)", height=140, elem_id="target")
            self.guide = gr.File(label="Guide (sharp)", height=140, elem_id="guide")
        with gr.Row(equal_height=True):
            gr.Markdown("Examples:", container=False)
            self.examples = [
                gr.Button(label, size="sm", min_width=60, elem_id=f"example-{task}")
                for label, task in EXAMPLES
            ]
        self.task = gr.Radio(TASK_CHOICES, value=GUESS, label="What they are", elem_id="task")
        self.look = gr.HTML(elem_id="look", padding=False)

    def _lay_out_options(self) -> None:
        with gr.Accordion("Options", open=False, elem_id="options"):
            self.truth = gr.File(
                label="Truth to compare with (optional)", height=140, elem_id="truth"
            )
            sensors = [UNKNOWN, *(sensor.name for sensor in SENSORS.values())]
            contrasts = [("from the file name", UNKNOWN), *((c, c) for c in get_args(Contrast))]
            with gr.Group(visible=False) as self.satellite:
                with gr.Row():
                    self.sensor = gr.Dropdown(sensors, value=UNKNOWN, label="Sensor")
                    self.bits = gr.Number(None, label="Significant bits (0: not said)", precision=0)
                self.chosen = gr.CheckboxGroup([], label="Bands to sharpen", elem_id="bands")
            with gr.Group(visible=False) as self.mri, gr.Row():
                self.contrast = gr.Dropdown(contrasts, value=UNKNOWN, label="Target's contrast")
                self.other = gr.Dropdown(contrasts, value=UNKNOWN, label="Guide's contrast")
            with gr.Group(visible=False) as self.depth:
                self.invalid = gr.Number(0, label="Value of unknown pixels")

    def _lay_out_buttons(self) -> None:
        self.go = gr.Button("Sharpen", variant="primary", size="lg", elem_id="go")
        with gr.Row():
            self.stop = gr.Button("Stop", size="sm", elem_id="stop")
            self.reset = gr.Button("Delete my files", size="sm", elem_id="reset")

    def _lay_out_result(self) -> None:
        self.status = gr.HTML(PLACEHOLDER, elem_id="status", min_height=120)
        with gr.Column(visible=False) as self.result:
            self.slider = gr.ImageSlider(
                label="interpolated | sharpened", max_height=560, elem_id="slider", format="png"
            )
            self.comparison = gr.Radio(
                COMPARISONS, value="interpolated", label="Left side", elem_id="comparison"
            )
            with gr.Row():
                self.axis = gr.Radio([], label="Slices across axis", visible=False, elem_id="axis")
                self.slice = gr.Slider(0, 1, step=1, label="Slice", visible=False, elem_id="slice")
                self.rgb = [
                    gr.Dropdown([], label=name, visible=False, min_width=90, elem_id=name)
                    for name in ("red", "green", "blue")
                ]
            self.overview = gr.Image(
                label="Whole image: click to look elsewhere",
                visible=False,
                interactive=False,
                buttons=[],
                height=220,
                elem_id="overview",
            )
            self.caption = gr.HTML(elem_id="caption")
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
