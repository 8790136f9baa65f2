"""gisr upscale --uncertainty, --consistent and --report: on files of all tasks, by the command."""

import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel import Nifti1Image
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.apps.cli import main
from gisr.data.degradations import kspace_crop, pillow_reduce, wald
from gisr.data.resample import bicubic_to_target
from gisr.estimation.registration import guide_at_target
from gisr.inference.array_pair import make_pair
from gisr.io.geotiff import read_geotiff
from gisr.placement import Placement

RNG = np.random.default_rng(1)
RANDOM = RNG.uniform(-1, 1, (4, 128, 96)).cumsum(axis=1).cumsum(axis=2)
TRUTH = (1500 + 300 * RANDOM / RANDOM.std()).clip(200, 4000).astype(np.float32)


def write_satellite(folder: Path, dtype: str = "float32") -> tuple[Path, Path]:
    low = wald(np.moveaxis(TRUTH, 0, -1), 4)
    low, guide = low.astype(dtype), TRUTH.mean(axis=0)[..., None].astype(dtype)
    return (
        write_geotiff(folder / "ms.tif", low, 4.0, names=("b1", "b2", "b3", "b4")),
        write_geotiff(folder / "pan.tif", guide, 1.0, names=("b1",)),
    )


def write_volumes(folder: Path) -> tuple[Path, Path]:
    low = np.stack([kspace_crop(band, 4) for band in TRUTH[:2]], axis=-1)
    high = np.moveaxis(TRUTH[2:], 0, -1)
    for name, voxels, size in (("a_T2w.nii.gz", low, 4.0), ("a_T1w.nii.gz", high, 1.0)):
        affine = np.diag((size, size, 5.0, 1.0))
        nibabel.save(Nifti1Image(voxels.astype(np.float32), affine), folder / name)
    return folder / "a_T2w.nii.gz", folder / "a_T1w.nii.gz"


def write_depth(folder: Path) -> tuple[Path, Path]:
    depth = pillow_reduce(TRUTH[0], 4).copy()
    depth[2:5, 3:6] = 0
    np.save(folder / "depth.npy", depth)
    colour = (np.moveaxis(TRUTH[1:], 0, -1) / 4000 * 255).astype(np.uint8)
    Image.fromarray(colour).save(folder / "colour.png")
    return folder / "depth.npy", folder / "colour.png"


def run(files: tuple[Path, Path], output: Path, *options: str) -> int:
    words = [str(each) for each in (*files, "-o", output, *options)]
    return main(["upscale", *words, "--quiet"])


def page_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 3_000_000
    # Alone: no address but the pictures themselves.
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert addresses
    assert all(address.startswith("data:image/") for address in addresses)
    assert "http" not in re.sub(r'"data:[^"]*"', "", text)
    return unescape(text)


def test_a_satellite_pair_with_everything(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_satellite(tmp_path)
    out, spread, report = (tmp_path / name for name in ("o.tif", "s.tif", "r.html"))
    options = ("--model", str(tiny_weights), "--align", "off")
    assert run(files, tmp_path / "plain.tif", *options, "--no-consistent") == 0
    further = ("--uncertainty", str(spread), "--report", str(report))
    assert run(files, out, *options, *further) == 0, capsys.readouterr().err
    low, sharp, spreads = (read_geotiff(path) for path in (files[0], out, spread))
    assert spreads.dtype == np.float32 and spreads.transform == sharp.transform
    assert spreads.descriptions == ("spread of b1", "spread of b2", "spread of b3", "spread of b4")
    assert spreads.pixels.shape == sharp.pixels.shape
    assert spreads.pixels.min() >= 0 and spreads.pixels.mean() > 0.1
    pair = make_pair(low.pixels, read_geotiff(files[1]).pixels, "pansharpening")
    missing = [
        np.abs(guide_at_target(pair, read_geotiff(path).pixels) - low.pixels).mean()
        for path in (tmp_path / "plain.tif", out)
    ]
    assert missing[1] < 0.05 * missing[0]
    page = page_of(report)
    for words in ("HQNR", "across the strongest edge", "encoder 1", "spread", "before the proj"):
        assert words.lower() in page.lower()
    assert f"gisr upscale {files[0]} {files[1]} --output {out}" in page


def test_a_volume_with_everything(tmp_path: Path, tiny_weights: Path) -> None:
    files = write_volumes(tmp_path)
    out, spread, report = (tmp_path / name for name in ("o.nii.gz", "s.nii.gz", "r.html"))
    further = ("--consistent", "--uncertainty", str(spread), "--report", str(report))
    assert run(files, out, "--model", str(tiny_weights), *further) == 0
    low, sharp, spreads = (
        Nifti1Image.from_filename(path).get_fdata() for path in (files[0], out, spread)
    )
    for index in range(2):
        np.testing.assert_allclose(kspace_crop(sharp[..., index], 4), low[..., index], atol=0.02)
    assert spreads.shape == sharp.shape and np.nanmean(spreads) > 0.01
    assert Nifti1Image.from_filename(spread).get_data_dtype() == np.float32
    page = page_of(report)
    assert "T2" in page and "T1" in page and "of 2 across" in page and "HQNR" not in page


def test_a_depth_map_with_everything(tmp_path: Path, tiny_weights: Path) -> None:
    files = write_depth(tmp_path)
    out, spread, report = (tmp_path / name for name in ("o.npy", "s.npy", "r.html"))
    further = ("--consistent", "--uncertainty", str(spread), "--report", str(report))
    assert run(files, out, "--model", str(tiny_weights), *further) == 0
    low, sharp, spreads = (np.load(path) for path in (files[0], out, spread))
    known = low > 0
    whole = Placement.from_grid("centre", low.shape, sharp.shape)
    filled = np.where(sharp > 0, sharp, 1500)  # holes of the output say nothing
    back = bicubic_to_target(filled, low.shape, whole)
    far = known.copy()
    far[:8, :9] = False
    assert np.abs(back - low)[far].max() < 1
    assert spreads.dtype == np.float32 and spreads.shape == sharp.shape
    np.testing.assert_array_equal(np.isnan(spreads), sharp == 0)
    assert "depth or disparity" in page_of(report)


def test_a_scene_within_a_budget_has_everything_too(tmp_path: Path, tiny_weights: Path) -> None:
    files = write_satellite(tmp_path)
    # More than is needed: what further outputs take is counted, and suffices.
    spread, report = tmp_path / "s.tif", tmp_path / "r.html"
    further = ("--uncertainty", str(spread), "--report", str(report), "--max-memory", "8GB")
    assert run(files, tmp_path / "o.tif", "--model", str(tiny_weights), *further) == 0
    assert read_geotiff(spread).pixels.shape == (128, 96, 4)
    page_of(report)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)<&script>.npy", "&lt;script&gt;alert(1)&lt;&amp;script&gt;.npy"),
        ("a\" onload='alert(1)'.npy", "a&#34; onload=&#39;alert(1)&#39;.npy"),
        ("colour\u202egpj.npy", "colour[U+202E]gpj.npy"),
    ],
    ids=["tag", "quotes", "direction"],
)
def test_names_in_the_page_are_text(
    tmp_path: Path, tiny_weights: Path, name: str, shown: str
) -> None:
    low, high = write_depth(tmp_path)
    odd = low.rename(tmp_path / name)
    report = tmp_path / "r.html"
    words = ("--model", str(tiny_weights), "--report", str(report))
    assert run((odd, high), tmp_path / "o.npy", *words) == 0
    text = report.read_text(encoding="utf-8")
    assert text.count("<script>") == 1 and name not in text
    assert f"<title>{shown}, sharpened</title>" in text and f"<h1>{shown}, sharpened</h1>" in text


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--uncertainty", "s.png", "uncertainty of a sharpened satellite image is written as .tif"),
        ("--uncertainty", "o.tif", "is another file of this command too"),
        ("--uncertainty", "ms.tif", "is another file of this command too"),
        ("--uncertainty", "nowhere/s.tif", "does not exist"),
        ("--report", "r.pdf", "report of a sharpened satellite image is written as .html"),
        ("--report", "nowhere/r.html", "does not exist"),
        ("--report", "there.html", "exists already"),
    ],
)
def test_outputs_that_cannot_be_are_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, name: str, message: str
) -> None:
    files = write_satellite(tmp_path)
    (tmp_path / "there.html").write_text("mine")
    before = sorted(tmp_path.iterdir())
    # A model that is not there: it would be told first if it were looked for first.
    options = ("--model", str(tmp_path / "no model"), option, str(tmp_path / name))
    assert run(files, tmp_path / "o.tif", *options) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("write", "names"),
    [(write_satellite, ("o.tif", "s.tif")), (write_volumes, ("o.nii.gz", "s.nii.gz"))],
)
def test_outputs_appear_together_or_not_at_all(
    write: Callable[[Path], tuple[Path, Path]],
    names: tuple[str, str],
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files, moved = write(tmp_path), list[str]()
    before, link, replace = set(tmp_path.iterdir()), os.link, os.replace

    def fail_at_the_second(source: Path, destination: Path, **more: bool) -> None:
        if destination.name in names and destination.name not in moved:
            moved.append(destination.name)
        if moved[1:] == [destination.name]:
            raise OSError(28, "No space left on device")
        (link if more else replace)(source, destination, **more)

    for way in ("link", "replace"):  # the second is that of disks without hard links
        monkeypatch.setattr(os, way, fail_at_the_second)
    out, spread = (tmp_path / name for name in names)
    assert run(files, out, "--model", str(tiny_weights), "--uncertainty", str(spread)) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert moved == list(reversed(names))  # the result last
    assert set(tmp_path.iterdir()) == before
