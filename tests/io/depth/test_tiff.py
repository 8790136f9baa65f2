"""TIFF files of depth maps as GDAL, OpenCV, Pillow and tifffile write them."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import tifffile

from gisr.errors import FileFormatError
from gisr.io.depth.maps import read_depth

rasterio = pytest.importorskip("rasterio")
MILLIMETRES = np.random.default_rng(0).integers(1, 100, (21, 33))


def gdal(path: Path, *bands: np.ndarray, **options: object) -> Path:
    """Write bands as GDAL does."""
    height, width = bands[0].shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=len(bands),
        dtype=bands[0].dtype,
        **options,
    ) as file:
        file.write(np.stack(bands))
    return path


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
class TestOfGdal:
    @pytest.mark.parametrize("order", ["LITTLE", "BIG"])
    @pytest.mark.parametrize(
        ("compression", "predictor"),
        [("deflate", 1), ("deflate", 2), ("deflate", 3), ("lzw", 1), ("lzw", 2), ("packbits", 1)],
    )
    @pytest.mark.parametrize(
        "dtype", ["int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
    )
    def test_numbers_are_those_that_were_stored(
        self, tmp_path: Path, dtype: str, compression: str, predictor: int, order: str
    ) -> None:
        stored = MILLIMETRES.astype(dtype)
        if predictor == 3:
            if stored.dtype.kind != "f":
                pytest.skip("differences of floats")
            stored = stored / stored.dtype.type(1000)
        options = {"compress": compression, "predictor": predictor, "endianness": order}
        if (dtype, compression) == ("uint32", "lzw") and not hasattr(cv2, "CV_32U"):
            pytest.skip("this OpenCV has no such type")
        depth = read_depth(gdal(tmp_path / "a.tif", stored, **options))
        assert depth.dtype == dtype
        assert np.array_equal(depth.values, stored)
        assert depth.valid.all()

    def test_a_compression_that_nothing_here_decodes_is_told(self, tmp_path: Path) -> None:
        path = gdal(tmp_path / "a.tif", MILLIMETRES.astype(np.float64), compress="zstd")
        with pytest.raises(FileFormatError, match="by ZSTD, cannot be decoded") as raised:
            read_depth(path)
        assert "(gdal_translate -co COMPRESS=DEFLATE a.tif a_deflate.tif)" in str(raised.value)

    @pytest.mark.parametrize("interleave", ["band", "pixel"])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    @pytest.mark.parametrize("count", [2, 3, 4])
    def test_equal_bands_are_one(
        self, tmp_path: Path, count: int, dtype: str, interleave: str
    ) -> None:
        bands = [MILLIMETRES.astype(dtype)] * count
        path = gdal(tmp_path / "a.tif", *bands, interleave=interleave, photometric="MINISBLACK")
        assert np.array_equal(read_depth(path).values, MILLIMETRES)

    def test_bands_that_differ_are_refused(self, tmp_path: Path) -> None:
        bands = MILLIMETRES.astype(np.uint16), MILLIMETRES.astype(np.uint16) + 1
        with pytest.raises(FileFormatError, match="2 channels that differ"):
            read_depth(gdal(tmp_path / "a.tif", *bands))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_opaque_alpha_says_nothing(self, tmp_path: Path, dtype: str) -> None:
        alpha = np.full(MILLIMETRES.shape, np.iinfo(dtype).max, dtype)
        path = gdal(tmp_path / "a.tif", MILLIMETRES.astype(dtype), alpha, ALPHA="YES")
        assert np.array_equal(read_depth(path).values, MILLIMETRES)
        alpha[3] = 0
        with pytest.raises(FileFormatError, match="transparent in part"):
            read_depth(gdal(tmp_path / "b.tif", MILLIMETRES.astype(dtype), alpha, ALPHA="YES"))

    def test_overviews_are_left_out(self, tmp_path: Path) -> None:
        path = gdal(tmp_path / "a.tif", MILLIMETRES.astype(np.uint16))
        with rasterio.open(path, "r+") as file:
            file.build_overviews([2, 4])
        depth = read_depth(path)
        assert np.array_equal(depth.values, MILLIMETRES)
        assert depth.notes == ()

    @pytest.mark.parametrize(
        ("dtype", "nodata", "marker"),
        [("uint16", None, "0"), ("float32", None, "nan"), ("float32", -1.0, "-1")],
    )
    @pytest.mark.parametrize("overviews", [[], [2]])
    def test_what_its_mask_leaves_out_is_unknown(
        self, tmp_path: Path, dtype: str, nodata: float | None, marker: str, overviews: list[int]
    ) -> None:
        mask = np.ones(MILLIMETRES.shape, bool)
        mask[:3] = False
        path = tmp_path / "a.tif"
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            gdal(path, MILLIMETRES.astype(dtype), nodata=nodata)
            with rasterio.open(path, "r+") as file:
                file.write_mask(mask)
                file.build_overviews(overviews)
        depth = read_depth(path, invalid=())
        assert np.array_equal(depth.valid, mask)
        assert np.array_equal(depth.values[mask], MILLIMETRES[mask])
        assert np.array_equal(
            depth.stored[~mask], np.full((~mask).sum(), float(marker)), equal_nan=True
        )
        words = f"a.tif: what its mask leaves out, 14.3%, is unknown: {marker} there"
        assert depth.notes[0].text == words

    def test_a_scale_is_told(self, tmp_path: Path) -> None:
        path = gdal(tmp_path / "a.tif", MILLIMETRES.astype(np.uint16))
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = (0.001,), (0.5,)
        depth = read_depth(path)
        assert np.array_equal(depth.values, MILLIMETRES)
        (note,) = depth.notes
        assert "a.tif: its header declares" in note.text
        assert "scale 0.001" in note.text
        assert "offset 0.5" in note.text

    @pytest.mark.parametrize("bits", [1, 4])
    def test_few_bits_are_refused(self, tmp_path: Path, bits: int) -> None:
        stored = (MILLIMETRES % 2**bits).astype(np.uint8)
        with pytest.raises(FileFormatError, match=rf"samples of {bits} bits: save 8 to 64"):
            read_depth(gdal(tmp_path / "a.tif", stored, nbits=bits))

    def test_twelve_bits_are_read(self, tmp_path: Path) -> None:
        path = gdal(tmp_path / "a.tif", (MILLIMETRES + 3000).astype(np.uint16), nbits=12)
        assert np.array_equal(read_depth(path).values, MILLIMETRES + 3000)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("dtype", ["uint16", "int32", "float16", "float32"])
def test_byte_orders_and_big_files(
    tmp_path: Path, dtype: str, compression: str | None, order: Literal["<", ">"], big: bool
) -> None:
    stored = MILLIMETRES.astype(dtype)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, byteorder=order, bigtiff=big) as file:
        file.write(stored, tile=(16, 16), compression=compression)
    assert np.array_equal(read_depth(path).values, stored)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_white_at_zero_turns_no_number_around(
    tmp_path: Path, dtype: str, compression: str | None
) -> None:
    stored = MILLIMETRES.astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, photometric="miniswhite", compression=compression)
    depth = read_depth(path)
    assert np.array_equal(depth.values, stored)
    words = "by its header 0 is white, which some programs turn around: taken as it is stored"
    assert [note.text for note in depth.notes] == [f"a.tif: {words}"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_white_at_zero_in_a_compression_of_pillow(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    gdal(path, MILLIMETRES.astype(np.uint8), compress="lzw", photometric="MINISWHITE")
    assert np.array_equal(read_depth(path).values, MILLIMETRES)
