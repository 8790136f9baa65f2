"""What sharpening a usual file of each task costs: whole commands, models and threads.

    python benchmarks/usual_files.py ../shared/data --models magnet-s magnet-xs --threads 1 2

A generated scene of four bands, 2,000 pixels of its panchromatic band a side, x4; a T2 volume of
148 x 198 x 100 voxels with half of its k-space along both axes of its slices, by its T1; a depth
frame of 640 x 480 of which each fourth pixel is left. CPU seconds and seconds by the clock are the
least of several rounds, in each of which all commands take their turn.
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from whole_command import SHARPEN, Cost, run_measured, write_scene

from gisr.data.degradations import kspace_crop
from gisr.io.volumes.nifti import read_nifti

SUBJECT, FRAME = "mri/brats_gli_00001_000", "depth/icl_ch12_1"
IN_PLANE, DEPTH_RATIO = 2, 4


def write_volumes(data: Path, folder: Path) -> tuple[Path, Path]:
    """Write a real T2 at half of its resolution in the plane, and its T1."""
    files = folder / "sub_T2w.nii.gz", folder / "sub_T1w.nii.gz"
    target, guide = (
        read_nifti(data / SUBJECT / name).voxels for name in ("T2.nii.gz", "T1.nii.gz")
    )
    low = np.stack([kspace_crop(part, IN_PLANE) for part in np.moveaxis(target, 2, 0)], axis=2)
    for path, voxels, size in zip(files, (low, guide), (IN_PLANE, 1), strict=True):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([size, size, 1, 1])), path)
    return files


def write_frame(data: Path, folder: Path) -> tuple[Path, Path]:
    """Write each fourth pixel of a depth frame, and its picture."""
    files = folder / "depth.png", folder / "colour.png"
    depth = np.asarray(Image.open(data / f"{FRAME}_depth.png"))
    middle = slice(DEPTH_RATIO // 2, None, DEPTH_RATIO)
    Image.fromarray(depth[middle, middle]).save(files[0])
    Image.open(data / f"{FRAME}_rgb.png").save(files[1])
    return files


def least(one: Cost | None, other: Cost) -> Cost:
    if one is None:
        return other
    return Cost(
        min(one.seconds, other.seconds),
        min(one.cpu_seconds, other.cpu_seconds),
        min(one.peak_bytes, other.peak_bytes),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["magnet-s", "magnet-xs"])
    parser.add_argument("--threads", nargs="+", default=["1"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", type=int, default=2000, help="of the generated scene")
    given = parser.parse_args()
    found: dict[tuple[str, str, str], Cost] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        usual = {
            f"satellite, {given.side} x {given.side} x 4": (write_scene(folder, given.side), "tif"),
            "MR, 148 x 198 x 100": (write_volumes(given.data, folder), "nii.gz"),
            "depth, 640 x 480": (write_frame(given.data, folder), "png"),
        }
        for _ in range(given.rounds):
            for case in product(usual, given.models, given.threads):
                (target, guide), ending = usual[case[0]]
                words = [*SHARPEN, str(target), str(guide), "-o", str(folder / f"out.{ending}")]
                words += ["--model", case[1], "--threads", case[2], "--device", "cpu"]
                cost = run_measured([*words, "--overwrite"], folder)
                found[case] = least(found.get(case), cost)
    print("| file | model | threads | CPU s | seconds | peak MB |\n|---|---|---|---|---|---|")
    for case, cost in found.items():
        told = f"{cost.cpu_seconds:.1f} | {cost.seconds:.1f} | {cost.peak_bytes / 1e6:.0f}"
        print(f"| {' | '.join(case)} | {told} |")


if __name__ == "__main__":
    main()
