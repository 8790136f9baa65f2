import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gisr.apps.cli import main
from gisr.baselines.classical import Bicubic
from gisr.data.protocols import wald_pair
from gisr.datasets.sources import read_entries
from gisr.errors import InputError
from gisr.estimation.no_reference import NoReferenceQuality
from gisr.experiments.evaluation import Score, evaluate, measure, save_scores, tables
from gisr.experiments.named_systems import load_systems
from gisr.experiments.reproduce.columns import Amount, find_columns, score_interpolation
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.loading import load_model
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.metrics import MetricName, ergas, psnr, q2n, sam
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import save_weights


def score(system: str, ratio: int, value: float) -> Score:
    return Score("landsat7", ratio, system, 6, {"psnr": value}, {"a": {"psnr": value}})


def test_tables_set_the_best_in_bold_and_underline_the_second() -> None:
    scores = [score("one", 2, 30.0), score("two", 2, 32.0), score("three", 2, 31.0)]
    lines = tables(scores).splitlines()
    assert "| one | 30.00 |" in lines
    assert "| two | **32.00** |" in lines
    assert "| three | <u>31.00</u> |" in lines
    assert "6 images." in lines[2]


def test_lower_is_better_for_errors() -> None:
    scores = [
        Score("middlebury2005", 4, name, 6, {"rmse": value}, {"a": {"rmse": value}})
        for name, value in (("one", 2.0), ("two", 1.0))
    ]
    assert "| two | **1.000** |" in tables(scores)


def test_measures_are_the_metrics_with_the_benchmarks_border() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 100, (64, 64, 4)).astype(np.float32)
    pair = wald_pair(truth, truth.mean(axis=2, keepdims=True), 4, bits=8)
    estimate = Bicubic().answer(pair).image
    assert measure(("psnr", "sam", "ergas", "q2n"), estimate, pair, 8) == {
        "psnr": psnr(estimate, truth, peak=255, border=8),
        "sam": sam(estimate, truth, border=8),
        "ergas": ergas(estimate, truth, ratio=4, border=8),
        "q2n": q2n(estimate, truth, border=8),
    }


def test_indexes_without_a_truth_need_none() -> None:
    rng = np.random.default_rng(0)
    target, guide = rng.uniform(1, 100, (32, 32, 4)), rng.uniform(1, 100, (128, 128, 1))
    pair = make_pair(target, guide, "pansharpening")
    estimate = Bicubic().answer(pair).image
    expected = NoReferenceQuality(estimate, pair)
    names: tuple[MetricName, ...] = ("d_lambda", "d_s", "qnr", "d_lambda_k", "hqnr")
    assert measure(names, estimate, pair) == {name: getattr(expected, name) for name in names}
    with pytest.raises(InputError, match="no truth to compare with"):
        measure(("psnr",), estimate, pair)


def test_unknown_benchmarks_and_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        evaluate({}, tmp_path, benchmarks=["nyuu"])
    assert str(caught.value) == "unknown benchmark 'nyuu': did you mean nyu?"
    with pytest.raises(InputError) as caught:
        evaluate({}, tmp_path, benchmarks=["xyz"])
    assert str(caught.value) == (
        "unknown benchmark 'xyz': leave --benchmarks out to score all that the data belong to"
    )
    with pytest.raises(InputError, match="belongs to tasks"):
        evaluate({}, tmp_path, benchmarks=["landsat7"], tasks=["mri"])


def lu(folder: Path, *names: str) -> Path:
    """Write frames as Lu's are published."""
    rng = np.random.default_rng(0)
    for name in names or ("RGBD_01",):
        levels = rng.integers(0, 255, (48, 64)).astype(np.uint8)
        Image.fromarray(levels).save(folder / f"{name}_output_depth.png")
        Image.fromarray(np.dstack([levels] * 3)).save(folder / f"{name}_ouput_color.png")
    return folder


def test_only_the_benchmarks_of_the_data_are_scored(tmp_path: Path) -> None:
    systems = load_systems(["bicubic", "gsa"])  # gsa knows no depth
    lines: list[str] = []
    scores = evaluate(systems, lu(tmp_path, "RGBD_01", "RGBD_02"), progress=lines.append)
    found = [(score.benchmark, score.ratio, score.system, score.images) for score in scores]
    assert found == [
        (f"lu{end}", ratio, "bicubic", 2)
        for end in ("", "-crop6", "-sgnet")
        for ratio in (4, 8, 16)
    ]
    assert [line.split()[:2] for line in lines[:2]] == [["lu", "x4"], ["lu", "x8"]]
    assert set(scores[0].per_image) == {"RGBD_01", "RGBD_02"}


def test_data_without_the_benchmark_asked_for_are_refused(tmp_path: Path) -> None:
    folder = lu(tmp_path)
    with pytest.raises(InputError, match="no entry of lu belongs to landsat7"):
        evaluate({}, folder, benchmarks=["landsat7"])
    with pytest.raises(InputError, match="no entry belongs to landsat7: leave it out"):
        evaluate({}, folder, benchmarks=["lu", "landsat7"])
    with pytest.raises(InputError, match="no entry of lu belongs to brats"):
        evaluate({}, folder, tasks=["mri"], benchmarks=["brats"])


def test_systems_for_none_of_the_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gsa can score none of lu, lu-crop6, lu-sgnet: name"):
        evaluate(load_systems(["gsa"]), lu(tmp_path))


def test_own_pairs_are_scored_at_whatever_ratio_they_came(tmp_path: Path) -> None:
    fine = np.random.default_rng(0).integers(1, 255, (120, 120)).astype(np.uint8)
    bands = np.dstack([fine, fine // 2, 255 - fine])
    for name, image in (("guide", fine), ("truth", bands), ("target", bands[2::5, 2::5])):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    (tmp_path / "pairs.csv").write_text(
        "name,task,split,target,guide,truth,ratio\n"
        "a,pansharpening,test,target.png,guide.png,truth.png,5\n"
        "b,pansharpening,test,,guide.png,target.png,\n"
    )
    scores = evaluate(load_systems(["gsa"]), tmp_path)
    found = [(score.benchmark, score.ratio, list(score.per_image)) for score in scores]
    assert ("own-made-pansharpening", 5, ["a"]) in found
    assert ("own-full", 5, ["b"]) in found


def own_pairs(folder: Path, bits: int = 8) -> Path:
    """Write two pairs made by others at ratio 4, the second of one value everywhere."""
    fine = np.random.default_rng(0).integers(1, 255, (120, 120)).astype(np.uint8)
    lines = ["name,task,split,target,guide,truth,ratio,bits"]
    for name, image in (("some", fine), ("none", np.full_like(fine, 7))):
        bands = np.dstack([image, image // 2, image // 3])
        for kind, own in (("guide", image), ("truth", bands), ("target", bands[2::4, 2::4])):
            Image.fromarray(own).save(folder / f"{name}-{kind}.png")
        files = ",".join(f"{name}-{kind}.png" for kind in ("target", "guide", "truth"))
        lines.append(f"{name},pansharpening,test,{files},4,{bits}")
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_an_image_of_one_value_is_not_scored_and_counted_beside(tmp_path: Path) -> None:
    """Every answer to it has an error of 0: the mean of PSNR would be infinity."""
    scores = evaluate(load_systems(["bicubic"]), own_pairs(tmp_path))
    found = next(score for score in scores if score.benchmark == "own-made-pansharpening")
    assert list(found.per_image) == ["some"]
    assert (found.images, found.empty) == (1, 1)
    assert 5 < found.values["psnr"] < 30
    assert "1 image, and 1 of one value everywhere that is not scored." in tables(scores)


@pytest.mark.parametrize(
    ("name", "near"),
    [("bicubicc", "bicubic"), ("magnet_s+plain", "magnet-s"), ("dctnt:x", "dctnet")],
)
def test_a_misspelt_system_is_told(name: str, near: str) -> None:
    with pytest.raises(
        InputError, match=rf"^unknown system '{re.escape(name)}': did you mean {near}"
    ):
        load_systems([name])


@pytest.mark.parametrize("images", [None, 2])
def test_an_image_of_one_value_is_in_no_mean_of_an_experiment(
    tmp_path: Path, images: int | None
) -> None:
    entries = read_entries(str(own_pairs(tmp_path)))
    columns = find_columns(entries, ["own-made-pansharpening"])
    (cell,) = score_interpolation(columns, entries, Amount(images, None)).values()
    assert cell.images == ("some",)
    assert 5 < cell.value < 30


def test_bits_that_cannot_hold_the_values_are_refused(tmp_path: Path) -> None:
    names = "pairs.csv, some-guide.png, some-target.png, some-truth.png"
    why = rf"^some \({names} in {tmp_path}\): bits 4 hold values up to 15, the truth has 254"
    with pytest.raises(InputError, match=why):
        evaluate(load_systems(["bicubic"]), own_pairs(tmp_path, bits=4))


def own_table(folder: Path, *rows: str) -> Path:
    (folder / "pairs.csv").write_text("\n".join(["name,task,split,truth,guide", *rows]) + "\n")
    return folder


def refused(folder: Path) -> str:
    """Return why the pairs of a folder cannot be scored."""
    with pytest.raises(InputError) as caught:
        evaluate(load_systems(["bicubic", "zero-filled"]), folder)
    return str(caught.value)


def test_data_without_a_test_pair_say_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(np.ones((8, 8), np.uint8)).save(tmp_path / f"{name}.png")
    rows = ["a,depth,train,a.png,a.png", "b,depth,train,a.png,a.png", "c,depth,val,b.png,b.png"]
    assert refused(own_table(tmp_path, *rows)) == (
        f"{tmp_path}: holds no pair of the split test, which benchmarks score (2 of train, 1 of "
        "val): name other data, or put some pairs into that split"
    )


def test_what_is_not_scored_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A depth map without a truth belongs to no benchmark; GSA sharpens no depth."""
    rng = np.random.default_rng(0)
    for name, shape in (("low", (20, 20)), ("high", (80, 80)), ("pan", (320, 320))):
        Image.fromarray(rng.integers(1, 255, shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    colours = rng.integers(1, 255, (80, 80, 3)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "colour.png")
    (tmp_path / "pairs.csv").write_text(
        "name,task,split,target,truth,guide,ratio\n"
        "hall,depth,test,low.png,,colour.png,4\n"
        "kitchen,depth,test,,high.png,colour.png,\n"
        "town,pansharpening,test,,colour.png,pan.png,\n"
    )
    assert main(["evaluate", str(tmp_path), "--systems", "bicubic", "gsa"]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "note: " in line]
    assert notes == [
        f"gisr: note: {tmp_path}: 1 of 3 pairs is left out, hall: of no benchmark (without a "
        "truth, or of another sensor)",
        "gisr: note: gsa is not in the tables of own-frames: it is not made for them",
    ]
    assert main(["evaluate", str(tmp_path), "--systems", "bicubic", "--tasks", "depth"]) == 0
    assert "note: " not in capsys.readouterr().err


def test_columns_that_the_data_has_none_of_name_those_it_has(tmp_path: Path) -> None:
    entries = read_entries(lu(tmp_path))
    assert [column.key for column in find_columns(entries, ["lu"])] == ["lu x4", "lu x8", "lu x16"]
    with pytest.raises(InputError) as caught:
        find_columns(entries)
    assert str(caught.value) == (
        "benchmarks: the data has no test entry of brats, landsat7, middlebury2005, mri-t1-t2, "
        "nbu-gf1 and 7 more: --benchmarks takes lu, lu-crop6, lu-sgnet here"
    )
    with pytest.raises(InputError, match=r"^unknown benchmark 'luu': did you mean lu\?$"):
        find_columns(entries, ["luu"])


def test_a_pair_that_is_too_small_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("depth", (8, 200)), ("colour", (8, 200, 3))):
        Image.fromarray(rng.integers(1, 255, shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    assert refused(own_table(tmp_path, "hall,depth,test,depth.png,colour.png")) == (
        f"hall (colour.png, depth.png, pairs.csv in {tmp_path}): "
        "200 x 8 pixels are too few for own-frames, which cuts 6 on every side: leave the pair "
        "out, or name others with --benchmarks"
    )


def test_a_map_without_a_known_pixel_is_named(tmp_path: Path) -> None:
    known = np.zeros((48, 48), np.uint8)
    Image.fromarray(known).save(tmp_path / "depth.png")
    Image.fromarray(np.dstack([known] * 3)).save(tmp_path / "colour.png")
    own_table(tmp_path, "hall,depth,test,depth.png,colour.png")
    assert refused(tmp_path).startswith(f"hall (colour.png, depth.png, pairs.csv in {tmp_path}): ")
    assert refused(tmp_path).endswith(": depth is empty: no pixel is known: leave the file out")
    known[0, 0] = 7
    Image.fromarray(known).save(tmp_path / "depth.png")
    assert refused(tmp_path).endswith(
        ": no pixel is known inside the border of 6 that own-frames cuts: leave the pair out, or "
        "name others with --benchmarks"
    )


def test_a_volume_with_nan_is_named(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    for contrast in ("PD", "T2"):
        voxels = np.random.default_rng(0).uniform(1, 9, (24, 24, 24)).astype(np.float32)
        if contrast == "T2":
            voxels[:12, :12, 12] = np.nan
        for number in range(6):  # one in ten is drawn for the test
            path = tmp_path / f"IXI{number:03d}-Guys-0828-{contrast}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)
    assert re.fullmatch(
        rf"(IXI00\d-Guys-0828) \(\1-PD.nii.gz, \1-T2.nii.gz in {tmp_path}\): T2 holds 144 values "
        "that are NaN or infinite: write numbers in their place, or leave the file out",
        refused(tmp_path),
    )


def test_what_is_no_whole_times_finer_is_refused_as_by_prepare(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("ms", (40, 40, 3)), ("pan", (100, 100))):
        Image.fromarray(rng.integers(1, 255, shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    own_table(tmp_path, "town,pansharpening,test,ms.png,pan.png")
    why = "panchromatic image of 100 x 100 x 1 is no whole multiple of the multispectral one of "
    assert refused(tmp_path).startswith(f"town (ms.png, pairs.csv, pan.png in {tmp_path}): ")
    assert refused(tmp_path).endswith(f"): {why}40 x 40 x 3: resample it to one")
    (entry,) = read_entries(tmp_path)
    with pytest.raises(InputError, match=why):
        entry.checked_images()


def test_a_picture_of_another_size_than_its_map_is_refused_as_by_prepare(tmp_path: Path) -> None:
    folder = lu(tmp_path)
    Image.fromarray(np.ones((48, 66, 3), np.uint8)).save(tmp_path / "RGBD_01_ouput_color.png")
    why = "colour of 66 x 48 does not fit: depth is 64 x 48: bring both to one grid, or leave the "
    assert refused(folder) == (
        f"RGBD_01 (RGBD_01_ouput_color.png, RGBD_01_output_depth.png in {folder}): {why}pair out"
    )
    (entry,) = read_entries(folder)
    with pytest.raises(InputError, match=why):
        entry.checked_images()


def test_contrasts_of_other_sizes_are_refused_as_by_prepare(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    for contrast, depth in (("T1", 20), ("T2", 24)):
        voxels = np.random.default_rng(0).uniform(1, 9, (24, 24, depth)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / f"{contrast}.nii.gz")
    files = {"T1": "T1.nii.gz", "T2": "T2.nii.gz"}
    record = {"id": "one", "task": "mri", "split": "test", "open": True, "contrasts": files}
    (tmp_path / "index.json").write_text(json.dumps([record]), encoding="utf-8")
    assert refused(tmp_path) == (
        f"one (T1.nii.gz, T2.nii.gz in {tmp_path}): T1 of 24 x 24 x 20 does not fit: T2 is 24 x 24 "
        "x 24: bring both to one grid, or leave the pair out"
    )


def test_a_scene_cut_by_less_than_a_pixel_is_scored_at_full_resolution(tmp_path: Path) -> None:
    """As published scenes are: its panchromatic image is 2 times finer but for a row."""
    rng = np.random.default_rng(0)
    for name, shape in (("ms", (64, 80, 3)), ("pan", (127, 159))):
        Image.fromarray(rng.integers(1, 255, shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    own_table(tmp_path, "town,pansharpening,test,ms.png,pan.png")
    found = evaluate(load_systems(["bicubic"]), tmp_path, benchmarks=["own-full"])
    assert [(score.ratio, score.images) for score in found] == [(2, 1)]


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("scores.md", "is for the scores, the tables go to a .md beside: use .json"),
        (".", "is a folder: name a file in it, as scores.json"),
        ("no/such.json", "there is no folder no: make it first"),
    ],
)
def test_scores_that_could_not_be_written_are_refused_before_any_is_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    out: str,
    why: str,
) -> None:
    own_pairs(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", ".", "--systems", "bicubic", "--out", out]) == 2
    told = capsys.readouterr()
    assert told.err == f"gisr: error: --out {out}: {why}\n"
    assert told.out == ""


def test_a_published_system_without_weights_says_how_they_are_named() -> None:
    with pytest.raises(InputError, match="give a folder of them, as dctnet:runs/x"):
        load_systems(["dctnet"])


def test_the_command_takes_a_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = lu(tmp_path, "RGBD_01", "Middlebury_01")
    words = ["evaluate", str(folder), "--systems", "bicubic", "--quiet"]
    assert main(words) == 2
    assert "could be middlebury30 or lu: name the layout" in capsys.readouterr().err
    assert main([*words, "--layout", "lu"]) == 0
    assert capsys.readouterr().out.count("### Depth, Lu") == 3


def test_scores_are_kept_with_their_origin(tmp_path: Path) -> None:
    save_scores([score("one", 2, 30.0)], tmp_path / "scores.json", command="gisr evaluate x")
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert record["command"] == "gisr evaluate x"
    assert record["scores"][0]["per_image"] == {"a": {"psnr": 30.0}}
    assert {"commit", "date", "machine"} <= set(record)


def test_bicubic_rows_are_the_independent_ones(data_folder: Path) -> None:
    """shared/data/README.md measured them with other code: 0.123, 0.207 and 0.346 metres."""
    scores = evaluate(load_systems(["bicubic"]), data_folder, benchmarks=["depth-sensors"])
    found = [found.values["rmse"] for found in scores]
    assert found == pytest.approx([0.123, 0.207, 0.346], abs=0.001)
    assert all(len(found.per_image) == found.images == 9 for found in scores)


@pytest.fixture
def tiny_network() -> MAGNet:
    torch.manual_seed(0)
    return MAGNet(MAGNetConfig(width=4, blocks=(1, 1), heads=(1, 2), atoms=4, atom_width=8))


def test_weights_can_be_scored_as_with_consistent(tmp_path: Path, tiny_network: MAGNet) -> None:
    save_weights(tmp_path / "tiny", tiny_network, built_in_table(), name="tiny")
    tiny = str(tmp_path / "tiny")
    systems = load_systems([tiny, f"{tiny}+consistent", "bicubic"], "cpu")
    assert list(systems) == [tiny, f"{tiny}+consistent", "bicubic"]
    target = np.random.default_rng(0).random((12, 12, 2), np.float32)
    pair = make_pair(target, np.ones((24, 24, 1), np.float32), "pansharpening")
    plain, fixed = (list(systems.values())[index].answer(pair).image for index in (0, 1))
    # A new network is the identity: what it gives is the interpolated target, which is blurred.
    np.testing.assert_allclose(plain, pair.on_guide_grid().clip(min=0), atol=1e-5)
    assert np.abs(fixed - plain).max() > 0.01


def test_weights_can_be_scored_as_with_uncertainty(tmp_path: Path, tiny_network: MAGNet) -> None:
    torch.nn.init.normal_(tiny_network.head.weight, std=0.1)
    save_weights(tmp_path / "tiny", tiny_network, built_in_table(), name="tiny")
    tiny = str(tmp_path / "tiny")
    names = [f"{tiny}+{way}" for way in ("ensemble", "ensemble+consistent", "consistent+ensemble")]
    systems = load_systems([tiny, *names], "cpu")
    assert list(systems) == [tiny, *names]
    boxes = np.random.default_rng(0).random((3, 3), np.float32)  # surfaces, not noise
    target = np.kron(boxes, np.ones((4, 4), np.float32))[..., None]
    pair = make_pair(target, np.random.default_rng(1).random((48, 48, 3), np.float32), "depth")
    alone, mean, *both = (system.answer(pair).image for system in systems.values())
    upscaler = load_model(tiny, "cpu")
    np.testing.assert_array_equal(mean, upscaler.answer(pair, Settings(spread=True)).image)
    expected = upscaler.answer(pair, Settings(spread=True, consistent="always")).image
    for image in both:
        np.testing.assert_array_equal(image, expected)
    assert min(np.abs(mean - alone).max(), np.abs(expected - mean).max()) > 0.002
