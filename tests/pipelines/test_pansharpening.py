"""Scenes larger than memory: by windows as from memory, little memory, nothing half-done."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.geotiffs import write_geotiff
from tests.warm import Warm

from gisr.apps.cli import main
from gisr.apps.progress import ProgressBar
from gisr.data.pair import Pair
from gisr.errors import InputError, LimitError
from gisr.inference.array_pair import make_pair
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.io.geotiff import geotiff_placement, read_geotiff
from gisr.magnet import MAGNet
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.weights.store import Weights, save_weights

rasterio = pytest.importorskip("rasterio")
from rasterio.transform import Affine  # noqa: E402
from rasterio.windows import Window  # noqa: E402

RNG = np.random.default_rng(8)
PLAIN = Options(align="off", consistent=False)


def smooth(height: int, width: int, bands: int, size: float, origin: tuple[float, float]) -> Any:
    """Return one landscape sampled at pixel centres, ``size`` metres apart."""
    y, x = np.mgrid[:height, :width] * size + size / 2
    y, x = y + origin[0], x + origin[1]
    relief = 800 + 300 * np.sin(x / 31) * np.cos(y / 23) + 150 * np.sin((x + 2 * y) / 13)
    return np.stack([relief * (1 + 0.1 * band) for band in range(bands)], axis=-1)


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Path, Path]:
    """Write a pair at ratio 2.5 whose guide begins 13 m south and 29 m east of the target."""
    target = smooth(90, 110, 3, 10.0, (0, 0)).round().astype(np.uint16)
    guide = smooth(200, 240, 1, 4.0, (13, 29)).round().astype(np.uint16)
    where = (500_029.0, 3_999_987.0)
    return write_geotiff(tmp_path / "ms.tif", target, 10.0), write_geotiff(
        tmp_path / "pan.tif", guide, 4.0, origin=where
    )


def test_what_lies_beside_the_guide_does_not_change_the_result(
    tmp_path: Path, scene: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    """Clouds or a desert beside a small panchromatic image had changed the range of values."""
    upscaler, guide = Upscaler(weights(), "cpu", tile=64, overlap=16), tmp_path / "part.tif"
    pixels = smooth(200, 240, 1, 4.0, (13, 29)).round().astype(np.uint16)[50:150, 50:150]
    write_geotiff(guide, pixels, 4.0, origin=(500_229.0, 3_999_787.0))
    target = read_geotiff(scene[0]).pixels
    shown = np.s_[18:65, 20:66]  # with two pixels on every side
    bright = np.minimum(target * 40.0, 60_000).astype(np.uint16)
    bright[shown] = target[shown]
    changed = write_geotiff(tmp_path / "bright.tif", bright, 10.0)
    one, other = (
        read_geotiff(upscale_files(upscaler, each, guide, tmp_path / f"to_{each.name}", PLAIN).path)
        for each in (scene[0], changed)
    )
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_windows_give_the_pixels_that_memory_gives(
    tmp_path: Path, weights: Callable[..., Weights], scene: tuple[Path, Path]
) -> None:
    small = Upscaler(weights(), "cpu", tile=64, overlap=16)
    result = upscale_files(small, *scene, tmp_path / "out.tif")
    low, high, out = (read_geotiff(path) for path in (*scene, tmp_path / "out.tif"))
    assert result.alignment is not None
    held = Pair(
        low.pixels.astype(np.float32),
        high.pixels.astype(np.float32),
        "pansharpening",
        geotiff_placement(low, high),
        "centre",
    )
    image = small.answer(held).image
    np.testing.assert_array_equal(out.pixels, np.rint(image).astype(np.uint16))
    assert np.abs(out.pixels - smooth(200, 240, 3, 4.0, (13, 29))).mean() < 100  # the right place


def test_tiles_hardly_matter(weights: Callable[..., Weights]) -> None:
    pair = make_pair(smooth(60, 60, 4, 10, (0, 0)), smooth(240, 240, 1, 2.5, (0, 0)), "depth")
    made = weights()
    whole = Upscaler(made, "cpu").answer(pair).image
    added = np.abs(whole - pair.on_guide_grid()).mean()
    for tile in (64, 128):
        tiled = Upscaler(made, "cpu", tile=tile, overlap=16).answer(pair).image
        assert 0 < np.abs(tiled - whole).mean() < 0.3 * added


def test_the_prompt_does_not_depend_on_the_tiles(
    weights: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    forward = MAGNet.forward

    def spy(self: MAGNet, *inputs: Any) -> Any:
        seen.append(inputs[4])
        return forward(self, *inputs)

    monkeypatch.setattr(MAGNet, "forward", spy)
    pair = make_pair(1 + RNG.random((75, 80, 3)), RNG.random((300, 320)), "depth")
    for tile in (128, 192):
        Upscaler(weights(), "cpu", tile=tile, overlap=16).answer(pair)
    assert len(seen) > 5
    assert all(torch.equal(prompt, seen[0]) for prompt in seen)


def test_windows_without_a_known_pixel_are_passed_over(
    tmp_path: Path, weights: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, ...]] = []
    forward = MAGNet.forward

    def spy(self: MAGNet, target: torch.Tensor, *inputs: Any) -> Any:
        calls.append(tuple(target.shape))
        return forward(self, target, *inputs)

    monkeypatch.setattr(MAGNet, "forward", spy)
    target, guide = np.zeros((150, 150, 3), np.uint16), np.zeros((600, 600, 1), np.uint16)
    target[80:100, 90:120], guide[:] = RNG.integers(1, 999, (20, 30, 3)), 50
    guide[::2] = 60
    files = (
        write_geotiff(tmp_path / "ms.tif", target, 10.0, nodata=0),
        write_geotiff(tmp_path / "pan.tif", guide, 2.5),
    )
    seen: list[tuple[int, int]] = []
    upscale_files(
        Upscaler(weights(), "cpu", tile=64, overlap=16),
        *files,
        tmp_path / "out.tif",
        progress=lambda done, total: seen.append((done, total)),
    )
    valid = read_geotiff(tmp_path / "out.tif").valid
    np.testing.assert_array_equal(valid, (target > 0).all(axis=2).repeat(4, 0).repeat(4, 1))
    assert len(calls) <= 16 < len(seen)
    assert seen[-1] == (600 * 600, 600 * 600)


@pytest.mark.parametrize("kind", [MemoryError, RuntimeError, torch.OutOfMemoryError])
def test_tiles_are_halved_when_memory_runs_out(
    weights: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    pair = make_pair(smooth(30, 40, 3, 10, (0, 0)), smooth(120, 160, 1, 2.5, (0, 0)), "depth")
    upscaler = Upscaler(weights(), "cpu", tile=128, overlap=16)
    expected = upscaler.answer(pair).image
    sides: list[int] = []

    def limited(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: MAGNet, target: torch.Tensor, *inputs: Any) -> Any:
            sides.append(max(target.shape[2:]))
            if target.shape[2] * target.shape[3] > 64 * 64:
                raise kind("DefaultCPUAllocator: not enough memory: you tried to allocate")
            return function(self, target, *inputs)

        return run

    monkeypatch.setattr(MAGNet, "forward", limited(MAGNet.forward))
    monkeypatch.setattr(MAGNet, "pool_prompt", limited(MAGNet.pool_prompt))
    result = upscaler.answer(pair).image
    assert max(sides) > 64 and sides[-1] <= 64
    added = np.abs(expected - pair.on_guide_grid()).mean()
    assert 0 < np.abs(result - expected).mean() < 0.3 * added


def test_no_memory_at_all_and_other_errors_are_told(
    tmp_path: Path,
    weights: Callable[..., Weights],
    scene: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = sorted(tmp_path.iterdir())
    for error, kind, message in (
        (MemoryError(), LimitError, "memory does not suffice even for tiles of"),
        (RuntimeError("a defect"), RuntimeError, "a defect"),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ):

        def fails(self: MAGNet, *inputs: Any, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(MAGNet, "forward", fails)
        for cog in (False, True):
            with pytest.raises(kind, match=message or None):
                upscale_files(
                    Upscaler(weights(), "cpu"), *scene, tmp_path / "out.tif", Options(cog=cog)
                )
            assert sorted(tmp_path.iterdir()) == before


def test_memory_that_cannot_do_is_refused(
    tmp_path: Path, weights: Callable[..., Weights], scene: tuple[Path, Path]
) -> None:
    upscaler = Upscaler(weights(), "cpu")
    with pytest.raises(LimitError, match=r"max-memory 50 MB is too little.* alone: allow more"):
        upscale_files(upscaler, *scene, tmp_path / "out.tif", Options(max_memory="50MB"))
    assert not (tmp_path / "out.tif").exists()
    source = ArraySource(make_pair(RNG.random((90, 90, 3)), RNG.random((360, 360)), "depth"))
    assert upscaler.tile_within(source, 10**12) == 256


def test_bands_nodata_layout_and_bits(
    tmp_path: Path, weights: Callable[..., Weights], scene: tuple[Path, Path]
) -> None:
    upscaler = Upscaler(weights(), "cpu")
    low = read_geotiff(scene[0])
    unknown = int(low.pixels[40, 50, 0])
    result = upscale_files(
        upscaler,
        *scene,
        tmp_path / "out.tif",
        Options(bands=(3, 1), nodata=unknown, creation_options=("COMPRESS=ZSTD",), cog=True),
    )
    out = read_geotiff(tmp_path / "out.tif")
    assert result.shape == (200, 240, 2) == out.pixels.shape
    assert (out.nodata, out.creation["compress"]) == (unknown, "zstd")
    assert not out.valid.all()
    with pytest.raises(InputError, match=r"ms\.tif: holds .* which 6 bits cannot"):
        upscale_files(upscaler, *scene, tmp_path / "bits.tif", Options(bits=6))
    with pytest.raises(InputError, match="grid 'kspace'"):
        upscale_files(upscaler, *scene, tmp_path / "grid.tif", Options(grid="kspace"))


def test_the_command_takes_gdals_options_and_reports_the_shift(
    tmp_path: Path,
    weights: Callable[..., Weights],
    scene: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    words = ["upscale", *map(str, scene), "-o", str(tmp_path / "out.tif"), "--align", "report"]
    words += ["--model", str(tmp_path / "tiny"), "-b", "2", "-b", "3", "-nodata", "3", "-co"]
    words += ["COMPRESS=LZW", "-co", "TILED=YES", "-threads", "1", "--bit-depth", "12"]
    assert main([*words, "--max-memory", "8GB"]) == 0
    line, said = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert max(map(abs, found["guide_offset_px"])) < 0.5  # the files say where they lie
    assert set(found) == {
        "guide_offset_px", "corrected", "correlation_before", "correlation_after", "note"
    }  # fmt: skip
    assert "240 x 200 x 2 uint16" in said
    assert read_geotiff(tmp_path / "out.tif").creation["compress"] == "lzw"
    for wrong in (["-co", "LZW"], ["--max-memory", "some"], ["-b", "9"], ["-b", "x"]):
        assert main([*words[:4], str(tmp_path / "no.tif"), *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_bar_shows_speed_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressBar("px") as bar:
        bar(0, 10**6)
        time.sleep(0.6)  # it is drawn every half second
        bar(250_000, 10**6)
    assert re.search(r"250k/1\.00M \[00:00<00:0\d, \d+kpx/s\]", screen.getvalue())


@pytest.mark.parametrize(
    ("number", "code", "last"),
    [
        (signal.SIGINT, 130, ["gisr: interrupted"]),
        pytest.param(
            signal.SIGTERM,
            128 + signal.SIGTERM,
            [],
            marks=pytest.mark.skipif(os.name != "posix", reason="it ends a process at once there"),
        ),
    ],
)
def test_a_signal_leaves_nothing(
    tmp_path: Path,
    weights: Callable[..., Weights],
    warm: Warm,
    number: int,
    code: int,
    last: list[str],
) -> None:
    """A real signal to a real process, while tiles are written to the draft of a COG."""
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    target, guide = smooth(300, 300, 4, 10.0, (0, 0)), smooth(1200, 1200, 1, 2.5, (0, 0))
    files = (
        write_geotiff(tmp_path / "ms.tif", target.astype(np.uint16), 10.0),
        write_geotiff(tmp_path / "pan.tif", guide.astype(np.uint16), 2.5),
    )
    before = sorted(tmp_path.iterdir())
    # A test run in the background hands down that the signal is ignored.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from gisr.apps.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["upscale", *map(str, files), "-o", str(tmp_path / "out.tif"), "--cog"]
    words += ["--align", "off", "--model", str(tmp_path / "tiny"), "--device", "cpu"]
    words += ["--threads", "1", "--progress", "json"]
    with warm.start("-c", program, *words) as child:
        # A line a tile, not a look now and then: the run may be over by the next one.
        while child.err.readline() and len(list(tmp_path.glob(".gisr-*"))) < 2:
            pass
        child.send(number)
        said = [line for line in child.err.read().splitlines() if not line.startswith("{")]
    assert (child.status, said) == (code, last)
    assert sorted(tmp_path.iterdir()) == before


SIDE = 20_000
PEAK = """
import re, sys
from pathlib import Path
from gisr.apps.cli import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(status)
"""
"""The peak of the child alone: what getrusage says may be its parent's, from before the exec."""


def sparse_pair(folder: Path, side: int) -> list[str]:
    """Write a pair of which all but three blocks are missing."""
    for name, own, size, bands, block in (
        ("ms", side // 4, 2.0, 4, 128),
        ("pan", side, 0.5, 1, 512),
    ):
        profile = {
            "driver": "GTiff", "height": own, "width": own, "count": bands, "dtype": "uint16",
            "crs": "EPSG:32633", "transform": Affine(size, 0, 5e5, 0, -size, 4e6), "nodata": 0,
            "tiled": True, "blockxsize": block, "blockysize": block, "sparse_ok": True,
            "compress": "deflate", "photometric": "MINISBLACK",
        }  # fmt: skip
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as dataset:
            last = own // block * block
            for top, left in ((0, 0), (last // 2 // block * block, block), (last, last)):
                shape = min(block, own - top), min(block, own - left)
                pixels = smooth(*shape, bands, size, (top * size, left * size))
                place = Window(left, top, shape[1], shape[0])
                dataset.write(np.moveaxis(pixels, -1, 0).astype(np.uint16), window=place)
    return [str(folder / "ms.tif"), str(folder / "pan.tif")]


def test_a_sparse_scene_of_20000_pixels_a_side(
    tmp_path: Path, weights: Callable[..., Weights]
) -> None:
    if not Path("/proc/self/status").is_file():
        pytest.skip("reads the peak memory of a process where Linux says it")
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    files = sparse_pair(tmp_path, SIDE)
    words = ["upscale", *files, "-o", str(tmp_path / "out.tif"), "--model", str(tmp_path / "tiny")]
    words += ["--max-memory", "800MB", "-co", "SPARSE_OK=TRUE", "--threads", "1", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) * 1024 < 800e6
    with rasterio.open(tmp_path / "out.tif") as out, rasterio.open(files[1]) as pan:
        assert out.shape == pan.shape == (SIDE, SIDE)
        assert out.read(1, window=Window(0, 0, 600, 600)).astype(bool).sum() == 512 * 512
        corner = Window(SIDE - 20, SIDE - 20, 20, 20)
        assert out.read(4, window=corner).all()
    assert (tmp_path / "out.tif").stat().st_size < 20e6
