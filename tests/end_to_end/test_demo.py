"""``gisr demo`` with a tiny network: real numbers, real pictures, honest words."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.apps.cli import main
from gisr.baselines.classical import Bicubic
from gisr.data.phantoms import head_phantom, satellite_scene
from gisr.experiments import demo
from gisr.experiments.demo_pictures import worst_window
from gisr.metrics import rmse
from gisr.rendering.colours import cubehelix


@pytest.fixture(autouse=True)
def _small_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = (
        demo.motorcycle_case,
        partial(demo.satellite_case, 96),
        partial(demo.head_case, 96),
    )
    monkeypatch.setattr(demo, "_CASES", cases)


def test_demo_draws_and_scores_three_tasks(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "pictures"
    assert main(["demo", "--out", str(out), "--model", str(tiny_weights)]) == 0
    printed = capsys.readouterr().out
    names = ["demo_depth.png", "demo_mri.png", "demo_pansharpening.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    for name in names:
        assert str(out / name) in printed
        with Image.open(out / name) as picture:
            assert picture.mode == "RGB" and picture.width > 1400
            assert np.asarray(picture).std() > 20
    for words in ("left out of the training", "generated scene", "generated phantom", "gisr tiny"):
        assert words in printed
    for heading in ("RMSE (pixels of disparity)", "PSNR (dB)", "SAM (degrees)", "ERGAS", "SSIM"):
        assert heading in printed


def test_scores_are_those_of_the_metrics(tmp_path: Path, tiny_weights: Path) -> None:
    results = demo.run_demo(tmp_path, tiny_weights)
    depth = next(result for result in results if result.task == "depth")
    pair = demo.motorcycle_case().pair
    assert pair.truth is not None
    expected = rmse(Bicubic().answer(pair).image, pair.truth, border=6, valid=pair.truth_valid)
    assert depth.metrics["bicubic"]["rmse"] == pytest.approx(expected)
    assert f"{expected:.3f}" in demo.format_results(results)


def test_motorcycle_knows_its_unknown_pixels() -> None:
    pair = demo.motorcycle_case().pair
    assert pair.truth_valid is not None and pair.truth is not None
    assert pair.target.shape == (62, 92, 1) and pair.truth.shape == (496, 736, 1)
    assert 0.9 < pair.truth_valid.mean() < 0.95
    assert pair.truth[pair.truth_valid].min() > 5


def test_scenes_are_repeatable_and_plausible() -> None:
    scene, again, other = satellite_scene(64), satellite_scene(64), satellite_scene(64, seed=8)
    np.testing.assert_array_equal(scene.multispectral, again.multispectral)
    assert (scene.multispectral != other.multispectral).any()
    assert scene.multispectral.shape == (64, 64, 4) and scene.panchromatic.shape == (64, 64, 1)
    assert scene.multispectral.max() <= 2047
    # The panchromatic image sees the bands: it goes with their mean, and is not their copy.
    mean = scene.multispectral.mean(axis=2).ravel()
    agreement = np.corrcoef(mean, scene.panchromatic.ravel())[0, 1]
    assert 0.7 < agreement < 0.9999
    head = head_phantom(64)
    assert head.t1.shape == head.t2.shape == (64, 64)
    assert head.t1.min() >= 0
    brain = head.t1 > 300
    # Fluid is dark in T1 and bright in T2: within the head the contrasts go against each other.
    assert np.corrcoef(head.t1[brain], head.t2[brain])[0, 1] < 0.5


def test_worst_window_holds_the_worst_error() -> None:
    error = np.zeros((50, 70), np.float32)
    error[40:, 55:60] = 1
    rows, columns = worst_window(error, 16)
    assert error[rows, columns].sum() == error.sum()
    assert (rows.stop - rows.start, columns.stop - columns.start) == (16, 16)
    assert worst_window(error, 100) == (slice(0, 50), slice(0, 70))


def test_cubehelix_grows_brighter_from_black_to_white() -> None:
    colours = cubehelix(np.linspace(0, 1, 64)[None])[0].astype(float)
    brightness = colours @ (0.30, 0.59, 0.11)
    assert (np.diff(brightness) > 0).all()
    assert colours[0].max() == 0 and colours[-1].min() == 255
