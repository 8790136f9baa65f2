"""What it costs that a target lies on another grid than its guide: `gisr upscale`, whole command.

    python benchmarks/other_grids.py ../shared/data --names l7_19 l7_22

Real pairs by Wald's protocol at x4. The target is written on the guide's grid; on one along the
same axes whose pixels begin elsewhere, which gisr takes as it is; on one turned by 10 degrees; and
in the neighbouring UTM zone. "Sampled there": as a sensor would have (the truth is warped finely,
then degraded). "Warped before": as if someone had warped the file (the target is warped by GDAL,
cubic), so that it is interpolated twice. PSNR in dB against the truth on the guide's grid.
"""

import argparse
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from jaxtyping import Float32
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject, transform
from whole_command import SHARPEN, run_measured

from gisr.data.degradations import wald
from gisr.data.pair import Pair
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.experiments.evaluation import measure
from gisr.io.geotiff import GeoReader, read_geotiff, read_header
from gisr.tasks.sensors import find_sensor

RATIO, METRES = 4, 30.0
HERE, ZONE = "EPSG:32633", "EPSG:32634"
CORNER = 700_000.0, 4_000_000.0
"""Of the guide, far from the middle of its zone: the two zones are turned by 3.5 degrees there."""
Image = Float32[np.ndarray, "H W bands"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--names", nargs="+", default=["l7_19", "l7_22"])
    chosen = parser.parse_args()
    found: dict[str, list[str]] = {}
    entries = {entry.name: entry for entry in read_open_pairs(chosen.data)}
    for name in chosen.names:
        entry = entries[name]
        assert isinstance(entry, Scene)
        pair = entry.reduced_pair(RATIO)
        for row, image, crs, grid in targets(pair):
            scores = [
                measure(("psnr",), estimate, pair, border=16)["psnr"]
                for estimate in estimates(pair, image, crs, grid)
            ]
            found.setdefault(row, []).extend(f"{score:.2f}" for score in scores)
            print(f"{name}, {row}: {scores}", flush=True)
    systems = [f"{name}, {system}" for name in chosen.names for system in ("cubic", "gisr")]
    print("| target | " + " | ".join(systems) + " |\n|---|" + "---|" * len(systems))
    for row, cells in found.items():
        print(f"| {row} | " + " | ".join(cells) + " |")


def targets(pair: Pair) -> Iterator[tuple[str, Image, str, Affine]]:
    """Yield a row's name, and the target with its CRS and transform."""
    truth, gain = pair.truth, find_sensor(pair.sensor).mtf_gain
    assert truth is not None
    yield "on the guide's grid", pair.target, HERE, north_up(METRES * RATIO)
    moved = north_up(METRES) @ Affine.translation(1.6 - 8 * RATIO, 1.6 - 8 * RATIO)
    sides = truth.shape[0] + 16 * RATIO, truth.shape[1] + 16 * RATIO
    image = wald(warp(truth, METRES, moved, HERE, sides), RATIO, gain)
    yield "moved by 0.4 of its pixels, sampled there", image, HERE, moved @ Affine.scale(RATIO)
    for place, crs in (("turned by 10 degrees", HERE), ("in the next UTM zone", ZONE)):
        fine, shape = around(truth.shape[:2], crs)
        sampled = wald(warp(truth, METRES, fine, crs, shape), RATIO, gain)
        coarse = fine @ Affine.scale(RATIO)
        yield f"{place}, sampled there", sampled, crs, coarse
        sides = shape[0] // RATIO, shape[1] // RATIO
        twice = warp(pair.target, METRES * RATIO, coarse, crs, sides)
        yield f"{place}, warped before", twice, crs, coarse


def north_up(metres: float) -> Affine:
    return Affine(metres, 0, CORNER[0], 0, -metres, CORNER[1])


def around(shape: tuple[int, int], crs: str) -> tuple[Affine, tuple[int, int]]:
    """Return a fine grid that covers the guide with room to spare: turned, or of the other zone."""
    height, width = (side * METRES for side in shape)
    middle = CORNER[0] + width / 2, CORNER[1] - height / 2
    side = math.ceil(1.2 * math.hypot(*shape) / RATIO) * RATIO
    angle = math.radians(10) if crs == HERE else 0.0
    ((x,), (y,)) = transform(HERE, crs, [middle[0]], [middle[1]])
    across, down = METRES * math.cos(angle), METRES * math.sin(angle)
    west, north = x - side / 2 * (across + down), y - side / 2 * (down - across)
    return Affine(across, down, west, down, -across, north), (side, side)


def warp(image: Image, metres: float, grid: Affine, crs: str, shape: tuple[int, int]) -> Image:
    """Return an image of the guide's place on another grid, mirrored where that goes beyond."""
    height, width = image.shape[:2]
    wide = np.pad(image, ((height // 2,) * 2, (width // 2,) * 2, (0, 0)), mode="symmetric")
    source = north_up(metres) @ Affine.translation(-(width // 2), -(height // 2))
    warped = np.empty((image.shape[2], *shape), np.float32)
    reproject(
        np.ascontiguousarray(np.moveaxis(wide, -1, 0)),
        warped,
        src_transform=source,
        src_crs=HERE,
        dst_transform=grid,
        dst_crs=crs,
        resampling=Resampling.cubic,
        XSCALE=1,
        YSCALE=1,
    )
    return np.ascontiguousarray(np.moveaxis(warped, 0, -1))


def estimates(pair: Pair, target: Image, crs: str, grid: Affine) -> tuple[Image, Image]:
    """Write a target and the pair's guide; return it interpolated by gisr, and sharpened."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, image, system, place in (
            ("ms", target, crs, grid),
            ("pan", pair.guide, HERE, north_up(METRES)),
        ):
            height, width, bands = image.shape
            with rasterio.open(
                folder / f"{kind}.tif", "w", driver="GTiff", height=height, width=width,
                count=bands, dtype="float32", crs=system, transform=place,
            ) as dataset:  # fmt: skip
                dataset.write(np.moveaxis(image, -1, 0))
        files = [str(folder / f"{kind}.tif") for kind in ("ms", "pan", "out")]
        words = [*SHARPEN, *files[:2], "-o", files[2], "--sensor", pair.sensor or "", "--quiet"]
        run_measured([*words, "--device", "cpu", "--threads", "1"], folder)
        with GeoReader(read_header(files[0])) as reader:
            whole = (slice(0, side) for side in pair.guide.shape[:2])
            interpolated, _ = reader.read_on(read_header(files[1]), *whole)
        return interpolated.astype(np.float32), read_geotiff(files[2]).pixels.astype(np.float32)


if __name__ == "__main__":
    main()
