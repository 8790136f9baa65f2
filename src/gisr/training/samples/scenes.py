"""Training sets of satellite scenes, from files or generated, degraded by Wald's protocol.

The guide is a panchromatic band, or bands of the same sensor.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from gisr.data.protocols import wald_pair
from gisr.data.synthetic.band_scene import generated_band_scene
from gisr.data.synthetic.land_scene import generated_land_scene
from gisr.datasets.entry import Scene, naming
from gisr.tasks import TaskName, describe, find_task
from gisr.tasks.multiband import MULTIBAND
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.training.samples.augmentation import (
    random_bands,
    random_gamma,
    random_misregistration,
    random_offset,
    random_orientation,
    random_roles,
)
from gisr.training.samples.patches import Sample, cut_sample, random_window, window_side
from gisr.training.samples.training_set import GENERATED_LENGTH


@dataclass(frozen=True)
class SceneSet:
    """Multispectral scenes degraded by Wald's protocol."""

    entries: tuple[Scene, ...]
    ratio: int
    misregistration: float = 0.3
    """Largest random shift of the guide in truth pixels: what is left after it was aligned."""
    task: TaskName = PANSHARPENING.name
    nested: bool = False
    """Whether the grids of target and guide begin together, as networks need that take the target
    at its own size."""
    largest_patch: int = 0
    """Side of the largest patch that the run will cut."""

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.entries)

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return a random patch of a scene."""
        entry = self.entries[item]
        shape = entry.stored_multispectral.shape
        window = random_window(rng, patch, self.ratio, shape, entry.name, self.largest_patch)
        # Aligned, as the upscaler aligns guides before the network sees them: flips and turns
        # would make the fixed shift of a sensor a random one, which no convolution can undo.
        truth, guide = random_orientation(rng, *entry.crop(window))
        if find_task(self.task).guide_bands and entry.on_one_grid:
            truth, guide = random_roles(rng, truth, guide)
        with naming(entry):
            entry.check_ratio()
            return _scene_sample(
                rng,
                truth,
                guide,
                patch,
                self.ratio,
                self.misregistration,
                sensor=entry.sensor,
                task=self.task,
                nested=self.nested,
            )


@dataclass(frozen=True)
class GeneratedSceneSet:
    """Generated satellite scenes, another one for every sample, degraded by Wald's protocol."""

    ratio: int
    misregistration: float = 0.3
    """Largest random shift of the guide in truth pixels."""
    task: TaskName = PANSHARPENING.name
    nested: bool = False
    """Whether the grids of target and guide begin together."""

    def __len__(self) -> int:
        """Scenes that it counts for in a mixture, although every sample is a new one."""
        return GENERATED_LENGTH

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return the middle of a new scene; it depends on the generator alone, not on the item."""
        scene = generated_land_scene(rng, window_side(patch, self.ratio))
        return _scene_sample(
            rng,
            scene.multispectral,
            scene.panchromatic,
            patch,
            self.ratio,
            self.misregistration,
            nested=self.nested,
        )


@dataclass(frozen=True)
class GeneratedBandSet:
    """Generated scenes of coarse and fine bands, another one for every sample."""

    ratio: int
    misregistration: float = 0.3
    """Largest random shift of the guide in truth pixels."""
    task: TaskName = MULTIBAND.name
    nested: bool = False
    """Whether the grids of target and guide begin together."""

    def __len__(self) -> int:
        """Scenes that it counts for in a mixture, although every sample is a new one."""
        return GENERATED_LENGTH

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        """Return the middle of a new scene; it depends on the generator alone, not on the item."""
        scene = generated_band_scene(rng, window_side(patch, self.ratio))
        return _scene_sample(
            rng,
            scene.coarse,
            scene.fine,
            patch,
            self.ratio,
            self.misregistration,
            task=self.task,
            nested=self.nested,
        )


def _scene_sample(
    rng: Generator,
    truth: Float[np.ndarray, "H W bands"],
    guide: Float[np.ndarray, "H W channels"],
    patch: int,
    ratio: int,
    misregistration: float,
    *,
    sensor: str | None = None,
    task: TaskName = PANSHARPENING.name,
    nested: bool = False,
) -> Sample:
    """Return the middle of a window of both images of a scene on one grid."""
    truth = random_gamma(rng, random_bands(rng, truth), float(truth.min()), float(truth.max()))
    guide = random_gamma(rng, guide, float(guide.min()), float(guide.max()))
    guide = random_misregistration(rng, guide, misregistration)
    sensor = sensor if rng.random() < 0.5 else None
    offset = (0.0, 0.0) if nested else random_offset(rng, ratio)
    pair = wald_pair(truth, guide, ratio, sensor=sensor, offset=offset, task=task)
    description = describe(task, ratio, sensor=sensor)
    return cut_sample(rng, pair, patch, description)
