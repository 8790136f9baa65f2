"""Parts of entries: what is left fits together, and trains like the whole."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from parts import part_of

from gisr.datasets.entry import Frame, PublishedPair, Scan, Scene
from gisr.errors import InputError
from gisr.training.samples.frames import FrameSet

ABOUT: dict[str, Any] = {"name": "x", "dataset": "made", "split": "train"}


def image(*shape: int, top: int = 200) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(1, top, shape).astype(np.uint16)


def frame(values: np.ndarray, valid: np.ndarray | None = None) -> Frame:
    known = np.ones(values.shape, bool) if valid is None else valid
    colour = partial(image, *values.shape, 3)
    return Frame(**ABOUT, unit="px", read_depth=lambda: (values, known), read_colour=colour)


def test_both_images_of_a_scene_keep_one_extent() -> None:
    low, high = image(20, 30, 4), image(40, 61, 1)  # published scenes are cut like this
    scene = Scene(
        **ABOUT,
        guide_offset=(-1, 0.5),
        read_multispectral=lambda: low,
        read_panchromatic=lambda: high,
    )
    part, whole = part_of(scene, 0.25), part_of(scene, 1)
    assert isinstance(part, Scene) and isinstance(whole, Scene)
    assert np.array_equal(part.stored_multispectral, low[5:15, 7:22])
    assert np.array_equal(part.stored_panchromatic, high[10:30, 14:44])
    assert part.guide_offset == scene.guide_offset
    assert np.array_equal(whole.stored_panchromatic, high[:, :60])


def test_a_scan_keeps_its_middle_slices_whole() -> None:
    volume = image(6, 5, 10)
    scan = Scan(
        **ABOUT, slices=(1, 4, 7), read_contrasts={"T1": lambda: volume, "T2": lambda: volume}
    )
    part, unruled = part_of(scan, 0.4), part_of(replace(scan, slices=None), 0.4)
    assert isinstance(part, Scan) and isinstance(unruled, Scan)
    assert np.array_equal(part.stored_volume("T2"), volume[..., 3:7])
    assert part.slices == (1,)
    assert unruled.slices is None


def test_depth_becomes_the_levels_it_was_published_in() -> None:
    levels = image(12, 16)
    known = levels < 190
    part = part_of(frame((levels / 3).astype(np.float32), known), 0.25)
    images = part.checked_images()
    assert images["depth"].dtype == np.uint8
    inside = (slice(3, 9), slice(4, 12))
    assert np.array_equal(images["valid"], known[inside])
    assert np.array_equal(images["depth"], np.where(known, levels, 0)[inside])


def test_other_depth_gets_fine_levels() -> None:
    values = np.random.default_rng(0).uniform(0.5, 80, (12, 16)).astype(np.float32)
    depth = part_of(frame(values), 1).checked_images()["depth"]
    assert depth.dtype == np.uint16
    np.testing.assert_allclose(depth * (values.max() / 65535), values, atol=80 / 65535)
    below = values - 40
    assert np.array_equal(part_of(frame(below), 1).checked_images()["depth"], below)


def test_depth_in_levels_trains_as_depth_does() -> None:
    rows, columns = np.mgrid[:80, :80]
    values = np.where(rows > columns, rows + 10, columns / 2 + 40).round().astype(np.float32) / 3
    original = frame(values)
    in_levels = part_of(original, 1)
    assert isinstance(in_levels, Frame)
    for number in range(3):
        one, other = (
            FrameSet((entry,), 4).sample(0, np.random.default_rng(number), 32)
            for entry in (original, in_levels)
        )
        assert one.description == other.description
        np.testing.assert_allclose(one.target, other.target, atol=2e-5)
        np.testing.assert_allclose(one.truth, other.truth, atol=2e-5)


def test_pairs_of_others_stay_and_shares_are_checked() -> None:
    pair = PublishedPair(
        **ABOUT,
        task="mri",
        ratio=2,
        read_target=partial(image, 4, 4, 1),
        read_guide=partial(image, 8, 8, 1),
    )
    assert part_of(pair, 0.5) is pair
    for share in (0.0, 1.5):
        with pytest.raises(InputError, match=f"share {share:g} of x must be above 0"):
            part_of(pair, share)
