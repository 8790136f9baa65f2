"""Raw frames of depth sensors through the command: holes filled, RMSE where the truth is known.

    python benchmarks/sensor_frames.py ../shared/data

Every frame of the open and closed test pairs that has a sensor's own holes loses more: where its
mirror image has a hole, so the new holes are as large and ragged as real ones, and their truth is
known. Two runs: the frame as it is (the depth map has the picture's size), and binned by 4 (mean
of the known of 16 pixels, unknown where fewer than half are). The output of `gisr upscale
--fill-holes` is compared, in metres, with the nearest known value (and bicubic interpolation).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from gisr.apps.cli import main as run
from gisr.data.degradations import fill_holes
from gisr.data.resample import resize_pillow
from gisr.datasets.entry import Frame
from gisr.datasets.open_pairs import read_open_pairs
from gisr.errors import GisrError
from gisr.io.depth.maps import read_depth

MOST_METRES = 20.0
"""A frame with most values beyond it is in no metres (one is not) and is left out."""
Array = np.ndarray


def binned(values: Array, known: Array, ratio: int) -> tuple[Array, Array]:
    rows, columns = (side // ratio for side in values.shape)
    blocks = (rows, ratio, columns, ratio)
    count = known.reshape(blocks).sum((1, 3))
    total = np.where(known, values, 0).reshape(blocks).sum((1, 3))
    return (total / np.maximum(count, 1)).astype(np.float32), count * 2 >= ratio**2


def filled_by_command(values: Array, known: Array, colour: Array) -> Array:
    with tempfile.TemporaryDirectory() as name:
        depth, picture, output = (str(Path(name, file)) for file in ("d.npy", "c.png", "o.npy"))
        np.save(depth, np.where(known, values, 0).astype(np.float32))
        Image.fromarray(colour.astype(np.uint8)).save(picture)
        words = [depth, picture, "-o", output, "--fill-holes", "--quiet", "--device", "cpu"]
        if run(["upscale", *words]):
            raise GisrError("the command failed")
        return read_depth(output).values


def rmse(difference: Array) -> float:
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--ratios", type=int, nargs="+", default=[1, 4])
    chosen = parser.parse_args()
    columns = "nearest, in holes | gisr, in holes | nearest, elsewhere | gisr, elsewhere"
    print(f"| frame | ratio | own holes | new holes | {columns} |\n|{'---|' * 8}", flush=True)
    for frame in read_open_pairs(chosen.data):
        if not isinstance(frame, Frame) or frame.split != "test" or frame.unit != "m":
            continue
        truth, valid = frame.depth
        if np.median(truth[valid]) > MOST_METRES:
            continue
        removed = valid & ~np.fliplr(valid)
        for ratio in chosen.ratios:
            low, known = binned(truth, valid & ~removed, ratio)
            ours = filled_by_command(low, known, frame.colour)
            plain = fill_holes(low, known)
            theirs = plain if ratio == 1 else resize_pillow(plain, truth.shape)
            shown = known.repeat(ratio, 0).repeat(ratio, 1)
            cells = [f"{1 - valid.mean():.0%}", f"{removed.mean():.0%}"]
            for where in (valid & ~shown, valid & shown):
                cells += [f"{rmse((image - truth)[where]):.3f}" for image in (theirs, ours)]
            print(f"| {frame.name} | {ratio} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
