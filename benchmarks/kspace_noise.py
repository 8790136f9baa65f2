"""What agreement with the measured k-space does to MR slices, clean and noisy.

    python benchmarks/kspace_noise.py ../shared/data

Prints the mean PSNR over slices of the test subjects for the network's result, for agreement to the
letter, and for agreement as far as noise lets the target be believed, which is the default.
Noise is added to the target, as a share of its range; the truth stays clean.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from gisr.data.pair import Pair
from gisr.datasets.sources import read_entries
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.inference.answers import Settings
from gisr.inference.consistency.kspace_projection import (
    Floor,
    nearest_image,
    noise_to_error_ratio,
)
from gisr.inference.loading import load_model
from gisr.metrics import psnr

CASES = ((2, 0.0), (4, 0.0), (8, 0.0), (2, 0.003), (2, 0.01), (4, 0.01), (2, 0.03))
EVERY = 9
HEADS = (
    "contrast",
    "ratio",
    "noise",
    "network alone",
    "to the letter",
    "by default",
    "noise to error",
)


def noisy(pair: Pair, share: float, rng: np.random.Generator) -> Pair:
    noise = rng.normal(0, share * np.ptp(pair.target), pair.target.shape)
    return replace(pair, target=pair.target + noise.astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    entries = read_entries(parser.parse_args().data)
    upscaler, rng = load_model(), np.random.default_rng(0)
    print(f"| {' | '.join(HEADS)} |")
    print("|---" * len(HEADS) + "|")
    for name, contrast in (("mri-t1-t2", "T2"), ("mri-t1-flair", "FLAIR")):
        benchmark = next(each for each in BENCHMARKS if each.name == name)
        members = [entry for entry in entries if benchmark.contains(entry)]
        for ratio, share in CASES:
            scores, ratios = [], []
            for pair in (p for e in members for p in list(benchmark.pairs(e, ratio))[2::EVERY]):
                given = noisy(pair, share, rng) if share else pair
                assert pair.truth is not None
                low = given.target[..., 0]
                plain = upscaler.answer(given, Settings(consistent="never")).image[..., 0]
                known = np.ones(low.shape, bool)
                ratios.append(noise_to_error_ratio(plain, low, known))
                agreeing = partial(nearest_image, plain, low, known, floor=Floor(0.0))
                images = plain, agreeing(noise_to_error=0.0), agreeing()
                peak = pair.peak or 1.0
                scores.append([psnr(image, pair.truth[..., 0], peak=peak) for image in images])
            means = " | ".join(f"{value:.2f}" for value in np.mean(scores, axis=0))
            middle = f"{np.median(ratios):.2g}"
            print(f"| {contrast} | x{ratio} | {share:.1%} | {means} | {middle} |", flush=True)


if __name__ == "__main__":
    main()
