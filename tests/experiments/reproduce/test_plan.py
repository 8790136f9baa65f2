"""What is trained: the rows of the paper, each comparable with the others."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from gisr.errors import InputError, RecipeError
from gisr.experiments.reproduce.plan import TITLES, VARIANTS, Budget, ExperimentName
from gisr.experiments.reproduce.request import ExperimentRequest
from gisr.experiments.reproduce.system_figures import SystemFigure, figure_of, reproduce_comparison
from gisr.experiments.reproduce.system_rows import SystemTable
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe


def recipes(name: ExperimentName, base: Recipe, steps: int = 600) -> dict[str, Recipe]:
    return {variant.name: variant.recipe(base, steps) for variant in VARIANTS[name]}


def test_every_experiment_has_a_plan_and_a_title(base: Recipe) -> None:
    systems = {*get_args(SystemTable), *get_args(SystemFigure)}
    assert set(VARIANTS) | systems == set(TITLES) == set(get_args(ExperimentName))
    assert not set(VARIANTS) & systems
    three = tuple(SetRecipe(t, r) for t in ("pansharpening", "mri", "depth") for r in (2, 4, 8))
    for variants in VARIANTS.values():
        keys = {variant.key(replace(base, sets=three)) for variant in variants}
        assert len(keys) == len(variants)


def test_a_figure_shows_its_own_task_whatever_the_recipe_trains(base: Recipe) -> None:
    for number, name in enumerate(get_args(SystemFigure)):
        table, task = figure_of(name)
        assert table == ("table1" if number < 3 else "table2")
        shown = {"pansharpening": "pansharpening", "mri": "MR images", "depth": "depth maps"}[task]
        assert shown in TITLES[name]
    sets = (SetRecipe("depth", 4),)
    request = ExperimentRequest(
        experiment="fig8",
        recipe=replace(base, sets=sets),
        out=Path("out"),
        budget=Budget.parse("1steps"),
    )
    with pytest.raises(InputError, match=r"fig8: the recipe .* has no set of mri, which it shows"):
        reproduce_comparison(request, "fig8", lambda line: None)


def test_rows_that_are_the_same_network_have_one_key(base: Recipe) -> None:
    unchanged = {
        (name, variant.name)
        for name, variants in VARIANTS.items()
        for variant in variants
        if variant.key(base) == "all"
    }
    assert unchanged >= {
        ("table3", "MAG-Net"),
        ("table4", "pansharpening + mri + depth"),
        ("table6", "visual + text"),
        ("table7", "encoder"),
        ("balancing", "fixed, all 1"),
    }
    backbone = VARIANTS["table3"][0].key(base)
    assert backbone == "prompt_module-false-routing-none"
    assert VARIANTS["fig2"][0].key(base) == f"{backbone}-pansharpening"


def test_balancing_changes_the_rule_and_nothing_else(base: Recipe) -> None:
    found = list(recipes("balancing", base).values())
    rules = [(recipe.balancing, recipe.sampling_temperature) for recipe in found]
    assert rules == [
        ("fixed", None),
        ("uncertainty", None),
        ("weight-average", None),
        ("gradnorm", None),
        ("fixed", 1.0),
    ]
    assert {(recipe.steps, recipe.seed, recipe.sets) for recipe in found} == {
        (600, base.seed, base.sets)
    }
    assert found[2].weight_average.interval == 60  # a tenth of a short run


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("60", "minutes", 60),
        ("0.5", "minutes", 0.5),
        ("800steps", "steps", 800),
        ("paper",) * 2 + (0,),
    ],
)
def test_budgets(text: str, unit: str, amount: float) -> None:
    budget = Budget.parse(text)
    assert (budget.unit, budget.amount, str(budget)) == (unit, amount, text)


@pytest.mark.parametrize("text", [None, "", "0", "-3", "nan", "1.5steps", "steps", "3 hours"])
def test_no_budgets(text: str | None) -> None:
    with pytest.raises(InputError, match="give minutes of training"):
        Budget.parse(text)


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


def test_a_set_that_stands_twice_counts_once_in_table_5_and_weighs_twice(base: Recipe) -> None:
    pan, mri = [SetRecipe("pansharpening", r) for r in (2, 4)], SetRecipe("mri", 2)
    twice = (mri, mri, SetRecipe("mri", 4), SetRecipe("mri", 8))
    found = list(recipes("table5", replace(base, sets=(*pan, *twice))).values())
    assert [recipe.sets for recipe in found] == [
        (pan[0], mri, mri),
        (*pan, *twice[:3]),
        (*pan, *twice),
    ]
    assert [recipe.steps for recipe in found] == [300, 500, 600]


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


def test_a_short_run_warms_up_in_a_tenth_unless_a_longer_one_goes_on_from_it(base: Recipe) -> None:
    short, long = (recipes("fig11", base, steps)["MAG-Net"] for steps in (100, 10**6))
    assert (short.warmup, short.weight_average.interval) == (10, 10)
    assert (long.warmup, long.weight_average) == (base.warmup, base.weight_average)
    constant = replace(base, schedule="constant")
    short, long = (recipes("fig11", constant, steps)["MAG-Net"] for steps in (100, 10**6))
    assert replace(short, steps=long.steps) == long
