"""What an output keeps of how its multispectral file is stored, and of what masks it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.geotiffs import write_geotiff

from gisr.errors import FileFormatError, InputError
from gisr.io.files import atomic_outputs
from gisr.io.geotiff import (
    CreationOptions,
    GeoReader,
    check_storable,
    create_geotiff,
    read_geotiff,
)
from gisr.io.geotiff.alpha import AlphaMask
from gisr.pipelines.storage_notes import clipped_note, codec_notes, storage_notes

rasterio = pytest.importorskip("rasterio")
RNG = np.random.default_rng(6)
UNKNOWN = np.add.outer(np.arange(32), 0.6 * np.arange(40)) < 12
COLOURS = ("red", "green", "blue")


def write(path: Path, pixels: NDArray[Any], *colours: str, **profile: Any) -> Path:
    write_geotiff(path, pixels, **profile)
    if colours:
        with rasterio.open(path, "r+") as dataset:
            dataset.colorinterp = [rasterio.enums.ColorInterp[name] for name in colours]
    return path


def sharpen(target: Path, output: Path, layout: CreationOptions | None = None) -> Path:
    """Write a picture of twice the size, unknown where the target is."""
    low = read_geotiff(target)
    pan = output.with_name("pan.tif")
    high = read_geotiff(write_geotiff(pan, np.ones((64, 80, 1), np.uint16), 5.0))
    image = low.pixels.astype(np.float32).repeat(2, 0).repeat(2, 1)
    with (
        atomic_outputs([output], overwrite=True) as (place,),
        create_geotiff(output, place, target=low, guide=high, layout=layout) as writer,
    ):
        writer.write(np.nan_to_num(image), low.valid.repeat(2, 0).repeat(2, 1))
    return output


def pixels(bands: int, dtype: str = "uint8") -> NDArray[Any]:
    """Return a smooth scene, which codecs of pictures are made for."""
    y, x = np.mgrid[:32, :40]
    waves = [120 + 60 * np.sin(y / 9 + band) * np.cos(x / 7) for band in range(bands)]
    return np.stack(waves, axis=-1).astype(dtype)


@pytest.mark.parametrize("internal", [True, False])
def test_declared_nodata_counts_beside_a_mask(tmp_path: Path, internal: bool) -> None:
    image = pixels(3, "int16")
    image[24:28, 30:34] = -9999
    target = write(tmp_path / "ms.tif", image, nodata=-9999)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal),
        rasterio.open(target, "r+") as dataset,
    ):
        dataset.write_mask(~UNKNOWN)
    assert (tmp_path / "ms.tif.msk").exists() != internal
    known = ~UNKNOWN
    known[24:28, 30:34] = False
    found = read_geotiff(target)
    np.testing.assert_array_equal(found.valid, known)
    with GeoReader(found) as reader:
        np.testing.assert_array_equal(
            reader.read(slice(20, 32), slice(28, 40))[1], known[20:32, 28:]
        )
    with rasterio.open(sharpen(target, tmp_path / "out.tif")) as dataset:
        wide = known.repeat(2, 0).repeat(2, 1)
        assert dataset.nodata == -9999
        np.testing.assert_array_equal(dataset.dataset_mask() > 0, wide)
        assert (dataset.read()[:, ~wide] == -9999).all()
        assert (dataset.read()[:, wide] >= 60).all()


class TestAlpha:
    @pytest.mark.parametrize(
        ("dtype", "opaque"), [("uint16", 255), ("uint16", 1), ("uint8", 1), ("int16", 10_000)]
    )
    def test_a_mask_of_any_levels(self, tmp_path: Path, dtype: str, opaque: int) -> None:
        five = np.dstack([pixels(4, dtype), np.where(UNKNOWN, 0, opaque)]).astype(dtype)
        target = write(tmp_path / "ms.tif", five, *COLOURS, "undefined", "alpha")
        found = read_geotiff(target)
        assert found.alpha_mask == AlphaMask(5, opaque, 0.0, 0.0)
        assert found.bands == 4
        np.testing.assert_array_equal(found.valid, ~UNKNOWN)
        with rasterio.open(sharpen(target, tmp_path / "out.tif")) as dataset:
            assert dataset.colorinterp[4].name == "alpha"
            assert set(np.unique(dataset.read(5))) == {0, opaque}
            assert (dataset.read(5) == 0).mean() == UNKNOWN.mean()

    def test_a_feathered_mask(self, tmp_path: Path) -> None:
        distance = np.add.outer(np.arange(32), 0.6 * np.arange(40)) - 12
        alpha = np.clip(distance / 4, 0, 1) * 65535
        five = np.dstack([pixels(4, "uint16"), alpha]).astype(np.uint16)
        found = read_geotiff(write(tmp_path / "ms.tif", five, *COLOURS, "undefined", "alpha"))
        assert found.alpha_mask is not None
        assert 0 < found.alpha_mask.between < 0.2
        np.testing.assert_array_equal(found.valid, five[..., 4] > 0)
        (note,) = storage_notes(found, None)
        assert "alpha band 5, 0 to 65535" in str(note)
        assert "lies in between" in str(note)

    def test_a_mask_that_jpeg_changed(self, tmp_path: Path) -> None:
        wide = UNKNOWN.repeat(4, 0).repeat(4, 1)
        four = np.dstack([pixels(3).repeat(4, 0).repeat(4, 1), np.where(wide, 0, 255)])
        lossy = {"photometric": "RGB", "alpha": "YES", "compress": "jpeg", "jpeg_quality": 75}
        target = write(tmp_path / "ms.tif", four.astype(np.uint8), **lossy)
        with rasterio.open(target) as dataset:
            assert len(np.unique(dataset.read(4))) > 4
        found = read_geotiff(target)
        assert found.alpha_mask is not None
        assert found.alpha_mask.opaque == 255
        assert (found.valid != ~wide).mean() < 0.01

    def test_a_mask_of_many_pixels(self, tmp_path: Path) -> None:
        image = np.zeros((1100, 1100, 4), np.uint16)
        image[..., 3], image[:400, :700, 3] = 1000, 0
        image[400:410, :700, 3] = 500
        target = write(tmp_path / "ms.tif", image, *COLOURS, "alpha", compress="deflate")
        found = read_geotiff(target)
        assert found.alpha_mask == AlphaMask(4, 1000, 0.0, 7000 / 1100**2)
        np.testing.assert_array_equal(found.valid, image[..., 3] > 0)
        image[..., 3] = np.arange(1100)  # no mask, which half of the rows shows
        write(target, image, *COLOURS, "alpha", compress="deflate")
        assert read_geotiff(target).alpha_mask is None

    def test_an_infrared_band_is_none(self, tmp_path: Path) -> None:
        infrared = np.clip(pixels(4)[..., 3].astype(int) * 2, 0, 255)
        assert 0.2 < (infrared == 255).mean() < 0.6  # much of it saturated
        infrared[UNKNOWN] = 0
        four = np.dstack([pixels(3), infrared]).astype(np.uint8)
        target = write(tmp_path / "ms.tif", four, photometric="RGB", alpha="YES")
        assert read_geotiff(target).alpha_mask is None


class TestLossy:
    @pytest.mark.parametrize(
        ("profile", "words"),
        [
            ({"compress": "jpeg", "jpeg_quality": 95}, "-co COMPRESS=JPEG -co JPEG_QUALITY=95"),
            ({"compress": "webp", "webp_level": 60}, "-co COMPRESS=WEBP -co WEBP_LEVEL=60"),
            ({"compress": "lerc", "max_z_error": 4}, "-co COMPRESS=LERC -co MAX_Z_ERROR=4"),
        ],
        ids=["jpeg", "webp", "lerc"],
    )
    def test_what_loses_detail_is_not_copied(
        self, tmp_path: Path, profile: dict[str, Any], words: str
    ) -> None:
        target = write(tmp_path / "ms.tif", pixels(3), **profile)
        found = read_geotiff(target)
        back = read_geotiff(sharpen(target, tmp_path / "out.tif"))
        np.testing.assert_array_equal(back.pixels, found.pixels.repeat(2, 0).repeat(2, 1))
        assert back.creation["compress"] == "deflate"
        (note,) = codec_notes(found, None, agrees=True)
        assert f"compressed without (DEFLATE); {words} stores it as the file is" in str(note)
        assert codec_notes(found, CreationOptions({"COMPRESS": "ZSTD"}), agrees=True) == []

    @pytest.mark.parametrize("codec", ["webp", "lerc", "lerc_zstd"])
    def test_what_loses_nothing_is_copied(self, tmp_path: Path, codec: str) -> None:
        target = write(tmp_path / "ms.tif", pixels(3), compress=codec, webp_lossless=True)
        found = read_geotiff(target)
        assert not found.lossy
        back = read_geotiff(sharpen(target, tmp_path / "out.tif"))
        assert back.creation["compress"] == codec
        np.testing.assert_array_equal(back.pixels, found.pixels.repeat(2, 0).repeat(2, 1))

    @pytest.mark.parametrize("cloud", [False, True], ids=["GTiff", "COG"])
    @pytest.mark.parametrize("kind", ["nodata", "alpha"])
    def test_unknown_pixels_get_a_mask(self, tmp_path: Path, kind: str, cloud: bool) -> None:
        image = np.maximum(pixels(3), 1)
        image[UNKNOWN] = 0
        if kind == "alpha":
            image = np.dstack([image, np.where(UNKNOWN, 0, 255)]).astype(np.uint8)
            target = write(tmp_path / "ms.tif", image, photometric="RGB", alpha="YES")
        else:
            target = write(tmp_path / "ms.tif", image, *COLOURS, nodata=0)
        layout = CreationOptions({"COMPRESS": "JPEG"}, cloud)
        output = sharpen(target, tmp_path / "out.tif", layout)
        with rasterio.open(output) as dataset:
            assert (dataset.count, dataset.nodata) == (3, None)
            known = dataset.dataset_mask() > 0
        np.testing.assert_array_equal(known, ~UNKNOWN.repeat(2, 0).repeat(2, 1))
        (note,) = storage_notes(read_geotiff(target), layout)
        assert "internal mask" in str(note)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["ms.tif", "out.tif", "pan.tif"]

    def test_codecs_of_pictures_hold_eight_bits(self, tmp_path: Path) -> None:
        sixteen = read_geotiff(write(tmp_path / "ms.tif", pixels(3, "uint16")))
        for codec in ("JPEG", "WEBP"):
            with pytest.raises(InputError, match=rf"{codec} stores 8 bits, ms.tif holds uint16"):
                check_storable(sixteen, CreationOptions({"COMPRESS": codec}))
        check_storable(sixteen, CreationOptions({"COMPRESS": "ZSTD"}))
        five = read_geotiff(write(tmp_path / "five.tif", pixels(5)))
        with pytest.raises(InputError, match=r"does not hold 5 bands"):
            check_storable(five, CreationOptions({"COMPRESS": "JPEG"}))
        check_storable(five, CreationOptions({"COMPRESS": "JPEG", "INTERLEAVE": "BAND"}))


def test_nan_gets_its_tag_where_it_stands(tmp_path: Path) -> None:
    image = pixels(2, "float32")
    whole = sharpen(write(tmp_path / "ms.tif", image), tmp_path / "whole.tif")
    with rasterio.open(whole) as dataset:
        assert dataset.nodata is None
    image[UNKNOWN] = np.nan
    for layout in (None, CreationOptions({}, cloud=True)):
        output = sharpen(write(tmp_path / "ms.tif", image), tmp_path / "out.tif", layout)
        with rasterio.open(output) as dataset:
            assert np.isnan(dataset.nodata)
            assert (dataset.dataset_mask() == 0).mean() == UNKNOWN.mean()


@pytest.mark.parametrize("cloud", [False, True], ids=["GTiff", "COG"])
def test_tags_of_vendors_survive(tmp_path: Path, cloud: bool) -> None:
    target = write(tmp_path / "ms.tif", pixels(2, "uint16"))
    tags = {"IMD": {"IMAGE_1.satId": "WV03"}, "IMAGERY": {"CLOUDCOVER": "3"}, "X": {"a": "b"}}
    with rasterio.open(target, "r+") as dataset:
        for domain, values in tags.items():
            dataset.update_tags(ns=domain, **values)
    sharpen(target, tmp_path / "out.tif", CreationOptions({}, cloud))
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {"ms.tif", "ms.IMD", "out.tif", "pan.tif"}
    with rasterio.open(tmp_path / "out.tif") as dataset:
        for domain, values in tags.items():
            assert values.items() <= dataset.tags(ns=domain).items()


class TestHalfFloats:
    @pytest.mark.parametrize("predictor", [None, 3])
    def test_floats_of_16_bits_are_stored_as_32(
        self, tmp_path: Path, predictor: int | None
    ) -> None:
        more = {} if predictor is None else {"compress": "deflate", "predictor": predictor}
        values = pixels(3, "float32") / 7
        target = write(tmp_path / "ms.tif", values, nbits=16, **more)
        header = read_geotiff(target)
        assert header.halves
        (note,) = storage_notes(header, None)
        assert "has floats of 16 bits, the output has 32" in note.text
        output = sharpen(target, tmp_path / "out.tif")
        with rasterio.open(output) as written:
            assert "NBITS" not in written.tags(1, ns="IMAGE_STRUCTURE")
            np.testing.assert_array_equal(written.read(1)[::2, ::2], header.pixels[..., 0])

    def test_an_option_that_would_shorten_floats_is_refused(self, tmp_path: Path) -> None:
        header = read_geotiff(write(tmp_path / "ms.tif", pixels(3, "float32") / 7))
        assert not header.halves
        with pytest.raises(InputError, match=r"NBITS=16 would shorten .* ms\.tif .*afterwards"):
            check_storable(header, CreationOptions({"NBITS": "16"}))
        whole = read_geotiff(write(tmp_path / "whole.tif", pixels(3, "uint16")))
        check_storable(whole, CreationOptions({"NBITS": "11"}))


@pytest.mark.parametrize("cloud", [False, True])
def test_nodata_that_the_stored_bits_do_not_hold_becomes_a_mask(
    tmp_path: Path, cloud: bool
) -> None:
    """A file of 12 bits may declare 65535 all the same: no pixel of it can have that value."""
    image = pixels(2, "uint16")
    source = write(tmp_path / "ms.tif", image, nodata=65535, nbits=12)
    header, layout = read_geotiff(source), CreationOptions(cloud=cloud)
    header.valid[UNKNOWN] = False  # beyond its rim, say
    (note,) = storage_notes(header, layout)
    assert "its nodata 65535 is more than the stored bits (NBITS) hold" in note.text
    output = tmp_path / "o.tif"
    pan = read_geotiff(write_geotiff(tmp_path / "pan.tif", image[..., :1], 10.0))
    with (
        atomic_outputs([output], overwrite=True) as (place,),
        create_geotiff(output, place, target=header, guide=pan, layout=layout) as writer,
    ):
        writer.write(image.astype(np.float32), header.valid)
    with rasterio.open(output) as dataset:
        assert dataset.nodata is None
        np.testing.assert_array_equal(dataset.dataset_mask() == 0, UNKNOWN)


def test_clipping_by_the_bits_that_were_asked_for_is_called_so(tmp_path: Path) -> None:
    header = read_geotiff(write(tmp_path / "ms.tif", pixels(2, "uint16")))
    (note,) = clipped_note(header, 0.982, CreationOptions({"NBITS": "8"}))
    assert "98.2% of the values lie beyond the 0 to 255 of creation option NBITS=8" in note.text
    assert clipped_note(header, 0.982, None)[0].text.startswith("98.2% of the values lie beyond")


@pytest.mark.parametrize("cloud", [False, True])
def test_a_grid_of_points_stays_one(tmp_path: Path, cloud: bool) -> None:
    """As Landsat's are: the corner stays where it is, the header counts from pixel centres."""
    pan = write_geotiff(tmp_path / "pan.tif", np.ones((64, 80, 1), np.uint16), 5.0)
    with rasterio.open(pan, "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT="Point")
        corner = dataset.transform
    low, high = read_geotiff(write(tmp_path / "ms.tif", pixels(2, "uint16"))), read_geotiff(pan)
    image, output = low.pixels.astype(np.float32).repeat(2, 0).repeat(2, 1), tmp_path / "o.tif"
    with (
        atomic_outputs([output], overwrite=True) as (place,),
        create_geotiff(
            output, place, target=low, guide=high, layout=CreationOptions(cloud=cloud)
        ) as writer,
    ):
        writer.write(image, np.ones(image.shape[:2], bool))
    with rasterio.open(output) as dataset:
        assert dataset.tags()["AREA_OR_POINT"] == "Point"
        assert dataset.transform == corner


@pytest.mark.parametrize(
    ("option", "cloud", "says"),
    [
        ("TILED=MAYBE", False, "must be one of YES NO TRUE FALSE ON OFF 1 0"),
        ("PHOTOMETRIC=FOO", False, "must be one of MINISBLACK MINISWHITE"),
        ("ZLEVEL=50", False, "must be a whole number from 1 to 12"),
        ("ZSTD_LEVEL=x", False, "must be a whole number from 1 to 22"),
        ("NUM_THREADS=x", False, "must be a whole number from 1 to 1024 or ALL_CPUS"),
        ("MAX_Z_ERROR=-1", False, "must be a number from 0 on"),
        ("BLOCKYSIZE=0", False, "must be a whole number from 1 on"),
        ("BLOCKSIZE=100", True, "must be a multiple of 16, as the sides of tiles are"),
        ("OVERVIEW_RESAMPLING=FOO", True, "must be one of NEAREST AVERAGE"),
    ],
)
def test_values_that_gdal_would_pass_over_are_refused(option: str, cloud: bool, says: str) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(InputError, match=f"^creation option {option} {says}"):
        CreationOptions({name: value}, cloud)


def test_sides_of_tiles_are_checked_and_rows_of_strips_are_free() -> None:
    with pytest.raises(InputError, match="BLOCKXSIZE=100 must be a multiple of 16"):
        CreationOptions({"TILED": "yes", "BLOCKXSIZE": "100"})
    CreationOptions({"BLOCKYSIZE": "7", "MAX_Z_ERROR": "1e-3", "NUM_THREADS": "ALL_CPUS"})


def test_options_that_do_nothing_are_told(tmp_path: Path) -> None:
    header = read_geotiff(write(tmp_path / "ms.tif", pixels(3)))
    layout = CreationOptions({"ZLEVEL": "9", "BLOCKXSIZE": "64"})
    assert [note.text for note in storage_notes(header, layout)] == [
        "creation option ZLEVEL=9 has no effect without -co COMPRESS=DEFLATE",
        "creation option BLOCKXSIZE=64 has no effect without -co TILED=YES",
    ]
    layout = CreationOptions({"ZLEVEL": "9", "COMPRESS": "DEFLATE", "PREDICTOR": "2"})
    assert storage_notes(header, layout) == []
    with pytest.raises(InputError, match=r"PREDICTOR=3 is for floats, ms.tif holds uint8: use"):
        check_storable(header, CreationOptions({"PREDICTOR": "3", "COMPRESS": "LZW"}))


@pytest.mark.parametrize(("kind", "red"), [("gray", 1), ("rgb", 2)])
def test_a_table_of_colours_is_refused_with_the_line_that_expands_it(
    tmp_path: Path, kind: str, red: int
) -> None:
    """Greys become one band: three of one would guide as a colour picture."""
    path = write_geotiff(tmp_path / "pan.tif", RNG.integers(0, 99, (8, 8, 1)).astype(np.uint8))
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(
            1, {level: (level * red % 256, *[level] * 2, 255) for level in range(256)}
        )
    with pytest.raises(FileFormatError, match=rf"-expand {kind} \S+pan.tif pan_{kind}.tif\)$"):
        read_geotiff(path)
