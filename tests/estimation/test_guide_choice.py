"""Which of many bands guide."""

import numpy as np
from numpy.random import default_rng

from gisr.estimation.guide_choice import best_channels


def test_the_bands_that_explain_the_target_are_found() -> None:
    guides = default_rng(0).normal(size=(500, 7))
    target = guides[:, [1, 4]] @ np.array([[1.0, 0.5], [0.3, -2.0]])
    assert best_channels(target, guides, 2) == (1, 4)
    assert best_channels(1e4 * target + 7, guides * np.arange(1, 8) + 3, 2) == (1, 4)


def test_a_band_that_repeats_another_is_not_taken_beside_it() -> None:
    rng = default_rng(1)
    guides = rng.normal(size=(400, 3))
    guides[:, 1] = guides[:, 0]
    target = guides[:, [0]] + 0.1 * guides[:, [2]]
    assert best_channels(target, guides, 2) in ((0, 2), (1, 2))


def test_a_constant_band_explains_nothing() -> None:
    guides = default_rng(2).normal(size=(100, 3))
    guides[:, 0] = 5.0
    assert best_channels(guides[:, [1]], guides, 1) == (1,)
