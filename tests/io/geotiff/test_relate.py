import json
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from gisr.errors import FileFormatError, InputError, LimitError, PairError
from gisr.io.files import atomic_output, atomic_outputs
from gisr.io.geotiff import (
    CreationOptions,
    GeoHeader,
    GeoRaster,
    GeoReader,
    create_geotiff,
    geotiff_placement,
    read_geotiff,
    read_header,
    sidecars,
)
from gisr.io.limits import Limits
from gisr.placement import Placement

rasterio = pytest.importorskip("rasterio")
from rasterio.enums import ColorInterp  # noqa: E402
from rasterio.transform import Affine  # noqa: E402

Bound = Callable[[float], AbstractContextManager[None]]
MS_GRID = Affine(30, 0, 500_000, 0, -30, 4_000_000)
PAN_GRID = Affine(15, 0, 500_000, 0, -15, 4_000_000)


@contextmanager
def create(path: Path, shape: tuple[int, int, int], dtype: str = "uint16", **options: Any) -> Any:
    """Open a new GeoTIFF of (height, width, bands) for writing, without rasterio's own warning."""
    height, width, bands = shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        profile = {"driver": "GTiff", "height": height, "width": width, "count": bands}
        profile["photometric"] = "MINISBLACK"  # GDAL takes any 4 bands of uint8 for RGBA
        with rasterio.open(path, "w", **(profile | {"dtype": dtype} | options)) as dataset:
            yield dataset


def write_raw(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    with create(path, pixels.shape, pixels.dtype.name, **options) as dataset:
        dataset.write(np.moveaxis(pixels, -1, 0))
    return path


def write_geotiff(
    path: Path,
    image: np.ndarray,
    *,
    target: GeoHeader,
    guide: GeoHeader,
    valid: np.ndarray,
    rows: int = 7,
    overwrite: bool = False,
    layout: CreationOptions | None = None,
) -> None:
    """Write an image some rows at a time, and those without a known pixel as such."""
    with (
        atomic_outputs([path], overwrite, stale=sidecars(path)) as (temporary,),
        create_geotiff(path, temporary, target=target, guide=guide, layout=layout) as writer,
    ):
        for start in range(0, max(len(image), len(valid)), rows):
            part = slice(start, start + rows)
            if len(valid[part]) == len(image[part]) and not valid[part].any():
                writer.write_unknown(len(valid[part]))
            else:
                writer.write(image[part], valid[part])


def scene(height: int, width: int, bands: int, dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(1, 100, (height, width, bands))
    return noise.astype(dtype)


def pair(
    folder: Path, *, target: dict[str, Any] | None = None, guide: dict[str, Any] | None = None
) -> tuple[GeoRaster, GeoRaster]:
    """Read a 6 x 8 multispectral and a 12 x 16 panchromatic file made with the given options."""
    placed: dict[str, Any] = {"crs": "EPSG:32633"}
    low = write_raw(
        folder / "ms.tif", scene(6, 8, 3), **(placed | {"transform": MS_GRID} | (target or {}))
    )
    high = write_raw(
        folder / "pan.tif", scene(12, 16, 1), **(placed | {"transform": PAN_GRID} | (guide or {}))
    )
    return read_geotiff(low), read_geotiff(high)


class TestReading:
    def test_gives_pixels_in_their_own_type_with_bands_last(self, tmp_path: Path) -> None:
        pixels = scene(5, 7, 4, "int16") - 50
        raster = read_geotiff(write_raw(tmp_path / "a b é 影像.tif", pixels, nodata=-9))
        assert np.array_equal(raster.pixels, pixels)
        assert raster.pixels.dtype == np.int16
        assert raster.nodata == -9
        assert np.array_equal(raster.valid, (pixels != -9).all(axis=-1))
        assert raster.shape == (5, 7)
        assert not raster.placed

    def test_bands_can_be_chosen(self, tmp_path: Path) -> None:
        path = write_raw(tmp_path / "a.tif", scene(5, 7, 4))
        assert np.array_equal(read_geotiff(path, bands=[3, 1]).pixels, scene(5, 7, 4)[..., [2, 0]])
        with pytest.raises(InputError, match=r"no band 5: it has 1, 2, 3, 4$"):
            read_geotiff(path, bands=[1, 5])
        with pytest.raises(InputError, match="no band"):
            read_geotiff(path, bands=[])
        with pytest.raises(InputError, match=r"no band 1,3: it has .* own \(-b 1 -b 2\)$"):
            read_geotiff(path, bands=["1,3"])

    @pytest.mark.parametrize("kept", [40, 4000])
    def test_a_damaged_file_is_told_with_a_way_out(self, tmp_path: Path, kept: int) -> None:
        path = write_raw(tmp_path / "a.tif", scene(64, 64, 4))
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(FileFormatError) as told:
            read_geotiff(path)
        assert str(told.value).startswith(f"{path}: cannot be read as GeoTIFF: ")
        assert str(told.value).endswith(": get the file again, or see what gdalinfo says of it")

    def test_windows_are_parts_of_the_whole(self, tmp_path: Path) -> None:
        pixels = scene(40, 30, 3)
        pixels[5:9, 4:20] = 0
        path = write_raw(tmp_path / "a.tif", pixels, nodata=0)
        whole = read_geotiff(path, bands=[3, 1])
        with GeoReader(read_header(path, bands=[3, 1])) as reader:
            found, valid = reader.read(slice(3, 25), slice(7, 30))
        assert np.array_equal(found, whole.pixels[3:25, 7:30])
        assert np.array_equal(valid, whole.valid[3:25, 7:30])

    def test_a_given_nodata_goes_before_the_files(self, tmp_path: Path) -> None:
        pixels = scene(5, 6, 2)
        pixels[1, 2], pixels[3, 4] = 0, 77
        path = write_raw(tmp_path / "a.tif", pixels, nodata=0)
        header = read_header(path, nodata=77)
        with GeoReader(header) as reader:
            _, valid = reader.read(slice(0, 5), slice(0, 6))
        assert header.nodata == 77
        assert valid[1, 2] and not valid[3, 4]
        with pytest.raises(InputError, match="nodata -1 cannot be stored in uint16"):
            read_header(path, nodata=-1)

    def test_nan_and_infinity_are_unknown(self, tmp_path: Path) -> None:
        pixels = scene(3, 3, 2, "float32")
        pixels[0, 0, 1], pixels[2, 1, 0] = np.nan, np.inf
        valid = read_geotiff(write_raw(tmp_path / "a.tif", pixels)).valid
        assert np.argwhere(~valid).tolist() == [[0, 0], [2, 1]]

    def test_alpha_masks_and_is_no_band(self, tmp_path: Path) -> None:
        pixels = scene(4, 4, 4, "uint8")
        pixels[..., 3] = 255
        pixels[1, 2, 3] = 0
        path = write_raw(tmp_path / "a.tif", pixels, photometric="RGB", alpha="YES")
        raster = read_geotiff(path)
        assert raster.pixels.shape == (4, 4, 3)
        assert raster.alpha
        assert np.argwhere(~raster.valid).tolist() == [[1, 2]]
        with pytest.raises(InputError, match="no band"):
            read_geotiff(path, bands=[4])

    def test_an_internal_mask_masks(self, tmp_path: Path) -> None:
        mask = np.ones((4, 4), bool)
        mask[3, 0] = False
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            create(tmp_path / "a.tif", (4, 4, 1)) as dataset,
        ):
            dataset.write(np.moveaxis(scene(4, 4, 1), -1, 0))
            dataset.write_mask(mask)
        assert np.array_equal(read_geotiff(tmp_path / "a.tif").valid, mask)

    def test_eleven_bits_are_known(self, tmp_path: Path) -> None:
        raster = read_geotiff(write_raw(tmp_path / "a.tif", scene(4, 4, 1), nbits=11))
        assert raster.bits == 11

    def test_limits_hold_for_pixels_and_tiles(self, tmp_path: Path) -> None:
        path = write_raw(
            tmp_path / "a.tif", scene(6, 8, 3), tiled=True, blockxsize=256, blockysize=256
        )
        with pytest.raises(LimitError, match=r"48 pixels \(8 x 6\)"):
            read_geotiff(path, Limits(max_pixels=47))
        with pytest.raises(LimitError, match="bands"):
            read_geotiff(path, Limits(max_bands=2))
        with pytest.raises(LimitError, match="one tile"):
            read_geotiff(path, Limits(max_block_bytes=1000))


class TestMalformed:
    def test_a_sparse_bomb_is_refused_at_once(self, tmp_path: Path, quick_and_small: Bound) -> None:
        path = tmp_path / "bomb.tif"
        options: dict[str, Any] = {"sparse_ok": True, "bigtiff": "YES", "tiled": True}
        with create(path, (400_000, 400_000, 1), blockxsize=4096, blockysize=4096, **options):
            pass
        assert path.stat().st_size < 200_000  # and claims 298 GiB
        claim = r"160000000000 pixels \(400000 x 400000\)"
        with quick_and_small(10), pytest.raises(LimitError, match=claim):
            read_geotiff(path)

    def test_a_vrt_called_tif_is_refused(self, tmp_path: Path) -> None:
        secret = write_raw(tmp_path / "secret.tif", scene(4, 4, 1))
        vrt = tmp_path / "evil.tif"
        vrt.write_text(
            '<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="UInt16" band="1">'
            f"<SimpleSource><SourceFilename>{secret}</SourceFilename></SimpleSource>"
            "</VRTRasterBand></VRTDataset>"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(vrt) as dataset:  # without the driver, GDAL follows it
                assert dataset.driver == "VRT"
        way = r"virtual raster.*gdal_translate \S*evil.tif evil_geotiff.tif"
        with pytest.raises(FileFormatError, match=way):
            read_geotiff(vrt)

    @pytest.mark.parametrize("options", [{}, {"compress": "deflate"}, {"compress": "lzw"}], ids=str)
    def test_truncated_anywhere_is_typed(self, tmp_path: Path, options: dict[str, Any]) -> None:
        whole = write_raw(tmp_path / "whole.tif", scene(64, 64, 3), **options).read_bytes()
        broken, refused = tmp_path / "broken.tif", 0
        for length in (1, 4, 8, 50, len(whole) // 3, len(whole) // 2):
            broken.write_bytes(whole[:length])
            with pytest.raises(FileFormatError, match=r"broken\.tif"):
                read_geotiff(broken)
            refused += 1
        assert refused == 6

    def test_random_damage_is_typed_or_harmless(self, tmp_path: Path) -> None:
        whole = write_raw(tmp_path / "whole.tif", scene(16, 16, 2), compress="deflate").read_bytes()
        broken, random = tmp_path / "broken.tif", np.random.default_rng(0)
        for _ in range(60):
            data = bytearray(whole)
            for place in random.integers(0, len(data), 4):
                data[place] = random.integers(0, 256)
            broken.write_bytes(data)
            try:
                read_geotiff(broken, Limits(max_pixels=10**6, max_bytes=10**7))
            except (FileFormatError, LimitError) as error:
                assert "broken.tif" in str(error)

    def test_other_files_are_refused(self, tmp_path: Path) -> None:
        for name, data in (("png.tif", b"\x89PNG\r\n\x1a\n" + bytes(50)), ("text.tif", b"hello")):
            (tmp_path / name).write_bytes(data)
            with pytest.raises(FileFormatError, match=name):
                read_geotiff(tmp_path / name)
        for name, told in (
            ("missing.tif", "no such file"),
            ("/vsicurl/http://127.0.0.1/a.tif", "it is an address"),
            ("GTIFF_DIR:1:a.tif", "a part of a file"),
        ):
            with pytest.raises(FileFormatError, match=rf"^{name}: .*{told}"):
                read_geotiff(name)

    def test_pixels_that_are_no_intensities_are_refused(self, tmp_path: Path) -> None:
        with create(tmp_path / "complex.tif", (4, 4, 1), "complex64"):
            pass
        with pytest.raises(FileFormatError, match="complex"):
            read_geotiff(tmp_path / "complex.tif")
        with create(tmp_path / "table.tif", (4, 4, 1), "uint8") as dataset:
            dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
        with pytest.raises(FileFormatError, match="table"):
            read_geotiff(tmp_path / "table.tif")


class TestWriting:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        dtype=st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"]),
        bands=st.integers(1, 5),
        nodata=st.sampled_from([None, 0, 1, 120]),
        layout=st.sampled_from(
            [
                {},
                {"compress": "deflate", "predictor": 2},
                {"compress": "zstd", "interleave": "band"},
                {"compress": "lzw", "tiled": True, "blockxsize": 32, "blockysize": 16},
            ]
        ),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_what_is_written_reads_back(
        self,
        tmp_path: Path,
        dtype: str,
        bands: int,
        nodata: float | None,
        layout: dict[str, Any],
        seed: int,
    ) -> None:
        random = np.random.default_rng(seed)
        options = {"nodata": nodata, "crs": "EPSG:32633", **layout}
        low = write_raw(
            tmp_path / "ms.tif", scene(20, 24, bands, dtype), transform=MS_GRID, **options
        )
        high = write_raw(
            tmp_path / "pan.tif", scene(40, 48, 1), transform=PAN_GRID, crs="EPSG:32633"
        )
        target, guide = read_geotiff(low), read_geotiff(high)
        image = random.integers(0, 125, (40, 48, bands)).astype(np.float32)
        valid = random.random((40, 48)) > 0.2
        output = tmp_path / "out.tif"
        write_geotiff(
            output, image, target=target, guide=guide, valid=valid, overwrite=output.exists()
        )
        back = read_geotiff(output)
        assert np.array_equal(back.valid, valid)
        assert (back.crs, back.transform) == (guide.crs, guide.transform)
        assert back.pixels.dtype == target.pixels.dtype
        said = float("nan") if dtype == "float32" and not valid.all() else None
        np.testing.assert_equal(back.nodata, said if nodata is None else nodata)
        assert back.creation == target.creation
        exact = image != nodata if nodata is not None else np.ones_like(image, bool)
        assert np.array_equal(
            back.pixels[exact & valid[..., None]], image[exact & valid[..., None]]
        )
        # The value that means nodata moved by at most one step.
        assert np.abs(back.pixels[valid] - image[valid].astype(float)).max() <= 1

    def test_metadata_of_the_target_survives(self, tmp_path: Path) -> None:
        low = tmp_path / "ms.tif"
        with create(low, (6, 8, 4), transform=MS_GRID, crs="EPSG:32633", nbits=12) as dataset:
            dataset.write(np.moveaxis(scene(6, 8, 4), -1, 0))
            dataset.colorinterp = [
                ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.nir
            ]  # fmt: skip
            dataset.descriptions = ("B", "G", "R", "NIR é")
            dataset.update_tags(SENSOR="X1", TIFFTAG_IMAGEDESCRIPTION='{"shape": [6, 8, 4]}')
            dataset.update_tags(2, WAVELENGTH="560", STATISTICS_MAXIMUM="99")
            dataset.scales, dataset.offsets = (0.1,) * 4, (-1.0,) * 4
            dataset.units = ("W",) * 4
        high = write_raw(
            tmp_path / "pan.tif", scene(12, 16, 1), transform=PAN_GRID, crs="EPSG:32633"
        )
        target, guide = read_geotiff(low), read_geotiff(high)
        output = tmp_path / "out.tif"
        image = np.full((12, 16, 4), 9000, np.float32)
        everywhere = np.ones((12, 16), bool)
        write_geotiff(output, image, target=target, guide=guide, valid=everywhere)
        back = read_geotiff(output)
        assert back.descriptions == ("B", "G", "R", "NIR é")
        assert back.colours == ("blue", "green", "red", "nir")
        assert back.tags == {"SENSOR": "X1"}
        assert back.band_tags[1] == {"WAVELENGTH": "560"}
        assert (back.scales, back.offsets) == ((0.1,) * 4, (-1.0,) * 4)
        assert back.units == ("W",) * 4
        assert back.bits == 12
        assert (back.pixels == 4095).all()  # clipped to 12 bits
        assert os.listdir(tmp_path).count("out.tif.aux.xml") == 0

    def test_alpha_band_is_written_again(self, tmp_path: Path) -> None:
        pixels = scene(4, 4, 4, "uint8")
        pixels[..., 3] = 255  # a mask, not data that GDAL took for one
        low = write_raw(tmp_path / "rgba.tif", pixels, photometric="RGB", alpha="YES")
        high = write_raw(tmp_path / "pan.tif", scene(8, 8, 1, "uint8"))
        target, guide = read_geotiff(low), read_geotiff(high)
        valid = np.ones((8, 8), bool)
        valid[2, 5] = False
        image = np.zeros((8, 8, 3), np.float32)
        write_geotiff(tmp_path / "out.tif", image, target=target, guide=guide, valid=valid)
        back = read_geotiff(tmp_path / "out.tif")
        assert back.alpha
        assert back.colours == ("red", "green", "blue")
        assert np.array_equal(back.valid, valid)
        assert (back.pixels == 0).all()  # alpha tells, so a valid 0 stays 0

    def test_float_without_nodata_marks_with_nan(self, tmp_path: Path) -> None:
        target, guide = pair(tmp_path)
        floats = replace(target, dtype=np.dtype("float32"))
        valid = np.ones((12, 16), bool)
        valid[0, 0] = False
        image = np.full((12, 16, 3), 0.25, np.float32)
        write_geotiff(tmp_path / "out.tif", image, target=floats, guide=guide, valid=valid)
        back = read_geotiff(tmp_path / "out.tif")
        assert np.isnan(back.pixels[0, 0]).all()
        assert np.array_equal(back.valid, valid)

    def test_arrays_that_do_not_fit_are_refused_before_anything_is_written(
        self, tmp_path: Path
    ) -> None:
        target, guide = pair(tmp_path)
        everywhere = np.ones((12, 16), bool)
        good = np.ones((12, 16, 3), np.float32)
        for image, valid in (
            (good[:, :, :2], everywhere), (good[:-1], everywhere), (good, everywhere[1:]),
            (good, everywhere.astype(np.uint8)), (np.full_like(good, np.nan), everywhere),
        ):  # fmt: skip
            with pytest.raises(InputError, match=r"does not fit|NaN|rows were written"):
                write_geotiff(tmp_path / "out.tif", image, target=target, guide=guide, valid=valid)
        with pytest.raises(FileFormatError, match="also an input"):
            write_geotiff(
                target.path, good, target=target, guide=guide, valid=everywhere, overwrite=True
            )
        assert sorted(os.listdir(tmp_path)) == ["ms.tif", "pan.tif"]

    @pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
    def test_large_pictures_are_written_in_strips_of_whole_blocks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: dict[str, Any]
    ) -> None:
        monkeypatch.setattr("gisr.io.geotiff.writer._FLUSH_ROWS", 17)
        target, _ = pair(tmp_path, target=layout)
        guide = read_geotiff(write_raw(tmp_path / "p.tif", scene(70, 40, 1), transform=PAN_GRID))
        random = np.random.default_rng(0)
        image, valid = (
            random.integers(0, 99, (70, 40, 3)).astype("f4"),
            random.random((70, 40)) > 0.1,
        )
        write_geotiff(tmp_path / "out.tif", image, target=target, guide=guide, valid=valid)
        back = read_geotiff(tmp_path / "out.tif")
        assert np.array_equal(back.valid, valid)
        assert np.array_equal(back.pixels[valid], image[valid])

    def test_unknown_blocks_are_left_to_gdal(self, tmp_path: Path) -> None:
        tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16, "nodata": 9}
        target, _ = pair(tmp_path, target=tiled)
        guide = read_geotiff(write_raw(tmp_path / "p.tif", scene(96, 80, 1), transform=PAN_GRID))
        image = np.random.default_rng(0).integers(10, 99, (96, 80, 3)).astype("f4")
        valid = np.zeros((96, 80), bool)
        valid[70:75, 20:50] = True
        sparse = CreationOptions({"SPARSE_OK": "TRUE"})
        for name, layout in (("full.tif", CreationOptions()), ("sparse.tif", sparse)):
            write_geotiff(
                tmp_path / name, image, target=target, guide=guide, valid=valid, layout=layout
            )
            back = read_geotiff(tmp_path / name)
            assert np.array_equal(back.valid, valid)
            assert np.array_equal(back.pixels[valid], image[valid])
        sizes = [(tmp_path / name).stat().st_size for name in ("full.tif", "sparse.tif")]
        assert sizes[1] < sizes[0] / 3

    @pytest.mark.parametrize("rows", [5, 40])
    def test_a_mask_may_begin_late(self, tmp_path: Path, rows: int) -> None:
        target, _ = pair(tmp_path)  # integers without nodata
        guide = read_geotiff(write_raw(tmp_path / "p.tif", scene(300, 40, 1), transform=PAN_GRID))
        image, valid = np.full((300, 40, 3), 7, np.float32), np.ones((300, 40), bool)
        valid[250:260, 3] = valid[280:] = False
        write_geotiff(
            tmp_path / "out.tif", image, target=target, guide=guide, valid=valid, rows=rows
        )
        assert np.array_equal(read_geotiff(tmp_path / "out.tif").valid, valid)

    def test_rows_must_be_complete(self, tmp_path: Path) -> None:
        target, guide = pair(tmp_path)
        with (
            pytest.raises(InputError, match="7 of 12 rows were written"),
            atomic_output(tmp_path / "out.tif", False) as temporary,
            create_geotiff(tmp_path / "out.tif", temporary, target=target, guide=guide) as writer,
        ):
            writer.write(np.ones((7, 16, 3), np.float32), np.ones((7, 16), bool))
        assert sorted(os.listdir(tmp_path)) == ["ms.tif", "pan.tif"]

    def test_creation_options_go_before_the_targets(self, tmp_path: Path) -> None:
        target, guide = pair(tmp_path, target={"compress": "lzw", "predictor": 2})
        layout = CreationOptions(
            {"COMPRESS": "ZSTD", "tiled": "YES", "BLOCKXSIZE": "16", "BLOCKYSIZE": "16"}
        )
        image, valid = np.full((12, 16, 3), 5000, np.float32), np.ones((12, 16), bool)
        write_geotiff(
            tmp_path / "o.tif", image, target=target, guide=guide, valid=valid, layout=layout
        )
        assert read_header(tmp_path / "o.tif").creation["compress"] == "zstd"
        assert read_header(tmp_path / "o.tif").block == (16, 16)
        few = CreationOptions({"NBITS": "12", "COMPRESS": "DEFLATE"})
        write_geotiff(
            tmp_path / "n.tif", image, target=target, guide=guide, valid=valid, layout=few
        )
        assert read_geotiff(tmp_path / "n.tif").bits == 12
        assert (read_geotiff(tmp_path / "n.tif").pixels == 4095).all()
        with pytest.raises(InputError, match="'COMPRES' is not one of GDAL's GTiff"):
            CreationOptions({"COMPRES": "LZW"})
        with pytest.raises(InputError, match="'TILED' is not one of GDAL's COG"):
            CreationOptions({"TILED": "YES"}, cloud=True)
        with pytest.raises(InputError, match="PROFILE=BASELINE would leave out nodata"):
            CreationOptions({"profile": "Baseline"})
        CreationOptions({"PROFILE": "GDALGeoTIFF"})
        with pytest.raises(InputError, match="NBITS=many must be a whole number"):
            CreationOptions({"nbits": "many"})

    @pytest.mark.parametrize("nodata", [None, 0])
    def test_cloud_optimized_with_overviews(self, tmp_path: Path, nodata: int | None) -> None:
        placed = {"crs": "EPSG:32633", "transform": PAN_GRID}
        target, _ = pair(tmp_path, target={"nodata": nodata})
        big = write_raw(tmp_path / "big.tif", scene(700, 1100, 1), **placed)
        guide = read_header(big)
        image = np.random.default_rng(0).integers(1, 999, (700, 1100, 3)).astype("f4")
        valid = np.ones((700, 1100), bool)
        valid[:90, :700] = False
        write_geotiff(
            tmp_path / "out.tif", image, target=target, guide=guide, valid=valid,
            rows=224, layout=CreationOptions(cloud=True),
        )  # fmt: skip
        back = read_geotiff(tmp_path / "out.tif")
        assert np.array_equal(back.valid, valid)
        assert np.array_equal(back.pixels[valid], image[valid])
        assert (back.transform, back.nodata) == (PAN_GRID, nodata)
        with rasterio.open(tmp_path / "out.tif") as dataset:
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert dataset.overviews(1) == [2, 4]
        assert sorted(os.listdir(tmp_path)) == ["big.tif", "ms.tif", "out.tif", "pan.tif"]

    def test_sidecars_of_a_replaced_file_go_with_it(self, tmp_path: Path) -> None:
        target, guide = pair(tmp_path)
        for name in ("out.tif", "out.tif.aux.xml", "out.tif.ovr", "out.tif.txt"):
            (tmp_path / name).write_bytes(b"old")
        image, valid = np.ones((12, 16, 3), np.float32), np.ones((12, 16), bool)
        write_geotiff(
            tmp_path / "out.tif", image, target=target, guide=guide, valid=valid, overwrite=True
        )
        left = set(os.listdir(tmp_path)) - {"ms.tif", "pan.tif"}
        assert left == {"out.tif", "out.tif.txt"}

    @pytest.mark.parametrize("missing", [1, 300, 5000, 100_000])
    def test_a_full_disk_is_an_error_not_a_broken_file(
        self, tmp_path: Path, missing: int, largest_file: Bound
    ) -> None:
        # rasterio itself reports nothing when the last bytes do not fit.
        target, _ = pair(tmp_path)
        pan = write_raw(tmp_path / "big.tif", scene(300, 300, 1), transform=PAN_GRID)
        guide = read_geotiff(pan)
        image = np.random.default_rng(0).random((300, 300, 3), np.float32) * 1000
        valid = np.ones((300, 300), bool)
        write = partial(write_geotiff, target=target, guide=guide, valid=valid)
        write(tmp_path / "whole.tif", image)
        size = (tmp_path / "whole.tif").stat().st_size
        with largest_file(size - missing), pytest.raises(FileFormatError, match=r"out\.tif"):
            write(tmp_path / "out.tif", image)
        assert sorted(os.listdir(tmp_path)) == ["big.tif", "ms.tif", "pan.tif", "whole.tif"]


class TestPlacement:
    def test_aligned_grids_are_the_centre_grid(self, tmp_path: Path) -> None:
        assert geotiff_placement(*pair(tmp_path)) == Placement.from_grid("centre", (6, 8), (12, 16))

    def test_landsat_grids_keep_their_half_pixel(self, tmp_path: Path) -> None:
        # Landsat's PAN starts a quarter of an MS pixel inside: the first pixel centres coincide.
        inside = Affine(15, 0, 500_007.5, 0, -15, 3_999_992.5)
        placement = geotiff_placement(*pair(tmp_path, guide={"transform": inside}))
        assert placement == Placement((0.5, 0.5), (0.0, 0.0))

    def test_a_part_of_a_scene_is_placed_by_its_corner(self, tmp_path: Path) -> None:
        corner = Affine(15, 0, 500_060, 0, -15, 3_999_910)
        placement = geotiff_placement(*pair(tmp_path, guide={"transform": corner}))
        assert placement == Placement((0.5, 0.5), (2.75, 1.75))
        assert placement.covered((6, 8), (12, 16)).sum() == 6 * 12

    def test_non_integer_and_anisotropic_ratios(self, tmp_path: Path) -> None:
        grid = Affine(10, 0, 500_000, 0, -12, 4_000_000)
        placement = geotiff_placement(*pair(tmp_path, guide={"transform": grid}))
        assert placement.ratios == pytest.approx((2.5, 3.0))

    def test_files_without_georeference_cover_the_same_scene(self, tmp_path: Path) -> None:
        bare = {"crs": None, "transform": Affine.identity()}
        placement = geotiff_placement(*pair(tmp_path, target=bare, guide=bare))
        assert placement == Placement.from_grid("centre", (6, 8), (12, 16))

    def test_both_turned_alike_fit(self, tmp_path: Path) -> None:
        low = Affine(24, 18, 500_000, 18, -24, 4_000_000)
        high = Affine(12, 9, 500_000, 9, -12, 4_000_000)
        found = geotiff_placement(
            *pair(tmp_path, target={"transform": low}, guide={"transform": high})
        )
        assert found == Placement.from_grid("centre", (6, 8), (12, 16))

    @pytest.mark.parametrize(
        ("guide", "reason"),
        [
            ({"crs": "EPSG:32634"}, r"do not overlap, as EPSG:32633 and EPSG:32634 have it"),
            ({"crs": "EPSG:4326"}, r"places of pan\.tif \(EPSG:4326\) do not exist in EPSG:32633"),
            ({"crs": None}, r"pan\.tif has no coordinate reference system"),
            ({"crs": None, "transform": Affine.identity()}, r"pan\.tif is not"),
            ({"transform": Affine(14, 5, 500_000, 5, -14, 4_000_000)}, "turned"),
            ({"transform": Affine(15, 0, 500_000, 0, 15, 3_999_820)}, "mirrored"),
            ({"transform": Affine(-15, 0, 500_240, 0, -15, 4_000_000)}, "mirrored"),
            ({"transform": Affine(15, 0, 900_000, 0, -15, 4_000_000)}, "do not overlap"),
            ({"transform": Affine(60, 0, 500_000, 0, -60, 4_000_000)}, r"coarser.*ratio 0\.5"),
            ({"transform": Affine(0.3, 0, 500_000, 0, -0.3, 4_000_000)}, "ratio 100"),
            ({"transform": Affine(52, 30, 500_000, 30, -52, 4_000_000)}, r"coarser.*ratio 0\.4997"),
            ({"transform": Affine(14, 5, 900_000, 5, -14, 4_000_000)}, "do not overlap"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_pairs_that_do_not_fit_are_refused(
        self, tmp_path: Path, guide: dict[str, Any], reason: str
    ) -> None:
        target, high = pair(tmp_path, guide=guide)
        with pytest.raises(PairError, match=reason) as caught:
            geotiff_placement(target, high)
        assert "ms.tif and pan.tif" in str(caught.value)

    def test_shapes_without_georeference_must_fit(self, tmp_path: Path) -> None:
        bare = {"crs": None, "transform": Affine.identity()}
        low, high = pair(tmp_path, target=bare, guide=bare)
        with pytest.raises(PairError, match=r"pan\.tif and ms\.tif.*coarser"):
            geotiff_placement(high, low)


def test_every_real_pair_is_read_and_placed(data_folder: Path) -> None:
    # Files of other tasks lie in the same folder: the index says which two belong together.
    entries = json.loads((data_folder / "index.json").read_text())
    pairs = [entry for entry in entries if entry["task"] == "pansharpening"]
    assert pairs
    for entry in pairs:
        target = read_geotiff(data_folder / entry["target"])
        guide = read_geotiff(data_folder / entry["guide"])
        placement = geotiff_placement(target, guide)
        assert target.pixels.shape[2] == 4
        assert round(placement.ratio) in (2, 4)
        assert target.valid.all()
