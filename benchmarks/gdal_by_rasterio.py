"""GDAL's pansharpening by the library inside rasterio, where gdal_pansharpen.py is not installed.

    python benchmarks/gdal_by_rasterio.py PAN MS OUT THREADS

As that command does: equal weights, cubic resampling, a VRT that is copied to a deflated, tiled
GeoTIFF.
"""

import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import rasterio
import rasterio.shutil


def pansharpen(pan: str, multispectral: str, output: str, threads: int) -> None:
    """Write the pansharpened image."""
    with rasterio.open(multispectral) as dataset:
        bands = dataset.count
    sources = "".join(
        f'<SpectralBand dstBand="{band}"><SourceFilename relativeToVRT="0">'
        f"{escape(multispectral)}</SourceFilename><SourceBand>{band}</SourceBand></SpectralBand>"
        for band in range(1, bands + 1)
    )
    description = (
        '<VRTDataset subClass="VRTPansharpenedDataset"><PansharpeningOptions>'
        "<Algorithm>WeightedBrovey</Algorithm><Resampling>Cubic</Resampling>"
        f"<NumThreads>{threads}</NumThreads>"
        f'<PanchroBand><SourceFilename relativeToVRT="0">{escape(pan)}</SourceFilename>'
        f"<SourceBand>1</SourceBand></PanchroBand>{sources}</PansharpeningOptions></VRTDataset>"
    )
    with tempfile.TemporaryDirectory() as folder:
        virtual = Path(folder) / "pansharpened.vrt"
        virtual.write_text(description, encoding="utf-8")
        rasterio.shutil.copy(virtual, output, driver="GTiff", COMPRESS="DEFLATE", TILED="YES")


if __name__ == "__main__":
    pansharpen(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
