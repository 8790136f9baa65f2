"""All outputs of a run appear together or none, and what is not a run's own is left alone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.geotiffs import write_geotiff
from tests.warm import Warm

from gisr.errors import FileFormatError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines import Options, upscale_files
from gisr.weights.store import Weights

NOISE = np.random.default_rng(0)


@pytest.fixture
def upscale(tmp_path: Path, weights: Callable[..., Weights]) -> Callable[..., Any]:
    """Give a run over a small noisy scene."""
    low = NOISE.integers(1, 4000, (32, 32, 3)).astype(np.uint16)
    high = NOISE.integers(1, 4000, (128, 128, 1)).astype(np.uint16)
    write_geotiff(tmp_path / "ms.tif", low, 4.0)
    write_geotiff(tmp_path / "pan.tif", high, 1.0)

    def run(output: str, target: str = "ms.tif", **options: Any) -> Any:
        files = tmp_path / target, tmp_path / "pan.tif", tmp_path / output
        given = Options(task="pansharpening", align="off", **options)
        return upscale_files(Upscaler(weights(), "cpu"), *files, given)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put_old_output(folder: Path) -> None:
    for name in ("out.tif", "out.tif.msk", "out.tif.aux.xml", "out.tif.ovr", "out.tif.txt"):
        (folder / name).write_bytes(b"old")


@pytest.mark.parametrize("step", ["gisr.io.files._flush_to_disk", "gisr.io.files.os.replace"])
def test_a_failed_run_leaves_what_lies_beside_the_old_output(
    tmp_path: Path, upscale: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put_old_output(tmp_path)
    before = contents(tmp_path)

    def fail(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(FileFormatError, match="No space left"):
        upscale("out.tif", overwrite=True)
    assert contents(tmp_path) == before


def test_a_run_that_went_well_takes_the_old_sidecars_away(
    tmp_path: Path, upscale: Callable[..., Any]
) -> None:
    put_old_output(tmp_path)
    upscale("out.tif", overwrite=True)
    assert {*os.listdir(tmp_path)} == {"ms.tif", "pan.tif", "out.tif", "out.tif.txt"}


def test_an_input_that_would_be_the_outputs_mask_is_kept(
    tmp_path: Path, upscale: Callable[..., Any]
) -> None:
    for suffix in (".msk", ".ovr", ".aux.xml"):
        source = tmp_path / f"out.tif{suffix}"
        (tmp_path / "ms.tif").rename(source)
        before = contents(tmp_path)
        with pytest.raises(FileFormatError, match="is also an input"):
            upscale("out.tif", target=source.name)
        assert contents(tmp_path) == before
        source.rename(tmp_path / "ms.tif")


@pytest.mark.parametrize("overwrite", [False, True])
def test_result_spread_and_report_appear_together_or_not_at_all(
    tmp_path: Path,
    upscale: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    overwrite: bool,
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra report")
    names = ("out.tif", "spread.tif", "page.html")
    if overwrite:
        for name in names:
            (tmp_path / name).write_bytes(b"old")
    before = contents(tmp_path)
    further = {"uncertainty": tmp_path / "spread.tif", "report": tmp_path / "page.html"}

    def fail(*values: object) -> None:
        raise OSError("encoder error -2 when writing image file")

    with monkeypatch.context() as patched:
        patched.setattr("gisr.pipelines.report.page._values", fail)
        with pytest.raises((FileFormatError, OSError), match="encoder error"):
            upscale("out.tif", overwrite=overwrite, **further)
    assert contents(tmp_path) == before
    upscale("out.tif", overwrite=overwrite, **further)
    assert {*os.listdir(tmp_path)} == {"ms.tif", "pan.tif", *names}
    assert all(contents(tmp_path)[name] != b"old" for name in names)


def test_pictures_of_noise_are_encoded() -> None:
    pytest.importorskip("matplotlib", reason="needs the extra report")
    from gisr.pipelines.report.figures import picture

    for side in (100, 720):
        noise = NOISE.integers(0, 2, (side, side, 3)).astype(np.uint8) * 255
        assert picture(noise).startswith("data:image/jpeg;base64,")


def test_a_killed_run_is_swept_and_one_that_lives_is_not(
    tmp_path: Path, warm: Warm, upscale: Callable[..., Any]
) -> None:
    code = (
        "import sys, time\n"
        "from gisr.io.files import atomic_output\n"
        "with atomic_output(sys.argv[1], True) as place:\n"
        "    place.write_bytes(b'half')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(600)\n"
    )
    dead, alive = (
        warm.start("-c", code, str(tmp_path / name)) for name in ("dead.tif", "alive.tif")
    )
    with dead, alive:
        assert [run.out.readline() for run in (dead, alive)] == ["ready\n"] * 2
        dead.kill()
        dead.wait()
        upscale("out.tif")
        left = {*os.listdir(tmp_path)} - {"ms.tif", "pan.tif", "out.tif"}
        assert len(left) == 1 and f".{alive.pid}-" in left.pop()
        alive.kill()
    upscale("out.tif", overwrite=True)
    assert {*os.listdir(tmp_path)} == {"ms.tif", "pan.tif", "out.tif"}
