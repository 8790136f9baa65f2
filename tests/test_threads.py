"""Results that do not depend on how many threads numpy's linear algebra has."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.small_network import tiny_weights
from threadpoolctl import threadpool_info, threadpool_limits

from gisr.baselines.classical.gram_schmidt import GramSchmidtAdaptive
from gisr.data.pair import Pair
from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.estimation.guide_choice import best_channels
from gisr.estimation.registration import find_alignment
from gisr.estimation.sensor_model import estimate_sensor_model
from gisr.inference.upscaler import Upscaler
from gisr.threads import in_order, with_one_blas_thread


@pytest.fixture(scope="module")
def pair() -> Pair:
    scene = satellite_scene(512)
    return wald_pair(scene.multispectral, scene.panchromatic, 4)


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_one_thread_within_and_as_before_after() -> None:
    with threadpool_limits(limits=3, user_api="blas"):
        assert with_one_blas_thread(blas_threads)() == {1}
        assert blas_threads() == {3}


def test_it_is_given_back_after_an_error() -> None:
    @with_one_blas_thread
    def fail() -> None:
        raise ValueError("as it happens")

    with threadpool_limits(limits=3, user_api="blas"):
        with pytest.raises(ValueError, match="as it happens"):
            fail()
        assert blas_threads() == {3}


def test_threads_of_work_side_by_side_share_the_limit() -> None:
    with threadpool_limits(limits=3, user_api="blas"):
        assert list(in_order(lambda _: blas_threads(), range(3), 2)) == [{1}, {1}, {1}]
        assert blas_threads() == {3}


def sensor_model(pair: Pair) -> list[float]:
    found = estimate_sensor_model([pair], 0.3, pair.target.shape[2])
    return [*found.gains, *found.noise]


def upscaled(pair: Pair) -> np.ndarray:
    upscaler = Upscaler(tiny_weights(), "cpu")
    return upscaler(pair.target, pair.guide, pair.task, sensor="WorldView-3", bits=11)


@pytest.mark.parametrize(
    "estimated",
    [
        sensor_model,
        lambda pair: find_alignment([pair]).offset,
        lambda pair: best_channels(pair.target.reshape(-1, 4), pair.target.reshape(-1, 4), 2),
        GramSchmidtAdaptive().sharpen,
        upscaled,
    ],
    ids=["sensor model", "alignment", "guide choice", "gram-schmidt", "upscaler"],
)
def test_estimates_are_alike_to_the_bit(estimated: Callable[[Pair], object], pair: Pair) -> None:
    results = []
    for threads in (1, 2, 4):
        with threadpool_limits(limits=threads, user_api="blas"):
            results.append(np.asarray(estimated(pair)).tobytes())
    assert results[0] == results[1] == results[2]
