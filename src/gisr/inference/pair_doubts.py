"""What a satellite pair's own measurements say against its result, whatever it is read from."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.data.degradations import fill_holes
from gisr.estimation.guide_detail import all_blown_up, all_enlarged
from gisr.estimation.satellite_doubts import satellite_doubts
from gisr.inference.windowed_pair import PairSource
from gisr.notes import Note, NoteLevel
from gisr.tasks import find_task


def pair_doubts(source: PairSource, level: NoteLevel) -> list[Note]:
    """Return what makes the result of a satellite pair doubtful; nothing of another task.

    Args:
        source: Surveyed, and aligned already.
        level: Of the notes.
    """
    task = find_task(source.about.task)
    if task.reduction != "sensor":
        return []
    enlarged = all_enlarged(_stored(source, "guide"), source.about.placement.ratios)
    blown_up = is_blown_up(source)
    doubts = satellite_doubts(source.sensor_model, task, enlarged=enlarged, blown_up=blown_up)
    return [Note(text, level) for text in doubts]


def is_blown_up(source: PairSource) -> bool:
    """Return whether a satellite target was made of larger pixels than its own."""
    return all_blown_up(_stored(source, "target"))


def _stored(
    source: PairSource, name: Literal["target", "guide"]
) -> Iterator[Float[np.ndarray, "h w"]]:
    """Yield windows of an image as they are stored, without holes, the mean over its bands."""
    read = source.read_guide if name == "guide" else source.read_target
    for window in source.sample_windows():
        image, known = read(*(window if name == "guide" else source.target_area(window)[0]))
        if known.any():
            yield fill_holes(image, known).mean(axis=2)
