"""Depth maps of samples lie where the picture's colours say that they were taken."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gisr
from gisr.inference.sample_places import at_first_pixels
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.placement import Placement
from gisr.tasks.task import Grid

SHAPE = (322, 400)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Return metres and a picture of boxes with textures, on one another."""
    random = np.random.default_rng(0)
    depth, colours = np.full(SHAPE, 4.0, np.float32), np.full((*SHAPE, 3), 120.0)
    for _ in range(40):
        top, left = random.integers(0, SHAPE[0] - 30), random.integers(0, SHAPE[1] - 30)
        box = slice(top, top + 45), slice(left, left + 60)
        depth[box] = random.uniform(1, 3)
        colours[box] = random.uniform(0, 255, 3)
    colours += random.normal(0, 3, colours.shape)
    return depth, np.clip(colours, 0, 255).astype(np.uint8)


def found(low: np.ndarray, colours: np.ndarray) -> Placement | None:
    placed = Placement.from_grid("centre", low.shape[:2], colours.shape[:2], 0.02)
    return at_first_pixels(low, low > 0, colours.astype(np.float32), placed)


@pytest.mark.parametrize("step", [3, 4, 8])
def test_every_nth_pixel_from_the_first_is_placed_there(step: int) -> None:
    depth, colours = scene()
    low = depth[::step, ::step]
    assert any(side % step for side in SHAPE)  # which leaves a rest
    assert found(low, colours) == Placement((1 / step, 1 / step), (0, 0))
    low[10:14, 10:14] = 0
    assert found(low, colours) == Placement((1 / step, 1 / step), (0, 0))


def test_samples_in_the_middle_and_means_stay_where_they_are() -> None:
    depth, colours = (image[:320] for image in scene())
    assert found(depth[2::4, 2::4], colours) is None
    assert found(depth[1::4, 1::4], colours) is None
    means = depth.reshape(80, 4, 100, 4).mean((1, 3))
    assert found(means, colours) is None
    assert found(np.full((80, 100), 2, np.float32), colours) is None
    assert found(depth[::4, ::4], np.full_like(colours, 100)) is None


def test_files_are_placed_so_unless_the_grid_is_given(tmp_path: Path, upscaler: Upscaler) -> None:
    depth, colours = (image[:320] for image in scene())
    np.save(tmp_path / "depth.npy", depth[::4, ::4])
    Image.fromarray(colours).save(tmp_path / "colour.png")
    errors, told = {}, {}
    grids: tuple[Grid | None, ...] = (None, "kspace", "centre")
    for grid in grids:
        result = upscale_files(
            upscaler,
            tmp_path / "depth.npy",
            tmp_path / "colour.png",
            tmp_path / "out.npy",
            Options(grid=grid, overwrite=True),
        )
        errors[grid] = np.abs(np.load(tmp_path / "out.npy") - depth).mean()
        told[grid] = [note.text for note in result.notes if "first pixel" in note.text]
    assert errors[None] == errors["kspace"] < 0.5 * errors["centre"]
    assert [len(notes) for notes in told.values()] == [1, 0, 0]
    assert "depth[::4, ::4]" in told[None][0]
    assert "--grid centre" in told[None][0]


def test_arrays_are_placed_as_files_are() -> None:
    depth, colours = (image[:320] for image in scene())
    with pytest.warns(UserWarning, match=r"first pixel of every 4 x 4.*grid='centre'"):
        pair = gisr.make_pair(depth[::4, ::4], colours, "depth")
    assert (pair.placement.offset, pair.grid) == ((0, 0), "centre")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = gisr.make_pair(depth[::4, ::4], colours, "depth", grid="kspace")
        kept = gisr.make_pair(depth[::4, ::4], colours, "depth", grid="centre")
        middles = gisr.make_pair(depth[2::4, 2::4], colours, "depth")
    # No samples of k-space, which would be enlarged and made consistent there.
    assert (given.placement, given.grid) == (pair.placement, "centre")
    assert (
        kept.placement == middles.placement == Placement.from_grid("centre", (80, 100), (320, 400))
    )
