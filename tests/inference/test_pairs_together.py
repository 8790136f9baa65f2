"""Slices of a volume through the network at once: the same answers as one after another."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from gisr.data.pair import Pair
from gisr.inference.answers import Settings, unchecked
from gisr.inference.array_pair import make_pair
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.weights.store import Weights

Make = Callable[..., Weights]
SMALL = (24, 32)
RNG_SEED = 7


def slices(count: int, unknown: Sequence[int] = ()) -> list[Pair]:
    """Return slices of one phantom at x2, some with an unknown corner."""
    rng = np.random.default_rng(RNG_SEED)
    pairs = []
    for index in range(count):
        target = rng.uniform(100, 900, SMALL).astype(np.float32)
        guide = np.kron(target, np.ones((2, 2), np.float32)) + rng.normal(0, 5, (48, 64))
        valid = np.ones(SMALL, bool)
        if index in unknown:
            valid[:8, :8] = False
        pairs.append(
            make_pair(
                target, guide.astype(np.float32), "mri", valid=valid, contrast="T2", grid="kspace"
            )
        )
    return pairs


def counted(upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that receives how many images each pass of the network has."""
    counts: list[int] = []
    forward = MAGNet.forward

    def seen(self: MAGNet, target: object, *given: object) -> object:
        counts.append(len(target))  # type: ignore[arg-type]
        return forward(self, target, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(MAGNet, "forward", seen)
    return counts


@pytest.mark.parametrize("consistent", ["never", "default"])
@pytest.mark.parametrize("spread", [False, True])
def test_slices_at_once_are_those_alone(
    weights: Make, monkeypatch: pytest.MonkeyPatch, spread: bool, consistent: str
) -> None:
    upscaler = Upscaler(weights(), "cpu", precision="float32")
    settings = Settings(align="off", spread=spread, consistent=consistent)  # type: ignore[arg-type]
    pairs = slices(3, unknown=[1])
    shared = upscaler.share(pairs, settings)
    alone = [upscaler.answer(pair, settings, shared=shared) for pair in pairs]
    counts = counted(upscaler, monkeypatch)
    together = upscaler.answer_together(pairs, settings, shared, unchecked)
    assert counts == [3] * (8 if spread else 1)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.image, one.image, atol=1e-2)
        assert (one.spread is None) == (other.spread is None) == (not spread)
        if one.spread is not None and other.spread is not None:
            np.testing.assert_allclose(other.spread, one.spread, atol=1e-2)
        assert (one.consistency is None) == (other.consistency is None)
        if one.consistency is not None and other.consistency is not None:
            assert other.consistency.before == pytest.approx(one.consistency.before, rel=1e-4)


def test_slices_larger_than_a_tile_go_one_by_one(
    weights: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscaler = Upscaler(weights(), "cpu", tile=32, overlap=8)
    settings, pairs = Settings(align="off"), slices(2)
    assert upscaler.pairs_at_once(pairs[0]) == 1
    shared = upscaler.share(pairs, settings)
    counts = counted(upscaler, monkeypatch)
    found = upscaler.answer_together(pairs, settings, shared, unchecked)
    assert set(counts) == {1}
    for pair, answer in zip(pairs, found, strict=True):
        single = upscaler.answer(pair, settings, shared=shared)
        np.testing.assert_array_equal(answer.image, single.image)


@pytest.mark.parametrize(("tile", "batch", "expected"), [(256, 1, 21), (64, 1, 1), (64, 8, 10)])
def test_as_many_slices_as_a_tile_has_pixels(
    weights: Make, tile: int, batch: int, expected: int
) -> None:
    upscaler = Upscaler(weights(), "cpu", tile=tile, batch=batch)
    assert upscaler.pairs_at_once(slices(1)[0]) == expected
