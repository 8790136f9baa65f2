"""What a visitor gives and chooses, and the command of ``gisr upscale`` that says the same."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gisr.errors import InputError
from gisr.io.files import file_suffix
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import command_words, options_of
from gisr.pipelines.options import Options
from gisr.pipelines.request import Request, file_suffixes
from gisr.pipelines.table import PIPELINES
from gisr.tasks import Task, TaskName, find_task

Chosen = Mapping[str, Any]
"""What a visitor chose, by the name of the option. Of an option that names a file, whether it is
written; of ``align``, whether guides are aligned. What is not there has its default."""

PAGE_OPTIONS = {name: each for name, each in options_of(Options).items() if each.info.page}
"""The options that the page offers."""


@dataclass(frozen=True)
class Uploads:
    """What a visitor gave."""

    target: Path
    """A file, or the folder of a DICOM series."""
    guide: Path
    """Likewise."""
    truth: Path | None = None


def chosen_options(chosen: Chosen, task: TaskName, target: Path, folder: Path) -> Options:
    """Return what counts for a task; what is for another, and hence hidden, does not.

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
        value = chosen.get(each.info.follows or name)
        if value in (None, "") or name == "task" or not each.for_task(task):
            continue
        if each.info.file:
            suffixes = file_suffixes(name, record)
            # What follows another option is shown as a picture.
            suffixes = suffixes[:1] if each.info.follows else suffixes
            value = folder / output_name(target, name, suffixes) if value else None
        elif name == "align":
            value = "auto" if value or record.registration is None else "off"
        elif value == ():
            raise InputError("no band is chosen: choose at least one to sharpen")
        values[name] = value
    return Options(**values)


def output_name(target: Path, what: str, suffixes: tuple[str, ...]) -> str:
    """Return the name of an output: the target's, with its format where that can be written.

    Args:
        target: As the visitor named it.
        what: What the output is, for example ``sharpened``.
        suffixes: Formats it can have; the first where the target's is not among them.
    """
    suffix = file_suffix(target)
    stem = target.name[: len(target.name) - len(suffix)] or "target"
    return f"{stem}_{_NAMES.get(what, what)}{suffix if suffix in suffixes else suffixes[0]}"


_NAMES = {"uncertainty": "spread", "mask": "filled"}
"""What further outputs are called, where it is not the option's name."""


def result_name(target: Path, task: Task) -> str:
    """Return the name of the sharpened file."""
    return output_name(target, "sharpened", task.output_suffixes)


def command_line(uploads: Uploads, request: Request[Any], model: str | None) -> str:
    """Return the command that writes the same files, with their names alone.

    Args:
        uploads: What was given.
        request: Made of it.
        model: Weights, as ``gisr serve`` was given them.
    """
    options = request.options
    every = PIPELINES[request.task].band_count(request)
    changes: dict[str, Any] = {"task": request.task, "invalid": options.invalid or None}
    if options.bands is not None and len(options.bands) == every:
        changes["bands"] = None
    changes |= {name: path.name for name, path in options.further_files.items()}
    named = replace(options, **changes)
    words = ["gisr", "upscale", uploads.target.name, uploads.guide.name]
    words += ["--output", request.output.name, *command_words(named)]
    return shlex.join([*words, *command_words(Execution(model))])
