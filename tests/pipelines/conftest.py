"""What tests of batches share."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from gisr.data.phantoms import satellite_scene
from gisr.pipelines.execution import Execution
from gisr.weights.store import Weights, save_weights


@pytest.fixture
def settings(tmp_path: Path, weights: Callable[..., Weights]) -> Execution:
    """Save tiny weights, and have them run on one thread."""
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    return Execution(str(tmp_path / "tiny"), "cpu", 1)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Write three pairs and a fourth whose depth map is damaged."""
    scene = satellite_scene(96)
    low, high = tmp_path / "low", tmp_path / "high"
    for folder in (low, high):
        folder.mkdir()
    colour = np.repeat(scene.panchromatic / 8, 3, axis=2).astype(np.uint8)
    for number in range(4):
        depth = scene.multispectral[::4, ::4, number].astype(np.uint16)
        cv2.imwrite(str(low / f"{number}_depth.png"), depth)
        cv2.imwrite(str(high / f"{number}_rgb.png"), colour)
    (low / "3_depth.png").write_bytes(b"no picture")
    return [str(low), str(high)]
