"""Pairs of chunked arrays, and the part of one that a window needs."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.estimation.sensor_model import SensorModel
from gisr.inference.percentile_sample import RegularSample
from gisr.inference.survey import Survey, sample_of, survey_of
from gisr.inference.tile_runner import TileJob
from gisr.inference.windowed_pair import Cut, KnownImage, PairSource
from gisr.tasks import find_task
from gisr.windows import Window, within

if TYPE_CHECKING:
    from dask.array import Array

Part = Shaped[np.ndarray, "h w channels"]
"""What a task of Dask gets of an image."""


class DaskSource(PairSource):
    """A pair of chunked arrays; what is read is computed at once."""

    def __init__(self, about: Pair, target: "Array", guide: "Array") -> None:
        """Cut windows from two arrays, (h, w, bands) and (H, W, channels)."""
        super().__init__(about, guide.shape[:2], target.shape[:2])
        self.target, self.guide = target, guide

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        return known_values(self.target[rows, columns].compute())

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        return known_values(self.guide[rows, columns].compute())

    @cached_property
    def survey(self) -> Survey:
        """Read all of both arrays once, chunk by chunk.

        Raises:
            InputError: No pixel is known, or the target has values beyond its bits.
        """
        task, bits = find_task(self.about.task), self.about.bits
        target, guide = (_sampled(image, sample_of(task)) for image in (self.target, self.guide))
        found = survey_of(target, guide, task)
        if bits is not None and found.highest > 2**bits - 1:
            raise InputError(
                f"target holds {found.highest:g}, which {bits} bits cannot: correct bits or leave "
                "it out"
            )
        return found


@dataclass(frozen=True, eq=False)
class SharedWork:
    """What the tasks of one image share: sent to every process once."""

    job: TileJob
    about: Pair
    shape: tuple[int, int]
    target_shape: tuple[int, int]
    offset: tuple[float, float]
    sensor_model: SensorModel | None
    """Where a satellite image is to be made consistent."""

    def cut(self, window: Window, target: Part, guide: Part) -> Cut | None:
        """Return a window, cut from the parts of both images that it needs."""
        return PartSource(self, window, target, guide).cut(window)


class PartSource(PairSource):
    """A pair of which only what one window needs is in memory."""

    def __init__(self, work: SharedWork, window: Window, target: Part, guide: Part) -> None:
        """Take the parts that :meth:`target_area` and :meth:`guide_area` name."""
        super().__init__(work.about, work.shape, work.target_shape)
        self.offset = work.offset
        self._survey, self._sensor_model = work.job.survey, work.sensor_model
        self._target, self._target_area = target, self.target_area(window)[0]
        self._guide, self._guide_area = guide, self.guide_area(window)

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        return known_values(self._target[within(self._target_area, (rows, columns))])

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        return known_values(self._guide[within(self._guide_area, (rows, columns))])

    @cached_property
    def survey(self) -> Survey:
        """That of the whole pair."""
        return self._survey

    @cached_property
    def sensor_model(self) -> SensorModel:
        """That of the whole pair."""
        assert self._sensor_model is not None
        return self._sensor_model


def known_values(image: Shaped[np.ndarray, "h w channels"]) -> KnownImage:
    """Return an image as float32 without its NaN, and where all its channels are known."""
    known = np.isfinite(image).all(axis=2)
    return np.where(known[..., None], image, 0).astype(np.float32), known


def _sampled(image: "Array", sample: RegularSample) -> RegularSample:
    edges = [np.cumsum([0, *sizes]) for sizes in image.chunks[:2]]
    for top, bottom in pairwise(edges[0]):
        for left, right in pairwise(edges[1]):
            block = image[top:bottom, left:right].compute()
            sample.add(*known_values(block), (int(top), int(left)))
    return sample
