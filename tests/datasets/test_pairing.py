"""Whole entries as pairs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.entry import Frame, PublishedPair, Scan, Scene
from gisr.errors import InputError, PairError

ABOUT: dict[str, Any] = {"name": "one", "dataset": "made", "split": "test"}
RNG = default_rng(0)


def given(image: Any) -> Callable[[], Any]:
    return lambda: image


def scene(bits: int | None = 11) -> Scene:
    return Scene(
        **ABOUT,
        sensor="QuickBird",
        bits=bits,
        read_multispectral=given(RNG.integers(0, 2000, (40, 48, 4)).astype(np.uint16)),
        read_panchromatic=given(RNG.integers(0, 2000, (160, 192, 1)).astype(np.uint16)),
    )


def scan(*contrasts: str, slices: tuple[int, ...] | None = None) -> Scan:
    volumes = {name: RNG.integers(-5, 900, (12, 16, 6)).astype(np.int16) for name in contrasts}
    reads = {name: given(volume) for name, volume in volumes.items()}
    return Scan(**ABOUT, read_contrasts=reads, slices=slices)


def made(**changes: Any) -> PublishedPair:
    images: dict[str, Any] = {
        "read_target": given(RNG.uniform(size=(8, 10, 4))),
        "read_guide": given(RNG.uniform(size=(32, 40, 1))),
        "read_truth": given(RNG.uniform(size=(32, 40, 4))),
    }
    return PublishedPair(**{**ABOUT, "task": "pansharpening", "ratio": 4, **images, **changes})


def test_a_scene_is_reduced_by_walds_protocol() -> None:
    one = scene()
    pair = one.reduced_pair(4)
    expected = wald_pair(one.multispectral, one.panchromatic, 4, sensor="QuickBird", bits=11)
    np.testing.assert_array_equal(pair.target, expected.target)
    np.testing.assert_array_equal(pair.guide, expected.guide)
    assert (pair.name, pair.peak, pair.sensor) == ("one", 2047, "QuickBird")
    middle = one.reduced_pair(4, side=16)
    assert middle.truth is not None
    np.testing.assert_array_equal(middle.truth, one.multispectral[12:28, 16:32])
    assert middle.guide.shape == (16, 16, 1)


@pytest.mark.parametrize(("bits", "peak"), [(11, 2047.0), (None, None)])
def test_a_full_scene_has_no_truth(bits: int | None, peak: float | None) -> None:
    one = scene(bits)
    pair = one.full_pair()
    assert pair.truth is None
    assert (pair.ratio, pair.peak, pair.bits) == (4, peak, bits)
    np.testing.assert_array_equal(pair.target, one.multispectral)
    np.testing.assert_array_equal(pair.guide, one.panchromatic)


def test_slices_are_those_asked_for_those_that_count_or_all() -> None:
    def names(entry: Scan, **choice: Any) -> list[str]:
        pairs = entry.slice_pairs(2, contrast="T2", guide_contrast="T1", **choice)
        return [pair.name for pair in pairs]

    assert names(scan("T1", "T2"), slices=[1, 5]) == ["one:T2:1", "one:T2:5"]
    assert names(scan("T1", "T2", slices=(3,))) == ["one:T2:3"]
    assert len(names(scan("T1", "T2"))) == 6


def test_a_slice_is_a_kspace_pair_with_the_peak_of_its_volume() -> None:
    entry = scan("T1", "T2")
    truth, guide = entry.volume("T2"), entry.volume("T1")
    (pair,) = entry.slice_pairs(2, contrast="T2", guide_contrast="T1", slices=[4])
    expected = kspace_pair(truth[:, :, 4], guide[:, :, 4], 2)
    np.testing.assert_array_equal(pair.target, expected.target)
    np.testing.assert_array_equal(pair.guide, expected.guide)
    assert pair.peak == truth.max()
    assert (pair.contrast, pair.guide_contrast) == ("T2", "T1")


def test_levels_are_the_8_bit_pictures_of_a_volume() -> None:
    entry = scan("T1", "T2")
    pairs = list(entry.slice_pairs(2, contrast="T2", guide_contrast="T1", as_levels=True))
    volume = entry.volume("T2").astype(np.float64)
    levels = np.rint((volume - volume.min()) / (volume.max() - volume.min()) * 255)
    truths = np.dstack([pair.truth for pair in pairs if pair.truth is not None])
    np.testing.assert_array_equal(truths, levels)
    assert (truths.min(), truths.max(), {pair.peak for pair in pairs}) == (0, 255, {255.0})
    guides = np.dstack([pair.guide for pair in pairs])
    assert (guides.min(), guides.max()) == (0, 255)
    flat = Scan(**ABOUT, read_contrasts=dict.fromkeys(("T1", "T2"), given(np.ones((4, 4, 1)))))
    with pytest.raises(InputError, match="no contrast"):
        list(flat.slice_pairs(2, contrast="T2", guide_contrast="T1", as_levels=True))


@pytest.mark.parametrize(
    ("contrasts", "chosen"),
    [
        (("T1", "T2", "FLAIR"), ("T2", "T1")),
        (("PD", "T2"), ("T2", "PD")),
        (("FLAIR", "T1"), ("T1", "FLAIR")),
        (("FLAIR", "PD", "T1"), ("T1", "FLAIR")),
    ],
)
def test_t2_is_guided_by_t1_where_both_are_there(
    contrasts: tuple[str, ...], chosen: tuple[str, str]
) -> None:
    assert scan(*contrasts).default_contrasts() == chosen
    with pytest.raises(InputError, match="one contrast only"):
        scan("T1").default_contrasts()


def test_a_frame_is_reduced_by_pillow() -> None:
    values = RNG.integers(0, 256, (32, 48)).astype(np.float32)
    valid = RNG.random((32, 48)) > 0.2
    colour = RNG.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    frame = Frame(**ABOUT, read_depth=given((values, valid)), read_colour=given(colour))
    pair = frame.reduced_pair(4)
    expected = depth_pair(values, colour, 4, valid=valid)
    np.testing.assert_array_equal(pair.target, expected.target)
    np.testing.assert_array_equal(pair.truth_valid, valid)
    rounded = frame.reduced_pair(4, reduced_as="uint8").target
    np.testing.assert_array_equal(rounded, np.rint(rounded))
    assert 0 < np.abs(rounded - pair.target).max() < 10
    middle = frame.reduced_pair(4, side=16)
    np.testing.assert_array_equal(middle.guide, colour[8:24, 16:32])


def test_a_made_pair_is_used_as_it_is() -> None:
    entry = made(peak=1.0, bits=11, sensor="wv3")
    pair = entry.pair()
    for image, expected in ((pair.target, entry.target), (pair.guide, entry.guide)):
        np.testing.assert_array_equal(image, expected)
    assert (pair.ratio, pair.peak, pair.bits, pair.sensor) == (4, 1.0, 11, "wv3")
    assert (made(bits=11).pair().peak, made(read_truth=None).pair().peak) == (2047, None)
    unsaid = made().pair()
    assert unsaid.truth is not None and unsaid.peak == unsaid.truth.max()
    part = entry.pair(window=(slice(2, 5), slice(4, 8)))
    np.testing.assert_array_equal(part.target, entry.target[2:5, 4:8])
    np.testing.assert_array_equal(part.guide, entry.guide[8:20, 16:32])


def test_a_made_pair_that_does_not_fit_is_named() -> None:
    with pytest.raises(PairError, match=r"one: guide 40 x 32 must be 3 times .* 30 x 24"):
        made(ratio=3, read_truth=None).pair()
