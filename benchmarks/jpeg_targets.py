"""What agreement with the target is worth where JPEG changed the target.

    python benchmarks/jpeg_targets.py ../shared/data

The open test scenes of wrong_degradation.py at x4, crops of 256 truth pixels, three bands of 8
bits, stored as GeoTIFFs: without loss, as YCbCr (chroma at half the resolution) and as RGB, by
quality. PSNR in dB of the command's result with --consistent and with --no-consistent, means over
the scenes, and what agreement adds: mean, worst and best.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from wrong_degradation import SCENES, SIDE

from gisr.data.pair import Pair
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.pipelines import Options, upscale_files

BORDER, BANDS, PEAK = 8, 3, 255
QUALITIES = (100, 95, 90, 75, 50, 20)
Image = np.ndarray


def storages() -> dict[str, Mapping[str, object]]:
    """Return creation options by name."""
    kinds: dict[str, Mapping[str, object]] = {"without loss": {}}
    for quality in QUALITIES:
        for colours in ("ycbcr", "rgb"):
            options = {"compress": "jpeg", "jpeg_quality": quality, "photometric": colours}
            kinds[f"{colours} {quality}"] = options
    return kinds


def write(path: Path, image: Image, pixel: float, options: Mapping[str, object]) -> Path:
    """Write a GeoTIFF whose upper left corner is that of all others."""
    rows, columns, bands = image.shape
    shape = {"height": rows, "width": columns, "count": bands, "dtype": image.dtype}
    place = {"crs": "EPSG:32633", "transform": from_origin(5e5, 4.6e6, pixel, pixel)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place, **options) as file:
        file.write(np.moveaxis(image, -1, 0))
    return path


def scores(upscaler: Upscaler, pair: Pair, options: Mapping[str, object]) -> list[float]:
    """Return the PSNR with and without agreement."""
    assert pair.truth is not None
    truth, target = (np.asarray(image)[..., :BANDS] for image in (pair.truth, pair.target))
    scale = 0.98 * PEAK / np.percentile(truth, 99.8)
    truth = np.clip(truth * scale, 0, PEAK)[BORDER:-BORDER, BORDER:-BORDER]
    guide = np.rint(pair.guide * (60_000 / pair.guide.max())).astype(np.uint16)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        low = np.clip(np.rint(target * scale), 0, PEAK).astype(np.uint8)
        target_path = write(folder / "ms.tif", low, pair.ratio, options)
        guide_path = write(folder / "pan.tif", guide, 1, {})
        for consistent in (True, False):
            chosen = Options(consistent=consistent, sensor=pair.sensor, overwrite=True)
            upscale_files(upscaler, target_path, guide_path, folder / "out.tif", chosen)
            with rasterio.open(folder / "out.tif") as file:
                image = np.moveaxis(file.read(), 0, -1)[BORDER:-BORDER, BORDER:-BORDER]
            found.append(10 * np.log10(PEAK**2 / np.square(image - truth).mean()))
    return found


def main() -> None:
    """Measure all scenes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="magnet-s")
    chosen = parser.parse_args()
    entries = {entry.name: entry for entry in read_open_pairs(chosen.data)}
    scenes = [entry for name in SCENES if isinstance(entry := entries[name], Scene)]
    upscaler = load_model(chosen.model, device="cpu", precision="float32")
    print("| target | agreeing | network alone | gain | worst | best |\n|---|---|---|---|---|---|")
    for name, options in storages().items():
        found = np.array(
            [scores(upscaler, scene.reduced_pair(4, side=SIDE), options) for scene in scenes]
        )
        gain = found[:, 0] - found[:, 1]
        agreeing, alone = found.mean(axis=0)
        print(
            f"| {name} | {agreeing:.2f} | {alone:.2f} | {gain.mean():+.2f} | {gain.min():+.2f} | "
            f"{gain.max():+.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
