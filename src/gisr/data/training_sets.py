"""Training sets: one task at one ratio, giving random degraded patches of full-resolution images.

A patch is degraded together with a margin around it, so that its border is made as the middle of a
large image is, and the margin is cut afterwards.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator

from gisr.data.augmentation import (
    random_bands,
    random_gamma,
    random_misregistration,
    random_orientation,
)
from gisr.data.degradations import fill_holes
from gisr.data.normalisation import Normalisation
from gisr.data.open_pairs import OpenPair
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.data.resample import resize_pillow, shift
from gisr.errors import RecipeError
from gisr.tasks.task import TaskName, describe, find_task

_TARGET_CHANNELS = 4
_GUIDE_CHANNELS = 3
_MARGIN = 4
"""Target samples around a patch: the reach of the bicubic kernel and of the MTF, rounded up."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One training example on the guide's grid, normalised."""

    target: Float[np.ndarray, "4 s s"]
    guide: Float[np.ndarray, "3 s s"]
    truth: Float[np.ndarray, "4 s s"]
    known: Float[np.ndarray, "1 s s"]
    """1 where the truth is known."""
    description: str
    ratio: float
    task: TaskName


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
        """Number of full-resolution images."""
        ...

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of an image."""
        ...


@dataclass(frozen=True)
class PansharpeningSet:
    """Multispectral scenes degraded by Wald's protocol."""

    entries: tuple[OpenPair, ...]
    ratio: int
    misregistration: float = 0.3
    """Largest random shift of the guide in truth pixels: what is left after it was aligned."""
    task: Literal["pansharpening"] = "pansharpening"

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.entries)

    @cached_property
    def _guides(self) -> tuple[Float[np.ndarray, "H W 1"], ...]:
        return tuple(
            # Aligned, as the upscaler aligns guides before the network sees them: flips and turns
            # would make the fixed shift of a sensor a random one, which no convolution can undo.
            resize_pillow(
                shift(entry.panchromatic, entry.guide_offset), entry.multispectral.shape[:2]
            )
            for entry in self.entries
        )

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a scene."""
        entry = self.entries[item]
        truth, guide = random_window(
            rng, patch, self.ratio, entry.multispectral, self._guides[item]
        )
        truth, guide = random_orientation(rng, truth, guide)
        truth = random_gamma(rng, random_bands(rng, truth), float(truth.min()), float(truth.max()))
        guide = random_gamma(rng, guide, float(guide.min()), float(guide.max()))
        guide = random_misregistration(rng, guide, self.misregistration)
        sensor = entry.sensor if rng.random() < 0.5 else None
        pair = wald_pair(truth, guide, self.ratio, sensor=sensor)
        description = describe("pansharpening", self.ratio, sensor=sensor)
        return cut_sample(rng, pair, patch, description)


@dataclass(frozen=True)
class MRISet:
    """Slices of co-registered MR volumes, any contrast guiding any other, k-space cropped."""

    entries: tuple[OpenPair, ...]
    ratio: int
    task: Literal["mri"] = "mri"

    def __post_init__(self) -> None:
        """Refuse subjects with a single contrast."""
        for entry in self.entries:
            if len(entry.contrasts) < 2:
                raise RecipeError(f"{entry.name}: one contrast only, a guide is missing")

    def __len__(self) -> int:
        """Number of slices across the thinnest axis, over all subjects and targets."""
        return len(self._slices)

    @cached_property
    def _slices(self) -> tuple[tuple[OpenPair, str, int], ...]:
        """Every slice with enough head in it: (subject, target contrast, index)."""
        slices = []
        for entry in self.entries:
            for contrast in entry.contrasts:
                volume = entry.volume(contrast)
                head = volume > 0.1 * np.percentile(volume, 99.9)
                filled = np.flatnonzero(head.mean(axis=(0, 1)) > 0.05)
                slices += [(entry, contrast, int(index)) for index in filled]
        return tuple(slices)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a slice, in any plane of isotropic volumes."""
        entry, contrast, index = self._slices[item]
        guide_contrast = str(rng.choice([name for name in entry.contrasts if name != contrast]))
        volumes = [entry.volume(name) for name in (contrast, guide_contrast)]
        truth, guide = (volume[:, :, index] for volume in volumes)
        thinnest = min(volumes[0].shape)
        if thinnest > 60 and thinnest >= patch and rng.random() < 0.5:
            truth, guide = _other_plane(rng, volumes)
        truth, guide = random_orientation(rng, truth[..., None], guide[..., None])
        truth = random_gamma(rng, truth, 0.0, float(truth.max()))
        guide = random_gamma(rng, guide, 0.0, float(guide.max()))
        named = rng.random() < 0.75
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

    entries: tuple[OpenPair, ...]
    ratio: int
    task: Literal["depth"] = "depth"

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a frame."""
        entry = self.entries[item]
        values, valid = entry.depth
        planes = np.dstack([values, valid.astype(np.float32)])
        planes, colour = random_window(rng, patch, self.ratio, planes, entry.colour)
        planes, colour = random_orientation(rng, planes, colour)
        truth, known = planes[..., 0], planes[..., 1] > 0
        if not known.any():  # a window that is all hole: its neighbourhood says nothing either
            truth, known = np.zeros_like(truth), known | True
        if rng.random() < 0.5:  # near is bright in disparity and dark in depth: learn both
            top = float(truth[known].max())
            truth = np.where(known, top - truth, 0.0).astype(np.float32)
        colour = random_gamma(rng, colour, 0.0, 255.0)
        pair = depth_pair(truth, colour, self.ratio, valid=known)
        return cut_sample(rng, pair, patch, describe("depth", self.ratio))


def random_window(
    rng: Generator,
    patch: int,
    ratio: int,
    truth: Float[np.ndarray, "H W bands"],
    guide: Float[np.ndarray, "H W channels"],
) -> tuple[Float[np.ndarray, "h w bands"], Float[np.ndarray, "h w channels"]]:
    """Return a random square of both images: a patch with its margin, or all there is.

    Raises:
        RecipeError: The images are smaller than a patch.
    """
    rows, columns = truth.shape[:2]
    _check_patch(patch, rows // ratio * ratio, columns // ratio * ratio)
    side = patch + 2 * _MARGIN * ratio
    top = int(rng.integers(max(rows - side, 0) + 1))
    left = int(rng.integers(max(columns - side, 0) + 1))
    window = (slice(top, top + side), slice(left, left + side))
    return truth[window], guide[window]


def cut_sample(
    rng: Generator, pair: Pair, patch: int, description: str, *, anywhere: bool = False
) -> Sample:
    """Normalise a pair and cut a patch: from its middle, or from anywhere.

    The contrast and level of the whole window vary, because a patch of a real scene seldom fills
    the range of the scene.
    """
    assert pair.truth is not None  # made by a protocol
    task = find_task(pair.task)
    normal = Normalisation.of(pair.target, pair.guide, task)
    rows, columns = pair.truth.shape[:2]
    _check_patch(patch, rows, columns)
    top, left = (rows - patch) // 2, (columns - patch) // 2
    if anywhere:
        top, left = int(rng.integers(rows - patch + 1)), int(rng.integers(columns - patch + 1))
    window = (slice(top, top + patch), slice(left, left + patch))
    on_grid, guide = pair.on_guide_grid()[window], pair.guide[window]
    gain, level = rng.uniform(0.6, 1.2), rng.uniform(-0.05, 0.15)
    known = np.ones((patch, patch), bool) if pair.truth_valid is None else pair.truth_valid[window]
    truth = _filled(pair.truth[window], known)
    return Sample(
        _carried(normal.target(on_grid) * gain + level, _TARGET_CHANNELS),
        _carried(normal.guide(guide), _GUIDE_CHANNELS),
        _carried(normal.target(truth) * gain + level, _TARGET_CHANNELS),
        known[None].astype(np.float32),
        description,
        pair.ratio,
        pair.task,
    )


def _check_patch(patch: int, rows: int, columns: int) -> None:
    if min(rows, columns) < patch:
        raise RecipeError(f"patch {patch} is larger than an image of {rows} x {columns}: reduce it")


def _filled(
    image: Float[np.ndarray, "s s bands"], known: Bool[np.ndarray, "s s"]
) -> Float[np.ndarray, "s s bands"]:
    return fill_holes(image, known) if known.any() else np.zeros_like(image)


def _carried(image: Float[np.ndarray, "s s bands"], channels: int) -> Float[np.ndarray, "c s s"]:
    """Repeat bands cyclically to a fixed number, channels first, as the network carries them."""
    bands = [channel % image.shape[2] for channel in range(channels)]
    return np.ascontiguousarray(image[..., bands].transpose(2, 0, 1), dtype=np.float32)


def _other_plane(
    rng: Generator, volumes: list[Float[np.ndarray, "X Y Z"]]
) -> tuple[Float[np.ndarray, "A B"], Float[np.ndarray, "A B"]]:
    """Return the same random sagittal or coronal slice, from the middle half, of two volumes."""
    axis = int(rng.integers(2))
    size = volumes[0].shape[axis]
    index = int(rng.integers(size // 4, 3 * size // 4))
    target, guide = (np.take(volume, index, axis=axis) for volume in volumes)
    return target, guide
