from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.trainees import new_upscaler

from gisr.baselines.classical import Bicubic
from gisr.data.protocols import depth_pair
from gisr.datasets.entry import Frame, PublishedPair
from gisr.experiments import validation
from gisr.experiments.validation import make_validation
from gisr.metrics import rmse
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe
from gisr.training.sets import recipe_entries


def test_held_out_pairs_go_through_the_upscaler(recipe: Callable[..., Recipe]) -> None:
    """A new network is the identity, so its validation is that of the interpolated target."""
    plan = recipe(exclude=("frame1",))
    validate = make_validation(plan)
    assert validate is not None
    scores = validate(new_upscaler(plan))
    assert set(scores) == {"rmse_depth_x4"}  # what the recipe trains
    (entry,) = (found for found in recipe_entries(plan) if found.name == "frame1")
    assert isinstance(entry, Frame)
    values, valid = entry.depth
    pair = depth_pair(values, entry.colour, 4, valid=valid)
    assert pair.truth is not None
    expected = rmse(Bicubic().answer(pair).image, pair.truth, border=6, valid=pair.truth_valid)
    assert scores["rmse_depth_x4"] == pytest.approx(expected, rel=1e-3)


def test_every_task_can_be_held_out(recipe: Callable[..., Recipe]) -> None:
    plan = recipe(exclude=("scene0", "subject"))
    validate = make_validation(plan)
    assert validate is not None
    scores = validate(new_upscaler(plan))
    assert set(scores) == {"psnr_pansharpening_x2", "psnr_mri_x2"}


def test_held_out_pairs_are_made_coarse_by_the_protocol(recipe: Callable[..., Recipe]) -> None:
    wanted = (SetRecipe("mri", 2), SetRecipe("mri", 3, reduced="means"))
    validate = make_validation(plan := recipe(exclude=("subject",), sets=wanted))
    assert validate is not None
    assert set(validate(new_upscaler(plan))) == {"psnr_mri_x2"}


def test_a_few_of_many_validation_entries_are_taken_evenly(
    recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    def frame(number: int, dataset: str) -> Frame:
        return Frame(
            name=f"{dataset}-{number}",
            dataset=dataset,
            split="val",
            read_depth=lambda: (np.full((32, 32), number), np.ones((32, 32), bool)),
            read_colour=lambda: np.zeros((32, 32, 3)),
        )

    entries = [frame(number, "many") for number in range(15)]
    entries += [frame(number, "few") for number in range(3)]
    monkeypatch.setattr(validation, "recipe_entries", lambda plan: entries)
    found = [entry.name for entry in validation._held_out(recipe(exclude=("many-1",)))]
    assert found == [
        "many-1",
        *(f"many-{n}" for n in (0, 3, 5, 7, 8, 10, 12, 14)),
        *(f"few-{n}" for n in range(3)),
    ]


def test_made_pairs_are_validated_at_their_own_ratio(
    recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(32, 32, 4))
    entry = PublishedPair(
        name="made",
        dataset="pancollection",
        split="val",
        task="pansharpening",
        ratio=2,
        peak=1.0,
        read_target=lambda: truth[::2, ::2],
        read_guide=lambda: truth[..., :1],
        read_truth=lambda: truth,
    )
    bare = replace(entry, name="bare", read_truth=None)
    monkeypatch.setattr(validation, "recipe_entries", lambda plan: [entry, bare])
    validate = make_validation(plan := recipe())
    assert validate is not None
    scores = validate(new_upscaler(plan))
    assert set(scores) == {"psnr_pansharpening_x2"}


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
