"""The definitions name every metric function and nothing else."""

from typing import get_args

import numpy as np
import pytest

import gisr.metrics
from gisr.metrics import METRICS, MetricName


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


@pytest.mark.parametrize("name", get_args(MetricName))
def test_better_says_which_way_noise_moves_the_metric(name: MetricName) -> None:
    source = np.random.default_rng(0)
    truth = source.uniform(50, 200, (16, 16, 3))
    noise = source.normal(0, 1, truth.shape)
    options = {"ergas": {"ratio": 4.0}, "sam": {}, "rmse": {}}.get(name, {"peak": 255.0})
    metric = getattr(gisr.metrics, name)
    good, bad = (metric(truth + sigma * noise, truth, **options) for sigma in (1.0, 10.0))
    assert (good > bad) == (METRICS[name].better == "higher")
