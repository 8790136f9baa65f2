"""Training sets: one task at one ratio, giving random patches of images and their guides."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator

from gisr.data.degradations import ReducedAs
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.data.synthetic.depth_frame import generated_depth_frame
from gisr.data.synthetic.land_scene import generated_land_scene
from gisr.data.synthetic.sensor import seen_by_sensor
from gisr.datasets.crops import frame_window, scan_slice, scene_window
from gisr.datasets.entry import Frame, MadePair, Scan, Scene
from gisr.datasets.pairing import made_pair
from gisr.errors import RecipeError
from gisr.tasks import TaskName, describe, find_task
from gisr.training.samples.augmentation import (
    random_bands,
    random_coarseness,
    random_contrast,
    random_gamma,
    random_misregistration,
    random_offset,
    random_orientation,
    random_snapshot,
)
from gisr.training.samples.patches import (
    Sample,
    cut_sample,
    random_window,
    target_window,
    window_side,
)

_HEAD = 0.05
"""Least share of a slice that must be head, where the data set has no rule of its own."""

_SENSORS = 0.4
"""Share of the generated depth frames that look as if a sensor had taken them."""

GENERATED_LENGTH = 1000
"""Images that a generated set counts for: more than most sets have, so that they and not it decide
how long an epoch is; alone it has the 1000 samples of the paper's."""


class TrainingSet(Protocol):
    """One task at one ratio."""

    @property
    def task(self) -> TaskName:
        """The task."""
        ...

    @property
    def ratio(self) -> int:
        """How many times coarser the target is made."""
        ...

    def __len__(self) -> int:
        """Number of full-resolution images, or what it counts for in a mixture."""
        ...

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of an image."""
        ...


@dataclass(frozen=True)
class PansharpeningSet:
    """Multispectral scenes degraded by Wald's protocol."""

    entries: tuple[Scene, ...]
    ratio: int
    misregistration: float = 0.3
    """Largest random shift of the guide in truth pixels: what is left after it was aligned."""
    task: Literal["pansharpening"] = "pansharpening"

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a scene."""
        entry = self.entries[item]
        window = random_window(rng, patch, self.ratio, entry.stored_multispectral.shape)
        # Aligned, as the upscaler aligns guides before the network sees them: flips and turns
        # would make the fixed shift of a sensor a random one, which no convolution can undo.
        truth, guide = random_orientation(rng, *scene_window(entry, window))
        sensor = entry.sensor
        return _scene_sample(rng, truth, guide, patch, self.ratio, self.misregistration, sensor)


@dataclass(frozen=True)
class GeneratedPansharpeningSet:
    """Generated satellite scenes, another one for every sample, degraded by Wald's protocol."""

    ratio: int
    misregistration: float = 0.3
    """Largest random shift of the guide in truth pixels."""
    task: Literal["pansharpening"] = "pansharpening"

    def __len__(self) -> int:
        """Scenes that it counts for in a mixture; there is no end to them."""
        return GENERATED_LENGTH

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return the middle of a new scene; the item says nothing, the generator all."""
        scene = generated_land_scene(rng, window_side(patch, self.ratio))
        return _scene_sample(
            rng, scene.multispectral, scene.panchromatic, patch, self.ratio, self.misregistration
        )


@dataclass(frozen=True)
class MRISet:
    """Slices of co-registered MR volumes, k-space cropped."""

    entries: tuple[Scan, ...]
    ratio: int
    contrast: str | None = None
    """Contrast of the targets; every contrast in turn when None."""
    guide_contrast: str | None = None
    """Contrast of the guides; any other, at random, when None."""
    middle: int | None = None
    """Only this many middle slices of a volume count."""
    head: float | None = None
    """Least share of a slice that must be head; when None, 0.05 where the data set does not say
    which slices count, else 0."""
    task: Literal["mri"] = "mri"

    def __post_init__(self) -> None:
        """Refuse subjects without a target or a guide."""
        for entry in self.entries:
            if len(entry.contrasts) < 2:
                raise RecipeError(f"{entry.name}: one contrast only, a guide is missing")
            wanted = {self.contrast, self.guide_contrast} - {None}
            if missing := sorted(map(str, wanted - set(entry.contrasts))):
                raise RecipeError(f"{entry.name}: has no contrast {' and '.join(missing)}")

    def __len__(self) -> int:
        """Number of slices that count, over all subjects and target contrasts."""
        return len(self._slices)

    @cached_property
    def _slices(self) -> tuple[tuple[Scan, str, int], ...]:
        """Every slice that counts: (subject, target contrast, index)."""
        return tuple(
            (entry, contrast, index)
            for entry in self.entries
            for contrast in entry.contrasts
            if contrast != self.guide_contrast and self.contrast in (None, contrast)
            for index in self._counting(entry, contrast)
        )

    def _counting(self, entry: Scan, contrast: str) -> list[int]:
        least = (_HEAD if entry.slices is None else 0.0) if self.head is None else self.head
        if entry.slices is not None and self.middle is None and least == 0:
            return list(entry.slices)  # without reading the volume
        depth = entry.stored_volume(contrast).shape[2]
        counting = list(range(depth) if entry.slices is None else entry.slices)
        if self.middle is not None:
            first = max(0, (depth - self.middle) // 2)
            counting = [index for index in counting if first <= index < first + self.middle]
        if least == 0:
            return counting
        volume = entry.volume(contrast)
        share = (volume > 0.1 * np.percentile(volume, 99.9)).mean(axis=(0, 1))
        return [index for index in counting if share[index] > least]

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a slice, in any plane of isotropic volumes without a rule."""
        entry, contrast, index = self._slices[item]
        guides = [name for name in entry.contrasts if name != contrast]
        guide_contrast = self.guide_contrast or str(rng.choice(guides))
        shape = entry.stored_volume(contrast).shape
        axis, ruled = 2, entry.slices is not None or self.middle is not None
        if not ruled and min(shape) > 60 and min(shape) >= patch and rng.random() < 0.5:
            axis, index = _other_plane(rng, shape)
        truth, guide = (scan_slice(entry, name, index, axis) for name in (contrast, guide_contrast))
        truth, guide = random_orientation(rng, truth[..., None], guide[..., None])
        truth, guide = random_coarseness(rng, patch, truth, guide)
        truth, truth_changed = random_contrast(rng, truth)
        guide, guide_changed = random_contrast(rng, guide)
        named = rng.random() < 0.75 and not (truth_changed or guide_changed)
        names = (contrast, guide_contrast) if named else (None, None)
        pair = kspace_pair(
            truth[..., 0],
            guide[..., 0],
            self.ratio,
            contrast=names[0],
            guide_contrast=names[1],
        )
        description = describe("mri", self.ratio, contrast=names[0], guide_contrast=names[1])
        return cut_sample(rng, pair, patch, description, anywhere=True)


@dataclass(frozen=True)
class DepthSet:
    """Depth or disparity maps reduced by Pillow's bicubic."""

    entries: tuple[Frame, ...]
    ratio: int
    task: Literal["depth"] = "depth"

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a frame."""
        entry = self.entries[item]
        window = random_window(rng, patch, self.ratio, entry.stored_depth[0].shape)
        values, valid, colour = frame_window(entry, window)
        planes = np.dstack([values, valid.astype(np.float32)])
        planes, colour = random_orientation(rng, planes, colour)
        truth, known = planes[..., 0], planes[..., 1] > 0
        if not known.any():  # a window that is all hole: its neighbourhood says nothing either
            truth, known = np.zeros_like(truth), known | True
        return _depth_sample(
            rng, truth, known, colour, patch, ratio=self.ratio, reduced_as="float32"
        )


@dataclass(frozen=True)
class GeneratedDepthSet:
    """Generated depth frames, another one for every sample, reduced by Pillow's bicubic."""

    ratio: int
    task: Literal["depth"] = "depth"

    def __len__(self) -> int:
        """Frames that it counts for in a mixture; there is no end to them."""
        return GENERATED_LENGTH

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return the middle of a new frame; the item says nothing, the generator all."""
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


@dataclass(frozen=True)
class MadeSet:
    """Pairs that others reduced, at the ratio they have: nothing is degraded here.

    Only flips and turns vary a sample; what else the other sets vary they vary before degrading.

    Raises:
        RecipeError: An entry is of another task or ratio, or has no truth.
    """

    entries: tuple[MadePair, ...]
    ratio: int
    task: TaskName

    def __post_init__(self) -> None:
        """Refuse pairs that cannot be mixed or learnt from."""
        for entry in self.entries:
            if (entry.task, entry.ratio) != (self.task, self.ratio):
                raise RecipeError(
                    f"{entry.name}: {entry.task} x{entry.ratio} in a set of {self.task} "
                    f"x{self.ratio}"
                )
            if entry.read_truth is None:
                raise RecipeError(f"{entry.name}: has no truth to learn from")

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a pair."""
        entry = self.entries[item]
        # A part of a k-space crop is none: those pairs are used whole.
        whole = find_task(self.task).grid == "kspace"
        shape = entry.stored_target.shape
        window = None if whole else target_window(rng, patch, self.ratio, shape)
        sensor = entry.sensor if rng.random() < 0.5 else None
        description = describe(self.task, self.ratio, sensor=sensor)
        pair = made_pair(entry, window)
        return cut_sample(rng, pair, patch, description, anywhere=whole, turned=True)


@dataclass(frozen=True)
class JoinedSet:
    """Several sets of one task and ratio as one: full-resolution images and pairs others made."""

    parts: tuple[TrainingSet, ...]

    @property
    def task(self) -> TaskName:
        """Task of all parts."""
        return self.parts[0].task

    @property
    def ratio(self) -> int:
        """Ratio of all parts."""
        return self.parts[0].ratio

    def __len__(self) -> int:
        """Number of images of all parts."""
        return sum(map(len, self.parts))

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of an image."""
        for part in self.parts:
            if item < len(part):
                return part.sample(item, rng, patch)
            item -= len(part)
        raise IndexError(f"item {item + len(self)} of {len(self)}")


def _scene_sample(
    rng: Generator,
    truth: Float[np.ndarray, "H W bands"],
    guide: Float[np.ndarray, "H W 1"],
    patch: int,
    ratio: int,
    misregistration: float,
    sensor: str | None = None,
) -> Sample:
    """Return the middle of a window of both images of a scene on one grid."""
    truth = random_gamma(rng, random_bands(rng, truth), float(truth.min()), float(truth.max()))
    guide = random_gamma(rng, guide, float(guide.min()), float(guide.max()))
    guide = random_misregistration(rng, guide, misregistration)
    sensor = sensor if rng.random() < 0.5 else None
    offset = random_offset(rng, ratio)
    pair = wald_pair(truth, guide, ratio, sensor=sensor, offset=offset)
    description = describe("pansharpening", ratio, sensor=sensor)
    return cut_sample(rng, pair, patch, description)


def _depth_sample(
    rng: Generator,
    truth: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
    colour: Float[np.ndarray, "H W channels"],
    patch: int,
    *,
    ratio: int,
    reduced_as: ReducedAs,
) -> Sample:
    """Return the middle of a window, which has a known pixel."""
    if rng.random() < 0.5:  # near is bright in disparity and dark in depth: learn both
        top = float(truth[known].max())
        truth = np.where(known, top - truth, 0.0).astype(np.float32)
    colour = random_snapshot(rng, random_gamma(rng, colour, 0.0, 255.0))
    pair = depth_pair(truth, colour, ratio, valid=known, reduced_as=reduced_as)
    return cut_sample(rng, pair, patch, describe("depth", ratio))


def _other_plane(rng: Generator, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the axis and index of a random sagittal or coronal slice of the middle half."""
    axis = int(rng.integers(2))
    return axis, int(rng.integers(shape[axis] // 4, 3 * shape[axis] // 4))
