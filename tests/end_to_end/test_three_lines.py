"""A run of each task says what matters in three lines at most, clean files or messy ones."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.apps.cli import main

RNG = np.random.default_rng(3)
Words = list[str]


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(300, 900, shape)


def clean_scene(folder: Path) -> Words:
    ms = write_geotiff(folder / "ms.tif", noise(24, 24, 4).astype(np.uint16), 8.0)
    pan = write_geotiff(folder / "pan.tif", noise(96, 96, 1).astype(np.uint16), 2.0)
    return [str(ms), str(pan), "-o", str(folder / "o.tif")]


def messy_scene(folder: Path) -> Words:
    bands = noise(24, 24, 6).astype(np.uint16)
    bands[..., 4] = 1  # no image
    bands[:, :5] = 65535  # fill that no file declares
    bands[8:12, 8:12, 2] = 7  # nodata in one band
    ms = write_geotiff(folder / "ms.tif", bands, 8.0, nodata=7)
    pan = write_geotiff(folder / "pan.tif", noise(80, 104, 2).astype(np.uint16), 2.0)
    further = ["--uncertainty", str(folder / "spread.tif"), "--report", str(folder / "r.html")]
    return [str(ms), str(pan), "-o", str(folder / "o.tif"), "--sensor", "Sputnik", *further]


def volume(path: Path, shape: tuple[int, ...], zooms: tuple[float, ...], **codes: int) -> str:
    image = nibabel.Nifti1Image(noise(*shape).astype(np.float32), np.diag((*zooms, 1.0)))
    if codes:
        image.header.set_sform(None, code=0)
        image.header.set_qform(None, code=0)
    nibabel.save(image, path)
    return str(path)


def clean_head(folder: Path) -> Words:
    low = volume(folder / "a_T2w.nii", (12, 12, 2), (4, 4, 4))
    high = volume(folder / "a_T1w.nii", (48, 48, 2), (1, 1, 4))
    return [low, high, "-o", str(folder / "o.nii")]


def messy_head(folder: Path) -> Words:
    low = volume(folder / "low.nii", (12, 12, 2), (4, 4, 5), code=0)
    high = volume(folder / "high.nii", (48, 48, 2), (1, 1, 5), code=0)
    array = np.asanyarray(nibabel.Nifti1Image.from_filename(low).dataobj).copy()
    array[:3] = -9999
    nibabel.save(nibabel.Nifti1Image(array, np.diag((4, 4, 5, 1))), low)
    words = [low, high, "-o", str(folder / "o.nii"), "--grid", "kspace", "--thickness", "3"]
    return [*words, "--uncertainty", str(folder / "spread.nii"), "--consistent"]


def clean_map(folder: Path) -> Words:
    Image.fromarray(noise(24, 32).astype(np.uint16)).save(folder / "depth.png")
    Image.fromarray(noise(96, 128, 3).astype(np.uint8)).save(folder / "colour.png")
    return [str(folder / "depth.png"), str(folder / "colour.png"), "-o", str(folder / "o.png")]


def messy_map(folder: Path) -> Words:
    values = noise(24, 32).astype(np.uint16)
    values[4:9, 4:20] = 0
    values[15:20, 15:20] = 65535
    Image.fromarray(values).save(folder / "depth.png")
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    colour = Image.fromarray(noise(95, 128, 3).astype(np.uint8))
    colour.save(folder / "colour.jpg", exif=exif)
    words = [str(folder / "depth.png"), str(folder / "colour.jpg"), "-o", str(folder / "o.png")]
    words += ["--fill-holes", "--mask", str(folder / "m.png"), "--ply", str(folder / "c.ply")]
    return [*words, "--camera", "fx=100", "--depth-unit", "mm"]


@pytest.mark.parametrize(
    ("write", "noted"),
    [
        (clean_scene, False),
        (messy_scene, True),
        (clean_head, False),
        (messy_head, True),
        (clean_map, False),
        (messy_map, True),
    ],
)
def test_a_run_prints_three_lines_at_most(
    write: Callable[[Path], Words],
    noted: bool,
    tmp_path: Path,
    tiny_weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["upscale", *write(tmp_path), "--model", str(tiny_weights), "--threads", "1"]
    assert main(words) == 0, capsys.readouterr().err
    told = capsys.readouterr()
    lines = told.out.splitlines() + told.err.splitlines()
    assert 1 <= len(lines) <= 3, lines
    assert main([*words, "--overwrite", "--verbose"]) == 0
    verbose = capsys.readouterr()
    more = verbose.out.splitlines() + verbose.err.splitlines()
    if noted:
        assert len(more) > 3 == len(lines), (lines, more)
        assert told.err.rstrip().endswith("more with --verbose)")
    assert main([*words, "--overwrite", "--quiet"]) == 0
    quiet = capsys.readouterr()
    assert quiet.out + quiet.err == ""
