"""What a task is: one record a task, sensors, contrasts, descriptions and text encoders.

A further task is one module with a :class:`Task` here, its name in :data:`TaskName` and its line
in :data:`TASKS`; one reader in :mod:`gisr.datasets`; one pipeline in :mod:`gisr.pipelines`.
"""

from collections.abc import Iterable
from typing import get_args

from gisr.errors import InputError
from gisr.tasks.contrasts import Contrast, guess_contrast
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.multiband import MULTIBAND
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.tasks.sensors import SENSORS, Sensor, find_sensor
from gisr.tasks.task import (
    DESCRIBED_RATIOS,
    Grid,
    PairFacts,
    Reduction,
    Registration,
    Task,
    TaskName,
    nearest_described_ratio,
)

TASKS: dict[TaskName, Task] = {task.name: task for task in (PANSHARPENING, MULTIBAND, MRI, DEPTH)}
"""The built-in tasks by name."""
SATELLITE: tuple[TaskName, ...] = tuple(
    task.name for task in TASKS.values() if task.reduction == "sensor"
)
"""Tasks whose targets a sensor made coarse: satellite images, whatever guides them."""


def find_task(name: str) -> Task:
    """Return the record of a task.

    Raises:
        InputError: The name is none of :data:`TASKS`.
    """
    for task in TASKS.values():
        if task.name == name:
            return task
    raise InputError(f"unknown task {name!r}: use one of {', '.join(get_args(TaskName))}")


def check_subject(fact: str, task: TaskName, own: Iterable[TaskName], remedy: str) -> None:
    """Refuse what is said of images of another kind, which would be ignored.

    Args:
        fact: What is said, with its value.
        task: Of the images.
        own: Tasks it may be said of.
        remedy: What to do.

    Raises:
        InputError: The task is none of those.
    """
    names = tuple(own)
    if task not in names:
        subjects = " or ".join(find_task(name).subject for name in names)
        raise InputError(
            f"{fact} is for another kind of images ({subjects}) than these "
            f"({find_task(task).subject}): {remedy}"
        )


def describe(
    task: TaskName,
    ratio: float,
    *,
    sensor: str | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
) -> str:
    """Return the built-in description of a task: the sentence given to the text encoder.

    The sentence names the task, the ratio (the nearest described one) and what is known of the
    sensor or the contrasts, as in Section III-B and Figure 1 of the paper. A sensor that is not
    listed gets the sentence without a sensor.

    Raises:
        InputError: Unknown task or contrast, or a ratio that is not above zero.
    """
    if not ratio > 0:
        raise InputError(f"ratio {ratio} is not a scale factor: it must be above 0")
    facts = PairFacts(sensor, contrast, guide_contrast)
    return find_task(task).sentence(nearest_described_ratio(ratio), facts)


def built_in_descriptions() -> tuple[str, ...]:
    """Return every sentence :func:`describe` can give, without repeats, in a fixed order."""
    sentences: dict[str, None] = {}
    for ratio in DESCRIBED_RATIOS:
        for task in TASKS.values():
            for facts in task.described():
                sentences[task.sentence(ratio, facts)] = None
    return tuple(sentences)


__all__ = [
    "DESCRIBED_RATIOS",
    "SATELLITE",
    "SENSORS",
    "TASKS",
    "Contrast",
    "Grid",
    "PairFacts",
    "Reduction",
    "Registration",
    "Sensor",
    "Task",
    "TaskName",
    "built_in_descriptions",
    "check_subject",
    "describe",
    "find_sensor",
    "find_task",
    "guess_contrast",
    "nearest_described_ratio",
]
