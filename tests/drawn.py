"""Sums over samples of sets that are drawn, here and in another process."""

import hashlib
import subprocess
import sys
from pathlib import Path

from numpy.random import default_rng

from gisr.training.samples.frames import GeneratedFrameSet
from gisr.training.samples.scenes import GeneratedBandSet, GeneratedSceneSet
from gisr.training.samples.training_set import TrainingSet

SETS: dict[str, tuple[TrainingSet, ...]] = {
    "depth": tuple(GeneratedFrameSet(ratio) for ratio in (4, 8, 16)),
    "multiband": (GeneratedBandSet(2), GeneratedBandSet(4)),
    "pansharpening": tuple(GeneratedSceneSet(ratio) for ratio in (2, 4)),
}


def digest(task: str) -> str:
    """Return the sum of a few samples at each ratio of a task."""
    total = hashlib.sha256()
    for chosen in SETS[task]:
        for item in range(3):
            sample = chosen.sample(0, default_rng((7, chosen.ratio, item)), 32)
            for image in (sample.target, sample.guide, sample.truth, sample.known):
                total.update(image.tobytes())
    return total.hexdigest()


def digest_elsewhere(task: str) -> str:
    """Return the same from a fresh process."""
    other = subprocess.run(
        [sys.executable, "-c", f"from tests.drawn import digest; print(digest({task!r}))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=Path(__file__).parents[1],
    )
    return other.stdout.strip()
