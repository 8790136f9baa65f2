"""The pictures of docs/satellite.md and docs/multiband.md: real pairs, sharpened by the command.

    python benchmarks/satellite_picture.py ../shared/data docs/images/satellite_l7_22.png
    python benchmarks/satellite_picture.py ../shared/data/index_more.json \\
        docs/images/multiband_s2.png --name s2_dsen2_t33uub --ratio 2 --metres 20

Reduces a test pair by Wald's protocol, writes it as GeoTIFFs, runs `gisr upscale` on the files, and
draws the square of 180 x 180 pixels on which bicubic interpolation errs most.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from whole_command import SHARPEN, run_measured, write_raster

from gisr.baselines.classical import load_baseline
from gisr.datasets.entry import Scene
from gisr.datasets.sources import read_entries
from gisr.experiments.demo_pictures import Sheet, draw_comparison
from gisr.experiments.evaluation import measure
from gisr.io.geotiff import read_geotiff
from gisr.metrics.definitions import METRICS
from gisr.tasks import find_task

NAMES = {"pansharpening": ("ms", "pan"), "multiband": ("coarse", "fine")}
"""What the files are called, by task."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--name", default="l7_22")
    parser.add_argument("--ratio", type=int, default=4)
    parser.add_argument("--metres", type=float, default=30.0, help="size of the truth's pixels")
    chosen = parser.parse_args()
    scene = next(entry for entry in read_entries(chosen.data) if entry.name == chosen.name)
    assert isinstance(scene, Scene)
    pair = scene.reduced_pair(chosen.ratio)
    with tempfile.TemporaryDirectory() as name:
        folder, (low, high) = Path(name), NAMES[scene.task]
        dtype = np.uint8 if scene.bits == 8 else np.uint16
        files = [
            str(write_raster(folder / f"{kind}.tif", np.rint(image).astype(dtype), metres))
            for kind, image, metres in (
                (low, pair.target, chosen.metres * chosen.ratio),
                (high, pair.guide, chosen.metres),
            )
        ]
        output = folder / "sharp.tif"
        words = [*SHARPEN, *files, "-o", str(output), "--sensor", str(scene.sensor)]
        words += ["--bits", str(scene.bits)]
        run_measured([*words, "--device", "cpu"], folder)
        sharp = read_geotiff(output).pixels.astype(np.float32)
    estimates = [("bicubic", load_baseline("bicubic").answer(pair).image), ("gisr", sharp)]
    lines = []
    metrics = find_task(scene.task).metrics[-3:]
    for system, image in estimates:
        scores = measure(metrics, image, pair, border=8)
        parts = [f"{METRICS[each].symbol} {scores[each]:.2f}" for each in metrics]
        lines.append(f"{system}: {', '.join(parts)}")
    sheet = Sheet(
        title=f"gisr upscale {low}.tif {high}.tif -o sharp.tif ({scene.sensor}, x{chosen.ratio})",
        subtitle=f"{scene.name} of the open test pairs; never trained on",
        guide="panchromatic" if scene.task == "pansharpening" else "fine bands",
        unit="levels of 255" if scene.bits == 8 else "digital numbers",
        lines=tuple(lines),
    )
    draw_comparison(chosen.picture, sheet, pair, estimates)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
