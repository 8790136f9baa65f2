"""``gisr reproduce`` from end to end, with a network of a moment."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gisr.apps.cli import main
from gisr.experiments.reproduce.features import Prompts
from gisr.magnet import MAGNet
from gisr.tasks.text.table import built_in_table
from gisr.training.checkpoint import latest_checkpoint
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.weights.store import save_weights

Words = Callable[..., list[str]]
BUDGET = ("--budget", "0.02")
STEPS = ("--budget", "10steps")
"""Where not the budget but what is made of the networks is looked at."""
COLUMNS = [
    *("landsat7 x2", "landsat7 x4", "mri-t1-t2 x2", "mri-t1-t2 x4", "mri-t1-t2 x8"),
    *("middlebury2005 x4", "middlebury2005 x8", "middlebury2005 x16"),
]


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{folder.name}.json").read_text("utf-8"))
    return found


def fails(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    return capsys.readouterr().err


def drawn(folder: Path) -> bool:
    """Whether the picture shows anything."""
    with Image.open(folder / f"{folder.name}.png") as picture:
        return len(np.unique(np.asarray(picture.convert("L")))) > 10


def test_table_3_trains_scores_and_says_how(
    command: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("table3", *BUDGET, "--seed", "3")) == 0
    folder = tmp_path / "table3"
    found = record(folder)
    assert [row["name"] for row in found["rows"]] == [
        "without MPGM and MGRM",
        "without MGRM",
        "without MPGM",
        "MAG-Net",
    ]
    assert {row["steps"] for row in found["rows"]} == {found["steps"]}
    assert found["steps"] == max(1, int(found["steps_per_second"] * 1.2 / 4))
    assert found["speed_measured_on"] == "MAG-Net"
    assert found["seeds"] == [3] and found["research_pairs"] is False
    assert found["trained_on"] == {
        "pansharpening, train": ["scene-train"],
        "mri, train": ["subject-train"],
        "depth, train": ["mb05-train"],
    }
    assert list(found["tested_on"]) == list(found["interpolation"]) == COLUMNS
    for row in found["rows"]:
        assert list(row["values"]) == COLUMNS and set(row["images"].values()) == {1}
    page = (folder / "table3.md").read_text("utf-8")
    for said in ("seed 3", "0.02 minutes", "commit ", "without research pairs", "†"):
        assert said in page
    assert (folder / "table3.tex").read_text("utf-8").count(r"\textbf") >= len(COLUMNS)

    before = {path: path.stat().st_mtime_ns for path in folder.glob("networks/*/scores-*.json")}
    capsys.readouterr()
    assert main(command("table3", *BUDGET, "--seed", "3")) == 0
    assert record(folder)["rows"] == found["rows"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "another experiment (recipe.seed 3 there, 0 here)" in fails(
        command("table3", *BUDGET), capsys
    )


def test_several_seeds_give_means_and_deviations_and_go_on_from_one(
    command: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command("table7", *STEPS, "--benchmarks", "landsat7")
    assert main(words) == 0
    folder = tmp_path / "table7"
    alone = record(folder)
    first = {path: path.stat().st_mtime_ns for path in folder.glob("networks/*/scores-*.json")}
    assert len(first) == 3 and "standard_deviation" not in alone["rows"][0]
    assert main([*words, "--seed", "0", "4", "7", "4"]) == 0
    found = record(folder)
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert len(list(folder.glob("seed-[47]/networks/*/scores-*.json"))) == 6
    assert found["seeds"] == [0, 4, 7] and "of 9 networks" in found["budget"]
    for row, before in zip(found["rows"], alone["rows"], strict=True):
        assert row["of_seeds"]["0"] == before["values"] != row["of_seeds"]["4"]
        for key, value in row["values"].items():
            reached = [row["of_seeds"][seed][key] for seed in ("0", "4", "7")]
            assert value == pytest.approx(np.mean(reached))
            assert row["standard_deviation"][key] == pytest.approx(np.std(reached, ddof=1)) != 0
    page = (folder / "table7.md").read_text("utf-8")
    assert "seeds 0, 4, 7, mean ± standard deviation" in page and page.count(" ± ") == 3 * 2 + 1
    assert (folder / "table7.tex").read_text("utf-8").count(r" $\pm$ ") == 3 * 2
    capsys.readouterr()
    said = fails(command("fig2", *STEPS, "--seed", "1", "2"), capsys)
    assert "--seed 1 2: fig2 takes one" in said


def test_table_4_goes_on_after_a_stop_and_leaves_other_tasks_empty(
    command: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gisr.experiments.reproduce import variant_training as run

    started: list[str] = []

    def stopped(recipe: Recipe, folder: Path, **options: Any) -> Path:
        if len(started) == 2:
            raise KeyboardInterrupt
        started.append(recipe.name)
        return train(recipe, folder, **options)

    words = command("table4", *BUDGET, "--benchmarks", "landsat7", "middlebury2005")
    with monkeypatch.context() as patch:
        patch.setattr(run, "train", stopped)
        assert main(words) == 130
    folder = tmp_path / "table4"
    (network,) = (folder / "networks").iterdir()
    assert network.name.startswith("pansharpening-")
    checkpoint = latest_checkpoint(network / "checkpoints")
    assert checkpoint is not None
    written = (checkpoint / "state.json").stat().st_mtime_ns
    assert main(words) == 0
    assert (checkpoint / "state.json").stat().st_mtime_ns == written
    rows = {row["name"]: row for row in record(folder)["rows"]}
    assert list(rows["pansharpening"]["values"]) == ["landsat7 x2", "landsat7 x4"]
    assert rows["mri"]["values"] == {}
    assert len(rows["pansharpening + mri + depth"]["values"]) == 5
    assert rows["depth"]["steps"] == max(1, round(record(folder)["steps"] / 3))


def test_experiments_of_one_folder_share_their_networks(command: Words, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    found = {}
    for what in ("table6", "table7", "balancing"):
        words = command(
            what, "--budget", "2steps", "--benchmarks", "landsat7", "--out", str(folder)
        )
        assert main(words) == 0
        found[what] = json.loads((folder / f"{what}.json").read_text("utf-8"))
    same = [("table6", "visual + text"), ("table7", "encoder"), ("balancing", "fixed, all 1")]
    rows = [{row["name"]: row for row in found[what]["rows"]}[name] for what, name in same]
    assert rows[0]["values"] == rows[1]["values"] == rows[2]["values"]
    assert {row["steps"] for record in found.values() for row in record["rows"]} == {2}
    assert len(list((folder / "networks").iterdir())) == 4 + 2 + 4
    assert found["table7"]["budget"] == "2 steps for each of 3 networks"


def test_fig_2_measures_every_channel_of_each_backbone(command: Words, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert main(command("fig2", *STEPS)) == 0
    norms = record(tmp_path / "fig2")["norms"]
    assert list(norms) == ["pansharpening", "mri", "depth"]
    assert {np.shape(values)[1] for values in norms.values()} == {4}
    assert all(np.min(values) >= 0 < np.max(values) for values in norms.values())
    assert drawn(tmp_path / "fig2")


def test_fig_10_shows_the_prompts_of_given_weights(
    command: Words, base: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    for name, module in (("with", True), ("without", False)):
        network = MAGNet(replace(base.network, prompt_module=module))
        save_weights(tmp_path / name, network, built_in_table(), name=name)
    assert main(command("fig10", "--weights", str(tmp_path / "with"))) == 0
    found = record(tmp_path / "fig10")
    kinds = {(prompt["task"], prompt["ratio"]) for prompt in found["prompts"]}
    assert kinds == {("pansharpening", 4)} | {
        (task, ratio) for task, ratios in _RATIOS.items() for ratio in ratios
    }
    assert all(len(prompt["a"]) == 2 for prompt in found["prompts"])
    assert {prompt["task"] for prompt in found["prompts"] if "b" in prompt} == {"mri"}
    assert drawn(tmp_path / "fig10")
    without = command("fig10", "--weights", str(tmp_path / "without"))
    assert "without: the network has no MPGM" in fails(without, capsys)


_RATIOS = {"mri": (2, 4, 8), "depth": (4, 8, 16)}


def test_agreement_asks_the_nearest_other_prompt() -> None:
    values = np.array([[0.0], [1.0], [10.0], [11.0], [21.0]], np.float32)
    prompts = Prompts(
        values, tuple("abcde"), ("mri", "mri", "mri", "mri", "depth"), (2, 4, 8, 8, 4)
    )
    assert prompts.agreement() == {"task": 0.8, "ratio (mri)": 0.5}


def test_fig_11_draws_the_curves_of_a_new_run_and_of_a_given_one(
    command: Words, base: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    assert main(command("fig11", *STEPS, "--benchmarks", "landsat7", "middlebury2005")) == 0
    found = record(tmp_path / "fig11")
    curve = found["validation"]["rmse_depth_middlebury2005_x4"]
    assert curve["steps"] == list(range(1, found["steps"] + 1)) and found["steps"] == 10
    assert len(found["validation"]) == 5
    assert drawn(tmp_path / "fig11")

    (run,) = (tmp_path / "fig11" / "networks").iterdir()
    again = command("fig11", "--run", str(run), "--out", str(tmp_path / "again" / "fig11"))
    assert main(again) == 0
    assert record(tmp_path / "again" / "fig11")["validation"] == found["validation"]
    train(base, tmp_path / "blind", stop_at=1, quiet=True)
    assert "has no validation" in fails(command("fig11", "--run", str(tmp_path / "blind")), capsys)
    nowhere = fails(command("fig11", "--run", str(tmp_path / "nowhere")), capsys)
    assert "nowhere/log.jsonl: there is no log of a run: name the folder of one" in nowhere
    (tmp_path / "file").touch()
    taken = fails(command("fig11", *STEPS, "--out", str(tmp_path / "file")), capsys)
    assert "file: is a file: name a folder for tables, pictures and networks" in taken


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("table9", *BUDGET), "cannot reproduce 'table9': use one of table1"),
        (("table3",), "--budget None: give minutes of training, steps"),
        (("table3", "--budget", "nan"), "--budget nan: give minutes"),
        (("fig10", "--budget", "3"), "--budget 3: nothing is trained"),
        (("table3", *BUDGET, "--run", "x"), "--run is for fig11"),
        (("table3", *BUDGET, "--weights", "x"), "--weights is for fig10"),
        (("table3", *BUDGET, "--images", "0"), "images 0 must be at least 1"),
        (("table3", *BUDGET, "--benchmarks", "nyu"), "no test entry of nyu"),
        (("fig11", *BUDGET, "--benchmarks", "nyu"), "no test entry of nyu"),
        (("table3", *BUDGET, "--rules", "samples", "time"), "--rules is for table1 and table2 and"),
        (("table1", *BUDGET, "--rules", "both"), "--rules both: must be one of samples, time"),
    ],
)
def test_mistakes_are_told(
    command: Words,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    """At once: nothing is measured, trained or written before."""
    assert message in fails(command(*words), capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.json"]
