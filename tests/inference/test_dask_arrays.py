"""Chunked arrays: what comes out is what memory gives, however the arrays are cut."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gisr.data.phantoms import satellite_scene
from gisr.errors import InputError, PairError
from gisr.estimation.depth_reduction import ReductionEstimate
from gisr.inference import surfaces
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.weights.store import Weights

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
from gisr.inference.array_pair import make_pair  # noqa: E402
from gisr.inference.dask_arrays import upscale_dask  # noqa: E402

SCENE = satellite_scene(128)
GUIDE = SCENE.panchromatic
TARGET = SCENE.multispectral.reshape(32, 4, 32, 4, 4).mean(axis=(1, 3))
LAZY = {"scheduler": "synchronous"}


def make(weights: Callable[..., Weights]) -> Upscaler:
    return Upscaler(weights(), "cpu", tile=32, overlap=8)


@pytest.mark.parametrize("chunks", [(11, 17), (32, 32)])
def test_chunks_give_what_memory_gives(
    weights: Callable[..., Weights], chunks: tuple[int, int]
) -> None:
    upscaler = make(weights)
    shifted = np.roll(GUIDE, (2, -1), axis=(0, 1))
    with dask.config.set(LAZY):
        target = da.from_array(TARGET, chunks=(*chunks, 2))
        guide = da.from_array(shifted, chunks=(3 * chunks[0], 2 * chunks[1], 1))
        image = upscale_dask(upscaler, target, guide, "pansharpening", sensor="QuickBird", bits=11)
        assert image.shape == (128, 128, 4) and image.dtype == np.float32
        assert len(image.chunks[0]) > 1
        found = image.compute()
    expected = upscaler(TARGET, shifted, "pansharpening", sensor="QuickBird", bits=11)
    assert np.abs(expected - upscaler_input(shifted)).max() > 1  # the network does something
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.ptp(TARGET))


def upscaler_input(guide: np.ndarray) -> Any:
    from gisr.inference.array_pair import make_pair

    return make_pair(TARGET, guide, "pansharpening").on_guide_grid()


@pytest.fixture
def taken_for_bicubic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what looks at a whole depth map: chunks do not."""
    usual = ReductionEstimate("bicubic", 0.0, 0)
    monkeypatch.setattr(surfaces, "estimate_reduction", lambda *images: usual)
    monkeypatch.setattr(surfaces, "_reaches_far", lambda pair: False)
    monkeypatch.setattr(surfaces, "_without_noise", lambda image, *others: image)


@pytest.mark.usefixtures("taken_for_bicubic")
def test_a_depth_map_of_two_axes(weights: Callable[..., Weights]) -> None:
    upscaler, target = make(weights), TARGET[..., 0]
    colour = np.repeat(GUIDE, 3, axis=2)[:100]
    with dask.config.set(LAZY):
        found = upscale_dask(
            upscaler,
            da.from_array(target[:25], chunks=20),
            da.from_array(colour, chunks=(60, 128, 3)),
            "depth",
        ).compute()
    expected = upscaler(target[:25], colour, "depth")
    assert found.shape == (100, 128)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.ptp(target))


@pytest.mark.usefixtures("taken_for_bicubic")
def test_unknown_pixels_are_nan_and_known_ones_as_in_memory(
    weights: Callable[..., Weights],
) -> None:
    upscaler, holes = make(weights), TARGET.copy()
    holes[5:9, 20:22, 1] = np.nan
    holes[16:, 16:] = np.nan  # whole tiles
    valid = np.isfinite(holes).all(axis=2)
    with dask.config.set(LAZY):
        found = upscale_dask(
            upscaler, da.from_array(holes, chunks=30), da.from_array(GUIDE, chunks=90), "depth"
        ).compute()
    # Chunks do not see a whole hole: the nearest known values stand in, as the upscaler has it.
    pair = make_pair(np.nan_to_num(holes), GUIDE, "depth", valid=valid)
    expected = upscaler.answer(pair).image
    known = valid.repeat(4, 0).repeat(4, 1)
    np.testing.assert_array_equal(np.isfinite(found).all(axis=2), known)
    difference = np.abs(found[known] - expected[known])
    assert difference.max() <= 1e-5 * np.ptp(TARGET)


def test_nothing_runs_through_the_network_before_it_is_asked_for(
    weights: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    forward = MAGNet.forward

    def spy(self: MAGNet, *inputs: Any) -> Any:
        calls.append(1)
        return forward(self, *inputs)

    monkeypatch.setattr(MAGNet, "forward", spy)
    upscaler = make(weights)
    with dask.config.set(LAZY):
        image = upscale_dask(
            upscaler, da.from_array(TARGET, chunks=32), da.from_array(GUIDE, chunks=64), "depth"
        )
        assert not calls
        image[:20, :20].compute()
        some = len(calls)
        image.compute()
    assert 0 < some < len(calls) - some == len(upscaler.plan(128, 128))


@pytest.mark.parametrize(
    ("target", "options", "error", "message"),
    [
        (TARGET, {"task": "mri"}, InputError, "grid 'kspace': needs the whole target"),
        (TARGET, {"ratio": 3.0}, PairError, "ratio 3 does not fit"),
        (TARGET, {"bits": 6}, InputError, "which 6 bits cannot"),
        (TARGET * np.nan, {}, InputError, "no known pixel"),
        (TARGET[0, 0], {}, InputError, "target of shape (4,)"),
        (TARGET.astype(complex), {}, InputError, "must hold numbers"),
        (TARGET, {"contrast": "T1"}, InputError, "contrast 'T1' is for another kind of images"),
        (TARGET, {"task": "pansharpening", "bits": "8"}, InputError, "bits '8' must be a whole"),
        (np.moveaxis(TARGET, -1, 0), {}, InputError, "target of shape (4, 32, 32) has its bands"),
    ],
)
def test_what_cannot_be_used_is_told_at_once(
    upscaler: Upscaler, target: Any, options: Any, error: type[Exception], message: str
) -> None:
    arguments = {"task": "depth", **options}
    with dask.config.set(LAZY), pytest.raises(error, match=re.escape(message)):
        upscale_dask(upscaler, da.from_array(target), da.from_array(GUIDE), **arguments)


def test_chunks_of_unknown_sizes_are_refused(upscaler: Upscaler) -> None:
    target = da.from_array(TARGET, chunks=(8, 32, 4))
    some = target[target[:, 0, 0] > 0]
    with pytest.raises(InputError, match=r"target has chunks of unknown sizes: .*compute_chunk_si"):
        upscale_dask(upscaler, some, da.from_array(GUIDE), "pansharpening")


@pytest.mark.usefixtures("taken_for_bicubic")
def test_zeros_of_a_depth_map_are_no_distances(weights: Callable[..., Weights]) -> None:
    upscaler, zeros = make(weights), TARGET[..., 0].copy()
    zeros[4:9, 6:12] = 0
    colour = np.repeat(GUIDE, 3, axis=2)
    found = []
    with dask.config.set(LAZY):
        guide = da.from_array(colour, chunks=(50, 50, 3))
        unknown = da.from_array(np.where(zeros == 0, np.nan, zeros), chunks=15)
        found.append(upscale_dask(upscaler, unknown, guide, "depth").compute())
        with pytest.warns(UserWarning, match="pixels of 0 are taken for unknown"):
            image = upscale_dask(upscaler, da.from_array(zeros, chunks=15), guide, "depth")
        found.append(image.compute())
    np.testing.assert_array_equal(found[0], found[1])
    assert np.isnan(found[1]).sum() == 16 * 30
    assert np.nanmin(found[1]) > 0.5 * TARGET.min()


def test_fill_that_nobody_declared(weights: Callable[..., Weights]) -> None:
    upscaler, target = make(weights), TARGET.copy()
    target[:6, :9] = np.nan
    filled = np.where(np.isnan(target), np.float32(-9999), target)
    with dask.config.set(LAZY):
        guide = da.from_array(GUIDE, chunks=(50, 50, 1))
        expected = upscale_dask(
            upscaler, da.from_array(target, chunks=15), guide, "pansharpening"
        ).compute()
        with pytest.warns(UserWarning, match="-9999 in 5.3% of the pixels is taken for unknown"):
            image = upscale_dask(upscaler, da.from_array(filled, chunks=15), guide, "pansharpening")
        found = image.compute()
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found[:24, :36]).all()


def test_infinite_values_are_told(weights: Callable[..., Weights]) -> None:
    upscaler, target = make(weights), TARGET.astype(np.float32)
    target[:3, :4, 1] = np.inf
    with dask.config.set(LAZY), pytest.warns(UserWarning, match="target: infinite values are take"):
        guide = da.from_array(GUIDE, chunks=(50, 50, 1))
        image = upscale_dask(upscaler, da.from_array(target, chunks=15), guide, "pansharpening")
        assert np.isnan(image[:8, :12].compute()).all()


def test_fill_in_one_band_is_unknown_in_all(weights: Callable[..., Weights]) -> None:
    upscaler, target = make(weights), TARGET.copy()
    target[:6, :9, 1] = -9999
    with dask.config.set(LAZY), pytest.warns(UserWarning, match="of band 2 is taken for unknown"):
        guide = da.from_array(GUIDE, chunks=(50, 50, 1))
        image = upscale_dask(upscaler, da.from_array(target, chunks=15), guide, "pansharpening")
        assert np.isnan(image[:12, :24].compute()).all()
