"""What a sentence changes: real pairs sharpened under other descriptions than the built-in one.

    python benchmarks/descriptions.py ../shared/data

For each pair and sentence it prints the error against the truth, and how far the result moves from
that under the built-in description (root mean square, relative to what the network adds).
"""

import argparse
from pathlib import Path

import numpy as np
from more_than_an_answer import pairs, score

from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.answers import Settings
from gisr.inference.upscaler import Upscaler
from gisr.weights.store import load_weights

SENTENCES = {
    "l7_22": (
        "Sharpen the colour bands of a Landsat scene with its panchromatic band, four times finer",
        "Pansharpening of WorldView-3 multispectral images guided by a panchromatic image "
        "at ratio 16",
    ),
    "brats_gli_00001_000": (
        "A T2-weighted brain scan to be brought to the resolution of the T1 scan, factor four",
        "Super-resolution of a FLAIR MR image guided by a PD MR image at ratio 16",
    ),
    "mb05_art": (
        "Make the disparity map of a still life as sharp as its photograph, four times larger",
        "Super-resolution of a depth map guided by a colour image at ratio 16",
    ),
}
COMMON = (
    "Super-resolution of a depth map guided by a colour image at ratio 4",
    "Super-resolution of a T2 MR image guided by T1 MR image at ratio 4",
    "a recipe for apple pie",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--side", type=int, default=256)
    chosen = parser.parse_args()
    upscaler = Upscaler(load_weights(None), "cpu")
    print("| pair | description | dB or RMSE | moved |\n|---|---|---|---|", flush=True)
    for entry in read_open_pairs(chosen.data):
        if entry.name not in SENTENCES:
            continue
        pair = next(iter(pairs(entry, 4, chosen.side, None)))
        built_in = upscaler.answer(pair).image
        added = np.sqrt(np.mean(np.square(built_in - pair.on_guide_grid())))
        print(f"| {pair.name} | built in | {score(pair, built_in):.4g} | |", flush=True)
        for sentence in (*SENTENCES[entry.name], *COMMON):
            image = upscaler.answer(pair, Settings(description=sentence)).image
            moved = np.sqrt(np.mean(np.square(image - built_in))) / added
            print(f"| | {sentence} | {score(pair, image):.4g} | {moved:.1%} |", flush=True)


if __name__ == "__main__":
    main()
