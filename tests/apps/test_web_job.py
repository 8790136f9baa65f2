"""What the page does with files, without a browser: results, scores, pictures, limits."""

import shlex
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import BGRN, write_geotiff
from tests.small_network import small_network

from gisr.apps.web.cancellation import StoppedError, Watch
from gisr.apps.web.dicom_upload import one_path
from gisr.apps.web.drawing import (
    View,
    draw_filled,
    draw_overview,
    draw_spread,
    draw_view,
    window_of,
)
from gisr.apps.web.examples import write_example
from gisr.apps.web.form import Chosen, Uploads, chosen_options, result_name
from gisr.apps.web.html import scores_table, summary
from gisr.apps.web.job import PageOutcome, look, sharpen
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.routing_map import draw_routing
from gisr.data.degradations import kspace_crop
from gisr.data.resample import bicubic_to_guide
from gisr.errors import InputError, LimitError, PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.depth.maps import read_depth
from gisr.io.geotiff import read_geotiff
from gisr.io.volumes.nifti import read_nifti
from gisr.io.volumes.pair import VolumePair
from gisr.metrics import ergas, psnr, rmse, sam
from gisr.pipelines.layers import Plane
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.pipelines.table import PIPELINES
from gisr.placement import Placement
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import Weights

RNG = np.random.default_rng(0)
LIMITS = PageLimits()


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    network = small_network(moved=True)
    return Upscaler(Weights("tiny", network.eval(), built_in_table()), "cpu")


def watch(seconds: float = 60, stopped: Event | None = None) -> Watch:
    return Watch(seconds, stopped or Event())


def depth_files(folder: Path) -> Uploads:
    truth = RNG.uniform(500, 900, (48, 64)).astype(np.float32)
    target = truth.reshape(12, 4, 16, 4).mean(axis=(1, 3))
    target[2:4, 5:8] = np.nan
    np.save(folder / "depth.npy", target)
    Image.fromarray(RNG.integers(0, 256, (48, 64, 3)).astype(np.uint8)).save(folder / "colour.png")
    np.save(folder / "truth.npy", truth)
    return Uploads(folder / "depth.npy", folder / "colour.png", folder / "truth.npy")


def satellite_files(folder: Path) -> Uploads:
    truth = RNG.integers(200, 1800, (64, 64, 4))
    target = np.rint(truth.reshape(16, 4, 16, 4, 4).mean(axis=(1, 3)))
    pan = truth.mean(axis=2, keepdims=True)
    return Uploads(
        write_geotiff(folder / "ms.tif", target.astype(np.uint16), 8.0, names=BGRN),
        write_geotiff(folder / "pan.tif", pan.astype(np.uint16), 2.0),
        write_geotiff(folder / "truth.tif", truth.astype(np.uint16), 2.0, names=BGRN),
    )


def mr_files(folder: Path) -> Uploads:
    shapes = {"low_T2w": (12, 16, 3), "high_T1w": (48, 64, 3), "truth_T2w": (48, 64, 3)}
    paths = []
    for name, shape in shapes.items():
        affine = np.diag((48 / shape[0], 64 / shape[1], 5.0, 1.0))
        voxels = RNG.uniform(10, 900, shape).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / f"{name}.nii.gz")
        paths.append(folder / f"{name}.nii.gz")
    return Uploads(*paths)


def run(upscaler: Upscaler, uploads: Uploads, chosen: Chosen | None = None) -> PageOutcome:
    folder = uploads.target.parent / "out"
    folder.mkdir()
    return sharpen(upscaler, uploads, chosen or {}, LIMITS, folder, watch())


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
    assert "ms_sharpened.tif" in text and "pansharpening x4: 64 x 64 x 4, uint16" in text


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
    assert "the spectral angle needs at least two bands" in outcome.notes[-1]


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
    with pytest.raises(PairError, match=r"depth\.npy: a truth of 12 x 16 does not fit.*48 x 64"):
        sharpen(upscaler, wrong, {}, LIMITS, folder, watch())
    assert list(folder.iterdir()) == []


def test_looking_says_what_files_are_taken_for(tmp_path: Path) -> None:
    depth = look(depth_files(tmp_path), {}, LIMITS, tmp_path)
    assert depth.summary == "Depth map, 12 x 16 (float32, 3.1% unknown) to 48 x 64: x4"
    assert (depth.request.task, depth.bands) == ("depth", ())
    scene = look(satellite_files(tmp_path), {}, LIMITS, tmp_path)
    assert scene.summary == "Satellite image, 16 x 16 (4 bands of uint16) to 64 x 64: x4"
    assert scene.bands == ("1 blue", "2 green", "3 red", "4 nir")
    volume = look(mr_files(tmp_path), {}, LIMITS, tmp_path)
    assert volume.summary == "MR volume, 12 x 16 x 3 (float32) to 48 x 64 x 3: x4"


def test_choices_for_another_task_do_not_count(tmp_path: Path) -> None:
    chosen = {
        "sensor": "QuickBird",
        "bits": 11,
        "contrast": "T2",
        "invalid": 7.0,
        "fill_holes": True,
    }

    def options(task: Any) -> Options:
        return chosen_options(chosen, task, Path("a.png"), tmp_path)

    mask = tmp_path / "a_filled.png"
    assert options("depth") == Options("depth", invalid=7.0, fill_holes=True, mask=mask)
    assert options("mri") == Options("mri", contrast="T2")
    assert options("pansharpening") == Options("pansharpening", sensor="QuickBird", bits=11)
    with pytest.raises(InputError, match="no band is chosen"):
        chosen_options({"bands": ()}, "pansharpening", Path("a.tif"), tmp_path)
    moved = [
        chosen_options({"align": False}, task, Path("a.png"), tmp_path).align
        for task in ("mri", "depth")
    ]
    assert moved == ["off", "auto"]


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

    hook = upscaler.network.register_forward_hook(count)
    try:
        with pytest.raises(StoppedError, match="stopped"):
            watching = watch(stopped=stopped)
            sharpen(upscaler, depth_files(tmp_path), EVERYTHING, LIMITS, folder, watching)
    finally:
        hook.remove()
    assert answers == 3
    assert [path.name for path in folder.iterdir()] == ["interpolated.npy"]


def dicom_series(folder: Path) -> list[Path]:
    """Write three slices of 12 x 16, each in a folder of its own as uploads are."""
    pydicom = pytest.importorskip("pydicom", reason="needs the extra mri")
    uids = pydicom.uid
    voxels, paths = RNG.integers(10, 900, (3, 12, 16)).astype(np.uint16), []
    for number, pixels in enumerate(voxels):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = uids.MRImageStorage
        meta.MediaStorageSOPInstanceUID = uids.generate_uid()
        image = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SeriesInstanceUID, image.SeriesDescription = uids.UID("1.2.3"), "t2 tse"
        image.ImagePositionPatient = [0.0, 0.0, 5.0 * number]
        image.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        image.PixelSpacing, image.SliceThickness = [4.0, 4.0], 5.0
        image.Rows, image.Columns = pixels.shape
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.PixelRepresentation, image.PixelData = 0, pixels.tobytes()
        place = folder / str(number)
        place.mkdir()
        paths.append(place / "image.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def test_images_of_a_dicom_series_are_one_volume(tmp_path: Path, upscaler: Upscaler) -> None:
    images = dicom_series(tmp_path)
    target = one_path(images, tmp_path / "made" / "target", 10**6)
    assert len(list(target.iterdir())) == 3
    affine = np.diag((-1.0, -1.0, 5.0, 1.0))
    affine[:2, 3] = 1.5  # the middle of a target voxel is that of four by four
    guide = tmp_path / "high_T1w.nii.gz"
    nibabel.save(
        nibabel.Nifti1Image(RNG.uniform(10, 900, (64, 48, 3)).astype(np.float32), affine), guide
    )
    files = Uploads(target, guide)
    found = look(files, {}, LIMITS, tmp_path)
    assert found.summary == "MR volume, 16 x 12 x 3 (uint16) to 64 x 48 x 3: x4"
    outcome = run(upscaler, files)
    assert outcome.path.name == "target_sharpened.nii"
    assert (outcome.result.contrast, outcome.result.guide_contrast) == ("T2", "T1")
    upscale_files(upscaler, target, guide, tmp_path / "same.nii")
    assert outcome.path.read_bytes() == (tmp_path / "same.nii").read_bytes()


def test_several_files_that_are_no_series_are_refused(tmp_path: Path) -> None:
    images = dicom_series(tmp_path)
    assert one_path(images[:1], tmp_path / "made", 10) == images[0]
    with pytest.raises(LimitError, match=r"3 DICOM images of .* more than the 1e-05 MB"):
        one_path(images, tmp_path / "made", 10)
    (tmp_path / "notes.zip").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match=r"notes\.zip: is no DICOM image; give one file here"):
        one_path([*images, tmp_path / "notes.zip"], tmp_path / "made", 10**6)
    assert not (tmp_path / "made").exists()


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
            look(make(tmp_path), {}, small, tmp_path)


@pytest.mark.parametrize("name", ["max_upload", "max_pixels", "concurrency", "max_waiting"])
def test_limits_that_refuse_everything_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} 0 must be at least 1"):
        PageLimits(**{name: 0})
    with pytest.raises(InputError, match="max_seconds nan must be above zero"):
        PageLimits(max_seconds=float("nan"))


def test_names_of_results() -> None:
    assert result_name(Path("a/T2.nii.gz"), MRI) == "T2_sharpened.nii.gz"
    assert result_name(Path("d.png"), DEPTH) == "d_sharpened.png"
    assert result_name(Path("scene.TIFF"), PANSHARPENING) == "scene_sharpened.tiff"
    assert result_name(Path("scene.ntf"), PANSHARPENING) == "scene_sharpened.tif"
    # A PNG cannot hold what the spread of a depth map is.
    spread = chosen_options({"uncertainty": True}, "depth", Path("d.png"), Path("a")).uncertainty
    assert spread == Path("a/d_spread.tif")


def test_drawings_compare_with_what_is_asked(tmp_path: Path, upscaler: Upscaler) -> None:
    outcome = run(upscaler, satellite_files(tmp_path))
    drawings = {
        name: draw_view(outcome.layers, "pansharpening", View(comparison=name))
        for name in ("interpolated", "guide", "truth", "errors")
    }
    sharpened = drawings["interpolated"].right
    assert sharpened.shape == (64 * 11, 64 * 11, 3)
    for name in ("guide", "truth"):
        np.testing.assert_array_equal(drawings[name].right, sharpened)
        assert (drawings[name].left != drawings["interpolated"].left).any()
    assert drawings["errors"].left_name == "error of interpolated"
    assert (drawings["errors"].right != sharpened).any()
    assert draw_overview(outcome.layers, View()) is None


@pytest.mark.parametrize("make", [depth_files, satellite_files, mr_files])
def test_routing_is_drawn_for_what_is_in_view(
    tmp_path: Path, upscaler: Upscaler, make: Any
) -> None:
    outcome = run(upscaler, replace(make(tmp_path), truth=None))
    assert outcome.scores is None
    plane = Plane(outcome.layers.axis, 2 if len(outcome.layers.slices) > 1 else 0)
    picture = draw_routing(outcome, View(plane))
    assert picture.dtype == np.uint8 and picture.shape[0] > 200 and picture.shape[1] > 300
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 4


def test_routing_of_slices_the_network_never_saw_is_refused(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    outcome = run(upscaler, mr_files(tmp_path))
    with pytest.raises(InputError, match="did not see this slice"):
        draw_routing(outcome, View(Plane(0, 5)))


@pytest.mark.parametrize("task", ["depth", "mri", "pansharpening"])
def test_examples_are_files_that_can_be_used_and_compared(tmp_path: Path, task: Any) -> None:
    found = look(write_example(task, tmp_path), {}, LIMITS, tmp_path)
    assert found.request.task == task
    pipeline, path = PIPELINES[found.request.task], next(tmp_path.glob("truth*"))
    truth = pipeline.read_truth(path, found.request, LIMITS.files)
    if isinstance(found.request.files, VolumePair):
        # Its truth, cropped in k-space, is its target: nothing was shifted.
        assert isinstance(truth.content, np.ndarray)
        reduced = kspace_crop(truth.content[..., 0], 4)
        np.testing.assert_allclose(found.request.files.target.voxels[..., 0], reduced, atol=1e-2)
