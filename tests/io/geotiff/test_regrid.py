"""Files on other grids than the guide's: reordered exactly, or interpolated once where they lie."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float64
from tests.geotiffs import write_geotiff

from gisr.errors import PairError
from gisr.io.geotiff import (
    GeoHeader,
    GeoReader,
    geotiff_placement,
    read_geotiff,
    read_header,
    relate_grids,
)
from gisr.io.geotiff.regrid import GeoOutline, Turn, Warp, map_pixels

rasterio = pytest.importorskip("rasterio")
from rasterio.transform import Affine  # noqa: E402

RNG = np.random.default_rng(5)
MS_GRID = Affine(10, 0, 500_000, 0, -10, 4_000_000)
PAN_GRID = Affine(2.5, 0, 500_100, 0, -2.5, 3_999_900)
TURNED = Affine(9.848, 1.736, 499_950, 1.736, -9.848, 4_000_000)
"""By 10 degrees, pixels of 10 m."""


def guide(folder: Path, **options: Any) -> GeoHeader:
    pixels = np.ones((256, 320, 1), np.uint8)
    return read_header(
        write_geotiff(folder / "pan.tif", pixels, **({"transform": PAN_GRID} | options))
    )


def noise(height: int, width: int, bands: int = 2, dtype: str = "uint16") -> np.ndarray:
    return RNG.integers(100, 2000, (height, width, bands)).astype(dtype)


def whole(header: GeoHeader) -> tuple[np.ndarray, np.ndarray]:
    with GeoReader(header) as reader:
        return reader.read(*(slice(0, side) for side in header.shape))


def regridded(low: GeoHeader, high: GeoHeader) -> GeoHeader:
    regrid = relate_grids(low, high).regrid
    assert regrid is not None
    return low.regridded(regrid)


def centres(outline: GeoOutline, own: GeoOutline) -> Float64[np.ndarray, "2 h w"]:
    """Return for the pixels of a grid the (column, row) in the file; centres are at halves."""
    rows, columns = np.mgrid[: outline.shape[0], : outline.shape[1]] + 0.5
    found = map_pixels(outline, own, np.stack([columns, rows], axis=-1).reshape(-1, 2))
    return found.T.reshape(2, *outline.shape)


class TestTurn:
    @pytest.mark.parametrize("reverse", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
    @pytest.mark.parametrize("transposed", [False, True])
    def test_pixels_come_in_the_guides_order(
        self, tmp_path: Path, reverse: Sequence[int], transposed: bool
    ) -> None:
        pixels = noise(9, 12)
        pixels[2, 5] = 0
        plain = write_geotiff(tmp_path / "plain.tif", pixels, nodata=0)
        # The same picture stored in another order: columns and rows count from other corners.
        stored = pixels[:: reverse[0], :: reverse[1]]
        west, north = (500_000, 500_120)[reverse[1] < 0], (4_000_000, 3_999_910)[reverse[0] < 0]
        grid = Affine(10 * reverse[1], 0, west, 0, -10 * reverse[0], north)
        if transposed:
            stored = stored.swapaxes(0, 1)
            grid = Affine(grid.b, grid.a, grid.c, grid.e, grid.d, grid.f)
        turned = write_geotiff(tmp_path / "ms.tif", stored, nodata=0, transform=grid)
        high = guide(tmp_path, transform=Affine(2.5, 0, 500_000, 0, -2.5, 4_000_000))
        expected, low = read_geotiff(plain), read_header(turned)
        relation = relate_grids(low, high)
        assert relation.placement == geotiff_placement(expected, high)
        if (*reverse, transposed) == (1, 1, False):
            assert relation.regrid is None
            return
        assert isinstance(relation.regrid, Turn)
        header = low.regridded(relation.regrid)
        assert header.transform.almost_equals(MS_GRID)
        assert header.block == (low.block[::-1] if transposed else low.block)
        found, valid = whole(header)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, pixels)
        np.testing.assert_array_equal(valid, expected.valid)
        with GeoReader(header) as reader:
            part, known = reader.read(slice(1, 7), slice(4, 11))
        np.testing.assert_array_equal(part, pixels[1:7, 4:11])
        np.testing.assert_array_equal(known, expected.valid[1:7, 4:11])

    def test_a_guide_may_be_south_up(self, tmp_path: Path) -> None:
        low = read_header(write_geotiff(tmp_path / "ms.tif", noise(64, 80)))
        high = guide(tmp_path, transform=Affine(2.5, 0, 500_000, 0, 2.5, 3_999_360))
        found, _ = whole(regridded(low, high))
        np.testing.assert_array_equal(found, read_geotiff(low.path).pixels[::-1])


def keys(
    pixels: Float64[np.ndarray, "h w"], places: Float64[np.ndarray, "2 H W"]
) -> Float64[np.ndarray, "H W"]:
    """Interpolate by Keys' cubic with a = -1/2; places are (column, row), centres at halves."""
    first = np.floor(places - 0.5).astype(int)
    total = np.zeros(places.shape[1:])
    for down in range(-1, 3):
        for across in range(-1, 3):
            cell = first + np.array([across, down])[:, None, None]
            t = np.abs(places - 0.5 - cell)
            weights = np.where(
                t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
            )
            weight = weights.prod(axis=0) * (t < 2).all(axis=0)
            size = np.array(pixels.shape)[:, None, None]
            row, column = np.clip(cell[::-1], 0, size - 1)
            total += weight * pixels[row, column]
    return total


class TestWarp:
    @pytest.mark.parametrize(
        ("crs", "grid", "west"),
        [
            ("EPSG:32633", TURNED, 500_100),
            ("EPSG:32634", Affine(10, 0, 159_950, 0, -10, 4_004_400), 700_100),
            ("EPSG:4326", Affine(1.1e-4, 0, 17.222, 0, -9e-5, 36.124), 700_100),
            (None, TURNED, 500_100),
        ],
        ids=str,
    )
    def test_every_pixel_is_keys_cubic_at_its_own_place(
        self, tmp_path: Path, crs: str | None, grid: Affine, west: int
    ) -> None:
        pixels = noise(120, 140, dtype="float32")
        low = read_header(write_geotiff(tmp_path / "ms.tif", pixels, crs=crs, transform=grid))
        there = Affine(2.5, 0, west, 0, -2.5, 3_999_900)
        high = guide(tmp_path, crs=crs and "EPSG:32633", transform=there)
        header = regridded(low, high)
        assert isinstance(header.regrid, Warp)
        assert header.crs == high.crs
        found, valid = whole(header)
        column, row = places = centres(header, low)
        np.testing.assert_array_equal(
            valid, (column >= 0) & (column < 140) & (row >= 0) & (row < 120)
        )
        inner = (column > 2) & (column < 138) & (row > 2) & (row < 118)
        assert inner.mean() > 0.3
        expected = keys(pixels[..., 1].astype(float), places)
        # Nothing lies beyond the file's values. 3 levels of 1900 are some thousandths of a pixel.
        clipped = np.clip(expected, pixels[..., 1].min(), pixels[..., 1].max())
        np.testing.assert_allclose(
            found[..., 1][inner], clipped[inner], atol=0.05 if grid is TURNED else 3
        )
        assert found[..., 1][valid].max() <= pixels[..., 1].max()
        assert (expected > clipped).any()

    def test_windows_are_parts_of_the_whole(self, tmp_path: Path) -> None:
        low = read_header(write_geotiff(tmp_path / "ms.tif", noise(300, 400), transform=TURNED))
        high = guide(tmp_path, transform=Affine(2.5, 0, 500_100, 0, -2.5, 3_999_900))
        header = regridded(low, high)
        with GeoReader(header) as reader:
            pixels, valid = reader.read(*(slice(0, side) for side in header.shape))
            part, known = reader.read(slice(17, 60), slice(5, 71))
        np.testing.assert_allclose(part, pixels[17:60, 5:71], atol=0.01)
        np.testing.assert_array_equal(known, valid[17:60, 5:71])

    @pytest.mark.parametrize("kind", ["nodata", "given", "nan", "alpha", "mask", "infrared"])
    def test_known_is_where_the_nearest_pixel_of_the_file_is(
        self, tmp_path: Path, kind: str
    ) -> None:
        hole = np.zeros((120, 140), bool)
        hole[40:60, 30:90] = hole[70, 70] = True
        pixels = noise(120, 140, 4, "float32" if kind == "nan" else "uint8")
        if kind != "infrared":
            pixels = pixels.clip(3)
        options: dict[str, Any] = {"transform": TURNED}
        if kind in ("nodata", "given"):
            pixels[hole] = 2
            options["nodata"] = 2 if kind == "nodata" else None
        if kind == "nan":
            pixels[hole, 1] = np.nan
        if kind in ("alpha", "infrared"):  # GDAL calls the fourth of four bands alpha either way
            options |= {"photometric": "RGB", "alpha": "YES"}
        if kind == "alpha":
            pixels[..., 3] = np.where(hole, 0, 255)
        path = write_geotiff(tmp_path / "ms.tif", pixels, **options)
        if kind == "mask":
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
                dataset.write_mask(~hole)
        low = read_header(path, nodata=2 if kind == "given" else None)
        header = regridded(low, guide(tmp_path))
        found, valid = whole(header)
        assert found.shape[2] == (3 if kind == "alpha" else 4)
        column, row = np.floor(centres(header, low)).astype(int)
        inside = (column >= 0) & (column < 140) & (row >= 0) & (row < 120)
        seen = hole[row.clip(0, 119), column.clip(0, 139)]
        assert seen.any() or kind == "infrared"
        np.testing.assert_array_equal(valid, inside & (~seen | (kind == "infrared")))
        assert np.isfinite(found).all()
        # What marks a hole, and what lies below a mask, is in no known value.
        low_end = np.where(hole[..., None], np.inf, pixels[..., : found.shape[2]]).min((0, 1))
        if kind != "infrared":
            assert (found[valid] >= low_end).all()

    def test_a_long_window_is_made_of_small_parts_of_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        diagonal = Affine(7, 7, 500_000, 7, -7, 4_000_000)
        low = read_header(
            write_geotiff(tmp_path / "ms.tif", noise(900, 900, 1), transform=diagonal)
        )
        wide = Affine(10, 0, 500_000, 0, -10, 4_003_000)
        header = regridded(low, guide(tmp_path, transform=wide))
        sizes: list[int] = []
        read_own = GeoReader._read_own

        def spy(self: GeoReader, area: tuple[slice, slice]) -> Any:
            sizes.append((area[0].stop - area[0].start) * (area[1].stop - area[1].start))
            return read_own(self, area)

        monkeypatch.setattr(GeoReader, "_read_own", spy)
        whole(header)
        assert len(sizes) > 1
        assert max(sizes) < 400**2


class TestRelation:
    def test_the_resolution_is_the_targets_own_and_ratios_are_whole(self, tmp_path: Path) -> None:
        low = read_header(write_geotiff(tmp_path / "ms.tif", noise(120, 140), transform=TURNED))
        relation = relate_grids(low, guide(tmp_path))
        assert relation.placement.ratios == (4, 4)
        assert relation.placement.offset == (3.625, 3.625)  # a margin of 4 pixels
        assert low.regridded(relation.regrid or pytest.fail()).shape == (64 + 8, 80 + 8)
        odd = replace(low, transform=Affine(8.2, 0.1, 500_000, 0.1, -8.2, 4_000_000))
        assert relate_grids(odd, guide(tmp_path)).placement.ratios == pytest.approx(
            (3.28, 3.28), 1e-3
        )

    def test_systems_that_hardly_differ_need_no_warp(self, tmp_path: Path) -> None:
        # ETRS89 and WGS 84 coincide; degrees and Mercator run along each other over a small place.
        grid = Affine(1e-4, 0, 15.0, 0, -1e-4, 36.0)
        low = read_header(
            write_geotiff(tmp_path / "ms.tif", noise(64, 80), crs="EPSG:4258", transform=grid)
        )
        fine = Affine(2.5e-5, 0, 15.0, 0, -2.5e-5, 36.0)
        relation = relate_grids(low, guide(tmp_path, crs="EPSG:4326", transform=fine))
        assert relation.regrid is None
        assert relation.placement.ratios == pytest.approx((4, 4))
        assert relation.placement.offset == pytest.approx((-0.375, -0.375))
        mercator = Affine(2.5, 0, 1_669_792.3619, 0, -2.5, 4_300_621.372)
        relation = relate_grids(low, guide(tmp_path, crs="EPSG:3857", transform=mercator))
        assert relation.regrid is None
        assert relation.placement.ratios == pytest.approx((5.503, 4.453), abs=2e-3)

    def test_a_small_target_is_found_in_a_large_guide(self, tmp_path: Path) -> None:
        spot = Affine(9.848, 1.736, 500_371, 1.736, -9.848, 3_999_603)
        low = read_header(write_geotiff(tmp_path / "ms.tif", noise(2, 2), transform=spot))
        warp = relate_grids(low, replace(guide(tmp_path), shape=(4000, 4000))).regrid
        assert isinstance(warp, Warp)
        assert warp.outside == pytest.approx(1, abs=1e-4)
        assert warp.outside < 1

    def test_a_pole_in_degrees_is_refused(self, tmp_path: Path) -> None:
        # The pixels around the pole come from all columns of the file.
        degrees, polar = Affine(0.03, 0, -180, 0, -0.001, 90), Affine(10, 0, 0, 0, -10, 0)
        path, crs = tmp_path / "ms.tif", rasterio.crs.CRS.from_epsg
        low = GeoOutline(shape=(600, 12_000), crs=crs(4326), transform=degrees, path=path)
        high = GeoOutline(shape=(4000, 4000), crs=crs(3413), transform=polar, path=path)
        warp = relate_grids(low, high).regrid
        assert isinstance(warp, Warp)
        with pytest.raises(PairError, match=r"too unlike.*gdalwarp"):
            warp.own_window((slice(0, 64), slice(0, 64)))


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        ("EPSG:32633", "EPSG:32633"),
        ("+proj=utm +zone=33 +ellps=WGS84 +units=m", "EPSG:32633 (by its parameters)"),
        ("EPSG:32633+5773", "'WGS 84 / UTM zone 33N + EGM96 height'"),
        ("+proj=laea +lat_0=10 +lon_0=20 +ellps=WGS84", "'unknown'"),
    ],
)
def test_a_system_has_a_name_that_tells_it_from_others(
    definition: str, name: str, tmp_path: Path
) -> None:
    assert guide(tmp_path, crs=definition).crs_name == name
