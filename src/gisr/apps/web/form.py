"""The form of the page: the options it offers, what is chosen, and the same as a command."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from gisr.errors import InputError
from gisr.io.files import file_suffix
from gisr.optional_imports import has_extra
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import Option, command_words, options_of
from gisr.pipelines.options import Options
from gisr.pipelines.request import Request, file_suffixes
from gisr.pipelines.table import PIPELINES
from gisr.tasks import TASKS, Task, TaskName, find_task

Chosen = Mapping[str, Any]
"""What a user chose, by the name of the option. Of an option that names a file, whether it is
written; of one that is ticked for its default, whether it is. What is missing has its default."""

ControlKind = Literal["tick", "answer", "word", "number", "text", "bands"]
"""``answer``: yes, no or neither; ``bands``: any of the target's bands."""
ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Uploads:
    """The files that a user gave."""

    target: Path
    """A file, or the folder of a DICOM series."""
    guide: Path
    """Likewise."""
    truth: Path | None = None


def page_tasks() -> dict[TaskName, Task]:
    """Return the tasks whose files can be read and written here, by name."""
    return {name: task for name, task in TASKS.items() if has_extra(task.extra)}


def page_options() -> dict[str, Option]:
    """Return the options that the page offers, by name: those that what is installed can do."""
    tasks = page_tasks()
    return {
        name: each
        for name, each in options_of(Options).items()
        if each.info.page
        and has_extra(each.info.extra)
        and any(applies(each, record) for record in tasks.values())
    }


def control_kind(each: Option) -> ControlKind:
    """Return how an option is chosen on the page.

    Raises:
        TypeError: There is no way for its type.
    """
    if each.info.file or each.info.page_off:
        return "tick"
    if each.type is bool:
        return "tick" if each.negative is None else "answer"
    if each.words or each.info.suggestions:
        return "word"
    if each.type in (int, float):
        return "number"
    if each.type is str:
        return "text"
    if each.type == tuple[int | str, ...]:
        return "bands"
    raise TypeError(f"option {each.name}: the page has no control for {each.type}")


def control_value(each: Option, content: Any) -> Any:  # noqa: ANN401 - of any control
    """Return the value that the content of a control stands for; None where none is given."""
    match control_kind(each):
        case "answer":
            return ANSWERS.get(content)
        case "bands":
            return tuple(sorted(content))
        case "word" | "text":
            return None if content in ("", each.info.page_default) else content
        case _:
            return content


def applies(each: Option, record: Task) -> bool:
    """Return whether an option can change a result of a task."""
    needs = each.info.needs
    return each.for_task(record.name) and (not needs or getattr(record, needs) is not None)


def option_groups() -> dict[tuple[TaskName, ...], list[Option]]:
    """Return the options of the page by the tasks they apply to, but for the task itself."""
    groups: dict[tuple[TaskName, ...], list[Option]] = {}
    for name, each in page_options().items():
        if name != "task":
            tasks = tuple(task for task, record in page_tasks().items() if applies(each, record))
            groups.setdefault(tasks, []).append(each)
    every = tuple(page_tasks())  # last: what is for one task stands nearer to its files
    return {tasks: groups[tasks] for tasks in sorted(groups, key=lambda tasks: tasks == every)}


def chosen_options(chosen: Chosen, task: TaskName, target: Path, folder: Path) -> Options:
    """Return the options that apply to a task; those of others, which are hidden, are left out.

    Args:
        chosen: As chosen on the page.
        task: What the files are.
        target: Further outputs are named after it.
        folder: Where they go.

    Raises:
        InputError: No band is left, or a value that cannot be.
    """
    record = find_task(task)
    values: dict[str, Any] = {"task": task}
    for name, each in options_of(Options).items():
        info, value = each.info, chosen.get(each.info.follows or name)
        if value in (None, "") or name == "task" or not applies(each, record):
            continue
        if info.file:
            suffixes = file_suffixes(name, record)
            # What follows another option is shown as a picture.
            suffixes = suffixes[:1] if info.follows else suffixes
            word = info.file_word or name
            value = folder / output_name(target, word, suffixes) if value else None
        elif info.page_off:
            value = each.default if value else info.page_off
        elif value == ():
            raise InputError("no band is chosen: choose at least one to sharpen")
        values[name] = value
    return Options(**values)


def output_name(target: Path, word: str, suffixes: tuple[str, ...]) -> str:
    """Return the name of an output: the target's, with its format where that can be written.

    Args:
        target: As the user named it.
        word: What the output is, for example ``sharpened``.
        suffixes: Formats it can have; the first where the target's is not among them.
    """
    suffix = file_suffix(target)
    stem = target.name[: len(target.name) - len(suffix)] or "target"
    return f"{stem}_{word}{suffix if suffix in suffixes else suffixes[0]}"


def result_name(target: Path, task: Task) -> str:
    """Return the name of the sharpened file."""
    return output_name(target, "sharpened", task.output_suffixes)


def command_line(uploads: Uploads, request: Request[Any], model: str | None) -> str:
    """Return the command that writes the same files, with their names alone.

    Args:
        uploads: The files of the request.
        request: Made of them.
        model: Weights, as ``gisr serve`` was given them.
    """
    options = request.options
    every = PIPELINES[request.task].band_count(request)
    changes: dict[str, Any] = {"task": request.task}
    if options.bands is not None and len(options.bands) == every:
        changes["bands"] = None
    changes |= {name: path.name for name, path in options.further_files.items()}
    named = replace(options, **changes)
    words = ["gisr", "upscale", uploads.target.name, uploads.guide.name]
    words += ["--output", request.output.name, *command_words(named)]
    return shlex.join([*words, *command_words(Execution(model))])
