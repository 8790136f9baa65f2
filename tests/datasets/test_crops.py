"""A window of an entry is what the whole image has there."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from gisr.data.resample import resize_pillow, shift
from gisr.datasets.entry import Frame, PublishedPair, Scan, Scene
from gisr.datasets.prepared.prepare import prepare_store
from gisr.datasets.prepared.store import read_store


def scene(rows: int, columns: int, high: tuple[int, int], offset: tuple[float, float]) -> Scene:
    rng = default_rng(rows * columns)
    multispectral = rng.integers(0, 2000, (rows, columns, 4)).astype(np.uint16)
    panchromatic = rng.integers(0, 2000, (*high, 1)).astype(np.uint16)
    return Scene(
        name="scene",
        dataset="made",
        split="train",
        guide_offset=offset,
        read_multispectral=lambda: multispectral,
        read_panchromatic=lambda: panchromatic,
    )


@given(
    high=st.sampled_from([(40, 44), (80, 88), (160, 176), (80, 87), (159, 174)]),
    offset=st.tuples(*[st.sampled_from([0.0, -1.0, 2.0, 0.4, -3.7])] * 2),
    top=st.integers(0, 30),
    left=st.integers(0, 30),
    side=st.integers(1, 20),
)
def test_a_window_of_a_scene_has_the_guide_of_the_whole_scene(
    high: tuple[int, int], offset: tuple[float, float], top: int, left: int, side: int
) -> None:
    made = scene(40, 44, high, offset)
    window = (slice(top, min(top + side, 40)), slice(left, min(left + side, 44)))
    multispectral, guide = made.crop(window)
    whole = resize_pillow(shift(made.panchromatic, offset), (40, 44))
    np.testing.assert_allclose(guide, whole[window], atol=0.01)
    np.testing.assert_array_equal(multispectral, made.multispectral[window])
    assert multispectral.dtype == guide.dtype == np.float32


def test_windows_of_the_other_entries() -> None:
    rng = default_rng(0)
    values, colour = rng.normal(size=(9, 8)), rng.integers(0, 255, (9, 8, 3)).astype(np.uint8)
    window = (slice(2, 5), slice(1, 7))
    frame = Frame(
        name="frame",
        dataset="made",
        split="train",
        read_depth=lambda: (values, values > 0),
        read_colour=lambda: colour,
    )
    cut = frame.crop(window)
    for part, whole in zip(cut, (*frame.depth, frame.colour), strict=True):
        np.testing.assert_array_equal(part, whole[window])
        assert part.dtype == whole.dtype
    pair = PublishedPair(
        name="pair",
        dataset="made",
        split="train",
        task="depth",
        ratio=2,
        read_target=lambda: values[..., None],
        read_guide=lambda: colour.repeat(2, 0).repeat(2, 1),
    )
    target, guide, truth = pair.crop(window)
    np.testing.assert_array_equal(target, pair.target[window])
    np.testing.assert_array_equal(guide, pair.guide[4:10, 2:14])
    assert truth is None
    volume = rng.integers(0, 900, (4, 5, 6)).astype(np.int16)
    scan = Scan(name="scan", dataset="made", split="train", read_contrasts={"T1": lambda: volume})
    np.testing.assert_array_equal(scan.plane("T1", 3), volume[:, :, 3])
    np.testing.assert_array_equal(scan.plane("T1", 2, axis=0), volume[2])
    assert scan.plane("T1", 3).dtype == np.float32


@pytest.mark.parametrize("offset", [(0.0, 0.0), (-1.0, 0.5)])
def test_a_store_gives_the_windows_that_its_source_gives(
    tmp_path: Path, offset: tuple[float, float]
) -> None:
    made = scene(40, 44, (80, 88), offset)
    prepare_store([made], tmp_path / "source", tmp_path / "store")
    (stored,) = read_store(tmp_path / "store")
    assert isinstance(stored, Scene)
    window = (slice(7, 20), slice(30, 44))
    for own, other in zip(made.crop(window), stored.crop(window), strict=True):
        np.testing.assert_array_equal(own, other)
