"""What products say of themselves, and that hostile metadata leads nowhere."""

import re
from pathlib import Path

import pytest
from tests.products import write_landsat, write_safe

from gisr.errors import FileFormatError, InputError
from gisr.io.products import product_folder, read_product
from gisr.io.products.members import MOST_METADATA, read_xml

pytest.importorskip("rasterio")


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    return write_safe(tmp_path, "L2A", side=12)


def metadata(product: Path) -> Path:
    return next(path for path in product.iterdir() if "MTD" in path.name or "_MTL" in path.name)


def changed(product: Path, old: str, new: str) -> Path:
    place = metadata(product)
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new, 1), encoding="utf-8")
    return product


def test_a_product_is_recognised_by_its_folder_or_metadata(tmp_path: Path, safe: Path) -> None:
    landsat = write_landsat(tmp_path, side=6)
    for product in (safe, landsat):
        assert product_folder(product) == product_folder(metadata(product)) == product
    assert product_folder(tmp_path) is None and product_folder(tmp_path / "not there") is None
    (tmp_path / "empty.SAFE").mkdir()
    with pytest.raises(FileFormatError, match=r"empty.SAFE: has no MTD_MSIL1C.xml or MTD_MSIL2A"):
        read_product(tmp_path / "empty.SAFE")


def test_bands_of_level_2a_come_from_their_own_resolution(safe: Path) -> None:
    product = read_product(safe)
    assert (product.kind, product.sensor, product.nodata) == ("Sentinel-2 L2A", "Sentinel-2", 0)
    sides = {band.name: band.resolution for band in product.bands}
    assert sides["B04"] == 10 and sides["B8A"] == 20 and sides["B09"] == 60 and "B10" not in sides
    assert all(band.path.stem.endswith(f"_{band.resolution:g}m") for band in product.bands)
    assert product.band("b5") == product.band(5) == product.band("B05")
    assert product.band("B05").wavelength == pytest.approx(0.7038)
    assert product.quality is not None and product.quality.path.stem.endswith("SCL_20m")


def test_names_are_found_however_they_are_written(tmp_path: Path) -> None:
    product = read_product(write_landsat(tmp_path, side=6))
    assert product.band("b05").name == product.band("SR_B5").name == "B5"
    assert product.band("B5").wavelength == pytest.approx(0.865)
    with pytest.raises(InputError, match="no band B12: it has B1, B2"):
        product.band("B12")


def test_level_1_values_are_those_of_level_1(tmp_path: Path) -> None:
    """Metadata repeats names of files in groups of other levels."""
    product = read_product(write_landsat(tmp_path, side=6))
    assert product.band("B4").path.name.endswith("_T1_B4.TIF")


HOSTILE = {
    "../../other.SAFE/GRANULE/x_B05_20m": "which does not lie in the product",
    "/etc/GRANULE/x_B05_20m": "which does not lie in the product",
    "GRANULE/../../x_B05_20m": "which does not lie in the product",
    "C:/windows/x_B05_20m": "which does not lie in the product",
    "GRANULE\\..\\x_B05_20m": "which does not lie in the product",
    "/vsicurl/http://x/y_B05_20m": "which does not lie in the product",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_out_of_a_product_are_refused(tmp_path: Path, name: str) -> None:
    safe = write_safe(tmp_path, "L2A", side=12)
    own = re.search(r"GRANULE/[^<]*B05_20m", metadata(safe).read_text(encoding="utf-8"))
    assert own is not None
    with pytest.raises(FileFormatError, match=f"MTD_MSIL2A.xml: names .*{HOSTILE[name]}"):
        read_product(changed(safe, own[0], name))
    landsat = write_landsat(tmp_path, side=6)
    hostile = name.replace("B05_20m", "B5.TIF")
    with pytest.raises(FileFormatError, match=f"_MTL.txt: names .*{HOSTILE[name]}"):
        read_product(changed(landsat, "LC08_L1TP_190030_20200615_20200823_02_T1_B5.TIF", hostile))


def test_a_link_out_of_a_product_is_refused(tmp_path: Path, safe: Path) -> None:
    band = next(safe.glob("GRANULE/*/IMG_DATA/R20m/*_B05_20m.jp2"))
    band.rename(tmp_path / "elsewhere.jp2")
    band.symlink_to(tmp_path / "elsewhere.jp2")
    with pytest.raises(FileFormatError, match=r"_B05_20m.jp2: leads out of the product"):
        read_product(safe)


BOMB = "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10))


@pytest.mark.parametrize(
    "type_",
    [
        f'<!DOCTYPE x [<!ENTITY a0 "lol">{BOMB}]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_metadata_with_a_document_type_is_refused(
    tmp_path: Path, type_: str, encoding: str
) -> None:
    place = tmp_path / "MTD_MSIL2A.xml"
    text = f'<?xml version="1.0" encoding="{encoding}"?>{type_}<x>&a9;</x>'
    place.write_text(text, encoding=encoding)
    with pytest.raises(FileFormatError, match=r"MTD_MSIL2A.xml: has a document type"):
        read_xml(place)


def test_metadata_is_bounded_and_refused_in_one_line(tmp_path: Path, safe: Path) -> None:
    place = metadata(safe)
    for content, message in (
        (b"<a" * 100, "is no XML"),
        (b"<x/>", "lists no images"),
        (b"", "the file is empty"),
        (b"<a>" * 200_000, "is no XML"),
    ):
        place.write_bytes(content)
        with pytest.raises(FileFormatError, match=f"MTD_MSIL2A.xml: .*{message}") as caught:
            read_product(safe)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    with place.open("wb") as stream:
        stream.truncate(MOST_METADATA + 1)
    with pytest.raises(FileFormatError, match="has more than 16 MiB, which no metadata has"):
        read_product(safe)
    landsat = write_landsat(tmp_path, metadata="json", side=6)
    for content in (b"{" * 100_000, b"[]", b'{"LANDSAT_METADATA_FILE": 3}', b"\xff\xfe"):
        metadata(landsat).write_bytes(content)
        with pytest.raises(FileFormatError, match=r"_MTL.json: (cannot be read|is no metadata)"):
            read_product(landsat)


@pytest.mark.parametrize("metadata", ["txt", "json"])
def test_names_in_lower_case_are_those_of_the_metadata(tmp_path: Path, metadata: str) -> None:
    product = write_landsat(tmp_path, side=6, metadata=metadata)
    for path in product.iterdir():
        path.rename(path.with_name(path.name.lower()))
    assert product_folder(product) == product
    found = read_product(product)
    assert [band.path.name for band in found.bands if band.name in ("B2", "B8")] == [
        "lc08_l1tp_190030_20200615_20200823_02_t1_b2.tif",
        "lc08_l1tp_190030_20200615_20200823_02_t1_b8.tif",
    ]
    assert all(band.path.is_file() for band in found.bands)


def test_several_products_in_one_folder(tmp_path: Path) -> None:
    product = write_landsat(tmp_path, side=6)
    (product / "LC09_L1TP_1_MTL.txt").write_text("GROUP = X")
    with pytest.raises(FileFormatError, match="holds several products"):
        product_folder(product)
