"""Folders and lists of pairs from the command line."""

from pathlib import Path
from typing import Any

import pytest
from tests.apps.web_files import depth_files, mr_files

from gisr.apps import batches
from gisr.inference.upscaler import Upscaler
from gisr.pipelines import worker
from gisr.pipelines.batch import PairOutcome, plan_batch
from gisr.pipelines.execution import Execution
from gisr.pipelines.options import Options


class Bar:
    """A progress bar that records its unit and what is reported."""

    made: list["Bar"]

    def __init__(self, unit: str) -> None:
        self.unit, self.reports = unit, list[tuple[int, int]]()
        self.made.append(self)

    def __call__(self, done: int, total: int) -> None:
        self.reports.append((done, total))

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def test_progress_is_counted_in_the_unit_of_each_pair(
    tmp_path: Path, upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pairs = [mr_files(tmp_path), depth_files(tmp_path)]
    rows = [f"{pair.target},{pair.guide}" for pair in pairs]
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join(["target,guide", *rows]), encoding="utf-8")
    monkeypatch.setattr(worker, "load_once", lambda execution: upscaler)
    monkeypatch.setattr(batches, "shown_progress", lambda unit, execution: Bar(unit))
    Bar.made = []
    batch = plan_batch(table, None, tmp_path / "out", Options())
    assert batches.upscale_batch(batch, Options(), Execution()) == 0
    assert [(bar.unit, bar.reports[-1]) for bar in Bar.made] == [
        ("slices", (3, 3)),
        ("px", (48 * 64, 48 * 64)),
    ]
    assert "mri x4" in capsys.readouterr().out


def test_a_line_of_a_pair_stays_one_whatever_its_name(
    tmp_path: Path, upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pair = depth_files(tmp_path)
    (tmp_path / "bad\x1b.png").write_bytes(b"nonsense")
    rows = [f'{pair.target},{pair.guide},"a\nb.npy"', f"lists/../bad\x1b.png,{pair.guide},c.png"]
    (tmp_path / "lists").mkdir()
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join(["target,guide,output", *rows]), encoding="utf-8")
    monkeypatch.setattr(worker, "load_once", lambda execution: upscaler)
    batch = plan_batch(table, None, tmp_path / "out", Options())
    assert batches.upscale_batch(batch, Options(), Execution()) == 1
    out, err = capsys.readouterr()
    done, counts, failed = out.splitlines()
    assert done.startswith(f"{tmp_path}/out/a b.npy: depth x")
    assert (tmp_path / "out" / "a\nb.npy").exists()
    assert counts.startswith("1 done, 1 failed")
    assert failed in err and failed.startswith("failed: ") and failed.count("bad\\x1b.png") == 1
    item = batch.items[1]  # readers name the file by its absolute path, or as it was given
    for path in (item.target, item.target.resolve()):
        assert PairOutcome(item, None, f"{path}: is damaged").failure_line.count(".png") == 1
