"""What a task is: three frozen records, one per kind of pair.

Adding a fourth task is one record here, one reader in ``gisr.data`` and one format in ``gisr.io``.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from gisr.errors import InputError
from gisr.tasks.sensors import SENSORS, find_sensor

TaskName = Literal["pansharpening", "mri", "depth"]
"""The built-in tasks."""
Grid = Literal["centre", "kspace"]
"""Where target samples lie on the guide's grid.

``centre``: pixel areas are aligned; target sample j is at guide index (j + 1/2) * ratio - 1/2.
``kspace``: target sample j is at guide index j * ratio, as a crop of k-space leaves it.
"""
Contrast = Literal["T1", "T1ce", "T2", "FLAIR", "PD"]
"""MR contrasts with a built-in description."""

DESCRIBED_RATIOS = (2, 3, 4, 8, 16)
"""Ratios with a built-in description. The exact ratio always enters the network as a number."""


@dataclass(frozen=True)
class Task:
    """One kind of guided super-resolution."""

    name: TaskName
    grid: Grid
    """Where target samples lie when the files do not say."""
    paper_ratios: tuple[int, ...]
    """The ratios of the paper's tables."""
    target_percentiles: tuple[float, float]
    """Percentiles of each target band's known values that normalisation maps to 0 and 1."""
    guide_percentiles: tuple[float, float]
    """The same for the guide, all channels together."""
    unit: str
    """Unit of the values, for messages and figures."""


TASKS: dict[TaskName, Task] = {
    # Percentiles, not extremes: one glint or cloud must not set the contrast of a whole scene.
    "pansharpening": Task(
        "pansharpening", "centre", (4,), (1.0, 99.0), (1.0, 99.0), "digital numbers"
    ),
    # The background of an MR image is zero and its brightest voxels are vessels or fat.
    "mri": Task("mri", "kspace", (2, 4, 8), (0.0, 99.9), (0.0, 99.9), "signal"),
    # Every depth is a surface: none is an outlier once unknown pixels are masked.
    "depth": Task("depth", "centre", (4, 8, 16), (0.0, 100.0), (1.0, 99.0), "depth or disparity"),
}
"""The built-in tasks by name."""


def find_task(name: str) -> Task:
    """Return the record of a task.

    Raises:
        InputError: The name is none of :data:`TASKS`.
    """
    if name not in TASKS:
        raise InputError(f"unknown task {name!r}: use one of {', '.join(get_args(TaskName))}")
    return TASKS[name]


def nearest_described_ratio(ratio: float) -> int:
    """Return the member of :data:`DESCRIBED_RATIOS` nearest to ``ratio`` on a logarithmic scale."""
    return min(DESCRIBED_RATIOS, key=lambda described: abs(math.log(ratio / described)))


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
    sensor or the contrasts, as in Section III-B and Figure 1 of the paper.

    Raises:
        InputError: Unknown task, sensor or contrast, or a ratio that is not above zero.
    """
    if not ratio > 0:
        raise InputError(f"ratio {ratio} is not a scale factor: it must be above 0")
    shown = nearest_described_ratio(ratio)
    if find_task(task).name == "pansharpening":
        maker = find_sensor(sensor).name
        return (
            f"Pansharpening of {maker} multispectral images guided by a panchromatic image "
            f"at ratio {shown}"
        )
    if task == "mri":
        subject = "an" if contrast is None else _contrast(contrast)
        guide = "another contrast"
        if guide_contrast is not None:
            guide = f"{_contrast(guide_contrast)} MR image"
        return f"Super-resolution of {subject} MR image guided by {guide} at ratio {shown}"
    return f"Super-resolution of a depth map guided by a colour image at ratio {shown}"


def _contrast(name: str) -> str:
    known: dict[str, str] = {contrast.lower(): contrast for contrast in get_args(Contrast)}
    found = known.get(name.lower())
    if found is None:
        raise InputError(
            f"unknown MR contrast {name!r}: use one of {', '.join(known.values())}, "
            "or leave the contrast out"
        )
    return found


def built_in_descriptions() -> tuple[str, ...]:
    """Return every sentence :func:`describe` can give, without repeats, in a fixed order."""
    sensors = (None, *(sensor.name for sensor in SENSORS.values()))
    contrasts = (None, *get_args(Contrast))
    sentences: dict[str, None] = {}
    for ratio in DESCRIBED_RATIOS:
        for sensor in sensors:
            sentences[describe("pansharpening", ratio, sensor=sensor)] = None
        for contrast in contrasts:
            for guide in contrasts:
                if contrast is None or contrast != guide:
                    sentence = describe("mri", ratio, contrast=contrast, guide_contrast=guide)
                    sentences[sentence] = None
        sentences[describe("depth", ratio)] = None
    return tuple(sentences)


__all__ = [
    "DESCRIBED_RATIOS",
    "TASKS",
    "Contrast",
    "Grid",
    "Task",
    "TaskName",
    "built_in_descriptions",
    "describe",
    "find_task",
    "nearest_described_ratio",
]
