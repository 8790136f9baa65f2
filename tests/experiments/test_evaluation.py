import json
from pathlib import Path

import numpy as np
import pytest

from gisr.baselines.classical import Bicubic
from gisr.data.protocols import wald_pair
from gisr.errors import InputError
from gisr.experiments.evaluation import Score, evaluate, load_systems, measure, save_scores, tables
from gisr.metrics import ergas, psnr, sam


def score(system: str, ratio: int, value: float) -> Score:
    return Score("landsat7", ratio, system, 6, {"psnr": value}, {"a": {"psnr": value}})


def test_tables_set_the_best_in_bold_and_underline_the_second() -> None:
    scores = [score("one", 2, 30.0), score("two", 2, 32.0), score("three", 2, 31.0)]
    lines = tables(scores).splitlines()
    assert "| one | 30.00 |" in lines
    assert "| two | **32.00** |" in lines
    assert "| three | <u>31.00</u> |" in lines
    assert "6 images." in lines[2]


def test_lower_is_better_for_errors() -> None:
    scores = [
        Score("middlebury2005", 4, name, 6, {"rmse": value}, {"a": {"rmse": value}})
        for name, value in (("one", 2.0), ("two", 1.0))
    ]
    assert "| two | **1.000** |" in tables(scores)


def test_measures_are_the_metrics_with_the_benchmarks_border() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 100, (64, 64, 4)).astype(np.float32)
    pair = wald_pair(truth, truth.mean(axis=2, keepdims=True), 4, bits=8)
    estimate = Bicubic().upscale(pair)
    assert measure("psnr", estimate, pair, 8) == psnr(estimate, truth, peak=255, border=8)
    assert measure("sam", estimate, pair, 8) == sam(estimate, truth, border=8)
    assert measure("ergas", estimate, pair, 8) == ergas(estimate, truth, ratio=4, border=8)


def test_unknown_benchmarks_and_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown benchmark"):
        evaluate({}, tmp_path, benchmarks=["no-such"])
    with pytest.raises(InputError, match="belongs to tasks"):
        evaluate({}, tmp_path, benchmarks=["landsat7"], tasks=["mri"])


def test_scores_are_kept_with_their_origin(tmp_path: Path) -> None:
    save_scores([score("one", 2, 30.0)], tmp_path / "scores.json", command="gisr evaluate x")
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert record["command"] == "gisr evaluate x"
    assert record["scores"][0]["per_image"] == {"a": {"psnr": 30.0}}
    assert {"commit", "date", "machine"} <= set(record)


def test_bicubic_rows_are_the_independent_ones(data_folder: Path) -> None:
    """shared/data/README.md measured them with other code: 0.123, 0.207 and 0.346 metres."""
    scores = evaluate(load_systems(["bicubic"]), data_folder, benchmarks=["depth-sensors"])
    found = [found.values["rmse"] for found in scores]
    assert found == pytest.approx([0.123, 0.207, 0.346], abs=0.001)
    assert all(len(found.per_image) == found.images == 9 for found in scores)
