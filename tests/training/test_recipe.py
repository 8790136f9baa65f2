"""Recipes: what ships can be read, and what cannot be trained is refused by name."""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gisr.baselines.network import PublishedSystem
from gisr.baselines.systems import SystemName, find_system
from gisr.errors import RecipeError
from gisr.magnet import PRESETS, MAGNetConfig
from gisr.tasks import TASKS
from gisr.training.balancing_settings import GradNormSettings, WeightAverageSettings
from gisr.training.checkpoint import latest_checkpoint
from gisr.training.loop import train
from gisr.training.recipe import Recipe, one_by_one
from gisr.training.recipe_file import read_recipe
from gisr.training.recipe_values import completed
from gisr.training.samples.mixture import Mixture
from gisr.training.set_recipe import SetRecipe
from gisr.training.sets import training_sets

SHIPPED = sorted(Path(str(files("gisr.training"))).glob("recipes/*.yaml"))
MINIMAL = """
name: small
data: pairs
sets:
  - {task: depth, ratio: 4}
steps: 10
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_shipped_recipes() -> None:
    assert {"laboratory", "magnet-s-open", "magnet-paper"} <= {path.stem for path in SHIPPED}


def published(name: SystemName) -> PublishedSystem:
    return find_system(name).published


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_can_be_read(path: Path) -> None:
    recipe = read_recipe(path)
    papers = {"pansharpening", "mri", "depth"}
    tasks = papers if recipe.system is None else set(published(recipe.system.name).tasks)
    assert {chosen.task for chosen in recipe.sets} == (
        set(TASKS) if path.stem == "magnet-s-open" else tasks
    )
    assert recipe.open_only or "open" not in path.stem


def tiny_set(chosen: SetRecipe) -> SetRecipe:
    """The same of the tiny pairs: of no sensor, and of whatever data set they are."""
    return replace(chosen, sensor=None, dataset="generated" if chosen.generated else None)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_train(
    recipe: Callable[..., Recipe], clip: Path, path: Path, tmp_path: Path
) -> None:
    """Two steps on tiny pairs, with all that does not fix sizes as it is shipped."""
    tiny = recipe()
    shipped = read_recipe(path)
    small: dict[str, Any] = {"width": 4, "blocks": (1, 1), "heads": (1, 2), "unshuffle": 2}
    plan = replace(
        shipped,
        data=tiny.data,
        sets=tuple(tiny_set(chosen) for chosen in shipped.sets),
        exclude=(),
        network=replace(
            shipped.network, **small, text_width=12 if shipped.text_encoder == "clip" else 384
        ),
        text_source=str(clip) if shipped.text_encoder == "clip" else None,
        patch=tiny.patch,
        stages=tuple(replace(stage, patch=tiny.patch) for stage in shipped.stages),
        workers=0,
    )
    if shipped.system is not None:
        own = plan.sets if published(shipped.system.name).all_in_one else plan.sets[:1]
        plan = replace(
            plan, sets=own, system=replace(shipped.system, width=0.25), patch=16, batch=2
        )
    train(plan, tmp_path, stop_at=2, quiet=True)
    latest = latest_checkpoint(tmp_path / "checkpoints")
    assert latest is not None
    assert latest.name == "step-00000002"


def test_the_papers_recipe_is_that_of_the_paper() -> None:
    """Section IV-B: 500 epochs of 1000 samples a set, batches of 4, Adam at 4e-4."""
    recipe = read_recipe(next(path for path in SHIPPED if path.stem == "magnet-paper"))
    assert recipe.steps * recipe.batch == 500 * 1000 * len(recipe.sets)
    assert (recipe.learning_rate, recipe.patch, recipe.balance_weight) == (4e-4, 128, 1e-3)
    assert recipe.network == PRESETS["magnet-paper"]
    assert (recipe.text_encoder, recipe.text_source) == ("clip", None)
    assert (recipe.balancing, recipe.sampling_temperature) == ("fixed", None)
    one = one_by_one(recipe, ["depth:8"])
    assert one.sets == (SetRecipe("depth", 8),)
    assert one.steps * one.batch == 500 * 1000
    assert one.name == "magnet-paper-depth-x8"


def test_one_by_one_keeps_a_part_of_the_mixture(recipe: Callable[..., Recipe]) -> None:
    sets = (SetRecipe("mri", 2), SetRecipe("depth", 4), SetRecipe("depth", 8))
    whole = recipe(sets=sets, steps=300)
    depth = one_by_one(whole, ["depth"])
    assert (depth.sets, depth.steps, depth.name) == (sets[1:], 200, "tiny-depth")
    both = one_by_one(whole, ["depth:8", "mri"])
    assert (both.sets, both.steps, both.name) == ((sets[0], sets[2]), 200, "tiny-depth-x8-mri")
    assert one_by_one(whole, ["mri:2"], scale_steps=False).steps == 300
    with pytest.raises(RecipeError, match=r"only: mri:4, video is not in the mixture of tiny"):
        one_by_one(whole, ["depth", "video", "mri:4"])


def test_a_minimal_recipe_takes_the_defaults(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, MINIMAL))
    expected = Recipe(name="small", data="pairs", sets=(SetRecipe("depth", 4),), steps=10)
    assert recipe == expected
    assert recipe.network == MAGNetConfig()


@pytest.mark.parametrize(
    ("said", "overrides", "folders"),
    [
        ("pairs", [], ("pairs",)),
        ("[pairs, stores/nyu]", [], ("pairs", "stores/nyu")),
        ("[pairs, stores/nyu]", ["--data", "other"], ("other",)),
        ("pairs", ["--data", "[a/b, c]"], ("a/b", "c")),
    ],
)
def test_data_is_a_folder_or_several(
    tmp_path: Path, said: str, overrides: list[str], folders: tuple[str, ...]
) -> None:
    text = MINIMAL.replace("data: pairs", f"data: {said}")
    assert read_recipe(write(tmp_path, text), overrides).folders == folders


def test_sets_may_choose_among_the_data(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "{task: depth, ratio: 4}",
        "{task: mri, ratio: 4, dataset: brats, contrast: T2, guide_contrast: T1, "
        "middle_slices: 80, reduced: means}",
    )
    (chosen,) = read_recipe(write(tmp_path, text)).sets
    assert chosen == SetRecipe("mri", 4, "brats", None, "T2", "T1", 80, None, "means")
    assert str(chosen) == (
        "mri x4 (dataset brats, contrast T2, guide_contrast T1, middle_slices 80, reduced means)"
    )


def test_nested_settings_and_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "network: {width: 16, routing: none}\ntask_weights: {mri: 2}")
    recipe = read_recipe(path, ["--steps", "7", "--network.width", "8"])
    assert (recipe.steps, recipe.network.width, recipe.network.routing) == (7, 8, "none")
    assert recipe.task_weights == {"mri": 2.0}


def test_what_a_list_of_groups_on_the_command_line_is_refused_for(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, ["--sets", "[{task: depth, ratio: 4, datset: lu}]"])
    assert str(caught.value) == "--sets: datset is no setting there: did you mean dataset?"


def test_a_recipe_with_task_weights_is_balanced_by_another_rule(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "task_weights: {mri: 2}")
    recipe = read_recipe(path, ["--balancing", "gradnorm", "--task_weights", "{}"])
    assert (recipe.balancing, recipe.task_weights) == ("gradnorm", {})


def test_balancing_and_its_settings(tmp_path: Path) -> None:
    addition = "balancing: gradnorm\ngradnorm: {asymmetry: 0.5}\nsampling_temperature: 2"
    recipe = read_recipe(write(tmp_path, MINIMAL + addition), ["--gradnorm.learning_rate", "0.1"])
    assert recipe.balancing == "gradnorm"
    assert recipe.gradnorm == GradNormSettings(asymmetry=0.5, learning_rate=0.1)
    assert recipe.sampling_temperature == 2
    other = read_recipe(write(tmp_path, MINIMAL), ["--balancing", "weight-average"])
    assert other.weight_average == WeightAverageSettings(temperature=2.0, interval=500)


@pytest.mark.parametrize(
    ("addition", "message"),
    [
        ("stepz: 4", r"unknown settings stepz: did you mean steps\?"),
        ("network: {widht: 4}", r"network: widht is no setting there: did you mean width\?"),
        ("stages: [{start: 0.5, patch: 96, bach: 1}]", r"stages: bach .* did you mean batch\?"),
        ("sets: [{task: depth, ratio: 4, datset: lu}]", r"sets: datset .* did you mean dataset\?"),
        ("sets: [{task: depth, ratio: 4, qq: 1}]", "sets: qq .* it is one of task, ratio, dataset"),
        ("sets: [{task: depth}]", "sets: ratio is missing"),
        ("system: {name: dctnt}", "system.name: dctnt must be one of promptir, .*dctnet"),
        ("system: {nam: dctnet}", r"system: nam is no setting there: did you mean name\?"),
        ("system: {name: dctnet, width: wide}", "system.width: wide must be a number"),
        ("network: {width: broad}", "width"),
        ("network: {width: 7}", "width 7"),
        ("network: {routing: everywhere}", "routing"),
        ("sets: []", "no training set"),
        ("sets: [{task: video, ratio: 4}]", "task"),
        ("sets: [{task: depth, ratio: 1}]", "depth x1"),
        ("sets: [{task: depth, ratio: 4, contrast: T1}]", "are for mri"),
        ("sets: [{task: depth, ratio: 4, sensor: QuickBird}]", "sensor is for pansharpening"),
        ("sets: [{task: pansharpening, ratio: 4, sensor: Hubble}]", "unknown sensor 'Hubble'"),
        ("sets: [{task: mri, ratio: 4, contrast: T1, guide_contrast: T1}]", "cannot guide itself"),
        ("sets: [{task: mri, ratio: 4, middle_slices: 0}]", "middle_slices"),
        ("sets: [{task: mri, ratio: 4, foreground_share: 1}]", "foreground_share"),
        ("text_encoder: parrot", "text_encoder"),
        ("text_source: clip", "text_source clip: is for text_encoder clip"),
        ("data: []", "names no folder"),
        ("data: 3", "data"),
        ("precision: float8", "precision"),
        ("steps: 0", "steps: 0"),
        ("batch: -1", "batch: -1"),
        ("patch: 100", "patch 100"),
        ("stages: [{start: 0.5, patch: 100, batch: 1}]", "patch 100"),
        ("stages: [{start: 1.5, patch: 96, batch: 1}]", "stages: .*between 0 and 1"),
        ("stages: [{start: 0.5, patch: 96, batch: 0}]", "stages: .*a sample"),
        (
            "stages: [{start: 0.5, patch: 96, batch: 1}, {start: 0.4, patch: 96, batch: 1}]",
            "stages: .*between 0.5 and 1",
        ),
        ("stages: [{class_path: os.system}]", "no class"),
        ("warmup: -1", "warmup: -1"),
        ("workers: -1", "workers: -1"),
        ("gradient_norm: 0", "gradient_norm"),
        ("learning_rate: 0", "learning_rate"),
        ("learning_rate: .nan", "learning_rate"),
        ("average: 1.0", "average"),
        ("balance_weight: -1", "balance_weight"),
        ("splits: [test]", "splits"),
        ("balancing: luck", "balancing"),
        (
            "balancing: gradnorm\ntask_weights: {mri: 2}",
            "task_weights: balancing 'gradnorm' .*--task_weights '{}'",
        ),
        ("balancing: gradnorm\ncompile: true", "compile: balancing 'gradnorm'"),
        ("task_weights: {mri: -1}", "task_weights: mri -1"),
        ("uncertainty: {learning_rate: 0}", "uncertainty: learning_rate 0"),
        ("weight_average: {temperature: 0}", "weight_average: temperature 0"),
        ("weight_average: {interval: 0}", "weight_average: interval 0"),
        ("gradnorm: {asymmetry: -1}", "gradnorm: asymmetry -1"),
        ("gradnorm: {alpha: 1}", "alpha"),
        ("sampling_temperature: 0", "sampling_temperature: 0"),
        ("betas: 3", "betas: 3 must be a list of 2"),
        ("betas: [0.9]", r"betas: \[0.9\] must be a list of 2"),
        ("betas: [a, b]", "betas: a must be a list of 2"),
        ("betas: [2, 3]", r"betas: \[2.0, 3.0\] must be in"),
        ("betas: [.nan, 0.9]", r"betas: \[nan, 0.9\] must be in"),
        ("seed: many", "seed: many must be a whole number"),
        ("seed: -1", "seed: -1 must be at least 0"),
        ("seed: null", "seed: null must be a whole number"),
        ("seed: 100000000000000000000", "seed: 1.* must be at most"),
        ("patches_per_image: 1e10", "patches_per_image: 1.* must be a whole number"),
        ("patches_per_image: 10000000000", "patches_per_image: 1.* must be at most"),
        ("batch: 1000000000", "batch: 1000000000 must be at most"),
        ("batch: 60000", "batch: 60000 patches of 128 x 128 are more than"),
        ("patch: 1048576", "patch: 1048576 must be at most"),
        ("workers: 1000000", "workers: 1000000 must be at most"),
        ("misregistration: .inf", "misregistration: inf must be at most"),
        ("balance_weight: .inf", "balance_weight: inf must be at most"),
        ("measured: 1.5", "measured: 1.5 must be at most 1"),
        ("measured: 0.5\nsystem: {name: promptir}", "measured 0.5: is for MAG-Net"),
        (
            "sets: [{task: depth, ratio: 4, reduced: means}]",
            "foreground_share and reduced are for mri",
        ),
        ("sets: [{task: mri, ratio: 4, reduced: box}]", "sets.reduced: box must be"),
        ("task_weights: {depth: .inf}", "task_weights: depth inf must be finite"),
        ("validate_every: null", "validate_every: null must be a whole number"),
        ("initial_weights: 3", "initial_weights: 3 must be text or null"),
        ('name: "a\\nb"', "name: "),
        ("stages: [{start: a, patch: 96, batch: 1}]", "stages.start: a must be a number"),
        ("sets: [{task: depth, ratio: 1000000}]", "depth x1000000 must be .* from 2 to 1024"),
        ("sets: [{task: depth, ratio: many}]", "sets.ratio: many must be a whole number"),
        ("exclude: [" + ", ".join(["[]"] * 9999) + "]", "exclude: "),
        ("{", r"recipe.yaml: line \d+: .*every bracket and quote is closed"),
        ("steps: [1\nfoo: 2", r"recipe.yaml: line \d+: expected ',' or ']'.*: settings are 'name:"),
        ("a:\n\tb: 1", r"recipe.yaml: line \d+: found character .*indented by spaces"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, addition: str, message: str) -> None:
    name = addition.split(":")[0]
    kept = [line for line in MINIMAL.splitlines() if not line.startswith(name)]
    if name == "sets":
        kept = [line for line in kept if not line.startswith("  -")]
    path = write(tmp_path, "\n".join([*kept, addition]))
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(path)
    assert "recipe.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("name", "value"),
    [("betas", "ab"), ("seed", "3"), ("seed", True), ("steps", None), ("name", 3), ("sets", 3)],
)
def test_values_of_another_kind_are_refused_in_python(
    recipe: Callable[..., Recipe], name: str, value: object
) -> None:
    with pytest.raises(RecipeError, match=f"^{name}: .* must be "):
        recipe(**{name: value})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_settings_that_came_after_a_record_are_at_their_defaults(path: Path) -> None:
    record = json.loads(json.dumps(read_recipe(path).record()))
    assert completed(Recipe, record) == record
    older = copy.deepcopy(record)
    for name in ("measured", "falls", "balancing", "gradnorm"):
        del older[name]
    del older["network"]["guide_channels"]
    for each in older["sets"]:
        del each["foreground_share"]
    defaults = {"measured": 1.0, "falls": [], "balancing": "fixed"}
    expected = {**record, **defaults, "gradnorm": asdict(GradNormSettings())}
    expected["network"]["guide_channels"] = 4
    for each in expected["sets"]:
        each["foreground_share"] = None
    assert completed(Recipe, older) == expected


def test_an_epoch_without_end_is_refused(recipe: Callable[..., Recipe]) -> None:
    generated = (SetRecipe("depth", 4, "generated"),)
    plan = recipe(sets=generated, patches_per_image=100_000)
    with pytest.raises(RecipeError, match="patches_per_image: 100000 makes an epoch of 100000000"):
        Mixture(training_sets(plan), patch=16, seed=0, patches_per_image=plan.patches_per_image)


def test_a_run_has_parts(tmp_path: Path) -> None:
    text = "stages: [{start: 0.6, patch: 96, batch: 2}, {start: 0.8, patch: 160, batch: 1}]"
    recipe = read_recipe(write(tmp_path, MINIMAL + text))
    parts = [(part.patch, part.batch, end) for part, end in recipe.parts(0, 10)]
    assert parts == [(128, 4, 6), (96, 2, 8), (160, 1, 10)]
    assert [end for _, end in recipe.parts(7, 10)] == [8, 10]
    assert [end for _, end in recipe.parts(1, 7)] == [6, 7]
    assert [end for _, end in recipe.parts(8, 8)] == []


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        ("steps: 20\n", "lines {steps} and {end}: steps is there twice: take one away"),
        (
            "network:\n  width: 8\n  unshuffle: 2\n  width: 16\n",
            "lines {end1} and {end3}: width is there twice: take one away",
        ),
        ("stages: [{start: 0.5, start: 0.6}]\n", "line {end}: start is there twice: take one away"),
    ],
)
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, addition: str, told: str) -> None:
    lines = MINIMAL.rstrip("\n").splitlines()
    steps = next(number for number, line in enumerate(lines, 1) if line.startswith("steps"))
    path = write(tmp_path, "\n".join([*lines, addition]))
    end = len(lines) + 1
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    why = told.format(steps=steps, end=end, end1=end + 1, end3=end + 3)
    assert str(caught.value) == f"{path}: {why}"


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        read_recipe(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    "attack",
    [
        "network: !!python/object/apply:pathlib.Path.touch [{mark}]",
        "data: !!python/object/apply:os.system ['touch {mark}']",
        "network: {class_path: pathlib.Path, init_args: {args: ['{mark}']}}",
        "network: {class_path: tests_attack.Payload}",
        "task_weights: {class_path: tests_attack.Payload}",
        "uncertainty: {class_path: tests_attack.Payload}",
        "weight_average: {class_path: tests_attack.Payload}",
        "gradnorm: {class_path: tests_attack.Payload}",
        "sets: [{class_path: tests_attack.Payload}]",
        "sets: {class_path: tests_attack.Payload}",
        "network: {other}",
        "recipe: {other}",
    ],
)
def test_a_recipe_cannot_run_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    mark = tmp_path / "mark"
    payload = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Payload: pass\n"
    (tmp_path / "tests_attack.py").write_text(payload, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    lines = [line for line in MINIMAL.splitlines() if not line.startswith(attack.split(":")[0])]
    other = tmp_path / "other.yaml"
    other.write_text("class_path: tests_attack.Payload", encoding="utf-8")
    attack = attack.replace("{mark}", str(mark)).replace("{other}", str(other))
    path = write(tmp_path, "\n".join([*lines, attack]))
    with pytest.raises(RecipeError):
        read_recipe(path)
    assert not mark.exists()


def test_the_record_is_plain(recipe: Callable[..., Recipe]) -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list | tuple):
            return all(map(plain, value))
        return value is None or isinstance(value, str | int | float | bool)

    record = recipe().record()
    assert plain(record)
    assert record["network"]["width"] == 4
