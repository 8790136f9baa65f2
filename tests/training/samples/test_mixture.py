"""The seeded mixture: what an epoch is, and that every sample is a function of its number."""

import pickle
from collections import Counter
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator

from gisr.errors import RecipeError
from gisr.tasks import TaskName
from gisr.training.samples.mixture import Mixture, Position, shares
from gisr.training.samples.patches import Sample


@dataclass(frozen=True)
class Numbered:
    """A training set whose samples say where they come from."""

    size: int
    ratio: int
    task: TaskName = "depth"

    def __len__(self) -> int:
        return self.size

    def sample(self, item: int, rng: Generator, patch: int) -> Sample:
        image = rng.uniform(size=(4, patch, patch)).astype(np.float32)
        scale = np.ones(4, np.float32)
        return Sample(
            image,
            image[:, ::2, ::2],
            image[:3],
            image,
            image[:1],
            scale,
            str(item),
            self.ratio,
            self.task,
            False,
        )


def mixture(
    *sizes: int, seed: int = 3, patches: int = 1, temperature: float | None = None
) -> Mixture:
    sets = [Numbered(size, ratio) for ratio, size in enumerate(sizes, start=2)]
    return Mixture(sets, patch=2, seed=seed, patches_per_image=patches, temperature=temperature)


def epoch(mixed: Mixture, number: int) -> list[tuple[float, str]]:
    samples = [mixed[Position(number, index)] for index in range(mixed.epoch_length)]
    return [(sample.ratio, sample.description) for sample in samples]


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), number=st.integers(0, 5))
def test_an_epoch_takes_the_smallest_set_from_every_set(sizes: list[int], number: int) -> None:
    taken = epoch(mixture(*sizes), number)
    per_set = Counter(ratio for ratio, _ in taken)
    assert set(per_set.values()) == {min(sizes)}
    assert len(per_set) == len(sizes)
    assert len(set(taken)) == len(taken)  # no item twice
    assert {item for ratio, item in taken if ratio == 2 + sizes.index(min(sizes))} == {
        str(item) for item in range(min(sizes))
    }


def test_patches_per_image_repeat_the_smallest_set_as_often() -> None:
    counts = Counter(epoch(mixture(3, 5, patches=4), 0))
    assert all(counts[2, str(item)] == 4 for item in range(3))
    assert sum(count for (ratio, _), count in counts.items() if ratio == 3) == 12
    assert max(count for (ratio, _), count in counts.items() if ratio == 3) <= 3


def test_a_temperature_shares_an_epoch_by_size() -> None:
    # sizes 16 and 4: in proportion at 1, as their roots 4 : 2 at 2, alike without.
    assert shares([16, 4], 30, 1.0) == (24, 6)
    assert shares([16, 4], 30, 2.0) == (20, 10)
    assert shares([16, 4], 30, None) == shares([16, 4], 30, 1e9) == (15, 15)
    # 4.8, 2.0 and 1.2 of eight: the one left over goes to the largest remainder.
    assert shares([60, 25, 15], 8, 1.0) == (5, 2, 1)
    assert shares([1000, 1, 1], 6, 1.0) == (4, 1, 1)  # no set is left out
    assert shares([1000, 1, 1], 6, 0.001) == (4, 1, 1)  # and none overflows


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    patches=st.integers(1, 5),
    temperature=st.floats(0.05, 20) | st.none(),
)
def test_shares_fill_the_epoch(sizes: list[int], patches: int, temperature: float | None) -> None:
    length = len(sizes) * patches * min(sizes)
    taken = shares(sizes, length, temperature)
    assert sum(taken) == length
    assert min(taken) >= 1
    for (size, number), (other, fewer) in product(zip(sizes, taken, strict=True), repeat=2):
        assert size <= other or number >= fewer - 1  # a larger set gets more, up to rounding


def test_an_epoch_of_a_temperature_holds_the_shares() -> None:
    counts = Counter(epoch(mixture(16, 4, patches=5, temperature=1.0), 0))
    per_set = {
        ratio: [count for (own, _), count in counts.items() if own == ratio] for ratio in (2, 3)
    }
    assert (sum(per_set[2]), sum(per_set[3])) == (32, 8)
    assert set(per_set[2]) == set(per_set[3]) == {2}  # every item of a set as often


def test_epochs_are_shuffled_anew_and_mixed() -> None:
    mixed = mixture(6, 9)
    assert epoch(mixed, 0) != epoch(mixed, 1)
    assert [ratio for ratio, _ in epoch(mixed, 0)] != sorted(r for r, _ in epoch(mixed, 0))
    assert epoch(mixed, 0) != epoch(mixture(6, 9, seed=4), 0)


def test_a_position_always_gives_the_same_sample() -> None:
    mixed, copy = mixture(4, 6), pickle.loads(pickle.dumps(mixture(4, 6)))
    there = Position(2, 5)
    expected = mixed[there].target
    for other in (mixed[Position(0, 0)], mixed[Position(2, 4)]):
        assert not np.array_equal(other.target, expected)
    np.testing.assert_array_equal(mixed[there].target, expected)
    np.testing.assert_array_equal(copy[there].target, expected)


@given(size=st.integers(1, 5), taken=st.integers(0, 12))
def test_batches_go_on_anywhere(size: int, taken: int) -> None:
    mixed = mixture(4, 5)  # epochs of 8: sizes 3 and 5 leave a short batch, which is dropped
    straight = list(islice(mixed.batches(Position(0, 0), size), taken + 6))
    last = straight[taken][-1]
    resumed = islice(mixed.batches(Position(last.epoch, last.index + 1), size), 5)
    assert list(resumed) == straight[taken + 1 :]
    assert all(len(batch) == size for batch in straight)


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(RecipeError, match="names no training set"):
        Mixture([], patch=2, seed=0)
    with pytest.raises(RecipeError, match="depth x3"):
        mixture(4, 0)
    with pytest.raises(RecipeError, match="batch 9 is larger than an epoch of 8"):
        next(mixture(4, 5).batches(Position(0, 0), 9))
