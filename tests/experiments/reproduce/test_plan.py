"""What is trained: the rows of the paper, each comparable with the others."""

from dataclasses import replace
from typing import get_args

import pytest

from gisr.errors import RecipeError
from gisr.experiments.reproduce.plan import TITLES, VARIANTS, ExperimentName
from gisr.training.recipe import Recipe, SetRecipe


def recipes(name: ExperimentName, base: Recipe, steps: int = 600) -> dict[str, Recipe]:
    return {variant.name: variant.recipe(base, steps) for variant in VARIANTS[name]}


def test_every_experiment_has_a_plan_and_a_title() -> None:
    assert set(VARIANTS) == set(TITLES) == set(get_args(ExperimentName))
    for variants in VARIANTS.values():
        assert len({variant.slug for variant in variants}) == len(variants)


def test_table_3_removes_each_module_and_both(base: Recipe) -> None:
    networks = [recipe.network for recipe in recipes("table3", base).values()]
    assert [(n.prompt_module, n.routing) for n in networks] == [
        (False, "none"),
        (True, "none"),
        (False, "encoder"),
        (True, "encoder"),
    ]


def test_table_4_has_every_combination_of_tasks_with_equal_epochs(base: Recipe) -> None:
    found = recipes("table4", base)
    tasks = [tuple(dict.fromkeys(chosen.task for chosen in r.sets)) for r in found.values()]
    assert tasks == [
        ("pansharpening",),
        ("mri",),
        ("depth",),
        ("pansharpening", "mri"),
        ("pansharpening", "depth"),
        ("mri", "depth"),
        ("pansharpening", "mri", "depth"),
    ]
    assert [recipe.steps for recipe in found.values()] == [200, 200, 200, 400, 400, 400, 600]
    assert {(recipe.seed, recipe.network) for recipe in found.values()} == {
        (base.seed, base.network)
    }


def test_table_5_has_one_two_and_three_sets_of_each_task(base: Recipe) -> None:
    three = tuple(SetRecipe(t, r) for t in ("pansharpening", "mri", "depth") for r in (2, 4, 8))
    found = list(recipes("table5", replace(base, sets=three)).values())
    assert [[chosen.ratio for chosen in recipe.sets] for recipe in found] == [
        [2, 2, 2],
        [2, 4, 2, 4, 2, 4],
        [2, 4, 8, 2, 4, 8, 2, 4, 8],
    ]
    same = replace(base, sets=(*three, SetRecipe("depth", 8)))
    with pytest.raises(RecipeError, match="sets of depth that are the same"):
        recipes("table5", same)


def test_tables_6_and_7_switch_the_modality_and_the_position(base: Recipe) -> None:
    modalities = [recipe.network.prompt_modality for recipe in recipes("table6", base).values()]
    assert modalities == ["neither", "visual", "text", "both"]
    positions = [recipe.network.routing for recipe in recipes("table7", base).values()]
    assert positions == ["encoder", "decoder", "both"]


def test_fig_2_trains_the_backbone_on_each_task_alone(base: Recipe) -> None:
    for task, recipe in recipes("fig2", base).items():
        assert {chosen.task for chosen in recipe.sets} == {task}
        assert (recipe.network.prompt_module, recipe.network.routing) == (False, "none")
    without = replace(base, sets=base.sets[:2])
    with pytest.raises(RecipeError, match="mri: the recipe tiny has no set of mri"):
        recipes("fig2", without)


def test_a_short_run_warms_up_and_averages_over_a_tenth(base: Recipe) -> None:
    short, long = (recipes("fig11", base, steps)["MAG-Net"] for steps in (100, 10**6))
    assert (short.warmup, short.average) == (10, 0.9)
    assert (long.warmup, long.average) == (base.warmup, base.average)
