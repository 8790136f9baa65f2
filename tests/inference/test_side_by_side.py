"""Pieces of work in threads: their order, their errors, and results that threads do not change."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.small_network import tiny_weights

from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.errors import LimitError
from gisr.inference.answers import Settings
from gisr.inference.side_by_side import (
    pieces_at_once,
    side_by_side,
    tiles_prepared,
)
from gisr.inference.tile_runner import TileJob
from gisr.inference.upscaler import Upscaler
from gisr.magnet import PRESETS
from gisr.threads import in_order


@pytest.fixture(scope="module")
def scene() -> Pair:
    made = satellite_scene(256)
    return replace(wald_pair(made.multispectral, made.panchromatic, 4), sensor="WorldView-3")


@pytest.fixture(autouse=True)
def torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def at_work() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gisr")]


@pytest.mark.parametrize(("at_once", "ahead"), [(0, 5), (1, 0), (1, 3), (3, 0), (3, 4)])
def test_answers_come_in_the_order_of_the_items(at_once: int, ahead: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(12):
            taken.append(number)
            yield number

    def work(number: int) -> tuple[int, str]:
        time.sleep(0.004 * ((7 * number) % 5))
        return number, threading.current_thread().name

    found = in_order(work, items(), at_once, ahead)
    first = next(found)
    assert len(taken) <= at_once + ahead + 1  # no more than needed
    numbers, names = zip(first, *found, strict=True)
    assert numbers == tuple(range(12))
    own = at_once == 0 or at_once + ahead == 1
    assert own == (set(names) == {threading.current_thread().name})
    assert len(set(names)) <= max(1, at_once)
    assert not at_work()


def test_pieces_are_at_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)  # breaks unless three wait at it
    assert list(in_order(lambda _: together.wait(), range(3), 3)) is not None


def test_the_first_error_ends_it_and_later_pieces_are_given_up() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise KeyError("as it happens")
        return number

    found = in_order(work, range(100), 2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(KeyError, match="as it happens"):
        list(found)
    assert len(begun) < 10
    assert not at_work()


def test_nothing_is_at_work_once_it_is_closed() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.01)

    found = in_order(work, range(100), 2)
    next(found)
    found.close()
    assert not at_work()
    assert len(begun) <= 4


def test_threads_are_shared_and_given_back() -> None:
    torch.set_num_threads(8)

    def threads_of(_: int) -> int:
        return torch.get_num_threads()

    def within(_: int) -> list[int]:  # divided already
        return list(side_by_side(threads_of, range(2), 2))

    assert list(side_by_side(threads_of, range(4), 3)) == [2] * 4
    assert torch.get_num_threads() == 8
    assert list(side_by_side(within, range(3), 3)) == [[2, 2]] * 3
    assert torch.get_num_threads() == 8

    def fails(_: int) -> int:
        assert torch.get_num_threads() == 1
        raise KeyError

    with pytest.raises(KeyError):
        list(side_by_side(fails, range(3), 20))
    assert torch.get_num_threads() == 8


def test_as_many_tiles_as_threads_and_memory_allow() -> None:
    cpu, small, large = torch.device("cpu"), PRESETS["magnet-s"], PRESETS["magnet"]
    for threads, expected in ((1, 1), (3, 3), (64, 8)):
        torch.set_num_threads(threads)
        assert pieces_at_once(cpu, small, 256, 4, 4) == expected
    assert pieces_at_once(cpu, large, 256, 4, 4) < 8
    assert pieces_at_once(cpu, large, 4096, 4, 4) == 1
    assert pieces_at_once(torch.device("cuda"), small, 256, 4, 4) == 1
    assert (tiles_prepared(cpu), tiles_prepared(torch.device("cuda")) >= 1) == (0, True)


def sharpened(pair: Pair, threads: int, settings: Settings = Settings()) -> bytes:
    torch.set_num_threads(threads)
    answer = Upscaler(tiny_weights(), "cpu", tile=64, overlap=16).answer(pair, settings)
    spread = b"" if answer.spread is None else answer.spread.tobytes()
    return answer.image.tobytes() + spread


def test_the_number_of_threads_changes_no_bit(scene: Pair) -> None:
    holes = np.ones(scene.target.shape[:2], bool)
    holes[:20, :30] = False
    for pair in (scene, replace(scene, valid=holes)):
        assert sharpened(pair, 1) == sharpened(pair, 2) == sharpened(pair, 5)
    small = replace(scene, target=scene.target[:24, :24], guide=scene.guide[:96, :96], truth=None)
    spread = Settings(spread=True, consistent="never", align="off")
    assert sharpened(small, 1, spread) == sharpened(small, 3, spread)


def test_threads_that_run_out_of_memory_halve_the_tiles_once(
    monkeypatch: pytest.MonkeyPatch, scene: Pair
) -> None:
    sides: list[int] = []
    network: Callable[..., np.ndarray] = TileJob._network
    waiting = threading.Barrier(4, timeout=20)

    def short(self: TileJob, low: np.ndarray, *more: object) -> np.ndarray:
        sides.append(low.shape[1])
        if low.shape[1] > 40:
            waiting.wait()  # all four fail before one has halved them
            raise MemoryError
        return network(self, low, *more)

    monkeypatch.setattr(TileJob, "_network", short)
    alone = replace(scene, target=scene.target[:32, :32], guide=scene.guide[:128, :128], truth=None)
    torch.set_num_threads(4)
    upscaler = Upscaler(tiny_weights(), "cpu", tile=80, overlap=16)
    assert len(upscaler.plan(128, 128)) == 4
    upscaler.answer(alone, Settings(align="off"))
    assert sides.count(72) == 4
    assert max(side for side in sides if side != 72) == 36  # half of it, and not half of that


def test_too_little_memory_for_any_tile_is_told_once(
    monkeypatch: pytest.MonkeyPatch, scene: Pair
) -> None:
    def none_left(*_: object) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr(TileJob, "_network", none_left)
    torch.set_num_threads(4)
    with pytest.raises(LimitError, match="memory does not suffice even for tiles of"):
        Upscaler(tiny_weights(), "cpu", tile=64, overlap=16).answer(scene)
    assert not at_work()
    assert torch.get_num_threads() == 4
