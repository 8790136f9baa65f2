"""Pairs of chunked arrays, and the part of one that a window needs."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from gisr.data.band_gaps import find_band_gaps, gap_text
from gisr.data.fill import find_band_fill, find_fill
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.estimation.sensor_model import SensorModel
from gisr.inference.percentile_sample import RegularSample
from gisr.inference.survey import Survey, sample_of, shared_areas, survey_of
from gisr.inference.tile_runner import TileJob
from gisr.inference.windowed_pair import Cut, KnownImage, PairSource
from gisr.io.unknown import UnknownValue
from gisr.tasks import Task, find_task
from gisr.windows import Window, within

if TYPE_CHECKING:
    from dask.array import Array

Unknown = tuple[UnknownValue, ...]
Part = Shaped[np.ndarray, "h w channels"]
"""What a task of Dask gets of an image."""


class DaskSource(PairSource):
    """A pair of chunked arrays; what is read is computed at once."""

    def __init__(self, about: Pair, target: "Array", guide: "Array") -> None:
        """Cut windows from two arrays, (h, w, bands) and (H, W, channels)."""
        super().__init__(about, guide.shape[:2], target.shape[:2])
        self.target, self.guide = target, guide
        self.unknown: tuple[Unknown, Unknown] = ((), ())
        """Values of target and guide that the survey takes for unknown."""

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        return known_values(self.target[rows, columns].compute(), self.unknown[0])

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        return known_values(self.guide[rows, columns].compute(), self.unknown[1])

    @cached_property
    def survey(self) -> Survey:
        """Read all of both arrays once, chunk by chunk; twice where one has fill.

        Raises:
            InputError: No pixel is known, or the target has values beyond its bits.
        """
        task, bits = find_task(self.about.task), self.about.bits
        target, low = _sampled("target", self.target, task)
        guide, high = _sampled("guide", self.guide, task)
        self.unknown = low, high
        areas = shared_areas(self.about, self.target_shape, self.shape)
        found = survey_of(target, guide, task, areas)
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
    unknown: tuple[Unknown, Unknown]
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
        self.offset, self._unknown = work.offset, work.unknown
        self._survey, self._sensor_model = work.job.survey, work.sensor_model
        self._target, self._target_area = target, self.target_area(window)[0]
        self._guide, self._guide_area = guide, self.guide_area(window)

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        part = self._target[within(self._target_area, (rows, columns))]
        return known_values(part, self._unknown[0])

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        part = self._guide[within(self._guide_area, (rows, columns))]
        return known_values(part, self._unknown[1])

    @cached_property
    def survey(self) -> Survey:
        """That of the whole pair."""
        return self._survey

    @cached_property
    def sensor_model(self) -> SensorModel:
        """That of the whole pair."""
        assert self._sensor_model is not None
        return self._sensor_model


def known_values(image: Shaped[np.ndarray, "h w channels"], unknown: Unknown = ()) -> KnownImage:
    """Return an image as float32, 0 where it is not known, and where all its channels are."""
    known = np.isfinite(image).all(axis=2)
    for each in unknown:
        known &= ~each.covers(image)
    return np.where(known[..., None], image, 0).astype(np.float32), known


def _sampled(name: str, image: "Array", task: Task) -> tuple[RegularSample, Unknown]:
    """Return the known pixels of an array, and the values of it that are taken for unknown."""
    sample, infinite = _sample(image, sample_of(task), ())
    looked = sample if not sample.exact else _sample(image, RegularSample(), ())[0]
    unknown = []
    if infinite:
        warnings.warn(
            f"{name}: infinite values are taken for unknown: replace them by NaN to say so",
            stacklevel=6,
        )
    pixels, known = looked.lattice()
    if task.surfaces and name == "target" and looked.lowest == 0 < looked.highest:
        unknown.append(UnknownValue(0.0, alone=True))  # as of depth maps in memory and in files
        known = known & ~unknown[0].covers(pixels)
        warnings.warn(
            "target: pixels of 0 are taken for unknown, the nearest known ones stand in beside "
            "them: replace it by NaN to say so",
            stacklevel=6,
        )
    for fill in find_fill(pixels, known, blank=task.blank):
        if fill.certainty == "certain":
            unknown.append(fill.unknown)
            known = known & ~fill.covers(pixels)
            warnings.warn(
                f"{name}: {fill.text} is taken for unknown: replace it by NaN to say so",
                stacklevel=6,
            )
    for fill in find_band_fill(pixels, known):
        text = f"{name}: {fill.text_of(range(1, pixels.shape[-1] + 1))}"
        told = "may be unknown: replace it by NaN to say so"
        if fill.certainty == "certain":
            unknown.append(fill.unknown)
            told = "is taken for unknown, and so are these pixels in all bands: give these bands "
            told += "on their own, or replace it by NaN to say so"
            known = known & ~fill.covers(pixels)
        warnings.warn(f"{text} {told}", stacklevel=6)
    for gap in find_band_gaps(pixels, known) if task.blank else ():
        text = gap_text(gap, range(1, pixels.shape[-1] + 1))
        way = "is taken for data: give these bands on their own, or NaN in its place"
        warnings.warn(f"{name}: {text}, {way}", stacklevel=6)
    if unknown:
        sample, _ = _sample(image, sample_of(task), tuple(unknown))
    return sample, tuple(unknown)


def _sample(image: "Array", sample: RegularSample, unknown: Unknown) -> tuple[RegularSample, bool]:
    """Return a sample that saw all known pixels, and whether a value is infinite."""
    infinite = False
    edges = [np.cumsum([0, *sizes]) for sizes in image.chunks[:2]]
    for top, bottom in pairwise(edges[0]):
        for left, right in pairwise(edges[1]):
            block = image[top:bottom, left:right].compute()
            known = known_values(block, unknown)[1]
            infinite = infinite or bool(np.isinf(block).any())
            sample.add(block, known, (int(top), int(left)))
    return sample, infinite
