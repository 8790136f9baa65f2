"""What the page does with files, without a browser: results, scores, pictures, limits."""

import shlex
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from tests.apps.web_files import (
    LIMITS,
    depth_files,
    mr_files,
    run,
    satellite_files,
    watch,
)

from gisr.apps.web.cancellation import StoppedError, Watch
from gisr.apps.web.drawing import (
    View,
    draw_filled,
    draw_spread,
    draw_view,
    window_of,
)
from gisr.apps.web.form import chosen_options
from gisr.apps.web.html import scores_table, summary
from gisr.apps.web.job import preview, sharpen
from gisr.apps.web.limits import PageLimits
from gisr.data.resample import bicubic_to_guide
from gisr.errors import LimitError, PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.depth.maps import read_depth
from gisr.io.geotiff import read_geotiff
from gisr.io.volumes.nifti import read_nifti
from gisr.metrics import ergas, psnr, rmse, sam
from gisr.pipelines.layers import Plane
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.placement import Placement


def test_depth_is_what_upscale_writes_and_scored(tmp_path: Path, upscaler: Upscaler) -> None:
    files = depth_files(tmp_path)
    outcome = run(upscaler, files)
    assert outcome.path.name == "depth_sharpened.npy"
    upscale_files(upscaler, files.target, files.guide, tmp_path / "same.npy")
    assert outcome.path.read_bytes() == (tmp_path / "same.npy").read_bytes()
    assert outcome.scores is not None and files.truth is not None
    sharp, truth = read_depth(outcome.path), np.load(files.truth)
    expected = rmse(np.where(sharp.valid, sharp.values, 0), truth, border=6, valid=sharp.valid)
    assert outcome.scores.values["sharpened"] == {"rmse": pytest.approx(expected)}
    assert outcome.scores.known == pytest.approx(1 - 6 / 192)
    assert "96.9% of the pixels are known" in scores_table(outcome.scores)
    assert "SSIM" not in scores_table(outcome.scores)


def test_satellite_is_what_upscale_writes_and_scored(tmp_path: Path, upscaler: Upscaler) -> None:
    files = satellite_files(tmp_path)
    outcome = run(upscaler, files, {"sensor": "QuickBird"})
    options = Options(sensor="QuickBird")
    upscale_files(upscaler, files.target, files.guide, tmp_path / "same.tif", options)
    assert outcome.path.read_bytes() == (tmp_path / "same.tif").read_bytes()
    assert outcome.bands == ("1 blue", "2 green", "3 red", "4 nir")
    assert outcome.scores is not None and files.truth is not None
    sharp, truth = (read_geotiff(path).pixels for path in (outcome.path, files.truth))
    inner = slice(8, -8), slice(8, -8)
    measured = outcome.scores.values["sharpened"]
    assert outcome.scores.peak == 2047
    assert measured["psnr"] == pytest.approx(psnr(sharp, truth, peak=2047, border=8))
    assert measured["sam"] == pytest.approx(sam(sharp[inner], truth[inner]))
    assert measured["ergas"] == pytest.approx(ergas(sharp, truth, ratio=4, border=8))
    assert set(measured) == {"psnr", "ssim_wang", "sam", "ergas"}
    text = summary(outcome)
    assert "ms_sharpened.tif" in text and "4 times finer: 64 x 64 x 4 (uint16)" in text


def test_a_scene_that_is_not_adapted_to_is_told(tmp_path: Path, upscaler: Upscaler) -> None:
    outcome = run(upscaler, satellite_files(tmp_path), {"adapt": True})
    assert "--adapt" in shlex.split(outcome.command)
    assert any("not adapted: at ratio 4 what a scene tells" in note.text for note in outcome.notes)


def test_the_other_image_is_interpolation_of_the_same_files(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    files = satellite_files(tmp_path)
    outcome = run(upscaler, files)
    target = read_geotiff(files.target).pixels.astype(np.float32)
    placement = Placement.from_grid("centre", (16, 16), (64, 64))
    expected = np.rint(bicubic_to_guide(target, (64, 64), placement))
    everything = slice(0, 64), slice(0, 64)
    before = outcome.layers.read("interpolated", Plane(), everything)
    assert np.abs(before - expected).max() <= 1  # a value at one half may go either way
    after = outcome.layers.read("sharpened", Plane(), everything)
    np.testing.assert_array_equal(after, read_geotiff(outcome.path).pixels)
    assert (after != before).mean() > 0.5


def test_bands_can_be_chosen_and_a_truth_follows(tmp_path: Path, upscaler: Upscaler) -> None:
    outcome = run(upscaler, satellite_files(tmp_path), {"bands": (3,)})
    assert outcome.bands == ("3 red",)
    assert read_geotiff(outcome.path).pixels.shape == (64, 64, 1)
    # A band alone has no spectral angle: the result is there, and the reason.
    assert outcome.scores is None
    assert "the spectral angle needs at least two bands" in outcome.notes[-1].text


def test_volume_is_what_upscale_writes_along_any_axis(tmp_path: Path, upscaler: Upscaler) -> None:
    files = mr_files(tmp_path)
    outcome = run(upscaler, files)
    upscale_files(upscaler, files.target, files.guide, tmp_path / "same.nii.gz")
    voxels, same = (read_nifti(p).voxels for p in (outcome.path, tmp_path / "same.nii.gz"))
    np.testing.assert_array_equal(voxels, same)
    layers = outcome.layers
    assert (layers.slices, layers.axis) == ((48, 64, 3), 2)
    for axis, size in enumerate([(3, 64), (3, 48), (64, 48)]):
        plane = Plane(axis, 1)
        assert layers.size(plane) == size
        shown = layers.read("sharpened", plane, (slice(0, size[0]), slice(0, size[1])))
        np.testing.assert_array_equal(shown[..., 0], np.rot90(np.take(voxels, 1, axis)))
    assert outcome.scores is not None and files.truth is not None
    truth = read_nifti(files.truth).voxels
    expected = psnr(voxels, truth, peak=float(truth.max()))
    assert outcome.scores.values["sharpened"]["psnr"] == pytest.approx(expected)
    assert "T2 guided by T1" in summary(outcome)


def test_a_truth_that_does_not_fit_is_refused_before_the_work(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    files = depth_files(tmp_path)
    folder = tmp_path / "out"
    folder.mkdir()
    wrong = replace(files, truth=files.target)
    with pytest.raises(PairError, match=r"depth\.npy: a truth of 16 x 12 does not fit.*64 x 48"):
        sharpen(upscaler, wrong, {}, LIMITS, folder, watch())
    assert list(folder.iterdir()) == []


def test_a_preview_reports_what_files_are_recognised_as(tmp_path: Path) -> None:
    depth = preview(depth_files(tmp_path), {}, LIMITS, tmp_path)
    assert depth.summary == "Depth map, 16 x 12 (float32, 3.1% unknown) to 64 x 48: x4"
    assert (depth.request.task, depth.bands) == ("depth", ())
    scene = preview(satellite_files(tmp_path), {}, LIMITS, tmp_path)
    assert scene.summary == "Satellite image, 16 x 16 (4 bands of uint16) to 64 x 64: x4"
    assert scene.bands == ("1 blue", "2 green", "3 red", "4 nir")
    volume = preview(mr_files(tmp_path), {}, LIMITS, tmp_path)
    assert volume.summary == "MR volume, 12 x 16 x 3 (float32) to 48 x 64 x 3: x4"


EVERYTHING = {"uncertainty": True, "consistent": True, "fill_holes": True}


@pytest.mark.parametrize("make", [depth_files, satellite_files, mr_files])
def test_further_outputs_are_what_upscale_writes(
    tmp_path: Path, upscaler: Upscaler, make: Any
) -> None:
    files = replace(make(tmp_path), truth=None)
    outcome = run(upscaler, files, EVERYTHING)
    same = tmp_path / "same"
    same.mkdir()
    task, output = outcome.request.task, same / outcome.path.name
    options = chosen_options(EVERYTHING, task, files.target, same)
    upscale_files(upscaler, files.target, files.guide, output, options)
    written = sorted(path.name for path in same.iterdir())
    assert len(written) == (3 if task == "depth" else 2)
    for name in written:
        pair = outcome.path.parent / name, same / name
        if name.endswith(".gz"):
            ours, theirs = (read_nifti(path).voxels for path in pair)
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert pair[0].read_bytes() == pair[1].read_bytes(), name
    # The picture beside the result is of that spread, and so is what is said to be white.
    layers = outcome.layers
    view = View(Plane(layers.axis, 1 if task == "mri" else 0))
    drawn = draw_spread(layers, view)
    assert drawn is not None and drawn[1] > 0
    assert drawn[0].shape == draw_view(layers, task, view).right.shape
    spread = layers.read("spread", view.plane, window_of(layers, view)).mean(axis=2)
    assert drawn[1] == pytest.approx(np.percentile(spread, 99.5))
    # What it is compared with is the target as it comes, of one band each.
    everything = window_of(layers, view)
    assert layers.read("interpolated", view.plane, everything).shape[2] == (
        4 if task == "pansharpening" else 1
    )


def test_filled_holes_are_shown_and_the_mask_is_white_there(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    outcome = run(upscaler, depth_files(tmp_path), {"fill_holes": True})
    drawn = draw_filled(outcome.layers, View())
    assert drawn is not None
    hole = np.zeros((48, 64), bool)
    hole[8:16, 20:32] = True
    np.testing.assert_array_equal(drawn[::11, ::11], np.where(hole, 255, 0)[..., None].repeat(3, 2))
    assert outcome.scores is not None and outcome.scores.known == 1
    assert "gisr upscale depth.npy colour.png --output depth_sharpened.npy" in summary(outcome)
    assert "--fill-holes --mask depth_filled.png" in summary(outcome)
    plain = run(upscaler, depth_files(tmp_path / "out"))
    assert draw_filled(plain.layers, View()) is None and draw_spread(plain.layers, View()) is None


def test_the_report_names_files_and_the_command_but_no_folder(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra report")
    chosen = {"report": True, "bands": (1, 3), "consistent": False, "align": False}
    outcome = run(upscaler, satellite_files(tmp_path), chosen)
    text = (outcome.path.parent / "ms_report.html").read_text(encoding="utf-8")
    assert "ms_sharpened.tif" in text and str(tmp_path) not in text
    assert shlex.split(outcome.command) == [
        *("gisr", "upscale", "ms.tif", "pan.tif", "--output", "ms_sharpened.tif"),
        *("--task", "pansharpening", "--align", "off", "--band", "1", "--band", "3"),
        *("--no-consistent", "--report", "ms_report.html"),
    ]
    assert outcome.command in text
    assert outcome.result.alignment is None


def test_stop_works_between_the_eight_answers_to_one_tile(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    folder, stopped, answers = tmp_path / "out", Event(), 0
    folder.mkdir()

    def count(*_: Any) -> None:
        nonlocal answers
        answers += 1
        if answers == 3:
            stopped.set()

    hook = upscaler._networks.take("auto").register_forward_hook(count)
    try:
        with pytest.raises(StoppedError, match="stopped"):
            watching = watch(stopped=stopped)
            sharpen(upscaler, depth_files(tmp_path), EVERYTHING, LIMITS, folder, watching)
    finally:
        hook.remove()
    assert answers == 3
    assert [path.name for path in folder.iterdir()] == ["interpolated.npy"]


def test_a_run_ends_when_its_time_is_up_or_it_is_stopped(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    files = mr_files(tmp_path)
    folder, stopped, seen = tmp_path / "out", Event(), list[tuple[int, int]]()
    folder.mkdir()

    def stop_after_one(done: int, total: int) -> None:
        seen.append((done, total))
        stopped.set()

    with pytest.raises(StoppedError, match="stopped"):
        watching = Watch(60, stopped, stop_after_one)
        sharpen(upscaler, files, {}, LIMITS, folder, watching)
    assert seen == [(1, 3)]
    assert not (folder / "low_T2w_sharpened.nii.gz").exists()
    with pytest.raises(LimitError, match=r"not ready after 1e-06 seconds.*--max-seconds"):
        sharpen(upscaler, files, {}, LIMITS, folder, watch(1e-6))


def test_large_files_are_refused_by_their_headers(tmp_path: Path) -> None:
    small = PageLimits(max_pixels=1000)
    for make in (depth_files, satellite_files, mr_files):
        with pytest.raises(LimitError, match="more than the 1000 allowed"):
            preview(make(tmp_path), {}, small, tmp_path)
