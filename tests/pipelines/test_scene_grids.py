"""Whole files whose target lies on another grid than the guide: another CRS, turned, mirrored."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gisr.baselines import load_baseline
from gisr.errors import PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.geotiff import read_geotiff, read_outline
from gisr.io.geotiff.regrid import GeoOutline, map_pixels
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.weights.store import Weights

rasterio = pytest.importorskip("rasterio")
from rasterio.control import GroundControlPoint  # noqa: E402
from rasterio.transform import Affine  # noqa: E402

UTM33, UTM34 = "EPSG:32633", "EPSG:32634"
PAN_GRID = Affine(2.5, 0, 700_100, 0, -2.5, 3_999_900)
"""320 columns and 256 rows: 800 m by 640 m."""
MS_GRID = Affine(10, 0, 700_060, 0, -10, 3_999_940)
TURNED = Affine(9.848, 1.736, 699_930, 1.736, -9.848, 4_000_030)
OTHER_ZONE = Affine(10, 0, 159_950, 0, -10, 4_004_400)
GRIDS = {"turned": (UTM33, TURNED), "other zone": (UTM34, OTHER_ZONE)}


def relief(x: Any, y: Any) -> Any:
    """Return a landscape at places of UTM zone 33, in metres; 650 levels from end to end."""
    return 800 + 200 * np.sin(x / 51) * np.cos(y / 43) + 125 * np.sin((x + 2 * y) / 97)


def write(
    path: Path, shape: tuple[int, int], bands: int, crs: str, grid: Affine, **options: Any
) -> Path:
    """Write the landscape as a grid shows it."""
    code = rasterio.crs.CRS.from_user_input
    own = GeoOutline(shape=shape, crs=code(crs), transform=grid, path=path)
    metres = GeoOutline(
        shape=(1, 1), crs=code(UTM33), transform=Affine(1, 0, 7e5, 0, -1, 4e6), path=path
    )
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    x, y = map_pixels(own, metres, np.stack([columns, rows], axis=-1).reshape(-1, 2)).T
    image = relief(x, y).reshape(shape)
    pixels = np.stack([image * (1 + 0.1 * band) for band in range(bands)])
    profile = {
        "driver": "GTiff", "height": shape[0], "width": shape[1], "count": bands,
        "dtype": "float32", "crs": crs, "transform": grid, "photometric": "MINISBLACK",
    } | options  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels.astype(profile["dtype"]))
        dataset.descriptions = [f"band {number}" for number in range(bands)]
    return path


NOT_CORRECTED = Options(align="off", consistent=False)


@pytest.fixture
def pan(tmp_path: Path) -> Path:
    return write(tmp_path / "pan.tif", (256, 320), 1, UTM33, PAN_GRID)


@pytest.fixture
def small(weights: Callable[..., Weights]) -> Upscaler:
    return Upscaler(weights(), "cpu", tile=128, overlap=16)


@pytest.mark.parametrize("kind", GRIDS)
def test_a_target_on_another_grid_gives_what_one_on_the_guides_gives(
    tmp_path: Path, pan: Path, small: Upscaler, kind: str
) -> None:
    crs, grid = GRIDS[kind]
    plain = write(tmp_path / "plain.tif", (72, 88), 3, UTM33, MS_GRID)
    other = write(tmp_path / "ms.tif", (130, 140), 3, crs, grid, dtype="uint16", nodata=65535)
    upscale_files(small, plain, pan, tmp_path / "expected.tif")
    result = upscale_files(small, other, pan, tmp_path / "out.tif", Options(ratio=4))
    assert result.ratio == 4
    names = f"ms.tif ({crs}) does not run along the axes of pan.tif ({UTM33})"
    assert any(note.text.startswith(names) for note in result.notes)
    found, expected, high = (
        read_geotiff(path) for path in (tmp_path / "out.tif", tmp_path / "expected.tif", pan)
    )
    assert (found.shape, found.crs, found.transform) == (high.shape, high.crs, high.transform)
    assert (found.dtype.name, found.nodata) == ("uint16", 65535)
    assert found.descriptions == ("band 0", "band 1", "band 2")
    assert found.valid.all() and expected.valid.all()
    # Of 650 levels: rounded to whole ones twice, and one cubic interpolation more, both seen
    # through a network of random weights. A shift of one panchromatic pixel would make 16 in the
    # mean.
    difference = np.abs(found.pixels.astype(float) - expected.pixels)
    assert difference.mean() < 1.5
    assert difference.max() < 8
    # Without the network, which makes more of small differences, the grids themselves agree.
    interpolation = load_baseline("bicubic")
    upscale_files(interpolation, plain, pan, tmp_path / "plain_cubic.tif", NOT_CORRECTED)
    upscale_files(interpolation, other, pan, tmp_path / "other_cubic.tif", NOT_CORRECTED)
    cubic = [read_geotiff(tmp_path / f"{name}_cubic.tif").pixels for name in ("plain", "other")]
    assert np.abs(cubic[0].astype(float) - cubic[1]).mean() < 0.8


@pytest.mark.parametrize("kind", GRIDS)
def test_the_border_of_the_target_is_where_it_lies(
    tmp_path: Path, pan: Path, small: Upscaler, kind: str
) -> None:
    crs, grid = GRIDS[kind]
    path = write(tmp_path / "ms.tif", (80, 50), 2, crs, grid, nodata=-1)
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read()
        pixels[:, 40:60, 20:35] = -1
        dataset.write(pixels)
    result = upscale_files(small, path, pan, tmp_path / "out.tif")
    valid = read_geotiff(tmp_path / "out.tif").valid
    high, low = read_outline(pan), read_outline(path)
    rows, columns = np.mgrid[:256, :320] + 0.5
    points = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    column, row = map_pixels(high, low, points).T.reshape(2, 256, 320)

    def depth(left: int, right: int, top: int, bottom: int) -> Any:
        """Return how many target pixels a place lies inside a rectangle."""
        return np.minimum.reduce([column - left, right - column, row - top, bottom - row])

    inside = np.minimum(depth(0, 50, 0, 80), -depth(20, 35, 40, 60))
    assert valid[inside > 1].all() and (inside > 1).mean() > 0.1
    assert not valid[inside < -1].any() and (inside < -1).mean() > 0.1
    said = next(str(note) for note in result.notes if "outside the MS image" in str(note))
    outside = 100 * (depth(0, 50, 0, 80) < 0).mean()
    assert float(said.split("%")[0]) == pytest.approx(outside, abs=3)


@pytest.mark.parametrize(
    ("rows", "columns", "transposed"), [(-1, 1, False), (1, -1, False), (1, -1, True)]
)
def test_mirrored_and_right_angled_targets_give_the_same_to_the_bit(
    tmp_path: Path, pan: Path, small: Upscaler, rows: int, columns: int, transposed: bool
) -> None:
    plain = write(tmp_path / "plain.tif", (64, 80), 2, UTM33, PAN_GRID @ Affine.scale(4))
    with rasterio.open(plain) as dataset:
        profile, pixels = dataset.profile, dataset.read()[:, ::rows, ::columns]
    west, north = (700_100, 700_900)[columns < 0], (3_999_900, 3_999_260)[rows < 0]
    grid = Affine(10 * columns, 0, west, 0, -10 * rows, north)
    if transposed:
        pixels = pixels.swapaxes(1, 2)
        grid = Affine(grid.b, grid.a, grid.c, grid.e, grid.d, grid.f)
    shape = {"height": pixels.shape[1], "width": pixels.shape[2], "transform": grid}
    with rasterio.open(tmp_path / "ms.tif", "w", **(profile | shape)) as dataset:
        dataset.write(pixels)
    upscale_files(small, plain, pan, tmp_path / "expected.tif")
    result = upscale_files(small, tmp_path / "ms.tif", pan, tmp_path / "out.tif")
    found, expected = (read_geotiff(tmp_path / f"{name}.tif") for name in ("out", "expected"))
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert any("reordered, none was changed" in note.text for note in result.notes)


def test_a_pair_that_cannot_be_related_is_refused(
    tmp_path: Path, pan: Path, small: Upscaler
) -> None:
    there = write(tmp_path / "ms.tif", (60, 60), 2, UTM34, OTHER_ZONE @ Affine.translation(9e3, 0))
    bare = write(tmp_path / "gcps.tif", (60, 60), 2, UTM33, MS_GRID)
    points = [
        GroundControlPoint(row, column, 700_100 + 10 * column, 3_999_900 - 10 * row)
        for row in (0, 60)
        for column in (0, 60)
    ]
    profile = {"driver": "GTiff", "height": 60, "width": 60, "count": 2, "dtype": "float32"}
    with rasterio.open(bare, "w", **profile, gcps=points, crs=UTM33) as dataset:
        dataset.write(np.ones((2, 60, 60), np.float32))
    before = sorted(tmp_path.iterdir())
    for path, reason in (
        (there, r"ms\.tif and pan\.tif: the two do not overlap, as EPSG:32634 and EPSG:32633"),
        (bare, r"pan\.tif is georeferenced, gcps\.tif is not: .*gdalwarp.*control points"),
    ):
        with pytest.raises(PairError, match=reason):
            upscale_files(small, path, pan, tmp_path / "out.tif")
    assert sorted(tmp_path.iterdir()) == before


def test_memory_and_further_outputs_work_on_another_grid(
    tmp_path: Path, pan: Path, weights: Callable[..., Weights]
) -> None:
    other = write(tmp_path / "ms.tif", (130, 140), 2, *GRIDS["other zone"])
    result = upscale_files(
        Upscaler(weights(), "cpu", tile=128, overlap=16),
        other,
        pan,
        tmp_path / "out.tif",
        Options(max_memory="8GB", consistent=True, uncertainty=tmp_path / "spread.tif"),
    )
    assert result.alignment is not None and result.consistency is not None
    assert json.dumps([note.text for note in result.notes]).count("outside the MS image") == 0
    assert read_geotiff(tmp_path / "spread.tif").valid.all()
