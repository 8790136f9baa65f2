"""Tables I and II and their figures from end to end, with the smallest systems of each task."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gisr.apps.cli import main
from gisr.baselines.classical import Bicubic
from gisr.experiments.reproduce import (
    system_cost,
    system_rows,
    system_schedules,
    variant_training,
)
from gisr.experiments.reproduce.plan import Budget, Variant
from gisr.experiments.reproduce.request import ExperimentRequest
from gisr.experiments.reproduce.system_rows import table_variants
from gisr.experiments.reproduce.system_schedules import make_schedules
from gisr.training.loop import Validate
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe
from gisr.weights.store import load_weights

SETS = tuple(SetRecipe(task, 4) for task in ("pansharpening", "mri", "depth"))
Words = Callable[..., list[str]]


@pytest.fixture
def words(base: Recipe, command: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Words:
    """Build the words of a table of few systems, with runs that go on from each other."""
    monkeypatch.setattr(system_rows, "_rows", lambda: ["transweather", "m3dnet", "masa", "dagf"])
    monkeypatch.setattr(system_cost, "_COUNTED", 64)
    monkeypatch.setattr(system_cost, "_TIMED", 64)
    plan = replace(
        base, sets=SETS, schedule="constant", warmup=2, checkpoint_every=2, patches_per_image=4
    )
    recipe = tmp_path / "systems.json"
    recipe.write_text(json.dumps(plan.record()), encoding="utf-8")

    def of(what: str, steps: int, *more: str, out: str = "out") -> list[str]:
        own = ["--out", str(tmp_path / out), "--recipe", str(recipe)]
        return [*command(what), "--budget", f"{steps}steps", *own, *more]

    return of


def record(folder: Path, what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{what}.json").read_text("utf-8"))
    return found


def test_table_1_by_both_rules_goes_on_from_a_smaller_budget(
    words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The all-in-one system counts as three times slower: it has the middle speed, of two the lower.
    monkeypatch.setattr(
        system_schedules, "steps_per_second", lambda variant, *_: 3.0 - 2 * bool(variant.system)
    )
    out = tmp_path / "out"
    scenes = ("--benchmarks", "landsat7")
    assert main(words("table1", 2, *scenes)) == 0
    found = record(out, "table1")
    steps = {
        rule: {row["name"]: row["steps"] for row in found[rule]} for rule in ("samples", "time")
    }
    assert steps == {
        "samples": {"TransWeather": 2, "MAG-Net": 2},
        "time": {"TransWeather": 2, "MAG-Net": 6},
    }
    assert all("landsat7 x4" in row["values"] for row in found["samples"] + found["time"])
    minutes = {row["name"]: row["minutes_by_speed"] for row in found["time"]}
    assert minutes == {"TransWeather": 0.03, "MAG-Net": 0.03}  # 2 steps at 1 a second, 6 at 3
    page = (out / "table1.md").read_text("utf-8")
    assert page.count("| MAG-Net |") == page.count("| TransWeather |") == 2
    assert "| 12 |" in page.split("Equal time")[1]  # samples that MAG-Net saw: 6 steps of 2
    assert (out / "table1.tex").read_text("utf-8").count(r"\midrule") == 4
    early = load_weights(out / "networks/all/weights-2").network.state_dict()
    stamp = (out / "networks/all/weights-2/config.json").stat().st_mtime_ns

    assert main(words("table1", 4, *scenes)) == 0
    assert {row["name"]: row["steps"] for row in record(out, "table1")["time"]}["MAG-Net"] == 12
    assert (out / "networks/all/weights-2/config.json").stat().st_mtime_ns == stamp
    later = load_weights(out / "networks/all/weights-12").network.state_dict()
    assert any(not torch.equal(early[name], later[name]) for name in early)
    # As one run of as many steps would have been, bit for bit; and the network of four steps, which
    # the one of six had passed, is one of its own.
    assert sorted(path.name for path in (out / "networks").iterdir()) == [
        *("all", "all-4", "transweather")
    ]
    assert main(words("fig4", 4, *scenes, "--rules", "time")) == 0
    drawn = record(out, "fig4")
    assert (drawn["rule"], drawn["steps"]) == ("time", 12)
    assert drawn["budget"] == "4 steps for each of 2 networks"
    assert len(list((out / "networks").iterdir())) == 3  # no network was trained for the figure
    monkeypatch.setattr(system_rows, "_rows", list)
    assert main(words("table1", 12, *scenes, "--rules", "samples", out="alone")) == 0
    whole = load_weights(tmp_path / "alone/networks/all/weights-12").network.state_dict()
    assert all(torch.equal(whole[name], later[name]) for name in whole)


def test_table_2_has_a_part_a_task_and_its_figure_shows_its_networks(
    words: Words, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main(words("table2", 6, "--rules", "samples")) == 0
    page = (out / "table2.md").read_text("utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    own = ("M3DNet", "MASA", "DAGF")
    assert [row for row in rows if row in (*own, "MAG-Net")] == [
        name for system in own for name in (system, "MAG-Net")
    ]
    assert {row["steps"] for row in record(out, "table2")["samples"]} == {2}  # a third of the sets
    assert main(words("fig9", 6)) == 0
    assert record(out, "fig9")["systems"] == ["DAGF", "MAG-Net"]
    assert record(out, "fig9")["rule"] == "samples"
    with Image.open(out / "fig9.png") as picture:
        assert picture.width > 200 * 6  # guide, target, truth, interpolation and two systems


def test_other_work_does_not_make_a_network_of_one_thread_slow(
    base: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting(*_: object, validate: Validate, **__: object) -> None:
        for _step in range(8):
            time.sleep(0.02)
            validate(Bicubic())

    monkeypatch.setattr(variant_training, "train", waiting)
    for threads, waits in ((1, False), (2, True)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        rate = variant_training.steps_per_second(Variant(name="whole"), base, "cpu")
        assert (rate < 50) == waits


def test_minutes_are_shared_by_all_networks(
    base: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"transweather": 4.0, "captnet": 2.0, "all": 1.0}
    monkeypatch.setattr(
        system_schedules, "steps_per_second", lambda variant, base, _: rates[variant.key(base)]
    )
    monkeypatch.setattr(system_rows, "_rows", lambda: ["transweather", "captnet"])
    for schedule, seconds in (
        ("constant", 0.5 + 0.5 + 1.0),  # the longer of both runs begins with the shorter
        ("cosine", (0.25 + 0.5) + (0.5 + 0.5) + (1.0 + 0.5)),
    ):
        plan = replace(base, schedule=schedule)  # type: ignore[arg-type]
        request = ExperimentRequest(
            experiment="table1", recipe=plan, out=tmp_path / schedule, budget=Budget("minutes", 1)
        )
        found = make_schedules(request, table_variants("table1", plan), lambda line: None)
        steps = int(60 / seconds)
        assert {schedule.steps for schedule in found["samples"].values()} == {steps}
        assert {key: schedule.steps for key, schedule in found["time"].items()} == {
            "transweather": 2 * steps,
            "captnet": steps,
            "all": round(steps / 2),
        }
        again = replace(request, rules=("samples",), budget=Budget("steps", 9))
        if schedule == "constant":  # the other's budget is part of what the folder holds
            (known,) = make_schedules(again, table_variants("table1", plan), print).values()
            assert {key: each.steps_per_second for key, each in known.items()} == rates
