"""What the rows of a table of ``gisr evaluate`` are, and what is told of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.small_network import small_network

from gisr.apps.cli import main
from gisr.baselines.family import load_family
from gisr.baselines.systems import SystemShape
from gisr.baselines.weights import save_system
from gisr.errors import FileFormatError, InputError
from gisr.experiments.evaluation import Score, marked, save_scores, tables
from gisr.tasks import TaskName
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import save_weights


def frames(folder: Path, columns: str = "truth", row: str = "map.png") -> Path:
    """Write a frame of one's own for testing."""
    folder.mkdir(exist_ok=True)
    boxes = np.random.default_rng(0).integers(1, 255, (6, 8)).astype(np.uint8)
    Image.fromarray(np.kron(boxes, np.ones((20, 20), np.uint8))).save(folder / "map.png")
    Image.fromarray(np.kron(boxes, np.ones((5, 5), np.uint8))).save(folder / "low.png")
    Image.new("RGB", (160, 120)).save(folder / "colour.png")
    table = f"name,task,split,guide,{columns}\na,depth,test,colour.png,{row}\n"
    (folder / "pairs.csv").write_text(table)
    return folder


def test_values_that_read_alike_share_a_mark() -> None:
    """Digits that are not shown made one of two 46.08 the best."""
    values = {"one": 46.0812, "two": 46.0799, "three": 45.1, "four": 40.0}
    found = marked(values, "psnr", ("**{}**", "<u>{}</u>"))
    assert list(found.values()) == ["**46.08**", "**46.08**", "<u>45.10</u>", "40.00"]
    scores = [Score("landsat7", 4, name, 6, {"psnr": v}, {}) for name, v in values.items()]
    lines = tables(scores).splitlines()
    assert {"| one | **46.08** |", "| two | **46.08** |", "| three | <u>45.10</u> |"} <= set(lines)


def test_own_pairs_are_scored_at_ratios_that_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(frames(tmp_path / "my data")), "--systems", "bicubic", "--quiet"]
    out = tmp_path / "scores.json"
    assert main([*words, "--ratios", "5", "3", "--out", str(out)]) == 0
    assert "| system | x3 RMSE (data unit) | x5 RMSE (data unit) |" in capsys.readouterr().out
    assert [each["ratio"] for each in json.loads(out.read_text())["scores"]] == [3, 5]
    assert main([*words, "--ratios", "1"]) == 2
    assert "--ratios 1: must be at least 2" in capsys.readouterr().err
    frames(tmp_path / "my data", "target,truth,ratio", "low.png,map.png,4")
    assert main([*words, "--ratios", "3"]) == 2
    assert "bicubic can score none of own-made-depth at x3: name others" in capsys.readouterr().err


def test_test_pairs_without_a_truth_are_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was said that they belong to none of 58 benchmarks."""
    folder = frames(tmp_path, "target,ratio", "low.png,4")
    assert main(["evaluate", str(folder), "--systems", "bicubic"]) == 2
    assert "no pair of the split test has a truth to compare with (1 of" in capsys.readouterr().err


def test_weights_that_never_saw_a_task_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "tiny"
    data = str(frames(tmp_path / "data"))
    trained: list[tuple[list[TaskName], bool]] = [(["mri"], True), (["depth", "mri"], False)]
    for tasks, told in trained:
        save_weights(weights, small_network(), built_in_table(), name="tiny", tasks=tasks)
        assert main(["evaluate", data, "--systems", str(weights), "--ratios", "4"]) == 0
        line = f"gisr: note: {weights} was trained on mri, not on depth"
        assert (line in capsys.readouterr().err) is told


def test_two_networks_for_the_same_pairs_are_refused(tmp_path: Path) -> None:
    """The first was scored under the name of both."""
    for name, ratio in (("a", 4), ("b", 4), ("c", 8)):
        shape = SystemShape("fdkn", ("depth",), 1, 3, ratio, 0.125)
        save_system(tmp_path / name, shape.build(), shape, name="x")
    load_family("fdkn", [str(tmp_path / name) for name in "ac"])
    with pytest.raises(InputError, match=r"b: is for depth x4, as .*a is: name one of the two"):
        load_family("fdkn", [str(tmp_path / name) for name in "abc"])


def test_scores_that_a_disk_refuses_leave_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk left a file of no bytes in their place."""
    out = tmp_path / "scores.json"
    save_scores([], out, "gisr evaluate x")
    before = out.read_text()

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FileFormatError, match=r"scores\.json: cannot be written"):
        save_scores([], out, "gisr evaluate y")
    assert out.read_text() == before
    assert list(tmp_path.iterdir()) == [out]
