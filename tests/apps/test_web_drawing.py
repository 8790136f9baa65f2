"""Pictures of the page, drawn from layers in memory."""

import numpy as np
import pytest

from gisr.apps.web.drawing import (
    LARGEST_VIEW,
    View,
    draw_filled,
    draw_overview,
    draw_spread,
    draw_view,
    natural_bands,
    overview_scale,
    window_of,
)
from gisr.apps.web.html import caption_line
from gisr.pipelines.layers import DepthLayers, LayerName
from gisr.rendering.colours import UNKNOWN, coloured_depth
from gisr.tasks import TASKS, TaskName

RNG = np.random.default_rng(0)
HERE = View(centre=(0.0, 0.0))


def test_bands_are_shown_in_natural_colours() -> None:
    assert natural_bands(("1 blue", "2 green", "3 red", "4 nir")) == (2, 1, 0)
    assert natural_bands(("1 Red", "2 Green", "3 Blue", "4")) == (0, 1, 2)
    assert natural_bands(tuple("12345678")) == (4, 2, 1)
    assert natural_bands(("1", "2")) == (0, 0, 0)
    assert natural_bands(()) == (0, 0, 0)


def wide_layers() -> DepthLayers:
    images = {
        name: RNG.uniform(0, 1, (900, 1000, channels)).astype(np.float32)
        for name, channels in (("interpolated", 1), ("sharpened", 1), ("guide", 3), ("truth", 1))
    }
    images["sharpened"][100, 200] = np.nan
    return DepthLayers(images)  # type: ignore[arg-type]


def test_large_images_are_shown_through_a_window_that_stays_inside() -> None:
    layers = wide_layers()
    assert window_of(layers, View(centre=(0.0, 1.0))) == (
        slice(0, LARGEST_VIEW),
        slice(1000 - LARGEST_VIEW, 1000),
    )
    overview = draw_overview(layers, View(centre=(0.0, 1.0)))
    assert overview is not None
    scale = overview_scale(layers)
    assert overview.shape == (-(-900 // scale), -(-1000 // scale), 3)
    framed = (overview == (255, 196, 0)).all(axis=2)
    assert framed[0].mean() > 0.7 and framed[:, -1].mean() > 0.7 and not framed[:, 0].any()


def test_unknown_pixels_are_grey() -> None:
    drawing = draw_view(wide_layers(), "depth", View(centre=(0.0, 0.0)))
    assert tuple(drawing.right[100, 200]) == UNKNOWN
    assert tuple(drawing.left[100, 200]) != UNKNOWN


def small_layers(bands: int, channels: int) -> DepthLayers:
    shapes: dict[LayerName, int] = {"interpolated": bands, "sharpened": bands, "truth": bands}
    images = {
        name: RNG.uniform(0, 900, (48, 64, count)).astype(np.float32)
        for name, count in (shapes | {"guide": channels, "spread": bands, "filled": 1}).items()
    }
    images["filled"] = np.zeros((48, 64, 1), np.float32)
    images["filled"][:8] = 1
    for name in ("interpolated", "sharpened", "truth", "spread", "filled"):
        images[name][40:, :, -1:] = np.nan
    return DepthLayers(images)


@pytest.mark.parametrize(
    ("task", "bands", "channels"), [("pansharpening", 4, 1), ("mri", 1, 1), ("depth", 1, 3)]
)
def test_every_task_is_drawn_by_its_display(task: TaskName, bands: int, channels: int) -> None:
    layers, view = small_layers(bands, channels), View(bands=(2, 1, 0))
    drawing = draw_view(layers, task, view)
    for colours in (drawing.left, drawing.right):
        assert (colours[40 * 11 :] == UNKNOWN).all()
        known = colours[: 40 * 11].reshape(-1, 3)
        grey = (known == known[:, :1]).all()
        assert grey == (TASKS[task].display == "grey")
        assert known.std() > 30
    guide = draw_view(layers, task, View(bands=(2, 1, 0), comparison="guide"))
    np.testing.assert_array_equal(guide.right, drawing.right)
    assert (guide.left == guide.left[..., :1]).all() == (channels == 1)


def test_both_images_share_one_stretch_and_both_errors_one_scale() -> None:
    layers = small_layers(1, 1)
    images = {name: layers.read(name, HERE.plane, window_of(layers, HERE)) for name in layers.names}
    images["truth"] = images["sharpened"].copy()
    images["interpolated"] = images["sharpened"].copy()
    same = DepthLayers(images)
    drawing = draw_view(same, "mri", HERE)
    np.testing.assert_array_equal(drawing.left, drawing.right)
    errors = draw_view(same, "mri", View(comparison="errors"))
    assert errors.left[: 40 * 11].max() == 0 and "white: 1 or more" in errors.caption
    images["interpolated"] = images["sharpened"] + np.float32(50)
    errors = draw_view(DepthLayers(images), "mri", View(comparison="errors"))
    assert errors.left[: 40 * 11].min() == 255 and errors.right[: 40 * 11].max() == 0
    assert "white: 50 or more" in errors.caption


def test_spread_and_filled_holes_have_unknown_pixels_too() -> None:
    layers = small_layers(1, 3)
    spread, filled = draw_spread(layers, View()), draw_filled(layers, View())
    assert spread is not None and filled is not None
    for colours in (spread[0], filled):
        assert (colours[40 * 11 :] == UNKNOWN).all()
    assert filled[: 8 * 11].min() == 255 and filled[8 * 11 : 40 * 11].max() == 0
    values = layers.read("spread", HERE.plane, window_of(layers, HERE))
    assert spread[1] == pytest.approx(np.nanpercentile(values, 99.5))


def test_every_band_has_its_own_stretch_which_both_sides_share() -> None:
    layers = small_layers(4, 1)
    images = {name: layers.read(name, HERE.plane, window_of(layers, HERE)) for name in layers.names}
    for name in ("interpolated", "sharpened"):
        images[name] = images[name] * np.array([1, 10, 100, 1000], np.float32)
    images["sharpened"] = images["interpolated"].copy()
    images["sharpened"][:8] *= 2
    drawing = draw_view(DepthLayers(images), "pansharpening", View(bands=(2, 1, 0)))
    known = drawing.left[: 40 * 11]
    for band in range(3):  # a band that is a hundred times darker is as bright
        assert 100 < known[..., band].mean() < 155
        assert 0.01 < (known[..., band] == 255).mean() < 0.03
    np.testing.assert_array_equal(drawing.right[8 * 11 :], drawing.left[8 * 11 :])
    assert drawing.right[: 8 * 11].mean() > drawing.left[: 8 * 11].mean() + 40
    values = images["interpolated"][..., 2]
    low, high = np.nanpercentile(values, (2, 98))
    assert f"red {low:.4g} to {high:.4g}, green " in drawing.caption
    assert drawing.bar is None


def test_a_bar_says_what_the_colours_of_a_depth_map_are() -> None:
    layers = small_layers(1, 3)
    drawing = draw_view(layers, "depth", HERE)
    values = layers.read("interpolated", HERE.plane, window_of(layers, HERE))
    bar = drawing.bar
    assert bar is not None
    assert (bar.low, bar.high) == pytest.approx(np.nanpercentile(values, (0.5, 99.5)))
    assert (bar.first, bar.last) == ("near: ", "far: ")
    # Its ends are the colours of the smallest and of the largest value.
    ends = [coloured_depth(np.array([[share]]))[0, 0].tolist() for share in (0.0, 1.0)]
    assert [bar.stops[0], bar.stops[-1]] == ["#" + bytes(end).hex() for end in ends]
    assert (drawing.left.reshape(-1, 3) == ends[0]).all(axis=1).any()
    turned = draw_view(layers, "depth", View(disparity=True)).bar
    assert turned is not None and (turned.first, turned.last) == ("far: ", "near: ")
    assert draw_view(layers, "depth", View(comparison="errors")).bar is None
    html = caption_line(drawing.caption, bar)
    assert f"<span>near: {bar.low:.4g}</span><span>far: {bar.high:.4g}</span>" in html
    assert f"to right, {bar.stops[0]}, {bar.stops[1]}" in html
