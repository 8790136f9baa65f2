"""What a guide that is off costs an MR result, and what `--align auto` brings back.

    python benchmarks/mri_shifted_guides.py ../shared/data

T2 guided by T1 at x4 (k-space crop within the slices), subjects of the validation and test splits.
The T1 is moved by 0 to 4 voxels along all three axes (to and fro: +, -, +), then taken as it is, or
after the shift was estimated from the whole volumes and undone as `gisr upscale` does. PSNR in dB
of slices spread over the middle of each volume, peak the volume's maximum.
"""

import argparse
from pathlib import Path

import numpy as np
from mri_alignment import RATIO, estimate
from scipy import ndimage

from gisr.data.protocols import kspace_pair
from gisr.datasets.entry import Scan
from gisr.datasets.open_pairs import read_open_pairs
from gisr.estimation.volume_motion import moved_guide
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.metrics import psnr

SHIFTS = (0.0, 0.5, 1.0, 2.0, 4.0)
DIRECTION = np.array([1.0, -1.0, 1.0])
Volume = np.ndarray


def trimmed(volume: Volume) -> Volume:
    """Return a volume whose slices have sides that are multiples of the ratio."""
    rows, columns = (side // RATIO * RATIO for side in volume.shape[:2])
    return volume[:rows, :columns]


def quality(upscaler: Upscaler, target: Volume, guide: Volume, slices: list[int]) -> float:
    """Return the mean PSNR of some slices."""
    peak, found = float(target.max()), []
    for index in slices:
        pair = kspace_pair(
            target[..., index],
            guide[..., index],
            RATIO,
            contrast="T2",
            guide_contrast="T1",
            peak=peak,
        )
        assert pair.truth is not None
        found.append(psnr(upscaler.answer(pair).image, pair.truth, peak=peak))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--slices", type=int, default=2, help="of each volume")
    parser.add_argument("--shifts", type=float, nargs="+", default=SHIFTS)
    chosen = parser.parse_args()
    upscaler = load_model(device="cpu")
    found: dict[float, list[tuple[float, float]]] = {shift: [] for shift in chosen.shifts}
    for scan in read_open_pairs(chosen.data):
        if not isinstance(scan, Scan) or scan.split not in ("val", "test"):
            continue
        target, guide = (trimmed(scan.volume(contrast)) for contrast in ("T2", "T1"))
        depth = target.shape[2]
        slices = np.linspace(0.35 * depth, 0.65 * depth, chosen.slices).astype(int).tolist()
        for shift in chosen.shifts:
            moved = guide
            if shift:
                moved = ndimage.shift(guide, shift * DIRECTION, order=3, mode="nearest")
            off = quality(upscaler, target, moved, slices)
            seen, auto = estimate(target, moved), off
            if seen.applied:
                auto = quality(upscaler, target, moved_guide(moved, seen.move), slices)
            found[shift].append((off, auto))
            print(f"{scan.name}, {shift} voxels: {off:.2f} dB, {auto:.2f} dB: {seen.note}")
    print("| moved by, voxels | as it is | --align auto | worst difference of a pair |")
    print("|---|---|---|---|")
    for shift, values in found.items():
        off, auto = np.mean(values, axis=0)
        worst = min(aligned - plain for plain, aligned in values)
        print(f"| {shift:g} | {off:.2f} | {auto:.2f} | {worst:+.2f} |")


if __name__ == "__main__":
    main()
