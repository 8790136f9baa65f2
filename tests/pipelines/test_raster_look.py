"""What a file holds besides data is found before anything is measured, and said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.geotiffs import declare_band_nodata, write_geotiff

from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult
from gisr.pipelines.run import upscale_files
from gisr.weights.store import Weights

rasterio = pytest.importorskip("rasterio")

SIDE = 48
CORNER = np.add.outer(np.arange(SIDE), 0.6 * np.arange(SIDE)) < 15
WIDE = np.kron(CORNER, np.ones((4, 4), bool))


def _land(side: int, bands: int) -> NDArray[np.float64]:
    """Return one landscape of 60 to 1700, sampled ``side`` times along a side."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side * 30
    relief = 850 + 500 * np.sin(x) * np.cos(0.7 * y) + 260 * np.sin(2.3 * x + 3.1 * y)
    if side > SIDE:  # what the pixels of the coarse file average away
        relief += 90 * np.sin(1.4 * np.arange(side))
    return np.clip(relief[..., None] * (1 - 0.04 * np.arange(bands)), 60, 1700)


def _files(
    folder: Path, ms: NDArray[np.float64], pan: NDArray[np.float64], dtype: str, **profile: Any
) -> tuple[Path, Path]:
    low, high = (
        (each if dtype.startswith("float") else np.rint(each)).astype(dtype) for each in (ms, pan)
    )
    return (
        write_geotiff(folder / "ms.tif", low, 4.0, **profile),
        write_geotiff(folder / "pan.tif", high, 1.0, **profile),
    )


@pytest.fixture
def sharpen(tmp_path: Path, weights: Callable[..., Weights]) -> Callable[..., FileResult]:
    """Return a function that sharpens two files."""
    upscaler = Upscaler(weights(), "cpu", tile=128, overlap=16)

    def run(ms: Path, pan: Path, name: str = "out.tif", **options: object) -> FileResult:
        return upscale_files(upscaler, ms, pan, tmp_path / name, Options(**options))  # type: ignore[arg-type]

    return run


def _texts(result: FileResult) -> str:
    return "\n".join(str(note) for note in result.notes)


@pytest.mark.parametrize(
    ("dtype", "value", "scale"),
    [
        ("uint16", 65535, 1),
        ("int16", -9999, 1),
        ("float32", -9999, 1e-4),
        ("float32", -3.4028235e38, 1e-4),
        ("uint16", 0, 1),
        ("uint8", 255, 0.1),
    ],
)
def test_undeclared_fill_gives_what_declared_fill_gives(
    tmp_path: Path,
    sharpen: Callable[..., FileResult],
    dtype: str,
    value: float,
    scale: float,
) -> None:
    ms, pan = _land(SIDE, 3) * scale, _land(4 * SIDE, 1) * scale
    ms[CORNER], pan[WIDE] = value, value
    files = _files(tmp_path, ms, pan, dtype)
    found, told = sharpen(*files), sharpen(*files, name="told.tif", nodata=value)
    assert "ms.tif: " in _texts(found)
    assert "--nodata" in _texts(found)
    assert "--nodata" not in _texts(told)
    with rasterio.open(found.path) as a, rasterio.open(told.path) as b:
        np.testing.assert_array_equal(a.read(), b.read())
        np.testing.assert_array_equal(a.dataset_mask() > 0, ~WIDE)
        assert a.nodata == pytest.approx(value)
    if value != -3.4028235e38:
        kept = sharpen(*files, name="kept.tif", nodata="none")
        with rasterio.open(kept.path) as c:
            assert (c.dataset_mask() > 0).all()


def test_what_one_file_declares_is_fill_in_the_other(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = np.maximum(_land(SIDE, 1) - 300, 0), _land(4 * SIDE, 1)
    ms[CORNER], pan[WIDE] = 0, 0
    low, high = (np.rint(each).astype("uint16") for each in (ms, pan))
    files = (
        write_geotiff(tmp_path / "ms.tif", low, 4.0),
        write_geotiff(tmp_path / "pan.tif", high, 1.0, nodata=0),
    )
    result = sharpen(*files)
    assert "ms.tif: 0 in" in _texts(result)
    with rasterio.open(result.path) as out:
        assert not (out.dataset_mask() > 0)[WIDE].any()


def test_nodata_that_a_file_declares_beside_a_mask_is_no_find(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    ms[30:36, 30:36], pan[40:60, 150:170] = -9999, -9999
    files = _files(tmp_path, ms, pan, "int16", nodata=-9999)
    plain = sharpen(*files, name="plain.tif")
    for path, shown in zip(files, (~CORNER, ~WIDE), strict=True):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            file.write_mask(shown)
    masked = sharpen(*files)
    assert not [note for note in masked.notes if note.level != "detail"]
    with rasterio.open(plain.path) as a, rasterio.open(masked.path) as b:
        known = a.dataset_mask() > 0
        assert not known[120:144, 120:144].any() and not known[40:60, 150:170].any()
        np.testing.assert_array_equal(b.dataset_mask() > 0, known & ~WIDE)
        assert b.nodata == -9999 and b.read()[:, known & ~WIDE].min() > -1000


def test_nodata_in_one_band_may_be_data(tmp_path: Path, sharpen: Callable[..., FileResult]) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    ms[20:30, 20:30] = 250, 130, 0  # a lake: no near infrared
    result = sharpen(*_files(tmp_path, ms, pan, "uint16", nodata=0))
    with rasterio.open(result.path) as out:
        assert (out.dataset_mask() > 0).all()
        assert 100 < out.read(2)[90:110, 90:110].mean() < 160
    assert "unknown" not in _texts(result)


def test_bands_with_nodata_of_their_own_give_what_one_value_gives(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    ms[20:30, 20:30, 1], ms[5:10, 30:40, 0] = -32768, -9999
    low, high = _files(tmp_path, ms, pan, "int16")
    own = sharpen(declare_band_nodata(low, -9999, -32768, -32768), high, "own.tif")
    text = "ms.tif: its bands have nodata of their own (-9999, -32768, -32768): the output declares"
    assert f"{text} -9999, which all its bands hold where it is unknown" in _texts(own)
    (note,) = [note for note in own.notes if note.level == "warning"]
    assert "ms.tif: 6.5% of the pixels have nodata (-9999, -32768) in some bands" in note.text
    Path(f"{low}.aux.xml").unlink()
    low, high = _files(tmp_path, np.where(ms < 0, -9999, ms), pan, "int16", nodata=-9999)
    one = sharpen(low, high, "one.tif")
    assert "of their own" not in _texts(one)
    with rasterio.open(own.path) as a, rasterio.open(one.path) as b:
        assert a.nodatavals == (-9999,) * 3
        np.testing.assert_array_equal(a.read(), b.read())
        assert not (a.dataset_mask() > 0)[80:120, 80:120].any()


def test_nodata_of_some_bands_counts_by_itself_where_it_cannot_be_data(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    ms[20:30, 20:30] = 250, 130, 0  # a lake, and a hole of another band
    ms[5:10, 30:40, 0] = -9999
    low, high = _files(tmp_path, ms, pan, "int16")
    result = sharpen(declare_band_nodata(low, -9999, None, 0), high)
    (note,) = [note for note in result.notes if note.level == "warning"]
    assert "ms.tif: 2.2% of the pixels have nodata (-9999) in some bands" in note.text
    with rasterio.open(result.path) as out:
        known = out.dataset_mask() > 0
        assert known[80:120, 80:120].all() and not known[20:40, 120:160].any()
        assert 100 < out.read(2)[90:110, 90:110].mean() < 160


def test_a_margin_that_some_bands_declare_is_unknown(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    ms[CORNER] = -9999
    low, high = _files(tmp_path, ms, pan, "int16")
    result = sharpen(declare_band_nodata(low, -9999, None, None), high)
    assert "is taken for unknown, though the file names it for some bands only" in _texts(result)
    with rasterio.open(result.path) as out:
        np.testing.assert_array_equal(out.dataset_mask() > 0, ~WIDE)


@pytest.mark.parametrize("value", [-9999.0, np.nan])
def test_what_cannot_be_data_in_one_band_is_told(
    tmp_path: Path, sharpen: Callable[..., FileResult], value: float
) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    ms[20:30, 20:30, 2] = value
    result = sharpen(*_files(tmp_path, ms, pan, "float32", nodata=-9999))
    (note,) = [note for note in result.notes if "in some bands" in note.text]
    assert note.level == "warning"
    assert "ms.tif: 4.3% of the pixels" in note.text
    assert "--band" in note.text
    with rasterio.open(result.path) as out:
        assert not (out.dataset_mask() > 0)[84:116, 84:116].any()


@pytest.mark.parametrize(
    ("value", "dtype", "scale"),
    [
        (-9999, "int16", 1),
        (65535, "uint16", 1),
        (-9999, "float32", 1e-4),
        (-3.4028234663852886e38, "float32", 1),
    ],
)
def test_undeclared_fill_in_one_band_gives_what_declared_fill_gives(
    tmp_path: Path,
    sharpen: Callable[..., FileResult],
    value: float,
    dtype: str,
    scale: float,
) -> None:
    """-9999 in one band of reflectances had spoilt all bands, all over the scene."""
    ms, pan = _land(SIDE, 4) * scale, _land(4 * SIDE, 1) * scale
    ms[20:30, 20:30, 3] = value
    files = _files(tmp_path, ms, pan, dtype)
    result, told = sharpen(*files), sharpen(*files, name="told.tif", nodata=value)
    (warned,) = [note.text for note in result.notes if note.level == "warning"]
    assert "in 4.3% of the pixels of band 4 is taken for unknown, and so are these" in warned
    with rasterio.open(result.path) as out, rasterio.open(told.path) as expected:
        np.testing.assert_array_equal(out.read(), expected.read())
        assert out.nodata == value and not (out.dataset_mask() > 0)[84:116, 84:116].any()
        assert 0 < out.read(4)[out.dataset_mask() > 0].mean() < 1700 * scale


def test_nodata_none_makes_fill_of_one_band_data(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 4), _land(4 * SIDE, 1)
    ms[20:30, 20:30, 3] = 65535
    result = sharpen(*_files(tmp_path, ms, pan, "uint16"), nodata="none")
    with rasterio.open(result.path) as out:
        assert (out.dataset_mask() > 0).all() and out.nodata is None


@pytest.mark.parametrize("name", ["ms.tif", "pan.tif"])
def test_infinite_pixels_are_unknown_and_told(
    tmp_path: Path, sharpen: Callable[..., FileResult], name: str
) -> None:
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    if name == "ms.tif":
        ms[CORNER], ms[0, 0, 1], ms[30:33, 30:33] = np.inf, np.nan, np.nan
    else:
        pan[WIDE] = -np.inf
    text = f"{name}: {CORNER.mean():.1%} of the pixels are infinite and taken for unknown, as NaN"
    result = sharpen(*_files(tmp_path, ms, pan, "float32"))
    assert text in _texts(result) and "warning" not in {note.level for note in result.notes}
    with rasterio.open(result.path) as out:
        assert not (out.dataset_mask() > 0)[WIDE].any() and np.isnan(out.nodata)
    told = sharpen(*_files(tmp_path, ms, pan, "float32", nodata=np.inf), name="told.tif")
    assert name == "pan.tif" or "infinite" not in _texts(told)


def test_bands_that_end_at_different_pixels_end_where_the_first_does(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    """As at the border of a scene and at the gaps of Landsat 7; a lake inside stays data."""
    ms, pan = _land(SIDE, 3), _land(4 * SIDE, 1)
    for band in range(3):
        ms[: 5 + band, :, band] = 0
        ms[30:33, 10 + band : 18 - band, band] = 0  # a gap, narrower than solid at its ends
    ms[38:43, 30:40, 2] = 0
    ms[40, 34] = 0  # the lake, and a pixel of it that is dark in all bands
    result = sharpen(*_files(tmp_path, ms, pan, "uint16", nodata=0))
    ended = (ms == 0).any(axis=2) & (np.arange(SIDE) < 36)[:, None]
    text = f"ms.tif: bands end at different pixels: {(ended & (ms > 0).any(axis=2)).mean():.1%} of"
    assert text in _texts(result)
    lake = np.zeros_like(ended)
    lake[40, 34] = True
    with rasterio.open(result.path) as out:
        known = out.dataset_mask() > 0
        np.testing.assert_array_equal(~known, np.kron(ended | lake, np.ones((4, 4), bool)))
    ms[ended] = 0
    plain = sharpen(*_files(tmp_path, ms, pan, "uint16", nodata=0), name="plain.tif")
    assert "bands end" not in _texts(plain)
    with rasterio.open(result.path) as one, rasterio.open(plain.path) as other:
        np.testing.assert_array_equal(one.read(), other.read())


@pytest.mark.parametrize("nodata", [None, 0])
def test_lines_that_one_band_lost_are_told(
    tmp_path: Path, sharpen: Callable[..., FileResult], nodata: float | None
) -> None:
    ms, pan = _land(SIDE, 4), _land(4 * SIDE, 1)
    ms[10, :, 1] = 0
    result = sharpen(*_files(tmp_path, ms, pan, "uint16", nodata=nodata))
    (note,) = [str(note) for note in result.notes if "band failed" in str(note)]
    assert "ms.tif: 0 in 2.1% of the pixels of band 2, in areas or lines" in note
    assert "on their own (--band) with --nodata 0" in note
    assert result.unknown == 0


def test_values_of_one_band_that_are_no_code_stay_data(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 4), _land(4 * SIDE, 1)
    ms[20:30, 20:30, 1:3] = 9000
    result = sharpen(*_files(tmp_path, ms, pan, "int16", nodata=0), bands=(4, 3, 2))
    text = "of bands 3 and 2 may be unknown: --nodata 9000 says so, in place of 0"
    assert text in _texts(result)
    with rasterio.open(result.path) as out:
        assert (out.dataset_mask() > 0).all()


def test_fill_of_some_bands_becomes_the_nodata_of_the_file(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 4), _land(4 * SIDE, 1)
    ms[CORNER] = 0
    ms[20:30, 20:30, 1:3] = -9999
    low, high = _files(tmp_path, ms, pan, "int16", nodata=0)
    with rasterio.open(sharpen(low, high).path) as out:
        assert out.nodata == 0 and (out.read()[:, 84:116, 84:116] == 0).all()


def test_bits_are_suggested_where_the_data_end_below_their_type(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = np.minimum(_land(SIDE, 3) * 1.8, 2047), np.minimum(_land(4 * SIDE, 1) * 1.8, 2047)
    files = _files(tmp_path, ms, pan, "uint16")
    result = sharpen(*files)
    assert "--bits 11" in _texts(result)
    assert "--bits" not in _texts(sharpen(*files, name="told.tif", bits=11))
    plain = _files(tmp_path, _land(SIDE, 3), _land(4 * SIDE, 1), "uint16")
    assert "--bits" not in _texts(sharpen(*plain, name="plain.tif"))


def test_bits_of_floats_are_told_to_say_nothing(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    files = _files(tmp_path, _land(SIDE, 3) * 1e-4, _land(4 * SIDE, 1) * 1e-4, "float32")
    told = "ms.tif: holds floats, of which --bits 11 says nothing"
    assert told in _texts(sharpen(*files, bits=11))
    assert "--bits" not in _texts(sharpen(*files, name="plain.tif"))
    whole = _files(tmp_path, _land(SIDE, 3), _land(4 * SIDE, 1), "uint16")
    assert "--bits" not in _texts(sharpen(*whole, name="whole.tif", bits=11))


@pytest.mark.parametrize("inside", [True, False])
def test_a_mask_that_hides_everything_is_named(
    tmp_path: Path, sharpen: Callable[..., FileResult], inside: bool
) -> None:
    ms, pan = _files(tmp_path, _land(SIDE, 3), _land(4 * SIDE, 1), "uint16")
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
        rasterio.open(ms, "r+") as file,
    ):
        file.write_mask(np.zeros((SIDE, SIDE), bool))
    assert (tmp_path / "ms.tif.msk").exists() != inside
    way = r"if its mask is not true, .*\(gdal_translate -mask none \S*ms.tif plain.tif\)"
    with pytest.raises(InputError, match=way):
        sharpen(ms, pan)


def test_nodata_that_is_every_value_is_named(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    flat = np.full((SIDE, SIDE, 3), 7.0)
    ms, pan = _files(tmp_path, flat, _land(4 * SIDE, 1), "uint16", nodata=7)
    with pytest.raises(InputError, match=r"nodata \(7\) is not true, .* -a_nodata none \S*ms.tif"):
        sharpen(ms, pan)
    ms, pan = _files(tmp_path, flat, _land(4 * SIDE, 1), "uint16")
    with pytest.raises(InputError, match="every pixel has the value of --nodata: name another"):
        sharpen(ms, pan, nodata=7)


def test_an_alpha_band_that_hides_everything_is_named(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = _land(SIDE, 4), _land(4 * SIDE, 1)
    ms[..., 3] = 0
    low, high = _files(tmp_path, ms, pan, "uint16")
    with rasterio.open(low, "r+") as dataset:
        names = ("blue", "green", "red", "alpha")
        dataset.colorinterp = [rasterio.enums.ColorInterp[name] for name in names]
    way = r"its alpha band 4 is not true, .*\(gdal_translate -b 1 -b 2 -b 3 \S*ms.tif plain.tif\)"
    with pytest.raises(InputError, match=way):
        sharpen(low, high)


def test_what_an_integer_type_cannot_hold_is_told(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    ms, pan = np.rint(_land(SIDE, 3) * 0.15), _land(4 * SIDE, 1)
    ms[::2, ::2] = 255
    result = sharpen(*_files(tmp_path, ms, pan.clip(0, 255), "uint8"), consistent=False)
    clipped = [note.text for note in result.notes if "were clipped" in note.text]
    assert len(clipped) == 1
    assert "0 to 255 of ms.tif" in clipped[0]


def test_a_clean_pair_has_nothing_to_say(
    tmp_path: Path, sharpen: Callable[..., FileResult]
) -> None:
    result = sharpen(*_files(tmp_path, _land(SIDE, 3), _land(4 * SIDE, 1), "uint16"))
    assert not [note for note in result.notes if note.level != "detail"]
