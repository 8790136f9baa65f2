"""``gisr align``: the shift of two GeoTIFFs in pixels and map units, and how sure it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from tests.geotiffs import write_geotiff

from gisr.apps.cli import main

pytest.importorskip("rasterio")

SIDE, RATIO = 64, 4


def ground(seed: int = 3) -> NDArray[Any]:
    """Return one piece of land, with a rim of 16 pixels to shift into."""
    noise = np.random.default_rng(seed).normal(size=(SIDE * RATIO + 32,) * 2)
    return 900 + 4000 * ndimage.gaussian_filter(noise, 2.0)


def pair(folder: Path, shift: tuple[int, int], **profile: Any) -> list[str]:
    """Write MS and PAN of one place, what the PAN shows moved down and right by a shift."""
    land = ground()
    still = land[16:-16, 16:-16]
    moved = land[16 - shift[0] :, 16 - shift[1] :][: SIDE * RATIO, : SIDE * RATIO]
    low = still.reshape(SIDE, RATIO, SIDE, RATIO).mean((1, 3))
    bands = np.stack([low * share for share in (0.8, 0.9, 1.0, 1.1)], axis=-1)
    ms = write_geotiff(folder / "ms.tif", bands.astype(np.uint16), 10.0, **profile)
    pan = write_geotiff(folder / "pan.tif", moved[..., None].astype(np.uint16), 2.5, **profile)
    return [str(ms), str(pan)]


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["align", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_shift_is_told_in_pixels_and_on_the_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = pair(tmp_path, (2, -1))
    found = said(files, capsys)
    assert (found["found"], found["reliable"]) == ("shifted", True)
    np.testing.assert_allclose(found["guide_offset_px"], [2, -1], atol=0.2)
    # Down is against y, right is along x; pixels of 2.5 m.
    np.testing.assert_allclose(found["guide_offset_map"], [-2.5, -5.0], atol=0.5)
    assert found["map_unit"] == "metre"
    assert found["agreement"] > 0.9 and found["cells"] > 3
    assert found["correlation_after"] > found["correlation_before"] + 0.1
    assert main(["align", *files]) == 0
    assert capsys.readouterr().out.startswith("pan.tif: off from ms.tif by (+2.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ms.tif", "pan.tif"]


def test_a_pair_that_fits_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(pair(tmp_path, (0, 0)), capsys)
    assert (found["found"], found["reliable"], found["guide_offset_px"]) == (
        *("aligned", True),
        [0.0, 0.0],
    )
    assert "lies on ms.tif" in found["text"]


def test_unlike_images_have_no_shift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = pair(tmp_path, (0, 0))
    other = ground(seed=8)[:256, :256, None]
    write_geotiff(tmp_path / "pan.tif", other.astype(np.uint16), 2.5)
    found = said(files, capsys)
    assert (found["found"], found["reliable"]) == ("unclear", False)
    assert found["guide_offset_px"] is None and found["guide_offset_map"] is None
    assert "no shift against ms.tif can be seen" in found["text"]


def test_a_shift_too_far_is_not_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = said(pair(tmp_path, (10, 0)), capsys)
    assert (found["found"], found["reliable"]) == ("too far", False)
    np.testing.assert_allclose(found["guide_offset_px"], [10, 0], atol=0.2)


def test_files_without_a_map_have_pixels_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rasterio import Affine

    found = said(pair(tmp_path, (2, -1), crs=None, transform=Affine.identity()), capsys)
    assert found["found"] == "shifted"
    assert found["guide_offset_map"] is None and found["map_unit"] is None


def test_what_cannot_be_used_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ms, pan = pair(tmp_path, (0, 0))
    for words, message in (
        ([pan, ms], "the guide is coarser than the target"),
        ([ms, str(tmp_path / "no.tif")], "no such file"),
        ([ms, pan, "--mtf", "3"], "mtf 3 must lie between 0 and 1"),
    ):
        assert main(["align", *words]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
