"""How much of what it has decoded GDAL may keep."""

from collections.abc import Iterator
from contextlib import contextmanager

from gisr.optional_imports import load_extra


@contextmanager
def geotiff_memory(cache: int) -> Iterator[None]:
    """Let GDAL keep at most ``cache`` bytes of decoded blocks; left alone, 5 % of the machine."""
    with load_extra("rasterio", "geo").Env(GDAL_CACHEMAX=max(cache, 2**20)):
        yield
