"""``rio gisr``, run by rasterio's own program as a user runs it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.geotiffs import BGRN, write_geotiff
from tests.warm import Warm

from gisr.apps.cli import main

rasterio = pytest.importorskip("rasterio")
from gisr.apps.rio_command import command  # noqa: E402

PROGRAM = Path(sys.executable).with_name("rio.exe" if sys.platform == "win32" else "rio")
REGISTERED = any(each.name == "gisr" for each in entry_points(group="rasterio.rio_plugins"))
pytestmark = [
    pytest.mark.skipif(
        not REGISTERED,
        reason="the entry point of `rio gisr` is not registered here: pip install --editable .",
    ),
    pytest.mark.skipif(not PROGRAM.is_file(), reason=f"rasterio's program is not there: {PROGRAM}"),
]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    target = rng.integers(100, 1900, (24, 24, 4)).astype(np.uint16)
    target[:3, 20:] = 0
    guide = rng.integers(100, 1900, (96, 96, 1)).astype(np.uint16)
    return (
        write_geotiff(tmp_path / "ms.tif", target, names=BGRN, nodata=0, compress="deflate"),
        write_geotiff(tmp_path / "pan.tif", guide, 2.5),
    )


Rio = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def rio(warm: Warm) -> Rio:
    """Give what runs rasterio's program, in a process that has its libraries."""
    code = "import sys; from rasterio.rio.main import main_group; sys.exit(main_group())"
    return lambda *words: warm.run("-c", code, "gisr", *map(str, words))


def pixels(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as dataset:
        values: NDArray[Any] = dataset.read()
        return values


def test_it_writes_what_gisr_upscale_writes(
    tmp_path: Path, pair: tuple[Path, Path], tiny_weights: Path
) -> None:
    """The program itself, as it is installed; the tests below start it in a warm process."""
    out, other = tmp_path / "rio.tif", tmp_path / "gisr.tif"
    chosen = ["--sensor", "QuickBird", "--bits", "11", "--max-memory", "4GB"]
    chosen += ["--device", "cpu", "--threads", "1", "--model", str(tiny_weights)]
    chosen += ["--no-consistent", "--nodata", "none"]
    own = ["--co", "COMPRESS=LZW", "--co", "TILED=YES", "-b", "3", "-b", "1"]
    program = [str(PROGRAM), "gisr", *map(str, pair), str(out), *chosen, *own]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: pansharpening x4, 96 x 96 x 2 uint16")
    words = [*chosen, "-co", "COMPRESS=LZW", "-co", "TILED=YES", "-b", "3", "-b", "1"]
    assert main(["upscale", *map(str, pair), "-o", str(other), *words, "--quiet"]) == 0
    assert out.read_bytes() == other.read_bytes()
    with rasterio.open(out) as dataset:
        assert dataset.profile["compress"] == "lzw" and dataset.profile["tiled"]
        assert dataset.descriptions == ("red", "blue")
        assert (dataset.nodata, dataset.res) == (None, (2.5, 2.5))


def test_outputs_are_replaced_when_that_is_requested(
    rio: Rio, tmp_path: Path, pair: tuple[Path, Path], tiny_weights: Path
) -> None:
    out = tmp_path / "out.tif"
    out.write_bytes(b"mine")
    chosen = ["--model", tiny_weights, "--device", "cpu", "--quiet"]
    refused = rio(*pair, out, *chosen)
    assert (refused.returncode, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"gisr: error: {out}: exists already") and "--overwrite" in line
    assert out.read_bytes() == b"mine"
    done = rio(*pair, out, *chosen, "--overwrite")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert pixels(out).shape == (4, 96, 96)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--align", "sometimes"], "align 'sometimes' must be auto, report or off"),
        (["--co", "LZW"], "creation option 'LZW' must be NAME=VALUE"),
        (["--nodata", "nothing"], "nodata 'nothing' must be a number, nan or none"),
        (["--max-memory", "much"], "much"),
        (["--device", "abacus"], "device 'abacus' cannot be used here"),
    ],
)
def test_what_cannot_be_is_one_line(
    rio: Rio,
    tmp_path: Path,
    pair: tuple[Path, Path],
    tiny_weights: Path,
    words: list[str],
    said: str,
) -> None:
    done = rio(*pair, tmp_path / "out.tif", "--model", tiny_weights, *words)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("gisr: error: ") and said in line
    assert not (tmp_path / "out.tif").exists()


def test_the_commands_of_the_page_are_commands() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "rasterio.md"
    lines = re.findall(r"^rio (gisr .*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        context = command.make_context("gisr", shlex.split(line)[1:])
        assert context.params["out"] == "sharp.tif"
        assert context.params["sensor"] == "WorldView-3" or context.params["max_memory"] == "2GB"


def test_help_has_the_options_of_satellite_images_and_no_others(rio: Rio) -> None:
    done = rio("--help")
    assert done.returncode == 0
    for option in ("--sensor", "--device", "--max-memory", "--overwrite", "--co", "--cog"):
        assert option in done.stdout
    for option in ("--contrast", "--fill-holes", "--workers", "--task"):
        assert option not in done.stdout
