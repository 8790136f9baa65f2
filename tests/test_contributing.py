"""The steps of CONTRIBUTING.md, followed: what is added there is found everywhere else."""

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from jaxtyping import Float
from PIL import Image
from tests.warm import Warm

import gisr
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
from gisr.weights.store import Weights, save_weights

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


SOURCE = Path(gisr.__file__).parent
THERMAL = Path(__file__).with_name("thermal")
STEPS: tuple[tuple[str, str, str], ...] = (
    ("tasks/task.py", '"mri", "depth"]', '"mri", "depth", "thermal"]'),
    (
        "tasks/__init__.py",
        "from gisr.tasks.task import",
        "from gisr.tasks.thermal import THERMAL\n",
    ),
    ("tasks/__init__.py", "MULTIBAND, MRI, DEPTH)", "MULTIBAND, MRI, DEPTH, THERMAL)"),
    ("datasets/readers/layout.py", '    "pairs",\n]', '    "pairs",\n    "thermograms",\n]'),
    (
        "datasets/readers/__init__.py",
        "from gisr.datasets.readers.user_pairs",
        "from gisr.datasets.readers.thermograms import THERMOGRAMS\n",
    ),
    ("datasets/readers/__init__.py", "        PAIRS,\n", "        PAIRS,\n        THERMOGRAMS,\n"),
    (
        "pipelines/table.py",
        "from gisr.tasks import TASKS",
        "from gisr.pipelines.thermal import ThermalPipeline\n",
    ),
    ("pipelines/table.py", "DepthPipeline(),", "DepthPipeline(), ThermalPipeline(),"),
    # A sensor is one line.
    ("tasks/sensors.py", "_ALL = (\n", '_ALL = (\n    Sensor("SkySat", 11, 0.2, ratio=2),\n'),
)
"""Lines that the steps change: file, what stands there, what stands there then, or, for an import,
what goes before it."""
RUN = """
import json, sys
from pathlib import Path
package = Path(sys.argv[1])
# The process has this checkout's gisr, and torch, which takes seconds to import.
for name in [each for each in sys.modules if each.partition(".")[0] == "gisr"]:
    del sys.modules[name]
sys.path.insert(0, str(package.parent))
import gisr
from gisr.apps.cli import main
from gisr.tasks.text.table import built_in_table
assert Path(gisr.__file__).parent == package, gisr.__file__
built_in_table()  # it holds what it must: nothing has to be embedded again
for words in json.loads(sys.argv[2]):
    print("$", *words, flush=True)
    if main(words):
        sys.exit(f"gisr {words} failed")
"""


def _changed_copy(folder: Path) -> Path:
    """Return a copy of the package that the steps were followed in; no other file is touched."""
    package = folder / "gisr"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__", "embedded"))
    for name, place in (
        ("record", "tasks/thermal.py"),
        ("reader", "datasets/readers/thermograms.py"),
        ("pipeline", "pipelines/thermal.py"),
    ):
        shutil.copy(THERMAL / f"{name}.py", package / place)
    for place, before, after in STEPS:
        text = (package / place).read_text(encoding="utf-8")
        assert text.count(before) == 1, (place, before)
        new = after + before if after.startswith("from ") else after
        (package / place).write_text(text.replace(before, new), encoding="utf-8")
    return package


def test_a_task_and_a_sensor(warm: Warm, tmp_path: Path, weights: Callable[..., Weights]) -> None:
    package, data, low = (tmp_path / name for name in ("package", "data", "low"))
    package = _changed_copy(package)
    rows, columns = np.mgrid[:64, :80]
    heat = (280 + rows / 8 + 9 * (columns > 40)).astype(np.float32)
    for folder, side in ((data, 1), (low, 4)):
        folder.mkdir()
        np.save(folder / "wall_heat.npy", heat[::side, ::side])
    np.save(data / "wall_grey.npy", (columns > 40) * 100 + rows)
    (low / "pairs.csv").write_text(
        "target,guide,task\nwall_heat.npy,../data/wall_grey.npy,thermal\n", encoding="utf-8"
    )
    made = weights()
    save_weights(tmp_path / "weights", made.network, made.descriptions, name="tiny")
    files = [str(low / "wall_heat.npy"), str(data / "wall_grey.npy"), "-o", str(tmp_path / "o.npy")]
    # Its own sentence is read by a text encoder, where the extra is installed.
    common = ["--model", str(tmp_path / "weights"), "--describe", describe("depth", 4)]
    further = ["--uncertainty", str(tmp_path / "spread.npy"), "--consistent"]
    commands = [
        ["tasks"],
        ["data", "list", str(data)],
        ["upscale", *files, *common, *further],
        ["upscale", str(low / "pairs.csv"), "-o", str(tmp_path / "sharp"), *common],
        ["evaluate", str(data), "--systems", "bicubic", "--quiet"],
    ]
    ran = warm.run("-c", RUN, str(package), json.dumps(commands))
    assert ran.returncode == 0, ran.stderr + ran.stdout
    _, tasks, listed, one, several, tables = re.split(r"^\$ .*\n", ran.stdout, flags=re.MULTILINE)
    assert "\nthermal\n" in tasks and "SkySat" in tasks
    assert "thermal  test   K     1 " in listed
    assert "thermal x4" in one and "1 done, 0 failed" in several
    for path in (tmp_path / "o.npy", tmp_path / "sharp" / "wall_heat.npy"):
        sharp = np.load(path)
        assert sharp.shape == heat.shape and sharp.dtype == np.float32
        assert 0 < np.abs(sharp - heat).mean() < 5
    assert np.load(tmp_path / "spread.npy").shape == heat.shape
    (bicubic,) = (line for line in tables.splitlines() if line.startswith("| bicubic"))
    assert 0 < float(bicubic.split("|")[2].strip("*<>u/ ")) < 5
    assert "RMSE" in tables and "Thermal" in tables
