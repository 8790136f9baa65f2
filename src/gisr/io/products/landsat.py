"""Landsat products of Collection 2: folders of GeoTIFFs with ``_MTL.txt`` or ``_MTL.json``.

Names and keys are those of the Landsat 8-9 and 7 Level 1 Data Format Control Books (LSDS-1822,
LSDS-1272). Wavelengths are the middles of the bands as USGS lists their edges
(https://www.usgs.gov/faqs/what-are-band-designations-landsat-satellites).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, listed, shortened
from gisr.io.products.members import member, read_metadata
from gisr.io.products.product import Product, ProductBand, QualityBand

_METADATA = ("_mtl.txt", "_mtl.json")
_PAN, _SHARPENED, _FINE = "8", 30.0, 15.0
_GROUPS = ("PRODUCT_CONTENTS", "IMAGE_ATTRIBUTES", "LEVEL1_RADIOMETRIC_RESCALING")
"""The groups of the metadata that are read: level 2 repeats names of level 1 in others."""
_FLAGS = {
    "dilated": (1,),
    "cirrus": (2,),
    "cloud": (3,),
    "shadow": (4,),
    "snow": (5,),
    "water": (7,),
}
"""Bits of QA_PIXEL; ``dilated`` is the rim around clouds. Bit 0 is fill."""
_LINE = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$")


@dataclass(frozen=True)
class _Imager:
    """The bands of a Landsat imager that see reflected light."""

    sensor: str
    edges: Mapping[str, tuple[float, float]]
    """Micrometres, by the number in the band's name."""
    colours: Mapping[str, str]
    target: tuple[str, ...]
    """Bands near enough to the panchromatic one to be sharpened unless others are chosen."""


_OLI = _Imager(
    "Landsat-8",
    {
        "1": (0.43, 0.45),
        "2": (0.45, 0.51),
        "3": (0.53, 0.59),
        "4": (0.64, 0.67),
        "5": (0.85, 0.88),
        "6": (1.57, 1.65),
        "7": (2.11, 2.29),
        "8": (0.50, 0.68),
    },
    {
        "1": "coastal",
        "2": "blue",
        "3": "green",
        "4": "red",
        "5": "nir",
        "6": "swir",
        "7": "swir",
        "8": "pan",
    },
    ("2", "3", "4", "5"),
)
_ETM = _Imager(
    "Landsat-7",
    {
        "1": (0.45, 0.52),
        "2": (0.52, 0.60),
        "3": (0.63, 0.69),
        "4": (0.77, 0.90),
        "5": (1.55, 1.75),
        "7": (2.08, 2.35),
        "8": (0.52, 0.90),
    },
    {"1": "blue", "2": "green", "3": "red", "4": "nir", "5": "swir", "7": "swir", "8": "pan"},
    ("1", "2", "3", "4"),
)
_IMAGERS = {"LANDSAT_7": _ETM, "LANDSAT_8": _OLI, "LANDSAT_9": _OLI}
_NOT_REFLECTED = "is no image of reflected light on the 30 m grid, or has no 15 m band near it"


def is_metadata(path: Path) -> bool:
    """Return whether a file is called as metadata is; programs that unpack may change its case."""
    return path.name.casefold().endswith(_METADATA)


def metadata_of(folder: Path) -> Path | None:
    """Return the metadata file by which a folder is recognised; None where there is none.

    Raises:
        FileFormatError: There are those of several products.
    """
    files = sorted(each for each in folder.iterdir() if is_metadata(each))
    for ending in _METADATA:
        found = [each for each in files if re.match(rf"(?i)l.*{re.escape(ending)}", each.name)]
        if len(found) > 1:
            raise FileFormatError(
                f"{folder}: holds several products ({listed([each.name for each in found])}): "
                "give each a folder of its own"
            )
        if found:
            return found[0]
    return None


def read_landsat(folder: Path) -> Product:
    """Read what a folder of Landsat bands says of itself; no image is opened.

    Raises:
        FileFormatError: Metadata is missing, damaged or of another collection, names files
            elsewhere, or lacks a band; or the product has no panchromatic band.
    """
    source = metadata_of(folder)
    if source is None:
        raise FileFormatError(
            f"{folder}: has no ..._MTL.txt or ..._MTL.json: name the folder of one Landsat "
            "product, unpacked"
        )
    values = _read(source)
    spacecraft, level = values.get("SPACECRAFT_ID", ""), values.get("PROCESSING_LEVEL", "")
    imager = _IMAGERS.get(spacecraft)
    name = spacecraft.replace("_", " ").title().replace(" ", "-") or "a satellite without name"
    if imager is None:
        raise FileFormatError(
            f"{source}: is of {shortened(name)}, whose products have no panchromatic band: name "
            "the files of both sides (--target ... --guide ...)"
        )
    if not level.startswith("L1"):
        raise FileFormatError(
            f"{source}: is of level {shortened(level)}, which has no panchromatic band B8: take "
            "the Level-1 product of the same scene, or name the files of both sides (--target "
            "..._SR_B2.TIF ..._SR_B3.TIF --guide ..._B8.TIF)"
        )
    bands = tuple(
        _band(number, values, imager, folder, source)
        for number in imager.edges
        if f"FILE_NAME_BAND_{number}" in values
    )
    missing = {*imager.target, _PAN} - {band.name.removeprefix("B") for band in bands}
    if missing:
        raise FileFormatError(
            f"{source}: lists no band {', '.join(f'B{each}' for each in sorted(missing))}: get "
            "the product again"
        )
    return Product(
        folder,
        f"{name} {level}",
        imager.sensor,
        bands,
        guide=(f"B{_PAN}",),
        target=tuple(f"B{number}" for number in imager.target),
        panchromatic=True,
        nodata=0.0,
        quality=_quality(values, folder, source),
        no_quality="its metadata names no QA_PIXEL band: leave mask-out out",
        tags={
            "LANDSAT_PRODUCT_ID": values.get("LANDSAT_PRODUCT_ID", folder.name),
            "SPACECRAFT_ID": spacecraft,
            "PROCESSING_LEVEL": level,
        },
        notes=(
            "values stay as delivered: reflectance is value * REFLECTANCE_MULT + REFLECTANCE_ADD "
            "(tags of the bands), divided by the sine of the sun's elevation",
        ),
        left_out=dict.fromkeys(_others(values, imager), _NOT_REFLECTED),
    )


def _others(values: Mapping[str, str], imager: _Imager) -> list[str]:
    """Return the names of bands that are not used: thermal ones and cirrus."""
    found = [re.fullmatch(r"FILE_NAME_BAND_(\w{1,12})", key) for key in values]
    names = [each[1] for each in found if each is not None]
    return [f"B{name}" for name in names if name not in imager.edges]


def _band(
    number: str, values: Mapping[str, str], imager: _Imager, folder: Path, source: Path
) -> ProductBand:
    low, high = imager.edges[number]
    tags = {
        key: values[f"{key}_BAND_{number}"]
        for key in ("REFLECTANCE_MULT", "REFLECTANCE_ADD")
        if f"{key}_BAND_{number}" in values
    }
    return ProductBand(
        f"B{number}",
        member(folder, values[f"FILE_NAME_BAND_{number}"], source),
        _FINE if number == _PAN else _SHARPENED,
        (low + high) / 2,
        high - low,
        imager.colours[number],
        tags,
    )


def _quality(values: Mapping[str, str], folder: Path, source: Path) -> QualityBand | None:
    name = values.get("FILE_NAME_QUALITY_L1_PIXEL")
    if name is None:
        return None
    return QualityBand(member(folder, name, source), _SHARPENED, (0,), _FLAGS, bitwise=True)


def _read(source: Path) -> dict[str, str]:
    """Return the values of the groups that are read.

    Raises:
        FileFormatError: They are not there, or the file is neither text nor JSON of this kind.
    """
    try:
        text = read_metadata(source).decode("utf-8")
        groups = _json_groups(text) if source.suffix.lower() == ".json" else _text_groups(text)
    except (ValueError, RecursionError) as error:
        reason = shortened(str(error))
        raise FileFormatError(f"{source}: cannot be read ({reason}): get it again") from error
    if "PRODUCT_CONTENTS" not in groups:
        raise FileFormatError(
            f"{source}: is no metadata of Collection 2 (no PRODUCT_CONTENTS): get the product from "
            "Collection 2, or name the files of both sides (--target ... --guide ...)"
        )
    return {key: value for name in _GROUPS for key, value in groups.get(name, {}).items()}


def _json_groups(text: str) -> dict[str, dict[str, str]]:
    found: Any = json.loads(text)
    whole = found.get("LANDSAT_METADATA_FILE") if isinstance(found, dict) else None
    if not isinstance(whole, dict):
        return {}
    return {
        name: {key: str(value) for key, value in group.items()}
        for name, group in whole.items()
        if isinstance(group, dict)
    }


def _text_groups(text: str) -> dict[str, dict[str, str]]:
    """Return the values of every group of ``GROUP = NAME``, ``KEY = "value"``, ``END_GROUP``."""
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        key, value = found[1], found[2].strip('"')
        if key == "GROUP":
            current = groups.setdefault(value, {})
        elif key == "END_GROUP":
            current = {}
        else:
            current.setdefault(key, value)
    return groups
