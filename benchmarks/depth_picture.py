"""The picture of docs/depth.md: a real pair with holes, sharpened and filled by the command itself.

    python benchmarks/depth_picture.py ../shared/data docs/images/depth_moebius.png

A complete disparity map of the open test pairs, at half size, is reduced by 4 and loses 15 % to
shadows of edges and 5 % to blobs, as stereo and structured light leave them. It is written as a
16-bit PNG in steps of 1/256 pixel, `gisr upscale` runs on the files, and the square of 170 x 170
pixels is drawn on which the usual way (nearest known value, bicubic) errs most.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from fill_holes import blobs, shadows
from PIL import Image

from gisr.apps.cli import main as run
from gisr.data.degradations import pillow_reduce
from gisr.data.pair import Pair
from gisr.data.resample import resize_pillow
from gisr.datasets.entry import Frame
from gisr.datasets.open_pairs import read_open_pairs
from gisr.errors import GisrError
from gisr.experiments.demo_pictures import Sheet, draw_comparison
from gisr.io.depth.maps import read_depth
from gisr.metrics import rmse
from gisr.placement import Placement

RATIO, SIDE, STEPS = 4, 448, 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--name", default="mb05_moebius")
    chosen = parser.parse_args()
    frame = next(entry for entry in read_open_pairs(chosen.data) if entry.name == chosen.name)
    assert isinstance(frame, Frame)
    truth = frame.depth[0][::2, ::2][:SIDE, :SIDE]
    colour = resize_pillow(frame.colour, tuple(side // 2 for side in frame.colour.shape[:2]))
    colour = np.clip(np.rint(colour), 0, 255).astype(np.uint8)[:SIDE, :SIDE]
    random = np.random.default_rng(0)
    hole = shadows(truth, 0.15, random) | blobs(truth, 0.05, random)
    valid = hole.reshape(SIDE // RATIO, RATIO, -1, RATIO).mean((1, 3)) < 0.5
    stored = np.rint(pillow_reduce(truth, RATIO) * STEPS).astype(np.uint16) * valid
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(stored).save(folder / "depth.png")
        Image.fromarray(colour).save(folder / "colour.png")
        files = [str(folder / f"{kind}.png") for kind in ("depth", "colour", "sharp", "mask")]
        words = [files[0], files[1], "-o", files[2], "--fill-holes", "--mask", files[3]]
        if run(["upscale", *words, "--device", "cpu"]):
            raise GisrError("the command failed")
        sharp = read_depth(files[2]).values[..., None] / STEPS
        filled = np.asarray(Image.open(files[3])) == 255
    pair = Pair(
        (stored / STEPS).astype(np.float32)[..., None],
        colour.astype(np.float32),
        "depth",
        Placement.from_grid("centre", valid.shape, truth.shape),
        "centre",
        valid=valid,
        truth=truth[..., None],
    )
    estimates = [("nearest + bicubic", pair.on_guide_grid()), ("gisr", sharp)]
    lines = [f"{filled.mean():.0%} of the pixels were holes; RMSE in px:"]
    for system, image in estimates:
        inside, outside = (
            rmse(image, truth[..., None], border=0, valid=where) for where in (filled, ~filled)
        )
        lines.append(f"{system}: {inside:.2f} in holes, {outside:.2f} elsewhere")
    sheet = Sheet(
        title="gisr upscale depth.png colour.png -o sharp.png --fill-holes --mask mask.png",
        subtitle=f"{frame.name} of the open test pairs (Middlebury 2005, disparity), x{RATIO}; "
        "holes made as stereo leaves them; never trained on",
        guide="colour",
        unit="pixels of disparity",
        lines=tuple(lines),
    )
    draw_comparison(chosen.picture, sheet, pair, estimates, window_side=170)
    Image.open(chosen.picture).save(chosen.picture, optimize=True)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
