"""The steps of CONTRIBUTING.md, followed: what is added there is found everywhere else."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from jaxtyping import Float
from PIL import Image

from gisr.apps.cli import main
from gisr.baselines.classical import CLASSICAL, ClassicalBaseline
from gisr.data.degradations import wald
from gisr.data.pair import Pair
from gisr.data.protocols import wald_pair
from gisr.datasets.entry import Entry
from gisr.datasets.readers import LAYOUTS, DatasetLayout
from gisr.datasets.readers.depth_files import frame_of_files
from gisr.datasets.sources import read_entries
from gisr.tasks import describe
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.tasks.sensors import _ALIASES, SENSORS, Sensor, find_sensor

RNG = np.random.default_rng(3)


def _write_frame(depth: Path, colour: Path, side: int = 64) -> None:
    """Write a slanted plane with a step, and a picture with an edge at the step."""
    rows, columns = np.mgrid[:side, :side]
    steps = 40 + rows // 2 + 60 * (columns > side // 2)
    Image.fromarray(steps.astype(np.uint8)).save(depth)
    grey = RNG.integers(0, 60, (side, side, 3)) + 120 * (columns > side // 2)[..., None]
    Image.fromarray(grey.astype(np.uint8)).save(colour)


def test_a_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = Sensor("SkySat", bits=11, mtf_gain=0.2, ratio=2)
    monkeypatch.setitem(SENSORS, sensor.key, sensor)
    monkeypatch.setitem(_ALIASES, "sky", sensor.key)
    assert find_sensor("sky-sat") is find_sensor("SKY") is sensor
    truth = RNG.uniform(1, 2047, (32, 32, 4)).astype(np.float32)
    pan = RNG.uniform(1, 2047, (32, 32, 1)).astype(np.float32)
    pair = wald_pair(truth, pan, 2, sensor="SkySat", bits=sensor.bits)
    np.testing.assert_array_equal(pair.target, wald(truth, 2, 0.2))
    assert not np.allclose(pair.target, wald_pair(truth, pan, 2).target)
    sharp = CLASSICAL["gsa"](pair.target, pan, "pansharpening", sensor="SkySat")
    assert sharp.shape == truth.shape
    # Without a text encoder: the sentence is that of a satellite whose sensor is not stated.
    assert describe("pansharpening", 2, sensor="SkySat") == describe("pansharpening", 2)
    assert PANSHARPENING.vocabulary["sensors"] == tuple(
        listed.name for listed in SENSORS.values() if listed is not sensor
    )


class _Stereo:
    """A data set of left pictures and disparities, as somebody might publish one."""

    @staticmethod
    def recognises(folder: Path) -> bool:
        return any(folder.glob("disparity_*.png"))

    @staticmethod
    def read(folder: Path) -> list[Entry]:
        name: Any = "stereo"  # LayoutName gets it in step 2
        frame = partial(frame_of_files, dataset=name, split="test", unit="8-bit levels")
        return [
            frame(depth, folder / depth.name.replace("disparity", "left"), name=depth.stem)
            for depth in sorted(folder.glob("disparity_*.png"))
        ]


def test_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = DatasetLayout(
        name="stereo",  # type: ignore[arg-type]  # LayoutName gets it in step 2
        title="Stereo, 1 test frame",
        task="depth",
        recognises=_Stereo.recognises,
        read=_Stereo.read,
        expects="disparity_N.png and left_N.png, 8 bits\n",
    )
    monkeypatch.setitem(LAYOUTS, layout.name, layout)
    _write_frame(tmp_path / "disparity_1.png", tmp_path / "left_1.png")
    (entry,) = read_entries(tmp_path)
    assert (entry.name, entry.dataset) == ("disparity_1", "stereo")
    assert main(["data", "list"]) == 0
    assert "disparity_N.png" in capsys.readouterr().out
    store = tmp_path.parent / "store"
    assert main(["data", "prepare", "stereo", str(tmp_path), str(store)]) == 0
    assert [stored.name for stored in read_entries(store)] == ["disparity_1"]


class _Nearest(ClassicalBaseline):
    """Nearest neighbours: the least that a compared system can do."""

    tasks: ClassVar = ("depth",)

    @property
    def name(self) -> str:  # type: ignore[override]  # BaselineName gets it in step 2
        return "nearest"

    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        ratio = round(pair.placement.ratio)
        return pair.target.repeat(ratio, axis=0).repeat(ratio, axis=1)


def test_a_compared_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CLASSICAL, "nearest", _Nearest())  # type: ignore[misc]
    _write_frame(tmp_path / "depth.png", tmp_path / "colour.png")
    (tmp_path / "pairs.csv").write_text(
        "name,task,target,guide,truth,split\nstep,depth,,colour.png,depth.png,test\n",
        encoding="utf-8",
    )
    assert main(["evaluate", str(tmp_path), "--systems", "bicubic", "nearest"]) == 0
    rows = {
        line.split("|")[1].strip(): line.split("|")[2:]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith(("| bicubic", "| nearest"))
    }
    errors = {name: float(cells[0].strip("*<>u/ ")) for name, cells in rows.items()}
    assert 0 < errors["bicubic"] < errors["nearest"]
