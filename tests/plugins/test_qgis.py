"""The plugin in the real QGIS: installed from its zip, listed, run, cancelled."""

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.geotiffs import BGRN, write_geotiff
from tests.plugins.conftest import Process, Qgis
from tests.products import write_jpeg2000

from gisr.apps.cli import main
from gisr.io.geotiff import read_geotiff
from gisr.weights.folder import EMBEDDED, TENSORS_FILE, embedded_folder

rasterio = pytest.importorskip("rasterio")

pytestmark = pytest.mark.slow  # QGIS takes seconds to start

PLACE = (500_000.0, 4_000_000.0)


def pair(folder: Path, side: int = 32, ratio: int = 4) -> tuple[Path, Path]:
    """Write a small pair with a georeference."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    low = rng.integers(100, 2000, (side, side, 4)).astype(np.uint16)
    high = rng.integers(100, 2000, (side * ratio, side * ratio, 1)).astype(np.uint16)
    return (
        write_geotiff(folder / "ms.tif", low, 4.0 * ratio),
        write_geotiff(folder / "pan.tif", high, 4.0),
    )


def finer_bands(folder: Path, side: int = 32) -> tuple[Path, Path]:
    """Write three bands at 20 m and four at 10 m, as one sensor has them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(6)
    low = rng.integers(100, 2000, (side, side, 3)).astype(np.uint16)
    high = rng.integers(100, 2000, (2 * side, 2 * side, 4)).astype(np.uint16)
    return (
        write_geotiff(folder / "low.tif", low, 20.0, names=("B05", "B11", "B12")),
        write_geotiff(folder / "high.tif", high, 10.0, names=BGRN),
    )


def named(program: Path) -> dict[str, str]:
    """Return a PATH on which a program is found first."""
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def test_the_algorithms_are_listed_and_explained(qgis_process: Process, qgis: Qgis) -> None:
    listed = qgis_process("list").stdout
    names = [f"gisr:{name}" for name in ("pansharpen", "sharpenbands", "estimateshift")]
    names.append("gisr:installgisr")
    assert all(f"{name}\t" in listed for name in names)
    told = qgis_process("help", names[0])
    assert told.returncode == 0 and "Arguments" in told.stdout, told.stderr
    # The help of one comes from what a dialog says of it.
    explained = qgis.ask("explain", algorithms=names)
    for name in names:
        assert len(explained[name]["help"]) > 200 and all(explained[name]["parameters"].values())
    for title in explained[names[0]]["parameters"].values():
        assert title in told.stdout


def test_a_result_is_that_of_the_command_line(
    tmp_path: Path, qgis_process: Process, program: Path, model: Path
) -> None:
    ms, pan = pair(tmp_path)
    extra = ["--model", str(model), "--device", "cpu"]
    words = ["--sensor", "WorldView-3", "--bits", "11", "--mtf", "0.25", "-b", "3", "-b", "1"]
    words += ["-nodata", "7", "-co", "COMPRESS=LZW", "-co", "TILED=YES", "--align", "off"]
    words += [*extra, "--threads", "1", "--max-memory", "4000MB"]
    assert main(["upscale", str(ms), str(pan), "-o", str(tmp_path / "cli.tif"), *words]) == 0
    ran = qgis_process(
        *("run", "gisr:pansharpen", "--", f"MS={ms}", f"PAN={pan}"),
        *("SENSOR=WorldView-3 (WV03)", "BITS=11", "MTF=0.25", "BANDS=3", "BANDS=1", "NODATA=7"),
        *("OPTIONS=COMPRESS=LZW|TILED=YES", "ALIGN=false", "THREADS=1", "MEMORY=4000"),
        *(f"EXTRA={' '.join(extra)}", f"OUTPUT={tmp_path / 'qgis.tif'}"),
        **named(program),
    )
    assert ran.returncode == 0, ran.stderr
    assert f"gisr: {program} (found on PATH)" in ran.stdout
    assert (tmp_path / "qgis.tif").read_bytes() == (tmp_path / "cli.tif").read_bytes()
    with rasterio.open(tmp_path / "qgis.tif") as file:
        assert (file.count, file.nodata, file.shape) == (2, 7, (128, 128))


def test_a_real_pair_comes_out_as_on_the_command_line(
    tmp_path: Path, qgis: Qgis, warm_program: Path, data_folder: Path
) -> None:
    if not (embedded_folder(EMBEDDED[0]) / TENSORS_FILE).is_file():
        pytest.skip(f"needs the embedded weights {EMBEDDED[0]}, which are not in this checkout")
    files = []
    for name, side in (("ms", 160), ("pan", 320)):
        path = tmp_path / f"{name}.tif"
        part = read_geotiff(data_folder / "pan" / f"l7_22_{name}.tif").pixels[:side, :side]
        files.append(str(write_geotiff(path, part, 4800 / side)))
    sensor = ["--sensor", "Landsat-7", "--threads", "1", "--device", "cpu"]
    assert main(["upscale", *files, "-o", str(tmp_path / "cli.tif"), *sensor]) == 0
    inputs = dict(zip(("MS", "PAN"), files, strict=True))
    options = {"SENSOR": "Landsat-7 (L7 / LE07)", "THREADS": 1, "EXTRA": "--device cpu"}
    given = {**inputs, **options, "OUTPUT": str(tmp_path / "qgis.tif")}
    ran = run(qgis, warm_program, "pansharpen", given)
    assert ran["done"], ran["log"]
    assert any("note: the PAN image was off by (-1.00, -1.00) pixels" in e for e in ran["log"])
    assert (tmp_path / "qgis.tif").read_bytes() == (tmp_path / "cli.tif").read_bytes()
    found = run(qgis, warm_program, "estimateshift", inputs)
    assert found["done"], found["log"]
    results = found["results"]
    assert (results["FOUND"], results["RELIABLE"], results["UNIT"]) == ("shifted", True, "metre")
    shift = [results[name] for name in ("DOWN", "RIGHT", "X", "Y")]
    np.testing.assert_allclose(shift, [-1, -1, -15, 15], atol=1e-9)


def run(qgis: Qgis, program: Path, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what came of an algorithm of the plugin."""
    whole = f"gisr:{name}"
    return qgis.ask("run", program=str(program), algorithm=whole, parameters=parameters)


def test_bands_come_out_as_on_the_command_line(
    tmp_path: Path, qgis: Qgis, warm_program: Path, model: Path
) -> None:
    low, high = finer_bands(tmp_path)
    extra = ["--model", str(model), "--device", "cpu"]
    words = ["--task", "multiband", "--sensor", "Sentinel-2", "--bits", "12", "--mtf", "0.25"]
    words += ["-b", "B12", "-b", "1", "--guide-band", "red", "--guide-band", "1"]
    words += ["--bands-out", "all", "-nodata", "7", "--threads", "1", *extra]
    words += ["--uncertainty", str(tmp_path / "cli_spread.tif")]
    assert main(["upscale", str(low), str(high), "-o", str(tmp_path / "cli.tif"), *words]) == 0
    given = {"COARSE": [str(low)], "FINE": [str(high)], "ALL": True, "BITS": 12, "MTF": 0.25}
    given |= {"SENSOR": "Sentinel-2 (S2A / S2B / S2C)", "NODATA": "7", "THREADS": 1}
    given |= {"BANDS": "B12, 1", "GUIDE_BANDS": "red,1", "EXTRA": " ".join(extra)}
    outputs = {"SPREAD": tmp_path / "qgis_spread.tif", "OUTPUT": tmp_path / "qgis.tif"}
    given |= {name: str(path) for name, path in outputs.items()}
    ran = run(qgis, warm_program, "sharpenbands", given)
    assert ran["done"], ran["log"]
    for name in ("{}.tif", "{}_spread.tif"):
        files = [tmp_path / name.format(who) for who in ("qgis", "cli")]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    with rasterio.open(tmp_path / "qgis.tif") as file:
        assert file.descriptions == ("red", "blue", "B12", "B05")


def test_layers_of_one_band_are_one_side_in_their_order(
    tmp_path: Path, qgis_process: Process, warm_program: Path, model: Path
) -> None:
    low, high = (read_geotiff(path).pixels for path in finer_bands(tmp_path))
    coarse = [
        write_jpeg2000(tmp_path / f"T33UUB_{name}_20m.jp2", low[..., place, None], 20, origin=PLACE)
        for place, name in ((2, "B12"), (0, "B05"))
    ]
    fine = [
        write_geotiff(tmp_path / f"T33UUB_{name}_10m.tif", high[..., place, None], 10, origin=PLACE)
        for place, name in enumerate(("B02", "B03", "B04"))
    ]
    extra = ["--model", str(model), "--device", "cpu"]
    words = ["--target", *map(str, coarse), "--guide", *map(str, fine), "--threads", "1", *extra]
    assert main(["upscale", "--task=multiband", *words, "-o", str(tmp_path / "cli.tif")]) == 0
    sides = [f"COARSE={path}" for path in coarse] + [f"FINE={path}" for path in fine]
    run = ("run", "gisr:sharpenbands", "--", "THREADS=1", f"EXTRA={' '.join(extra)}")
    ran = qgis_process(*run, *sides, f"OUTPUT={tmp_path / 'qgis.tif'}", **named(warm_program))
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "qgis.tif").read_bytes() == (tmp_path / "cli.tif").read_bytes()
    with rasterio.open(tmp_path / "qgis.tif") as file:
        assert (file.descriptions, file.shape) == (("B12", "B05"), (64, 64))


def test_errors_of_layers_name_them(
    tmp_path: Path, qgis_process: Process, qgis: Qgis, warm_program: Path
) -> None:
    low, high = map(str, finer_bands(tmp_path))
    gone, output = str(tmp_path / "gone.tif"), str(tmp_path / "out.tif")
    sides = (f"COARSE={low}", f"COARSE={gone}", f"FINE={high}", f"OUTPUT={output}")
    ended = qgis_process("run", "gisr:sharpenbands", "--", *sides, **named(warm_program))
    assert ended.returncode != 0 and "COARSE" in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr
    given: dict[str, Any]
    for given, message in (
        ({"COARSE": [low], "FINE": [high], "BANDS": "B99"}, "B99"),
        ({"COARSE": [low, high], "FINE": [high]}, "high.tif"),
        ({"COARSE": [high], "FINE": [low]}, "the guide is coarser than the target"),
    ):
        ran = run(qgis, warm_program, "sharpenbands", {**given, "OUTPUT": output})
        said = "\n".join(ran["log"])
        assert not ran["done"] and message in ran["log"][-1], (message, said)
        assert "Traceback" not in said
    assert not (tmp_path / "out.tif").exists()


def test_errors_are_those_of_gisr_in_its_words(
    tmp_path: Path, qgis_process: Process, warm_program: Path
) -> None:
    ms, pan = pair(tmp_path)
    output = f"OUTPUT={tmp_path / 'out.tif'}"
    exchanged = qgis_process(
        "run", "gisr:pansharpen", "--", f"MS={pan}", f"PAN={ms}", output, **named(warm_program)
    )
    assert exchanged.returncode != 0
    assert "the guide is coarser than the target" in exchanged.stderr
    assert "Traceback" not in exchanged.stderr
    nowhere = {"PATH": "/usr/bin:/bin"}
    missing = qgis_process(
        "run", "gisr:pansharpen", "--", f"MS={ms}", f"PAN={pan}", output, **nowhere
    )
    assert missing.returncode != 0
    assert "gisr was not found" in missing.stderr and "'Install gisr'" in missing.stderr
    assert not (tmp_path / "out.tif").exists()


def sharpened(
    qgis: Qgis,
    task: str,
    program: Path,
    model: Path,
    files: tuple[Path, Path | str],
    folder: Path,
    bands: tuple[object, ...] = (),
) -> dict[str, Any]:
    """Return what came of a layer with a style of its own; the result is ``out.tif``."""
    low, high = map(str, files)
    extra = f"--model '{model}' --device cpu"
    given = {"low": low, "high": high, "output": str(folder / "out.tif"), "bands": bands}
    return qgis.ask(task, program=str(program), extra=extra, **given)


@pytest.mark.parametrize(
    ("bands", "colours"),
    [((), [3, 2, 1]), ((3, 1, 2), [1, 3, 2])],
)
def test_a_result_looks_as_its_input(
    tmp_path: Path,
    qgis: Qgis,
    warm_program: Path,
    model: Path,
    bands: tuple[int, ...],
    colours: list[int],
) -> None:
    found = sharpened(qgis, "style", warm_program, model, pair(tmp_path), tmp_path, bands)
    assert found["done"], found["log"]
    assert found["steps"] and found["steps"][-1] == 100
    assert (found["colours"], found["opacity"]) == (colours, 0.625)
    assert f"gisr: {warm_program} (named in the options)" in found["log"]


@pytest.mark.parametrize(
    ("task", "bands", "colours"),
    [
        ("bands", (), [3, 2, 1]),
        ("bands", ("3", "1", "2"), [1, 3, 2]),
        ("guides", (), [3, 2, 1]),  # those of the finer layer, which come first
        ("guides", ("1", "3", "2"), [2, 3, 1]),
    ],
)
def test_bands_look_as_the_layer_that_has_them(
    tmp_path: Path,
    qgis: Qgis,
    warm_program: Path,
    model: Path,
    task: str,
    bands: tuple[str, ...],
    colours: list[int],
) -> None:
    found = sharpened(qgis, task, warm_program, model, finer_bands(tmp_path), tmp_path, bands)
    assert found["done"], found["log"]
    assert (found["colours"], found["opacity"]) == (colours, 0.625)


def test_a_layer_that_is_gone_is_never_left_out_in_silence(
    tmp_path: Path, qgis: Qgis, program: Path, model: Path
) -> None:
    low, high = finer_bands(tmp_path)
    gone = f"{high};{tmp_path / 'gone.tif'}"  # two layers
    found = sharpened(qgis, "bands", program, model, (low, gone), tmp_path)
    assert not found["done"] and not (tmp_path / "out.tif").exists()
    told = "Finer bands of the same sensor: 1 of 2 layers can be loaded as rasters"
    assert any(told in line for line in found["log"]), found["log"]


def test_cancel_ends_gisr_and_leaves_nothing(
    tmp_path: Path, qgis: Qgis, program: Path, model: Path
) -> None:
    ms, pan = pair(tmp_path / "in", 200)
    output = tmp_path / "out" / "out.tif"
    output.parent.mkdir()
    found = sharpened(qgis, "cancel", program, model, (ms, pan), output.parent)
    assert found["log"][-1] == "gisr was ended; nothing was written"
    assert 0 < found["steps"][0] < 100  # it was at work
    assert list(output.parent.iterdir()) == []
    assert str(output) not in _running()


def _running() -> str:
    """Return the command lines of all processes."""
    shown = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True)
    return shown.stdout
