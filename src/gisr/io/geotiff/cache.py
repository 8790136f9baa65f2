"""How much of what it has decoded GDAL may keep."""

from collections.abc import Iterator
from contextlib import contextmanager

from gisr.optional_imports import load_extra


@contextmanager
def geotiff_memory(cache: int, threads: int = 1) -> Iterator[None]:
    """Let GDAL keep at most ``cache`` bytes of decoded blocks; left alone, 5 % of the machine.

    Args:
        cache: Bytes.
        threads: That GDAL compresses and decodes blocks of GeoTIFFs in; the files are the same.
    """
    own = {"GDAL_NUM_THREADS": str(threads)} if threads > 1 else {}
    with load_extra("rasterio", "geo").Env(GDAL_CACHEMAX=max(cache, 2**20), **own):
        yield
