"""The value range of a pair: that of what the two share, not of all that either shows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.inference.array_pair import make_pair
from gisr.inference.survey import Survey, survey_of_pairs
from gisr.placement import Placement

SCENE = satellite_scene(256)
TARGET = SCENE.multispectral.reshape(64, 4, 64, 4, 4).mean(axis=(1, 3)).astype(np.float32)
GUIDE = SCENE.panchromatic.astype(np.float32)
PLACED = Placement((0.25, 0.25), (19.625, 19.625))
"""A guide of 96 x 96 pixels that begins at row and column 20 of the target, and ends before 44."""


def _pair(target: NDArray[np.float32], guide: NDArray[np.float32], placement: Placement) -> Pair:
    return make_pair(target, guide, "pansharpening", placement=placement)


def _same(one: Survey, other: Survey) -> bool:
    names = ("target_offset", "target_scale", "guide_offset", "guide_scale")
    levels = zip(one.levels, other.levels, strict=True)
    return all((getattr(a, n) == getattr(b, n)).all() for a, b in levels for n in names)


@pytest.mark.parametrize("factor", [0.01, 40])
def test_what_the_target_shows_beside_the_guide_does_not_count(factor: float) -> None:
    guide, changed = GUIDE[80:176, 80:176], TARGET * np.float32(factor)
    changed[17:47, 17:47] = TARGET[17:47, 17:47]
    one, other = (survey_of_pairs([_pair(each, guide, PLACED)]) for each in (TARGET, changed))
    assert _same(one, other)
    changed[22, 17:47] *= 40
    assert not _same(one, survey_of_pairs([_pair(changed, guide, PLACED)]))


def test_what_the_guide_shows_beside_the_target_does_not_count() -> None:
    placement, target = Placement((0.25, 0.25), (-20.375, -20.375)), TARGET[20:44, 20:44]
    changed = GUIDE * np.float32(40)
    changed[72:184, 72:184] = GUIDE[72:184, 72:184]
    one, other = (survey_of_pairs([_pair(target, each, placement)]) for each in (GUIDE, changed))
    assert _same(one, other)


def test_chunks_of_dask_are_surveyed_alike() -> None:
    arrays = pytest.importorskip("dask.array")
    from gisr.inference.dask_pair import DaskSource

    pair = _pair(TARGET, GUIDE[80:176, 80:176], PLACED)
    parts = (arrays.from_array(each, chunks=30) for each in (pair.target, pair.guide))
    survey = DaskSource(pair, *parts).survey
    assert _same(survey, survey_of_pairs([pair]))
