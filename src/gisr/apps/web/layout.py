"""The components of the page, where they stand and what is chosen in them.

Imports gradio, as ``page`` does.
"""

from typing import Any, get_args

import gradio as gr

from gisr.apps.web.html import INTRODUCTION, PLACEHOLDER, ROUTING_WORDS, footer
from gisr.apps.web.limits import PageLimits
from gisr.tasks import Contrast, TaskName, find_task
from gisr.tasks.sensors import SENSORS

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
FURTHER = {"uncertainty": "Spread", "mask": "Mask of filled holes", "report": "Report"}
"""Labels of the buttons that download further outputs, by the option that asks for each."""
_CONSISTENT = {"by default": None, "yes": True, "no": False}

Given = dict[Any, Any]
"""What stands in components, by component."""


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
                    self._lay_out_gain()
            with gr.Column(scale=7, min_width=480):
                self._lay_out_result()
        gr.HTML(footer(limits))

    def _lay_out_files(self) -> None:
        with gr.Row():
            self.target, self.guide = (
                gr.File(label=label, file_count="multiple", height=140, elem_id=name)
                for label, name in (("Target", "target"), ("Guide", "guide"))
            )
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
            self._lay_out_options_of_tasks()
            self.aligned = gr.Checkbox(
                True,
                label="Align the guide first",
                info="Its shift against the target is estimated, told and undone.",
                visible=False,
                elem_id="aligned",
            )
            self.consistent = gr.Radio(
                list(_CONSISTENT),
                value="by default",
                label="Make it agree with the target",
                info="Degraded as the target was, the result then gives the target back. Done by "
                "default for satellite images and MR slices on k-space grids.",
                elem_id="consistent",
            )
            self.uncertainty = gr.Checkbox(
                label="Map where the network is unsure",
                info="Takes eight times as long: the result is the mean of eight answers, the map "
                "their spread.",
                elem_id="uncertainty",
            )
            self.report = gr.Checkbox(
                label="Write a report",
                info="A page to keep, with the result from all sides.",
                elem_id="report",
            )

    def _lay_out_options_of_tasks(self) -> None:
        sensors = [UNKNOWN, *(sensor.name for sensor in SENSORS.values())]
        contrasts = [("from the file name", UNKNOWN), *((c, c) for c in get_args(Contrast))]
        with gr.Group(visible=False) as self.satellite:
            with gr.Row():
                self.sensor = gr.Dropdown(sensors, value=UNKNOWN, label="Sensor")
                self.bits = gr.Number(None, label="Significant bits (0: not said)", precision=0)
            self.bands = gr.CheckboxGroup([], label="Bands to sharpen", elem_id="bands")
        with gr.Group(visible=False) as self.mri, gr.Row():
            self.contrast = gr.Dropdown(contrasts, value=UNKNOWN, label="Target's contrast")
            self.other = gr.Dropdown(contrasts, value=UNKNOWN, label="Guide's contrast")
        with gr.Group(visible=False) as self.depth:
            self.invalid = gr.Number(0, label="Value of unknown pixels")
            self.fill_holes = gr.Checkbox(
                label="Fill holes along the edges of the picture",
                info="A mask tells what was filled.",
                elem_id="fill-holes",
            )

    def _lay_out_gain(self) -> None:
        self.download = gr.DownloadButton(
            "Download the result", variant="primary", elem_id="download"
        )
        with gr.Row():
            self.further = {
                option: gr.DownloadButton(
                    label, size="sm", min_width=90, visible=False, elem_id=f"download-{option}"
                )
                for option, label in FURTHER.items()
            }
        self.scores = gr.HTML(elem_id="scores", padding=False)

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
            with gr.Row():
                self.spread, self.filled = (
                    gr.Image(
                        visible=False,
                        interactive=False,
                        format="png",
                        buttons=["fullscreen"],
                        height=320,
                        elem_id=name,
                    )
                    for name in ("spread", "filled")
                )
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

    def task_of(self, given: Given) -> TaskName | None:
        """Return the task that is chosen, None where it is to be guessed."""
        task = given[self.task]
        return None if task == GUESS else find_task(task).name

    def chosen(self, given: Given) -> dict[str, Any]:
        """Return what is chosen, by option."""

        def said(dropdown: Any) -> str | None:  # noqa: ANN401 - gradio is not known to type checkers
            return None if given[dropdown] == UNKNOWN else given[dropdown]

        return {
            "task": self.task_of(given),
            "sensor": said(self.sensor),
            "bits": given[self.bits] or None,
            "bands": tuple(sorted(given[self.bands])),
            "contrast": said(self.contrast),
            "guide_contrast": said(self.other),
            "invalid": given[self.invalid],
            "fill_holes": given[self.fill_holes],
            "align": given[self.aligned],
            "consistent": _CONSISTENT[given[self.consistent]],
            "uncertainty": given[self.uncertainty],
            "report": given[self.report],
        }
