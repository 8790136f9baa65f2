"""How far results in bfloat16 lie from those in float32: `--precision`.

    python benchmarks/precision_difference.py ../shared/data

Real pairs with a truth, reduced by their task's protocol, from crops of at most --side pixels (MR:
whole slices), the network's result without the correction by the target. Printed for each: the root
mean square of the difference over that of what the network adds in float32, and by how many dB the
root mean square error against the truth changes (above 0: bfloat16 is worse); for each task the
means over its pairs, and the largest change. A processor that emulates bfloat16 takes 20 times as
long for the same values.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from more_than_an_answer import BORDER, NAMES, pairs

from gisr.data.pair import Pair
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.answers import Settings
from gisr.inference.upscaler import Upscaler
from gisr.weights.store import load_weights


def root(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def scored(pair: Pair, image: np.ndarray) -> float:
    """Return the root mean square error of a result where it is scored."""
    assert pair.truth is not None
    border = BORDER[pair.task]
    inner = (slice(border, -border or None),) * 2
    error = (image - pair.truth)[inner]
    return root(error if pair.truth_valid is None else error[pair.truth_valid[inner]])


def compared(upscaler: Upscaler, pair: Pair) -> tuple[float, float]:
    """Return the relative difference, and the change of the error in dB."""
    single, half = (
        upscaler.answer(pair, Settings(consistent="never", precision=each)).image
        for each in ("float32", "bfloat16")
    )
    added = root(single - pair.on_guide_grid())
    return root(half - single) / added, 20 * float(
        np.log10(scored(pair, half) / scored(pair, single))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--ratio", type=int, default=4)
    parser.add_argument("--side", type=int, default=192)
    chosen = parser.parse_args()
    upscaler = Upscaler(load_weights(None), "cpu")
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    print("| pair | difference / added | change of the error, dB |\n|---|---|---|", flush=True)
    for entry in read_open_pairs(chosen.data):
        if entry.name not in chosen.names:
            continue
        for pair in pairs(entry, chosen.ratio, chosen.side, None):
            share, change = compared(upscaler, pair)
            found[pair.task].append((share, change))
            print(f"| {pair.name} | {share:.2%} | {change:+.4f} |", flush=True)
    print("\n| task | pairs | difference / added | change, dB | largest |\n|---|---|---|---|---|")
    for task, values in found.items():
        shares, changes = np.array(values).T
        largest = changes[np.abs(changes).argmax()]
        print(
            f"| {task} | {len(values)} | {shares.mean():.2%} | {changes.mean():+.4f} "
            f"| {largest:+.4f} |"
        )


if __name__ == "__main__":
    main()
