from collections.abc import Callable
from pathlib import Path

import pytest

from gisr.baselines.classical import Bicubic
from gisr.data.open_pairs import read_open_pairs
from gisr.data.protocols import depth_pair
from gisr.experiments.validation import make_validation
from gisr.magnet import MAGNet
from gisr.metrics import rmse
from gisr.tasks.text.table import built_in_table
from gisr.training.loop import train
from gisr.training.recipe import Recipe


def test_held_out_pairs_go_through_the_upscaler(recipe: Callable[..., Recipe]) -> None:
    """A new network is the identity, so its validation is that of the interpolated target."""
    plan = recipe(exclude=("frame1",))
    validate = make_validation(plan)
    assert validate is not None
    scores = validate(MAGNet(plan.network).eval(), built_in_table())
    assert set(scores) == {"rmse_depth_x4", "rmse_depth_x8", "rmse_depth_x16"}
    (entry,) = (pair for pair in read_open_pairs(plan.data) if pair.name == "frame1")
    values, valid = entry.depth
    pair = depth_pair(values, entry.colour, 4, valid=valid)
    assert pair.truth is not None
    expected = rmse(Bicubic().upscale(pair), pair.truth, border=6, valid=pair.truth_valid)
    assert scores["rmse_depth_x4"] == pytest.approx(expected, rel=1e-3)


def test_every_task_can_be_held_out(recipe: Callable[..., Recipe]) -> None:
    plan = recipe(exclude=("scene0", "subject"))
    validate = make_validation(plan)
    assert validate is not None
    scores = validate(MAGNet(plan.network).eval(), built_in_table())
    assert set(scores) == {"psnr_pansharpening_x4", *(f"psnr_mri_x{ratio}" for ratio in (2, 4, 8))}


def test_nothing_held_out_means_no_validation(recipe: Callable[..., Recipe]) -> None:
    assert make_validation(recipe()) is None


def test_validation_does_not_change_the_training(
    recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    plan = recipe(exclude=("frame1",), validate_every=2, steps=4)
    with_it = train(plan, tmp_path / "with", validate=make_validation(plan), quiet=True)
    without = train(plan, tmp_path / "without", quiet=True)
    assert (with_it / "model.safetensors").read_bytes() == (
        without / "model.safetensors"
    ).read_bytes()
    log = (tmp_path / "with" / "log.jsonl").read_text(encoding="utf-8")
    assert log.count('"event": "validation"') == 2
