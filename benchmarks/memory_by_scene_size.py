"""Peak memory and time of `gisr upscale`, whole command, by the size of the scene.

    python benchmarks/memory_by_scene_size.py --sides 1000 2000 4000
    python benchmarks/memory_by_scene_size.py --sides 20000 --sparse --max-memory 2GB

Each scene is generated: four bands at ratio 4, 16 bits, deflate, tiles of 512; with --sparse all
but three blocks are missing. Memory is the peak of the child process (wait4), libraries and
weights included. The network runs on every known pixel: full scenes take their time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

BLOCK = 512


def write_pair(folder: Path, side: int, sparse: bool) -> list[str]:
    rng = np.random.default_rng(0)
    for name, own, bands, size in (("ms", side // 4, 4, 2.0), ("pan", side, 1, 0.5)):
        block = BLOCK * own // side // 16 * 16
        profile = {
            "driver": "GTiff",
            "height": own,
            "width": own,
            "count": bands,
            "dtype": "uint16",
            "crs": "EPSG:32633",
            "transform": Affine(size, 0, 5e5, 0, -size, 4e6),
            "nodata": 0,
            "tiled": True,
            "blockxsize": block,
            "blockysize": block,
            "compress": "deflate",
            "sparse_ok": True,
            "photometric": "MINISBLACK",
        }
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as dataset:
            middle = own // 2 // block * block
            places = [(0, 0), (middle, middle), (middle, middle + block)]
            if not sparse:
                places = [(y, x) for y in range(0, own, block) for x in range(0, own, block)]
            for top, left in places:
                height, width = min(block, own - top), min(block, own - left)
                y, x = (np.mgrid[top : top + height, left : left + width] + 0.5) * size
                relief = 600 + 200 * np.sin(x / 7) + 150 * np.cos(y / 11 + x / 40)
                stack = np.stack([relief * (1 + band / 10) for band in range(bands)])
                noisy = stack + rng.normal(0, 10, (1, height, width))
                place = Window(left, top, width, height)
                dataset.write(noisy.astype(np.uint16), window=place)
    return [str(folder / "ms.tif"), str(folder / "pan.tif")]


def measure(files: list[str], output: Path, options: list[str]) -> tuple[float, float, float]:
    words = [sys.executable, "-m", "gisr", "upscale", *files, "-o", str(output), *options]
    began = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)  # its own usage, not that of the largest child so far
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"gisr upscale ended with {child.returncode}")
    return used.ru_maxrss / 1024, time.perf_counter() - began, used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[1000, 2000, 4000])
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--max-memory")
    parser.add_argument("--threads", default="1")
    chosen = parser.parse_args()
    options = ["--threads", chosen.threads, "--device", "cpu"]
    if chosen.max_memory:
        options += ["--max-memory", chosen.max_memory]
    print("| side | peak MB | wall s | CPU s |\n|---|---|---|---|", flush=True)
    for side in chosen.sides:
        with tempfile.TemporaryDirectory() as folder:
            files = write_pair(Path(folder), side, chosen.sparse)
            peak, wall, spent = measure(files, Path(folder) / "out.tif", options)
        print(f"| {side} | {peak:.0f} | {wall:.0f} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
