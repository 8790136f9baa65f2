"""One command from a downloaded product to the map: bands, places, names, masks, refusals."""

import glob
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.geotiffs import write_geotiff
from tests.products import (
    ORIGIN,
    landsat_level,
    landscape,
    level,
    write_jpeg2000,
    write_landsat,
    write_safe,
)

from gisr.apps.cli import main
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult
from gisr.pipelines.run import read_request, upscale_files
from gisr.weights.store import Weights, save_weights

rasterio = pytest.importorskip("rasterio")

ROOT = Path(__file__).resolve().parents[2]
TEN = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
FINE = ("B02", "B03", "B04", "B08")
MEMBER = "GRANULE/*/IMG_DATA"


@pytest.fixture
def level2(tmp_path: Path) -> Path:
    return write_safe(tmp_path, "L2A")


def written(result: FileResult) -> tuple[Any, np.ndarray]:
    """Return the open output, and its pixels, bands first."""
    dataset = rasterio.open(result.path)
    return dataset, dataset.read()


def check_levels(dataset: Any, pixels: np.ndarray, expected: Sequence[float]) -> None:
    """Check that every band has the mean of the band it should be."""
    for band, mean in enumerate(expected):
        assert abs(pixels[band][pixels[band] > 0].mean() / mean - 1) < 0.04, dataset.descriptions


@pytest.mark.parametrize("kind", ["L1C", "L2A"])
def test_a_sentinel_2_product_becomes_ten_bands_at_10_m(
    tmp_path: Path, upscaler: Upscaler, kind: str
) -> None:
    safe = write_safe(tmp_path, kind)
    result = upscale_files(upscaler, safe, None, tmp_path / "out.tif")
    dataset, pixels = written(result)
    assert result.task == "multiband" and result.ratio == 2
    assert dataset.descriptions == TEN
    check_levels(dataset, pixels, [level(name) for name in TEN])
    assert dataset.transform == rasterio.Affine(10, 0, ORIGIN[0], 0, -10, ORIGIN[1])
    assert dataset.crs.to_epsg() == 32633 and dataset.shape == (120, 120)
    assert dataset.dtypes == ("uint16",) * 10 and dataset.nodata == 0
    for name in FINE:  # copied, to the last digit
        expected = landscape(120, 10, level(name))[..., 0]
        np.testing.assert_array_equal(pixels[TEN.index(name)], expected)
    waves = [float(dataset.tags(n, ns="IMAGERY")["CENTRAL_WAVELENGTH_UM"]) for n in range(1, 11)]
    assert waves[:3] == [0.4923, 0.559, 0.665] and waves[-1] == 2.1857
    colours = [colour.name for colour in dataset.colorinterp]
    assert colours[:4] == ["blue", "green", "red", "rededge"] and colours[6] == "nir"
    assert dataset.tags()["PROCESSING_BASELINE"] == "05.09"
    assert dataset.tags(5)["ADD_OFFSET"] == "-1000"


def test_what_was_assumed_of_a_product_is_said(
    tmp_path: Path, upscaler: Upscaler, level2: Path
) -> None:
    result = upscale_files(upscaler, level2, None, tmp_path / "out.tif")
    first, second, *_ = (note.text for note in result.notes)
    assert re.search(r"Sentinel-2 L2A: B05, .*B12 \(20 m\) are sharpened, guided by B02", first)
    assert re.search(r"B02, .*B08 are copied; left out: B01, B09 \(--band B01", first)
    assert "offset of processing baseline 05.09 stays" in second
    assert "(value - 1000) / 10000" in second


def test_the_values_keep_the_offset_and_an_old_baseline_has_none(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    old = write_safe(tmp_path, "L1C", baseline="03.01")
    result = upscale_files(upscaler, old, None, tmp_path / "out.tif")
    dataset, _ = written(result)
    assert "ADD_OFFSET" not in dataset.tags(1)
    assert any("baseline 03.01: reflectance is value / 10000" in n.text for n in result.notes)


def test_bands_are_chosen_by_name(tmp_path: Path, upscaler: Upscaler, level2: Path) -> None:
    options = Options(bands=("B11", 4, "b8a"))
    result = upscale_files(upscaler, level2, None, tmp_path / "some.tif", options)
    dataset, pixels = written(result)
    assert dataset.descriptions == ("B11", "B04", "B8A")
    check_levels(dataset, pixels, [level(name) for name in ("B11", "B04", "B8A")])
    options = Options(bands_out="sharpened")
    result = upscale_files(upscaler, level2, None, tmp_path / "six.tif", options)
    assert written(result)[0].descriptions == ("B05", "B06", "B07", "B8A", "B11", "B12")
    options = Options(bands=("B12", "B8A"), bands_out="all")
    result = upscale_files(upscaler, level2, None, tmp_path / "order.tif", options)
    assert written(result)[0].descriptions == (*FINE, "B12", "B8A")
    options = Options(bands=("B12",), guide_bands=("B04", 8), bands_out="all")
    result = upscale_files(upscaler, level2, None, tmp_path / "two.tif", options)
    assert written(result)[0].descriptions == ("B04", "B08", "B12")
    options = Options(bands=("B01", "B09"), bands_out="sharpened")
    result = upscale_files(upscaler, level2, None, tmp_path / "coarse.tif", options)
    dataset, pixels = written(result)
    assert result.ratio == 6 and dataset.shape == (120, 120)
    check_levels(dataset, pixels, [level("B01"), level("B09")])


def test_scene_classes_make_clouds_unknown(tmp_path: Path, upscaler: Upscaler) -> None:
    classes = np.full((60, 60), 4, np.uint8)
    classes[:, :15] = 9
    classes[:15, 30:] = 3
    safe = write_safe(tmp_path, "L2A", classes=classes)
    options = Options(mask_out=("cloud",))
    result = upscale_files(upscaler, safe, None, tmp_path / "out.tif", options)
    _, pixels = written(result)
    assert not pixels[:, :, :30].any() and pixels[:, :, 30:].all()
    assert any("SCL_20m.jp2 flags 25.0% of the pixels as cloud" in n.text for n in result.notes)
    options = Options(mask_out=("cloud", "shadow"), overwrite=True)
    _, pixels = written(upscale_files(upscaler, safe, None, tmp_path / "out.tif", options))
    assert not pixels[:, :30, 60:].any()


@pytest.mark.parametrize("metadata", ["txt", "json"])
def test_a_landsat_8_product_is_pansharpened(
    tmp_path: Path, upscaler: Upscaler, metadata: str
) -> None:
    product = write_landsat(tmp_path, metadata=metadata)
    result = upscale_files(upscaler, product, None, tmp_path / "out.tif")
    dataset, pixels = written(result)
    assert result.task == "pansharpening" and result.ratio == 2
    assert dataset.descriptions == ("B2", "B3", "B4", "B5")
    check_levels(dataset, pixels, [landsat_level(band) for band in "2345"])
    assert dataset.transform.c == ORIGIN[0] + 7.5 and dataset.res == (15, 15)
    assert dataset.nodata == 0 and not pixels[:, :5].any()
    assert float(dataset.tags(2, ns="IMAGERY")["CENTRAL_WAVELENGTH_UM"]) == 0.56
    assert float(dataset.tags(2, ns="IMAGERY")["FWHM_UM"]) == 0.06
    assert dataset.tags(1)["REFLECTANCE_MULT"] == "2.0000E-05"
    assert "left out: B1, B6, B7 (--band B1 sharpens it)" in result.notes[0].text


def test_landsat_7_and_other_bands(tmp_path: Path, upscaler: Upscaler) -> None:
    product = write_landsat(tmp_path, "LE07_L1TP_028030_20010817_20200912_02_T1")
    result = upscale_files(upscaler, product, None, tmp_path / "out.tif")
    dataset, pixels = written(result)
    assert dataset.descriptions == ("B1", "B2", "B3", "B4") and dataset.dtypes[0] == "uint8"
    check_levels(dataset, pixels, [20, 40, 60, 80])
    options = Options(bands=("B7", 5), bands_out="all")
    result = upscale_files(upscaler, product, None, tmp_path / "swir.tif", options)
    dataset, pixels = written(result)  # in the order they were named, beside the copied one
    assert dataset.descriptions == ("B7", "B5", "B8")
    check_levels(dataset, pixels, [140, 100, 160])


def test_quality_bits_make_clouds_and_shadows_unknown(tmp_path: Path, upscaler: Upscaler) -> None:
    quality = np.full((60, 60), 21824, np.uint16)
    quality[20:40, :30] = 22280  # cloud
    quality[50:, :] = 23888  # shadow
    product = write_landsat(tmp_path, quality=quality)
    options = Options(mask_out=("cloud",))
    result = upscale_files(upscaler, product, None, tmp_path / "out.tif", options)
    _, pixels = written(result)
    assert not pixels[:, 42:76, :56].any() and pixels[:, 102:, :].all()
    assert any("QA_PIXEL.TIF flags 16.7% of the pixels" in note.text for note in result.notes)


def test_the_command_line_takes_products_and_files_of_each_side(
    tmp_path: Path, weights: Callable[..., Weights], level2: Path, capsys: Any
) -> None:
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    rest = ["--model", str(tmp_path / "tiny"), "--device", "cpu", "--verbose"]
    out = str(tmp_path / "ten.tif")
    assert main(["upscale", str(level2), "-o", out, "--cog", *rest]) == 0
    assert "Sentinel-2 L2A" in capsys.readouterr().err
    with rasterio.open(out) as dataset:
        assert dataset.descriptions == TEN and dataset.profile["blockxsize"] == 512
        assert dataset.tags(10, ns="IMAGERY") == {"CENTRAL_WAVELENGTH_UM": "2.1857"}
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    coarse = sorted(level2.glob(f"{MEMBER}/R20m/*_B1[12]_20m.jp2"))
    fine = sorted(level2.glob(f"{MEMBER}/R10m/*_B0?_10m.jp2"))
    words = ["--target", *map(str, coarse), "--guide", *map(str, fine)]
    out = str(tmp_path / "two.tif")
    assert main(["upscale", *words, "-o", out, "-b", "2", "-b", "B11", *rest]) == 0
    assert "2 and 4 files with 4 guide bands are taken for multiband" in capsys.readouterr().err
    with rasterio.open(out) as dataset:
        assert dataset.descriptions == ("B12", "B11")
        check_levels(dataset, dataset.read(), [level("B12"), level("B11")])


def test_a_folder_a_side_and_a_panchromatic_file(tmp_path: Path, upscaler: Upscaler) -> None:
    product = write_landsat(tmp_path)
    (tmp_path / "ms").mkdir()
    for number in "23":
        (tmp_path / "ms" / f"a_B{number}.TIF").symlink_to(next(product.glob(f"*_B{number}.TIF")))
    pan = next(product.glob("*_B8.TIF"))
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "x.TIF").symlink_to(pan)
    single = read_request([tmp_path / "ms"], [tmp_path / "one"], tmp_path / "out.tif")
    assert single.files.guide.files == (tmp_path / "one" / "x.TIF",)
    result = upscale_files(upscaler, [tmp_path / "ms"], [pan], tmp_path / "out.tif")
    dataset, pixels = written(result)
    assert result.task == "pansharpening" and dataset.descriptions == ("B2", "B3")
    check_levels(dataset, pixels, [landsat_level("2"), landsat_level("3")])


def test_a_report_shows_the_sharpened_bands(
    tmp_path: Path, upscaler: Upscaler, level2: Path
) -> None:
    pytest.importorskip("matplotlib")
    options = Options(report=tmp_path / "report.html", uncertainty=tmp_path / "spread.tif")
    upscale_files(upscaler, level2, None, tmp_path / "out.tif", options)
    assert "offset of processing baseline" in (tmp_path / "report.html").read_text("utf-8")
    with rasterio.open(tmp_path / "spread.tif") as dataset:
        assert dataset.descriptions[0] == "spread of B05" and dataset.count == 6


def recipes(*sections: str) -> list[list[str]]:
    """Return the commands of gisr in sections of the page on deliveries."""
    page = (ROOT / "docs" / "deliveries.md").read_text(encoding="utf-8")
    found: list[list[str]] = []
    for section in sections:
        text = page.split(f"## {section}\n")[1].split("\n## ")[0]
        lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
        found += [shlex.split(line)[1:] for line in lines if line.startswith("gisr ")]
    return found


def test_the_recipes_of_the_page_on_deliveries_run(
    tmp_path: Path,
    weights: Callable[..., Weights],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    safe = write_safe(tmp_path, "L2A", side=60)
    name = "LC08_L1TP_190030_20200615_20200823_02_T1"
    write_landsat(tmp_path, name, side=30)
    write_landsat(tmp_path / "scenes", name, side=30)
    write_landsat(tmp_path, name.replace("L1TP", "L2SP"), side=30)
    write_safe(tmp_path / "scenes", "L1C", side=60)
    for number, name in enumerate(("red", "green", "blue", "nir"), 1):
        write_geotiff(tmp_path / f"{name}.tif", landscape(20, 20, 1000 * number), 20)
    write_geotiff(tmp_path / "pan.tif", landscape(40, 10, 3000), 10)
    for side in (10, 20):
        folder = tmp_path / f"bands_{side}m"
        folder.mkdir()
        for path in safe.glob(f"{MEMBER}/R{side}m/*_B??_{side}m.jp2"):
            (folder / path.name).symlink_to(path)
    commands = recipes("Sentinel-2", "Landsat", "Separate bands of anyone")
    assert len(commands) == 11
    for words in commands:
        expanded = [each for word in words for each in sorted(glob.glob(word)) or [word]]
        output = tmp_path / words[words.index("-o") + 1]
        extra = ["--model", "tiny", "--device", "cpu", "--overwrite"]
        if "--skip-existing" in words:
            extra.remove("--overwrite")
        assert main([*expanded, *extra]) == 0, capsys.readouterr().err
        assert output.is_file() or len(list(output.glob("*.tif"))) == 2, words


def refused(source: Any, guide: Any, output: Path, options: Options | None = None) -> str:
    """Return the one line that refuses a request."""
    with pytest.raises(Exception) as caught:
        read_request(source, guide, output, options)
    assert type(caught.value).__module__ == "gisr.errors", caught.value
    assert "\n" not in str(caught.value)
    assert not output.exists()
    return str(caught.value)


def test_wrong_products_are_refused_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    safe = write_safe(tmp_path, "L1C")
    band = next(safe.glob(f"{MEMBER}/*_B05.jp2"))
    content = band.read_bytes()
    band.unlink()
    assert "band B05 is missing: get the product again" in refused(safe, None, out)
    band.write_bytes(content[:100])
    assert re.search(r"_B05.jp2: cannot be read as JPEG 2000", refused(safe, None, out))
    other = landscape(60, 20, 3000)
    write_jpeg2000(band, other, 20, origin=(ORIGIN[0] + 109_800, ORIGIN[1]))
    assert re.search(r"_B05.jp2 and .*_B06.jp2: do not lie at the same", refused(safe, None, out))
    write_jpeg2000(band, other[:58], 20)
    assert re.search(r"_B05.jp2 and .*B06.jp2: have 60 x 58 and 60 x 60", refused(safe, None, out))
    band.write_bytes(b'<VRTDataset rasterXSize="60" rasterYSize="60"/>')
    assert "cannot be read as JPEG 2000" in refused(safe, None, out)
    (safe / "MTD_MSIL1C.xml").unlink()
    assert "has no MTD_MSIL1C.xml or MTD_MSIL2A.xml" in refused(safe, None, out)


def test_a_quality_band_that_is_missing_is_called_so(tmp_path: Path, level2: Path) -> None:
    next(level2.rglob("*_SCL_20m.jp2")).unlink()
    masked = Options(mask_out=("cloud",))
    told = refused(level2, None, tmp_path / "out.tif", masked)
    assert "SCL_20m.jp2: the quality band is missing: get the product again" in told
    read_request(level2, None, tmp_path / "out.tif", Options())


def test_a_truncated_band_is_refused_where_its_pixels_are_missing(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    safe = write_safe(tmp_path, "L1C")
    band = next(safe.glob(f"{MEMBER}/*_B05.jp2"))
    band.write_bytes(band.read_bytes()[:-300])
    with pytest.raises(Exception, match=r"_B05.jp2: cannot be read as JPEG 2000"):
        upscale_files(upscaler, safe, None, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_landsat_products_that_have_no_panchromatic_band(tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    two = write_landsat(tmp_path, "LC08_L2SP_190030_20200615_20200823_02_T1")
    message = refused(two, None, out)
    assert "level L2SP, which has no panchromatic band B8: take the Level-1 product" in message
    five = write_landsat(tmp_path, "LT05_L1TP_190030_19900615_20200823_02_T1")
    assert "is of Landsat-5, whose products have no panchromatic band" in refused(five, None, out)
    one = write_landsat(tmp_path, changes={"PRODUCT_CONTENTS": "PRODUCT_METADATA"})
    assert "is no metadata of Collection 2" in refused(one, None, out)


def test_options_that_do_not_suit_a_product(tmp_path: Path, level2: Path) -> None:
    out = tmp_path / "out.tif"
    landsat = write_landsat(tmp_path)
    said = {
        r"B01 at 60 m and B05 at 20 m: sharpen the bands": Options(bands=("B01", "B05")),
        r"no band B13: it has B01, B02": Options(bands=("B13",)),
        r"B02 lies at the finest resolution already": Options(bands=("B02",)),
        r"has no panchromatic band: leave the task out": Options(task="pansharpening"),
        r"are for satellite images, not for": Options(task="mri"),
        r"guide-band B05 is no finer than .*: use B02, B03": Options(guide_bands=("B5",)),
        r"mask-out 'dilated': .*SCL_20m.jp2 flags saturated": Options(mask_out=("dilated",)),
        r"the quality band lies at 20 m, B01 at 60 m": Options(bands=("B01",), mask_out=("cloud",)),
    }
    for expected, options in said.items():
        assert re.search(expected, refused(level2, None, out, options)), expected
    assert "band B10 is no image" in refused(landsat, None, out, Options(bands=("B10",)))
    first = write_safe(tmp_path, "L1C")
    message = refused(first, None, out, Options(mask_out=("cloud",)))
    assert "has no scene classes at 20 m: take the L2A product" in message
    (tmp_path / "S2B.zip").write_bytes(b"PK\x03\x04")
    assert re.search("S2B.zip: .*an archive.*unpack", refused(tmp_path / "S2B.zip", None, out))
    assert "is a product, with target and guide in it" in refused(level2, "pan.tif", out)
    files = sorted(level2.glob(f"{MEMBER}/R20m/*_B1*.jp2"))
    assert "is named twice" in refused([*files, files[0]], files, out)
    assert "mask-out needs a quality band" in refused(
        files, files[:1], out, Options(mask_out=("cloud",))
    )
