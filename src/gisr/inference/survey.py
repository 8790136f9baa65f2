"""What is known of a whole pair before any of it is sharpened: its value range, by percentiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.array_types import ImageArray
from gisr.data.normalisation import Normalisation
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.percentile_sample import RegularSample
from gisr.inference.value_levels import levels_of
from gisr.tasks import Task, find_task
from gisr.windows import Window

_CLOSE = 2
"""Target pixels beside the guide that results are interpolated from."""


@dataclass(frozen=True)
class Survey:
    """What is known of a whole pair before its first tile."""

    normalisation: Normalisation
    lowest: float
    """Smallest known value of the target."""
    highest: float
    wider: tuple[Normalisation, ...] = ()
    """Further maps for content far outside the range of the first, from narrow to wide."""

    @property
    def levels(self) -> tuple[Normalisation, ...]:
        """All maps, the usual one first."""
        return self.normalisation, *self.wider

    def clip(self, result: ImageArray, bits: int | None) -> ImageArray:
        """Keep a result where values of its kind can lie.

        Args:
            result: In the target's units.
            bits: Significant bits a sample, where they are known.
        """
        low = 0.0 if self.lowest >= 0 else None
        high = None if bits is None else float(2**bits - 1)
        clipped: NDArray[np.float32] = np.clip(result, low, high).astype(np.float32)
        return clipped


def sample_of(task: Task) -> RegularSample:
    """Return the sample that a task's percentiles are taken from.

    Tasks whose percentiles reach the extremes need all pixels; they come as arrays.
    """
    reach = {*task.target_percentiles, *task.guide_percentiles}
    return RegularSample(exact=bool(reach & {0.0, 100.0}))


def survey_of_pairs(pairs: Sequence[Pair]) -> Survey:
    """Return what is known of pairs of one task that belong together, at least one.

    Raises:
        InputError: No pixel is known.
    """
    task = find_task(pairs[0].task)
    target, guide = sample_of(task), sample_of(task)
    for pair in pairs:
        known = np.ones(sides_of(pair.target), bool) if pair.valid is None else pair.valid
        target.add(pair.target, known, (0, 0))
        seen = pair.guide_valid
        seen = np.ones(sides_of(pair.guide), bool) if seen is None else seen
        guide.add(pair.guide, seen, (0, 0))
    alone = pairs[0] if len(pairs) == 1 else None
    return survey_of(target, guide, task, None if alone is None else shared_areas(alone))


def shared_areas(
    about: Pair, target: tuple[int, int] | None = None, guide: tuple[int, int] | None = None
) -> tuple[Window, Window] | None:
    """Return the parts of target and guide that results are made of.

    Args:
        about: Says how they lie on each other.
        target: Rows and columns of the target, if it does not hold that.
        guide: The same of the guide.
    """
    low, high = target or sides_of(about.target), guide or sides_of(about.guide)
    return about.placement.shared(low, high, _CLOSE)


def survey_of(
    target: RegularSample,
    guide: RegularSample,
    task: Task,
    areas: tuple[Window, Window] | None = None,
) -> Survey:
    """Return the survey of two samples.

    Args:
        target: Known pixels of the whole target.
        guide: Known pixels of the whole guide.
        task: Gives the percentiles.
        areas: The part of each whose values the network meets: what else a scene shows, clouds or
            a desert beside the guide, does not count.

    Raises:
        InputError: A sample has no known pixel.
    """
    low, high = (
        each.values(area) for each, area in zip((target, guide), areas or (None, None), strict=True)
    )
    if not len(low) or not len(high):
        raise InputError("no known pixel: there is nothing to sharpen")
    normalisation = Normalisation.of(low[:, None], high[:, None], task)
    seen = high.reshape(-1, len(normalisation.guide_scale))
    wider = levels_of(normalisation, low, seen)[1:] if task.far_content else ()
    return Survey(normalisation, target.lowest, target.highest, wider)


def sides_of(image: Float[np.ndarray, "h w c"]) -> tuple[int, int]:
    """Return rows and columns of an image."""
    return image.shape[0], image.shape[1]
