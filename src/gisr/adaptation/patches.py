"""Patches of lessons, drawn at random, normalised as the network sees the whole scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from gisr.adaptation.lesson import Lesson
from gisr.adaptation.settings import AdaptSettings
from gisr.data.normalisation import Normalisation
from gisr.inference.upscaler import Upscaler
from gisr.training.samples.augmentation import random_orientation

_TRIES, _LEAST_LEARNT = 20, 0.25


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """Patches side by side."""

    target: Float[Tensor, "b bands s s"]
    guide: Float[Tensor, "b channels s s"]
    truth: Float[Tensor, "b bands s s"]
    known: Float[Tensor, "b 1 s s"]
    scale: Float[Tensor, "b bands"]


@dataclass(frozen=True, eq=False)
class Patches:
    """Lessons as the network sees them."""

    images: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]
    chances: Float[np.ndarray, " lessons"]
    scale: Float[np.ndarray, " bands"]
    side: int
    batch: int

    @classmethod
    def of(cls, upscaler: Upscaler, lessons: Sequence[Lesson], settings: AdaptSettings, normal: Normalisation) -> "Patches":
        learnt = [each for each in lessons if each.learnt.any()]
        images = [
            (
                normal.target(each.pair.on_guide_grid()),
                normal.guide(each.pair.guide),
                normal.target(each.pair.truth),
                each.learnt[..., None].astype(np.float32),
            )
            for each in learnt
        ]
        pixels = np.array([each.learnt.sum() for each in learnt], np.float64)
        multiple = upscaler.network.config.size_multiple
        side = min(settings.patch, *(min(image[0].shape[:2]) for image in images))
        side = max(multiple, side // multiple * multiple)
        scale = normal.target_scale / max(1e-12, float(np.sqrt(np.mean(normal.target_scale**2))))
        return cls(images, pixels / pixels.sum(), scale.astype(np.float32), side, settings.batch)

    def draw(self, rng: Generator) -> PatchBatch:
        drawn = [self._patch(rng) for _ in range(self.batch)]
        stacked = [
            torch.from_numpy(np.stack([each[k].transpose(2, 0, 1) for each in drawn])).to(
                memory_format=torch.channels_last
            )
            for k in range(4)
        ]
        scale = torch.from_numpy(np.stack([self.scale] * self.batch))
        return PatchBatch(*stacked, scale)

    def _patch(self, rng: Generator):
        for _ in range(_TRIES):
            images = self.images[int(rng.choice(len(self.images), p=self.chances))]
            top, left = (int(rng.integers(n - self.side + 1)) for n in images[0].shape[:2])
            window = (slice(top, top + self.side), slice(left, left + self.side))
            if images[3][window].mean() >= _LEAST_LEARNT:
                break
        return random_orientation(rng, *(each[window] for each in images))
