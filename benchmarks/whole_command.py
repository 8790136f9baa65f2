"""Time and peak memory of whole commands, and generated satellite pairs to run them on."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from jaxtyping import Shaped
from rasterio.transform import Affine
from rasterio.windows import Window

BLOCK = 512
SHARPEN = (sys.executable, "-m", "gisr", "upscale")
"""The command that all of this is about."""
_LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
found = {"seconds": time.perf_counter() - began, "status": os.waitstatus_to_exitcode(status)}
found |= {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * 1024}
with open(sys.argv[1], "w") as report:
    json.dump(found, report)
"""
"""A small process starts the command: Linux counts what the starter holds as the child's, too."""


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    seconds: float
    """By the clock; on a machine that other work shares it says little."""
    cpu_seconds: float
    """Of all its threads and children."""
    peak_bytes: int


def run_measured(
    words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command, stop if it fails, and return what it took (Linux).

    Args:
        words: The command; its first word with the full path.
        folder: Takes the report of the launcher.
        environment: In place of this process's own.
    """
    report = folder / "cost.json"
    done = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, str(report), *words],
        capture_output=True,
        text=True,
        env=environment,
    )
    found = json.loads(report.read_text()) if done.returncode == 0 else {"status": done.returncode}
    if found.pop("status"):
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return Cost(**found)


def write_raster(
    path: Path, pixels: Shaped[np.ndarray, "H W bands"], metres: float, **options: object
) -> Path:
    """Write a GeoTIFF whose north-west corner is the same for all, with square pixels."""
    profile = _profile(pixels.shape[:2], pixels.shape[2], metres) | {"dtype": pixels.dtype.name}
    with rasterio.open(path, "w", **(profile | options)) as dataset:
        dataset.write(np.moveaxis(pixels, -1, 0))
    return path


def write_scene(folder: Path, side: int, sparse: bool = False) -> tuple[Path, Path]:
    """Write a generated pair: four bands at ratio 4, 16 bits, deflate, blocks of 512.

    Args:
        folder: Takes ``ms.tif`` and ``pan.tif``.
        side: Of the guide in pixels, a multiple of 4.
        sparse: Leave out all blocks but three.
    """
    rng = np.random.default_rng(0)
    for name, own, bands, metres in (("ms", side // 4, 4, 2.0), ("pan", side, 1, 0.5)):
        block = BLOCK * own // side
        layout = {"tiled": True, "blockxsize": block, "blockysize": block, "sparse_ok": True}
        profile = _profile((own, own), bands, metres) | {"dtype": "uint16", "compress": "deflate"}
        with rasterio.open(folder / f"{name}.tif", "w", nodata=0, **profile, **layout) as dataset:
            middle = own // 2 // block * block
            places = [(0, 0), (middle, middle), (middle, middle + block)]
            if not sparse:
                places = [(y, x) for y in range(0, own, block) for x in range(0, own, block)]
            for top, left in places:
                height, width = min(block, own - top), min(block, own - left)
                y, x = (np.mgrid[top : top + height, left : left + width] + 0.5) * metres
                relief = 600 + 200 * np.sin(x / 7) + 150 * np.cos(y / 11 + x / 40)
                stack = np.stack([relief * (1 + band / 10) for band in range(bands)])
                noisy = stack + rng.normal(0, 10, (1, height, width))
                place = Window(left, top, width, height)
                dataset.write(noisy.astype(np.uint16), window=place)
    return folder / "ms.tif", folder / "pan.tif"


def _profile(shape: tuple[int, int], bands: int, metres: float) -> dict[str, object]:
    return {
        "driver": "GTiff",
        "height": shape[0],
        "width": shape[1],
        "count": bands,
        "crs": "EPSG:32633",
        "transform": Affine(metres, 0, 5e5, 0, -metres, 4e6),
        "photometric": "MINISBLACK",
    }
