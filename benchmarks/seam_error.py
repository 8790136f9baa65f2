"""How much tiles change the result: tiled against untiled, on real satellite pairs.

    python benchmarks/seam_error.py ../shared/data
    python benchmarks/seam_error.py ../shared/data/index_more.json --names s2_dsen2_t33uub

The untiled result is the network on the whole image at once. Differences are relative to what the
network adds to the interpolated image (root mean squares), and as PSNR of the sensor's range.
*Steps there* compares how the difference varies from one pixel to the next where tiles overlap and
elsewhere: 1 where no seam can be seen. *Computed* is how many times the pixels of the image go
through the network.
"""

import argparse
from pathlib import Path

import numpy as np

from gisr.datasets.entry import Scene
from gisr.datasets.sources import read_entries
from gisr.inference.array_pair import make_pair
from gisr.inference.tiling import TilePlan
from gisr.inference.upscaler import Upscaler
from gisr.weights.store import load_weights

NAMES = ("l7_19", "l7_22", "l8_12", "decri_qb", "whu_qb_yichang_r3c7")


def root(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def seams(plan: TilePlan) -> np.ndarray:
    """Return which pixels lie where tiles overlap."""
    times = np.zeros((plan.height, plan.width), int)
    for window in plan.windows():
        times[window] += 1
    return times > 1


def steps(difference: np.ndarray, near: np.ndarray) -> float:
    """Return how much a difference varies from pixel to pixel at seams, relative to elsewhere.

    A seam that can be seen is a step: 1 means that there is none.
    """
    inside, outside = [], []
    for axis in (0, 1):
        step = np.diff(difference, axis=axis)
        here = np.take(near, range(step.shape[axis]), axis)
        inside.append(step[here].ravel())
        outside.append(step[~here].ravel())
    return root(np.concatenate(inside)) / root(np.concatenate(outside))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--tiles", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--overlaps", type=int, nargs="+", default=[0, 32])
    chosen = parser.parse_args()
    weights = load_weights(None)
    print(
        "| pair | tile | overlap | computed | all pixels | where tiles overlap | steps there "
        "| PSNR (dB) |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for entry in read_entries(chosen.data):
        if not isinstance(entry, Scene) or entry.name not in chosen.names:
            continue
        ratio = round(entry.panchromatic.shape[0] / entry.multispectral.shape[0])
        side = 800 // ratio
        low, high = entry.multispectral[:side, :side], entry.panchromatic[: side * ratio]
        high = high[:, : low.shape[1] * ratio]
        pair = make_pair(low, high, entry.task, sensor=entry.sensor)
        whole = Upscaler(weights, "cpu", tile=1024).answer(pair).image
        added = root(whole - pair.on_guide_grid())
        peak = float(whole.max()) if entry.bits is None else 2.0**entry.bits - 1
        for tile in chosen.tiles:
            for overlap in chosen.overlaps:
                upscaler = Upscaler(weights, "cpu", tile=tile, overlap=overlap)
                difference = upscaler.answer(pair).image - whole
                rows, columns = whole.shape[:2]
                plan = upscaler.plan(rows, columns)
                near = seams(
                    TilePlan(rows, columns, tile, max(overlap, 8), plan.align, fitted=True)
                )
                computed = sum(np.empty((rows, columns))[window].size for window in plan.windows())
                print(
                    f"| {entry.name} | {tile} | {overlap} | {computed / (rows * columns):.2f} "
                    f"| {root(difference) / added:.1%} "
                    f"| {root(difference[near]) / added:.1%} "
                    f"| {steps(difference, near):.2f} "
                    f"| {20 * np.log10(peak / root(difference)):.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
