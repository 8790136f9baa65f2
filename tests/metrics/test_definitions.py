"""The definitions name every metric function and nothing else."""

from typing import get_args

import numpy as np
import pytest

import gisr.metrics
from gisr.metrics import METRICS, MetricName, d_lambda, d_lambda_k, d_s, hqnr, qnr

NO_REFERENCE = ("d_lambda", "d_s", "qnr", "d_lambda_k", "hqnr")


def test_every_metric_is_defined_and_callable() -> None:
    assert set(METRICS) == set(get_args(MetricName))
    for name, definition in METRICS.items():
        assert definition.name == name
        assert callable(getattr(gisr.metrics, name))
        assert definition.definition.endswith(".")
        assert definition.source


def test_headings_carry_the_unit() -> None:
    assert METRICS["sam"].heading == "SAM (degrees)"
    assert METRICS["ergas"].heading == "ERGAS"


def full_reference(name: MetricName, estimate: np.ndarray, truth: np.ndarray) -> float:
    options = {"ergas": {"ratio": 4.0}, "sam": {}, "rmse": {}, "q2n": {}}
    metric = getattr(gisr.metrics, name)
    return float(metric(estimate, truth, **options.get(name, {"peak": 255.0})))


def no_reference(name: MetricName, estimate: np.ndarray, truth: np.ndarray) -> float:
    """Take the truth for the target at any size, and its mean for the guide."""
    guide = truth.mean(axis=2)
    values = {
        "d_lambda": d_lambda(estimate, truth),
        "d_s": d_s(estimate, guide, truth, guide),
        "d_lambda_k": d_lambda_k(estimate, truth),
    }
    values["qnr"] = qnr(values["d_lambda"], values["d_s"])
    values["hqnr"] = hqnr(values["d_lambda_k"], values["d_s"])
    return values[name]


@pytest.mark.parametrize("name", get_args(MetricName))
def test_better_says_which_way_noise_moves_the_metric(name: MetricName) -> None:
    source = np.random.default_rng(0)
    truth = source.uniform(50, 200, (32, 32, 1)) + source.normal(0, 20, (32, 32, 3))
    noise = source.normal(0, 1, truth.shape)
    metric = no_reference if name in NO_REFERENCE else full_reference
    good, bad = (metric(name, truth + sigma * noise, truth) for sigma in (1.0, 30.0))
    assert (good > bad) == (METRICS[name].better == "higher")
