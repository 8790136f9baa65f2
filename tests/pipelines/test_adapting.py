"""gisr upscale --adapt: by the command, on files."""

import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from nibabel import Nifti1Image
from numpy.typing import NDArray
from tests.geotiffs import write_geotiff
from tests.small_network import small_network

from gisr.apps.cli import main
from gisr.baselines.classical import CLASSICAL
from gisr.data.degradations import wald
from gisr.errors import InputError
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import save_weights

RNG = np.random.default_rng(3)


def land(*shape: int) -> NDArray[np.float32]:
    rough = RNG.normal(size=[side // 4 for side in shape])
    return (600 + 200 * np.kron(rough, np.ones([4] * len(shape)))).clip(1).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    network = small_network(moved=True)
    with torch.no_grad():
        network.head.weight.mul_(20)
    save_weights(folder, network, built_in_table(), name="small")
    return folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, shared = tmp_path_factory.mktemp("scene"), land(128, 128)
    truth = np.stack([shared, 1.3 * shared + 5, 0.6 * shared], axis=-1)
    return (
        write_geotiff(folder / "ms.tif", wald(truth, 2), 2.0),
        write_geotiff(folder / "pan.tif", shared[..., None], 1.0),
    )


@pytest.fixture(scope="module")
def thick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, truth = tmp_path_factory.mktemp("volume"), land(48, 48, 40)
    low = truth.reshape(48, 48, 10, 4).mean(axis=3)
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    affine[2, 3] = 1.5
    nibabel.save(Nifti1Image(low, affine), folder / "a_T2w.nii.gz")
    nibabel.save(Nifti1Image(1500 - truth, np.eye(4)), folder / "a_T1w.nii.gz")
    return folder / "a_T2w.nii.gz", folder / "a_T1w.nii.gz"


def run(files: tuple[Path, Path], out: Path, model: Path, *words: str) -> int:
    given = [str(each) for each in (*files, "-o", out, "--model", model)]
    return main(["upscale", *given, *words])


def test_a_scene_is_adapted_to_and_it_is_said_with_what_it_brought(
    scene: tuple[Path, Path], tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, cache = tmp_path / "report.html", tmp_path / "cache"
    words = ("--adapt", "--adapt-steps", "12", "--adapt-cache", str(cache), "--verbose")
    assert run(scene, tmp_path / "plain.tif", model) == 0
    capsys.readouterr()
    assert run(scene, tmp_path / "out.tif", model, *words, "--report", str(report)) == 0
    said = capsys.readouterr().err
    assert re.search(r"note: the network was adapted to these images \(12 steps, .* min\)", said)
    assert "the network was adapted to these images (12 steps" in report.read_text("utf-8")
    assert (tmp_path / "out.tif").read_bytes() != (tmp_path / "plain.tif").read_bytes()
    (kept,) = cache.iterdir()
    assert json.loads((kept / "adaptation.json").read_text("utf-8"))["steps"] == 12
    assert run(scene, tmp_path / "again.tif", model, *words) == 0
    assert "kept from an earlier run" in capsys.readouterr().err
    assert run(scene, tmp_path / "by_hand.tif", kept) == 0
    out = (tmp_path / "out.tif").read_bytes()
    assert out == (tmp_path / "again.tif").read_bytes() == (tmp_path / "by_hand.tif").read_bytes()


def test_thick_slices_teach_by_the_plane_in_which_they_are_fine(
    thick: tuple[Path, Path], tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--adapt", "--adapt-steps", "12", "--verbose")
    assert run(thick, tmp_path / "out.nii.gz", model, *words) == 0
    said = capsys.readouterr().err
    assert re.search(r"note: the network was adapted to these images \(12 steps", said)


def test_slices_coarse_in_their_plane_are_sharpened_as_they_are(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, side, size in (("a_T2w.nii", 24, 2.0), ("a_T1w.nii", 48, 1.0)):
        affine = np.diag([size, size, 3.0, 1.0])
        nibabel.save(Nifti1Image(land(side, side, 4), affine), tmp_path / name)
    files = tmp_path / "a_T2w.nii", tmp_path / "a_T1w.nii"
    assert run(files, tmp_path / "out.nii", model, "--adapt") == 0
    assert "warning: not adapted: the volume is coarse in the plane" in capsys.readouterr().err


def test_a_scene_that_is_too_small_is_sharpened_as_it_is(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = land(40, 40)[..., None]
    files = (
        write_geotiff(tmp_path / "ms.tif", wald(np.repeat(truth, 2, axis=2), 2), 2.0),
        write_geotiff(tmp_path / "pan.tif", truth, 1.0),
    )
    assert run(files, tmp_path / "out.tif", model, "--adapt") == 0
    said = capsys.readouterr().err
    assert "warning: not adapted: a target of 20 x 20 pixels is too small" in said


def test_progress_of_adapting_is_counted_in_its_own_unit(
    scene: tuple[Path, Path], tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--adapt", "--adapt-steps", "3", "--progress", "json")
    assert run(scene, tmp_path / "out.tif", model, *words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "{" in line]
    assert lines[0] == {"done": 1, "total": 3, "unit": "steps"}
    assert [line["unit"] for line in lines if line["done"] == line["total"]] == ["steps", "px"]


@pytest.mark.parametrize("name", ["adapt-minutes", "adapt-steps", "adapt-cache"])
def test_what_belongs_to_adapting_needs_it(
    scene: tuple[Path, Path],
    tmp_path: Path,
    model: Path,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(scene, tmp_path / "out.tif", model, f"--{name}", "3") == 2
    assert f"{name} 3" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--adapt-minutes", "0"), ("--adapt-steps", "0")])
def test_numbers_out_of_range(
    scene: tuple[Path, Path],
    tmp_path: Path,
    model: Path,
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(scene, tmp_path / "out.tif", model, "--adapt", *words) == 2
    assert words[0][2:].replace("-", " ") in capsys.readouterr().err.replace("-", " ")


def test_depth_maps_are_refused(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "depth.npy", land(20, 20))
    np.save(tmp_path / "colour.npy", land(40, 40))
    from PIL import Image

    Image.fromarray(land(40, 40).astype(np.uint8)).save(tmp_path / "colour.png")
    files = tmp_path / "depth.npy", tmp_path / "colour.png"
    assert run(files, tmp_path / "out.npy", model, "--adapt") == 2
    assert "adapt" in capsys.readouterr().err


def test_systems_that_do_not_learn_are_refused(scene: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="adapt: bicubic is no network that learns here"):
        upscale_files(CLASSICAL["bicubic"], *scene, tmp_path / "out.tif", Options(adapt=True))


def test_more_memory_than_allowed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from gisr.pipelines import adapting

    monkeypatch.setattr(adapting, "most_memory_taken", lambda: 3 * 10**9)
    (note,) = adapting._beyond(2 * 10**9)
    assert note.level == "warning" and "3000 MB, more than max-memory" in note.text
    assert adapting._beyond(4 * 10**9) == adapting._beyond(None) == ()
