"""Training sets of depth frames, from files or generated, reduced by Pillow's bicubic."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator

from gisr.data.degradations import ReducedAs
from gisr.data.protocols import depth_pair
from gisr.data.synthetic.depth_frame import generated_depth_frame
from gisr.data.synthetic.sensor import seen_by_sensor
from gisr.datasets.entry import Frame, naming
from gisr.tasks import TaskName, describe
from gisr.tasks.depth import DEPTH
from gisr.training.samples.augmentation import (
    random_gamma,
    random_orientation,
    random_snapshot,
)
from gisr.training.samples.patches import Sample, cut_sample, random_window, window_side
from gisr.training.samples.training_set import GENERATED_LENGTH

_SENSORS = 0.4
"""Share of the generated depth frames that look as if a sensor had taken them."""


@dataclass(frozen=True)
class FrameSet:
    """Depth or disparity maps reduced by Pillow's bicubic."""

    entries: tuple[Frame, ...]
    ratio: int
    task: TaskName = DEPTH.name
    largest_patch: int = 0
    """Side of the largest patch that the run will cut."""

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a frame."""
        entry = self.entries[item]
        with naming(entry):
            entry.check_size()
        shape = entry.stored_depth[0].shape
        window = random_window(rng, patch, self.ratio, shape, entry.name, self.largest_patch)
        values, valid, colour = entry.crop(window)
        planes = np.dstack([values, valid.astype(np.float32)])
        planes, colour = random_orientation(rng, planes, colour)
        truth, known = planes[..., 0], planes[..., 1] > 0
        if not known.any():  # a window that is all hole: there is nothing to fill it from
            truth, known = np.zeros_like(truth), known | True
        with naming(entry):
            return _depth_sample(
                rng,
                truth,
                known,
                colour,
                patch,
                ratio=self.ratio,
                reduced_as="float32",
                task=self.task,
            )


@dataclass(frozen=True)
class GeneratedFrameSet:
    """Generated depth frames, another one for every sample, reduced by Pillow's bicubic."""

    ratio: int
    task: TaskName = DEPTH.name

    def __len__(self) -> int:
        """Frames that it counts for in a mixture, although every sample is a new one."""
        return GENERATED_LENGTH

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return the middle of a new frame; it depends on the generator alone, not on the item."""
        frame = generated_depth_frame(rng, window_side(patch, self.ratio))
        if rng.random() < _SENSORS:
            frame = seen_by_sensor(rng, frame)
        return _depth_sample(
            rng,
            frame.depth,
            frame.known,
            frame.colour,
            patch,
            ratio=self.ratio,
            reduced_as=frame.reduced_as,
        )


def _depth_sample(
    rng: Generator,
    truth: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
    colour: Float[np.ndarray, "H W channels"],
    patch: int,
    *,
    ratio: int,
    reduced_as: ReducedAs,
    task: TaskName = DEPTH.name,
) -> Sample:
    """Return the middle of a window, which has a known pixel."""
    if rng.random() < 0.5:  # near is bright in disparity and dark in depth: learn both
        top = float(truth[known].max())
        truth = np.where(known, top - truth, 0.0).astype(np.float32)
    colour = random_snapshot(rng, random_gamma(rng, colour, 0.0, 255.0))
    pair = depth_pair(truth, colour, ratio, valid=known, reduced_as=reduced_as, task=task)
    return cut_sample(rng, pair, patch, describe(task, ratio))
