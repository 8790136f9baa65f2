"""Generated depth frames: a function of the generator's state, exact, and in range."""

import numpy as np
import pytest
from numpy.random import default_rng
from tests.drawn import digest, digest_elsewhere

from gisr.data.synthetic.depth_frame import DepthFrame, generated_depth_frame
from gisr.data.synthetic.noise import SIDE, noise_fields
from gisr.data.synthetic.surfaces import random_surfaces
from gisr.errors import InputError
from gisr.training.samples.frames import GeneratedFrameSet
from gisr.training.samples.training_set import GENERATED_LENGTH

FRAMES = 40


@pytest.fixture(scope="module")
def frames() -> list[DepthFrame]:
    return [generated_depth_frame(default_rng((0, number)), 128) for number in range(FRAMES)]


def test_another_process_draws_the_same() -> None:
    assert digest_elsewhere("depth") == digest("depth")


def test_what_was_drawn_before_does_not_matter() -> None:
    first = generated_depth_frame(default_rng(5), 64)
    generated_depth_frame(default_rng(6), 96)
    again = generated_depth_frame(default_rng(5), 64)
    for name in ("depth", "known", "colour"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.colour != generated_depth_frame(default_rng(6), 64).colour).any()


def test_values_are_those_of_cameras(frames: list[DepthFrame]) -> None:
    for frame in frames:
        assert frame.colour.shape == (128, 128, 3)
        assert frame.colour.dtype == frame.depth.dtype == np.float32
        assert frame.colour.min() >= 0 and frame.colour.max() <= 255
        np.testing.assert_array_equal(frame.colour, np.rint(frame.colour))
        assert np.isfinite(frame.depth).all() and frame.depth.min() >= 0
        if frame.reduced_as == "uint8":
            np.testing.assert_array_equal(frame.depth, np.rint(frame.depth))
            assert frame.depth.max() <= 255
    levels = np.array([[frame.colour.mean(), frame.colour.std()] for frame in frames])
    # The 51 real training frames: means of 65 to 194, deviations of 31 to 67.
    assert levels[:, 0].min() < 90 and levels[:, 0].max() > 150
    assert levels[:, 1].min() > 4 and np.median(levels[:, 1]) > 25


def test_frames_are_of_every_kind(frames: list[DepthFrame]) -> None:
    kinds = [frame.reduced_as for frame in frames]
    assert 0.15 < kinds.count("uint8") / FRAMES < 0.6
    holes = [not frame.known.all() for frame in frames]
    assert 0.05 < sum(holes) / FRAMES < 0.5
    assert all(frame.known.any() for frame in frames)


def test_steps_of_depth_are_where_colours_change() -> None:
    """Between the same two pixels: a shift of one pixel either way has less contrast."""
    contrast = np.zeros(5)
    for number in range(30):
        rng = default_rng((1, number))
        frame = generated_depth_frame(rng, 128)
        nearness = random_surfaces(default_rng((1, number)), 128).nearness
        step = np.abs(np.diff(nearness, axis=1)) > 0.1
        step[:, :2] = step[:, -2:] = False
        edges = np.abs(np.diff(frame.colour, axis=1)).mean(axis=2)
        for place, shift in enumerate(range(-2, 3)):
            contrast[place] += np.roll(edges, -shift, axis=1)[step].sum()
    assert contrast.argmax() == 2
    assert contrast[2] > 1.5 * contrast[[1, 3]].max() > 1.5 * contrast[[0, 4]].max()


def test_depth_is_exact_at_steps(frames: list[DepthFrame]) -> None:
    """No value lies between two surfaces: a step is done from one pixel to the next."""
    steps, averaged = 0, 0
    for frame in frames:
        change = np.diff(frame.depth, axis=1) / np.ptp(frame.depth)
        steps += int((np.abs(change) > 0.2).sum())
        averaged += int((np.minimum(change[:, 1:], change[:, :-1]) > 0.2).sum())
        averaged += int((np.maximum(change[:, 1:], change[:, :-1]) < -0.2).sum())
    assert steps > 1000
    assert averaged < 0.01 * steps


def test_some_edges_are_of_colour_only_and_some_of_depth_only() -> None:
    colour_only, depth_only, both = 0, 0, 0
    for number in range(30):
        surfaces = random_surfaces(default_rng((2, number)), 128)
        step = np.abs(np.diff(surfaces.nearness, axis=1)) > 0.05
        change = np.diff(surfaces.look, axis=1) != 0
        colour_only += int((change & ~step).sum())
        depth_only += int((step & ~change).sum())
        both += int((step & change).sum())
    assert both > depth_only > 0.01 * both
    assert both > colour_only > 0.05 * both


def test_a_set_has_no_end_and_needs_no_file() -> None:
    chosen = GeneratedFrameSet(8)
    assert (len(chosen), chosen.task, chosen.ratio) == (GENERATED_LENGTH, "depth", 8)
    one, two = (chosen.sample(0, default_rng(seed), 64) for seed in (1, 2))
    assert one.truth.shape == (4, 64, 64) and one.guide.shape == (4, 64, 64)
    assert (one.truth != two.truth).any()
    assert one.ratio == 8


def test_a_frame_larger_than_the_noise_is_refused() -> None:
    assert generated_depth_frame(default_rng(0), SIDE).depth.shape == (SIDE, SIDE)
    with pytest.raises(InputError, match=r"513 pixels a side is larger than 512"):
        generated_depth_frame(default_rng(0), SIDE + 1)


def test_the_noise_is_normal_and_cannot_be_changed() -> None:
    bank = noise_fields()
    np.testing.assert_allclose(bank.mean(axis=(1, 2)), 0, atol=1e-2)
    np.testing.assert_allclose(bank.std(axis=(1, 2)), 1, atol=1e-3)
    with pytest.raises(ValueError, match="read-only"):
        bank[0, 0, 0] = 1
