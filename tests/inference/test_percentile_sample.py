"""The sample that percentiles are taken from."""

import numpy as np
import pytest

from gisr.inference import percentile_sample as sampling
from gisr.inference.percentile_sample import RegularSample

RNG = np.random.default_rng(3)


def test_small_images_are_taken_whole() -> None:
    image, known = RNG.random((40, 50, 2)), RNG.random((40, 50)) < 0.5
    sample = RegularSample()
    sample.add(image, known, (0, 0))
    np.testing.assert_array_equal(sample.values(), image[known].astype(np.float32))
    assert (sample.lowest, sample.highest) == (image[known].min(), image[known].max())


def test_large_images_lose_rows_and_columns_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_MOST_PIXELS", 150)
    image, known = RNG.random((40, 48, 1)), np.ones((40, 48), bool)
    sample = RegularSample()
    sample.add(image, known, (0, 0))
    np.testing.assert_array_equal(
        sample.values(), image[::4, ::4].reshape(-1, 1).astype(np.float32)
    )
    assert sample.highest == image.max()
    exact = RegularSample(exact=True)
    exact.add(image, known, (0, 0))
    assert len(exact.values()) == 40 * 48


@pytest.mark.parametrize("step", [7, 16, 40])
def test_windows_do_not_matter(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(sampling, "_MOST_PIXELS", 100)
    image, known = RNG.random((40, 48, 1)), RNG.random((40, 48)) < 0.7
    whole, parts = RegularSample(), RegularSample()
    whole.add(image, known, (0, 0))
    for top in range(0, 40, step):
        for left in range(0, 48, step):
            window = slice(top, top + step), slice(left, left + step)
            parts.add(image[window], known[window], (top, left))
    assert sorted(parts.values().ravel()) == sorted(whole.values().ravel())
    assert 0 < len(parts.values()) <= 100


def test_nothing_known_gives_nothing() -> None:
    sample = RegularSample()
    sample.add(RNG.random((4, 4, 1)), np.zeros((4, 4), bool), (0, 0))
    assert len(sample.values()) == 0


def test_a_part_of_the_image_counts_unless_it_has_few_pixels() -> None:
    image, known = RNG.random((60, 50, 2)), RNG.random((60, 50)) < 0.9
    sample = RegularSample()
    sample.add(image[:25], known[:25], (0, 0))
    sample.add(image[25:], known[25:], (25, 0))
    area = np.s_[12:40, 5:31]
    np.testing.assert_array_equal(sample.values(area), image[area][known[area]].astype(np.float32))
    few = np.s_[12:20, 5:20]
    np.testing.assert_array_equal(sample.values(few), sample.values())
