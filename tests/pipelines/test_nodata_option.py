"""``--nodata``: a number, nan, or none; in place of what the files say."""

from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import write_geotiff

from gisr.apps.option_arguments import take_options
from gisr.errors import InputError
from gisr.io.geotiff import GeoReader
from gisr.io.geotiff.nodata import NodataChoice
from gisr.io.geotiff.pair import read_raster_pair
from gisr.io.limits import DEFAULT_LIMITS
from gisr.pipelines.option import command_words, number_or_word, options_of
from gisr.pipelines.options import Options

NODATA = options_of(Options)["nodata"]


@pytest.mark.parametrize(
    ("text", "value"), [("none", "none"), ("None", "none"), ("-9999", -9999.0), ("1e10", 1e10)]
)
def test_a_number_or_a_word(text: str, value: float | str) -> None:
    assert number_or_word(NODATA, text) == value


def test_nan_is_a_number() -> None:
    assert np.isnan(number_or_word(NODATA, "nan"))


def test_other_words_are_refused() -> None:
    with pytest.raises(InputError, match="nodata 'all' must be a number, nan or none"):
        number_or_word(NODATA, "all")
    with pytest.raises(InputError, match="nodata 'all' must be a number, nan or none"):
        Options(nodata="all")  # type: ignore[arg-type]


def test_the_command_that_is_shown_chooses_the_same() -> None:
    assert command_words(Options(nodata="none")) == ["--nodata", "none"]
    assert command_words(Options(nodata=float("nan"))) == ["--nodata", "nan"]
    values = {each.flag[2:].replace("-", "_"): None for each in options_of(Options).values()}
    values |= {"no_consistent": None, "align": "auto", "nodata": "none"}  # type: ignore[dict-item]
    assert take_options(Options, values).nodata == "none"


def known(path: Path, nodata: NodataChoice) -> list[float]:
    """Return the part of a target and of a guide that is known."""
    files = read_raster_pair(path / "ms.tif", path / "pan.tif", None, nodata, DEFAULT_LIMITS)
    parts = list[float]()
    for header in (files.target, files.guide):
        with GeoReader(header) as reader:
            parts.append(float(reader.read(*map(slice, header.shape))[1].mean()))
    return parts


def test_none_makes_the_files_own_value_a_value(tmp_path: Path) -> None:
    low, high = np.ones((4, 4, 2), np.uint16), np.ones((16, 16, 1), np.uint16)
    low[:2], high[:4] = 0, 0
    write_geotiff(tmp_path / "ms.tif", low, 8.0, nodata=0)
    write_geotiff(tmp_path / "pan.tif", high, 2.0, nodata=0)
    assert known(tmp_path, None) == [0.5, 0.75]
    assert known(tmp_path, "none") == [1.0, 1.0]
    assert known(tmp_path, 1.0) == [0.5, 0.25]


def test_nan_leaves_the_files_own_value_a_value(tmp_path: Path) -> None:
    low = np.ones((4, 4, 2), np.float32)
    low[0], low[1] = np.nan, -9999
    write_geotiff(tmp_path / "ms.tif", low, 8.0, nodata=-9999)
    write_geotiff(tmp_path / "pan.tif", np.ones((16, 16, 1), np.uint8), 2.0)
    assert known(tmp_path, None) == [0.5, 1.0]
    assert known(tmp_path, float("nan")) == [0.75, 1.0]


def test_whole_numbers_have_no_nan(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "ms.tif", np.ones((4, 4, 2), np.uint16), 8.0)
    write_geotiff(tmp_path / "pan.tif", np.ones((16, 16, 1), np.uint8), 2.0)
    with pytest.raises(InputError, match=r"ms.tif: nodata nan cannot be stored in uint16: name a"):
        known(tmp_path, float("nan"))
