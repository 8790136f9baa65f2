"""Logs: what is written can be read again, as curves."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gisr.errors import FileFormatError
from gisr.training.log import Curve, TrainingLog, read_log
from gisr.training.recipe import Recipe

Build = Callable[..., Recipe]
SCORES = {
    "psnr_pansharpening_x4": 30.0,
    **{f"psnr_mri_x{ratio}": 40.0 - ratio for ratio in (2, 4, 8)},
    **{f"rmse_depth_x{ratio}": ratio / 4 for ratio in (4, 8, 16)},
}


def write(folder: Path, recipe: Recipe) -> None:
    """Write 100 steps, validated at 50 and 100."""
    with TrainingLog(folder, recipe) as log:
        for step in range(1, 101):
            values = {"loss": 1.0 if step <= 50 else 0.5}
            if step % 2:
                values["error_mri"] = float(step)
            log.training(step, 0.1 * step, values)
            if step % 50 == 0:
                log.validation(step, 0.1 * step, {k: v + step for k, v in SCORES.items()})


def test_curves_come_back(recipe: Build, tmp_path: Path) -> None:
    write(tmp_path, recipe())
    log = read_log(tmp_path)
    assert log.recipe["name"] == "tiny"
    assert log.training == {
        "loss": Curve((50, 100), (1.0, 0.5)),
        "error_mri": Curve((50, 100), (25.0, 75.0)),  # means over the steps that had the task
    }
    assert log.validation == {
        name: Curve((50, 100), (score + 50, score + 100)) for name, score in SCORES.items()
    }
    assert set(log.of_task("mri")) == {"psnr_mri_x2", "psnr_mri_x4", "psnr_mri_x8"}
    assert set(log.of_task("depth")) == {"rmse_depth_x4", "rmse_depth_x8", "rmse_depth_x16"}


def test_tensorboard_gets_the_same_curves(recipe: Build, tmp_path: Path) -> None:
    module = "tensorboard.backend.event_processing.event_accumulator"
    board = pytest.importorskip(module, reason="needs the extra track")
    write(tmp_path, recipe())
    events = board.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    log = read_log(tmp_path)
    curves = {f"training/{name}": curve for name, curve in log.training.items()}
    curves |= {f"validation/{name}": curve for name, curve in log.validation.items()}
    assert set(events.Tags()["scalars"]) == set(curves)
    for name, curve in curves.items():
        points = events.Scalars(name)
        assert tuple(point.step for point in points) == curve.steps
        assert [point.value for point in points] == pytest.approx(curve.values)


def test_repeated_steps_count_once(recipe: Build, tmp_path: Path) -> None:
    """A run killed in the middle of a line goes on from step 20, and says 30 again."""
    with TrainingLog(tmp_path, recipe()) as log:
        for step in (10, 20, 30, 40):
            log.validation(step, 1.0, {"psnr_mri_x4": float(step)})
    path = tmp_path / "log.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with TrainingLog(tmp_path, recipe(steps=9)) as log:
        log.validation(30, 1.0, {"psnr_mri_x4": 31.0})
    found = read_log(tmp_path)
    assert found.validation == {"psnr_mri_x4": Curve((10, 20, 30), (10.0, 20.0, 31.0))}
    assert found.recipe["steps"] == 9


@pytest.mark.parametrize(
    "line",
    [
        "{torn",
        "[1, 2]",
        '{"event": "party", "step": 1, "loss": 1}',
        '{"event": "training", "step": "one", "loss": 1}',
        '{"event": "training", "step": 1, "loss": null}',
        '{"event": "start"}',
        "{}",
    ],
)
def test_damage_is_named(tmp_path: Path, line: str) -> None:
    whole = json.dumps({"event": "training", "step": 1, "seconds": 1, "loss": 1})
    (tmp_path / "log.jsonl").write_text(f"{whole}\n{line}\n{whole}\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"log\.jsonl: line 2 "):
        read_log(tmp_path)


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="there is no log of a run"):
        read_log(tmp_path)
