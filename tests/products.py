"""Products of Sentinel-2 and Landsat that tests write: real layout and names, small images."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.geotiffs import write_geotiff

ORIGIN = (399_960.0, 5_700_000.0)
"""Of a tile: easting and northing of its upper left corner, in UTM 33 N."""
SENTINEL_BANDS = (
    *("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"),
)
_NANOMETRES = (442.3, 492.3, 559, 665, 703.8, 739.1, 779.7, 833, 864, 943.2, 1376.9, 1610.4, 2185.7)
"""Of Sentinel-2B, as its metadata has them."""
_NATIVE = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B01": 60, "B09": 60, "B10": 60}
TILE, SENSED = "T33UUB", "20230823T095559"


def level(band: str) -> int:
    """Return the mean of a band's values: no two bands have the same."""
    return 1500 + 400 * SENTINEL_BANDS.index(band)


def landscape(side: int, size: float, mean: float) -> NDArray[np.uint16]:
    """Return one landscape, sampled at pixel centres of ``size`` metres, around a mean."""
    y, x = np.mgrid[:side, :side] * size + size / 2
    relief = np.sin(x / 61) * np.cos(y / 47) + 0.5 * np.sin((x + 2 * y) / 90)
    return (mean * (1 + 0.05 * relief)).round().astype(np.uint16)[..., None]


def write_jpeg2000(path: Path, pixels: NDArray[Any], size: float, **profile: Any) -> Path:
    """Write a band as agencies do: JPEG 2000 without loss, 15 bits."""
    path.unlink(missing_ok=True)  # rasterio would open what it replaces
    path.parent.mkdir(parents=True, exist_ok=True)
    usual = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "NBITS": "15"}
    given = usual | {"origin": ORIGIN, "photometric": None, "alpha": None} | profile
    return write_geotiff(path, pixels, size, **given)


def write_safe(
    folder: Path,
    kind: str = "L2A",
    *,
    baseline: str = "05.09",
    side: int = 120,
    classes: NDArray[np.uint8] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Path:
    """Write a ``.SAFE`` folder, and return it.

    Args:
        folder: Where.
        kind: L1C or L2A.
        baseline: Of the processing; from 04.00 on values have an offset.
        side: Pixels of a side at 10 m, a multiple of 6.
        classes: Scene classes at 20 m; all land when None.
        changes: Texts of the metadata, and what stands in their place.
    """
    number = baseline.replace(".", "")
    name = f"S2B_MSI{kind}_{SENSED}_N{number}_R122_{TILE}_20230823T124759.SAFE"
    safe, granule = folder / name, f"GRANULE/{kind}_{TILE}_A033753_20230823T095553/IMG_DATA"
    images: list[str] = []
    for band in SENTINEL_BANDS:
        native = _NATIVE.get(band, 20)
        if kind == "L1C":
            images.append(f"{granule}/{TILE}_{SENSED}_{band}")
            _write_band(safe / f"{images[-1]}.jp2", side, native, level(band))
            continue
        for metres in (10, 20, 60) if band != "B10" else ():
            if metres >= native and not (band == "B08" and metres > 10):
                images.append(f"{granule}/R{metres}m/{TILE}_{SENSED}_{band}_{metres}m")
                # What is not at its own resolution has values that no test expects.
                mean = level(band) if metres == native else 12_000
                _write_band(safe / f"{images[-1]}.jp2", side, metres, mean)
    if kind == "L2A":
        images += [f"{granule}/R{m}m/{TILE}_{SENSED}_{x}_{m}m" for m in (10, 20) for x in _OTHERS]
        if classes is None:
            classes = np.full((side // 2, side // 2), 4, np.uint8)
        images.append(f"{granule}/R20m/{TILE}_{SENSED}_SCL_20m")
        write_jpeg2000(safe / f"{images[-1]}.jp2", classes[..., None], 20, NBITS=None)
    text = _safe_metadata(kind, baseline, images, name)
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    (safe / f"MTD_MSI{kind}.xml").write_text(text, encoding="utf-8")
    return safe


_OTHERS = ("TCI", "AOT", "WVP")
"""Images of level 2A that are listed too; none is written."""


def _write_band(path: Path, side: int, metres: int, mean: float) -> None:
    write_jpeg2000(path, landscape(side * 10 // metres, metres, mean), metres)


def _safe_metadata(kind: str, baseline: str, images: Sequence[str], name: str) -> str:
    offsets = ""
    tag = "RADIO_ADD_OFFSET" if kind == "L1C" else "BOA_ADD_OFFSET"
    parent = "Radiometric_Offset_List" if kind == "L1C" else "BOA_ADD_OFFSET_VALUES_LIST"
    if baseline >= "04.00":
        rows = "".join(f'<{tag} band_id="{number}">-1000</{tag}>' for number in range(13))
        offsets = f"<{parent}>{rows}</{parent}>"
    value = '<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>'
    if kind == "L2A":
        value = value.replace("QUANTIFICATION", "BOA_QUANTIFICATION")
        value = f"<QUANTIFICATION_VALUES_LIST>{value}</QUANTIFICATION_VALUES_LIST>"
    spectra = "".join(
        f'<Spectral_Information bandId="{number}" physicalBand="{band.replace("B0", "B")}">'
        f"<RESOLUTION>{_NATIVE.get(band, 20)}</RESOLUTION><Wavelength>"
        f'<CENTRAL unit="nm">{_NANOMETRES[number]}</CENTRAL></Wavelength></Spectral_Information>'
        for number, band in enumerate(SENTINEL_BANDS)
    )
    listed = "".join(f"<IMAGE_FILE>{image}</IMAGE_FILE>" for image in images)
    long = {"L1C": "Level-1C", "L2A": "Level-2A"}[kind]
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:{long}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_{long}.xsd">
<n1:General_Info><Product_Info><PRODUCT_URI>{name}</PRODUCT_URI>
<PROCESSING_LEVEL>{long}</PROCESSING_LEVEL>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<Product_Organisation><Granule_List><Granule imageFormat="JPEG2000">{listed}</Granule>
</Granule_List></Product_Organisation></Product_Info><Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
{value}{offsets}<Spectral_Information_List>{spectra}</Spectral_Information_List>
</Product_Image_Characteristics></n1:General_Info></n1:{long}_User_Product>
"""


def landsat_level(band: str) -> int:
    """Return the mean of a Landsat band's values."""
    return 6000 + 1500 * int(band)


def write_landsat(
    folder: Path,
    identifier: str = "LC08_L1TP_190030_20200615_20200823_02_T1",
    *,
    side: int = 60,
    metadata: str = "txt",
    quality: NDArray[np.uint16] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Path:
    """Write a folder of Collection 2, and return it.

    Args:
        folder: Where.
        identifier: Name of the product; level 2 has no panchromatic band.
        side: Pixels of a side at 30 m.
        metadata: ``txt`` or ``json``.
        quality: QA_PIXEL at 30 m; all clear when None.
        changes: Texts of the metadata, and what stands in their place.
    """
    product = folder / identifier
    product.mkdir(parents=True)
    seven, two = identifier.startswith("LE07"), "_L2" in identifier
    bands = ("1", "2", "3", "4", "5", "7") if seven else ("1", "2", "3", "4", "5", "6", "7")
    dtype = np.uint8 if seven else np.uint16
    names: dict[str, str] = {}
    for band in bands:
        names[f"FILE_NAME_BAND_{band}"] = f"{identifier}_{'SR_' if two else ''}B{band}.TIF"
        pixels = landscape(side, 30, 20 * int(band) if seven else landsat_level(band))
        pixels[:3] = 0  # the black margin
        _write(product / names[f"FILE_NAME_BAND_{band}"], pixels.astype(dtype), 30, ORIGIN)
    if not two:
        names["FILE_NAME_BAND_8"] = f"{identifier}_B8.TIF"
        pixels = landscape(2 * side, 15, 160 if seven else landsat_level("8"))
        # The panchromatic grid begins half of its own pixel further in.
        _write(
            product / names["FILE_NAME_BAND_8"],
            pixels.astype(dtype),
            15,
            (ORIGIN[0] + 7.5, ORIGIN[1] - 7.5),
        )
    names["FILE_NAME_BAND_6_VCID_1" if seven else "FILE_NAME_BAND_10"] = f"{identifier}_B10.TIF"
    names["FILE_NAME_QUALITY_L1_PIXEL"] = f"{identifier}_QA_PIXEL.TIF"
    clear = np.full((side, side), 21824, np.uint16) if quality is None else quality
    _write(product / names["FILE_NAME_QUALITY_L1_PIXEL"], clear[..., None], 30, ORIGIN, nodata=1)
    text = _landsat_metadata(identifier, names, metadata)
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    (product / f"{identifier}_MTL.{metadata}").write_text(text, encoding="utf-8")
    return product


def _write(path: Path, pixels: NDArray[Any], size: float, origin: Any, **profile: Any) -> None:
    write_geotiff(path, pixels, size, origin=origin, **{"nodata": 0, **profile})


def _landsat_metadata(identifier: str, names: Mapping[str, str], kind: str) -> str:
    satellite = f"LANDSAT_{int(identifier[2:4])}"
    reflectance = {
        f"REFLECTANCE_{what}_BAND_{band}": value
        for what, value in (("MULT", "2.0000E-05"), ("ADD", "-0.100000"))
        for band in range(1, 9)
    }
    groups: dict[str, dict[str, str]] = {
        "PRODUCT_CONTENTS": {
            "LANDSAT_PRODUCT_ID": identifier,
            "PROCESSING_LEVEL": identifier.split("_")[1],
            "COLLECTION_NUMBER": "02",
            **names,
        },
        "IMAGE_ATTRIBUTES": {"SPACECRAFT_ID": satellite, "SENSOR_ID": "OLI_TIRS"},
        "LEVEL1_PROCESSING_RECORD": {"FILE_NAME_BAND_4": "of_another_level_B4.TIF"},
        "LEVEL1_RADIOMETRIC_RESCALING": reflectance,
    }
    if kind == "json":
        return json.dumps({"LANDSAT_METADATA_FILE": groups})
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, values in groups.items():
        quoted = (f'    {key} = "{value}"' for key, value in values.items())
        lines += [f"  GROUP = {group}", *quoted, f"  END_GROUP = {group}"]
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])
