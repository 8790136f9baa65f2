"""How much of a result is unknown stands in its line, for every task."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.apps.cli import main

RNG = np.random.default_rng(5)


def printed(words: list[str], weights: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return the line of the result, and all before it."""
    more = ["--model", str(weights), "--align", "off", "--device", "cpu", "--verbose"]
    assert main(["upscale", *words, *more]) == 0
    said = capsys.readouterr()
    return said.out.strip(), said.err


def test_declared_nodata_of_a_scene(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bands = RNG.integers(300, 900, (24, 24, 4)).astype(np.uint16)
    bands[:6] = 7
    ms = write_geotiff(tmp_path / "ms.tif", bands, 8.0, nodata=7)
    fine = RNG.integers(300, 900, (96, 96, 1)).astype(np.uint16)
    pan = write_geotiff(tmp_path / "pan.tif", fine, 2.0)
    words = [str(ms), str(pan), "-o", str(tmp_path / "o.tif")]
    assert ", 96 x 96 x 4 uint16, 25.0% unknown, " in printed(words, tiny_weights, capsys)[0]
    write_geotiff(ms, np.maximum(bands, 8), 8.0, nodata=7)
    line, _ = printed([*words, "--overwrite"], tiny_weights, capsys)
    assert ", 96 x 96 x 4 uint16, " in line and "unknown" not in line


def test_holes_of_a_depth_map_unless_they_are_filled(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    depth = RNG.integers(300, 900, (24, 32)).astype(np.uint16)
    depth[:3] = 0
    Image.fromarray(depth).save(tmp_path / "depth.png")
    colour = RNG.integers(0, 255, (96, 128, 3)).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    words = [str(tmp_path / name) for name in ("depth.png", "colour.png")]
    words += ["-o", str(tmp_path / "o.png")]
    assert ", 128 x 96 uint16, 12.5% unknown, " in printed(words, tiny_weights, capsys)[0]
    filled = [*words, "--fill-holes", "--overwrite"]
    assert "unknown" not in printed(filled, tiny_weights, capsys)[0]


def test_voxels_of_a_head_and_of_its_guide(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = RNG.uniform(100, 900, (16, 16, 2)).astype(np.float32)
    high = RNG.uniform(100, 900, (32, 32, 2)).astype(np.float32)
    low[:4], high[:, :8] = np.nan, np.nan
    words = []
    for name, voxels, size in (("a_T2w.nii", low, 2.0), ("a_T1w.nii", high, 1.0)):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag((size, size, 3, 1))), tmp_path / name)
        words.append(str(tmp_path / name))
    line, said = printed([*words, "-o", str(tmp_path / "o.nii")], tiny_weights, capsys)
    assert "25.0% of the guide's voxels are unknown: the nearest known ones of their slice" in said
    unknown = float(
        np.isnan(nibabel.Nifti1Image.from_filename(tmp_path / "o.nii").get_fdata()).mean()
    )
    assert 0.2 < unknown < 0.3
    assert f", 32 x 32 x 2 float32, {unknown:.1%} unknown, " in line
