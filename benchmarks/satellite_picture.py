"""The picture of docs/satellite.md: a real pair, sharpened by the command itself.

    python benchmarks/satellite_picture.py ../shared/data docs/images/satellite_l7_22.png

Reduces an open test pair by Wald's protocol, writes it as 8-bit GeoTIFFs, runs `gisr upscale` on
the files, and draws the square of 180 x 180 pixels on which bicubic interpolation errs most.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from whole_command import SHARPEN, run_measured, write_raster

from gisr.baselines.classical import load_baseline
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.experiments.demo_pictures import Sheet, draw_comparison
from gisr.experiments.evaluation import measure
from gisr.io.geotiff import read_geotiff

METRES = 30.0
"""Size of the truth's pixels: Landsat's multispectral bands."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--name", default="l7_22")
    parser.add_argument("--ratio", type=int, default=4)
    chosen = parser.parse_args()
    scene = next(entry for entry in read_open_pairs(chosen.data) if entry.name == chosen.name)
    assert isinstance(scene, Scene)
    pair = scene.reduced_pair(chosen.ratio)
    with tempfile.TemporaryDirectory() as name:
        folder, images = Path(name), {"ms": pair.target, "pan": pair.guide}
        sizes = {"ms": METRES * chosen.ratio, "pan": METRES}
        files = [
            str(write_raster(folder / f"{kind}.tif", np.rint(image).astype(np.uint8), sizes[kind]))
            for kind, image in images.items()
        ]
        output = folder / "sharp.tif"
        words = [*SHARPEN, *files, "-o", str(output), "--sensor", "Landsat-7", "--bits", "8"]
        run_measured([*words, "--device", "cpu"], folder)
        sharp = read_geotiff(output).pixels.astype(np.float32)
    estimates = [("bicubic", load_baseline("bicubic").answer(pair).image), ("gisr", sharp)]
    lines = []
    for system, image in estimates:
        scores = measure(("psnr", "sam", "ergas"), image, pair, border=8)
        lines.append(
            f"{system}: PSNR {scores['psnr']:.2f} dB, SAM {scores['sam']:.2f}, "
            f"ERGAS {scores['ergas']:.2f}"
        )
    sheet = Sheet(
        title=f"gisr upscale ms.tif pan.tif -o sharp.tif ({scene.sensor}, x{chosen.ratio})",
        subtitle=f"{scene.name} of the open test pairs, USGS public domain; never trained on",
        guide="panchromatic",
        unit="levels of 255",
        lines=tuple(lines),
    )
    draw_comparison(chosen.picture, sheet, pair, estimates)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
