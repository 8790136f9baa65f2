"""The training set of MR scans: slices of co-registered volumes, made coarse."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from gisr.data.pair import Pair
from gisr.data.protocols import ScanReduction, kspace_pair, mean_pair
from gisr.datasets.entry import Scan, naming
from gisr.errors import RecipeError
from gisr.tasks import TaskName, describe
from gisr.tasks.mri import MRI
from gisr.training.samples.augmentation import (
    random_coarseness,
    random_contrast,
    random_orientation,
)
from gisr.training.samples.patches import Sample, check_patch, cut_sample

_FOREGROUND = 0.05
"""Least share of a slice that must be foreground, where the data set has no rule of its own."""


@dataclass(frozen=True)
class ScanSet:
    """Slices of co-registered MR volumes, made coarse in one way."""

    entries: tuple[Scan, ...]
    ratio: int
    contrast: str | None = None
    """Contrast of the targets; every contrast in turn when None."""
    guide_contrast: str | None = None
    """Contrast of the guides; any other, at random, when None."""
    middle: int | None = None
    """Only this many middle slices of a volume count."""
    foreground_share: float | None = None
    """Least share of a slice that must be foreground; when None, 0.05 where the data set does not
    state which slices count, else 0."""
    task: TaskName = MRI.name
    largest_patch: int = 0
    """Side of the largest patch that the run will cut."""
    reduced: ScanReduction = "kspace"

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
        least = self.foreground_share
        if least is None:
            least = _FOREGROUND if entry.slices is None else 0.0
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
        with naming(entry):
            entry.check_grid(contrast, guide_contrast)
        shape = entry.stored_volume(contrast).shape
        axis, ruled = 2, entry.slices is not None or self.middle is not None
        if not ruled and min(shape) > 60 and min(shape) >= patch and rng.random() < 0.5:
            axis, index = _other_plane(rng, shape)
        truth, guide = (entry.plane(name, index, axis) for name in (contrast, guide_contrast))
        if axis == 2:  # other planes are left out where they are smaller than a patch
            rows, columns = truth.shape
            rows, columns = (side // self._block * self._block for side in (rows, columns))
            check_patch(self.largest_patch, rows, columns, f"a slice of {entry.name}")
        truth, guide = random_orientation(rng, truth[..., None], guide[..., None])
        whole = -(-patch // self._block) * self._block
        truth, guide = random_coarseness(rng, whole, truth, guide)
        truth, truth_changed = random_contrast(rng, truth)
        guide, guide_changed = random_contrast(rng, guide)
        named = rng.random() < 0.75 and not (truth_changed or guide_changed)
        names = (contrast, guide_contrast) if named else (None, None)
        with naming(entry):
            pair = self._pair(truth[..., 0], guide[..., 0], *names)
        description = describe(self.task, pair.ratio, contrast=names[0], guide_contrast=names[1])
        return cut_sample(rng, pair, patch, description, anywhere=True)

    @property
    def _block(self) -> int:
        """Of how many pixels the sides of a truth are a multiple."""
        return 1 if self.reduced == "kspace" else self.ratio

    def _pair(
        self,
        truth: Float[np.ndarray, "H W"],
        guide: Float[np.ndarray, "H W"],
        contrast: str | None,
        guide_contrast: str | None,
    ) -> Pair:
        make = kspace_pair if self.reduced == "kspace" else mean_pair
        return make(
            truth,
            guide,
            self.ratio,
            contrast=contrast,
            guide_contrast=guide_contrast,
            task=self.task,
        )


def _other_plane(rng: Generator, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the axis and index of a random sagittal or coronal slice of the middle half."""
    axis = int(rng.integers(2))
    return axis, int(rng.integers(shape[axis] // 4, 3 * shape[axis] // 4))
