"""Several tiles through the network at once, as on a GPU: the same answers as one after another."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.errors import InputError
from gisr.inference import tile_runner
from gisr.inference.answers import Settings
from gisr.inference.tile_runner import TileJob
from gisr.inference.upscaler import Upscaler
from gisr.inference.window_work import WindowWork
from gisr.weights.store import Weights

Make = Callable[..., Weights]


@pytest.fixture(scope="module")
def pair() -> Pair:
    scene = satellite_scene(200)
    return wald_pair(scene.multispectral, scene.panchromatic, 4, sensor="WorldView-3")


@pytest.fixture(scope="module")
def expected(weights: Make, pair: Pair) -> np.ndarray:
    """What one tile after another gives, without a spread."""
    return Upscaler(weights(), "cpu", tile=64, overlap=16, precision="float32").answer(pair).image


def calls(upscaler: Upscaler) -> list[tuple[int, ...]]:
    """Return a list that receives the shape of whatever goes through the network."""
    shapes: list[tuple[int, ...]] = []
    upscaler.network.register_forward_pre_hook(
        lambda module, given: shapes.append(tuple(given[0].shape))
    )
    return shapes


@pytest.mark.parametrize(("batch", "spread"), [(2, False), (3, True), (64, False)])
def test_answers_are_those_of_single_tiles(
    weights: Make, pair: Pair, expected: np.ndarray, batch: int, spread: bool
) -> None:
    settings = Settings(spread=spread)
    several = Upscaler(weights(), "cpu", tile=64, overlap=16, batch=batch)
    shapes = calls(several)
    found = several.answer(pair, settings)
    if spread:
        single = Upscaler(weights(), "cpu", tile=64, overlap=16).answer(pair, settings)
        assert found.spread is not None and single.spread is not None
        np.testing.assert_allclose(found.spread, single.spread, rtol=1e-3, atol=1e-2)
        expected = single.image
    np.testing.assert_allclose(found.image, expected, rtol=1e-5, atol=1e-2)
    tiles = len(several.plan(*expected.shape[:2]))
    assert tiles == 16
    assert max(shape[0] for shape in shapes) == min(batch, tiles)
    assert sum(shape[0] for shape in shapes) == tiles * (8 if spread else 1)


def test_tiles_to_come_are_prepared_while_the_network_has_others(
    weights: Make, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the network is called by one thread, what it is given is made by others."""
    preparing: set[str] = set()
    prepared = TileJob.prepared

    def noted(self: TileJob, *given: Any) -> WindowWork | None:
        preparing.add(threading.current_thread().name)
        return prepared(self, *given)

    several = Upscaler(weights(), "cpu", tile=64, overlap=16, batch=3)
    expected = several.answer(pair).image
    asking: set[str] = set()
    several._networks.take("auto").register_forward_pre_hook(
        lambda module, given: asking.add(threading.current_thread().name)
    )
    monkeypatch.setattr(TileJob, "prepared", noted)
    images = TileJob._prompt_images

    def seen(self: TileJob, *given: Any) -> Any:
        preparing.add(threading.current_thread().name)
        return images(self, *given)

    monkeypatch.setattr(TileJob, "_prompt_images", seen)
    monkeypatch.setattr(tile_runner, "tiles_prepared", lambda device: 2)
    np.testing.assert_array_equal(several.answer(pair).image, expected)
    assert asking == {threading.current_thread().name}
    assert preparing and not preparing & asking


def test_where_a_pair_is_unknown_nothing_is_computed(weights: Make, pair: Pair) -> None:
    valid = np.ones(pair.target.shape[:2], bool)
    valid[:25, :25] = False
    holed = replace(pair, valid=valid)
    single = Upscaler(weights(), "cpu", tile=64, overlap=16)
    several = Upscaler(weights(), "cpu", tile=64, overlap=16, batch=5)
    expected, shapes = single.answer(holed).image, calls(several)
    np.testing.assert_allclose(several.answer(holed).image, expected, rtol=1e-5, atol=1e-2)
    assert 0 < sum(shape[0] for shape in shapes) < 16


def test_too_little_memory_for_several_takes_fewer(
    weights: Make, pair: Pair, expected: np.ndarray
) -> None:
    several = Upscaler(weights(), "cpu", tile=64, overlap=16, batch=8)
    shapes: list[int] = []

    def fail(module: object, given: tuple[Any, ...]) -> None:
        shapes.append(len(given[0]))
        if len(given[0]) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    several.network.register_forward_pre_hook(fail)
    np.testing.assert_allclose(several.answer(pair).image, expected, rtol=1e-5, atol=1e-2)
    assert shapes == [8, 4, *[2] * 8]


@pytest.mark.parametrize("batch", [0, -1])
def test_fewer_than_one_is_refused(weights: Make, batch: int) -> None:
    with pytest.raises(InputError, match=f"batch {batch} must be at least 1"):
        Upscaler(weights(), "cpu", batch=batch)
