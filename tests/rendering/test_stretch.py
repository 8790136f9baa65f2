"""Values become colours once: limits, bands, depth colours, unknown pixels."""

import numpy as np
import pytest

from gisr.rendering.colours import (
    EXPERT_COLOURS,
    UNKNOWN,
    coloured_depth,
    cubehelix,
    expert_colour,
    red_green_blue,
)
from gisr.rendering.stretch import (
    Stretch,
    finite_percentile,
    magnitude_colours,
    percentile_or_one,
)
from gisr.tasks import TASKS

WHOLE = (0.0, 100.0)


def ramp(*highest: float) -> np.ndarray:
    """Return 101 columns, each band from 0 to its highest value."""
    bands = [np.tile(np.linspace(0, high, 101, dtype=np.float32), (7, 1)) for high in highest]
    return np.dstack(bands)


def test_every_band_has_limits_of_its_own_or_all_have_the_same() -> None:
    image = ramp(10, 20, 40, 1000)  # blue, green, red, near infrared
    own = Stretch.of_target("bands", image, WHOLE)
    assert own.bands == (2, 1, 0)
    np.testing.assert_array_equal(own.colours(image)[0, -1], (255, 255, 255))
    together = Stretch.of_target("bands", image, WHOLE, per_band=False)
    assert (together.low, together.high) == (0, 40)
    np.testing.assert_array_equal(together.colours(image)[0, -1], (255, 128, 64))


def test_limits_are_percentiles_and_what_is_beyond_is_clipped() -> None:
    image = ramp(100)
    stretch = Stretch.of_target("grey", image, (10, 90))
    grey = stretch.colours(image)[0, :, 0]
    assert grey[:11].max() == 0 and grey[11] > 0
    assert grey[90:].min() == 255 and grey[89] < 255
    assert (np.diff(grey.astype(int)) >= 0).all()
    # The same limits serve another image of the pair.
    assert stretch.colours(image + 40)[0, 0, 0] == pytest.approx(255 * 30 / 80, abs=1)


def test_unknown_pixels_count_neither_in_limits_nor_in_colours() -> None:
    image = ramp(100)
    image[:, 60:] = 1e6
    known = np.ones(image.shape[:2], bool)
    known[:, 60:] = False
    by_mask = Stretch.of_target("grey", image, WHOLE, known).colours(image, known)
    image[:, 60:] = np.nan
    by_value = Stretch.of_target("grey", image, WHOLE).colours(image)
    np.testing.assert_array_equal(by_mask, by_value)
    assert (by_value[:, 60:] == UNKNOWN).all()
    np.testing.assert_array_equal(by_value[0, 59], (255, 255, 255))


def test_a_pixel_is_unknown_where_any_band_is() -> None:
    image = ramp(1, 1, 1, 1)
    image[0, 5, 3] = np.nan  # a band that is not shown
    colours = Stretch.of_target("bands", image, WHOLE).colours(image)
    assert tuple(colours[0, 5]) == UNKNOWN and (colours[1, 5] != UNKNOWN).all()


def test_depth_gets_the_colour_map_and_keeps_both_ends_for_what_is_beyond() -> None:
    image = ramp(100)
    stretch = Stretch.of_target("coloured", image, (25, 75))
    colours = stretch.colours(image)
    share = ((image[..., 0] - 25) / 50).astype(np.float64)
    np.testing.assert_array_equal(colours, coloured_depth(share))
    assert len(np.unique(colours[0, :26].astype(int).sum(axis=1))) > 3  # below the limit too
    brightness = colours[0].astype(int).sum(axis=1)
    assert brightness[-1] > brightness[50] > brightness[0]


def test_a_flat_image_and_an_unknown_one_have_a_stretch() -> None:
    flat = np.full((4, 5, 1), 7, np.float32)
    for per_band in (True, False):
        stretch = Stretch.of_target("grey", flat, (0.5, 99.5), per_band=per_band)
        assert (stretch.low, stretch.high) == (7, 8)
        assert stretch.colours(flat).max() == 0
    nothing = flat * np.nan
    stretch = Stretch.of_target("coloured", nothing, (0.5, 99.5))
    assert (stretch.low, stretch.high) == (0, 1)
    assert (stretch.colours(nothing) == UNKNOWN).all()


def test_a_flat_band_beside_others_is_black() -> None:
    image = ramp(10, 0, 30)
    colours = Stretch.of_target("bands", image, WHOLE).colours(image)
    np.testing.assert_array_equal(colours[0, -1], (255, 0, 255))


def test_a_photograph_keeps_its_white_balance_and_a_band_is_grey() -> None:
    photograph = ramp(50, 100, 200)
    colours = Stretch.of_guide(photograph, WHOLE).colours(photograph)
    np.testing.assert_array_equal(colours[0, -1], (64, 128, 255))
    band = ramp(9)
    grey = Stretch.of_guide(band, WHOLE).colours(band)
    np.testing.assert_array_equal(grey[0, 0], (0, 0, 0))
    np.testing.assert_array_equal(grey[0, -1], (255, 255, 255))
    two = ramp(9, 5)
    np.testing.assert_array_equal(Stretch.of_guide(two, WHOLE).colours(two), grey)


def test_one_and_two_bands_of_a_satellite_are_grey() -> None:
    for image in (ramp(4), ramp(4, 9)):
        stretch = Stretch.of_target("bands", image, WHOLE)
        assert stretch.bands == (0,)
        np.testing.assert_array_equal(stretch.colours(image)[0, -1], (255, 255, 255))


@pytest.mark.parametrize(("count", "bands"), [(3, (0, 1, 2)), (4, (2, 1, 0)), (8, (4, 2, 1))])
def test_red_green_and_blue_are_found(count: int, bands: tuple[int, ...]) -> None:
    assert red_green_blue(count) == bands
    assert Stretch.of_target("bands", ramp(*[1.0] * count), WHOLE).bands == bands


def test_limits_that_are_numbers_keep_the_precision_of_the_image() -> None:
    """A tie at one half of a level goes the way of the image's own precision."""
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 1, (600, 600, 1)).astype(np.float32)
    numbers = Stretch.between("grey", (0,), 0.1, 0.9)
    arrays = Stretch.between("grey", (0,), np.array([0.1]), np.array([0.9]))
    single = (image - np.float32(0.1)) / np.float32(0.8)
    double = (image.astype(np.float64) - 0.1) / 0.8
    for stretch, share in ((numbers, single), (arrays, double)):
        expected = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
        np.testing.assert_array_equal(stretch.colours(image)[..., :1], expected)


def test_magnitudes_are_black_for_nothing_and_white_at_the_full_scale() -> None:
    values = np.array([[0, 1, 2, 9, np.nan]], np.float32)
    colours = magnitude_colours(values, 2)
    np.testing.assert_array_equal(colours[0, :4], cubehelix(np.array([[0, 0.5, 1, 1]]))[0])
    assert colours[0, 0].max() == 0 and colours[0, 2].min() == 255
    assert tuple(colours[0, 4]) == UNKNOWN
    masked = magnitude_colours(values[:, :4], 2, np.array([[True, False, True, True]]))
    assert tuple(masked[0, 1]) == UNKNOWN


def test_a_full_scale_is_never_zero() -> None:
    assert percentile_or_one(np.array([0.0, 0.0, 0.0]), 99) == 1
    assert percentile_or_one(np.array([np.nan]), 99) == 1
    assert percentile_or_one(np.array([np.nan, 4.0]), 99) == 4
    assert finite_percentile(np.array([np.nan]), 50) == 0
    assert finite_percentile(np.array([1.0, 3.0, np.nan]), 50) == 2


def test_experts_beyond_the_colours_repeat_them() -> None:
    assert expert_colour(0) == expert_colour(len(EXPERT_COLOURS)) != expert_colour(1)


def test_every_task_has_a_display_that_can_be_drawn() -> None:
    for task in TASKS.values():
        image = ramp(3, 2, 1)
        colours = Stretch.of_target(task.display, image, WHOLE).colours(image)
        assert colours.shape == (7, 101, 3) and colours.dtype == np.uint8
