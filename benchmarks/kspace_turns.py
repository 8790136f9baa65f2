"""What turns of k-space consistency and clipping at 0 do to MR slices, clean and noisy.

    python benchmarks/kspace_turns.py ../shared/data

Prints the mean PSNR over slices of the test subjects for the network's result, the same clipped at
0, and after 1, 3, 10, 20 and 40 turns. Noise is added to the target, as a share of its range; the
truth stays clean.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from gisr.data.pair import Pair
from gisr.data.sources import read_entries
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.inference import consistency
from gisr.inference.consistency import Consistency, consistent_kspace
from gisr.inference.upscaler import load_model
from gisr.metrics import psnr

TURNS = (1, 3, 10, 20, 40)
CASES = ((2, 0.0), (4, 0.0), (8, 0.0), (2, 0.01), (4, 0.01), (2, 0.03))
EVERY = 9


def noisy(pair: Pair, share: float, rng: np.random.Generator) -> Pair:
    noise = rng.normal(0, share * np.ptp(pair.target), pair.target.shape)
    return replace(pair, target=pair.target + noise.astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    entries = read_entries(parser.parse_args().data)
    upscaler, rng = load_model(), np.random.default_rng(0)
    heads = ("as it is", "clipped", *(f"{turns} turns" for turns in TURNS))
    print("| contrast | ratio | noise | " + " | ".join(heads) + " |")
    print("|---" * (len(heads) + 3) + "|")
    for name, contrast in (("mri-t1-t2", "T2"), ("mri-t1-flair", "FLAIR")):
        benchmark = next(each for each in BENCHMARKS if each.name == name)
        members = [entry for entry in entries if benchmark.contains(entry)]
        for ratio, share in CASES:
            scores = []
            for pair in (p for e in members for p in list(benchmark.pairs(e, ratio))[2::EVERY]):
                given = noisy(pair, share, rng) if share else pair
                plain = upscaler.answer(given, consistent=False).image
                images = [plain, np.maximum(plain, 0)]
                for turns in TURNS:
                    consistency._TURNS = turns
                    images.append(consistent_kspace(plain, given, Consistency()))
                peak = pair.peak or 1.0
                scores.append([psnr(image, pair.truth, peak=peak) for image in images])
            means = " | ".join(f"{value:.2f}" for value in np.mean(scores, axis=0))
            print(f"| {contrast} | x{ratio} | {share:.0%} | {means} |", flush=True)


if __name__ == "__main__":
    main()
