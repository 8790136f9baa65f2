"""What tests of the readers share: small images, and files in the formats of the makers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from gisr.datasets.entry import Entry, PublishedPair, Scene

Save = Callable[..., Path]


@pytest.fixture
def save_mat() -> Save:
    """Write a MATLAB file, with the folders it lies in."""

    def save(path: Path, **arrays: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, arrays, do_compression=True)
        return path

    return save


@pytest.fixture
def digital() -> Callable[..., np.ndarray]:
    """Draw digital numbers of a shape: below 2048, the same for the same seed."""

    def draw(*shape: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).integers(1, 2048, shape).astype(np.uint16)

    return draw


@pytest.fixture
def scenes() -> Callable[[list[Entry]], list[Scene]]:
    """Take entries for scenes, all of them."""

    def take(entries: list[Entry]) -> list[Scene]:
        found = [entry for entry in entries if isinstance(entry, Scene)]
        assert len(found) == len(entries)
        return found

    return take


@pytest.fixture
def made_pairs() -> Callable[[list[Entry]], list[PublishedPair]]:
    """Take entries for pairs made by others, all of them."""

    def take(entries: list[Entry]) -> list[PublishedPair]:
        found = [entry for entry in entries if isinstance(entry, PublishedPair)]
        assert len(found) == len(entries)
        return found

    return take
