"""What a folder of results holds already, and what it does not go on with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gisr.errors import RecipeError
from gisr.experiments.reproduce.plan import Budget
from gisr.experiments.reproduce.request import ExperimentRequest, read_plan, write_plan
from gisr.training.recipe import Recipe


def test_networks_of_other_pairs_are_not_taken_for_those_of_these(
    base: Recipe, data: Path, tmp_path: Path
) -> None:
    """The table said that its networks were trained on pairs that they had never seen."""
    request = ExperimentRequest(
        experiment="table3", recipe=base, out=tmp_path / "out", budget=Budget("steps", 2)
    )
    write_plan(request, {"MAG-Net": 2.0})
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(data, elsewhere)
    moved = replace(request, recipe=replace(base, data=str(elsewhere)))
    assert read_plan(moved) == {"MAG-Net": 2.0}
    records = json.loads((elsewhere / "index.json").read_text())
    another = {**next(each for each in records if each["task"] == "depth"), "id": "another"}
    (elsewhere / "index.json").write_text(json.dumps([*records, another]))
    with pytest.raises(RecipeError, match=r"another experiment \(entries\.depth 1 there, 2 here; "):
        read_plan(moved)
