"""Which filling of a depth map's holes is closest to the truth, with and without the network.

    python benchmarks/fill_holes.py ../shared/data

Complete disparity maps (Middlebury 2005, at half size, 256 x 256 of their middle) are reduced by 4
and get holes of 10, 20 and 30 %: blobs as dark or shiny surfaces leave them, and ragged bands on
the far side of edges, as a second camera or a projector that does not see there. Each filling sees
the reduced map and the colours at its size. The result at full size, by bicubic interpolation or by
the network, is compared inside the holes: RMSE in pixels of the full-size disparity, mean over
frames. The last columns are the pixels outside, and the time of filling alone.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage
from skimage.restoration import inpaint_biharmonic

from gisr.data.degradations import fill_holes, pillow_reduce
from gisr.data.pair import Pair
from gisr.data.resample import resize_pillow
from gisr.datasets.entry import Frame
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.hole_filling import fill_by_guide
from gisr.inference.loading import load_model
from gisr.placement import Placement

RATIO, SIDE = 4, 256
SHARES = (0.1, 0.2, 0.3)
Array = np.ndarray
Filling = Callable[[Array, Array, Array], Array]
"""Takes values, where they are known, and 8-bit colours of the same size."""


def nearest(values: Array, known: Array, colour: Array) -> Array:
    return fill_holes(values, known)


def inpainted(method: int) -> Filling:
    return lambda values, known, colour: cv2.inpaint(values, (~known).astype(np.uint8), 3, method)


def biharmonic(values: Array, known: Array, colour: Array) -> Array:
    filled = inpaint_biharmonic(values, ~known, split_into_regions=True)
    clipped: Array = np.clip(filled, values[known].min(), values[known].max())
    return clipped.astype(np.float32)


def guided(values: Array, known: Array, colour: Array) -> Array:
    """Return the nearest filling, smoothed by the guided filter inside the holes."""
    smooth = cv2.ximgproc.guidedFilter(colour, fill_holes(values, known), 8, 30.0)
    return np.where(known, values, smooth)


def global_smoother(values: Array, known: Array, colour: Array) -> Array:
    """Return what the fast global smoother makes of the values, over what it makes of the mask."""
    smoother = cv2.ximgproc.createFastGlobalSmootherFilter(colour, 100.0, 4.0)
    weight = smoother.filter(known.astype(np.float32))
    spread = smoother.filter(np.where(known, values, 0).astype(np.float32))
    filled = np.where(weight > 1e-6, spread / np.maximum(weight, 1e-6), fill_holes(values, known))
    return np.where(known, values, filled).astype(np.float32)


def harmonic(values: Array, known: Array, colour: Array) -> Array:
    same = Placement.from_grid("centre", values.shape, values.shape)
    return fill_by_guide(values, known, colour.astype(np.float32), same)


FILLINGS: dict[str, Filling] = {
    "nearest known": nearest,
    "OpenCV inpaint, Telea": inpainted(cv2.INPAINT_TELEA),
    "OpenCV inpaint, Navier-Stokes": inpainted(cv2.INPAINT_NS),
    "scikit-image biharmonic": biharmonic,
    "OpenCV guided filter": guided,
    "OpenCV fast global smoother": global_smoother,
    "harmonic, tied by colour (gisr)": harmonic,
}
WITH_NETWORK = ("nearest known", "OpenCV fast global smoother", "harmonic, tied by colour (gisr)")


def blobs(depth: Array, share: float, random: np.random.Generator) -> Array:
    field = ndimage.gaussian_filter(random.standard_normal(depth.shape), SIDE / 30)
    holes: Array = field <= np.quantile(field, share)
    return holes


def shadows(depth: Array, share: float, random: np.random.Generator) -> Array:
    """Return bands on the far side (small disparity) of edges, nearest to the edge first."""
    step = 0.02 * np.ptp(depth)
    edge = ndimage.grey_dilation(depth, size=3) - ndimage.grey_erosion(depth, size=3) > step
    ragged = ndimage.gaussian_filter(random.standard_normal(depth.shape), 3)
    behind = ndimage.grey_dilation(depth, size=SIDE // 8 + 1) - depth > step
    distance = ndimage.distance_transform_edt(~edge) + 0.5
    order = np.where(behind, 0, SIDE) + distance * (1 + 0.3 * ragged / ragged.std())
    holes: Array = order <= np.quantile(order, share)
    return holes


HOLES = {"blobs": blobs, "shadows of edges": shadows}


def middle(image: Array) -> Array:
    top, left = ((side - SIDE) // 2 for side in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]


def rmse(difference: Array) -> float:
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--frames", type=int, default=6, help="how many of the six")
    chosen = parser.parse_args()
    upscaler = load_model(None, "cpu")
    inside: dict[tuple[str, str, float], list[float]] = defaultdict(list)
    outside, seconds = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    entries = read_open_pairs(chosen.data)
    frames = [e for e in entries if isinstance(e, Frame) and e.name.startswith("mb05_")]
    low_shape = (SIDE // RATIO, SIDE // RATIO)
    placement = Placement.from_grid("centre", low_shape, (SIDE, SIDE))
    for frame in frames[: chosen.frames]:
        truth = middle(frame.depth[0][::2, ::2])
        half = (frame.colour.shape[0] // 2, frame.colour.shape[1] // 2)
        colour = middle(resize_pillow(frame.colour, half))
        small = np.clip(np.rint(resize_pillow(colour, low_shape)), 0, 255).astype(np.uint8)
        low = pillow_reduce(truth, RATIO)
        for kind, make in HOLES.items():
            for share in SHARES:
                hole = make(truth, share, np.random.default_rng(1))
                hole = hole.reshape(low_shape[0], RATIO, low_shape[1], RATIO).mean((1, 3)) > 0.5
                large = hole.repeat(RATIO, 0).repeat(RATIO, 1)
                for name, fill in FILLINGS.items():
                    began = time.perf_counter()
                    filled = fill(np.where(hole, 0, low).astype(np.float32), ~hole, small)
                    seconds[name].append(time.perf_counter() - began)
                    results = {name: resize_pillow(filled, truth.shape)}
                    if name in WITH_NETWORK:
                        pair = Pair(filled[..., None], colour, "depth", placement, "centre")
                        results[f"{name} + network"] = upscaler.answer(pair).image[..., 0]
                    for row, image in results.items():
                        inside[row, kind, share].append(rmse((image - truth)[large]))
                        outside[row].append(rmse((image - truth)[~large]))
        print(f"{frame.name} done", flush=True)
    head = [f"{kind} {share:.0%}" for kind in HOLES for share in SHARES]
    print(f"\n| filling | {' | '.join(head)} | outside | s |\n|{'---|' * (len(head) + 3)}")
    for row in outside:
        numbers = [f"{np.mean(inside[row, kind, s]):.2f}" for kind in HOLES for s in SHARES]
        spent = f"{np.mean(seconds[row]):.3f}" if row in seconds else ""
        print(f"| {row} | {' | '.join(numbers)} | {np.mean(outside[row]):.2f} | {spent} |")


if __name__ == "__main__":
    main()
