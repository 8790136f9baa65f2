"""Patches of lessons, drawn at random, in the value range that their scene is seen in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from gisr.adaptation.lesson import Lesson
from gisr.adaptation.settings import AdaptSettings
from gisr.array_types import ImageArray
from gisr.data.normalisation import Normalisation
from gisr.magnet import MAGNetConfig
from gisr.training.samples.augmentation import random_orientation

_TRIES = 20
_LEAST_LEARNT = 0.25
"""Share of a patch that is learnt from, at least, unless none is found in so many tries."""


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """Patches side by side, normalised."""

    target: Float[Tensor, "b bands s s"]
    """On the guide's grid."""
    guide: Float[Tensor, "b channels s s"]
    truth: Float[Tensor, "b bands s s"]
    known: Float[Tensor, "b 1 s s"]
    """1 where is learnt from."""
    scale: Float[Tensor, "b bands"]
    """What a step of 1 means in the target's units, relative: the mean of their squares is 1."""

    def to(self, device: torch.device) -> "PatchBatch":
        """Move the batch to a device."""
        return PatchBatch(
            self.target.to(device),
            self.guide.to(device),
            self.truth.to(device),
            self.known.to(device),
            self.scale.to(device),
        )


@dataclass(frozen=True, eq=False)
class Patches:
    """What is drawn from: lessons, normalised."""

    images: tuple[tuple[ImageArray, ImageArray, ImageArray, ImageArray], ...]
    """Target on the guide's grid, guide, truth and 1 where is learnt from, by lesson."""
    chances: Float[np.ndarray, " lessons"]
    scale: Float[np.ndarray, " bands"]
    side: int
    batch: int

    @classmethod
    def of(
        cls,
        lessons: Sequence[Lesson],
        normal: Normalisation,
        settings: AdaptSettings,
        config: MAGNetConfig,
    ) -> "Patches":
        """Normalise lessons.

        Args:
            lessons: Of one scene or volume.
            normal: Its value range.
            settings: Size and number of patches.
            config: Says which sizes the network works at without padding.
        """
        taught = [each for each in lessons if each.learnt.any()]
        images = tuple(
            (
                normal.target(each.pair.on_guide_grid()),
                normal.guide(each.pair.guide),
                normal.target(each.truth),
                each.learnt[..., None].astype(np.float32),
            )
            for each in taught
        )
        pixels = np.array([each.learnt.sum() for each in taught], np.float64)
        side = min(settings.patch, *(min(image[0].shape[:2]) for image in images))
        multiple = config.size_multiple
        side = side // multiple * multiple or side
        length = float(np.sqrt(np.mean(np.square(normal.target_scale)))) or 1.0
        scale = (normal.target_scale / length).astype(np.float32)
        return cls(images, pixels / pixels.sum(), scale, side, settings.batch)

    def draw(self, rng: Generator) -> PatchBatch:
        """Return a batch of patches, turned and mirrored at random."""
        drawn = zip(*(self._patch(rng) for _ in range(self.batch)), strict=True)
        target, guide, truth, known = (
            torch.from_numpy(np.stack([image.transpose(2, 0, 1) for image in images]))
            for images in drawn
        )
        scale = torch.from_numpy(np.stack([self.scale] * self.batch))
        return PatchBatch(target, guide, truth, known, scale)

    def _patch(self, rng: Generator) -> tuple[ImageArray, ...]:
        for _ in range(_TRIES):
            images = self.images[int(rng.choice(len(self.images), p=self.chances))]
            rows, columns = images[0].shape[:2]
            top, left = (int(rng.integers(side - self.side + 1)) for side in (rows, columns))
            window = slice(top, top + self.side), slice(left, left + self.side)
            if images[3][window].mean() >= _LEAST_LEARNT:
                break
        return random_orientation(rng, *(image[window] for image in images))
