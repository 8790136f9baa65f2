"""Time of one scene on one, then two Dask workers of one thread each, on two free cores.

    python benchmarks/dask_workers.py --side 3000 --workers 1 2

The scene is generated: four bands at ratio 4. What is timed is the computation of all tiles, by
the clock; workers have started and loaded their libraries before, and what the call itself looks
for, the value range, the prompt and the shift, is stated apart. Let nothing else run.
"""

import argparse
import tempfile
import time
from pathlib import Path

import dask.array as da
import numpy as np
import rasterio
from distributed import Client, LocalCluster
from whole_command import write_scene

import gisr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=3000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        target, guide = map(chunked, write_scene(Path(name), chosen.side))
    print("| workers | the call, s | all tiles, s | of the first |\n|---|---|---|---|", flush=True)
    first = None
    for workers in chosen.workers:
        call, tiles = seconds(workers, target, guide)
        first = first or tiles
        print(f"| {workers} | {call:.1f} | {tiles:.1f} | {tiles / first:.2f} |", flush=True)


def chunked(path: Path) -> da.Array:
    """Return an image, its bands last, in chunks of 900 guide pixels and what they show."""
    with rasterio.open(path) as dataset:
        pixels = np.moveaxis(dataset.read(), 0, -1)
    return da.from_array(pixels, chunks=(900 if pixels.shape[2] == 1 else 225, "auto", -1))


def seconds(workers: int, target: da.Array, guide: da.Array) -> tuple[float, float]:
    """Return how long the call and the computation of its tiles take by the clock."""
    upscaler = gisr.load_model(device="cpu")
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(warm)
        began = time.perf_counter()
        sharp = gisr.upscale_dask(upscaler, target, guide, "pansharpening", sensor="WorldView-3")
        called = time.perf_counter()
        client.compute(sharp.sum()).result()
        return called - began, time.perf_counter() - called


def warm() -> None:
    """Have a worker load what it needs, with one thread."""
    import torch

    import gisr

    torch.set_num_threads(1)
    noise = np.random.default_rng(0).random((32, 32)).astype("float32")
    gisr.load_model(device="cpu")(noise, np.kron(noise, np.ones((4, 4), "float32")), task="depth")


if __name__ == "__main__":
    main()
