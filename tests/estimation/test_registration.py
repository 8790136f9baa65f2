import os
from pathlib import Path

import numpy as np

from gisr.data.pair import Pair
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.estimation.registration import align_guide
from gisr.inference.array_pair import make_pair


def test_unrelated_images_have_no_believable_shift() -> None:
    rng = np.random.default_rng(0)
    pair = make_pair(rng.random((24, 24, 4)), rng.random((96, 96)), "pansharpening")
    same, alignment = align_guide(pair)
    assert same is pair
    assert not alignment.applied
    assert "no shift" in alignment.note or "too much" in alignment.note


def test_other_tasks_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    pair = make_pair(rng.random((24, 24)), rng.random((96, 96)), "mri")
    assert align_guide(pair)[0] is pair


def test_known_shifts_of_real_pairs_are_found(data_folder: Path) -> None:
    """95 % within 0.6 pixels of the known shift, which the index gives in whole pixels.

    Every eighth pair; all of them with GISR_ALL_PAIRS=1, which takes a minute.
    """
    scenes = [entry for entry in read_open_pairs(data_folder) if isinstance(entry, Scene)]
    assert len(scenes) > 50
    errors = {}
    for entry in scenes[:: 1 if os.environ.get("GISR_ALL_PAIRS") == "1" else 8]:
        pair = _full_resolution(entry.multispectral, entry.panchromatic, entry.sensor)
        found = align_guide(pair)[1].offset
        errors[entry.name] = max(abs(a - b) for a, b in zip(found, entry.guide_offset, strict=True))
    assert np.mean(np.array(list(errors.values())) <= 0.6 + 1e-9) >= 0.95, errors


def _full_resolution(target: np.ndarray, guide: np.ndarray, sensor: str | None) -> Pair:
    """Return a corner of a pair at its own resolution: enough to see a shift by."""
    ratio = round(guide.shape[0] / target.shape[0])
    side = min(target.shape[0], target.shape[1], 256)
    return make_pair(
        target[:side, :side],
        guide[: side * ratio, : side * ratio],
        "pansharpening",
        sensor=sensor,
    )
