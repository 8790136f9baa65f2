"""Nodata of every band: which pixels it makes unknown, and what an output declares."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.geotiffs import declare_band_nodata, write_geotiff

from gisr.io.geotiff import GeoReader, read_geotiff, read_header
from gisr.io.geotiff.nodata import nodata_places
from gisr.io.geotiff.stack import picked_bands
from gisr.io.unknown import UnknownValue

rasterio = pytest.importorskip("rasterio")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Write three bands of which the first two have a hole each, and all a margin."""
    image = np.full((8, 10, 3), 500, np.int16)
    image[2, 3, 0], image[5, 6, 1] = -9999, -32768
    image[:, 9] = -9999, -32768, -32768
    path = write_geotiff(tmp_path / "ms.tif", image)
    return declare_band_nodata(path, -9999, -32768, -32768)


def test_every_band_has_its_own_nodata(scene: Path) -> None:
    known = np.ones((8, 10), bool)
    known[:, 9] = known[2, 3] = known[5, 6] = False
    found = read_geotiff(scene)
    assert found.nodata == -9999
    np.testing.assert_array_equal(found.valid, known)
    with GeoReader(found) as reader:
        np.testing.assert_array_equal(reader.read(slice(4, 8), slice(5, 10))[1], known[4:, 5:])
    together = tuple(each and replace(each, alone=False) for each in found.band_nodata)
    with GeoReader(replace(found, band_nodata=together)) as reader:
        valid = reader.read(slice(0, 8), slice(0, 10))[1]
    assert valid[:, :9].all() and not valid[:, 9].any()


def test_bands_that_are_chosen_keep_theirs(scene: Path) -> None:
    chosen = read_geotiff(scene, bands=[2])
    assert chosen.nodata == -32768
    assert not chosen.valid[5, 6] and chosen.valid[2, 3]
    picked = picked_bands(read_header(scene), (3, 2))
    assert picked.nodata == -32768 and picked.band_nodata == (UnknownValue(-32768, True),) * 2


def test_a_band_without_nodata_is_known_everywhere(tmp_path: Path) -> None:
    image = np.full((4, 4, 2), 500, np.int16)
    image[0, :, 0] = 0  # a lake in the near infrared
    path = write_geotiff(tmp_path / "ms.tif", image)
    header = read_header(declare_band_nodata(path, None, 0))
    assert header.nodata == 0 and header.band_nodata == (None, UnknownValue(0, True))
    image[1] = 0
    write_geotiff(path, image[..., ::-1])
    header = read_header(declare_band_nodata(path, None, 0))
    together = (None, UnknownValue(0, False))
    with GeoReader(replace(header, band_nodata=together)) as reader:
        assert reader.read(slice(0, 4), slice(0, 4))[1].all()


def test_a_colour_that_stands_for_unknown_counts_as_a_whole(tmp_path: Path) -> None:
    image = np.full((4, 4, 2), 500, np.int16)
    image[0, 0], image[1, 1] = (3, 67), (3, 500)
    path = write_geotiff(tmp_path / "ms.tif", image, nodata=5)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(NODATA_VALUES="3 67")
    found = read_geotiff(path)
    assert not found.valid[0, 0] and found.valid.sum() == 15
    assert "NODATA_VALUES" not in found.tags  # the output marks them as it says itself


@pytest.mark.parametrize(
    ("dtype", "declared", "stored"),
    [
        ("float32", -3.4028234663852886e38, np.finfo(np.float32).min),
        ("float32", -3.40282306074e38, -3.4028234e38),
        ("float32", 0.1, np.float32(0.1)),
        ("float64", float("nan"), np.nan),
        ("int16", -9999.0, -9999),
    ],
)
def test_digits_of_a_tag_are_rounded(dtype: str, declared: float, stored: float) -> None:
    pixels = np.array([[stored, 100]], dtype)[..., None]
    (found,) = nodata_places(pixels, (UnknownValue(declared, True),))
    assert found.tolist() == [[True, False]]


def test_ends_of_bands_do_not_depend_on_windows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.standard_normal((40, 50, 3)), (4, 4, 0.6))
    image = np.where(smooth > np.quantile(smooth, 0.4), 100, 0).astype(np.uint8)
    file = write_geotiff(tmp_path / "ms.tif", image, nodata=0)
    own = read_header(file)
    together = tuple(each and replace(each, alone=False) for each in own.band_nodata)
    header = replace(own, band_nodata=together, rim=4)
    with GeoReader(header) as reader:
        pixels, known = reader.read(slice(0, 40), slice(0, 50))
        for rows in (slice(0, 13), slice(13, 21), slice(21, 40)):
            for columns in (slice(0, 7), slice(7, 50)):
                part, seen = reader.read(rows, columns)
                np.testing.assert_array_equal(part, pixels[rows, columns])
                np.testing.assert_array_equal(seen, known[rows, columns])
    some, everywhere = (image == 0).any(axis=2), (image == 0).all(axis=2)
    assert not known[everywhere].any() and known[~some].all()
    assert (some & ~everywhere & ~known).any()
