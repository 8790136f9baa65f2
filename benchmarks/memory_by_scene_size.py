"""Peak memory and time of `gisr upscale`, whole command, by the size of the scene.

    python benchmarks/memory_by_scene_size.py --sides 1000 2000 4000
    python benchmarks/memory_by_scene_size.py --sides 20000 --sparse --max-memory 2GB
    python benchmarks/memory_by_scene_size.py --sides 12000 --sparse --max-memory 2GB --turned

Scenes are generated: four bands at ratio 4, 16 bits, deflate, blocks of 512; with --sparse all but
three blocks are missing, with --turned the target says that it lies turned by 10 degrees. Memory is
the peak of the whole command, libraries and weights included. The network runs on every tile with a
known pixel: full scenes take their time.
"""

import argparse
import tempfile
from pathlib import Path

import rasterio
from rasterio.transform import Affine
from whole_command import SHARPEN, run_measured, write_scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[1000, 2000, 4000])
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--turned", action="store_true")
    parser.add_argument("--max-memory")
    parser.add_argument("--threads", default="1")
    chosen = parser.parse_args()
    options = ["--threads", chosen.threads, "--device", "cpu"]
    if chosen.max_memory:
        options += ["--max-memory", chosen.max_memory]
    print("| side | peak MB | wall s | CPU s |\n|---|---|---|---|", flush=True)
    for side in chosen.sides:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = write_scene(folder, side, chosen.sparse)
            if chosen.turned:
                turn(files[0])
            words = [*SHARPEN, *map(str, files), "-o", str(folder / "out.tif"), *options]
            cost = run_measured(words, folder)
        print(
            f"| {side} | {cost.peak_bytes / 1e6:.0f} | {cost.seconds:.0f} "
            f"| {cost.cpu_seconds:.0f} |",
            flush=True,
        )


def turn(target: Path) -> None:
    """Turn a file around its middle by 10 degrees, in its georeference."""
    with rasterio.open(target, "r+") as dataset:
        middle = dataset.width / 2, dataset.height / 2
        there = dataset.transform @ Affine.translation(*middle) @ Affine.rotation(10)
        dataset.transform = there @ Affine.translation(-middle[0], -middle[1])


if __name__ == "__main__":
    main()
