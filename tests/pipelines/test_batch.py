"""Many pairs: which files go together, what is refused at once, and what is said at the end."""

import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from gisr.apps.cli import main
from gisr.data.phantoms import satellite_scene
from gisr.errors import FileFormatError, GisrError, InputError, PairError
from gisr.notes import Note
from gisr.pipelines.batch import BatchItem, is_batch, plan_batch, run_batch
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult
from gisr.pipelines.run import read_request
from gisr.weights.store import Weights, save_weights

SCENE = satellite_scene(64)


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"something")
    return folder


def write_depth_pairs(folder: Path, count: int) -> tuple[Path, Path]:
    """Write depth maps of different values, and pictures."""
    low, high = touch(folder / "low"), touch(folder / "high")
    for number in range(count):
        depth = SCENE.multispectral[number::4, ::4, number % 4][:16].astype(np.uint16)
        colour = np.repeat(SCENE.panchromatic / 8, 3, axis=2).astype(np.uint8)
        cv2.imwrite(str(low / f"room{number}_depth.png"), depth)
        cv2.imwrite(str(high / f"room{number}_rgb.png"), colour)
    return low, high


@pytest.fixture
def tiny(tmp_path: Path, weights: Callable[..., Weights]) -> str:
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    return str(tmp_path / "tiny")


@pytest.mark.parametrize(
    ("target", "guide"),
    [
        ("a.tif", "a.tif"),
        ("a_MS.tif", "a_PAN.TIF"),
        ("sub-01_T2w.nii.gz", "sub-01_T1w.nii"),
        ("BraTS-0001-t2f.nii.gz", "BraTS-0001-t1n.nii.gz"),
        ("scan_T2_FLAIR.nii", "scan.nii"),
        ("art_disp.pfm", "art_rgb.jpeg"),
        ("room 3 depth.png", "room 3-colour.jpg"),
    ],
)
def test_names_that_go_together(tmp_path: Path, target: str, guide: str) -> None:
    low = touch(tmp_path / "low", target, "readme.txt", ".hidden.tif")
    high = touch(tmp_path / "high", guide, "other_pan.tif", "other.tif.aux.xml")
    batch = plan_batch(low, high, tmp_path / "out", Options(ratio=4))
    assert batch.items == (
        BatchItem(low / target, high / guide, tmp_path / "out" / target, Options(ratio=4)),
    )
    assert batch.notes == (Note("1 guides have no target: other_pan.tif"),)
    assert not (tmp_path / "out").exists()


def test_a_guide_may_serve_several_targets_and_the_same_name_goes_first(tmp_path: Path) -> None:
    low = touch(tmp_path / "low", "s_T2w.nii", "s_FLAIR.nii")
    high = touch(tmp_path / "high", "s_T1w.nii")
    assert {item.guide.name for item in plan_batch(low, high, tmp_path / "out").items} == {
        "s_T1w.nii"
    }
    touch(high, "s_FLAIR.nii")
    with pytest.raises(PairError, match=r"s_T2w\.nii: 2 guides .*s_FLAIR\.nii, s_T1w\.nii"):
        plan_batch(low, high, tmp_path / "out")
    (low / "s_T2w.nii").unlink()
    (item,) = plan_batch(low, high, tmp_path / "out").items
    assert item.guide.name == "s_FLAIR.nii"


def test_calls_that_are_wrong(tmp_path: Path) -> None:
    low, high = touch(tmp_path / "low", "a_MS.tif"), touch(tmp_path / "high", "b_PAN.tif")
    empty, out = touch(tmp_path / "empty"), tmp_path / "out"
    cases: list[tuple[tuple[Any, ...], type[GisrError], str]] = [
        ((low, high, out), PairError, r"a_MS\.tif: no guide in .*high has"),
        ((low, None, out), InputError, "name the folder of the guides"),
        ((low, high / "b_PAN.tif", out), InputError, "name the folder of the guides"),
        ((low, low, out), InputError, r"lie in one folder: list them in a \.csv"),
        ((empty, high, out), FileFormatError, "empty: holds no image"),
        ((low, empty, out), FileFormatError, "empty: holds no image"),
        ((low, high, high / "b_PAN.tif"), FileFormatError, "is a file"),
        ((low, high, out, Options(report="a.html")), InputError, "report names one file"),
    ]
    for arguments, error, message in cases:
        with pytest.raises(error, match=message):
            plan_batch(*arguments)
    touch(high, "a.tif")
    for name, way in (("sharp.tif", "sharp"), ("s.nii.gz", "/s")):
        with pytest.raises(FileFormatError, match=f"like one file: .*, such as -o .*{way}$"):
            plan_batch(low, high, tmp_path / name)
    for where in (low, high):
        touch(where, "a_MS.tif")
        with pytest.raises(FileFormatError, match=r"a_MS\.tif: is also an input"):
            plan_batch(low, high, where, Options(overwrite=True))


def test_series_a_folder_deeper_are_named(tmp_path: Path) -> None:
    series = touch(touch(tmp_path / "study") / "t2", "I1")
    (series / "I1").write_bytes(bytes(128) + b"DICM")
    touch(tmp_path / "study" / "empty")
    way = r"DICOM images lie in its folders \(t2\): name the one of the series you mean"
    for guides in (touch(tmp_path, "t1.nii.gz") / "t1.nii.gz", touch(tmp_path / "t1", "a.tif")):
        with pytest.raises(GisrError, match=way):
            plan_batch(tmp_path / "study", guides, tmp_path / "out")


def test_a_folder_with_both_images_of_a_pair_tells_what_to_type(tmp_path: Path) -> None:
    folder = touch(tmp_path / "GF2 bundle", "readme.txt")
    cv2.imwrite(str(folder / "a-PAN1.tiff"), np.zeros((32, 32), np.uint16))
    cv2.imwrite(str(folder / "b-MSS1.tiff"), np.zeros((8, 8), np.uint16))
    typed = shlex.join([f"{folder}/b-MSS1.tiff", f"{folder}/a-PAN1.tiff"])
    for guides in (None, folder):
        with pytest.raises(InputError, match=re.escape(f"gisr upscale {typed} -o sharp.tif")):
            plan_batch(folder, guides, tmp_path / "out")
    cv2.imwrite(str(folder / "c.tiff"), np.zeros((8, 8), np.uint16))
    with pytest.raises(InputError, match=r"list them in a \.csv file"):
        plan_batch(folder, folder, tmp_path / "out")


def test_addresses_are_no_folders_and_no_files_of_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    low, high = touch(tmp_path / "low", "a.tif"), touch(tmp_path / "high", "a.tif")
    with pytest.raises(FileFormatError, match=r"^s3://bucket/out: it is an address"):
        plan_batch(low, high, Path("s3://bucket/out"))
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("target,guide\nlow/a.tif,s3://bucket/pan.tif\n")
    with pytest.raises(FileFormatError, match=r"line 2, column guide: s3://bucket/pan.tif: it is"):
        plan_batch(pairs, None, tmp_path / "out")


def test_a_folder_in_place_of_one_image_tells_what_it_holds(tmp_path: Path) -> None:
    t1, out = touch(tmp_path, "t1.nii.gz") / "t1.nii.gz", tmp_path / "out.nii.gz"
    t1.write_bytes(b"x")
    series = touch(touch(tmp_path / "study") / "t2", "I1")
    (series / "I1").write_bytes(bytes(128) + b"DICM")
    for folder, way in (
        (touch(tmp_path / "nothing"), "it holds neither an image nor a DICOM series"),
        (touch(tmp_path / "notes", "a.txt"), "it holds neither an image nor a DICOM series"),
        (touch(tmp_path / "volumes", "t2.nii.gz", "pd.nii"), r"one of its files \(pd\.nii, t2"),
        (touch(tmp_path / "mgz", "t2.mgz"), r"neither .*; t2\.mgz is .*nib-convert \S*t2\.mgz"),
        (tmp_path / "study", r"DICOM images lie in its folders \(t2\): name the one"),
    ):
        with pytest.raises(InputError, match=f"{folder.name}: is a folder: .*{way}"):
            plan_batch(folder, t1, out)
        with pytest.raises(FileFormatError, match=f"{folder.name}: is a folder: .*{way}"):
            read_request(t1, folder, out)


def test_outputs_that_exist(tmp_path: Path) -> None:
    low, high = (
        touch(tmp_path / "low", "a.tif", "b.tif"),
        touch(tmp_path / "high", "a.tif", "b.tif"),
    )
    out = touch(tmp_path / "out", "b.tif")
    with pytest.raises(FileFormatError, match=r"1 of 2 outputs exist already \(b\.tif\)"):
        plan_batch(low, high, out)
    batch = plan_batch(low, high, out, skip_existing=True)
    assert [item.output.name for item in batch.items] == ["a.tif"]
    assert [item.output.name for item in batch.skipped] == ["b.tif"]
    assert len(plan_batch(low, high, out, Options(overwrite=True)).items) == 2
    with pytest.raises(InputError, match="exclude each other"):
        plan_batch(low, high, out, Options(overwrite=True), skip_existing=True)


def test_a_list_names_files_outputs_and_options(tmp_path: Path) -> None:
    path = touch(tmp_path / "lists") / "pairs.csv"
    path.write_text(
        "target;guide;output;task;ratio;sensor;bits;contrast;grid;nodata;invalid;description\n"
        "a.tif;../pan/a.tif;;Pansharpening;2.5;Landsat-7;8;;;0;;\n\n"
        "/abs/b.nii;c.nii;sub/b2.nii;;;;;t1CE;kspace;;-1;a head\n",
        encoding="utf-8",
    )
    assert is_batch(str(path)) and is_batch(str(tmp_path)) and not is_batch("a.tif")
    shared = Options(ratio=4, description="for all")
    first, second = plan_batch(path, None, tmp_path / "out", shared).items
    assert first.target == tmp_path / "lists" / "a.tif"
    assert first.guide.resolve() == tmp_path / "pan" / "a.tif"
    assert first.output == tmp_path / "out" / "a.tif"
    assert first.options == Options(
        task="pansharpening",
        ratio=2.5,
        sensor="Landsat-7",
        bits=8,
        nodata=0.0,
        description="for all",
    )
    assert (second.target, second.output) == (Path("/abs/b.nii"), tmp_path / "out/sub/b2.nii")
    assert second.options == Options(
        ratio=4, contrast="t1CE", grid="kspace", invalid=-1.0, description="a head"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target,guide\n", "lists no pair"),
        ("target,guide\na.tif,\n", "line 2, column guide: is empty"),
        ("target,guide,task\na,b,mr\n", "line 2, column task: 'mr': use one of"),
        ("target,guide,ratio\na,b,0\n", "column ratio: 0 must be above 0"),
        ("target,guide,speed\na,b,9\n", "column speed: is unknown: use target, guide"),
        ("Target,Guide,Rato\na,b,9\n", r"column Rato: is unknown: did you mean ratio\?"),
        ("Target,target,guide\na,b,9\n", "column target: is there twice"),
        (
            "target,guide\na.tif,b.tif\nc.tif,d.tif\n./a.tif,b.tif\n",
            r"pairs\.csv, lines 2 and 4: a\.tif with b\.tif is listed twice: take one line away, "
            "or name another file in its column output",
        ),
        ("target\na\n", "column guide: is missing"),
        ("target,guide\nx/a.tif,b\ny/a.tif,c\n", r"the output of .*x/a\.tif and .*y/a\.tif"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        plan_batch(path, None, tmp_path / "out")
    with pytest.raises(InputError, match=r"leave the guide .*tmp out"):
        plan_batch(path, Path("tmp"), tmp_path / "out")


def test_targets_of_other_formats_are_told_with_the_way_out(tmp_path: Path) -> None:
    low = touch(tmp_path / "low", "a.tif", "b.jp2", "c.JP2", "a.tif.aux.xml", "a.tfw", ".d.jp2")
    batch = plan_batch(low, touch(tmp_path / "high", "a.tif"), tmp_path / "out")
    assert [item.target.name for item in batch.items] == ["a.tif"]
    (note,) = batch.notes
    assert note.text == (
        f"2 files are left out of {low}: b.jp2 is JPEG 2000, which gisr does not read: convert it "
        f"to GeoTIFF first (gdal_translate {low}/b.jp2 b.tif)"
    )
    photos = touch(tmp_path / "photos", "a.jpg")
    with pytest.raises(FileFormatError) as caught:
        plan_batch(photos, low, tmp_path / "out")
    assert str(caught.value) == (
        f"{photos}: holds no image that can be used: a.jpg is a JPEG, which changes values: take "
        "the image before it was made one"
    )


def test_the_first_line_of_a_list_is_read_in_any_case_and_with_blanks(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("Target , GUIDE, Guide  contrast\na.nii,b.nii,T1\n", encoding="utf-8")
    (item,) = plan_batch(path, None, tmp_path / "out").items
    assert (item.target, item.guide) == (tmp_path / "a.nii", tmp_path / "b.nii")
    assert item.options.guide_contrast == "T1"


def test_one_pair_may_be_listed_twice_with_two_outputs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("target,guide,output\na.tif,b.tif,\na.tif,b.tif,c.tif\n", encoding="utf-8")
    names = [item.output.name for item in plan_batch(path, None, tmp_path / "out").items]
    assert names == ["a.tif", "c.tif"]


def test_one_failure_does_not_stop_the_others_and_a_defect_does(tmp_path: Path) -> None:
    names = ("a.tif", "b.tif", "c.tif")
    low, high = touch(tmp_path / "low", *names), touch(tmp_path / "high", *names)
    batch = plan_batch(low, high, tmp_path / "new" / "out")

    def upscale(item: BatchItem) -> FileResult:
        if item.target.name == "b.tif":
            raise PairError("they do not\nfit")
        assert item.output.parent.is_dir()
        return FileResult(item.output, "pansharpening", (1, 1, 1), "uint8", 4.0, "centre")

    seen: list[str] = []
    summary = run_batch(batch, upscale, lambda outcome: seen.append(outcome.item.target.name))
    assert seen == list(names)
    assert summary.exit_code == 1
    counts, failure = str(summary).splitlines()
    assert counts.startswith("2 done, 1 failed, ")
    assert failure == f"failed: {low / 'b.tif'}: they do not fit"

    def defect(item: BatchItem) -> FileResult:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_batch(batch, defect)


def test_the_command_over_folders_and_a_list(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    low, high = write_depth_pairs(tmp_path, 2)
    out, words = tmp_path / "out", ["--model", tiny, "--device", "cpu", "--threads", "1"]
    both = ["upscale", str(low), str(high), "-o", str(out), *words]
    assert main(both) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:2]] == [
        str(out / f"room{number}_depth.png") for number in (0, 1)
    ]
    assert said[2].startswith("2 done, 0 failed, ")
    image = cv2.imread(str(out / "room1_depth.png"), cv2.IMREAD_UNCHANGED)
    assert image is not None and image.shape == (64, 64)

    touch(low, "room2_depth.png")
    touch(high, "room2_rgb.png")
    assert main(both) == 2  # two outputs exist
    assert "outputs exist already" in capsys.readouterr().err
    assert main([*both, "--skip-existing"]) == 1
    captured = capsys.readouterr()
    assert "0 done, 1 failed, 2 skipped" in captured.out
    assert captured.err.startswith(f"gisr: failed: {low / 'room2_depth.png'}: ")
    assert captured.err.count("\n") == 1

    (tmp_path / "list.csv").write_text("target,guide\nlow/room0_depth.png,high/room0_rgb.png\n")
    listed = ["upscale", str(tmp_path / "list.csv"), "-o", str(tmp_path / "again"), *words]
    assert main([*listed, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    again = (tmp_path / "again" / "room0_depth.png").read_bytes()
    assert again == (out / "room0_depth.png").read_bytes()
    for wrong in (["--skip-existing", "--overwrite"], ["--workers", "0"], ["--model", "none"]):
        assert main([*listed[:4], str(tmp_path / "no"), *words[2:], *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    one = [str(low / "room0_depth.png"), str(high / "room0_rgb.png"), "-o", str(tmp_path / "x.png")]
    assert main(["upscale", *one, "--workers", "2"]) == 2
    assert main(["upscale", one[0], "-o", one[3]]) == 2


def test_plans_need_no_torch() -> None:
    modules = "gisr.pipelines.dask_cluster, gisr.pipelines.processes"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("a\0b.tif,b.tif,o.tif", "line 2: holds a zero byte"),
        ("a.tif,b\0.tif,o.tif", "line 2: holds a zero byte"),
        ("a.tif,b.tif,\0", "line 2: holds a zero byte"),
        ("a.tif,b.tif," + "x" * 5000, "too long"),
        ("a.tif,b.tif,../o.tif", "column output: '../o.tif' lies outside the folder"),
        ("a.tif,b.tif,s/../../o.tif", "lies outside the folder"),
        ("a.tif,b.tif,/o.tif", "column output: '/o.tif' lies outside the folder"),
        ("a.tif,b.tif,.", "lies outside the folder"),
    ],
)
def test_names_that_no_file_can_have(tmp_path: Path, cells: str, reason: str) -> None:
    (tmp_path / "l.csv").write_text(f"target,guide,output\n{cells}\n")
    with pytest.raises(FileFormatError, match=reason) as caught:
        plan_batch(tmp_path / "l.csv", None, tmp_path / "out", Options())
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 400


def test_mutated_lists_end_in_one_line_or_in_a_plan(tmp_path: Path) -> None:
    base = "target,guide,output,task,sensor,ratio\na.tif,b.tif,o.tif,pansharpening,WV3,4\n"
    pieces = ["\0", "nan", "1e400", '"', "\n", "\r", ";", "..", "/", "x" * 300, "é", "\x1d", "\x85"]
    refused = 0
    for seed in range(1500):
        chance, text = random.Random(seed), list(base)
        for _ in range(chance.randint(1, 3)):
            start = chance.randrange(len(text))
            text[start : start + chance.randint(0, 6)] = chance.choice(pieces)
        (tmp_path / "l.csv").write_bytes("".join(text).encode())
        try:
            plan_batch(tmp_path / "l.csv", None, tmp_path / "out", Options())
        except GisrError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1, repr(text)
    assert refused > 500


def test_a_depth_map_in_text_is_no_list_of_pairs(tmp_path: Path) -> None:
    touch(tmp_path, "colour.png")
    path = tmp_path / "depth.csv"
    np.savetxt(path, np.ones((4, 6)), delimiter=",")
    told = r"holds numbers alone.*numpy.save\('depth.npy', numpy.loadtxt\('.*depth.csv', delimiter"
    for out in (tmp_path / "out.npy", tmp_path / "folder"):
        with pytest.raises(FileFormatError, match=told):
            plan_batch(path, tmp_path / "colour.png", out)
    path.write_text("target,guide\nlow.npy,colour.png\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"leave the guide .*colour\.png out"):
        plan_batch(path, tmp_path / "colour.png", tmp_path / "folder")
