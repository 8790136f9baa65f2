"""How much better the weights do on what they were trained on than on what they never saw.

    python benchmarks/seen_and_unseen.py ../shared/data

Prints the gain over the reference (aligned GSA, zero-filling, bicubic) in dB, of RMSE for depth,
for entries of the training split and of the test split of a benchmark. Where the gain is as small
on training entries, data are not what is missing.
"""

import argparse
import math
from pathlib import Path
from statistics import fmean

from gisr.baselines.classical import load_baseline
from gisr.datasets.entry import Entry, Frame, Scan, Scene
from gisr.datasets.sources import read_entries
from gisr.experiments.benchmark import Benchmark, has_sensor
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.experiments.evaluation import measure
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler

CASES: tuple[tuple[str, int, str, int], ...] = (
    ("landsat7", 4, "gsa-aligned", 3),
    ("mri-t1-t2", 2, "zero-filled", 1),
    ("mri-t1-t2", 4, "zero-filled", 1),
    ("mri-t1-flair", 2, "zero-filled", 1),
    ("mri-t1-flair", 4, "zero-filled", 1),
    ("middlebury2005", 8, "bicubic", 5),
)
"""Benchmark, ratio, reference, and every which training entry is taken."""
SLICES = 3
"""Every third of a scan's test slices."""


def alike(benchmark: Benchmark, entry: Entry) -> bool:
    """Whether a training entry is of the kind that a benchmark's test entries are."""
    if entry.split != "train" or not entry.open or entry.task != benchmark.task:
        return False
    if isinstance(entry, Scan):
        return {"T1", benchmark.name.rsplit("-", 1)[1].upper()} <= set(entry.contrasts)
    if isinstance(entry, Frame):
        return entry.name.startswith("mb06")
    return isinstance(entry, Scene) and has_sensor(entry, "Landsat-7")


def gain(
    benchmark: Benchmark, entry: Entry, ratio: int, reference: str, upscaler: Upscaler
) -> tuple[float, float]:
    """Return the mean of the reference's metric, and the mean gain over it in dB."""
    metric, found = benchmark.metrics[0], []
    pairs = list(benchmark.pairs(entry, ratio))
    for pair in pairs[1::SLICES] if len(pairs) > 1 else pairs:
        systems = load_baseline(reference), upscaler
        before, after = (
            measure([metric], system.answer(pair).image, pair, benchmark.border)[metric]
            for system in systems
        )
        better = 20 * math.log10(before / after) if metric == "rmse" else after - before
        found.append((before, better))
    return fmean(before for before, _ in found), fmean(better for _, better in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="magnet-s")
    given = parser.parse_args()
    entries, upscaler = read_entries(given.data), load_model(given.weights)
    print("| benchmark | ratio | entry | seen in training | reference | gain, dB |")
    print("|---|---|---|---|---|---|")
    for name, ratio, reference, every in CASES:
        benchmark = next(each for each in BENCHMARKS if each.name == name)
        seen = [entry for entry in entries if alike(benchmark, entry)][::every]
        for members, said in ((seen, "yes"), (filter(benchmark.contains, entries), "no")):
            rows = []
            for entry in members:
                rows.append(gain(benchmark, entry, ratio, reference, upscaler))
                before, better = rows[-1]
                where = f"{name} | x{ratio} | {entry.name}"
                print(f"| {where} | {said} | {before:.2f} | {better:+.2f} |", flush=True)
            means = fmean(before for before, _ in rows), fmean(better for _, better in rows)
            print(f"| {name} | x{ratio} | **mean** | {said} | {means[0]:.2f} | {means[1]:+.2f} |")


if __name__ == "__main__":
    main()
