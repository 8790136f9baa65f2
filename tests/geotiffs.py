"""GeoTIFFs that tests write with rasterio alone, so that our own writer is not its own judge."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BGRN = ("blue", "green", "red", "nir")


def write_geotiff(
    path: Path,
    pixels: NDArray[Any],
    size: float = 10.0,
    *,
    origin: tuple[float, float] = (500_000.0, 4_000_000.0),
    names: Sequence[str] = (),
    **profile: Any,
) -> Path:
    """Write rows, columns and bands, and return the path.

    Args:
        path: The file.
        pixels: Their type is the file's.
        size: Of a pixel in metres.
        origin: Easting and northing of the upper left corner, in UTM 33 N.
        names: Descriptions of the bands.
        profile: Anything else that rasterio takes, or in place of what is here; None leaves out.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    usual = {
        "driver": "GTiff",
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "count": pixels.shape[2],
        "dtype": pixels.dtype.name,
        "crs": "EPSG:32633",
        # Else GDAL takes the fourth band of 8 bits for transparency.
        "photometric": "MINISBLACK",
        "alpha": "UNSPECIFIED",
        "transform": rasterio.Affine(size, 0.0, origin[0], 0.0, -size, origin[1]),
    }
    given = {key: value for key, value in (usual | profile).items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **given) as dataset:
            dataset.write(np.moveaxis(pixels, -1, 0))
            for number, name in enumerate(names, 1):
                dataset.set_band_description(number, name)
    return path


def declare_band_nodata(path: Path, *values: float | None) -> Path:
    """Declare nodata of each band beside a GeoTIFF without any, as gdal_translate does of a VRT."""
    bands = (
        f'<PAMRasterBand band="{band}"><NoDataValue>{value}</NoDataValue></PAMRasterBand>'
        for band, value in enumerate(values, 1)
        if value is not None
    )
    text = f"<PAMDataset>{''.join(bands)}</PAMDataset>"
    Path(f"{path}.aux.xml").write_text(text, encoding="utf-8")
    return path
