"""What an output keeps of a multispectral GeoTIFF: how it is stored, what it says of itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_STALE_TAGS = {
    "AREA_OR_POINT",
    "TIFFTAG_SOFTWARE",
    "TIFFTAG_XRESOLUTION",
    "TIFFTAG_YRESOLUTION",
    "TIFFTAG_RESOLUTIONUNIT",
    "NODATA_VALUES",
}
LAYOUT: Mapping[str, Any] = {
    "interleave": "band",
    "compress": "deflate",
    "tiled": True,
    "blockxsize": 256,
    "blockysize": 256,
}
"""How bands that were delivered in files of their own, or as JPEG 2000, are stored together."""
_OWN_DOMAINS = {
    "",
    "IMAGE_STRUCTURE",
    "DERIVED_SUBDATASETS",
    "SUBDATASETS",
    "RPC",
    "GEOLOCATION",
    "EXIF",
}
"""Domains that speak of the file itself or of its own grid."""


def lasting_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Drop tags about the file's own grid, statistics, writer and marks of unknown pixels."""
    return {
        key: text
        for key, text in tags.items()
        if key not in _STALE_TAGS
        and not key.startswith("STATISTICS_")
        # tifffile notes the array's shape here and believes it when it reads the file again
        and not (key == "TIFFTAG_IMAGEDESCRIPTION" and text.startswith('{"shape"'))
    }


def lasting_domains(dataset: "DatasetReader", band: int = 0) -> dict[str, dict[str, str]]:
    """Return the tags of all domains that stay true on another grid, by domain.

    Args:
        dataset: An open file.
        band: The band whose tags they are, from 1; 0 for those of the file.
    """
    names = {name for name in dataset.tag_namespaces(band) if not name.startswith("xml:")}
    return {name: dict(dataset.tags(band, ns=name)) for name in sorted(names - _OWN_DOMAINS)}


def lossy_options(dataset: "DatasetReader") -> dict[str, str]:
    """Return the creation options of a compression that changes values; nothing of another.

    JPEG 2000 is no compression of a GeoTIFF: nothing of it is copied.
    """
    if dataset.driver != "GTiff":
        return {}
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    codec = str(dataset.profile.get("compress", "none")).upper()
    quality = [name for name in ("JPEG_QUALITY", "WEBP_LEVEL", "MAX_Z_ERROR") if name in structure]
    lossy = structure.get("COMPRESSION_REVERSIBILITY", "").startswith("LOSSY")
    if codec != "JPEG" and "MAX_Z_ERROR" not in structure and not lossy:
        return {}
    return {"COMPRESS": codec, **{name: structure[name] for name in quality}}


def copied_options(dataset: "DatasetReader") -> dict[str, Any]:
    """Return the creation options that reproduce compression, tiling and interleaving of a file.

    A compression with loss becomes DEFLATE: it is made for what the file shows, and would blur the
    detail that is added to it.
    """
    if dataset.driver != "GTiff":
        predictor = 3 if "float" in dataset.dtypes[0] else 2
        return {**LAYOUT, "predictor": predictor}
    options: dict[str, Any] = {"interleave": dataset.profile.get("interleave", "pixel")}
    structure = {**dataset.tags(ns="IMAGE_STRUCTURE"), **dataset.tags(1, ns="IMAGE_STRUCTURE")}
    codec = str(dataset.profile.get("compress", "")).lower()
    if codec:
        options["compress"] = codec
    if codec == "webp":
        options["webp_lossless"] = True
    if dataset.profile.get("tiled"):
        rows, columns = dataset.block_shapes[0]
        options |= {"tiled": True, "blockxsize": columns, "blockysize": rows}
    floats = "float" in dataset.dtypes[0]
    if "NBITS" in structure and not floats:
        options["nbits"] = int(structure["NBITS"])
    elif "PREDICTOR" in structure:  # GDAL allows none with odd bit counts
        options["predictor"] = int(structure["PREDICTOR"])
    if lossy_options(dataset):
        options.pop("webp_lossless", None)
        options["compress"] = "deflate"
        if "nbits" not in options:
            options["predictor"] = 3 if floats else 2
    return options
