"""Targets that are not made as the network has learnt: samples, means of areas, far fields.

    python benchmarks/depth_targets.py ../shared/data

The first table takes every n-th pixel of frames, means of their areas, or their bicubic reduction,
and sharpens each: RMSE as a share of that of the better of linear and nearest enlargement, of the
network alone and of the result, mean of the frames of sensors and of those of Middlebury. The
second puts a field of 40 to 80 m behind frames in metres: RMSE on the near surfaces in metres.
With `--noise 0.03` (a share of a frame's range) the first table alone, of noisy targets.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.data.resample import area_to_target, bicubic_to_target
from gisr.datasets.entry import Frame
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.answers import Settings
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.metrics import rmse
from gisr.placement import Placement
from gisr.tasks import TASKS

SIDE, RATIOS, BORDER, FAR = 240, (3, 4, 5, 8), 6, 75
KINDS = ("sampled", "averaged", "bicubic")
GROUPS = ("sensors", "Middlebury")


def noisy(pair: Pair, share: float, truth: np.ndarray) -> Pair:
    """Return a pair with white noise on its target, a share of the range of the truth, above 0."""
    noise = np.random.default_rng(0).normal(0, share * np.ptp(truth), pair.target.shape)
    return replace(pair, target=np.maximum(pair.target + noise, 1e-3).astype(np.float32))


def reduced(truth: np.ndarray, ratio: int, kind: str) -> np.ndarray:
    """Return a truth whose sides are multiples of the ratio, made coarse."""
    if kind == "sampled":
        return truth[ratio // 2 :: ratio, ratio // 2 :: ratio]
    low = truth.shape[0] // ratio, truth.shape[1] // ratio
    reduce = area_to_target if kind == "averaged" else bicubic_to_target
    return reduce(truth, low, Placement.from_grid("centre", low, truth.shape[:2]))


def pair_of(low: np.ndarray, colour: np.ndarray) -> Pair:
    """Return a pair of a coarse depth map and a picture."""
    placement = Placement.from_grid("centre", low.shape, colour.shape[:2])
    return Pair(low[..., None].astype(np.float32), colour, "depth", placement, "centre")


def alone(upscaler: Upscaler, pair: Pair) -> np.ndarray:
    """Return what the network answers, without what is done for surfaces."""
    record = TASKS["depth"]
    TASKS["depth"] = replace(record, surfaces=False)
    try:
        return upscaler.answer(pair, Settings(consistent="never")).image[..., 0]
    finally:
        TASKS["depth"] = record


def middles(data: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the middle of every test frame: depth without holes, and colours."""
    found = {}
    for entry in read_open_pairs(data):
        if isinstance(entry, Frame) and entry.split in ("test", "val"):
            values, valid = entry.depth
            top, left = ((side - SIDE) // 2 for side in values.shape)
            part = slice(top, top + SIDE), slice(left, left + SIDE)
            if valid[part].any():
                found[entry.name] = fill_holes(values[part], valid[part]), entry.colour[part]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--ratios", nargs="*", type=int, default=RATIOS)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--noise", type=float, default=0.0)
    chosen = parser.parse_args()
    frames, upscaler = middles(chosen.data), load_model(None, "cpu")
    groups = " | ".join(f"{name}: network alone | result | worst" for name in GROUPS)
    print(f"| made by | ratio | {groups} |\n|---|---|{'---|' * 6}")
    for kind in chosen.kinds:
        for ratio in chosen.ratios:
            shares: dict[bool, list[list[float]]] = {False: [], True: []}
            for name, (depth, colour) in frames.items():
                side = SIDE // ratio * ratio
                truth, picture = depth[:side, :side], colour[:side, :side]
                pair = noisy(pair_of(reduced(truth, ratio, kind), picture), chosen.noise, truth)
                usual = min(
                    _error(cv2.resize(pair.target[..., 0], (side, side), interpolation=how), truth)
                    for how in (cv2.INTER_LINEAR, cv2.INTER_NEAREST)
                )
                result = upscaler.answer(pair).image[..., 0]
                images = alone(upscaler, pair), result
                shares[name.startswith("mb")].append(
                    [_error(image, truth) / usual for image in images]
                )
            cells = [kind, str(ratio)]
            for group in shares.values():
                means, worst = np.mean(group, axis=0), np.max(group, axis=0)[1]
                cells += [f"{value:.2f}" for value in (*means, worst)]
            print(f"| {' | '.join(cells)} |", flush=True)
    if not chosen.noise:
        _far_fields(frames, upscaler)


def _far_fields(frames: dict[str, tuple[np.ndarray, np.ndarray]], upscaler: Upscaler) -> None:
    print("\n| frame before a far field, means by 4 | linear | network alone | result |")
    print("|---|---|---|---|")
    for name, (depth, colour) in frames.items():
        near = 2.5 * np.median(depth) / np.maximum(depth, 1e-3) if depth.max() > 30 else depth
        far = ndimage.binary_opening(near > np.percentile(near, FAR), iterations=3)
        field = 80 - 40 * np.linspace(0, 1, SIDE)[:, None]
        truth = np.where(far, field, near).astype(np.float32)
        pair = pair_of(reduced(truth, 4, "averaged"), colour)
        counted = ~ndimage.binary_dilation(far, iterations=16)
        linear = cv2.resize(pair.target[..., 0], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        images = linear, alone(upscaler, pair), upscaler.answer(pair).image[..., 0]
        errors = [float(np.sqrt(np.mean((image - truth)[counted] ** 2))) for image in images]
        print(f"| {name} | {' | '.join(f'{error:.3f}' for error in errors)} |", flush=True)


def _error(image: np.ndarray, truth: np.ndarray) -> float:
    inner = slice(BORDER, -BORDER)
    return rmse(image[inner, inner, None], truth[inner, inner, None])


if __name__ == "__main__":
    main()
