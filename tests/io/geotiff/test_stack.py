"""Band files read as one image: order, names, one grid, one driver for each."""

from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import write_geotiff
from tests.products import write_jpeg2000

from gisr.errors import FileFormatError, GisrError, InputError, LimitError, PairError
from gisr.io.geotiff import BandFile, BandStack, GeoReader, QualityMask, folder_stack, read_stack
from gisr.io.limits import DEFAULT_LIMITS, Limits

pytest.importorskip("rasterio")
WHOLE = slice(0, 8), slice(0, 8)


def band(value: int) -> np.ndarray:
    return np.full((8, 8, 1), value, np.uint16)


def stack(*paths: Path, **settings: object) -> BandStack:
    files = tuple(BandFile(path) for path in paths)
    return BandStack(files, paths[0], **settings)  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Write three bands: two TIFFs and a JPEG 2000."""
    return [
        write_geotiff(tmp_path / "T33UUB_x_B02.tif", band(2), 20, nodata=0),
        write_jpeg2000(tmp_path / "T33UUB_x_B8A_20m.jp2", band(80), 20, origin=(5e5, 4e6)),
        write_geotiff(tmp_path / "red.tif", band(4), 20),
    ]


def test_files_of_two_kinds_are_one_image(files: list[Path]) -> None:
    header = read_stack(stack(*files, nodata=0), DEFAULT_LIMITS)
    assert header.descriptions == ("B02", "B8A", "red") and header.bands == 3
    assert header.nodata == 0 and header.path == files[0] and header.files == tuple(files)
    with GeoReader(header) as reader:
        pixels, valid = reader.read(*WHOLE)
    assert pixels[0, 0].tolist() == [2, 80, 4] and valid.all()
    write_geotiff(files[2], band(0), 20)
    with GeoReader(header) as reader:
        assert not reader.read(*WHOLE)[1].any()  # a file that declares no nodata has it too
    chosen = read_stack(stack(*files, nodata=0), DEFAULT_LIMITS, ["b8a", 1])
    with GeoReader(chosen) as reader:
        assert reader.read(*WHOLE)[0][0, 0].tolist() == [80, 2]
    with pytest.raises(InputError, match="no band B9: it has 1 B02, 2 B8A, 3 red"):
        read_stack(stack(*files, nodata=0), DEFAULT_LIMITS, ["B9"])


def test_a_folder_gives_its_bands_as_people_count(tmp_path: Path) -> None:
    for name in ("a_B10.TIF", "a_B2.TIF", "a_B8A.jp2", "a_B8.jp2", ".hidden.tif", "a_MTL.txt"):
        (tmp_path / name).touch()
    names = [path.name for path in folder_stack(tmp_path)]
    assert names == ["a_B2.TIF", "a_B8.jp2", "a_B8A.jp2", "a_B10.TIF"]
    with pytest.raises(FileFormatError, match="holds no band file"):
        folder_stack(write_geotiff(tmp_path / "x.tif", band(1)).parent / "..")


def test_files_that_are_no_one_image_are_refused_with_both_names(
    tmp_path: Path, files: list[Path]
) -> None:
    first = files[2]
    others = {
        "have 8 x 8 and 7 x 8 pixels": write_geotiff(tmp_path / "o1.tif", band(1)[:, :7], 20),
        "do not lie at the same place": write_geotiff(
            tmp_path / "o2.tif", band(1), 20, origin=(5e5 + 20, 4e6)
        ),
        "lie in EPSG:32633 and EPSG:32632": write_geotiff(
            tmp_path / "o3.tif", band(1), 20, crs="EPSG:32632"
        ),
        "hold uint16 and float32": write_geotiff(
            tmp_path / "o4.tif", band(1).astype(np.float32), 20
        ),
    }
    for message, other in others.items():
        with pytest.raises(PairError, match=f"red.tif and {other.name}: {message}"):
            read_stack(stack(first, other), DEFAULT_LIMITS)


def test_every_file_has_nodata_of_its_own(tmp_path: Path) -> None:
    holes = [band(value) for value in (5, 6, 7)]
    holes[0][:2], holes[1][1:3], holes[2][0] = 9, 0, 9
    files = [
        write_geotiff(tmp_path / f"{number}.tif", pixels, 20, nodata=nodata)
        for number, (pixels, nodata) in enumerate(zip(holes, (9, 0, None), strict=True))
    ]
    header = read_stack(stack(*files), DEFAULT_LIMITS)
    assert header.nodata == 9
    assert [each and each.value for each in header.band_nodata] == [9, 0, None]
    with GeoReader(header) as reader:
        pixels, valid = reader.read(*WHOLE)
    assert valid.all(axis=1).tolist() == [False] * 3 + [True] * 5
    assert pixels[0, 0].tolist() == [9, 6, 9]
    named = read_stack(stack(*files), DEFAULT_LIMITS, nodata=0)
    assert [each and each.value for each in named.band_nodata] == [0, 0, 0]


def test_a_file_is_opened_with_the_driver_of_its_kind_alone(tmp_path: Path) -> None:
    whole = write_geotiff(tmp_path / "a.tif", band(1), 20)
    vrt = f"""<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="UInt16" band="1">
    <SimpleSource><SourceFilename>{whole}</SourceFilename></SimpleSource></VRTRasterBand>
    </VRTDataset>"""
    for name in ("b.tif", "b.jp2"):
        (tmp_path / name).write_text(vrt)
        with pytest.raises(FileFormatError, match=f"{name}: cannot be read as"):
            read_stack(stack(whole, tmp_path / name), DEFAULT_LIMITS)
    (tmp_path / "c.jp2").write_bytes(whole.read_bytes())
    with pytest.raises(FileFormatError, match=r"c.jp2: cannot be read as JPEG 2000"):
        read_stack(stack(tmp_path / "c.jp2"), DEFAULT_LIMITS)


def test_sizes_are_checked_before_pixels_are_read(files: list[Path]) -> None:
    with pytest.raises(LimitError, match=r"B8A_20m.jp2: claims 64 pixels"):
        read_stack(stack(files[1]), Limits(max_pixels=60))
    with pytest.raises(LimitError, match=r"B8A_20m.jp2: claims 128 bytes of one tile"):
        read_stack(stack(files[1]), Limits(max_block_bytes=100))
    with pytest.raises(LimitError, match="claims 384 bytes of pixels"):
        read_stack(stack(*files, nodata=0), Limits(max_bytes=300))


def test_spoilt_jpeg_2000_is_read_or_refused(tmp_path: Path) -> None:
    sound = write_jpeg2000(tmp_path / "a.jp2", band(300) + np.arange(8, dtype=np.uint16), 20)
    content, rng = sound.read_bytes(), np.random.default_rng(5)
    for _ in range(60):
        spoilt = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            spoilt[place] = rng.integers(256)
        sound.write_bytes(bytes(spoilt[: rng.integers(1, len(content) + 1)]))
        try:
            header = read_stack(stack(sound), Limits(max_bytes=2**24, max_block_bytes=2**24))
            with GeoReader(header) as reader:
                reader.read(slice(0, min(8, header.shape[0])), slice(0, min(8, header.shape[1])))
        except GisrError as error:
            assert "a.jp2" in str(error) and "\n" not in str(error)


def test_quality_bits_and_classes(tmp_path: Path) -> None:
    values = np.array([[0, 1, 8, 9, 21824]], np.uint16)
    bits = QualityMask(tmp_path, bits=1 << 0 | 1 << 3)
    assert bits.covers(values).tolist() == [[False, True, True, True, False]]
    classes = QualityMask(tmp_path, classes=(0, 9))
    assert classes.covers(values).tolist() == [[True, False, False, True, False]]


def test_a_quality_band_on_another_grid_is_refused(tmp_path: Path, files: list[Path]) -> None:
    quality = write_geotiff(tmp_path / "qa.tif", band(1)[:4, :4], 40)
    with pytest.raises(PairError, match=r"red.tif and qa.tif: the quality band lies on another"):
        read_stack(stack(files[2], quality=QualityMask(quality, bits=1)), DEFAULT_LIMITS)
