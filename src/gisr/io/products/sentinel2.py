"""Sentinel-2 products: ``.SAFE`` folders of level 1C and 2A, as they are downloaded.

Layout and metadata are those of the Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD,
version 14): ``MTD_MSIL1C.xml`` or ``MTD_MSIL2A.xml`` lists the images and says what their values
mean. Bands of level 2A lie there at several resolutions: each is taken from its own.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from gisr.errors import FileFormatError
from gisr.io.products.members import member, read_xml
from gisr.io.products.product import Product, ProductBand, QualityBand

METADATA = ("MTD_MSIL1C.xml", "MTD_MSIL2A.xml")
_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""By the number that metadata calls a band by, from 0."""
_RESOLUTIONS = {
    **dict.fromkeys(("B02", "B03", "B04", "B08"), 10),
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 20),
    **dict.fromkeys(("B01", "B09", "B10"), 60),
}
_COLOURS = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    **dict.fromkeys(("B05", "B06", "B07"), "rededge"),
    **dict.fromkeys(("B08", "B8A", "B09"), "nir"),
    **dict.fromkeys(("B11", "B12"), "swir"),
}
_SCENE_CLASSES = {
    "saturated": (1,),
    "shadow": (3,),
    "water": (6,),
    "cloud": (8, 9),
    "cirrus": (10,),
    "snow": (11,),
}
"""Values of the scene classification (SCL) of level 2A; 8 and 9 are medium and high probability."""
_IMAGE = re.compile(r"_(B\d\d|B8A|SCL)(?:_(\d\d)m)?$")
_NO_CIRRUS = "(cirrus, 60 m) shows the upper air and not the ground"


def metadata_of(folder: Path) -> Path | None:
    """Return the metadata file by which a folder is recognised; None where there is none."""
    return next((folder / name for name in METADATA if (folder / name).is_file()), None)


def read_sentinel2(folder: Path) -> Product:
    """Read what a ``.SAFE`` folder says of itself; no image is opened.

    Raises:
        FileFormatError: Metadata is missing, damaged, names files elsewhere, or lacks a band.
    """
    source = metadata_of(folder)
    if source is None:
        raise FileFormatError(
            f"{folder}: has no {' or '.join(METADATA)}: name the .SAFE folder of one Sentinel-2 "
            "product, unpacked"
        )
    root, level = read_xml(source), source.stem[-3:]
    images = dict(_images(root, folder, source))
    if not images:
        raise FileFormatError(f"{source}: lists no images: get the product again")
    offsets = {_ORDER[number]: value for number, value in _offsets(root)}
    quantification = _text(root, "QUANTIFICATION_VALUE", "BOA_QUANTIFICATION_VALUE")
    waves = dict(_wavelengths(root))
    bands = tuple(
        _band(name, images, waves.get(name), offsets, quantification)
        for name in _ORDER
        if name in images and name != "B10"
    )
    fine, coarse = (
        tuple(band.name for band in bands if band.resolution == side) for side in (10, 20)
    )
    for name, side in _RESOLUTIONS.items():
        if side < 60 and name not in images:
            raise FileFormatError(f"{source}: lists no band {name} at {side} m: get it again")
    baseline = _text(root, "PROCESSING_BASELINE") or "unknown"
    quality, none = _quality(images, level)
    return Product(
        folder,
        f"Sentinel-2 {level}",
        "Sentinel-2",
        bands,
        guide=fine,
        target=coarse,
        panchromatic=False,
        nodata=_nodata(root),
        quality=quality,
        no_quality=none,
        tags={
            "PRODUCT_URI": _text(root, "PRODUCT_URI") or folder.name,
            "PROCESSING_BASELINE": baseline,
            **({"QUANTIFICATION_VALUE": quantification} if quantification else {}),
        },
        notes=(_offset_note(offsets, quantification, baseline),),
        left_out={"B10": _NO_CIRRUS} if "B10" in images else {},
    )


def _images(root: ElementTree.Element, folder: Path, source: Path) -> Iterator[tuple[str, Path]]:
    """Yield the images at their own resolution by name; the scene classes too."""
    for element in root.iter("IMAGE_FILE"):
        name = (element.text or "").strip()
        found = _IMAGE.search(name)
        if found is None:
            continue
        side = _RESOLUTIONS.get(found[1], 20)
        if found[2] is None or int(found[2]) == side:
            yield found[1], member(folder, f"{name}.jp2", source)


def _band(
    name: str,
    images: dict[str, Path],
    wavelength: float | None,
    offsets: dict[str, float],
    quantification: str | None,
) -> ProductBand:
    tags = {} if quantification is None else {"QUANTIFICATION_VALUE": quantification}
    if name in offsets:
        tags["ADD_OFFSET"] = f"{offsets[name]:g}"
    colour = _COLOURS.get(name, "undefined")
    return ProductBand(name, images[name], _RESOLUTIONS[name], wavelength, None, colour, tags)


def _text(root: ElementTree.Element, *names: str) -> str | None:
    """Return the text of the first element of one of these names."""
    for name in names:
        for element in root.iter(name):
            if element.text and element.text.strip():
                return element.text.strip()
    return None


def _offsets(root: ElementTree.Element) -> Iterator[tuple[int, float]]:
    """Yield what has to be added to a band's values before they are divided, by its number."""
    for name in ("RADIO_ADD_OFFSET", "BOA_ADD_OFFSET"):
        for element in root.iter(name):
            number, value = element.get("band_id", ""), _number(element.text)
            if number.isdecimal() and int(number) < len(_ORDER) and value is not None:
                yield int(number), value


def _wavelengths(root: ElementTree.Element) -> Iterator[tuple[str, float]]:
    """Yield the central wavelength of each band in micrometres; metadata has nanometres."""
    for element in root.iter("Spectral_Information"):
        number = element.get("bandId", "")
        value = _number(element.findtext("Wavelength/CENTRAL"))
        if number.isdecimal() and int(number) < len(_ORDER) and value is not None:
            yield _ORDER[int(number)], value / 1000


def _nodata(root: ElementTree.Element) -> float:
    """Return the value of unknown pixels; 0 in every product so far."""
    for element in root.iter("Special_Values"):
        value = _number(element.findtext("SPECIAL_VALUE_INDEX"))
        if element.findtext("SPECIAL_VALUE_TEXT") == "NODATA" and value is not None:
            return value
    return 0.0


def _number(text: str | None) -> float | None:
    """Return a number that XML gives as text; None where it is none that is finite."""
    if text is None or not re.fullmatch(r"\s*[-+]?\d{1,12}(\.\d{1,12})?\s*", text):
        return None
    return float(text)


def _quality(images: dict[str, Path], level: str) -> tuple[QualityBand | None, str]:
    if "SCL" in images:
        return QualityBand(images["SCL"], 20, (0,), _SCENE_CLASSES, bitwise=False), ""
    return None, (
        f"level {level} has no scene classes at 20 m: take the L2A product of the same scene, or "
        "leave mask-out out"
    )


def _offset_note(offsets: dict[str, float], quantification: str | None, baseline: str) -> str:
    """Return what the values mean, with the offset that came with baseline 04.00."""
    divisor = quantification or "10000"
    values = set(offsets.values()) - {0.0}
    if not values:
        return f"processing baseline {baseline}: reflectance is value / {divisor}"
    if len(values) == 1:
        offset = values.pop()
        sign = "-" if offset < 0 else "+"
        return (
            f"the offset of processing baseline {baseline} stays in the values, as delivered: "
            f"reflectance is (value {sign} {abs(offset):g}) / {divisor}"
        )
    return (
        f"the offsets of processing baseline {baseline} stay in the values, as delivered: the tags "
        f"ADD_OFFSET of the bands say them, reflectance is (value + ADD_OFFSET) / {divisor}"
    )
