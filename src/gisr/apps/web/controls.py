"""The options of the page as Gradio components, made from what is known of each option.

Imports gradio, as ``page`` does.
"""

from itertools import groupby
from typing import Any

import gradio as gr

from gisr.apps.web.form import (
    ANSWERS,
    ControlKind,
    control_kind,
    control_value,
    option_groups,
    page_options,
    page_tasks,
)
from gisr.pipelines.option import Option
from gisr.tasks import TaskName

Given = dict[Any, Any]
"""The content of components, by component."""
Changes = dict[Any, Any]
"""New content or properties of components."""
_NARROW: tuple[ControlKind, ...] = ("word", "number")
"""Controls that share a line with others of their kind."""


class OptionControls:
    """The options of the page; those of other tasks are hidden."""

    def __init__(self) -> None:
        """Begin without a component."""
        self.options = page_options()
        self.components: dict[str, Any] = {}
        """By option."""
        self.groups: dict[tuple[TaskName, ...], Any] = {}
        """By the tasks that the options of the group apply to."""

    @property
    def every(self) -> set[Any]:
        """All components."""
        return set(self.components.values())

    @property
    def reading(self) -> list[Any]:
        """Components whose change reads the files again."""
        return [
            self.components[name] for name, each in self.options.items() if each.info.page_reads
        ]

    @property
    def shown(self) -> list[Any]:
        """What :meth:`show` changes."""
        return [*self.groups.values(), *self._of_kind("bands")]

    @property
    def task(self) -> Any:  # noqa: ANN401 - gradio is not known to type checkers
        """The choice of the task."""
        return self.components["task"]

    @property
    def no_task(self) -> str:
        """Content of :attr:`task` where the task is to be guessed."""
        return self.options["task"].info.page_default

    @property
    def numbers(self) -> list[Any]:
        """Those that take a number. Gradio shows 0 in them until an event empties them."""
        return self._of_kind("number")

    def _of_kind(self, kind: ControlKind) -> list[Any]:
        options = self.options.items()
        return [self.components[name] for name, each in options if control_kind(each) == kind]

    def lay_out_task(self) -> None:
        """Add the choice of the task; a ``gr.Blocks`` has to be open."""
        choices = [(self.no_task, self.no_task)]
        choices += [(record.title, name) for name, record in page_tasks().items()]
        label = self.options["task"].info.page
        self.components["task"] = gr.Radio(choices, value=self.no_task, label=label, elem_id="task")

    def lay_out_options(self) -> None:
        """Add all other options; a ``gr.Blocks`` has to be open."""
        for tasks, options in option_groups().items():
            with gr.Group(visible=tasks == tuple(page_tasks())) as self.groups[tasks]:
                for narrow, line in groupby(options, lambda each: control_kind(each) in _NARROW):
                    with gr.Row() if narrow else gr.Column(min_width=0):
                        self.components |= {each.name: make_control(each) for each in line}

    def chosen(self, given: Given) -> dict[str, Any]:
        """Return what is chosen, by option, in those components whose content is given."""
        return {
            name: control_value(each, given[self.components[name]])
            for name, each in self.options.items()
            if self.components[name] in given
        }

    def show(self, task: TaskName | None, bands: tuple[str, ...]) -> Changes:
        """Return the changes that show the options of a task, and the bands to choose from.

        Args:
            task: What the files are; where it is None, options of single tasks are hidden.
            bands: Names of the target's bands.
        """
        numbers = [(name, number) for number, name in enumerate(bands, 1)]
        every = tuple(page_tasks())
        changes: Changes = {
            group: gr.Group(visible=task in tasks or tasks == every)
            for tasks, group in self.groups.items()
        }
        for component in self._of_kind("bands"):
            changes[component] = gr.CheckboxGroup(numbers, value=[n for _, n in numbers])
        return changes


def make_control(each: Option) -> Any:  # noqa: ANN401 - gradio is not known to type checkers
    """Return the component by which an option is chosen; a ``gr.Blocks`` has to be open."""
    info, element = each.info, each.info.page_id or each.name.replace("_", "-")
    about: dict[str, Any] = {
        "label": info.page,
        "info": info.page_help or None,
        "elem_id": element,
    }
    match control_kind(each):
        case "tick":
            return gr.Checkbox(bool(info.page_off) or each.default is True, **about)
        case "answer":
            return gr.Radio([info.page_default, *ANSWERS], value=info.page_default, **about)
        case "word":
            words = [*(each.words or info.suggestions)]
            if each.default is None:
                words = [info.page_default, *words]
            # Where words are only suggested, any other can be typed.
            return gr.Dropdown(
                words,
                value=each.default or info.page_default,
                allow_custom_value=not each.words,
                **about,
            )
        case "number":
            precision = 0 if each.type is int else None
            return gr.Number(None, placeholder=info.page_default, precision=precision, **about)
        case "text":
            return gr.Textbox(placeholder=info.page_default, **about)
        case "bands":
            return gr.CheckboxGroup([], **about)
