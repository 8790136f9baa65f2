"""What one tile or strip of a TIFF unpacks to is known before it is unpacked, whoever reads it."""

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.geotiffs import write_geotiff

from gisr.errors import FileFormatError, LimitError
from gisr.io.colour import colour_shape, read_colour
from gisr.io.depth.maps import read_depth
from gisr.io.geotiff import read_geotiff, read_header
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.tiff_blocks import check_tiff_blocks

Bound = Callable[[float], AbstractContextManager[None]]
rasterio = pytest.importorskip("rasterio")


def one_tile(path: Path, side: int, samples: int = 1, bits: int = 8, order: str = "<") -> Path:
    """Write a sparse picture of 16 x 16 pixels in one deflated tile, with its bytes in an order."""
    photometric = 2 if samples == 3 else 1
    tags = [(256, 16), (257, 16), (258, bits), (259, 8), (262, photometric), (277, samples)]
    tags += [(284, 1), (322, side), (323, side), (324, 0), (325, 0)]
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    path.write_bytes(start + struct.pack(order + "H", len(tags)) + entries + bytes(4))
    return path


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("read", [read_geotiff, read_header, read_depth, read_colour, colour_shape])
def test_a_sparse_tile_of_gigabytes_is_refused_unread(
    tmp_path: Path, quick_and_small: Bound, read: Callable[[Path], object], order: str
) -> None:
    samples = 3 if "colour" in read.__name__ else 1
    path = one_tile(tmp_path / "a.tif", 32_768, samples, order=order)
    assert path.stat().st_size < 372
    with suppress(FileFormatError):  # libraries are loaded; some read nothing that is sparse
        read(one_tile(tmp_path / "small.tif", 16, samples, order=order))
    with quick_and_small(20), pytest.raises(LimitError, match=r"a\.tif: claims .*TILED=YES"):
        read(path)


def test_masks_and_overviews_count(tmp_path: Path) -> None:
    for suffix in (".msk", ".ovr"):
        path = write_geotiff(tmp_path / f"{suffix[1:]}.tif", np.ones((16, 16, 1), np.uint8))
        one_tile(path.with_name(path.name + suffix), 32_768)
        with pytest.raises(LimitError, match=rf"\{suffix}: claims \d+ bytes of one tile"):
            read_header(path)
    path = write_geotiff(tmp_path / "inside.tif", np.ones((16, 16, 1), np.uint8))
    with rasterio.open(path, "r+", GDAL_TIFF_INTERNAL_MASK=True) as dataset:
        dataset.build_overviews([2])
    read_header(path, Limits(max_block_bytes=128 * 128))
    with pytest.raises(LimitError, match="claims 16384 bytes of one tile"):
        read_header(path, Limits(max_block_bytes=128 * 128 - 1))


def test_sizes_are_those_of_tifffile(tmp_path: Path) -> None:
    image = np.zeros((70, 50, 3), np.uint16)
    layouts: tuple[dict[str, Any], ...] = (
        {"tile": (32, 48), "compression": "zlib"},
        {"tile": (32, 48), "compression": "zlib", "bigtiff": True},
        {"tile": (32, 48), "compression": "zlib", "byteorder": ">"},
        {"rowsperstrip": 70, "compression": "zlib"},
        {"rowsperstrip": 999, "compression": "zlib"},
        {"tile": (32, 48), "planarconfig": "separate"},
    )
    for number, more in enumerate(layouts):
        path = tmp_path / f"{number}.tif"
        data = image if "planarconfig" not in more else np.moveaxis(image, -1, 0)
        tifffile.imwrite(path, data, photometric="rgb", **more)
        rows, columns = more.get("tile", (70, 50))
        size = rows * columns * 2 * (1 if "planarconfig" in more else 3)
        check_tiff_blocks(path, Limits(max_block_bytes=size))
        with pytest.raises(LimitError, match=f"claims {size} bytes"):
            check_tiff_blocks(path, Limits(max_block_bytes=size - 1))


def test_one_strip_that_is_not_compressed_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, np.ones((64, 64), np.uint16), rowsperstrip=64)
    assert read_depth(path, limits=Limits(max_block_bytes=128)).shape == (64, 64)
    check_tiff_blocks(path, Limits(max_block_bytes=128))


def test_directories_without_end_and_damaged_ones_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + struct.pack("<IHI", 8, 0, 8))  # the next is itself
    check_tiff_blocks(path, DEFAULT_LIMITS)
    whole = one_tile(tmp_path / "b.tif", 32_768).read_bytes()
    for length in range(0, 60):
        path.write_bytes(whole[:length])
        check_tiff_blocks(path, DEFAULT_LIMITS)
