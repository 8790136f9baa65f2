"""Two choices of the depth command, measured: no 1/depth, and no network at ratio 1.

    python benchmarks/depth_choices.py ../shared/data

The first table reduces the middle 480 x 480 pixels of sensor frames by 4 and sharpens depth as it
is, or as 1/depth and back: RMSE in metres over known pixels. The second gives the network a
disparity map that has the picture's size and no error (256 x 256 pixels of Middlebury 2005): what
it changes is error, in pixels.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair
from gisr.datasets.entry import Frame
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.loading import load_model
from gisr.metrics import rmse
from gisr.placement import Placement

SENSORS = (
    "nyu_esanet",
    "nyu_metric3d_00000",
    "nyu_metric3d_00050",
    "nyu_metric3d_00100",
    "nyu_unidepth",
)
COMPLETE = {"mb05_art": (400, 500), "mb05_reindeer": (500, 500)}
MIDDLE = slice(0, 480), slice(64, 544)
MOST_METRES, LEAST_METRES, RATIO, SIDE = 60.0, 0.1, 4, 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--names", nargs="*", default=[*SENSORS, *COMPLETE])
    chosen = parser.parse_args()
    frames = {entry.name: entry for entry in read_open_pairs(chosen.data)}
    upscaler = load_model(None, "cpu")
    print("| frame | bicubic | network on depth | network on 1/depth |\n|---|---|---|---|")
    for name in (name for name in SENSORS if name in chosen.names):
        frame = frames[name]
        assert isinstance(frame, Frame)
        values, valid = (image[MIDDLE] for image in frame.depth)
        known = valid & (values < MOST_METRES)
        pair = depth_pair(values, frame.colour[MIDDLE], RATIO, valid=known)
        assert pair.truth is not None
        turned = replace(pair, target=1 / np.maximum(pair.target, LEAST_METRES))
        results = (
            pair.on_guide_grid(),
            upscaler.answer(pair).image,
            1 / np.maximum(upscaler.answer(turned).image, 1e-3),
        )
        cells = [f"{rmse(image, pair.truth, valid=pair.truth_valid):.4f}" for image in results]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print("\n| frame | RMSE of the network at ratio 1 | largest error |\n|---|---|---|")
    for name in (name for name in COMPLETE if name in chosen.names):
        frame, (top, left) = frames[name], COMPLETE[name]
        assert isinstance(frame, Frame)
        window = slice(top, top + SIDE), slice(left, left + SIDE)
        truth = frame.depth[0][window][..., None]
        placement = Placement.from_grid("centre", (SIDE, SIDE), (SIDE, SIDE))
        pair = Pair(truth, frame.colour[window], "depth", placement, "centre")
        error = np.abs(upscaler.answer(pair).image - truth)
        print(f"| {name} | {rmse(error, 0 * error):.2f} | {error.max():.1f} |", flush=True)


if __name__ == "__main__":
    main()
