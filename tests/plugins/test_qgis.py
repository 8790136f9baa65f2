"""The plugin in the real QGIS: installed from its zip, listed, run, cancelled."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import BGRN, write_geotiff
from tests.products import write_jpeg2000

from gisr.apps.cli import main
from gisr.io.geotiff import read_geotiff
from gisr.weights.folder import EMBEDDED, TENSORS_FILE, embedded_folder

rasterio = pytest.importorskip("rasterio")

pytestmark = pytest.mark.slow  # QGIS takes seconds to start

PLACE = (500_000.0, 4_000_000.0)
Process = Callable[..., subprocess.CompletedProcess[str]]


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


def test_the_algorithms_are_listed_and_explained(qgis_process: Process) -> None:
    listed = qgis_process("list").stdout
    names = ("pansharpen", "sharpenbands", "estimateshift", "installgisr")
    assert all(f"gisr:{name}\t" in listed for name in names)
    for name in names:
        told = qgis_process("help", f"gisr:{name}")
        assert told.returncode == 0 and "Arguments" in told.stdout, told.stderr


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
    tmp_path: Path, qgis_process: Process, program: Path, data_folder: Path
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
    inputs = [f"MS={files[0]}", f"PAN={files[1]}"]
    ran = qgis_process(
        *("run", "gisr:pansharpen", "--", *inputs, "SENSOR=Landsat-7 (L7 / LE07)", "THREADS=1"),
        *("EXTRA=--device cpu", f"OUTPUT={tmp_path / 'qgis.tif'}"),
        **named(program),
    )
    assert ran.returncode == 0, ran.stderr
    assert "note: the PAN image was off by (-1.00, -1.00) pixels" in ran.stdout
    assert (tmp_path / "qgis.tif").read_bytes() == (tmp_path / "cli.tif").read_bytes()
    found = qgis_process("run", "gisr:estimateshift", "--", *inputs, **named(program))
    assert found.returncode == 0, found.stderr
    results = dict(line.split(":\t") for line in found.stdout.splitlines() if ":\t" in line)
    assert (results["FOUND"], results["RELIABLE"], results["UNIT"]) == ("shifted", "true", "metre")
    shift = [float(results[name]) for name in ("DOWN", "RIGHT", "X", "Y")]
    np.testing.assert_allclose(shift, [-1, -1, -15, 15], atol=1e-9)


def test_bands_come_out_as_on_the_command_line(
    tmp_path: Path, qgis_process: Process, program: Path, model: Path
) -> None:
    low, high = finer_bands(tmp_path)
    extra = ["--model", str(model), "--device", "cpu"]
    words = ["--task", "multiband", "--sensor", "Sentinel-2", "--bits", "12", "--mtf", "0.25"]
    words += ["-b", "B12", "-b", "1", "--guide-band", "red", "--guide-band", "1"]
    words += ["--bands-out", "all", "-nodata", "7", "--threads", "1", *extra]
    words += ["--uncertainty", str(tmp_path / "cli_spread.tif")]
    assert main(["upscale", str(low), str(high), "-o", str(tmp_path / "cli.tif"), *words]) == 0
    ran = qgis_process(
        *("run", "gisr:sharpenbands", "--", f"COARSE={low}", f"FINE={high}", "ALL=true"),
        *("SENSOR=Sentinel-2 (S2A / S2B / S2C)", "BITS=12", "MTF=0.25", "NODATA=7", "THREADS=1"),
        *("BANDS=B12, 1", "GUIDE_BANDS=red,1", f"EXTRA={' '.join(extra)}"),
        *(f"SPREAD={tmp_path / 'qgis_spread.tif'}", f"OUTPUT={tmp_path / 'qgis.tif'}"),
        **named(program),
    )
    assert ran.returncode == 0, ran.stderr
    for name in ("{}.tif", "{}_spread.tif"):
        files = [tmp_path / name.format(who) for who in ("qgis", "cli")]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    with rasterio.open(tmp_path / "qgis.tif") as file:
        assert file.descriptions == ("red", "blue", "B12", "B05")


def test_layers_of_one_band_are_one_side_in_their_order(
    tmp_path: Path, qgis_process: Process, program: Path, model: Path
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
    ran = qgis_process(*run, *sides, f"OUTPUT={tmp_path / 'qgis.tif'}", **named(program))
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "qgis.tif").read_bytes() == (tmp_path / "cli.tif").read_bytes()
    with rasterio.open(tmp_path / "qgis.tif") as file:
        assert (file.descriptions, file.shape) == (("B12", "B05"), (64, 64))


def test_errors_of_layers_name_them(tmp_path: Path, qgis_process: Process, program: Path) -> None:
    low, high = finer_bands(tmp_path)
    run = ("run", "gisr:sharpenbands", "--", f"OUTPUT={tmp_path / 'out.tif'}")
    for sides, message in (
        ((f"COARSE={low}", f"COARSE={tmp_path / 'gone.tif'}", f"FINE={high}"), "COARSE"),
        ((f"COARSE={low}", f"FINE={high}", "BANDS=B99"), "B99"),
        ((f"COARSE={low}", f"COARSE={high}", f"FINE={high}"), "high.tif"),
        ((f"COARSE={high}", f"FINE={low}"), "the guide is coarser than the target"),
    ):
        ran = qgis_process(*run, *sides, **named(program))
        assert ran.returncode != 0 and message in ran.stderr, (message, ran.stderr)
        assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out.tif").exists()


def test_errors_are_those_of_gisr_in_its_words(
    tmp_path: Path, qgis_process: Process, program: Path
) -> None:
    ms, pan = pair(tmp_path)
    output = f"OUTPUT={tmp_path / 'out.tif'}"
    exchanged = qgis_process(
        "run", "gisr:pansharpen", "--", f"MS={pan}", f"PAN={ms}", output, **named(program)
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


@pytest.mark.parametrize(
    ("bands", "colours"),
    [((), [3, 2, 1]), ((3, 1, 2), [1, 3, 2])],
)
def test_a_result_looks_as_its_input(
    tmp_path: Path,
    in_qgis: Process,
    program: Path,
    model: Path,
    bands: tuple[int, ...],
    colours: list[int],
) -> None:
    files = [str(path) for path in (model, *pair(tmp_path), tmp_path / "out.tif")]
    ran = in_qgis("style", str(program), *files, *map(str, bands))
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["done"], found["log"]
    assert found["steps"] and found["steps"][-1] == 100
    assert (found["colours"], found["opacity"]) == (colours, 0.625)
    assert f"gisr: {program} (named in the options)" in found["log"]


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
    in_qgis: Process,
    program: Path,
    model: Path,
    task: str,
    bands: tuple[str, ...],
    colours: list[int],
) -> None:
    files = [str(path) for path in (model, *finer_bands(tmp_path), tmp_path / "out.tif")]
    ran = in_qgis(task, str(program), *files, *bands)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["done"], found["log"]
    assert (found["colours"], found["opacity"]) == (colours, 0.625)


def test_a_layer_that_is_gone_is_never_left_out_in_silence(
    tmp_path: Path, in_qgis: Process, program: Path, model: Path
) -> None:
    low, high = finer_bands(tmp_path)
    gone = f"{high};{tmp_path / 'gone.tif'}"  # two layers
    ran = in_qgis("bands", *map(str, (program, model, low, gone, tmp_path / "out.tif")))
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert not found["done"] and not (tmp_path / "out.tif").exists()
    told = "Finer bands of the same sensor: 1 of 2 layers can be loaded as rasters"
    assert any(told in line for line in found["log"]), found["log"]


def test_cancel_ends_gisr_and_leaves_nothing(
    tmp_path: Path, in_qgis: Process, program: Path, model: Path
) -> None:
    ms, pan = pair(tmp_path / "in", 200)
    output = tmp_path / "out" / "sharp.tif"
    output.parent.mkdir()
    ran = in_qgis("cancel", str(program), str(model), str(ms), str(pan), str(output))
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["log"][-1] == "gisr was ended; nothing was written"
    assert 0 < found["steps"][0] < 100  # it was at work
    assert list(output.parent.iterdir()) == []
    assert str(output) not in _running()


def _running() -> str:
    """Return the command lines of all processes."""
    shown = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True)
    return shown.stdout
