"""Fill that nobody declared, among data that look like it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.fill import Fill, find_band_fill, find_fill, is_impossible

CORNER = np.add.outer(np.arange(80), 0.6 * np.arange(80)) < 22


def _land(bands: int = 4, highest: float = 1700) -> NDArray[np.float64]:
    """Return smooth patches with texture, from 50 to the highest value."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.standard_normal((80, 80, bands)), (3, 3, 0))
    image = image + 0.05 * rng.standard_normal(image.shape) * image.std()
    low, high = image.min(), image.max()
    return 50 + (image - low) / (high - low) * (highest - 50)


def _filled(
    value: float, dtype: str, *, scale: float = 1, highest: float = 1700
) -> NDArray[np.generic]:
    image = _land(highest=highest) * scale
    image[CORNER] = value
    return (image if dtype.startswith("float") else np.rint(image)).astype(dtype)


@pytest.mark.parametrize(
    ("value", "dtype", "scale", "highest"),
    [
        (65535, "uint16", 1, 1700),
        (65535, "uint16", 1, 40_000),
        (-9999, "int16", 1, 10_000),
        (-32768, "int16", 1, 30_000),
        (-9999, "float32", 1e-4, 1700),
        (-3.4028235e38, "float32", 1e-4, 1700),
        (1e20, "float32", 1, 1700),
        (65504, "float16", 0.01, 1700),
    ],
)
def test_a_far_value_is_certain_in_every_task(
    value: float, dtype: str, scale: float, highest: float
) -> None:
    image = _filled(value, dtype, scale=scale, highest=highest)
    (fill,) = find_fill(image)
    assert (fill.certainty, fill.far) == ("certain", True)
    assert fill.value == pytest.approx(value)
    assert fill.share == pytest.approx(CORNER.mean())
    np.testing.assert_array_equal(fill.covers(image), CORNER)


@pytest.mark.parametrize(("value", "dtype", "highest"), [(0, "uint16", 1700), (255, "uint8", 200)])
def test_solid_fill_beside_the_data_is_certain_in_scenes_alone(
    value: float, dtype: str, highest: float
) -> None:
    image = _filled(value, dtype, highest=highest)
    (fill,) = find_fill(image, blank=True)
    assert (fill.certainty, fill.far) == ("certain", False)
    assert find_fill(image) == (), "the background of MR images is data"


@pytest.mark.parametrize("lines", [np.s_[5::16], np.s_[:, 7::20], np.s_[9::16, 10:40]])
def test_lines_that_a_scanner_dropped_are_fill_in_scenes_alone(
    lines: tuple[slice, ...] | slice,
) -> None:
    image = np.rint(_land()).astype(np.uint16)
    image[lines] = 0
    (fill,) = find_fill(image, blank=True)
    assert (fill.value, fill.certainty, fill.far) == (0, "certain", False)
    assert fill.share == pytest.approx((image == 0).all(axis=-1).mean())
    assert not find_fill(image)


def test_lines_that_lie_aslant_are_fill() -> None:
    """As a scanner drops them, in a map that was turned to the north: one pixel thick."""
    image = np.rint(_land()).astype(np.uint16)
    rows, columns = np.indices(image.shape[:2])
    aslant = (rows + columns // 5) % 16 == 5
    image[aslant] = 0
    (fill,) = find_fill(image, blank=True)
    assert (fill.value, fill.certainty) == (0, "certain")
    np.testing.assert_array_equal(fill.covers(image), aslant)


def test_a_line_beside_values_near_it_is_data() -> None:
    image = np.rint(_land() - 50).astype(np.uint16)  # dark ground down to 0
    image[40, 20:60] = 0
    assert not find_fill(image, blank=True)


def test_one_band_of_near_fill_is_data() -> None:
    image = _filled(0, "uint16")
    (fill,) = find_fill(image, blank=True)
    image[40:50, 40:50, 3] = 0  # a lake in near infrared
    np.testing.assert_array_equal(fill.covers(image), CORNER)


def test_both_ends_may_be_filled() -> None:
    image = _filled(-9999, "float32")
    image[60:, 60:] = 1e20
    assert [fill.value for fill in find_fill(image)] == [-9999, pytest.approx(1e20)]


def test_content_is_not_fill() -> None:
    land = _land()
    saturated = np.minimum(land * 1.8, 2047)
    sea = 100 + np.random.default_rng(1).standard_normal(land.shape)
    island = np.where(np.hypot(*(np.mgrid[:80, :80] - 40.0))[..., None] < 4, land, sea)
    lights = np.maximum(land - 900, 0)  # towns at night: most of it 0, with all values above
    for name, image in {
        "land": land,
        "saturated": saturated,
        "clouds": np.minimum(land / 4, 255),
        "rare": island,
        "dark": lights,
        "a flat lake": np.where(CORNER[..., None], 60.0, np.maximum(land, 70)),
        "two areas": np.where(CORNER[..., None], -9999.0, 7.0),
        "one value": np.full((20, 20, 1), 5.0),
    }.items():
        for dtype in (
            ("float32", "uint16", "uint8") if image.max() <= 255 else ("float32", "uint16")
        ):
            found = find_fill(np.maximum(np.rint(image), 0).astype(dtype), blank=True)
            assert not [fill for fill in found if fill.certainty == "certain"], (name, dtype, found)


def test_what_is_unknown_already_does_not_count() -> None:
    image = _filled(-9999, "float32")
    assert find_fill(image, ~CORNER) == ()
    image[CORNER] = np.nan
    assert find_fill(image) == ()


def test_the_code_of_the_other_file_is_fill_where_it_is_solid() -> None:
    image = np.maximum(_land() - 200, 0).round().astype("uint16")
    image[CORNER] = 0
    (fill,) = find_fill(image, blank=True, named=(0,))
    assert fill.certainty == "certain"


def test_a_volume_and_a_large_image() -> None:
    volume = _land(1)[:40, :40, :, None].repeat(5, axis=2)
    volume[:10] = -2000
    assert [fill.value for fill in find_fill(volume)] == [-2000]
    large = np.kron(_filled(65535, "uint16"), np.ones((20, 20, 1), np.uint16))
    assert find_fill(large)[0].share == pytest.approx(CORNER.mean(), abs=0.01)


def test_the_only_value_below_0_of_magnitudes_is_fill_however_near() -> None:
    volume = np.rint(_land(1)[:40, :40, :, None].repeat(5, axis=2)).astype("int16")
    for value, place in ((-1000, slice(8)), (-100, slice(8)), (-1, slice(8)), (-1024, slice(1))):
        filled = volume.copy()
        filled[place] = value
        (fill,) = find_fill(filled, magnitudes=True)
        assert (fill.value, fill.certainty, fill.far) == (value, "certain", True)
        assert find_fill(filled) == (), "elsewhere values may lie below 0"


def test_values_below_0_are_data_where_they_are_several_or_scattered() -> None:
    volume = np.rint(_land(1)[:40, :40, :, None].repeat(5, axis=2)).astype("int16")
    defects = volume.copy()
    defects[::3, ::3] = -1  # where cubic splines undershoot
    few = volume.copy()
    few[:2, :2, :1] = -100
    second = volume.copy()
    second[:8], second[20, 20, 2] = -100, -3
    scored = (volume - volume.mean()) / volume.std()
    scored[:8] = scored.min()
    for image in (volume, defects, few, second, scored):
        assert find_fill(image, magnitudes=True) == ()


def test_the_text_names_value_and_share() -> None:
    assert Fill(-9999.0, 0.072, "certain", True).text == "-9999 in 7.2% of the pixels"
    assert Fill(-2147483648.0, 0.5, "certain", True).value_text == "-2147483648"
    lowest = float(np.finfo(np.float32).min)
    assert np.float32(Fill(lowest, 0.5, "certain", True).value_text) == np.float32(lowest)
    assert Fill(0.0, 1e-5, "certain", True).text == "0 in less than 0.1% of the pixels"


def test_an_image_of_nothing_but_fill() -> None:
    image = np.zeros((20, 20, 3), np.uint16)
    assert find_fill(image, blank=True, named=(0,)) == ()


@pytest.mark.parametrize(
    ("value", "dtype", "scale"),
    [
        (-9999, "int16", 1),
        (-32768, "int16", 1),
        (65535, "uint16", 1),
        (-9999, "float32", 1e-4),
        (-3.4028235e38, "float32", 1e-4),
    ],
)
def test_a_code_in_some_bands_is_certain(value: float, dtype: str, scale: float) -> None:
    image = _filled(1000 * scale, dtype, scale=scale)
    assert find_band_fill(image) == ()
    image[40:50, 40:50, 3] = image[45:55, 40:50, 1] = value
    assert find_fill(image, blank=True) == ()
    (fill,) = find_band_fill(image)
    assert fill.value == pytest.approx(value) and fill.certainty == "certain"
    assert fill.covers(image).sum() == 150
    assert fill.bands == (1, 3) and fill.share == pytest.approx(150 / 6400)
    told = fill.text_of((4, 3, 2, 7))
    assert told == f"{fill.value_text} in 2.3% of the pixels of bands 3 and 7"


def test_other_far_values_of_some_bands_are_likely() -> None:
    image = _land()
    image[40:55, 40:55, 3] = 8000
    (fill,) = find_band_fill(image)
    assert (fill.value, fill.certainty) == (8000, "likely")
    image[40:55, 40:55, 3], image[5, 7, 1] = 65535, 65535  # a glint: data of another band
    (fill,) = find_band_fill(image)
    assert (fill.value, fill.certainty, fill.bands) == (65535, "likely", (3,))


def test_fill_beside_bands_of_other_units() -> None:
    image = _land()
    image[..., 3] = 29_000 + image[..., 3]  # a thermal band, which makes the range of all wide
    image[40:50, 40:50, 0] = -9999
    (fill,) = find_band_fill(image.astype("float32"))
    assert fill.bands == (0,)
    rest = image[image[..., 0] >= 0]
    assert is_impossible(-9999, rest, 0) and not is_impossible(0, rest, 3)


def test_content_of_one_band_is_not_fill() -> None:
    lake, roof, hot, snow = (_land() for _ in range(4))
    lake[CORNER, 3] = 0
    roof[40:50, 40:50, 2] = 4000
    hot[..., 3] = np.minimum(hot[..., 3] * 60, 65535)
    snow[..., 0] = np.where(snow[..., 0] > 1500, 2047, snow[..., 0])
    for name, image in {"lake": lake, "roof": roof, "hot": hot, "snow": snow}.items():
        for dtype in ("float32", "uint16"):
            assert find_band_fill(np.rint(image).astype(dtype)) == (), (name, dtype)
